"""What notifications say by default, as Alertmanager's own templates make it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from depin_helm import yamlio
from tests.monitoring import contract
from tests.programs import program

SOURCE: Mapping[str, Any] = yamlio.load((contract.CHART / "alerting/notifications.yaml").read_bytes())


def alert(node: str, status: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": "DePINNodeDown", "node": node},
        "annotations": {
            "summary": f"Compute node {node} is down",
            "description": f"Node {node} takes no work.",
            "dashboard": f"https://grafana.example.com/d/depin-node?var-node={node}",
            "runbook_url": "https://runbooks.example.com/DePINNodeDown.md",
        },
    }


def data(severity: str, *alerts: dict[str, Any], region: str = "eu-west") -> dict[str, Any]:
    labels = {"severity": severity, "team": "depin", "component": "node", "cluster": "lab"}
    return {
        "receiver": "monitoring/depin-alerting/team",
        "status": "firing" if any(each["status"] == "firing" for each in alerts) else "resolved",
        "externalURL": "https://alertmanager.example.com",
        "groupLabels": {"alertname": "DePINNodeDown"},
        "commonLabels": {**labels, "region": region} if region else labels,
        "commonAnnotations": {},
        "alerts": list(alerts),
    }


TWO = data("critical", alert("a", "firing"), alert("b", "resolved"))
ONE_OF_NOWHERE = data("none", alert("a", "resolved"), region="")


def render(text: str, about: Mapping[str, Any], folder: Path) -> str:
    (folder / "data.json").write_text(json.dumps(about))
    command: list[str | Path] = [
        *(program("amtool"), "template", "render", "--template.glob=/dev/null"),
        *(f"--template.data={folder / 'data.json'}", f"--template.text={text}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text below `value`, and where it stands."""
    if isinstance(value, str):
        yield path, value
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from texts(inner, f"{path}.{key}")
    for number, inner in enumerate(value) if isinstance(value, list) else ():
        yield from texts(inner, f"{path}[{number}]")


@pytest.mark.parametrize("about", [TWO, ONE_OF_NOWHERE], ids=["two alerts", "one without a region"])
@pytest.mark.parametrize(
    "text", [pytest.param(text, id=where) for kind, say in SOURCE.items() for where, text in texts(say, kind)]
)
def test_alertmanager_can_make_every_text(text: str, about: Mapping[str, Any], tmp_path: Path) -> None:
    made = render(text, about, tmp_path)
    assert "<no value>" not in made
    assert "{{" not in made


def test_a_message_says_what_where_and_how_bad_and_leads_on(tmp_path: Path) -> None:
    slack = SOURCE["slackConfigs"]
    title = render(slack["title"], TWO, tmp_path)
    assert title == "1 firing, 1 resolved: DePINNodeDown in eu-west (critical, lab)"
    text = render(slack["text"], TWO, tmp_path)
    for expected in (
        "Compute node a is down",
        "Node b takes no work.",
        "/d/depin-node?var-node=a|dashboard>",
    ):
        assert expected in text
    assert "https://runbooks.example.com/DePINNodeDown.md|runbook>" in text
    (subject,) = (each["value"] for each in SOURCE["emailConfigs"]["headers"] if each["key"] == "Subject")
    assert render(subject, TWO, tmp_path) == title


@pytest.mark.parametrize(
    ("severity", "said"), [("critical", "critical"), ("info", "info"), ("none", "error")]
)
def test_pagerduty_is_told_a_severity_that_it_knows(severity: str, said: str, tmp_path: Path) -> None:
    about = data(severity, alert("a", "firing"))
    assert render(SOURCE["pagerdutyConfigs"]["severity"], about, tmp_path) == said
