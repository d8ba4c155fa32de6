"""What an environment adds to Fluent Bit's pipeline is such as it takes, and its buffers fit."""

from __future__ import annotations

from typing import Any

import pytest

from depin_helm import yamlio
from depin_helm.checks.rules import pipeline
from tests.tier import UMBRELLA
from tests.unit.rules.building import said

AGENT = {"existingConfigMap": "fluent-bit"}


def test_names_of_parsers_are_those_of_the_chart() -> None:
    parsers = yamlio.load((UMBRELLA / "charts/depin-fluent-bit/files/parsers.yaml").read_bytes())
    assert {each["name"] for each in parsers["parsers"]} == pipeline.PARSERS
    assert {each["name"] for each in parsers["multiline_parsers"]} <= pipeline.MULTILINE


def additions(parsers: Any = (), filters: Any = (), **agent: Any) -> list[str]:
    ours = {"parsers": list(parsers), "filters": list(filters)}
    values = {"fluent-bit": {**AGENT, **agent}, "depin-fluent-bit": ours}
    return [path.removeprefix("depin-fluent-bit.") for path in said("fluent-bit-additions", values)]


def test_each_parser_has_a_name_of_its_own() -> None:
    assert additions([{"name": "a"}, {"name": "b"}, {"name": None}, {}, {"name": []}]) == []
    assert additions([{"name": "a"}, {"name": "a"}, {"name": "klog"}]) == [
        "parsers[1].name",
        "parsers[2].name",
    ]


@pytest.mark.parametrize(
    "regex", ["^(?<a>x)$", r"\h+", "(?>a|b)", "(?<=a)b", "(?<!a)b", "[[:alpha:]]+", "a" * 5000 + "(", None, 5]
)
def test_a_regular_expression_of_ruby_is_right(regex: Any) -> None:
    assert additions([{"name": "a", "regex": regex}]) == []


@pytest.mark.parametrize("regex", ["(?<a>x", "x)", "[x", "*x", "(?P<a>x)"])
def test_another_is_found(regex: str) -> None:
    assert additions([{"name": "a", "regex": regex}]) == ["parsers[0].regex"]
    assert additions(filters=[{"name": "grep", "exclude": f"message {regex}"}]) == ["filters[0].exclude"]


def test_filters_name_parsers_that_there_are() -> None:
    for parser in ("klog", "a", ["a", "klog"], None, 5):
        assert additions([{"name": "a"}], [{"name": "parser", "parser": parser}]) == []
    assert additions(filters=[{"name": "parser", "parser": "nginx"}]) == ["filters[0].parser"]
    assert additions(filters=[{"name": "multiline", "multiline.parser": "go, java"}]) == []
    assert additions(filters=[{"name": "multiline", "multiline.parser": "go, jawa"}]) == [
        r"filters[0].multiline\.parser"
    ]
    assert additions(filters=[{"name": "modify", "parser": "nosuch"}, "odd"]) == []


def test_grep_looks_for_something_in_a_field() -> None:
    assert additions(filters=[{"name": "grep", "regex": "log error", "exclude": ["a b", "c d"]}]) == []
    assert additions(filters=[{"name": "grep", "regex": "log.level"}]) == ["filters[0].regex"]
    assert additions(filters=[{"name": "grep", "exclude": ["a b", "c"]}]) == ["filters[0].exclude"]


def test_what_is_read_by_nothing_is_let_be() -> None:
    assert additions([{"name": "klog"}], existingConfigMap="") == []


def buffers(
    size: Any = "512M", rejected: Any = "64M", *, limit: Any = "1Gi", memory: Any = "512Mi", **more: Any
) -> list[str]:
    state = {"name": "state", "emptyDir": {"sizeLimit": limit}}
    return said(
        "fluent-bit-buffer",
        {
            "fluent-bit": {
                **AGENT,
                "extraVolumes": [{"name": "other"}, state],
                "resources": {"limits": {"memory": memory}},
            },
            "depin-fluent-bit": {"buffer": {"size": size, "rejected": rejected, **more}},
        },
    )


def test_buffers_fit_into_their_volume() -> None:
    assert buffers() == buffers("1G", "70M") == buffers("5G", limit=None) == buffers("much") == []
    assert buffers("1G", "80M") == buffers("1100m") == ["depin-fluent-bit.buffer.size"]
    assert buffers("512M", limit="256Mi") == ["depin-fluent-bit.buffer.size"]


def test_lines_and_chunks_fit_into_memory() -> None:
    assert buffers(line="64K", chunksInMemory=128) == buffers(chunksInMemory=1000, memory=None) == []
    assert buffers(line="1K") == ["depin-fluent-bit.buffer.line"]
    assert buffers(line="600M", chunksInMemory=8) == ["depin-fluent-bit.buffer.line"]
    assert buffers(chunksInMemory=1000) == ["depin-fluent-bit.buffer.chunksInMemory"]
