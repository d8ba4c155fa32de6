"""Edge nodes can be reached, and settings of alerts fit together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import facts, said, violations

EDGES = {"paris": {"staticConfigs": [{"targets": ["edge-1.example.com:443"]}]}}


CLOSED: dict[str, Any] = {"ranges": []}
NARROW = {"ranges": ["192.0.2.0/24"], "ports": [443]}
WIDE = {"ranges": ["0.0.0.0/0", "::/0"], "ports": [443, 6443]}


def edges(given: Any = None, enabled: bool = True, **policies: Any) -> list[str]:
    section = {"networkPolicies": {"enabled": enabled, "externalEdges": CLOSED, **policies}}
    monitoring = {"externalEdges": EDGES if given is None else given}
    return said("closed-edges", {"depin-monitoring": monitoring, "depin-foundation": section})


def paris(*targets: str, **edge: Any) -> dict[str, Any]:
    return {"paris": {"staticConfigs": [{"targets": list(targets)}], **edge}}


def test_edge_nodes_behind_closed_policies_are_found() -> None:
    wrong = ["depin-monitoring.externalEdges.paris"]
    assert edges(apiServer=NARROW, nodes=NARROW) == wrong
    assert edges({"paris": {"httpSDConfigs": []}}, apiServer=NARROW) == wrong


@pytest.mark.parametrize(
    "edge",
    [
        paris("edge-1.example.com:9443"),
        paris("a:443", "b:8443"),
        paris("a.example.com"),
        paris("[2001:db8::1]:9443"),
    ],
)
def test_a_port_that_is_open_nowhere_is_found(edge: dict[str, Any]) -> None:
    assert edges(edge, apiServer=WIDE) == ["depin-monitoring.externalEdges.paris"]


@pytest.mark.parametrize(
    "edge",
    [paris("a:443"), paris("a", scheme="HTTPS"), paris("a:9100"), {"paris": {"httpSDConfigs": []}}],
)
def test_what_any_address_is_open_for_anyhow_is_right(edge: dict[str, Any]) -> None:
    assert edges(edge, apiServer=WIDE, nodes=WIDE) == []


def test_open_policies_and_none_at_all_are_right() -> None:
    assert edges(apiServer=NARROW, externalEdges={"ranges": ["198.51.100.0/24"]}) == []
    assert edges(enabled=False, apiServer=NARROW) == []


def test_without_edge_nodes_nothing_need_be_open() -> None:
    assert edges({}, apiServer=NARROW) == []


@pytest.mark.parametrize(
    ("alert", "settings", "wrong"),
    [
        ("VolumeFillingUp", {"threshold": 0.1, "full": 0.2}, "full"),
        ("VolumeFillingUp", {"threshold": 0.2, "full": 0.2}, ""),
        ("VolumeFillingUp", {"threshold": 0.2, "full": 0.03}, ""),
        ("VolumeFillingUp", {"threshold": "much", "full": 0.03}, ""),
        ("DePINNodeDown", {"threshold": 120, "forgetAfter": 60}, "threshold"),
        ("DePINNodeDown", {"threshold": 120, "forgetAfter": 86400}, ""),
    ],
)
def test_settings_that_contradict_each_other_are_found(
    alert: str, settings: dict[str, Any], wrong: str
) -> None:
    found = said("alert-settings", {"depin-monitoring": {"alerts": {alert: settings}}})
    assert found == ([f"depin-monitoring.alerts.{alert}.{wrong}"] if wrong else [])


def test_both_settings_are_said() -> None:
    settings = {"VolumeFillingUp": {"threshold": 0.1, "full": 0.2}}
    (found,) = violations("alert-settings", facts({"depin-monitoring": {"alerts": settings}}))
    assert found.message.startswith("full 0.2 is above threshold 0.1")
