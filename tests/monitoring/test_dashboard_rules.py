"""Dashboards keep the rules of Grafana's dashboard-linter (dashboard-rules.yaml), each by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from depin_helm import yamlio
from tests.monitoring.boards import Panel, boards, choices, panels, variables
from tests.monitoring.promql import Parser

_DATA: Mapping[str, Any] = yamlio.load((Path(__file__).parent / "dashboard-rules.yaml").read_bytes())
RULES: Mapping[str, Mapping[str, str]] = _DATA["rules"]
UNITS = frozenset(_DATA["units"])
#: Types of panels that have units.
WITH_UNITS = {"stat", "singlestat", "graph", "table", "timeseries", "gauge"}

#: What a rule has against a dashboard.
Check = Callable[[str, Parser], Iterator[str]]


def _template_datasource(board: str, parser: Parser) -> Iterator[str]:
    found = [
        (each["name"], each["label"], each["query"])
        for each in variables(board)
        if each["type"] == "datasource"
    ]
    if found != [("datasource", "Data source", "prometheus")]:
        yield f"data sources to choose from are {found}"


def _template_label_promql(board: str, parser: Parser) -> Iterator[str]:
    for expression, _ in choices(board):
        try:
            parser.tree(expression)
        except ValueError as error:
            yield str(error)


def _template_reload(board: str, parser: Parser) -> Iterator[str]:
    # 2: when the time range changes.
    yield from (each["name"] for each in variables(board) if each["type"] == "query" and each["refresh"] != 2)


def _panel_datasource(board: str, parser: Parser) -> Iterator[str]:
    for panel in panels(board):
        sources = [panel.data["datasource"], *(target["datasource"] for target in panel.data["targets"])]
        if any(source["uid"] != "${datasource}" for source in sources):
            yield str(panel)


def _panel_title(board: str, parser: Parser) -> Iterator[str]:
    yield from (
        str(each) for each in panels(board) if not (each.data.get("title") and each.data.get("description"))
    )


def _units(panel: Panel) -> set[str]:
    config = panel.data["fieldConfig"]
    properties = [each for override in config["overrides"] for each in override["properties"]]
    return {config["defaults"].get("unit", "")} | {
        each["value"] for each in properties if each["id"] == "unit"
    }


def _panel_units(board: str, parser: Parser) -> Iterator[str]:
    for panel in panels(board):
        if panel.data["type"] in WITH_UNITS and not _units(panel) <= UNITS:
            yield f"{panel}: {_units(panel) - UNITS}"


def _panel_targets(board: str, parser: Parser) -> Iterator[str]:
    yield from (str(panel) for panel in panels(board) if not panel.targets)


def _target_promql(board: str, parser: Parser) -> Iterator[str]:
    for panel in panels(board):
        for target in panel.targets:
            try:
                parser.tree(target.promql)
            except ValueError as error:
                yield f"{panel}: {error}"


def _target_rate_interval(board: str, parser: Parser) -> Iterator[str]:
    for panel in panels(board):
        for target in panel.targets:
            if re.search(r"\bi?rate\([^\[]*\[(?!\$__rate_interval\])", target.expr):
                yield str(target)


def _target_counter(board: str, parser: Parser) -> Iterator[str]:
    for panel in panels(board):
        for target in panel.targets:
            for name in _not_aggregated(parser.tree(target.promql), ()):
                yield f"{target}: {name}"


def _not_aggregated(node: Any, above: tuple[str, ...]) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _not_aggregated(item, above)
    elif isinstance(node, dict):
        kind = node.get("type", "")
        aggregated = kind == "matrixSelector" and above[-1:] in (("rate",), ("irate",), ("increase",))
        if kind.endswith("Selector") and not aggregated and (node.get("name") or "").endswith("_total"):
            yield node["name"]
        name = node["func"]["name"] if kind == "call" else kind
        for value in node.values():
            yield from _not_aggregated(value, (*above, name) if kind else above)


def _uneditable(board: str, parser: Parser) -> Iterator[str]:
    if boards()[board]["editable"]:
        yield "can be edited in Grafana, where the next deployment undoes it"


CHECKS: Mapping[str, Check] = {
    "template-datasource-rule": _template_datasource,
    "template-label-promql-rule": _template_label_promql,
    "template-on-time-change-reload-rule": _template_reload,
    "panel-datasource-rule": _panel_datasource,
    "panel-title-description-rule": _panel_title,
    "panel-units-rule": _panel_units,
    "panel-no-targets-rule": _panel_targets,
    "target-promql-rule": _target_promql,
    "target-rate-interval-rule": _target_rate_interval,
    "target-counter-agg-rule": _target_counter,
    "uneditable-dashboard-rule": _uneditable,
}


def test_every_rule_is_checked_or_says_why_it_does_not_apply() -> None:
    assert {name for name, rule in RULES.items() if "not" not in rule} == CHECKS.keys()
    assert all(len(rule["not"].split()) >= 3 for rule in RULES.values() if "not" in rule)


@pytest.mark.parametrize("rule", CHECKS)
@pytest.mark.parametrize("board", boards())
def test_a_dashboard_keeps_the_rule(board: str, rule: str, parser: Parser) -> None:
    assert list(CHECKS[rule](board, parser)) == []


def test_no_unit_is_listed_that_no_panel_has() -> None:
    assert set.union(*(_units(panel) for board in boards() for panel in panels(board))) == UNITS


@pytest.mark.parametrize(
    ("expr", "wrong"),
    [
        ("sum(a_total)", ["a_total"]),
        ("max_over_time(a_total[5m])", ["a_total"]),
        ("sum(rate(a_total[5m])) / b", []),
        ("increase(a_total[1h]) > 0", []),
    ],
)
def test_a_counter_that_is_shown_as_it_is_is_found(expr: str, wrong: list[str], parser: Parser) -> None:
    assert list(_not_aggregated(parser.tree(expr), ())) == wrong
