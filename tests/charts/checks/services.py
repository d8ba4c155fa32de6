"""Services, Ingresses and disruption budgets lead to pods, on ports that those have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.charts.checks import cluster
from tests.charts.checks.model import Object, Platform, matches
from tests.charts.checks.pods import pods_of


def unbacked(platform: Platform) -> list[str]:
    """Services without pods, ports that not all of a Service's pods have, budgets for no pods."""
    problems: list[str] = []
    for service in platform.of_kind("Service"):
        if selector := service.data["spec"].get("selector"):
            problems += _of_service(service, selector, platform)
    for budget in platform.of_kind("PodDisruptionBudget"):
        if not list(_selected(budget.data["spec"]["selector"], budget.namespace, platform)):
            problems.append(f"{budget} selects no pods")
    return sorted(problems)


def _of_service(service: Object, selector: Mapping[str, str], platform: Platform) -> Iterator[str]:
    pods = list(_selected({"matchLabels": selector}, service.namespace, platform))
    if not pods:
        yield f"{service} selects no pods"
    for port in service.data["spec"]["ports"]:
        target = port.get("targetPort", port["port"])
        for owner, declared in pods:
            if not any(target in (entry.get("name"), entry["containerPort"]) for entry in declared):
                name = port.get("name", port["port"])
                yield f"{service}: port {name} leads to {target}, which {owner} lacks"


def _selected(
    selector: Mapping[str, Any], namespace: str, platform: Platform
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What the selected pods belong to, and the ports that they declare; a Job's pods serve nothing."""
    for pods in pods_of(platform):
        owner = pods.owner
        if owner.namespace == namespace and owner.kind != "Job" and matches(selector, pods.labels):
            yield str(owner), pods.ports
    for home, labels, ports in cluster.PODS:
        if home == namespace and matches(selector, labels):
            yield f"the cluster's {labels}", ports
