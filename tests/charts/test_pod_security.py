"""Pods pass the Pod Security level that their namespace enforces."""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts.checks.model import Platform
from tests.charts.checks.pod_security import ENFORCE, refused
from tests.charts.checks.pods import pods_of
from tests.charts.mutants import Change, broken, container, pod

RESTRICTED = ("cert-manager", "ingress-nginx", "logging", "monitoring")


def test_no_pod_is_refused(platform: Platform) -> None:
    assert refused(platform) == []


def test_all_but_the_node_agents_are_restricted(layered: Platform) -> None:
    levels = {space.name: space.labels[ENFORCE] for space in layered.of_kind("Namespace")}
    assert levels == {**dict.fromkeys(RESTRICTED, "restricted"), "node-agents": "privileged"}
    for space in layered.of_kind("Namespace"):
        said = {mode: space.labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("audit", "warn")}
        assert set(said.values()) == {levels[space.name]}
    assert {pods.owner.namespace for pods in pods_of(layered)} == {*RESTRICTED, "node-agents"}


def test_a_plain_release_restricts_what_it_can(plain: Platform) -> None:
    levels = {space.name: space.labels[ENFORCE] for space in plain.of_kind("Namespace")}
    assert levels == {
        "cert-manager": "restricted",
        "ingress-nginx": "restricted",
        "monitoring": "restricted",
        "node-agents": "privileged",
    }


def in_context(**fields: object) -> Change:
    return lambda data: container(data)["securityContext"].update(fields)


def in_pod(**fields: object) -> Change:
    return lambda data: pod(data).update(fields)


def in_pod_context(**fields: object) -> Change:
    return lambda data: pod(data)["securityContext"].update(fields)


MUTANTS: dict[str, tuple[Change, list[str]]] = {
    "host network": (in_pod(hostNetwork=True), ["hostNetwork"]),
    "host processes": (in_pod(hostPID=True), ["hostPID"]),
    "host path": (
        lambda data: pod(data)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
        ["hostPath volume x"],
    ),
    "host port": (lambda data: container(data)["ports"][0].update(hostPort=80), ["kibana: hostPort 80"]),
    "a probe of another host": (
        lambda data: container(data).update(livenessProbe={"httpGet": {"host": "10.0.0.1", "port": 80}}),
        ["kibana: a handler's host"],
    ),
    "an old kind of volume": (
        lambda data: pod(data)["volumes"].append({"name": "x", "nfs": {"server": "x"}}),
        ["nfs volume x"],
    ),
    "sysctls": (in_pod_context(sysctls=[{"name": "vm.max_map_count"}]), ["sysctl vm.max_map_count"]),
    "privileged": (in_context(privileged=True), ["kibana: privileged"]),
    "privilege escalation": (
        lambda data: container(data)["securityContext"].pop("allowPrivilegeEscalation"),
        ["kibana: allowPrivilegeEscalation is not false"],
    ),
    "root": (in_context(runAsUser=0), ["kibana: runAsUser 0"]),
    "maybe root": (in_context(runAsNonRoot=False), ["kibana: runAsNonRoot is not true"]),
    "a pod as root": (in_pod_context(runAsUser=0), ["pod: runAsUser 0"]),
    "no seccomp profile": (
        lambda data: pod(data)["securityContext"].pop("seccompProfile"),
        ["kibana: no seccompProfile"],
    ),
    "an unconfined container": (
        in_context(seccompProfile={"type": "Unconfined"}),
        ["kibana: no seccompProfile", "kibana: seccompProfile Unconfined"],
    ),
    "capabilities kept": (
        in_context(capabilities={"drop": ["NET_RAW"]}),
        ["kibana: does not drop ALL capabilities"],
    ),
    "capabilities added": (
        in_context(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE", "SYS_ADMIN", "CHOWN"]}),
        ["kibana: adds CHOWN", "kibana: adds SYS_ADMIN"],
    ),
    "SELinux": (in_context(seLinuxOptions={"type": "spc_t"}), ["kibana: seLinuxOptions"]),
    "AppArmor": (in_context(appArmorProfile={"type": "Unconfined"}), ["kibana: appArmorProfile Unconfined"]),
    "proc": (in_context(procMount="Unmasked"), ["kibana: procMount"]),
    "an init container": (
        in_pod(initContainers=[{"name": "chown", "securityContext": {"privileged": True}}]),
        [
            "chown: allowPrivilegeEscalation is not false",
            "chown: does not drop ALL capabilities",
            "chown: privileged",
            "chown: runAsNonRoot is not true",
        ],
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_pod_that_would_be_refused_is_found(prod: Platform, mutant: str) -> None:
    change, problems = MUTANTS[mutant]
    found = refused(broken(prod, "Deployment", "kibana", change))
    assert found == [f"Deployment logging/kibana in restricted logging: {problem}" for problem in problems]


def test_node_agents_would_be_refused_elsewhere(prod: Platform) -> None:
    def restrict(data: dict[str, Any]) -> None:
        data["metadata"]["labels"][ENFORCE] = "baseline"

    assert refused(broken(prod, "Namespace", "node-agents", restrict)) == [
        *(
            f"DaemonSet node-agents/fluent-bit in baseline node-agents: hostPath volume {name}"
            for name in ("etcmachineid", "varlibdockercontainers", "varlog")
        ),
        *(
            f"DaemonSet node-agents/prometheus-node-exporter in baseline node-agents: {what}"
            for what in (
                "hostNetwork",
                "hostPID",
                *(f"hostPath volume {name}" for name in ("proc", "root", "sys")),
            )
        ),
    ]


def test_what_the_operator_makes_is_looked_at_too(prod: Platform) -> None:
    name = "kube-prometheus-stack-prometheus"
    mutant = broken(
        prod, "Prometheus", name, lambda data: data["spec"]["securityContext"].pop("runAsNonRoot")
    )
    assert refused(mutant) == [
        f"Prometheus monitoring/{name} in restricted monitoring: {container}: runAsNonRoot is not true"
        for container in ("config-reloader", "init-config-reloader", "prometheus")
    ]
