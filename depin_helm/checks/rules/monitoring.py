"""Rules about depin-monitoring: edge nodes that can be reached, and settings of alerts that fit together."""

from __future__ import annotations

from collections.abc import Iterator

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation

_EDGES = ("depin-monitoring", "externalEdges")
_POLICIES = ("depin-foundation", "networkPolicies")
_ALERTS = ("depin-monitoring", "alerts")


def _closed(facts: Facts) -> Iterator[Violation]:
    """Edge nodes outside of the cluster that network policies keep Prometheus from."""
    edges = facts.get(*_EDGES)
    if not isinstance(edges, dict) or not facts.enabled("depin-monitoring"):
        return
    if not facts.enabled("depin-foundation") or facts.get(*_POLICIES, "enabled") is False:
        return
    ranges = (*_POLICIES, "externalEdges", "ranges")
    if facts.get(*ranges) != []:
        return
    anywhere = [port for name, ports in _ports(facts) if _wide(facts, name) for port in ports]
    closed = [
        name
        for name, edge in edges.items()
        if not anywhere or any(port not in anywhere for port in _static_ports(edge))
    ]
    if closed:
        yield Violation(
            (*((*_EDGES, name) for name in closed), ranges),
            "no network policy lets Prometheus reach edge nodes outside of the cluster",
            "their networks in depin-foundation.networkPolicies.externalEdges.ranges",
        )


def _ports(facts: Facts) -> Iterator[tuple[str, list[object]]]:
    """Peers that Prometheus reaches at addresses, and the ports (docs/network.md)."""
    yield "apiServer", _list(facts.get(*_POLICIES, "apiServer", "ports"))
    yield "nodes", [10250, 9100, 10257, 10259, 2381, 10249]


def _wide(facts: Facts, peer: str) -> bool:
    """Whether the peer may be at any address, as by default: then so may an edge node."""
    return any(str(each).endswith("/0") for each in _list(facts.get(*_POLICIES, peer, "ranges")))


def _static_ports(edge: object) -> Iterator[int]:
    """The ports of the targets that are named; of those that are looked up nobody knows them."""
    if not isinstance(edge, dict):
        return
    secure = str(edge.get("scheme", "")).upper() == "HTTPS"
    for group in _list(edge.get("staticConfigs")):
        for target in _list(group.get("targets")) if isinstance(group, dict) else []:
            port = str(target).rpartition(":")[2]
            yield int(port) if port.isdigit() else 443 if secure else 80


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _apart(facts: Facts) -> Iterator[Violation]:
    """Settings of an alert that contradict each other."""
    for alert, lower, upper, why in (
        ("VolumeFillingUp", "full", "threshold", "what is nearly full would not even count as filling up"),
        ("DePINNodeDown", "threshold", "forgetAfter", "a node would be forgotten before it counts as down"),
    ):
        low, high = facts.number(*_ALERTS, alert, lower), facts.number(*_ALERTS, alert, upper)
        if low is not None and high is not None and low > high:
            yield Violation(
                ((*_ALERTS, alert, lower), (*_ALERTS, alert, upper)),
                f"{lower} {low:g} is above {upper} {high:g}: {why}",
                f"at most {high:g}, or a larger {upper}",
            )


RULES = (
    Rule(
        "closed-edges",
        "Prometheus may reach the edge nodes that it is to scrape outside of the cluster",
        "each scrape of them runs into its timeout",
        _closed,
    ),
    Rule(
        "alert-settings",
        "the settings of an alert fit together",
        "it never fires, or only when it is too late",
        _apart,
    ),
)
