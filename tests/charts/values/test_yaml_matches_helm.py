"""The YAML reader sees in a file what Helm sees in it; what it writes, Helm reads back unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from depin_helm import yamlio
from tests.charts.values.conftest import Probe

SCALARS = Path(__file__).with_name("scalars.txt")

NUMBERLIKE = st.text("0123456789.eE+-_xob:~ynNfa", min_size=1, max_size=7)


def as_helm(value: Any) -> Any:
    """Numbers as Helm has them, 64-bit floats: 1 equals 1.0, and both lose the same digits."""
    if isinstance(value, dict):
        return {key: as_helm(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_helm(item) for item in value]
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def test_scalars_mean_what_they_mean_to_helm(probe: Probe) -> None:
    text = "values:\n" + "".join(f"- {scalar}\n" for scalar in SCALARS.read_text().splitlines())
    expected = probe.values(text)
    assert as_helm(yamlio.parse_values(text, "probe").data) == as_helm(expected)


def test_a_number_that_a_template_writes_otherwise_than_the_file_is_known(probe: Probe) -> None:
    scalars = SCALARS.read_text().splitlines()
    text = "values:\n" + "".join(f"- {scalar}\n" for scalar in scalars)
    document = yamlio.parse_values(text, "probe")
    manifest = yamlio.load(probe.run(text).stdout)
    for index, (scalar, printed) in enumerate(zip(scalars, manifest["printed"], strict=True)):
        if isinstance(document.data["values"][index], bool | int | float) and not scalar.startswith("!"):
            as_it_stands = scalar.split(" #")[0].strip()
            assert (("values", index) in document.rewritten) == (printed != as_it_stands), scalar


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(scalars=st.lists(NUMBERLIKE, min_size=200, max_size=200))
def test_whatever_looks_like_a_number_is_one_exactly_when_it_is_to_helm(
    probe: Probe, scalars: list[str]
) -> None:
    # A lone dash or a `:` at an end would be structure, and Helm refuses numbers that are none.
    kept = [
        text
        for text in scalars
        if text.strip("-") and ":" not in (text[-1], text[0]) and text.lower() != ".nan"
    ]
    text = "values:\n" + "".join(f"- {scalar}\n" for scalar in kept)
    assert as_helm(yamlio.load(text)) == as_helm(probe.values(text))


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffa: 1\r\nb:\r\n  - x\r\n  - |\r\n    y\r\n    z\r\n",
        "",
        "# only a comment\n",
        "---\n",
        "--- # with a comment\na: 1\n...\n",
        "---\n---\na: 1\n---\n",
        "~",
        "x: &x {a: 1, b: {c: 1}}\nabove: {a: 0, b: {d: 2}, <<: *x}\n",
        "x: &x {a: 1, b: {c: 1}}\nbelow: {<<: *x, a: 0, b: {d: 2}}\n",
        'x: &x {a: 1}\nz: &z {a: 2, b: 2}\nseveral: {<<: [*x, *z]}\n"<<": text\n',
        "x: &x {<<: {deep: 1}, a: 2}\nnested: {<<: *x, b: {<<: *x}}\n",
        "x: &x [1, {a: b}]\nz: *x\n",
        "x: &x 1\nz: &x 2\nw: *x\n",
        "2001-01-01: date\n=: equals\n8080: port\n'0755': text\n\"on\": text\n.x: dot\n",
        "folded: >-\n  a\n  b\n\nkept: |+\n  a\n\n",
        "plain: a\n  b\n  c\n",
        "double: \"\\x41\\u00e4\\n\\t\\\\\"\nsingle: 'it''s'\n",
        "? a\n: b\n",
        "nested: [{a: [b, {c: d}]}, [[]], {}]\n",
    ],
)
def test_a_file_means_what_it_means_to_helm(probe: Probe, text: str) -> None:
    assert yamlio.parse_values(text, "probe").data == probe.values(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: .inf\n",
        "a: -.INF\n",
        "a: .nan\n",
        "~: x\n",
        "[a]: x\n",
        "{a: b}: x\n",
        "a: {{ x }}\n",
        "a: &a [*a]\n",
        "a: *nothing\n",
        "a: !!int text\n",
        "<<: text\n",
        "- a\n",
        "text\n",
        "a: b: c\n",
        "a:\n\tb: 1\n",
    ],
)
def test_what_helm_refuses_is_refused(probe: Probe, text: str) -> None:
    assert probe.run(text).returncode != 0
    assert yamlio.examine(text, "probe")[1]


@pytest.mark.parametrize(
    ("text", "misread"),
    [
        ("a: 1\na: 2\n", {"a": 2}),
        ("on: 1\n", {"true": 1}),
        ("1.0: 1\n", {"1": 1}),
        ("0755: 1\n", {"493": 1}),
        ("a: 1\n---\nb: 2\n", {"a": 1, "b": 2}),
        ("a: !vault x\n", {"a": "x"}),
        ("a: 9007199254740993\n", {"a": 9007199254740992}),
    ],
)
def test_what_helm_misreads_without_a_word_is_refused(
    probe: Probe, text: str, misread: dict[str, Any]
) -> None:
    assert probe.values(text) == misread
    assert yamlio.examine(text, "probe")[1]


TEXTS = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
    | NUMBERLIKE
    | st.text(" \n\t:#-'\"|>{}[]&*!%@`,?a", max_size=8)
    | st.sampled_from(
        ["on", "y", "0755", "1e3", "=", "<<", "~", "", "2001-01-01", "12:30:45", ".inf", "- a", "a: b"]
    )
)
DATA: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.lists(DATA, min_size=25, max_size=25))
def test_what_is_written_for_helm_is_read_back_unchanged(probe: Probe, data: list[Any]) -> None:
    written = yamlio.dump({"values": data})
    assert as_helm(yamlio.load(written)["values"]) == as_helm(data)
    assert as_helm(probe.values(written)["values"]) == as_helm(data)
