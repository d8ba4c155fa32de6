"""An autoscaler's least number of pods is not above the largest."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import facts, said, violations

NGINX = {"ingress-nginx": {"controller": {"autoscaling": {"minReplicas": 1, "maxReplicas": 11}}}}


def scaled(kind: str = "Deployment", **given: Any) -> list[str]:
    section = {"kind": kind, "autoscaling": {"enabled": True, **given}}
    return said("autoscaling", {"ingress-nginx": {"controller": section}}, NGINX)


@pytest.mark.parametrize("given", [{"minReplicas": 12}, {"maxReplicas": 0}, {"minReplicas": "12"}])
def test_more_pods_than_there_may_be_are_never_wanted(given: dict[str, Any]) -> None:
    assert scaled(**given) == ["ingress-nginx.controller.autoscaling.minReplicas"]


@pytest.mark.parametrize(
    "given",
    [
        {"minReplicas": 11},
        {"minReplicas": None},
        {"minReplicas": "many"},
        {"enabled": False, "minReplicas": 12},
    ],
)
def test_as_many_as_there_may_be_are_right(given: dict[str, Any]) -> None:
    assert scaled(**given) == []


def test_a_daemon_set_has_no_autoscaler() -> None:
    assert scaled("DaemonSet", minReplicas=12) == []


def test_both_numbers_are_said() -> None:
    section = {"autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 3}}
    (found,) = violations("autoscaling", facts({"fluent-bit": {"kind": "Deployment", **section}}))
    assert found.message == "minReplicas 5 is above maxReplicas 3"
