"""The pod templates of a platform, with those that prometheus-operator makes."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.charts.checks.model import Object, Platform


@dataclass(frozen=True)
class Pods:
    """A pod template of `owner`, which for Prometheus and Alertmanager the operator makes."""

    owner: Object
    labels: Mapping[str, str]
    spec: Mapping[str, Any]

    @property
    def containers(self) -> list[dict[str, Any]]:
        """Containers and init containers."""
        return [*(self.spec.get("initContainers") or []), *self.spec["containers"]]

    @property
    def account(self) -> str:
        """Its service account's name, which has an old field too."""
        return str(self.spec.get("serviceAccountName") or self.spec.get("serviceAccount") or "default")

    @property
    def ports(self) -> list[dict[str, Any]]:
        """What the containers declare (init containers serve nothing)."""
        return [port for container in self.spec["containers"] for port in container.get("ports") or []]


@functools.cache
def pods_of(platform: Platform) -> tuple[Pods, ...]:
    """Every pod template."""
    return tuple(pods for obj in platform.objects for pods in _of(obj, platform))


def _of(obj: Object, platform: Platform) -> Iterator[Pods]:
    data = obj.data
    if obj.kind in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
        template = data["spec"]["template"]
        yield Pods(obj, (template.get("metadata") or {}).get("labels") or {}, template["spec"])
    elif obj.kind == "CronJob":
        template = data["spec"]["jobTemplate"]["spec"]["template"]
        yield Pods(obj, (template.get("metadata") or {}).get("labels") or {}, template["spec"])
    elif obj.kind == "Pod":
        yield Pods(obj, obj.labels, data["spec"])
    elif obj.kind in ("Prometheus", "Alertmanager") and obj.group == "monitoring.coreos.com":
        yield _operated(obj, platform)


# What prometheus-operator makes of a custom resource (its pkg/prometheus and pkg/alertmanager, 0.85 to 0.93).
_OPERATED_PORTS = {
    "Prometheus": [("", 9090)],
    "Alertmanager": [("", 9093), ("mesh-tcp", 9094), ("mesh-udp", 9094)],
}
_OPERATED_CONTEXT = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


def _operated(obj: Object, platform: Platform) -> Pods:
    spec, name = obj.data["spec"], obj.kind.lower()
    main: dict[str, Any] = {
        "name": name,
        "securityContext": _OPERATED_CONTEXT,
        "resources": spec.get("resources") or {},
        # Without one the operator takes its own, of a fixed version.
        "image": spec.get("image") or f"{name}:operators-own",
    }
    beside, before = [], []
    if image := operator_argument(platform, "prometheus-config-reloader"):
        reloader = {
            "image": image,
            "securityContext": _OPERATED_CONTEXT,
            "resources": _reloader_resources(platform),
        }
        ports = [{"name": "reloader-web", "containerPort": 8080}]
        beside.append({"name": "config-reloader", "ports": ports, **reloader})
        before.append({"name": "init-config-reloader", **reloader})
    main["ports"] = [
        {"name": port or spec.get("portName", "web"), "containerPort": number}
        for port, number in _OPERATED_PORTS[obj.kind]
    ]
    labels = {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/instance": obj.name,
        "app.kubernetes.io/managed-by": "prometheus-operator",
        name: obj.name,
    }
    if obj.kind == "Prometheus":
        labels |= {"operator.prometheus.io/name": obj.name, "operator.prometheus.io/shard": "0"}
    template = {
        "serviceAccountName": spec.get("serviceAccountName", "default"),
        "automountServiceAccountToken": spec.get("automountServiceAccountToken", True),
        "affinity": spec.get("affinity") or {},
        "topologySpreadConstraints": spec.get("topologySpreadConstraints") or [],
        "imagePullSecrets": spec.get("imagePullSecrets") or [],
        "priorityClassName": spec.get("priorityClassName", ""),
        "securityContext": spec.get("securityContext") or {},
        "hostNetwork": spec.get("hostNetwork", False),
        "volumes": [
            *({"name": secret, "secret": {"secretName": secret}} for secret in spec.get("secrets") or []),
            *({"name": config, "configMap": {"name": config}} for config in spec.get("configMaps") or []),
            *(spec.get("volumes") or []),
        ],
        "initContainers": [*before, *(spec.get("initContainers") or [])],
        "containers": [main, *beside, *(spec.get("containers") or [])],
    }
    return Pods(obj, labels, template)


def operator_argument(platform: Platform, flag: str) -> str:
    """What prometheus-operator is started with as `--flag=…`; empty if it is not."""
    for obj in platform.of_kind("Deployment"):
        for container in obj.data["spec"]["template"]["spec"]["containers"]:
            arguments = [str(argument) for argument in container.get("args") or []]
            if any(argument.startswith("--prometheus-config-reloader=") for argument in arguments):
                prefix = f"--{flag}="
                return next((a.removeprefix(prefix) for a in arguments if a.startswith(prefix)), "")
    return ""


def _reloader_resources(platform: Platform) -> dict[str, dict[str, str]]:
    return {
        section: {
            resource: amount
            for resource in ("cpu", "memory")
            # The operator takes 0 for "none".
            if (amount := operator_argument(platform, f"config-reloader-{resource}-{flag}")) not in ("", "0")
        }
        for section, flag in (("requests", "request"), ("limits", "limit"))
    }
