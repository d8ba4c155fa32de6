"""Every field that logs have is mapped, nothing collides, and Kibana asks for what is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.charts.checks.model import Platform
from tests.charts.rendering import Renderer
from tests.charts.setup.elasticsearch import BUILT_IN, Elasticsearch
from tests.charts.setup.kibana import NEWEST
from tests.charts.setup.running import content
from tests.charts.setup.test_elasticsearch_setup import Place, made_certificates, made_place  # noqa: F401
from tests.tier import ROOT
from tools import kibana_objects


@pytest.fixture(scope="module")
def stores() -> dict[str, Elasticsearch]:
    """What was set up already, by environment: tests only look at it."""
    return {}


@pytest.fixture(name="store")
def set_up(
    layered: Platform, stores: dict[str, Elasticsearch], request: pytest.FixtureRequest
) -> Elasticsearch:
    """Elasticsearch after the environment's Job."""
    if layered.name not in stores:
        place: Place = request.getfixturevalue("place")
        place.server.health = "yellow" if layered.values["elasticsearch"]["replicas"] == 1 else "green"
        assert place.run(content(layered, "elasticsearch-setup")).code == 0
        stores[layered.name] = place.server
    return stores[layered.name]


def fields(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, each in mapping["properties"].items():
        if "properties" in each:
            yield from fields(each, f"{prefix}{name}.")
        else:
            yield prefix + name, each["type"]


def test_no_writer_can_add_fields(store: Elasticsearch) -> None:
    for stream in ("depin-logs", "depin-logs-dead-letter"):
        assert store.mappings(stream)["dynamic"] is False


def test_the_pipeline_knows_every_field_as_the_index_does(store: Elasticsearch) -> None:
    def shape(mapping: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: shape(each) if "properties" in each else {} if each["type"] == "flattened" else None
            for name, each in mapping["properties"].items()
        }

    known = shape(store.mappings("depin-logs"))
    # The one is a time, of which another step takes care; the other becomes text, whatever it is.
    del known["@timestamp"], known["message"]
    (check, *_) = store.state["pipeline", "depin-logs"]["processors"]
    assert check["script"]["params"]["fields"] == known


def test_what_the_pipeline_cannot_take_becomes_a_dead_letter(store: Elasticsearch) -> None:
    pipeline = store.state["pipeline", store.settings("depin-logs")["default_pipeline"]]
    assert pipeline["on_failure"][-1] == {"set": {"field": "_index", "value": "depin-logs-dead-letter"}}
    assert "default_pipeline" not in store.settings("depin-logs-dead-letter")
    written = {step["set"]["field"] for step in pipeline["on_failure"] if "set" in step}
    mapped = dict(fields(store.mappings("depin-logs-dead-letter")))
    assert written - {"_index"} <= mapped.keys()
    # The record itself may be anything.
    assert store.mappings("depin-logs-dead-letter")["properties"]["document"] == {
        "type": "object",
        "enabled": False,
    }


def test_its_names_are_nobody_elses(store: Elasticsearch) -> None:
    for (kind, name), body in store.state.items():
        if kind == "template":
            assert body["index_patterns"] == [name]
            assert not any(re.fullmatch(pattern.replace("*", ".*"), name) for pattern in BUILT_IN)


def test_a_single_node_has_no_copies_and_moves_nothing(store: Elasticsearch, layered: Platform) -> None:
    nodes = layered.values["elasticsearch"]["replicas"]
    single = nodes == 1
    for stream in ("depin-logs", "depin-logs-dead-letter"):
        copies = store.settings(stream)["number_of_replicas"]
        assert copies == 0 if single else 0 < copies < nodes
    warm = store.state["policy", "depin-logs"]["policy"]["phases"]["warm"]["actions"]
    assert warm["migrate"] == {"enabled": not single}
    assert "allocate" not in warm


def test_logs_are_kept_as_the_values_have_it(store: Elasticsearch, layered: Platform) -> None:
    logs = layered.values["depin-elasticsearch"]["logs"]
    phases = store.state["policy", "depin-logs"]["policy"]["phases"]
    rollover = {"max_age": logs["rollover"]["after"], "max_primary_shard_size": logs["rollover"]["size"]}
    assert phases["hot"]["actions"]["rollover"] == rollover
    assert phases["delete"]["actions"] == {"delete": {}}
    assert (
        phases["delete"]["min_age"]
        == logs["delete"]["after"]
        == ("7d" if layered.name in ("dev", "edge") else "30d")
    )
    assert phases["warm"]["min_age"] == logs["warm"]["after"]
    letters = store.state["policy", "depin-logs-dead-letter"]["policy"]["phases"]
    kept = layered.values["depin-elasticsearch"]["deadLetters"]["delete"]["after"]
    assert letters["delete"] == {"min_age": kept, "actions": {"delete": {}}}
    assert letters["hot"]["actions"]["rollover"]["max_age"] == logs["rollover"]["after"]
    for stream in ("depin-logs", "depin-logs-dead-letter"):
        assert store.settings(stream)["lifecycle"] == {"name": stream}


# --- Kibana ------------------------------------------------------------------------------------


@pytest.fixture(name="objects")
def in_the_chart() -> list[dict[str, Any]]:
    return [json.loads(line) for line in kibana_objects.TARGET.read_text().splitlines()]


def test_the_objects_are_those_of_their_source() -> None:
    assert kibana_objects.TARGET.read_text() == kibana_objects.write(), "make objects"


def test_objects_are_told_apart_and_refer_to_each_other(objects: list[dict[str, Any]]) -> None:
    ids = [(each["type"], each["id"]) for each in objects]
    assert len(set(ids)) == len(ids)
    for each in objects:
        for reference in each["references"]:
            assert (reference["type"], reference["id"]) in ids
    titles = [each["attributes"]["title"] for each in objects if each["type"] == "dashboard"]
    assert titles == ["Errors by service", "DePIN node logs", "AI job failures", "Ingress access log"]


def test_each_reference_is_used_and_each_use_is_a_reference(objects: list[dict[str, Any]]) -> None:
    for each in objects:
        names = {reference["name"] for reference in each["references"]}
        used = set(re.findall(r'\\"indexRefName\\": ?\\"([^"\\]+)', json.dumps(each)))
        for panel in json.loads(each["attributes"].get("panelsJSON", "[]")):
            used.add(f"{panel['panelIndex']}:{panel['panelRefName']}")
        assert used == names


def test_kibana_of_the_chart_knows_their_versions(objects: list[dict[str, Any]]) -> None:
    for each in objects:
        assert each["coreMigrationVersion"] <= NEWEST["core"]
        assert each["migrationVersion"].keys() == {each["type"]}


def used_fields(found: Mapping[str, Any]) -> set[str]:
    """The fields that an object shows, splits by or asks for."""
    attributes = found["attributes"]
    state = json.loads(attributes.get("visState", "{}"))
    names = {agg["params"]["field"] for agg in state.get("aggs", []) if "field" in agg["params"]}
    names |= set(attributes.get("columns", []))
    source = json.loads(attributes.get("kibanaSavedObjectMeta", {}).get("searchSourceJSON", "{}"))
    query = source.get("query", {}).get("query", "")
    return names | set(re.findall(r"([\w.@]+)\s*:", query))


def test_every_field_that_they_use_is_searched(objects: list[dict[str, Any]], store: Elasticsearch) -> None:
    for each in objects:
        for reference in each["references"]:
            if reference["type"] == "index-pattern":
                mapped = dict(fields(store.mappings(reference["id"])))
                assert used_fields(each) <= mapped.keys(), each["id"]


def test_only_values_are_split_by_and_only_numbers_averaged(
    objects: list[dict[str, Any]], store: Elasticsearch
) -> None:
    mapped = dict(fields(store.mappings("depin-logs"))) | dict(
        fields(store.mappings("depin-logs-dead-letter"))
    )
    for each in objects:
        for agg in json.loads(each["attributes"].get("visState", "{}")).get("aggs", []):
            kinds = {
                "terms": {"keyword", "long", "ip"},
                "avg": {"long", "double"},
                "max": {"long", "double"},
                "cardinality": {"keyword", "ip"},
                "date_histogram": {"date_nanos"},
            }
            if "field" in agg["params"]:
                assert mapped[agg["params"]["field"]] in kinds[agg["type"]], each["id"]


def test_data_views_are_the_data_streams(objects: list[dict[str, Any]], store: Elasticsearch) -> None:
    streams = {name for kind, name in store.state if kind == "stream"}
    views = {each["attributes"]["title"] for each in objects if each["type"] == "index-pattern"}
    assert views == streams


def test_panels_stand_beside_each_other(objects: list[dict[str, Any]]) -> None:
    for each in objects:
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(each["attributes"].get("panelsJSON", "[]")):
            grid = panel["gridData"]
            assert grid["x"] + grid["w"] <= 48
            cells = {
                (x, y)
                for x in range(grid["x"], grid["x"] + grid["w"])
                for y in range(grid["y"], grid["y"] + grid["h"])
            }
            assert not taken & cells
            taken |= cells


@pytest.mark.parametrize("environment", ["prod"])
def test_a_placeholder_that_leads_nowhere_is_refused(renderer: Renderer, environment: str) -> None:
    files = ROOT / "charts/depin-platform/charts/depin-elasticsearch/files"
    marks = {mark for file in files.iterdir() for mark in re.findall(r"\$\{([\w.]+)\}", file.read_text())}
    values = renderer.layered(environment).values["depin-elasticsearch"]
    for mark in marks - {"a.b"}:
        node: Any = values
        for part in mark.split("."):
            assert part in node, mark
            node = node[part]
    for text in content(renderer.layered(environment), "elasticsearch-setup").values():
        assert not re.search(r'"\$\{[a-z.A-Z]+\}"', text)
