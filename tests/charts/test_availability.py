"""A node can be drained, and what matters goes on; a small site needs one node alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.charts.checks.availability import NODE, ZONE, crowded, held_up, requested, several, too_few
from tests.charts.checks.model import Platform
from tests.charts.mutants import Change, broken, container, pod, without
from tests.charts.rendering import Renderer

pytestmark = pytest.mark.usefixtures("real_charts")

#: What runs in several pods, and in how many.
OUTSIDE = {"ingress-nginx-controller": 2, "elasticsearch-master": 3}
SEVERAL = {
    "dev": {},
    "edge": {},
    "sandbox": {"elasticsearch-master": 3},
    "staging": OUTSIDE,
    "prod": {
        **OUTSIDE,
        **dict.fromkeys(("cert-manager", "cert-manager-cainjector", "cert-manager-webhook"), 2),
        "kube-prometheus-stack-alertmanager": 2,
        "kube-prometheus-stack-prometheus": 2,
    },
}
#: A site's node: CPUs and bytes. What the site is for gets half of it.
EDGE_NODE = (Decimal(4), Decimal(8 * 1024**3))


@pytest.mark.parametrize("environment", SEVERAL)
def test_an_environment_has_several_of_what_must_go_on(renderer: Renderer, environment: str) -> None:
    assert several(renderer.layered(environment)) == SEVERAL[environment]


def test_every_node_can_be_drained_and_never_takes_all_of_several(platform: Platform) -> None:
    assert held_up(platform) == []


def test_what_runs_in_several_pods_is_spread_over_nodes_and_zones(platform: Platform) -> None:
    assert crowded(platform) == []


@pytest.mark.parametrize(("environment", "nodes"), [("edge", 1), ("dev", 1), ("prod", 3), ("staging", 3)])
def test_every_pod_finds_a_node(renderer: Renderer, environment: str, nodes: int) -> None:
    assert too_few(renderer.layered(environment), nodes) == []


def test_an_edge_site_takes_half_of_its_one_node(renderer: Renderer) -> None:
    cpu, memory = requested(renderer.layered("edge"))
    assert 0 < cpu <= EDGE_NODE[0] / 2
    assert 0 < memory <= EDGE_NODE[1] / 2


def in_spec(**fields: object) -> Change:
    """Sets fields of a spec; None takes one away."""

    def change(data: dict[str, Any]) -> None:
        spec = {**data["spec"], **fields}
        data["spec"] = {field: value for field, value in spec.items() if value is not None}

    return change


def selecting(**labels: str) -> Change:
    return in_spec(selector={"matchLabels": labels})


NGINX = "ingress-nginx-controller"
NGINX_BUDGET = f"PodDisruptionBudget ingress-nginx/{NGINX}"
BUDGETS: dict[str, tuple[str, str, Change, list[str]]] = {
    "none may leave": ("PodDisruptionBudget", NGINX, in_spec(maxUnavailable=0), ["lets none of 2 leave"]),
    "both may leave": (
        "PodDisruptionBudget",
        NGINX,
        in_spec(maxUnavailable=2),
        ["lets all of 2 leave at once"],
    ),
    "both must stay": (
        "PodDisruptionBudget",
        NGINX,
        in_spec(maxUnavailable=None, minAvailable=2),
        ["lets none of 2 leave"],
    ),
    "a percentage that is rounded up": (
        "PodDisruptionBudget",
        NGINX,
        in_spec(maxUnavailable=None, minAvailable="51%"),
        ["lets none of 2 leave"],
    ),
    "a single pod": (
        "Deployment",
        NGINX,
        in_spec(replicas=1),
        [],
    ),
    "a single pod that is not ready": (
        "PodDisruptionBudget",
        "cert-manager",
        in_spec(unhealthyPodEvictionPolicy=None),
        [],
    ),
}


@pytest.mark.parametrize("mutant", BUDGETS)
def test_a_budget_of_the_wrong_size_is_found(prod: Platform, mutant: str) -> None:
    kind, name, change, problems = BUDGETS[mutant]
    assert held_up(broken(prod, kind, name, change)) == [f"{NGINX_BUDGET} {each}" for each in problems]


def test_a_budget_that_holds_up_a_single_pod_is_found(renderer: Renderer) -> None:
    budget = "PodDisruptionBudget cert-manager/cert-manager"
    edge = renderer.layered("edge")
    unready = broken(edge, "PodDisruptionBudget", "cert-manager", in_spec(unhealthyPodEvictionPolicy=None))
    assert held_up(unready) == [f"{budget} keeps a pod that is not ready on its node"]
    needed = broken(edge, "PodDisruptionBudget", "cert-manager", in_spec(maxUnavailable=None, minAvailable=1))
    assert held_up(needed) == [f"{budget} lets none of 1 leave"]


def test_a_budget_that_is_missing_is_found(prod: Platform) -> None:
    name = "kube-prometheus-stack-alertmanager"
    assert held_up(without(prod, "PodDisruptionBudget", name)) == [
        f"Alertmanager monitoring/{name} has no budget for 2 pods"
    ]


def test_a_budget_for_other_pods_is_found(prod: Platform) -> None:
    def pointing(**labels: str) -> list[str]:
        return held_up(broken(prod, "PodDisruptionBudget", "cert-manager-webhook", selecting(**labels)))

    none = "Deployment cert-manager/cert-manager-webhook has no budget for 2 pods"
    owner = "Deployment cert-manager/cert-manager-cainjector"
    budget = "PodDisruptionBudget cert-manager/cert-manager-webhook"
    assert pointing(app="nobody") == [none, f"{budget} selects nothing"]
    assert pointing(app="cainjector") == [f"{owner} has several budgets: no pod of it can be evicted", none]
    several_owners = pointing(**{"app.kubernetes.io/instance": "depin-cert-manager"})
    assert any(problem.startswith(f"{budget} selects ['Deployment") for problem in several_owners)


def constraints(data: dict[str, Any]) -> Any:
    spec = pod(data) if "template" in data["spec"] else data["spec"]
    return spec["topologySpreadConstraints"]


def relabel(data: dict[str, Any]) -> None:
    constraints(data)[0]["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] = "webhook"


SPREAD: dict[str, tuple[str, str, Change, list[str]]] = {
    "no constraint for zones": (
        "Deployment",
        NGINX,
        lambda data: constraints(data).pop(1),
        [f"Deployment ingress-nginx/{NGINX} does not spread by {ZONE}"],
    ),
    "no constraint for nodes": (
        "Deployment",
        "cert-manager",
        lambda data: constraints(data).pop(0),
        [f"Deployment cert-manager/cert-manager does not spread by {NODE}"],
    ),
    "no constraint of the operator's for zones": (
        "Prometheus",
        "kube-prometheus-stack-prometheus",
        lambda data: constraints(data).pop(1),
        [f"Prometheus monitoring/kube-prometheus-stack-prometheus does not spread by {ZONE}"],
    ),
    "labels of no pod": (
        "Deployment",
        "cert-manager",
        relabel,
        [
            f"Deployment cert-manager/cert-manager does not spread by {NODE}",
            f"Deployment cert-manager/cert-manager keeps apart from nothing by {NODE}",
        ],
    ),
    "labels of others too": (
        "Deployment",
        "cert-manager-webhook",
        lambda data: constraints(data)[1].update(
            labelSelector={"matchLabels": {"app.kubernetes.io/instance": "depin-cert-manager"}}
        ),
        [
            "Deployment cert-manager/cert-manager-webhook keeps apart from "
            "['Deployment cert-manager/cert-manager-cainjector', 'Deployment cert-manager/cert-manager', "
            f"'Job cert-manager/cert-manager-startupapicheck'] by {ZONE}"
        ],
    ),
    "no anti-affinity": (
        "StatefulSet",
        "elasticsearch-master",
        lambda data: pod(data).pop("affinity"),
        [f"StatefulSet logging/elasticsearch-master does not spread by {NODE}"],
    ),
}


@pytest.mark.parametrize("mutant", SPREAD)
def test_pods_that_may_all_lie_on_one_node_are_found(prod: Platform, mutant: str) -> None:
    kind, name, change, problems = SPREAD[mutant]
    assert crowded(broken(prod, kind, name, change)) == problems


def test_pods_that_find_no_node_are_found(renderer: Renderer, prod: Platform) -> None:
    name, needs = "elasticsearch-master", "StatefulSet logging/elasticsearch-master needs"
    assert too_few(prod, 2) == [f"{needs} 3 of {NODE}"]

    def alone(data: dict[str, Any]) -> None:
        labels = {"matchLabels": data["spec"]["template"]["metadata"]["labels"]}
        rule = [{"topologyKey": NODE, "labelSelector": labels}]
        pod(data)["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": rule}}

    # While it is updated there are two.
    edge = renderer.layered("edge")
    assert too_few(broken(edge, "Deployment", NGINX, alone), 1) == [
        f"Deployment ingress-nginx/{NGINX} needs 2 of {NODE}"
    ]
    assert too_few(broken(edge, "Deployment", "grafana", alone), 1) == []
    scaled = broken(edge, "StatefulSet", name, in_spec(replicas=2))
    assert too_few(scaled, 1) == [f"{needs} 2 of {NODE}"]


def test_what_is_asked_for_is_added_up(renderer: Renderer) -> None:
    edge = renderer.layered("edge")
    more = broken(
        edge,
        "Deployment",
        "kibana",
        lambda data: container(data)["resources"]["requests"].update(cpu="1100m"),
    )
    twice = broken(edge, "StatefulSet", "elasticsearch-master", in_spec(replicas=2))
    (cpu, memory), (more_cpu, _), (_, twice_memory) = map(requested, (edge, more, twice))
    assert more_cpu - cpu == 1
    assert twice_memory - memory == 768 * 1024**2
