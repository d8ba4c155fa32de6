"""Addresses inside the cluster that stand in configuration lead to a Service with that port."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.charts.checks import cluster
from tests.charts.checks.model import Object, Platform, strings

_URL = re.compile(r"\b(https?)://([a-z0-9.-]+)(?::(\d+))?")
#: Fluent Bit's outputs.
_HOST = re.compile(r"^\s*host:\s+(\S+)\s+port:\s+(\d+)", re.MULTILINE)
_PORTS = {"http": "80", "https": "443"}


def unreachable(platform: Platform) -> list[str]:
    """Addresses of Services that do not exist, or have no such port."""
    problems = set()
    for obj in platform.objects:
        if obj.kind == "PrometheusRule" or "grafana_dashboard" in obj.labels:
            continue  # full of examples and links
        for host, namespace, name, port in services_in(obj, platform):
            if not _exists(namespace, name, port, platform):
                problems.add(f"{obj}: nothing listens at {host}:{port}")
    return sorted(problems)


def services_in(obj: Object, platform: Platform) -> Iterator[tuple[str, str, str, int]]:
    """The Services that an object names an address of: the address, namespace, name and port."""
    for host, port in _addresses(obj):
        namespace, name = _service(host, obj, platform)
        if name:
            yield host, namespace, name, int(port)


def _addresses(obj: Object) -> Iterator[tuple[str, str]]:
    for text in strings(obj.data):
        for scheme, host, port in _URL.findall(text):
            yield host, port or _PORTS[scheme]
        yield from _HOST.findall(text)


def _service(host: str, obj: Object, platform: Platform) -> tuple[str, str]:
    """Namespace and name of the Service that a cluster's DNS takes `host` for; no name if it is outside."""
    labels = host.removesuffix(".cluster.local").removesuffix(".svc").split(".")
    namespaces = {other.namespace for other in platform.objects} | cluster.NAMESPACES
    if labels[0] == "localhost" or len(labels) > 2:
        return "", ""
    if len(labels) == 1:
        return obj.namespace, labels[0]
    # Two labels: name.namespace, unless it is a name of the internet such as example.com.
    inside = labels[1] in namespaces or ".svc" in host
    return (labels[1], labels[0]) if inside else ("", "")


def _exists(namespace: str, name: str, port: int, platform: Platform) -> bool:
    if service := platform.by_id.get(("Service", namespace, name)):
        return any(entry["port"] == port for entry in service.data["spec"]["ports"])
    given = cluster.SERVICES.get((namespace, name), {"ports": {}})
    return port in given["ports"].values()
