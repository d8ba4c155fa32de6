"""The schema itself: that it is one, and agrees with the chart it is about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from depin_helm import schema, yamlio
from depin_helm.errors import ValuesError
from depin_helm.project import Project
from depin_helm.values import load_environment, settings
from depin_helm.yamlio import format_path
from tests.tier import ROOT

PROJECT = Project(ROOT)
SOURCE = PROJECT.schema_source
SCHEMA = schema.load(SOURCE)


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in the schema, itself included."""
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from nodes(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from nodes(inner)


def section(*path: str) -> dict[str, Any]:
    found = SCHEMA
    for key in path:
        found = found["properties"][key]
    return found


def test_it_is_a_schema_of_the_draft_that_helm_and_editors_know() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(SCHEMA)


def test_the_same_source_gives_the_same_text() -> None:
    assert schema.build(SOURCE) == schema.build(SOURCE)
    assert json.loads(schema.build(SOURCE)) == SCHEMA
    assert schema.build(SOURCE).endswith("}\n")


def test_nothing_refers_to_anything() -> None:
    assert "$ref" not in schema.build(SOURCE)
    assert "definitions" not in SCHEMA


def test_keys_beside_a_reference_come_on_top(tmp_path: Path) -> None:
    source = tmp_path / "values.schema.yaml"
    source.write_text(
        'definitions: {a: {type: string, title: x}}\nproperties: {b: {$ref: "#/definitions/a", title: z}}\n'
    )
    assert schema.load(source) == {"properties": {"b": {"type": "string", "title": "z"}}}


def test_of_alternatives_that_all_fail_the_closest_is_the_one_finding() -> None:
    environment = load_environment(PROJECT, "prod", sets=["kibana.choice.size=many"])
    alternatives = [{"type": "string"}, {"type": "object", "properties": {"size": {"type": "integer"}}}]
    choice = {"properties": {"kibana": {"properties": {"choice": {"anyOf": alternatives}}}}}
    assert [(finding.path, finding.message) for finding in schema.check(environment, choice)] == [
        ("kibana.choice.size", "must be a whole number, not text")
    ]


def test_a_reference_to_nothing_is_an_error_at_its_place(tmp_path: Path) -> None:
    source = tmp_path / "values.schema.yaml"
    source.write_text('properties:\n  a: {$ref: "#/definitions/nothing"}\n')
    with pytest.raises(ValuesError) as caught:
        schema.load(source)
    (finding,) = caught.value.findings
    assert (finding.line, finding.path) == (2, r"properties.a.$ref")


def test_every_pattern_is_one_for_go_too_and_covers_the_whole_text() -> None:
    patterns = {node["pattern"] for node in nodes(SCHEMA) if isinstance(node.get("pattern"), str)}
    assert patterns
    for pattern in patterns:
        assert not re.search(r"\(\?[=!<]|\\[1-9]|\\[ZzAG]", pattern), pattern
        assert re.match(r"\^", pattern), pattern
        assert "$" in pattern, pattern


def test_whatever_has_a_pattern_says_in_words_what_it_must_be() -> None:
    assert [
        node for node in nodes(SCHEMA) if isinstance(node.get("pattern"), str) and "title" not in node
    ] == []


def test_it_knows_every_component_and_nothing_else() -> None:
    chart = yamlio.load((PROJECT.chart / "Chart.yaml").read_bytes())
    components = {dependency["name"] for dependency in chart["dependencies"]}
    assert set(SCHEMA["properties"]) == components | {"global", settings.KEY}


def test_it_knows_every_layer_that_may_have_a_timeout() -> None:
    layers = yamlio.load((PROJECT.chart / "layers.yaml").read_bytes())["layers"]
    known = section(settings.KEY, "timeouts", "layers")["properties"]
    assert list(known) == [layer["name"] for layer in layers]


@pytest.mark.parametrize(
    "file", sorted(PROJECT.chart.glob("charts/depin-*/values.yaml")), ids=lambda f: f.parent.name
)
def test_it_knows_every_key_of_our_own_subcharts(file: Path) -> None:
    closed = section(file.parent.name)
    assert closed["additionalProperties"] is False
    assert set(yamlio.read_values(file).data) | {"enabled", "global"} == set(closed["properties"])


def undescribed(values: dict[str, Any], known: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Keys in `values` that the schema says nothing about; in a map of free keys, none."""
    for key, value in values.items():
        described = known.get("properties", {}).get(key, known.get("additionalProperties"))
        if not described:
            yield format_path((*path, key))
        elif isinstance(value, dict) and {"properties", "additionalProperties"} & described.keys():
            yield from undescribed(value, described, (*path, key))


@pytest.mark.parametrize("file", ["values.yaml", "values-layered.yaml"])
def test_it_describes_every_key_that_the_chart_sets(file: str) -> None:
    assert list(undescribed(yamlio.read_values(PROJECT.chart / file).data, SCHEMA)) == []


@pytest.mark.parametrize("name", PROJECT.environments())
def test_every_environment_of_ours_is_valid(name: str) -> None:
    assert schema.check(load_environment(PROJECT, name), SCHEMA) == ()


@pytest.mark.parametrize("file", sorted((PROJECT.chart / "ci").glob("*-values.yaml")), ids=lambda f: f.stem)
def test_every_ci_values_file_is_valid(file: Path) -> None:
    assert schema.check(load_environment(PROJECT, "dev", [file]), SCHEMA) == ()


def test_the_committed_json_schema_is_the_one_that_the_source_gives() -> None:
    assert (PROJECT.chart / "values.schema.json").read_text() == schema.build(SOURCE), "run `make schema`"
