"""A node that stops is heard of: from its metrics to a webhook, by real programs with what the chart renders.

The simulator speaks the metric contract; Prometheus has the chart's rules; Alertmanager has what the operator
makes of the chart's values. All on 127.0.0.1, with seconds in place of minutes, which are values as well.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from depin_helm import yamlio
from tests.charts.checks.model import Platform
from tests.charts.conftest import renderer
from tests.charts.rendering import Renderer
from tests.monitoring import contract, servers
from tests.monitoring.boards import Target, boards, panels
from tests.monitoring.promql import Parser
from tests.monitoring.rules import COMPONENT, groups, rules, with_settings, write
from tests.monitoring.servers import Server, until
from tests.sandbox.alertmanagers import operated
from tests.simulator import Simulator

__all__ = ["renderer"]

#: Names of nodes of one region in the simulated network, of four in two regions.
NEIGHBOURS = ("node-1", "node-3")


@dataclass
class Webhook:
    """What somebody who is told of alerts was told, in its order."""

    url: str = ""
    told: list[dict[str, Any]] = field(default_factory=list)

    def about(self, alert: str, status: str) -> list[dict[str, Any]]:
        """The notifications about an alert in which everything is in that state."""
        return [
            each
            for each in self.told
            if each["groupLabels"]["alertname"] == alert and each["status"] == status
        ]


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    """A receiver of notifications."""
    webhook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhook.told.append({"path": self.path, **json.loads(body)})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        webhook.url = f"http://127.0.0.1:{server.server_port}"
        yield webhook
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def platform(renderer: Renderer, webhook: Webhook) -> Platform:
    """The chart, whose alerts about the network go to one address and all others to another."""
    if not renderer.real:
        pytest.skip("the stand-ins have no Alertmanager of the real chart")
    receivers = {
        name: {"webhookConfigs": [{"url": f"{webhook.url}/{name}"}]}
        for name in ("depin-team", "platform-team")
    }
    settings: dict[str, Any] = {
        "alerts": {"DePINNodeDown": {"for": "1s", "threshold": 5}},
        "alerting": {
            "receiver": "platform-team",
            "receivers": receivers,
            "routes": {"depin": [{"receiver": "depin-team"}]},
            "grouping": {"wait": "4s", "interval": "1s", "repeat": "1h"},
            "deadMansSwitch": {"enabled": True, "interval": "1s"},
        },
    }
    return with_settings(renderer, settings)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(nodes=4, edges=2) as network:
        yield network


@pytest.fixture(scope="module")
def alertmanager(
    platform: Platform,
    renderer: Renderer,
    webhook: Webhook,
    cache: Path,
    binaries: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """Alertmanager with what the operator made of the chart's values."""
    with operated("delivery", cache, binaries["kubectl"], renderer) as alertmanagers:
        secrets = {"dead-mans-switch": {"url": f"{webhook.url}/switch"}}
        configuration = alertmanagers.configuration(platform, "delivery", secrets)
    with servers.alertmanager(tmp_path_factory.mktemp("alertmanager"), configuration) as server:
        yield server


@pytest.fixture(scope="module")
def prometheus(
    platform: Platform, simulator: Simulator, alertmanager: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Prometheus that scrapes the simulator each second, with the chart's rules."""
    folder = tmp_path_factory.mktemp("prometheus")
    configuration = {
        "global": {
            "scrape_interval": "1s",
            "evaluation_interval": "1s",
            "external_labels": {"cluster": "test"},
        },
        "rule_files": [str(write(_each_second(groups(platform, COMPONENT)), folder / "rules.yaml"))],
        "scrape_configs": [{"job_name": "network", "static_configs": [{"targets": [simulator.address]}]}],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [alertmanager.address]}]}],
        },
    }
    # An alert that fires before Prometheus has found Alertmanager is sent a minute later by default.
    with servers.prometheus(folder, yamlio.dump(configuration), "--rules.alert.resend-delay=3s") as server:
        yield server


def _each_second(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Groups are evaluated as the configuration says, whatever interval they ask for."""
    return [{key: value for key, value in group.items() if key != "interval"} for group in found]


def asked(prometheus: Server, expression: str) -> list[dict[str, Any]]:
    answer = prometheus.get("/api/v1/query", query=expression).json()
    assert answer["status"] == "success", answer
    return list(answer["data"]["result"])


def nodes(notification: dict[str, Any]) -> set[str]:
    return {alert["labels"]["node"] for alert in notification["alerts"]}


def test_nodes_that_stop_are_told_of_in_one_notification_and_so_is_their_recovery(
    prometheus: Server, simulator: Simulator, webhook: Webhook
) -> None:
    until(lambda: len(asked(prometheus, "node:depin_node_up:min == 1")) == 4)
    assert webhook.about("DePINNodeDown", "firing") == []
    for node in NEIGHBOURS:
        simulator.stop(node)

    (told,) = until(lambda: webhook.about("DePINNodeDown", "firing"))
    assert told["path"] == "/depin-team"
    assert nodes(told) == set(NEIGHBOURS)
    assert told["groupLabels"] == {"alertname": "DePINNodeDown", "region": "eu-central"}
    assert {alert["labels"]["cluster"] for alert in told["alerts"]} == {"test"}
    for alert in told["alerts"]:
        links = alert["annotations"]
        assert links["dashboard"].endswith(
            f"/d/depin-node?viewPanel=panel-2&var-node={alert['labels']['node']}"
        )
        assert links["runbook_url"].endswith("/DePINNodeDown.md")

    for node in NEIGHBOURS:
        simulator.start(node)
    resolved = until(lambda: webhook.about("DePINNodeDown", "resolved"))
    assert {name for each in resolved for name in nodes(each)} == set(NEIGHBOURS)
    assert resolved[0]["path"] == "/depin-team"


def test_the_dead_mans_switch_hears_of_the_watchdog_again_and_again(
    prometheus: Server, webhook: Webhook
) -> None:
    assert asked(prometheus, 'ALERTS{alertname="Watchdog", alertstate="firing"}')
    until(lambda: len(webhook.about("Watchdog", "firing")) >= 3)
    assert {each["path"] for each in webhook.about("Watchdog", "firing")} == {"/switch"}


@pytest.mark.usefixtures("prometheus")
def test_nobody_was_told_of_anything_else(webhook: Webhook) -> None:
    told = {(each["path"], each["groupLabels"]["alertname"]) for each in webhook.told}
    assert told <= {("/depin-team", "DePINNodeDown"), ("/switch", "Watchdog")}


def alert(name: str, severity: str, **labels: str) -> dict[str, str]:
    return {"alertname": name, "severity": severity, **labels}


def _key(labels: Any) -> str:
    return json.dumps(labels, sort_keys=True)


RED = alert("ElasticsearchClusterRed", "critical", component="elasticsearch")
DOWN = alert("DePINNodeDown", "critical", component="node", node="node-9", region="eu-west")
FULL = alert("NodeFilesystemSpaceFillingUp", "critical", namespace="node-agents", instance="10.0.0.1:9100")


@pytest.mark.parametrize(
    ("there", "other", "silent"),
    [
        (DOWN, alert("KubernetesPodNotReady", "warning", namespace="a", pod="b", node="node-9"), True),
        (DOWN, alert("KubernetesPodNotReady", "warning", namespace="a", pod="b", node="node-8"), False),
        (DOWN, alert("HighAIComputeLoad", "warning", component="node", node="node-9", resource="cpu"), True),
        (DOWN, alert("DePINNodeDown", "critical", component="node", node="node-8"), False),
        (RED, alert("ElasticsearchClusterYellow", "warning", component="elasticsearch"), True),
        (RED, alert("FluentBitRetrying", "warning", component="fluent-bit"), False),
        (RED, alert("Unknown", "warning"), False),
        (FULL, {**FULL, "severity": "warning"}, True),
        (FULL, {**FULL, "severity": "warning", "instance": "10.0.0.2:9100"}, False),
    ],
)
def test_an_alert_silences_those_that_it_makes_needless_and_no_other(
    there: dict[str, str], other: dict[str, str], silent: bool, alertmanager: Server
) -> None:
    # Told apart from the cases before, whose alerts stay for a while.
    case = {"case": str(uuid.uuid4())}
    ends = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    sent = [{"labels": {**labels, **case}, "endsAt": ends} for labels in (there, other)]
    httpx2.post(f"{alertmanager.url}/api/v2/alerts", json=sent, trust_env=False).raise_for_status()

    def states() -> dict[str, bool]:
        found = alertmanager.get("/api/v2/alerts", filter=f"case={case['case']}").json()
        found = found if len(found) == 2 else []
        return {_key(each["labels"]): bool(each["status"]["inhibitedBy"]) for each in found}

    found = until(states)
    assert found[_key(sent[0]["labels"])] is False
    assert found[_key(sent[1]["labels"])] is silent


def of_the_network(parser: Parser, platform: Platform) -> list[Target]:
    """Queries that ask for nothing but the contract's metrics, or what is recorded of them alone."""
    known = {name for each in contract.metrics() for name in contract.series(each.name, each.type)}
    before = -1
    while before != len(known):
        before = len(known)
        known |= {
            rule["record"]
            for rule in rules(platform, COMPONENT)
            if "record" in rule and parser.names(rule["expr"]) <= known | {rule["record"]}
        }
    targets = [target for board in boards() for panel in panels(board) for target in panel.targets]
    return [target for target in targets if parser.names(target.promql) <= known]


def test_every_query_about_the_network_has_an_answer_with_the_labels_that_it_shows(
    prometheus: Server, platform: Platform
) -> None:
    targets = of_the_network(Parser(prometheus), platform)
    assert len(targets) > 60
    unanswered = list(targets)

    def answered() -> bool:
        for target in list(unanswered):
            if found := asked(prometheus, target.promql):
                unanswered.remove(target)
                _shows_its_labels(target, found[0]["metric"])
        return not unanswered

    try:
        until(answered)
    except AssertionError as error:
        raise AssertionError("\n".join(target.promql for target in unanswered)) from error


def _shows_its_labels(target: Target, labels: dict[str, str]) -> None:
    shown = {part.partition("}}")[0] for part in target.legend.split("{{")[1:]}
    assert shown <= labels.keys(), f"{target}: series have {', '.join(labels)}"
