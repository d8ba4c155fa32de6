"""Requests, limits, storage and heaps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.charts.checks.model import Object, Platform
from tests.charts.checks.pods import Pods, pods_of

_UNITS = {
    "": Decimal(1),
    "m": Decimal(1) / 1000,
    "k": Decimal(1000),
    "M": Decimal(1000**2),
    "G": Decimal(1000**3),
    "Ki": Decimal(1024),
    "Mi": Decimal(1024**2),
    "Gi": Decimal(1024**3),
    "Ti": Decimal(1024**4),
}


def quantity(text: object) -> Decimal:
    """A Kubernetes quantity as a number: cores, or bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi|Gi|Ti)?", str(text))
    if found is None:
        raise ValueError(f"not a quantity: {text!r}")
    return Decimal(found[1]) * _UNITS[found[2] or ""]


#: Upstream gives these no resources, and no value sets them.
UNSETTABLE = {
    # Both run for seconds, and only in a plain release.
    ("Job", "pre-install-kibana"),
    ("Job", "post-delete-kibana"),
}


def unlimited(platform: Platform) -> list[str]:
    """Containers that lack a request or a limit of CPU or memory."""
    return sorted(
        f"{pods.owner}: {container['name']} has no {resource} in {section}"
        for pods in pods_of(platform)
        if (pods.owner.kind, pods.owner.name) not in UNSETTABLE
        for container in pods.containers
        for section in ("requests", "limits")
        for resource in ("cpu", "memory")
        if not ((container.get("resources") or {}).get(section) or {}).get(resource)
    )


@dataclass(frozen=True)
class Row:
    """What a workload's container is to have, and the claim of each of its pods (size, class)."""

    kind: str
    name: str
    container: str
    cpu_request: str
    memory_request: str
    cpu_limit: str
    memory_limit: str
    storage: str = ""
    storage_class: str = ""
    replicas: int | None = None
    #: Fields of its `spec`.
    fields: tuple[tuple[str, str], ...] = ()


def deviations(platform: Platform, table: tuple[Row, ...]) -> list[str]:
    """Where rendered objects differ from the table."""
    problems = []
    for row in table:
        found = [
            pods for pods in pods_of(platform) if (pods.owner.kind, pods.owner.name) == (row.kind, row.name)
        ]
        if len(found) != 1:
            problems.append(f"there are {len(found)} {row.kind} {row.name}")
        for pods in found:
            problems += [f"{pods.owner}: {problem}" for problem in _deviations(pods, row, platform)]
    return sorted(problems)


def _deviations(pods: Pods, row: Row, platform: Platform) -> Iterator[str]:
    spec = pods.owner.data["spec"]
    container = next((c for c in pods.containers if c["name"] == row.container), {})
    resources = container.get("resources") or {}
    for section, resource, wanted in (
        ("requests", "cpu", row.cpu_request),
        ("requests", "memory", row.memory_request),
        ("limits", "cpu", row.cpu_limit),
        ("limits", "memory", row.memory_limit),
    ):
        actual = (resources.get(section) or {}).get(resource)
        if actual is None or quantity(actual) != quantity(wanted):
            yield f"{section} {actual} {resource}, not {wanted}"
    claims = [
        (c["resources"]["requests"]["storage"], c.get("storageClassName")) for c in claims_of(pods, platform)
    ]
    wanted_claims = [(row.storage, row.storage_class)] if row.storage else []
    if claims != wanted_claims:
        yield f"claims {claims}, not {wanted_claims}"
    if row.replicas is not None and spec["replicas"] != row.replicas:
        yield f"{spec['replicas']} replicas, not {row.replicas}"
    for field, wanted in row.fields:
        if spec.get(field) != wanted:
            yield f"{field} {spec.get(field)}, not {wanted}"


def claims_of(pods: Pods, platform: Platform) -> list[Mapping[str, Any]]:
    """Specs of the volume claims that each pod of a workload gets or shares."""
    owner, spec = pods.owner, pods.owner.data["spec"]
    claims = [claim["spec"] for claim in spec.get("volumeClaimTemplates") or []]
    if template := (spec.get("storage") or {}).get("volumeClaimTemplate"):
        claims.append(template["spec"])
    for volume in pods.spec.get("volumes") or []:
        if name := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
            claim = platform.by_id.get(("PersistentVolumeClaim", owner.namespace, name))
            claims += [claim.data["spec"]] if claim else []
    return claims


#: Which of global.platform.storageClasses a claim of these takes.
CLASSES = {
    ("Prometheus", "kube-prometheus-stack-prometheus"): "fast",
    ("Alertmanager", "kube-prometheus-stack-alertmanager"): "standard",
    ("StatefulSet", "elasticsearch-master"): "fast",
    ("Deployment", "grafana"): "standard",
}


def misplaced(platform: Platform) -> list[str]:
    """Claims of another class than the one that the platform's values name for them; all are in `CLASSES`."""
    classes = platform.values["global"]["platform"]["storageClasses"]
    problems = []
    for pods in pods_of(platform):
        for actual in (claim.get("storageClassName") for claim in claims_of(pods, platform)):
            role = CLASSES[pods.owner.kind, pods.owner.name]
            if actual != classes[role]:
                problems.append(f"{pods.owner} stores on {actual}, not on the {role} class, {classes[role]}")
    return sorted(problems)


def unkept(platform: Platform) -> list[str]:
    """Claims that an uninstall would delete, and their data with them. A StatefulSet's own are no objects of
    the release, and stay unless it says otherwise, as do those that prometheus-operator asks for.
    """
    problems = [
        f"{claim}: helm.sh/resource-policy is {policy}, not keep"
        for claim in platform.of_kind("PersistentVolumeClaim")
        if (policy := claim.annotations.get("helm.sh/resource-policy")) != "keep"
    ]
    for obj in platform.of_kind("StatefulSet", "Prometheus", "Alertmanager"):
        retention = obj.data["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
        problems += [
            f"{obj}: its claims are deleted {event}"
            for event in ("whenDeleted", "whenScaled")
            if retention.get(event, "Retain") != "Retain"
        ]
    return sorted(problems)


def not_everywhere(daemon: Object) -> list[str]:
    """What keeps a DaemonSet's pods from some nodes."""
    spec = daemon.data["spec"]["template"]["spec"]
    problems = [field for field in ("nodeSelector", "affinity") if spec.get(field)]
    everything = [
        t for t in spec.get("tolerations") or [] if t.get("operator") == "Exists" and not t.get("key")
    ]
    if not any(not toleration.get("effect") for toleration in everything):
        problems.append("no toleration of every taint")
    return [f"{daemon}: {problem}" for problem in problems]


def oversized_heaps(platform: Platform) -> list[str]:
    """Heaps that leave too little of the memory limit: half for Java, whose off-heap memory and file system
    cache need the rest; a fifth for Node.js.
    """
    problems = []
    for pods in pods_of(platform):
        for container in pods.containers:
            limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
            for variable in container.get("env") or []:
                for pattern, unit, share in (
                    (r"-Xmx(\d+)([kmg])", {"k": 1024, "m": 1024**2, "g": 1024**3}, Decimal("0.5")),
                    (r"--max-old-space-size=(\d+)()", {"": 1024**2}, Decimal("0.8")),
                ):
                    for number, letter in re.findall(pattern, str(variable.get("value", "")), re.IGNORECASE):
                        heap = int(number) * unit[letter.lower()]
                        if limit is None or heap > quantity(limit) * share:
                            problems.append(
                                f"{pods.owner}: a heap of {number}{letter} does not fit into {limit}"
                            )
    return sorted(problems)
