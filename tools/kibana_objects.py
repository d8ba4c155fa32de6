"""Writes Kibana's saved objects, in the form of its export, from tools/kibana_objects.yaml.

Run by `make objects`. The form is Kibana 8.5's: newer ones migrate what they import, older ones refuse it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from depin_helm import yamlio

ROOT = Path(__file__).parent.parent
SOURCE = Path(__file__).with_suffix(".yaml")
TARGET = ROOT / "charts/depin-platform/charts/depin-kibana/files/objects.ndjson"

#: What the objects' form is migrated from: none newer than what Kibana 8.5.1 knows, which would refuse it.
CORE = "8.5.0"
MIGRATED = {"index-pattern": "8.0.0", "search": "7.9.3", "visualization": "7.17.0", "dashboard": "8.1.0"}
#: Kibana's grid has so many columns; a row of panels is as high.
_WIDTH, _HEIGHT = 48, 15

_SOURCE_REFERENCE = "kibanaSavedObjectMeta.searchSourceJSON.index"

Object = dict[str, Any]


def write() -> str:
    """The objects, a line each, as the source has them."""
    source = yamlio.load(SOURCE.read_bytes())
    return "".join(f"{json.dumps(each, sort_keys=True)}\n" for each in objects(source))


def objects(source: Mapping[str, Any]) -> Iterator[Object]:
    """Each behind what it refers to."""
    for name, title in source["dataViews"].items():
        attributes = {"title": name, "name": title, "timeFieldName": "@timestamp"}
        yield _object("index-pattern", name, attributes, [])
    for name, search in source["searches"].items():
        yield _search(name, search)
    for name, panel in source["panels"].items():
        yield _panel(name, panel, source["searches"][panel["search"]])
    for name, dashboard in source["dashboards"].items():
        yield _dashboard(name, dashboard, source["panels"])


def _object(kind: str, name: str, attributes: Object, references: list[Object]) -> Object:
    return {
        "id": name,
        "type": kind,
        "attributes": attributes,
        "references": references,
        "coreMigrationVersion": CORE,
        "migrationVersion": {kind: MIGRATED[kind]},
    }


def _reference(kind: str, name: str, called: str) -> Object:
    return {"type": kind, "id": name, "name": called}


def _text(content: Any) -> str:
    """Kibana keeps much of an object as JSON within JSON."""
    return json.dumps(content, separators=(",", ":"))


def _search(name: str, search: Mapping[str, Any]) -> Object:
    found = {
        "query": {"query": search["query"], "language": "kuery"},
        "filter": [],
        "highlightAll": True,
        "version": True,
        "indexRefName": _SOURCE_REFERENCE,
    }
    attributes = {
        "title": search["title"],
        "description": "",
        "columns": search["columns"],
        "sort": [["@timestamp", "desc"]],
        "grid": {},
        "hideChart": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _text(found)},
    }
    view = search.get("view", "depin-logs")
    return _object("search", name, attributes, [_reference("index-pattern", view, _SOURCE_REFERENCE)])


def _panel(name: str, panel: Mapping[str, Any], search: Mapping[str, Any]) -> Object:
    kind = {"bars": "histogram", "line": "line", "table": "table", "number": "metric"}[panel["kind"]]
    state = {
        "title": panel["title"],
        "type": kind,
        "aggs": _aggregations(panel),
        "params": {"histogram": _over_time, "line": _over_time, "table": _table, "metric": _number}[kind](
            kind
        ),
    }
    found = {
        "query": {"query": search["query"], "language": "kuery"},
        "filter": [],
        "indexRefName": _SOURCE_REFERENCE,
    }
    attributes = {
        "title": panel["title"],
        "description": "",
        "visState": _text(state),
        "uiStateJSON": "{}",
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _text(found)},
    }
    view = search.get("view", "depin-logs")
    return _object("visualization", name, attributes, [_reference("index-pattern", view, _SOURCE_REFERENCE)])


def _aggregations(panel: Mapping[str, Any]) -> list[Object]:
    what, _, field = panel.get("of", "count").partition(" ")
    metric = {"count": "count", "average": "avg", "highest": "max", "different": "cardinality"}[what]
    found = [_aggregation(1, metric, "metric", {"field": field} if field else {})]
    over_time = panel["kind"] in ("bars", "line")
    if over_time:
        params = {"field": "@timestamp", "interval": "auto", "min_doc_count": 1, "extended_bounds": {}}
        found.append(_aggregation(2, "date_histogram", "segment", params))
    for split in panel.get("split", []):
        params = {
            "field": split,
            "orderBy": "1",
            "order": "desc",
            "size": 10 if over_time else 25,
            "otherBucket": over_time,
            "otherBucketLabel": "Other",
            "missingBucket": False,
            "missingBucketLabel": "Missing",
        }
        found.append(_aggregation(len(found) + 1, "terms", "group" if over_time else "bucket", params))
    return found


def _aggregation(number: int, kind: str, schema: str, params: Object) -> Object:
    return {"id": str(number), "enabled": True, "type": kind, "schema": schema, "params": params}


def _over_time(kind: str) -> Object:
    axis = {"show": True, "style": {}, "title": {}, "labels": {"show": True, "truncate": 100}}
    return {
        "type": kind,
        "grid": {"categoryLines": False},
        "categoryAxes": [
            {
                **axis,
                "id": "CategoryAxis-1",
                "type": "category",
                "position": "bottom",
                "scale": {"type": "linear"},
            }
        ],
        "valueAxes": [
            {
                **axis,
                "id": "ValueAxis-1",
                "name": "LeftAxis-1",
                "type": "value",
                "position": "left",
                "scale": {"type": "linear", "mode": "normal"},
            }
        ],
        "seriesParams": [
            {
                "show": True,
                "type": kind,
                "mode": "stacked" if kind == "histogram" else "normal",
                "data": {"id": "1", "label": ""},
                "valueAxis": "ValueAxis-1",
                "drawLinesBetweenPoints": True,
                "lineWidth": 2,
                "showCircles": True,
            }
        ],
        "addTooltip": True,
        "addLegend": True,
        "legendPosition": "right",
        "times": [],
        "addTimeMarker": False,
    }


def _table(_: str) -> Object:
    return {"perPage": 10, "showPartialRows": False, "showMetricsAtAllLevels": False, "showTotal": False}


def _number(_: str) -> Object:
    style = {"bgFill": "#000", "bgColor": False, "labelColor": False, "subText": "", "fontSize": 40}
    metric = {
        "percentageMode": False,
        "useRanges": False,
        "colorSchema": "Green to Red",
        "metricColorMode": "None",
        "colorsRange": [{"from": 0, "to": 10000}],
        "labels": {"show": True},
        "invertColors": False,
        "style": style,
    }
    return {"type": "metric", "addTooltip": True, "addLegend": False, "metric": metric}


def _dashboard(name: str, dashboard: Mapping[str, Any], panels: Mapping[str, Any]) -> Object:
    placed, references = [], []
    for row, ids in enumerate(dashboard["rows"]):
        width = _WIDTH // len(ids)
        for column, each in enumerate(ids):
            # A dashboard's search and one of its panels may have the same id: they are of different kinds.
            kind = "visualization" if each in panels else "search"
            index = str(len(placed) + 1)
            grid = {"x": column * width, "y": row * _HEIGHT, "w": width, "h": _HEIGHT, "i": index}
            placed.append(
                {
                    "version": CORE,
                    "type": kind,
                    "gridData": grid,
                    "panelIndex": index,
                    "embeddableConfig": {"enhancements": {}},
                    "panelRefName": f"panel_{index}",
                }
            )
            references.append(_reference(kind, each, f"{index}:panel_{index}"))
    nothing = {"query": {"query": "", "language": "kuery"}, "filter": []}
    attributes = {
        "title": dashboard["title"],
        "description": dashboard["description"],
        "hits": 0,
        "panelsJSON": _text(placed),
        "optionsJSON": _text({"useMargins": True, "hidePanelTitles": False}),
        "timeRestore": False,
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _text(nothing)},
    }
    return _object("dashboard", name, attributes, references)


if __name__ == "__main__":
    TARGET.write_text(write())
