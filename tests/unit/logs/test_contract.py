"""docs/logs.md says what fields.lua does, and the subchart's values are documented."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from depin_helm import yamlio
from tests.logs.corpus import cases
from tests.logs.emulation import CHART, FILES, ROOT, Pipeline, python

DOCUMENTED = (ROOT / "docs/logs.md").read_text()
CONTRACT = python(Pipeline().module("fields"))
#: As what a field of each kind is searched.
SEARCHED = {
    "text": "match_only_text",
    "word": "keyword",
    "level": "keyword",
    "whole": "long",
    "number": "double",
    "ip": "ip",
    "time": "date_nanos",
}
MAPPINGS = CHART / "charts/depin-elasticsearch/files/mappings-logs.json"


def test_the_document_has_the_contracts_fields() -> None:
    rows = re.findall(r"^\| `([@a-z][\w.]*)` \| (\w+) \| ?(.*?) ?\|$", DOCUMENTED, re.MULTILINE)
    assert [(field, kind, re.findall(r"`([^`]+)`", also)) for field, kind, also in rows] == [
        (entry["field"], entry["kind"], list(entry["from"] or [])) for entry in CONTRACT
    ]


def test_every_field_is_in_a_document_of_the_corpus_or_as_elastic_common_schema_has_it() -> None:
    seen = json.dumps([dict(document) for case in cases() for document in case.documents])
    for entry in CONTRACT:
        if entry["field"].startswith("depin."):
            assert f'"{entry["field"].rsplit(".", 1)[1]}"' in seen, entry["field"]


def test_no_name_leads_to_two_fields() -> None:
    names = [name for entry in CONTRACT for name in (entry["field"], *(entry["from"] or []))]
    assert sorted(names) == sorted(set(names))


def test_elasticsearch_searches_every_field_as_what_it_is() -> None:
    properties = json.loads(MAPPINGS.read_text())["template"]["mappings"]["properties"]
    for entry in CONTRACT:
        if entry["kind"] == "trace":
            continue
        node = {"properties": properties}
        for name in entry["field"].split("."):
            assert name in node["properties"], entry["field"]
            node = node["properties"][name]
        assert node["type"] == SEARCHED[entry["kind"]], entry["field"]


def test_what_the_scripts_say_of_themselves_is_short() -> None:
    assert all(len(file.read_text().splitlines()) < 300 for file in FILES.glob("*"))


def test_the_subcharts_own_defaults_are_the_documented_ones() -> None:
    documented = yamlio.load((CHART / "values.yaml").read_bytes())["depin-fluent-bit"]
    own = yamlio.load((FILES.parent / "values.yaml").read_bytes())
    assert {"enabled": True, **own} == documented


def test_elasticsearch_knows_every_field_of_the_corpus_documents() -> None:
    properties = json.loads(MAPPINGS.read_text())["template"]["mappings"]["properties"]
    unknown = {
        name
        for case in cases()
        for document in case.expected
        for name in fields(document, {"properties": properties})
    }
    assert unknown == set()


def fields(document: Mapping[str, Any], mapping: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Fields that no mapping has; what is kept flattened or as it stands has none of its own."""
    for name, value in document.items():
        node = mapping["properties"].get(name)
        if node is None:
            yield f"{above}{name}"
        elif isinstance(value, Mapping) and "properties" in node:
            yield from fields(value, node, f"{above}{name}.")
