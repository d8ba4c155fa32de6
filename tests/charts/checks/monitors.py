"""What is to be scraped is: monitors lead to ports, and Prometheus picks up monitors and rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from tests.charts.checks import cluster
from tests.charts.checks.model import Object, Platform, matches
from tests.charts.checks.pods import Pods, pods_of

#: Kind of a monitor → the fields of a Prometheus that select such objects and their namespaces.
PICKED_BY = {
    "ServiceMonitor": ("serviceMonitorSelector", "serviceMonitorNamespaceSelector"),
    "PodMonitor": ("podMonitorSelector", "podMonitorNamespaceSelector"),
    "PrometheusRule": ("ruleSelector", "ruleNamespaceSelector"),
    "Probe": ("probeSelector", "probeNamespaceSelector"),
    "ScrapeConfig": ("scrapeConfigSelector", "scrapeConfigNamespaceSelector"),
}


def unscraped(platform: Platform) -> list[str]:
    """Monitors that lead nowhere, and monitors and rules that no Prometheus picks up."""
    problems: list[str] = []
    for monitor in platform.of_kind("ServiceMonitor"):
        problems += _leads_nowhere(monitor, "endpoints", "Service", _services(platform))
    for monitor in platform.of_kind("PodMonitor"):
        problems += _leads_nowhere(monitor, "podMetricsEndpoints", "pod", _pods(platform))
    for obj in platform.of_kind(*PICKED_BY):
        if not any(_picks(prometheus, obj, platform) for prometheus in platform.of_kind("Prometheus")):
            problems.append(f"{obj} is picked up by no Prometheus")
    return sorted(problems)


@dataclass(frozen=True)
class Target:
    """A Service, or a pod: names of its ports, and names and numbers of its containers' ports."""

    namespace: str
    labels: Mapping[str, str]
    ports: Set[str]
    target_ports: Set[str | int]


def _leads_nowhere(monitor: Object, endpoints: str, what: str, targets: list[Target]) -> Iterator[str]:
    spec = monitor.data["spec"]
    chosen = spec.get("namespaceSelector") or {}
    namespaces = chosen.get("matchNames") or [monitor.namespace]
    found = [
        target
        for target in targets
        if (chosen.get("any") or target.namespace in namespaces) and matches(spec["selector"], target.labels)
    ]
    if not found:
        yield f"{monitor} selects no {what}"
        return
    for endpoint in spec[endpoints]:
        port, target_port = endpoint.get("port"), endpoint.get("targetPort")
        if port is None and target_port is None:  # every port, from which relabelings choose
            continue
        if not any(port in target.ports or target_port in target.target_ports for target in found):
            yield f"{monitor}: no {what} that it selects has a port {port or target_port}"


def _services(platform: Platform) -> list[Target]:
    targets = [_discovered()]
    for service in platform.of_kind("Service"):
        spec = service.data["spec"]
        selector = {"matchLabels": spec["selector"]} if spec.get("selector") else None
        behind = [
            pods
            for pods in pods_of(platform)
            if pods.owner.namespace == service.namespace and matches(selector, pods.labels)
        ]
        names = {port.get("name", "") for port in spec.get("ports") or []}
        targets.append(Target(service.namespace, service.labels, names, _target_ports(behind)))
    for (namespace, name), given in cluster.SERVICES.items():
        maker = next((made.by for made in cluster.MADE if made.id == ("Service", namespace, name)), None)
        if maker is None or maker in platform.by_id:
            targets.append(Target(namespace, given["labels"], set(given["ports"]), set()))
    return targets


def _pods(platform: Platform) -> list[Target]:
    return [
        _discovered(),
        *(
            Target(
                pods.owner.namespace,
                pods.labels,
                {port.get("name", "") for port in pods.ports},
                _target_ports([pods]),
            )
            for pods in pods_of(platform)
        ),
    ]


def _discovered() -> Target:
    namespace, labels, ports = cluster.DISCOVERED
    return Target(namespace, labels, ports, frozenset())


def _target_ports(selected: list[Pods]) -> set[str | int]:
    ports = [port for pods in selected for port in pods.ports]
    return {value for port in ports for value in (port.get("name"), port["containerPort"]) if value}


def _picks(prometheus: Object, obj: Object, platform: Platform) -> bool:
    spec: Mapping[str, Any] = prometheus.data["spec"]
    selector, namespaces = (spec.get(field) for field in PICKED_BY[obj.kind])
    if namespaces is None:  # Prometheus' own
        at_home = obj.namespace == prometheus.namespace
    else:
        at_home = matches(namespaces, platform.namespace_labels(obj.namespace))
    return at_home and matches(selector, obj.labels)
