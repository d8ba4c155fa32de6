"""What a drain or a lost node does: budgets, and how pods are spread."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from tests.charts.checks.model import Object, Platform, matches
from tests.charts.checks.pods import Pods, pods_of
from tests.charts.checks.resources import quantity

NODE, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
_PODS = frozenset({"Alertmanager", "Deployment", "Prometheus", "StatefulSet"})

#: Who cannot be told to spread over zones, and why.
NO_ZONES = {
    (
        "StatefulSet",
        "elasticsearch-master",
    ): "the chart has no value for it; the scheduler's own default spreads "
    "the pods of a Service over zones as far as it can",
}


def replicas(pods: Pods) -> int:
    """How many pods there are; 0 for what does not have a number of them, or ends by itself."""
    spec = pods.owner.data["spec"]
    return int(spec.get("replicas", 1)) * int(spec.get("shards", 1)) if pods.owner.kind in _PODS else 0


def several(platform: Platform) -> dict[str, int]:
    """What runs in more than one pod, and in how many."""
    return {pods.owner.name: replicas(pods) for pods in pods_of(platform) if replicas(pods) > 1}


def held_up(platform: Platform) -> list[str]:
    """Where a drain is held up without end, or takes everything at once."""
    problems = []
    members: dict[str, list[Pods]] = {str(pods.owner): [] for pods in pods_of(platform)}
    budgets: dict[str, list[Object]] = {owner: [] for owner in members}
    for budget in platform.of_kind("PodDisruptionBudget"):
        selected = [pods for pods in pods_of(platform) if _selects(budget, pods)]
        if len(selected) != 1:
            problems.append(f"{budget} selects {[str(pods.owner) for pods in selected] or 'nothing'}")
        for pods in selected:
            budgets[str(pods.owner)].append(budget)
    for pods in pods_of(platform):
        own = budgets[str(pods.owner)]
        if len(own) > 1:
            problems.append(f"{pods.owner} has several budgets: no pod of it can be evicted")
        elif own:
            problems += [f"{own[0]} {problem}" for problem in _limits(own[0].data["spec"], replicas(pods))]
        elif replicas(pods) > 1:
            problems.append(f"{pods.owner} has no budget for {replicas(pods)} pods")
    return sorted(problems)


def _selects(budget: Object, pods: Pods) -> bool:
    return budget.namespace == pods.owner.namespace and matches(budget.data["spec"]["selector"], pods.labels)


def _limits(budget: Mapping[str, Any], number: int) -> Iterator[str]:
    if "minAvailable" in budget:
        leaving = number - _amount(budget["minAvailable"], number)
    else:
        leaving = _amount(budget["maxUnavailable"], number)
    if leaving < 1:
        yield f"lets none of {number} leave"
    if leaving >= number > 1:
        yield f"lets all of {number} leave at once"
    # Evictions count healthy pods; of one that is not healthy, none is left to let go.
    if number == 1 and budget.get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
        yield "keeps a pod that is not ready on its node"


def _amount(value: int | str, number: int) -> int:
    return value if isinstance(value, int) else math.ceil(int(value.removesuffix("%")) * number / 100)


def crowded(platform: Platform) -> list[str]:
    """What runs in several pods and may all lie on one node, or in one zone though there are others."""
    problems = []
    for pods in pods_of(platform):
        if replicas(pods) < 2:
            continue
        spread = list(_spread(pods))
        for key, selector, _ in spread:
            others = [
                str(each.owner)
                for each in pods_of(platform)
                if each is not pods
                and each.owner.namespace == pods.owner.namespace
                and matches(selector, each.labels)
            ]
            if not matches(selector, pods.labels) or others:
                problems.append(f"{pods.owner} keeps apart from {others or 'nothing'} by {key}")
        own = {key for key, selector, _ in spread if matches(selector, pods.labels)}
        wanted = {NODE} if (pods.owner.kind, pods.owner.name) in NO_ZONES else {NODE, ZONE}
        problems += [f"{pods.owner} does not spread by {key}" for key in wanted - own]
    return sorted(problems)


def _spread(pods: Pods) -> Iterator[tuple[str, Mapping[str, Any], int]]:
    """Topology, selector, and how many of that topology there must be for all pods to run (0: any number)."""
    number = replicas(pods) + _surge(pods)
    for constraint in pods.spec.get("topologySpreadConstraints") or []:
        hard = constraint["whenUnsatisfiable"] == "DoNotSchedule"
        yield (
            constraint["topologyKey"],
            constraint["labelSelector"],
            int(constraint.get("minDomains", 1)) if hard else 0,
        )
    affinity = (pods.spec.get("affinity") or {}).get("podAntiAffinity") or {}
    for term in affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or []:
        yield term["topologyKey"], term["labelSelector"], number
    for preference in affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or []:
        term = preference["podAffinityTerm"]
        yield term["topologyKey"], term["labelSelector"], 0


def _surge(pods: Pods) -> int:
    """How many more there are while a Deployment is updated, as Kubernetes has it by default."""
    strategy = (pods.owner.data["spec"].get("strategy") or {}).get("type", "RollingUpdate")
    return int(pods.owner.kind == "Deployment" and strategy == "RollingUpdate")


def too_few(platform: Platform, nodes: int) -> list[str]:
    """Pods that find no node, of so many."""
    return sorted(
        f"{pods.owner} needs {needed} of {key}"
        for pods in pods_of(platform)
        for key, selector, needed in _spread(pods)
        if matches(selector, pods.labels) and needed > nodes
    )


def requested(platform: Platform) -> tuple[Decimal, Decimal]:
    """CPUs and bytes that all pods ask for on a single node, its agents among them; Jobs end."""
    cpu, memory = Decimal(0), Decimal(0)
    for pods in pods_of(platform):
        number = 1 if pods.owner.kind == "DaemonSet" else replicas(pods)
        for container in pods.spec["containers"]:
            requests = container["resources"]["requests"]
            cpu += number * quantity(requests["cpu"])
            memory += number * quantity(requests["memory"])
    return cpu, memory
