"""Values files: where each key stands, every finding at once, and limits. See also tests/examples."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depin_helm.errors import UsageError, ValuesError
from depin_helm.yamlio import Mark, examine, format_path, parse_path, parse_values, read_values

MEBIBYTE = 1024 * 1024


def test_each_key_and_item_has_its_place() -> None:
    document = parse_values('a:\n  b: [x, y]\n  "c":\n    - d: 1\n', "f")
    assert document.marks == {
        ("a",): Mark(1, 1),
        ("a", "b"): Mark(2, 3),
        ("a", "b", 0): Mark(2, 7),
        ("a", "b", 1): Mark(2, 10),
        ("a", "c"): Mark(3, 3),
        ("a", "c", 0): Mark(4, 7),
        ("a", "c", 0, "d"): Mark(4, 7),
    }


def test_a_byte_order_mark_takes_no_place() -> None:
    assert parse_values("\ufeffa: 1\n".encode(), "f").marks == {("a",): Mark(1, 1)}


def test_a_conflict_after_a_byte_order_mark_is_one() -> None:
    _, findings = examine("\ufeff<<<<<<< HEAD\na: 1\n", "f")
    assert [finding.message for finding in findings] == ["a merge conflict that is not resolved"]


def test_what_an_alias_stands_for_has_its_place_at_the_anchor() -> None:
    document = parse_values("a: &a\n  x: 1\nb: *a\nc:\n  <<: *a\n  z: 2\n", "f")
    assert document.marks["b", "x"] == document.marks["c", "x"] == Mark(2, 3)
    assert document.marks["b",] == Mark(3, 1)


def test_aliases_share_nothing() -> None:
    data = parse_values("a: &a {x: [1]}\nb: *a\n", "f").data
    data["b"]["x"].append(2)
    assert data["a"] == {"x": [1]}


def test_whole_numbers_are_integers_however_they_are_written() -> None:
    data = parse_values("[1e3, 1.0, 0x10, 0755, 1_000, 1.5, 1e20]".join(("a: ", "\n")), "f").data["a"]
    assert data == [1000, 1, 16, 493, 1000, 1.5, 1e20]
    assert [type(number) for number in data] == [int] * 5 + [float] * 2


def test_all_findings_of_a_file_come_at_once_and_in_order() -> None:
    with pytest.raises(ValuesError) as caught:
        parse_values("on: 1\na: !x 1\na: .inf\nb:\n  0755: {c: 1, c: 2}\n", "f")
    places = [(finding.line, finding.column, finding.path) for finding in caught.value.findings]
    assert places == [
        (1, 1, "on"),
        (2, 4, "a"),
        (3, 1, "a"),
        (3, 4, "a"),
        (5, 3, "b.0755"),
        (5, 16, "b.0755.c"),
    ]


def test_what_precedes_a_syntax_error_is_not_lost_when_it_is_the_only_finding() -> None:
    document, findings = examine("a: 1\nb: [\n", "f")
    assert document.data == {}
    assert [finding.line for finding in findings] == [3]


def test_values_can_be_used_in_spite_of_findings() -> None:
    document, findings = examine("a: 1\na: 2\non: 3\n", "f")
    assert document.data == {"a": 2, "on": 3}
    assert len(findings) == 2


def test_a_mistake_in_an_anchor_is_found_once() -> None:
    _, findings = examine("a: &a {x: 1, x: 2}\nb: *a\nc: {<<: *a}\n", "f")
    assert [(finding.line, finding.column) for finding in findings] == [(1, 14)]


def test_a_file_is_named_as_asked(tmp_path: Path) -> None:
    file = tmp_path / "prod.yaml"
    file.write_text("a: 1\n")
    assert read_values(file).file == str(file)
    assert read_values(file, name="values/prod.yaml").file == "values/prod.yaml"


def test_a_file_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            read_values(path)


def test_values_can_come_through_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("a: 1\n",))
    writer.start()
    assert read_values(pipe).data == {"a": 1}
    writer.join()


@pytest.mark.parametrize(
    "text",
    [
        "a: x\n" * MEBIBYTE,
        "[" * (MEBIBYTE - 1),
        "{" * (MEBIBYTE - 1),
        "- " * (MEBIBYTE // 2 - 1),
        "a: [" + "1," * (MEBIBYTE // 2 - 9) + "]",
        "".join(f"k{number}: 1\n" for number in range(80_000)),
        "a: 1\n" * (MEBIBYTE // 5 - 1),
        "a: &a 1\nb: [" + "*a," * (MEBIBYTE // 3 - 9) + "]",
        "a: [" + "".join(f"&a{number} 1," for number in range(80_000)) + "]",
        "a: &a {x: 1}\n"
        + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1 or ''}, *a{n - 1 or ''}]}}\n" for n in range(1, 60)),
        "".join(" " * depth + "a:\n" for depth in range(1400)),
        "<<<<<<< a\n" * (MEBIBYTE // 10 - 1),
        'a: "' * (MEBIBYTE // 4 - 1),
        "\t" * (MEBIBYTE - 1),
        "---\n" * (MEBIBYTE // 4 - 1),
    ],
    ids=lambda text: text[:12].encode("unicode_escape").decode(),
)
@pytest.mark.timeout(60)  # a few hundredths of a second each; what explodes never ends
def test_a_hostile_file_is_refused(text: str) -> None:
    _, findings = examine(text, "f")
    assert findings


@pytest.mark.timeout(60)  # read whole, it takes all memory first
def test_a_file_of_any_size_is_read_up_to_the_limit_only(tmp_path: Path) -> None:
    file = tmp_path / "huge.yaml"
    with file.open("wb") as stream:
        stream.truncate(5 * 1024 * MEBIBYTE)
    with pytest.raises(ValuesError) as caught:
        read_values(file)
    assert "larger than 1024 KiB" in caught.value.findings[0].message


KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6) | st.text(
    r"ab.\[]=,0", min_size=1, max_size=5
)


@given(
    st.lists(KEYS | st.integers(0, 99), min_size=1, max_size=5).filter(lambda path: isinstance(path[0], str))
)
def test_a_path_as_text_is_the_same_path(path: list[str | int]) -> None:
    assert parse_path(format_path(path)) == tuple(path)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("a", "b"), "a.b"),
        (("grafana", "grafana.ini", "server"), r"grafana.grafana\.ini.server"),
        (("env", 0, "name"), "env[0].name"),
        (("matrix", 0, 1), "matrix[0][1]"),
    ],
)
def test_a_path_is_written_as_for_set(path: tuple[str | int, ...], text: str) -> None:
    assert format_path(path) == text
