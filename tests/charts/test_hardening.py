"""No pod may do more than it has to, whatever its namespace would let it."""

from __future__ import annotations

import pytest

from tests.charts.checks.hardening import ALLOWED, soft, used
from tests.charts.checks.model import Platform
from tests.charts.conftest import ENVIRONMENTS
from tests.charts.mutants import Change, broken, container, pod
from tests.charts.rendering import Renderer

pytestmark = pytest.mark.usefixtures("real_charts")


def test_no_pod_may_do_more_than_it_has_to(platform: Platform) -> None:
    assert soft(platform) == []


def test_every_exception_is_one_still(renderer: Renderer) -> None:
    platforms = [renderer.layered(name) for name in ENVIRONMENTS]
    found = set().union(*(used(each) for each in (*platforms, renderer.plain_with_kibana())))
    listed = {(*owner, problem) for owner, problems in ALLOWED.items() for problem in problems}
    assert listed - found == set()


def in_context(**fields: object) -> Change:
    return lambda data: container(data)["securityContext"].update(fields)


def in_pod_context(**fields: object) -> Change:
    return lambda data: pod(data)["securityContext"].update(fields)


#: Of what is in no restricted namespace, or beyond the level: test_pod_security has the rest.
MUTANTS: dict[str, tuple[str, str, Change, str]] = {
    "an agent's escalation": (
        "DaemonSet",
        "prometheus-node-exporter",
        in_context(allowPrivilegeEscalation=True),
        "node-exporter: allowPrivilegeEscalation is not false",
    ),
    "an agent's capabilities": (
        "DaemonSet",
        "prometheus-node-exporter",
        lambda data: container(data)["securityContext"].pop("capabilities"),
        "node-exporter: does not drop ALL capabilities",
    ),
    "an agent without a seccomp profile": (
        "DaemonSet",
        "prometheus-node-exporter",
        lambda data: pod(data)["securityContext"].pop("seccompProfile"),
        "node-exporter: no seccompProfile",
    ),
    "an agent as root": ("DaemonSet", "fluent-bit", in_pod_context(runAsUser=0), "pod: runAsUser 0"),
    "another agent's network": (
        "DaemonSet",
        "fluent-bit",
        lambda data: pod(data).update(hostNetwork=True),
        "hostNetwork",
    ),
    "a writable root": (
        "Deployment",
        "grafana",
        in_context(readOnlyRootFilesystem=False),
        "grafana-sc-dashboard: writes to its root file system",
    ),
    "root's group": ("Deployment", "grafana", in_pod_context(fsGroup=0), "pod: group 0"),
    "root's group for a container": (
        "Deployment",
        "kibana",
        in_context(runAsGroup=0),
        "kibana: group 0",
    ),
    "a capability of another": (
        "Deployment",
        "kibana",
        in_context(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
        "kibana: adds NET_BIND_SERVICE",
    ),
    "a hook's escalation": (
        "Job",
        "cert-manager-startupapicheck",
        in_context(allowPrivilegeEscalation=True),
        "cert-manager-startupapicheck: allowPrivilegeEscalation is not false",
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_pod_that_may_do_more_is_found(prod: Platform, mutant: str) -> None:
    kind, name, change, problem = MUTANTS[mutant]
    found = soft(broken(prod, kind, name, change))
    assert [each.partition(": ")[2] for each in found] == [problem]
