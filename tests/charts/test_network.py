"""NetworkPolicies: whatever is needed is open, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from depin_helm import values, yamlio
from tests.charts.checks.flows import Flow, World
from tests.charts.checks.model import Object, Platform
from tests.charts.checks.network import (
    ACME,
    API_SERVER,
    APPLICATION,
    CLIENT,
    ELSEWHERE,
    NARROW,
    NODE,
    OUTSIDE,
    RECEIVER,
    End,
    Network,
    Port,
)
from tests.charts.rendering import PLAIN_RELEASE, Renderer
from tests.tier import UMBRELLA

#: What might be tried at an address, and at any pod beside its own ports.
TRIED: frozenset[Port] = frozenset(
    {
        *(("TCP", number) for number in (25, 53, 80, 443, 587, 2381, 6443, 8080, 9090, 9093, 9100, 9200)),
        *(("TCP", number) for number in (10249, 10250, 10255, 10257, 10259)),
        *(("UDP", number) for number in (53, 443)),
    }
)


def policies(platform: Platform) -> tuple[Object, ...]:
    return tuple(platform.of_kind("NetworkPolicy"))


def closed(world: World, rules: tuple[Object, ...]) -> list[str]:
    """Needed flows that these policies do not let through."""
    network = Network(world.platform, rules)
    return [str(flow) for flow in world.needed if not network.open(flow.source, flow.target, flow.port)]


def unneeded(world: World, rules: tuple[Object, ...], *, blocks_cover_pods: bool = False) -> list[str]:
    """What these policies let through to or from the platform's pods though nobody needs it."""
    network = Network(world.platform, rules, blocks_cover_pods=blocks_cover_pods)
    return [
        f"{source} -> {target}:{port[1]}/{port[0]}"
        for source, target, port in _pairs(world)
        if (source.name, target.name, port) not in world.allowed and network.open(source, target, port)
    ]


def _pairs(world: World) -> Iterator[tuple[End, End, Port]]:
    own = world.pods
    others = [APPLICATION, world.dns, *OUTSIDE]
    for source in (*own, *others):
        for target in own if source in others else (*own, *others):
            # Whatever an application serves is open to those who may reach it at all.
            ports = target.ports if target is APPLICATION else target.ports | TRIED
            for port in sorted(ports):
                yield source, target, port


@pytest.fixture
def narrowed(platform: Platform, renderer: Renderer) -> tuple[Object, ...]:
    """The policies of a platform that says where its API server, nodes, clients and others are."""
    return narrow(platform, renderer)


def narrow(platform: Platform, renderer: Renderer) -> tuple[Object, ...]:
    overrides: dict[str, Any] = {"depin-foundation": {"networkPolicies": NARROW}}
    if len(platform.namespaces) > 1:
        overrides["global"] = {"platform": {"layered": True}}
        return policies(renderer.one_layer("foundation", overrides, "depin-foundation"))
    return policies(renderer.as_one("narrowed", overrides, PLAIN_RELEASE))


def everything(renderer: Renderer) -> Platform:
    """All layers with every optional part."""
    files = (UMBRELLA / "values-layered.yaml", UMBRELLA / "ci" / "everything-values.yaml")
    merged: dict[str, Any] = {}
    for file in files:
        merged = values.coalesce(yamlio.load(file.read_bytes()), merged)
    merged["global"]["platform"]["clusterIssuer"] = "letsencrypt-prod"
    return renderer.in_layers("everything", merged)


def test_every_namespace_is_closed_but_for_what_a_policy_opens(platform: Platform) -> None:
    spaces = {obj.namespace for obj in platform.objects if obj.namespace} - {"kube-system", "default"}
    spaces |= set(platform.namespaces.values())
    shut = {policy.namespace for policy in policies(platform) if policy.name == "depin-default-deny"}
    assert shut == spaces
    for policy in policies(platform):
        if policy.name == "depin-default-deny":
            assert policy.data["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.usefixtures("real_charts")
def test_whatever_is_needed_is_open(platform: Platform) -> None:
    world = World(platform)
    assert len(world.needed) > 80
    assert closed(world, policies(platform)) == []


@pytest.mark.usefixtures("real_charts")
def test_whatever_is_needed_is_open_with_all_ranges_narrowed(
    platform: Platform, narrowed: tuple[Object, ...]
) -> None:
    assert closed(World(platform), narrowed) == []


@pytest.mark.usefixtures("real_charts")
def test_nothing_else_is_open(platform: Platform, narrowed: tuple[Object, ...]) -> None:
    assert unneeded(World(platform), narrowed) == []
    assert unneeded(World(platform), narrowed, blocks_cover_pods=True) == []


@pytest.mark.usefixtures("real_charts")
def test_every_optional_part_has_what_it_needs(renderer: Renderer) -> None:
    platform = everything(renderer)
    assert closed(World(platform), narrow(platform, renderer)) == []
    assert unneeded(World(platform), narrow(platform, renderer)) == []


#: By name and port, in prod: who must reach nobody there, whatever the addresses in the values.
FORBIDDEN = [
    ("monitoring/grafana", "logging/elasticsearch-master", 9200),
    ("monitoring/grafana", "logging/kibana", 5601),
    ("monitoring/kube-prometheus-stack-prometheus", "logging/elasticsearch-master", 9200),
    ("monitoring/kube-prometheus-stack-prometheus", "edge node", 9443),
    ("logging/elasticsearch-exporter", "elsewhere", 443),
    ("logging/elasticsearch-exporter", "API server", 6443),
    ("logging/elasticsearch-exporter", "logging/elasticsearch-master", 9300),
    ("application", "logging/elasticsearch-exporter", 9114),
    ("logging/kibana", "monitoring/kube-prometheus-stack-prometheus", 9090),
    ("logging/kibana", "monitoring/grafana", 3000),
    ("logging/kibana", "logging/elasticsearch-master", 9300),
    ("node-agents/fluent-bit", "monitoring/kube-prometheus-stack-prometheus", 9090),
    ("node-agents/fluent-bit", "logging/elasticsearch-master", 9300),
    ("ingress-nginx/ingress-nginx-controller", "logging/elasticsearch-master", 9200),
    ("ingress-nginx/ingress-nginx-controller", "monitoring/kube-state-metrics", 8080),
    ("application", "logging/elasticsearch-master", 9200),
    ("application", "monitoring/kube-prometheus-stack-prometheus", 9090),
    ("application", "monitoring/kube-prometheus-stack-alertmanager", 9093),
    ("application", "cert-manager/cert-manager", 9402),
    ("client", "monitoring/grafana", 3000),
    ("client", "logging/kibana", 5601),
    ("elsewhere", "logging/elasticsearch-master", 9200),
    ("logging/elasticsearch-master", "elsewhere", 443),
    ("logging/elasticsearch-master", "API server", 6443),
    ("logging/elasticsearch-master", "logging/kibana", 5601),
    ("logging/kibana", "elsewhere", 443),
    ("logging/kibana", "API server", 6443),
    ("monitoring/kube-prometheus-stack-alertmanager", "API server", 6443),
    ("monitoring/kube-prometheus-stack-alertmanager", "elsewhere", 25),
    ("monitoring/grafana", "elsewhere", 80),
    ("monitoring/solver", "elsewhere", 443),
]


@pytest.mark.parametrize(("source", "target", "port"), FORBIDDEN)
def test_a_forbidden_connection_is_closed_with_the_default_ranges_too(
    prod: Platform, source: str, target: str, port: int
) -> None:
    world = World(prod)
    ends = {end.name: end for end in (*world.pods, APPLICATION, *OUTSIDE)}
    network = Network(prod, policies(prod), blocks_cover_pods=True)
    assert not network.open(ends[source], ends[target], ("TCP", port))


@pytest.mark.usefixtures("real_charts")
def test_the_internet_is_open_to_cert_manager_and_alertmanager_alone(
    prod: Platform, renderer: Renderer
) -> None:
    network = Network(prod, narrow(prod, renderer))
    reached = {
        (end.name, there.name)
        for end in World(prod).pods
        for there in (ACME, RECEIVER, ELSEWHERE, CLIENT)
        if any(network.open(end, there, port) for port in TRIED)
    }
    assert reached == {
        ("cert-manager/cert-manager", "ACME"),
        ("monitoring/kube-prometheus-stack-alertmanager", "receiver of alerts"),
    }


def atoms(policy: Object) -> Iterator[tuple[str, Object]]:
    """The policy without one peer, or without one port, of one of its rules."""
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(policy.data["spec"].get(direction) or []):
            for field in (side, "ports"):
                for index, removed in enumerate(rule.get(field) or []):
                    data = copy.deepcopy(dict(policy.data))
                    rules = data["spec"][direction]
                    del rules[number][field][index]
                    if not rules[number][field]:  # an empty list would let everything through
                        del rules[number]
                    yield f"{policy.name} {direction} {number}: {removed}", replace(policy, data=data)


@pytest.mark.usefixtures("real_charts")
def test_without_any_peer_or_port_of_any_rule_something_needed_is_closed(
    prod: Platform, plain_with_kibana: Platform, renderer: Renderer
) -> None:
    needless: set[str] | None = None
    for platform in (everything(renderer), plain_with_kibana):
        world, rules = World(platform), narrow(platform, renderer)
        found = set()
        for policy in rules:
            touching = [flow for flow in world.needed if _touches(flow, policy)]
            for name, mutant in atoms(policy):
                network = Network(platform, [mutant if rule is policy else rule for rule in rules])
                if all(network.open(flow.source, flow.target, flow.port) for flow in touching):
                    # In a plain release Fluent Bit's namespace is another.
                    found.add(name.replace("'node-agents'", "'logging'"))
        needless = found if needless is None else needless & found
    assert needless == set()


def _touches(flow: Flow, policy: Object) -> bool:
    return policy.namespace in (flow.source.namespace, flow.target.namespace)


@pytest.mark.parametrize("direction", ["ingress", "egress"])
@pytest.mark.parametrize(
    "namespace", ["cert-manager", "ingress-nginx", "monitoring", "logging", "node-agents"]
)
def test_a_policy_that_allows_everything_is_found(
    prod: Platform, renderer: Renderer, namespace: str, direction: str
) -> None:
    spec = {"podSelector": {}, "policyTypes": [direction.title()], direction: [{}]}
    data = {"kind": "NetworkPolicy", "metadata": {"name": "all", "namespace": namespace}, "spec": spec}
    rules = (*narrow(prod, renderer), Object("foundation", "", namespace, data))
    assert unneeded(World(prod), rules)


@pytest.mark.parametrize("namespace", ["cert-manager", "ingress-nginx", "monitoring", "logging"])
def test_a_namespace_that_is_not_closed_is_found(prod: Platform, renderer: Renderer, namespace: str) -> None:
    def gone(policy: Object) -> bool:
        return policy.namespace == namespace

    assert unneeded(World(prod), tuple(rule for rule in narrow(prod, renderer) if not gone(rule)))


def test_switched_off_there_is_none(renderer: Renderer) -> None:
    overrides: Mapping[str, Any] = {
        "global": {"platform": {"layered": True}},
        "depin-foundation": {"networkPolicies": {"enabled": False}},
    }
    assert policies(renderer.one_layer("foundation", overrides, "depin-foundation")) == ()


def test_a_range_without_addresses_lets_nobody_through(renderer: Renderer) -> None:
    overrides: Mapping[str, Any] = {
        "global": {"platform": {"layered": True}},
        "depin-foundation": {"networkPolicies": {"clients": {"ranges": []}, "apiServer": {"ranges": []}}},
    }
    platform = renderer.one_layer("foundation", overrides, "depin-foundation")
    controller = End("c", "ingress-nginx", {"app.kubernetes.io/name": "ingress-nginx"})
    controller.labels["app.kubernetes.io/component"] = "controller"  # type: ignore[index]
    network = Network(platform, policies(platform))
    assert not network.open(CLIENT, controller, ("TCP", 443))
    assert not network.open(API_SERVER, controller, ("TCP", 8443))
    assert not network.open(controller, NODE, ("TCP", 443))
