"""Dashboards are what the code makes, ask only for what there is, lead to each other, and reach Grafana."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.charts.checks.model import Object, Platform
from tests.charts.rendering import Renderer
from tests.monitoring import contract
from tests.monitoring.boards import (
    FOLDER,
    Panel,
    boards,
    choices,
    every_panel,
    every_target,
    panels,
    variables,
)
from tests.monitoring.promql import Parser, Selector
from tests.monitoring.rules import COMPONENT, alerts, rules, with_settings
from tools.dashboards import __main__ as generator

#: Etcd's limit for a ConfigMap.
MEBIBYTE = 2**20
#: Labels that Prometheus puts on every series itself, by where it was scraped.
OF_TARGETS = frozenset({"job", "instance", "namespace", "pod", "service", "container", "endpoint", "node"})


@pytest.fixture
def recorded(renderer: Renderer) -> frozenset[str]:
    """Names that our rules record."""
    found = rules(with_settings(renderer, {}), COMPONENT)
    return frozenset(rule["record"] for rule in found if "record" in rule)


def asked() -> Iterator[tuple[str, str]]:
    """Where something is asked for, and the PromQL of it: panels' queries, and choices of variables."""
    yield from ((str(target.panel), target.promql) for target in every_target())
    for board in boards():
        yield from ((board, expression) for expression, _ in choices(board))


def unknown(queries: Iterable[tuple[str, str]], parser: Parser, recorded: frozenset[str]) -> set[str]:
    """Names of series that nobody exposes or records, with where they are asked for."""
    there = contract.known() | recorded
    return {f"{where}: {name}" for where, expr in queries for name in parser.names(expr) if name not in there}


def strange(expression: str, parser: Parser) -> set[str]:
    """Labels by which metrics of the contract are selected or grouped, and that they do not have."""
    labels = {
        name: {"le", *each.labels}
        for each in contract.metrics()
        for name in contract.series(each.name, each.type)
    }
    wrong = {
        f"{selector.name}{{{label}}}"
        for selector in parser.selectors(expression)
        for label in selector.matchers
        if selector.name in labels and label not in labels[selector.name]
    }
    for grouping in parser.groupings(expression):
        if grouping.names <= labels.keys():
            there = set().union(OF_TARGETS, grouping.made, *(labels[name] for name in grouping.names))
            wrong |= {f"by ({label})" for label in grouping.labels - there}
    return wrong


def test_the_committed_dashboards_are_what_the_code_makes() -> None:
    made = {f"{board.uid}.json": board.json() for board in generator.boards()}
    assert {file.name: file.read_text() for file in FOLDER.iterdir()} == made, "make dashboards"


@pytest.mark.parametrize("board", boards())
def test_grafanas_library_reads_a_dashboard_and_writes_it_as_it_was(board: str) -> None:
    read = Dashboard.from_json(dict(boards()[board]))
    assert json.loads(JSONEncoder().encode(read)) == boards()[board]


def test_dashboards_ask_only_for_what_is_recorded_or_exposed(
    parser: Parser, recorded: frozenset[str]
) -> None:
    assert unknown(asked(), parser, recorded) == set()


@pytest.mark.parametrize("panel", [("depin-node", 24), ("depin-overview", 5), ("depin-edge", 20)])
def test_a_misspelt_metric_is_found(panel: tuple[str, int], parser: Parser, recorded: frozenset[str]) -> None:
    (chosen,) = (each for each in panels(panel[0]) if each.data["id"] == panel[1])
    (query,) = chosen.targets
    (name,) = parser.names(query.promql)
    typo = query.promql.replace(name, name[:-1])
    assert unknown([("here", typo)], parser, recorded) == {f"here: {name[:-1]}"}


def test_metrics_of_the_contract_are_selected_and_grouped_by_labels_that_they_have(
    parser: Parser, renderer: Renderer
) -> None:
    expressions = [target.promql for target in every_target()]
    expressions += [rule["expr"] for rule in rules(with_settings(renderer, {}), COMPONENT)]
    assert {wrong for each in expressions for wrong in strange(each, parser)} == set()


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ('depin_node_up{nod="a"} or depin_node_up{region="b"}', {"depin_node_up{nod}"}),
        ("sum by (nod, region) (depin_node_up)", {"by (nod)"}),
        ('sum by (place) (label_replace(depin_node_up, "place", "$1", "region", "(.+)"))', set()),
    ],
)
def test_a_label_that_a_metric_does_not_have_is_found(
    expression: str, wrong: set[str], parser: Parser
) -> None:
    assert strange(expression, parser) == wrong


@pytest.mark.parametrize("board", boards())
def test_uids_and_ids_are_told_apart_and_panels_do_not_overlap(board: str) -> None:
    data = boards()[board]
    assert data["uid"] == board
    assert re.fullmatch(r"[a-z-]{1,40}", board)
    ids = [panel["id"] for panel in data["panels"]]
    assert len(ids) == len(set(ids))
    for one, other in itertools.combinations([panel["gridPos"] for panel in data["panels"]], 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in data["panels"])


@pytest.mark.parametrize("board", boards())
def test_a_dashboard_leads_to_all_others_with_its_time_and_choices(board: str) -> None:
    (link,) = boards()[board]["links"]
    assert link["type"] == "dashboards"
    assert set(link["tags"]) <= set(boards()[board]["tags"])
    assert (link["keepTime"], link["includeVars"]) == (True, True)


def links(panel: Panel) -> Iterator[str]:
    for override in panel.data["fieldConfig"]["overrides"]:
        for each in override["properties"]:
            if each["id"] == "links":
                yield from (link["url"] for link in each["value"])


def leads(url: str) -> None:
    """Whether a link ends at a dashboard, a panel if it names one, and variables, that there are."""
    parts = urlsplit(url)
    board = parts.path.removeprefix("/d/")
    assert board in boards(), url
    known = {f"var-{variable['name']}" for variable in variables(board)} | {"viewPanel"}
    assert parse_qs(parts.query, keep_blank_values=True).keys() <= known, url


def test_links_in_tables_lead_to_dashboards_and_their_variables() -> None:
    found = [url for panel in every_panel() for url in links(panel)]
    assert found
    for url in found:
        leads(url)


def shown(alert: str, annotations: dict[str, str], domain: str) -> Panel:
    """The panel that an alert links to."""
    url = annotations["dashboard"].removeprefix(f"https://grafana.{domain}")
    leads(url)
    (key,) = parse_qs(urlsplit(url).query)["viewPanel"]
    found = [
        panel
        for panel in panels(urlsplit(url).path.removeprefix("/d/"))
        if f"panel-{panel.data['id']}" == key
    ]
    assert len(found) == 1, alert
    return found[0]


def test_every_alert_links_to_a_panel_that_shows_what_it_is_about(platform: Platform, parser: Parser) -> None:
    domain = platform.values["global"]["platform"]["domain"]
    for name, alert in alerts(platform).items():
        panel = shown(name, alert["annotations"], domain)
        about = parser.names(alert["expr"])
        seen = {series for target in panel.targets for series in parser.names(target.promql)}
        assert seen & about or not about, f"{name} asks for {about}, {panel} shows {seen}"


def test_an_alerts_link_chooses_what_the_alert_is_about(platform: Platform) -> None:
    chosen = {"DePINNodeDown": "node", "EdgeNodeLatency": "edge", "KubernetesPodNotReady": "namespace"}
    for name, label in chosen.items():
        link = alerts(platform)[name]["annotations"]["dashboard"]
        assert link.endswith(f"&var-{label}={{{{ $labels.{label} }}}}")


def workloads(platform: Platform) -> dict[str, set[tuple[str, str]]]:
    """Namespaces and names of workloads, by the label of kube-state-metrics that has the names."""
    found: dict[str, set[tuple[str, str]]] = {"deployment": set(), "statefulset": set(), "daemonset": set()}
    for obj in platform.objects:
        if obj.kind in ("Prometheus", "Alertmanager"):  # the operator makes these
            found["statefulset"].add((obj.namespace, f"{obj.kind.lower()}-{obj.name}"))
        elif obj.kind.lower() in found:
            found[obj.kind.lower()].add((obj.namespace, obj.name))
    return found


@pytest.mark.usefixtures("real_charts")
def test_the_platforms_page_has_all_eight_services_and_all_their_parts(
    renderer: Renderer, parser: Parser
) -> None:
    there = workloads(renderer.layered("prod"))
    (services,) = (panel for panel in panels("depin-platform") if panel.data["title"] == "Services")
    assert {target.legend for target in services.targets} == {
        *("cert-manager", "ingress-nginx", "Prometheus", "Grafana"),
        *("Alertmanager", "Elasticsearch", "Fluent Bit", "Kibana"),
    }
    seen: set[str] = set()
    for target in services.targets:
        for selector in parser.selectors(target.promql):
            (kind,) = selector.matchers.keys() - {"namespace"}
            matched = {
                name
                for namespace, name in there[kind]
                if re.fullmatch(selector.matchers["namespace"][1], namespace)
                and re.fullmatch(selector.matchers[kind][1], name)
            }
            assert matched, target
            seen |= matched
    other = {
        "kube-prometheus-stack-operator",
        "kube-state-metrics",
        "prometheus-node-exporter",
        "elasticsearch-exporter",
    }
    assert {name for each in there.values() for _, name in each} - seen == other


@pytest.mark.parametrize("board", boards())
def test_every_dashboard_shows_the_alerts_that_concern_it(board: str, parser: Parser) -> None:
    (panel,) = (each for each in panels(board) if each.data["title"] == "Firing alerts")
    assert {"ALERTS", "ALERTS_FOR_STATE"} == {
        name for target in panel.targets for name in parser.names(target.promql)
    }


def test_every_panel_of_alerts_shows_some_and_the_overview_shows_all(
    renderer: Renderer, parser: Parser
) -> None:
    ours = alerts(with_settings(renderer, {}))
    for board in boards():
        (panel,) = (each for each in panels(board) if each.data["title"] == "Firing alerts")
        (target,) = panel.targets
        selector = next(each for each in parser.selectors(target.promql) if each.name == "ALERTS_FOR_STATE")
        seen = {name for name, alert in ours.items() if _matched(alert["labels"], selector)}
        assert seen, board
        if board == "depin-overview":
            assert ours.keys() - seen == {"Watchdog"}


def _matched(labels: dict[str, str], selector: Selector) -> bool:
    """Whether an alert with these labels is selected, whatever labels its series has."""
    return all(
        (value == labels[name]) is (operator == "=")
        if operator in ("=", "!=")
        else re.fullmatch(value, labels[name])
        for name, (operator, value) in selector.matchers.items()
        if name in labels
    )


def configmaps(platform: Platform) -> list[Object]:
    return [obj for obj in platform.of_kind("ConfigMap") if obj.component == COMPONENT]


def test_grafana_is_given_every_dashboard_as_it_is(platform: Platform) -> None:
    maps = configmaps(platform)
    found: dict[str, Any] = {}
    for obj in maps:
        assert len(json.dumps(obj.data)) < MEBIBYTE
        found |= {name.removesuffix(".json"): json.loads(text) for name, text in obj.data["data"].items()}
    assert found == boards()
    assert len(maps) == len(boards())


@pytest.mark.usefixtures("real_charts")
def test_grafanas_sidecar_looks_for_them_and_puts_them_into_folders(platform: Platform) -> None:
    (grafana,) = (obj for obj in platform.of_kind("Deployment") if obj.name == "grafana")
    (sidecar,) = (
        container
        for container in grafana.data["spec"]["template"]["spec"]["containers"]
        if container["name"] == "grafana-sc-dashboard"
    )
    told = {variable["name"]: variable.get("value") for variable in sidecar["env"]}
    theirs = [
        obj
        for obj in platform.of_kind("ConfigMap")
        if told["LABEL"] in obj.labels and obj.component != COMPONENT
    ]
    assert theirs
    for obj in configmaps(platform):
        assert obj.labels[told["LABEL"]] == told["LABEL_VALUE"]
        assert obj.namespace in told["NAMESPACE"].split(",")
        assert obj.annotations[told["FOLDER_ANNOTATION"]] == "DePIN"
    assert {obj.annotations.get(told["FOLDER_ANNOTATION"]) for obj in theirs} == {"Kubernetes"}
    (provider,) = (
        text
        for obj in platform.of_kind("ConfigMap")
        for name, text in (obj.data.get("data") or {}).items()
        if name == "provider.yaml"
    )
    assert "foldersFromFilesStructure: true" in provider


def test_dashboards_can_be_left_out(renderer: Renderer) -> None:
    assert configmaps(with_settings(renderer, {"dashboards": {"enabled": False}})) == []
