"""The platform, installed into a sandbox with nothing but the command line."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from depin_helm import plan
from depin_helm.sandbox import Sandbox
from tests.sandbox import live
from tests.sandbox.conftest import ENV, Platform
from tests.sandbox.kubectl import Kubectl, eventually
from tests.tier import UMBRELLA, Tier


def test_every_layer_is_deployed_with_all_its_pods(platform: Platform) -> None:
    status = platform.program.json("status", *ENV)
    assert [layer["layer"] for layer in status["layers"] if layer["state"] != "deployed"] == []
    assert {layer["layer"] for layer in status["layers"]} == {
        layer.name for layer in plan.load(UMBRELLA).layers
    }
    assert [layer["layer"] for layer in status["layers"] if layer["pods"][0] != layer["pods"][1]] == []
    assert {layer["digest"] for layer in status["layers"]} == {status["digest"]}


def test_every_pod_runs_those_of_the_operator_too(platform: Platform) -> None:
    assert live.pods_not_ready(platform.cluster) == []
    sets = {
        item["metadata"]["name"]: item["status"] for item in platform.cluster.list("apps/v1", "StatefulSet")
    }
    for name in (
        "prometheus-kube-prometheus-stack-prometheus",
        "alertmanager-kube-prometheus-stack-alertmanager",
        "elasticsearch-master",
    ):
        assert sets[name]["readyReplicas"] == sets[name]["replicas"] > 0


def test_pod_security_restricted_is_enforced_and_refuses_no_pod_of_the_platform(
    platform: Platform, binaries: dict[str, Path]
) -> None:
    kubectl = Kubectl(binaries["kubectl"], platform.program.kubeconfig)
    for namespace in live.RESTRICTED:
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "privileged", "namespace": namespace},
            "spec": {"containers": [{"name": "a", "image": "a:1", "securityContext": {"privileged": True}}]},
        }
        assert 'violates PodSecurity "restricted' in kubectl.refusal(pod)
    assert live.refusals(platform.cluster) == []


@pytest.fixture
def node_agents(platform: Platform, binaries: dict[str, Path]) -> Kubectl:
    """kubectl, once the agents' service accounts are there; the stand-ins have none."""
    kubectl = Kubectl(binaries["kubectl"], platform.program.kubeconfig)
    for account in ("fluent-bit", "prometheus-node-exporter"):
        kubectl.run("create", "serviceaccount", account, "--namespace=node-agents", check=False)
    return kubectl


def pod(account: str = "default", container: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod in node-agents that asks for nothing but this."""
    containers = [{"name": "a", "image": "a:1", **(container or {})}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "borrower", "namespace": "node-agents"},
        "spec": {"serviceAccountName": account, "containers": containers, **spec},
    }


def reader(account: str, path: str, **mount: Any) -> dict[str, Any]:
    """A pod in node-agents that mounts a folder of the node."""
    mounts = [{"name": "host", "mountPath": "/host", **mount}]
    return pod(account, {"volumeMounts": mounts}, volumes=[{"name": "host", "hostPath": {"path": path}}])


AGENTS_ONLY = "no service account but those of depin-foundation.nodeAgents may"
BORROWERS = {
    "a folder of the node": (reader("default", "/var/log", readOnly=True), f"{AGENTS_ONLY} read a folder"),
    "the node's network": (pod(hostNetwork=True), f"{AGENTS_ONLY} use the node's network"),
    "the node's processes": (pod(hostPID=True), f"{AGENTS_ONLY} see the node's processes"),
    "the node's IPC": (pod(hostIPC=True), "no pod may use the node's IPC"),
    "a port of the node": (
        pod(container={"ports": [{"containerPort": 80, "hostPort": 80}]}),
        "no container may take a port of the node",
    ),
    "everything": (pod(container={"securityContext": {"privileged": True}}), "privileged"),
    "a capability": (
        pod("prometheus-node-exporter", {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}),
        "nor have capabilities added",
    ),
    "an agent's privileges": (
        pod("fluent-bit", {"securityContext": {"privileged": True}}),
        "no container may be privileged",
    ),
    "a folder that is not the agent's": (
        reader("fluent-bit", "/etc", readOnly=True),
        f"{AGENTS_ONLY} read a folder",
    ),
    "a folder of a similar name": (
        reader("fluent-bit", "/var/logs", readOnly=True),
        f"{AGENTS_ONLY} read a folder",
    ),
    "an agent's folder, to write": (reader("fluent-bit", "/var/log"), "is mounted read-only"),
    "an agent's folder, to write at the start": (
        pod(
            "fluent-bit",
            volumes=[{"name": "host", "hostPath": {"path": "/var/log"}}],
            initContainers=[
                {"name": "i", "image": "a:1", "volumeMounts": [{"name": "host", "mountPath": "/host"}]}
            ],
        ),
        "is mounted read-only",
    ),
    "another agent's network": (pod("fluent-bit", hostNetwork=True), f"{AGENTS_ONLY} use the node's network"),
}
LENT = {
    "nothing of the node": pod(),
    "a folder below an agent's": reader("fluent-bit", "/var/log/pods", readOnly=True),
    "what node-exporter needs": {
        **(exporter := reader("prometheus-node-exporter", "/", readOnly=True)),
        "spec": {**exporter["spec"], "hostNetwork": True, "hostPID": True},
    },
}


@pytest.mark.parametrize("wanted", BORROWERS)
def test_a_pod_that_borrows_the_agents_namespace_is_refused(node_agents: Kubectl, wanted: str) -> None:
    borrower, why = BORROWERS[wanted]
    said = node_agents.refusal(borrower)
    assert "ValidatingAdmissionPolicy 'depin-node-agents'" in said
    assert why in said


@pytest.mark.parametrize("wanted", LENT)
def test_what_an_agent_needs_is_admitted(node_agents: Kubectl, wanted: str) -> None:
    assert node_agents.refusal(LENT[wanted]) == ""


def test_a_privileged_container_gets_into_no_running_agent(node_agents: Kubectl) -> None:
    agents = node_agents.get("pods", "--namespace=node-agents")["items"]
    name = agents[0]["metadata"]["name"]
    arguments = ("debug", "--namespace=node-agents", f"pod/{name}", "--image=a:1", "--profile=sysadmin")
    said = node_agents.run(*arguments, check=False)
    assert "no container may be privileged" in said.stderr


def test_a_pod_with_a_folder_of_the_node_is_refused_in_monitoring(node_agents: Kubectl) -> None:
    item = reader("default", "/var/log", readOnly=True)
    item["metadata"]["namespace"] = "monitoring"
    assert 'violates PodSecurity "restricted' in node_agents.refusal(item)


def test_the_api_server_understands_the_whole_policy(platform: Platform) -> None:
    def checked() -> Any:
        policy = platform.cluster.get(
            "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "depin-node-agents"
        )
        return (policy or {}).get("status")

    status = eventually(checked)
    assert status["typeChecking"] == {}  # no warnings


def test_whatever_a_pod_refers_to_is_there(platform: Platform) -> None:
    assert live.dangling(platform.cluster) == []


def test_prometheus_scrapes_every_monitor(platform: Platform) -> None:
    assert eventually(lambda: live.monitors_without_a_job(platform.cluster) == [])


def test_release_records_stay_far_below_the_limit(platform: Platform) -> None:
    sizes = live.record_sizes(platform.cluster)
    assert sizes
    assert {name: size for name, size in sizes.items() if size >= 300_000} == {}


def test_nothing_is_to_be_changed_after_an_install(platform: Platform) -> None:
    assert platform.program.json("diff", *ENV, "--exit-code") == []


def test_an_upgrade_with_nothing_changed_changes_no_object(platform: Platform) -> None:
    before = live.versions(platform.cluster)
    platform.program.run("upgrade", *ENV, "--yes")
    after = live.versions(platform.cluster)
    assert {name for name in before | after if before.get(name) != after.get(name)} == set()


def test_the_diff_names_exactly_what_a_value_changes(platform: Platform) -> None:
    """Fluent Bit reads it anew: nothing restarts."""
    changes = platform.program.json(
        "diff", *ENV, "--set", "depin-fluent-bit.logLevel=debug", "--exit-code", code=10
    )
    assert [(change["action"], change["kind"], change["name"]) for change in changes] == [
        ("update", "ConfigMap", "fluent-bit"),
    ]


def test_another_parser_changes_fluent_bits_configuration_and_restarts_nothing(
    platform: Platform, tmp_path: Path
) -> None:
    extra = tmp_path / "parsers.yaml"
    extra.write_text(
        "depin-fluent-bit:\n  parsers:\n"
        "    - {name: legacy, format: regex, regex: '^(?<level>[A-Z]+) (?<message>.*)$'}\n"
    )
    before = live.versions(platform.cluster)
    platform.program.run("upgrade", *ENV, "-f", str(extra), "--yes")
    after = live.versions(platform.cluster)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert [name[-1] for name in changed] == ["fluent-bit"]
    assert all("ConfigMap" in name for name in changed)
    platform.program.run("upgrade", *ENV, "--yes")
    assert platform.program.json("diff", *ENV, "--exit-code") == []


def test_a_dry_run_changes_nothing_not_even_helms_records(platform: Platform) -> None:
    before = live.record_sizes(platform.cluster)
    said = platform.program.run("install", *ENV, "--dry-run", "--set", "depin-fluent-bit.logLevel=debug")
    assert "ConfigMap/fluent-bit" in said.stdout
    assert live.record_sizes(platform.cluster) == before


def test_no_password_is_ever_said_or_logged(platform: Platform) -> None:
    secrets = live.secret_values(platform.cluster)
    assert len(secrets) >= 8
    said = platform.output
    said += platform.program.run("diff", *ENV, "--set", "grafana.x=1", code=3).stderr
    said += platform.program.run("secrets", *ENV).stdout
    said += "".join(file.read_text() for file in platform.program.folder.glob("deploy-operators-*.log"))
    assert [name for name, value in secrets.items() if value in said] == []


def test_the_log_file_is_for_its_owner_alone(platform: Platform) -> None:
    logs = list(platform.program.folder.glob("deploy-operators-*.log"))
    assert logs
    assert {log.stat().st_mode & 0o777 for log in logs} == {0o600}


def test_secrets_are_listed_with_their_readers_and_without_values(platform: Platform) -> None:
    states = platform.program.json("secrets", *ENV)
    assert {state["name"] for state in states} >= {"grafana-admin", "elasticsearch-master-credentials"}
    assert all(state["exists"] and not state["missing"] for state in states)


def test_every_secret_is_used_by_an_object_on_the_cluster(platform: Platform) -> None:
    states = platform.program.json("secrets", *ENV)
    assert [state["name"] for state in states if not state["usedBy"]] == []


def test_the_commands_that_a_rotation_ends_with_restart_who_uses_it(
    platform: Platform, binaries: dict[str, Path]
) -> None:
    def restarts(kind: str, name: str, namespace: str) -> str:
        obj = platform.cluster.get("apps/v1", kind, name, namespace) or {}
        annotations = obj["spec"]["template"]["metadata"].get("annotations") or {}
        return str(annotations.get("kubectl.kubernetes.io/restartedAt", ""))

    users = (
        ("StatefulSet", "elasticsearch-master", "logging"),
        ("DaemonSet", "fluent-bit", "node-agents"),
    )
    before = [restarts(*user) for user in users]
    result = platform.program.json("secrets", *ENV, "--rotate", "fluent-bit-elasticsearch", "--yes")
    kubectl = Kubectl(binaries["kubectl"], platform.program.kubeconfig)
    for step in result["steps"]:
        kubectl.run(*shlex.split(step["command"])[1:])
    assert all(old != restarts(*user) for old, user in zip(before, users, strict=True))
    assert live.pods_not_ready(platform.cluster) == []
    assert platform.program.json("diff", *ENV) == []


def test_the_sandbox_environment_refuses_any_other_cluster(
    platform: Platform, tmp_path: Path, tier: Tier, bare: Sandbox, binaries: dict[str, Path]
) -> None:
    kubectl = Kubectl(binaries["kubectl"], bare.kubeconfig)
    kubectl.run("label", "namespace", "kube-system", "depin.ai/sandbox-", "--overwrite")
    try:
        elsewhere = replace(platform.program, kubeconfig=bare.kubeconfig, folder=tmp_path)
        said = elsewhere.run("install", *ENV, "--yes", code=6)
        assert "is for a sandbox" in said.stderr
        assert kubectl.get("namespace", "depin-system") is None
    finally:
        kubectl.run("label", "namespace", "kube-system", f"depin.ai/sandbox={bare.name}", "--overwrite")
