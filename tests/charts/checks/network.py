"""What NetworkPolicies let through, as Kubernetes defines it: who may reach whom on which port."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.charts.checks import cluster
from tests.charts.checks.model import Object, Phase, Platform, matches
from tests.charts.checks.pods import Pods, pods_of

#: Protocol and number.
Port = tuple[str, int]


@dataclass(frozen=True, eq=False)
class End:
    """A pod, or (without a namespace) an address; `named` are a pod's ports by name, `ports` all of them."""

    name: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    named: Mapping[str, int] = field(default_factory=dict)
    ports: frozenset[Port] = frozenset()
    owner: Object | None = None

    def __str__(self) -> str:
        return self.name


# One of each: addresses of documentation, in ranges that do not overlap.
API_SERVER = End("API server", address="192.0.2.1")
NODE = End("node", address="192.0.2.17")
CLIENT = End("client", address="198.51.100.9")
ACME = End("ACME", address="203.0.113.7")
RECEIVER = End("receiver of alerts", address="203.0.113.200")
EDGE = End("edge node", address="198.18.0.9")
ELSEWHERE = End("elsewhere", address="233.252.0.5")
OUTSIDE = (API_SERVER, NODE, CLIENT, ACME, RECEIVER, EDGE, ELSEWHERE)

#: `depin-foundation.networkPolicies` of an environment that says where these are.
NARROW = {
    "apiServer": {"ranges": ["192.0.2.0/28"]},
    "nodes": {"ranges": ["192.0.2.16/28"]},
    "clients": {"ranges": ["198.51.100.0/24"]},
    "acme": {"ranges": ["203.0.113.0/25"]},
    "receivers": {"ranges": ["203.0.113.128/25"]},
    "externalEdges": {"ranges": ["198.18.0.0/24"]},
}

#: Any pod's, for networks that take pods for addresses too.
_POD = "10.244.0.9"

#: A pod of whatever else runs in the cluster.
APPLICATION = End("application", "shop", {"app": "shop"}, ports=frozenset({("TCP", 8000)}))


class Network:
    """The NetworkPolicies of a platform at work.

    Whether an ipBlock covers pods as well is for each network to decide. Here it does not, so that nothing
    that is found open depends on it; with `blocks_cover_pods` it does, so that nothing found closed does.
    """

    def __init__(
        self, platform: Platform, policies: Sequence[Object], *, blocks_cover_pods: bool = False
    ) -> None:
        self._platform = platform
        self._policies = policies
        self._blocks_cover_pods = blocks_cover_pods

    def open(self, source: End, target: End, port: Port) -> bool:
        """Whether `source` reaches `target`: its own policies let it out and the other's let it in."""
        return self._lets("Egress", source, target, target, port) and self._lets(
            "Ingress", target, source, target, port
        )

    def _lets(self, direction: str, here: End, there: End, target: End, port: Port) -> bool:
        rules = self._rules(direction, here)
        return rules is None or any(
            self._has(rule.get("to" if direction == "Egress" else "from"), here, there)
            and _covers(rule.get("ports"), port, target)
            for rule in rules
        )

    @functools.cache  # noqa: B019 - lives as long as its test
    def _rules(self, direction: str, here: End) -> tuple[Mapping[str, Any], ...] | None:
        """What applies to an end; None if no policy does, so that everything is open."""
        specs = [
            policy.data["spec"]
            for policy in self._policies
            if policy.namespace == here.namespace
            and direction in _types(policy.data["spec"])
            and matches(policy.data["spec"]["podSelector"], here.labels)
        ]
        if not specs:
            return None
        return tuple(rule for spec in specs for rule in spec.get(direction.lower()) or [])

    def _has(self, peers: Sequence[Mapping[str, Any]] | None, here: End, there: End) -> bool:
        return not peers or any(self._is(peer, here, there) for peer in peers)

    def _is(self, peer: Mapping[str, Any], here: End, there: End) -> bool:
        if block := peer.get("ipBlock"):
            if there.namespace and not self._blocks_cover_pods:
                return False
            address = there.address or _POD
            return _within(address, block["cidr"]) and not any(
                _within(address, inner) for inner in block.get("except") or []
            )
        if not there.namespace:
            return False
        spaces = peer.get("namespaceSelector")
        if spaces is None:
            at_home = there.namespace == here.namespace
        else:
            at_home = matches(spaces, self._platform.namespace_labels(there.namespace))
        return at_home and matches(peer.get("podSelector") or {}, there.labels)


def _types(spec: Mapping[str, Any]) -> Sequence[str]:
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def _covers(ports: Sequence[Mapping[str, Any]] | None, port: Port, target: End) -> bool:
    return not ports or any(
        entry.get("protocol", "TCP") == port[0]
        and port[1] in (target.named.get(entry["port"]), entry["port"])
        for entry in ports
    )


@functools.cache
def _within(address: str, cidr: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(cidr)


def pods(platform: Platform) -> Iterator[End]:
    """The platform's pods that policies are about: one of each kind, and none on its node's own network."""
    for template in pods_of(platform):
        owner = template.owner
        if template.spec.get("hostNetwork") or owner.step[0] is Phase.LATER:
            continue
        yield End(
            f"{owner.namespace}/{owner.name}",
            owner.namespace,
            _labels(template),
            named={port["name"]: port["containerPort"] for port in template.ports if port.get("name")},
            ports=frozenset((_protocol(port), port["containerPort"]) for port in template.ports),
            owner=owner,
        )


def cluster_dns() -> End:
    """CoreDNS."""
    ((namespace, labels, ports),) = cluster.PODS
    return End(
        "DNS",
        namespace,
        labels,
        named={port["name"]: port["containerPort"] for port in ports},
        ports=frozenset({("UDP", 53), *(("TCP", port["containerPort"]) for port in ports)}),
    )


def _labels(template: Pods) -> dict[str, str]:
    """The template's, and what the Job controller adds (since Kubernetes 1.27)."""
    added = {"batch.kubernetes.io/job-name": template.owner.name} if template.owner.kind == "Job" else {}
    return {**template.labels, **added}


def _protocol(port: Mapping[str, Any]) -> str:
    # The operator's templates, as tests know them, say it in the name alone.
    return str(port.get("protocol") or ("UDP" if str(port.get("name")).endswith("-udp") else "TCP"))
