"""Rules are Prometheus', name only what there is, and lead whoever gets an alert to help."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from depin_helm.errors import DepinHelmError
from tests.charts.checks.model import Platform
from tests.charts.rendering import Renderer
from tests.monitoring import contract
from tests.monitoring.conftest import Promtool
from tests.monitoring.promql import Parser
from tests.monitoring.rules import (
    COMPONENT,
    Rule,
    alerts,
    groups,
    names_in_files,
    rules,
    with_settings,
    write,
)
from tests.tier import ROOT

RUNBOOKS = ROOT / "docs/runbooks"
#: What a runbook says.
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]


def unknown(rules: list[Rule], parser: Parser) -> set[str]:
    """Names of series that rules ask for and that neither a rule records nor anybody exposes."""
    asked = {name for rule in rules for name in parser.names(rule["expr"])}
    return asked - contract.known() - {rule["record"] for rule in rules if "record" in rule}


def test_prometheus_takes_all_rules(platform: Platform, promtool: Promtool, tmp_path: Path) -> None:
    checked = promtool("check", "rules", write(groups(platform), tmp_path / "rules.yaml"), cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout


def test_our_rules_ask_only_for_what_is_recorded_or_exposed(platform: Platform, parser: Parser) -> None:
    assert unknown(list(rules(platform, COMPONENT)), parser) == set()


def test_every_metric_of_ours_is_read_by_a_rule(renderer: Renderer, parser: Parser) -> None:
    read = {
        name for rule in rules(with_settings(renderer, {}), COMPONENT) for name in parser.names(rule["expr"])
    }
    ours = [metric for metric in contract.metrics() if not metric.foreign]
    assert [each.name for each in ours if read.isdisjoint(contract.series(each.name, each.type))] == []


@pytest.mark.parametrize(
    "expression",
    ["min by (node) (depin_node_upp)", "node:depin_node_up:max == 0", "certmanager_certificate_expires"],
)
def test_a_misspelt_metric_is_found(renderer: Renderer, parser: Parser, expression: str) -> None:
    known = list(rules(with_settings(renderer, {}), COMPONENT))
    assert unknown([*known, {"alert": "New", "expr": expression}], parser)


def test_names_of_recorded_series_tell_level_metric_and_operation(platform: Platform) -> None:
    for rule in rules(platform, COMPONENT):
        if "record" in rule:
            assert re.fullmatch(r"[a-z_]+:[a-zA-Z0-9_]+:[a-z0-9_]+", rule["record"]), rule["record"]


def test_nothing_is_recorded_twice(platform: Platform) -> None:
    names = [rule["record"] for rule in rules(platform, COMPONENT) if "record" in rule]
    assert len(names) == len(set(names))


def test_no_rule_selects_by_a_job_that_is_named_after_a_release(platform: Platform, parser: Parser) -> None:
    # Grafana's and Fluent Bit's monitors name their job so: docs/architecture.md.
    for rule in rules(platform, COMPONENT):
        for selector in parser.selectors(rule["expr"]):
            assert selector.matchers.get("job", ("=", ""))[1] in ("", "elasticsearch-exporter")


def test_every_alert_says_how_bad_it_is_whose_and_what_to_do(platform: Platform) -> None:
    for name, alert in alerts(platform).items():
        assert set(alert["labels"]) == {"severity", "team", "component"}, name
        assert alert["labels"]["severity"] in {"critical", "warning", "info", "none"}, name
        assert alert["labels"]["team"] in {"depin", "platform"}, name
        assert set(alert["annotations"]) == {"summary", "description", "runbook_url", "dashboard"}, name
        assert "\n" not in alert["annotations"]["summary"], name
        assert re.fullmatch(r"(\d+[smhd])+", alert["for"]), name


def test_every_alert_links_to_its_runbook_and_a_dashboard(platform: Platform) -> None:
    domain = platform.values["global"]["platform"]["domain"]
    for name, alert in alerts(platform).items():
        links = alert["annotations"]
        assert links["runbook_url"].endswith(f"/docs/runbooks/{name}.md")
        assert links["dashboard"].startswith(f"https://grafana.{domain}/d/")


def test_links_lead_where_the_values_say(renderer: Renderer) -> None:
    changed = {"grafanaUrl": "https://g.example.com/x", "runbookUrl": "https://wiki.example.com/books"}
    links = alerts(with_settings(renderer, changed))["DePINNodeDown"]["annotations"]
    assert links["dashboard"].startswith("https://g.example.com/x/d/depin-node?")
    assert links["runbook_url"] == "https://wiki.example.com/books/DePINNodeDown.md"


@pytest.mark.parametrize("alert", sorted(names_in_files()))
def test_every_alert_has_a_runbook_with_all_that_it_needs(alert: str) -> None:
    text = (RUNBOOKS / f"{alert}.md").read_text()
    assert text.startswith(f"# {alert}\n")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    assert parts[1::2] == SECTIONS
    assert all(len(part.split()) > 8 for part in parts[2::2]), "a section says nothing"
    assert re.search(r"^    kubectl |^    depin-helm ", parts[parts.index("Diagnosis") + 1], re.MULTILINE)


def test_every_runbook_is_an_alerts() -> None:
    found = {file.stem for file in RUNBOOKS.glob("*.md")} - {"README"}
    assert found == names_in_files()


def test_every_alert_has_settings_and_the_other_way_round(renderer: Renderer) -> None:
    assert set(renderer.defaults[COMPONENT]["alerts"]) == names_in_files()


@pytest.mark.usefixtures("real_charts")
def test_no_alert_is_there_twice(platform: Platform) -> None:
    theirs = {rule["alert"] for rule in rules(platform, "kube-prometheus-stack") if "alert" in rule}
    assert len(theirs) > 50
    assert theirs.isdisjoint(alerts(platform))


@pytest.mark.usefixtures("real_charts")
def test_where_ours_doubles_one_of_the_charts_that_one_is_off(platform: Platform, renderer: Renderer) -> None:
    off = renderer.defaults["kube-prometheus-stack"]["defaultRules"]["disabled"]
    assert {"KubePodCrashLooping", "KubePodNotReady", "Watchdog"} <= off.keys()
    theirs = rules(platform, "kube-prometheus-stack")
    assert off.keys().isdisjoint(rule.get("alert", "") for rule in theirs)
    on: dict[str, Any] = {"defaultRules": {"disabled": dict.fromkeys(off, False)}}
    values = {"global": {"platform": {"layered": True}}, "kube-prometheus-stack": on}
    without = renderer.one_layer("monitoring", values, "depin-monitoring")
    found = {rule.get("alert", "") for rule in rules(without, "kube-prometheus-stack")}
    assert off.keys() <= found, "the chart has no such alert"


def test_an_alert_that_is_off_is_not_there(renderer: Renderer) -> None:
    found = alerts(with_settings(renderer, {"alerts": {"DePINNodeDown": {"enabled": False}}}))
    assert names_in_files() - found.keys() == {"DePINNodeDown"}


def test_settings_arrive_in_expression_duration_label_and_text(renderer: Renderer) -> None:
    settings = {"EdgeNodeLatency": {"threshold": 0.375, "for": "3m", "severity": "info"}}
    alert = alerts(with_settings(renderer, {"alerts": settings}))["EdgeNodeLatency"]
    assert alert["expr"].endswith("> 0.375")
    assert alert["for"] == "3m"
    assert alert["labels"]["severity"] == "info"
    assert "0.375 seconds are allowed" in alert["annotations"]["description"]


def test_a_setting_that_is_taken_away_is_named(renderer: Renderer) -> None:
    with pytest.raises(DepinHelmError, match="EdgeNodeLatency/threshold"):
        with_settings(renderer, {"alerts": {"EdgeNodeLatency": {"threshold": None}}})
