"""A budget that no pod can leave is found, if the chart makes it at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import facts, nested, said, violations

KPS = "kube-prometheus-stack"


def wrong(section: str, value: dict[str, Any]) -> list[str]:
    return [path.removeprefix(f"{section}.") for path in said("disruption-budget", nested(section, value))]


@pytest.mark.parametrize("section", ["cert-manager", "cert-manager.webhook", "cert-manager.cainjector"])
def test_cert_managers_budgets(section: str) -> None:
    def with_budget(replicas: int, **budget: Any) -> list[str]:
        return wrong(section, {"replicaCount": replicas, "podDisruptionBudget": budget})

    assert with_budget(2, enabled=True, maxUnavailable=0) == ["podDisruptionBudget.maxUnavailable"]
    assert with_budget(2, enabled=True, minAvailable=2) == ["podDisruptionBudget.minAvailable"]
    assert with_budget(1, enabled=True) == ["podDisruptionBudget.enabled"]
    assert with_budget(2, enabled=True) == []
    assert with_budget(1, enabled=True, maxUnavailable=1) == []
    assert with_budget(1, enabled=False, maxUnavailable=0) == []
    assert with_budget(1, maxUnavailable=0) == []


@pytest.mark.parametrize(
    ("budget", "replicas", "forbids"),
    [
        ({"maxUnavailable": "0%"}, 3, True),
        ({"maxUnavailable": "1%"}, 3, False),
        ({"maxUnavailable": "0"}, 3, True),
        ({"minAvailable": "100%"}, 3, True),
        ({"minAvailable": "67%"}, 3, True),
        ({"minAvailable": "66%"}, 3, False),
        ({"minAvailable": 3}, 3, True),
        ({"minAvailable": 4}, 3, True),
        ({"minAvailable": 2}, 3, False),
        ({"minAvailable": 1}, 0, False),
        ({"minAvailable": "most"}, 3, False),
        ({"minAvailable": True}, 1, False),
        ({"minAvailable": [3]}, 3, False),
        ({"minAvailable": 3, "maxUnavailable": 1}, 3, False),
        ({}, 1, False),
    ],
)
def test_numbers_and_percentages(budget: dict[str, Any], replicas: int, forbids: bool) -> None:
    given = {"replicas": replicas, "podDisruptionBudget": budget}
    assert bool(wrong(f"{KPS}.kube-state-metrics", given)) is forbids


@pytest.mark.parametrize("part", ["prometheus", "alertmanager", "thanosRuler"])
def test_budgets_of_what_the_operator_runs(part: str) -> None:
    def with_budget(replicas: int, **given: Any) -> list[str]:
        budget = {"podDisruptionBudget": {"enabled": True, "minAvailable": 1}}
        return wrong(f"{KPS}.{part}", {f"{part}Spec": {"replicas": replicas}, **budget, **given})

    assert with_budget(1) == ["podDisruptionBudget.minAvailable"]
    assert with_budget(2) == []
    assert with_budget(1, enabled=False) == []


def test_shards_are_pods_too() -> None:
    budget = {"podDisruptionBudget": {"enabled": True, "minAvailable": 1}}
    assert wrong(f"{KPS}.prometheus", {"prometheusSpec": {"replicas": 1, "shards": 2}, **budget}) == []


def test_the_operator_is_always_one_pod() -> None:
    section = f"{KPS}.prometheusOperator"
    assert wrong(section, {"podDisruptionBudget": {"enabled": True, "minAvailable": 1}}) != []
    assert wrong(section, {"podDisruptionBudget": {"enabled": True, "maxUnavailable": 1}}) == []
    assert (
        wrong(section, {"enabled": False, "podDisruptionBudget": {"enabled": True, "minAvailable": 1}}) == []
    )


def test_the_operators_webhook_has_a_budget_if_it_is_a_deployment() -> None:
    section = f"{KPS}.prometheusOperator.admissionWebhooks.deployment"
    budget = {"replicas": 1, "podDisruptionBudget": {"enabled": True, "minAvailable": 1}}
    assert wrong(section, {"enabled": True, **budget}) == ["podDisruptionBudget.minAvailable"]
    assert wrong(section, budget) == []


def test_grafanas_template_drops_a_zero() -> None:
    section = f"{KPS}.grafana"
    assert wrong(section, {"podDisruptionBudget": {"maxUnavailable": 0}}) == []
    assert wrong(section, {"podDisruptionBudget": {"maxUnavailable": "0%"}}) != []
    assert wrong(section, {"podDisruptionBudget": {"minAvailable": 1}}) != []
    scaled = {"autoscaling": {"enabled": True, "maxReplicas": 3}}
    assert wrong(section, {"podDisruptionBudget": {"minAvailable": 1}, **scaled}) == []
    assert wrong(section, {"podDisruptionBudget": {"minAvailable": 3}, **scaled}) != []


@pytest.mark.parametrize(
    ("given", "forbids"),
    [
        ({"replicaCount": 2, "minAvailable": 2}, True),
        ({"replicaCount": 2, "minAvailable": 1}, False),
        ({"replicaCount": 1, "minAvailable": 1}, False),
        ({"replicaCount": 2, "minAvailable": 2, "maxUnavailable": 1}, False),
        ({"replicaCount": 2, "minAvailable": 2, "maxUnavailable": 0}, False),
        ({"replicaCount": 2, "minAvailable": 1, "maxUnavailable": "0%"}, True),
        ({"kind": "DaemonSet", "replicaCount": 2, "minAvailable": 2}, False),
        ({"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 5}, "minAvailable": 2}, False),
        ({"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 2}, "minAvailable": 2}, True),
    ],
)
def test_nginx_has_a_budget_for_several_replicas_of_a_deployment(
    given: dict[str, Any], forbids: bool
) -> None:
    assert bool(wrong("ingress-nginx.controller", given)) is forbids


def test_nginxs_default_backend_has_one_too() -> None:
    given = {"replicaCount": 2, "minAvailable": 2}
    assert wrong("ingress-nginx.defaultBackend", {"enabled": True, **given}) == ["minAvailable"]
    assert wrong("ingress-nginx.defaultBackend", given) == []
    scaled = {"autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": 2}}
    assert wrong("ingress-nginx.defaultBackend", {"enabled": True, "minAvailable": 2, **scaled}) == []


def test_how_many_must_stay_is_said() -> None:
    def message(replicas: int) -> str:
        budget = {"replicas": replicas, "podDisruptionBudget": {"minAvailable": "100%"}}
        (found,) = violations("disruption-budget", facts({KPS: {"kube-state-metrics": budget}}))
        return found.message

    assert message(1) == "the only pod must stay"
    assert message(3) == "all of 3 pods must stay"


def test_elasticsearch_has_a_budget_unless_it_is_zero() -> None:
    assert wrong("elasticsearch", {"replicas": 3, "maxUnavailable": "0%"}) == ["maxUnavailable"]
    assert wrong("elasticsearch", {"replicas": 3, "maxUnavailable": 0}) == []
    assert wrong("elasticsearch", {"replicas": 1, "maxUnavailable": 1}) == []
    assert wrong("elasticsearch", {"enabled": False, "replicas": 3, "maxUnavailable": "0%"}) == []


def test_fluent_bit_has_a_budget_as_a_deployment() -> None:
    budget = {"podDisruptionBudget": {"enabled": True, "maxUnavailable": 0}}
    assert wrong("fluent-bit", {"kind": "Deployment", **budget}) == ["podDisruptionBudget.maxUnavailable"]
    assert wrong("fluent-bit", {"kind": "DaemonSet", **budget}) == []


def missing(section: str, value: dict[str, Any], default: dict[str, Any]) -> list[str]:
    component, _, inner = section.partition(".")
    upstream = {component: nested(inner, default) if inner else default}
    found = said("no-disruption-budget", nested(section, value), upstream)
    return [path.removeprefix(f"{section}.") for path in found]


@pytest.mark.parametrize("section", ["cert-manager", "cert-manager.webhook", "cert-manager.cainjector"])
def test_several_pods_of_cert_manager_need_a_budget(section: str) -> None:
    default = {"replicaCount": 1, "podDisruptionBudget": {"enabled": False}}
    assert missing(section, {"replicaCount": 2}, default) == ["replicaCount"]
    assert missing(section, {"replicaCount": 1}, default) == []
    assert missing(section, {"replicaCount": 2, "podDisruptionBudget": {"enabled": True}}, default) == []
    assert missing(section, {"enabled": False, "replicaCount": 2}, default) == []


@pytest.mark.parametrize("part", ["prometheus", "alertmanager", "thanosRuler"])
def test_several_pods_of_the_operators_need_one(part: str) -> None:
    default = {"podDisruptionBudget": {"enabled": False, "minAvailable": 1}}
    two = {f"{part}Spec": {"replicas": 2}}
    assert missing(f"{KPS}.{part}", two, default) == [f"{part}Spec.replicas"]
    assert missing(f"{KPS}.{part}", {f"{part}Spec": {"replicas": 1, "shards": 2}}, default) == []
    assert missing(f"{KPS}.{part}", {**two, "podDisruptionBudget": {"enabled": True}}, default) == []
    assert missing(f"{KPS}.{part}", {**two, "enabled": False}, default) == []


def test_an_autoscalers_least_counts() -> None:
    section, default = f"{KPS}.grafana", {"replicas": 1, "podDisruptionBudget": {}}
    scaled = {"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 5}}
    assert missing(section, scaled, default) == ["autoscaling.minReplicas"]
    assert missing(section, {"autoscaling": {**scaled["autoscaling"], "minReplicas": 1}}, default) == []
    assert missing(section, {**scaled, "podDisruptionBudget": {"minAvailable": 1}}, default) == []


def test_a_zero_makes_no_budget_for_elasticsearch() -> None:
    default = {"replicas": 3, "maxUnavailable": 1}
    assert missing("elasticsearch", {"maxUnavailable": 0}, default) == ["maxUnavailable"]
    assert missing("elasticsearch", {"replicas": 1, "maxUnavailable": 0}, default) == []
    assert missing("elasticsearch", {"replicas": 5}, default) == []


def test_nginxs_chart_makes_one_for_several_by_itself() -> None:
    assert missing("ingress-nginx.controller", {"replicaCount": 2}, {"minAvailable": 1}) == []
    assert missing("ingress-nginx.controller", {"kind": "DaemonSet", "replicaCount": 2}, {}) == []


def test_what_makes_a_budget_is_said() -> None:
    def hint(given: dict[str, Any]) -> str:
        (found,) = violations("no-disruption-budget", facts(given))
        assert found.message.endswith("pods have no disruption budget")
        return found.hint

    section: dict[str, Any] = {"replicaCount": 2, "podDisruptionBudget": {}}
    assert hint({"cert-manager": section}) == "cert-manager.podDisruptionBudget.enabled: true"
    assert hint({"elasticsearch": {"replicas": 3, "maxUnavailable": 0}}) == "elasticsearch.maxUnavailable: 1"


@pytest.mark.parametrize(
    ("section", "budget", "found"),
    [
        ("cert-manager.podDisruptionBudget", {"enabled": True}, True),
        ("cert-manager.podDisruptionBudget", {"enabled": False}, False),
        (f"{KPS}.prometheus.podDisruptionBudget", {"enabled": True}, True),
        (f"{KPS}.grafana.podDisruptionBudget", {}, True),
        # This chart drops one of the two.
        ("ingress-nginx.controller", {"replicaCount": 2}, True),
    ],
)
def test_a_budget_has_one_limit(section: str, budget: dict[str, Any], found: bool) -> None:
    def both(least: int | None, most: int | None) -> list[str]:
        limits = {"minAvailable": least, "maxUnavailable": most}
        return said("budget-with-two-limits", nested(section, {**budget, **limits}))

    assert both(1, 1) == ([f"{section}.minAvailable"] if found else [])
    assert both(1, None) == both(None, 1) == []


def test_grafanas_template_drops_one_of_two_limits_that_is_zero() -> None:
    section = f"{KPS}.grafana.podDisruptionBudget"
    assert said("budget-with-two-limits", nested(section, {"minAvailable": 0, "maxUnavailable": 1})) == []
