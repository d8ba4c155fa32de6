"""The Pod Security Standards, as far as a pod's template shows them.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ (Kubernetes 1.35), control by
control in that page's order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.charts.checks.model import Platform
from tests.charts.checks.pods import Pods, pods_of

ENFORCE = "pod-security.kubernetes.io/enforce"

CAPABILITIES_BASELINE = frozenset(
    {
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
        *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    }
)
SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
VOLUMES_RESTRICTED = frozenset(
    {
        *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected"),
        "secret",
    }
)
HANDLERS = ("livenessProbe", "readinessProbe", "startupProbe")


def refused(platform: Platform) -> list[str]:
    """Pods that the level which their namespace enforces refuses, and why."""
    problems = []
    for pods in pods_of(platform):
        level = platform.namespace_labels(pods.owner.namespace).get(ENFORCE, "privileged")
        problems += [
            f"{pods.owner} in {level} {pods.owner.namespace}: {why}" for why in violations(pods, level)
        ]
    return sorted(problems)


def violations(pods: Pods, level: str) -> list[str]:
    """What in the template goes beyond `level`: privileged, baseline or restricted."""
    found: list[str] = []
    if level in ("baseline", "restricted"):
        found += _baseline(pods)
    if level == "restricted":
        found += _restricted(pods)
    return found


def _baseline(pods: Pods) -> Iterator[str]:
    spec = pods.spec
    pod = spec.get("securityContext") or {}
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield field
    for volume in spec.get("volumes") or []:
        if "hostPath" in volume:
            yield f"hostPath volume {volume['name']}"
    for sysctl in pod.get("sysctls") or []:
        if sysctl["name"] not in SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    yield from _baseline_context("pod", pod)
    for container in pods.containers:
        yield from _baseline_context(container["name"], container.get("securityContext") or {})
        yield from _baseline_network(container)


def _baseline_context(where: str, context: Mapping[str, Any]) -> Iterator[str]:
    options = context.get("seLinuxOptions") or {}
    wrong = {
        "hostProcess": (context.get("windowsOptions") or {}).get("hostProcess"),
        "seLinuxOptions": options.get("type", "") not in SELINUX_TYPES
        or options.get("user")
        or options.get("role"),
        "seccompProfile Unconfined": (context.get("seccompProfile") or {}).get("type") == "Unconfined",
        "appArmorProfile Unconfined": (context.get("appArmorProfile") or {}).get("type") == "Unconfined",
        "privileged": context.get("privileged"),
        "procMount": context.get("procMount", "Default") != "Default",
    }
    yield from (f"{where}: {what}" for what, found in wrong.items() if found)
    yield from (f"{where}: adds {added}" for added in _added(context) if added not in CAPABILITIES_BASELINE)


def _baseline_network(container: Mapping[str, Any]) -> Iterator[str]:
    for port in container.get("ports") or []:
        if port.get("hostPort"):
            yield f"{container['name']}: hostPort {port['hostPort']}"
    handlers = [container.get(name) or {} for name in HANDLERS]
    handlers += list((container.get("lifecycle") or {}).values())
    actions = [handler.get(action) or {} for handler in handlers for action in ("httpGet", "tcpSocket")]
    if any(action.get("host") for action in actions):
        yield f"{container['name']}: a handler's host"


def _restricted(pods: Pods) -> Iterator[str]:
    pod = pods.spec.get("securityContext") or {}
    for volume in pods.spec.get("volumes") or []:
        if wrong := set(volume) - VOLUMES_RESTRICTED - {"name", "hostPath"}:
            yield f"{wrong.pop()} volume {volume['name']}"
    if pod.get("runAsUser") == 0:
        yield "pod: runAsUser 0"
    for container in pods.containers:
        context = container.get("securityContext") or {}
        profile = context.get("seccompProfile") or pod.get("seccompProfile") or {}
        missing = {
            "allowPrivilegeEscalation is not false": context.get("allowPrivilegeEscalation") is not False,
            "runAsNonRoot is not true": context.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True,
            "runAsUser 0": context.get("runAsUser") == 0,
            "no seccompProfile": profile.get("type") not in ("RuntimeDefault", "Localhost"),
            "does not drop ALL capabilities": "ALL"
            not in ((context.get("capabilities") or {}).get("drop") or []),
        }
        yield from (f"{container['name']}: {what}" for what, found in missing.items() if found)
        for added in _added(context):
            if added != "NET_BIND_SERVICE" and added in CAPABILITIES_BASELINE:
                yield f"{container['name']}: adds {added}"


def _added(context: Mapping[str, Any]) -> list[str]:
    return (context.get("capabilities") or {}).get("add") or []
