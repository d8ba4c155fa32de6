"""What every pod is held to, whatever its namespace enforces: the level `restricted`, no right beyond it, a
root file system that is read-only, and no token of the API server without a use for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.charts.checks.model import Platform
from tests.charts.checks.pod_security import violations
from tests.charts.checks.pods import Pods, pods_of

WRITABLE = "writes to its root file system"

_NODE = "shows the node's own processes, network and file systems"
_LOGS = "the node's logs are what it is for"
_HOOK = (
    "the chart's hooks have no context, and no value gives one; they run for seconds, in a plain release only"
)
_HOOK_PROBLEMS = (
    *("allowPrivilegeEscalation is not false", "does not drop ALL capabilities", "no seccompProfile"),
    *("runAsNonRoot is not true", WRITABLE),
)

#: Who may do what no other pod may, and why: by kind and name of the owner, then by problem.
ALLOWED: dict[tuple[str, str], dict[str, str]] = {
    ("DaemonSet", "prometheus-node-exporter"): {
        "hostNetwork": _NODE,
        "hostPID": _NODE,
        **{f"hostPath volume {name}": _NODE for name in ("proc", "root", "sys")},
    },
    ("DaemonSet", "fluent-bit"): {
        "pod: group 0": "the node's logs are root:root 0640",
        **{f"hostPath volume {name}": _LOGS for name in ("etcmachineid", "varlibdockercontainers", "varlog")},
    },
    ("Deployment", "ingress-nginx-controller"): {
        "controller: adds NET_BIND_SERVICE": "listens on ports 80 and 443",
        f"controller: {WRITABLE}": "its configuration is written beside the image's files",
    },
    ("StatefulSet", "elasticsearch-master"): {
        f"elasticsearch: {WRITABLE}": "its keystore is written beside the image's files",
    },
    ("Deployment", "kibana"): {
        f"kibana: {WRITABLE}": "its data is written beside the image's files",
    },
    ("Job", "pre-install-kibana"): {f"create-kibana-token: {problem}": _HOOK for problem in _HOOK_PROBLEMS},
    ("Job", "post-delete-kibana"): {f"clean-kibana-token: {problem}": _HOOK for problem in _HOOK_PROBLEMS},
}


def soft(platform: Platform) -> list[str]:
    """What pods may do beyond the above, and are not listed with a reason."""
    return sorted(
        f"{pods.owner}: {problem}"
        for pods in pods_of(platform)
        for problem in _problems(pods)
        if problem not in ALLOWED.get((pods.owner.kind, pods.owner.name), {})
    )


def used(platform: Platform) -> set[tuple[str, str, str]]:
    """Which of the listed exceptions some pod makes use of."""
    return {
        (pods.owner.kind, pods.owner.name, problem)
        for pods in pods_of(platform)
        for problem in _problems(pods)
    }


def _problems(pods: Pods) -> Iterator[str]:
    yield from violations(pods, "restricted")
    pod = pods.spec.get("securityContext") or {}
    if 0 in (pod.get("runAsGroup"), pod.get("fsGroup"), *(pod.get("supplementalGroups") or [])):
        yield "pod: group 0"
    for container in pods.containers:
        name, context = container["name"], container.get("securityContext") or {}
        if context.get("readOnlyRootFilesystem") is not True:
            yield f"{name}: {WRITABLE}"
        if context.get("runAsGroup") == 0:
            yield f"{name}: group 0"
        if "NET_BIND_SERVICE" in ((context.get("capabilities") or {}).get("add") or []):
            yield f"{name}: adds NET_BIND_SERVICE"
