"""Edge nodes can be reached, and settings of alerts fit together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import facts, said, violations

EDGES = {"paris": {"staticConfigs": [{"targets": ["edge-1.example.com:443"]}]}}


def edges(policies: dict[str, Any], given: Any = None, **foundation: Any) -> list[str]:
    section = {"networkPolicies": policies, **foundation}
    monitoring = {"externalEdges": EDGES if given is None else given}
    return said("closed-edges", {"depin-monitoring": monitoring, "depin-foundation": section})


def test_edge_nodes_behind_closed_policies_are_found() -> None:
    assert edges({"enabled": True, "externalEdges": {"ranges": []}}) == [
        "depin-monitoring.externalEdges.paris"
    ]


@pytest.mark.parametrize(
    "policies",
    [
        {"enabled": True, "externalEdges": {"ranges": ["198.51.100.0/24"]}},
        {"enabled": False, "externalEdges": {"ranges": []}},
    ],
)
def test_open_policies_and_none_at_all_are_right(policies: dict[str, Any]) -> None:
    assert edges(policies) == []


def test_without_edge_nodes_nothing_need_be_open() -> None:
    closed = {"enabled": True, "externalEdges": {"ranges": []}}
    assert edges(closed, {}) == []
    assert edges(closed, enabled=False) == []


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
