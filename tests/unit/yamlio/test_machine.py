"""YAML between machines: manifests, CRDs, Chart.yaml."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depin_helm import yamlio
from depin_helm.yamlio import YAMLError


def test_an_equals_sign_in_a_crd_is_text() -> None:
    assert yamlio.load("enum: [=, '!=', =~]") == {"enum": ["=", "!=", "=~"]}


def test_dates_stay_text() -> None:
    assert yamlio.load("day: 2026-11-23\ntime: 12:30:45") == {"day": "2026-11-23", "time": "12:30:45"}


def test_unknown_tags_mean_nothing() -> None:
    assert yamlio.load("[!a x, !b {c: !!python/name:os.system d}, !e [1]]") == ["x", {"c": "d"}, [1]]


def test_keys_are_text_as_in_json() -> None:
    assert yamlio.load("8080: a\ntrue: b\n~: c\n1.5: d\nx: z") == {
        "8080": "a",
        "true": "b",
        "null": "c",
        "1.5": "d",
        "x": "z",
    }


def test_all_documents_are_loaded_and_empty_ones_are_none() -> None:
    assert yamlio.load_all("a: 1\n---\n# nothing\n---\n- b\n") == [{"a": 1}, None, ["b"]]


@pytest.mark.parametrize("text", ["", "# a comment", b"\xef\xbb\xbf# with a byte order mark"])
def test_an_empty_text_is_none(text: str | bytes) -> None:
    assert yamlio.load(text) is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("password: hunter2\n\thunter2: x", "line 2, column 1"),
        ("password: hunter2: x", "line 1, column 18"),
        ("a: *hunter2", "line 1, column 4"),
        (b"password: \xff hunter2", ""),
        ("a: 1\n---\nhunter2: 2", "several documents"),
    ],
)
def test_an_error_says_where_and_never_repeats_the_text(text: str | bytes, place: str) -> None:
    with pytest.raises(YAMLError) as caught:
        yamlio.load(text)
    assert place in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_absurd_nesting_is_an_error_and_no_crash(opening: str) -> None:
    with pytest.raises(YAMLError, match="nested"):
        yamlio.load(opening * 100_000)


def test_much_json_in_a_manifest_is_not_mistaken_for_nesting() -> None:
    dashboard = "[{" * 20_000
    assert yamlio.load(f"data:\n  dashboard.json: '{dashboard}'\n") == {"data": {"dashboard.json": dashboard}}


def test_much_that_is_not_deep_is_no_nesting() -> None:
    assert yamlio.load("[" + "[]," * 5000 + "]") == [[]] * 5000


def test_what_is_dumped_keeps_its_order_and_repeats_itself() -> None:
    data = {"z": 1, "a": {"x": [], "b": {}}}
    assert yamlio.dump(data) == "z: 1\na:\n  x: []\n  b: {}\n" == yamlio.dump(data)


def test_what_is_dumped_has_no_aliases() -> None:
    shared = {"a": [1]}
    assert yamlio.dump([shared, shared]) == "- a:\n  - 1\n- a:\n  - 1\n"


def test_text_of_several_lines_is_dumped_as_a_block() -> None:
    assert yamlio.dump({"config": "[SERVICE]\n    Flush 1\n"}) == "config: |\n  [SERVICE]\n      Flush 1\n"


@pytest.mark.parametrize(
    "text", ["on", "y", "0755", "0o7", "1e3", ".5_5", "~", "", "2026-11-23", "12:30:45", "=", "<<"]
)
def test_text_that_another_reader_would_take_for_something_else_is_quoted(text: str) -> None:
    assert yamlio.dump([text]) == f"- '{text}'\n"
    assert yamlio.load(yamlio.dump({text: text})) == {text: text}


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.text(
    "0123456789.eE+-_xob:~ynf \n#-'\"|>", max_size=8
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=15,
)


@given(DATA)
def test_what_is_dumped_is_loaded_unchanged(data: object) -> None:
    assert yamlio.load(yamlio.dump(data)) == data
