"""Helm on a real API server: what it leaves when it is stopped, and that the same command continues."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from depin_helm.cluster import Cluster
from depin_helm.errors import ClusterError, HelmError, LockedError
from depin_helm.helm import Helm, find_helm
from depin_helm.sandbox import Sandbox
from tests.sandbox.kubectl import Kubectl, eventually

T = TypeVar("T")

CHART = Path(__file__).parent / "probe"
RELEASE = "probe"


class Probe:
    """The probe chart as a release in a namespace of the test's own."""

    def __init__(self, helm: Helm, kubectl: Kubectl, cluster: Cluster, namespace: str, scratch: Path) -> None:
        self.helm = helm
        self.kubectl = kubectl
        self.cluster = cluster
        self.namespace = namespace
        self.scratch = scratch

    def values(self, **values: object) -> Path:
        file = self.scratch / "values.yaml"
        file.write_text(json.dumps(values))
        return file

    def upgrade(self, *, timeout: float = 30.0, **values: Any) -> int:
        return self.run(self.upgrading(timeout=timeout, **values))

    def upgrading(
        self,
        *,
        timeout: float = 30.0,
        options: dict[str, Any] | None = None,
        **values: Any,
    ) -> Coroutine[Any, Any, int]:
        return self.helm.upgrade_install(
            CHART, RELEASE, self.namespace, self.values(**values), timeout=timeout, **(options or {})
        )

    def statuses(self) -> list[str]:
        """Of all revisions, oldest first."""
        return [each.status for each in self.run(self.helm.history(RELEASE, self.namespace))]

    def get(self, kind: str, name: str = RELEASE) -> Any:
        return self.kubectl.get("-n", self.namespace, kind, name)

    def uids(self) -> dict[str, str]:
        kinds = ("configmap", "secret", "pvc", "deployment")
        return {kind: self.get(kind)["metadata"]["uid"] for kind in kinds}

    def command(self, verb: str, *arguments: str) -> list[str]:
        """Helm as somebody else would run it."""
        binary = str(self.helm.binary.path)
        place = ["--namespace", self.namespace, "--kubeconfig", str(self.kubectl.kubeconfig)]
        return [binary, verb, *arguments, *place]

    def kill(self, command: list[str], status: str, *, made: bool = False) -> None:
        """Run Helm until its newest revision has the status, and it has `made` its objects; then kill it."""
        helm = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: self.newest_status() == status)
        if made:
            eventually(lambda: self.get("deployment"))
        helm.send_signal(signal.SIGKILL)
        helm.wait()

    def newest_status(self) -> str:
        current = self.run(self.helm.current_revision(RELEASE, self.namespace))
        return current.status if current else ""

    def recover(self, *, abandoned: bool = True) -> str:
        found = self.run(self.helm.recover(self.cluster, RELEASE, self.namespace, abandoned=abandoned))
        return found.status if found else ""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)


@pytest.fixture
def cluster(bare: Sandbox) -> Iterator[Cluster]:
    with Cluster.connect(bare.kubeconfig, environ={}) as connected:
        yield connected


@pytest.fixture
def probe(
    binaries: dict[str, Path],
    bare: Sandbox,
    kubectl: Kubectl,
    cluster: Cluster,
    namespace: str,
    tmp_path: Path,
) -> Probe:
    environ = {**os.environ, "PATH": ""}  # DEPIN_HELM_BIN may name another Helm to be tested
    helm = Helm(
        find_helm(environ, lambda: binaries["helm"]),
        environ={},
        home=tmp_path / "helm",
        kubeconfig=bare.kubeconfig,
        context=cluster.context,
    )
    return Probe(helm, kubectl, cluster, namespace, tmp_path)


def test_a_release_is_made_upgraded_looked_at_and_removed(probe: Probe) -> None:
    assert probe.upgrade() == 1
    assert probe.upgrade(data="two") == 2
    assert probe.statuses() == ["superseded", "deployed"]
    current = probe.run(probe.helm.current_revision(RELEASE, probe.namespace))
    assert current is not None
    assert (current.revision, current.status, current.chart, current.version) == (
        2,
        "deployed",
        "probe",
        "0.1.0",
    )
    listed = {(each.namespace, each.name): each for each in probe.run(probe.helm.list_releases())}
    assert listed[probe.namespace, RELEASE].status == "deployed"
    assert 'key: "two"' in probe.run(probe.helm.get_manifest(RELEASE, probe.namespace))
    assert 'key: "one"' in probe.run(probe.helm.get_manifest(RELEASE, probe.namespace, 1))
    probe.run(probe.helm.rollback(RELEASE, probe.namespace, 1, timeout=30))
    assert probe.get("configmap")["data"] == {"key": "one"}
    assert probe.run(probe.helm.uninstall(RELEASE, probe.namespace, timeout=30)) is True
    assert probe.get("deployment") is None
    assert probe.get("pvc") is not None
    assert probe.run(probe.helm.uninstall(RELEASE, probe.namespace, timeout=30)) is False


def test_nothing_changes_when_nothing_has_changed(probe: Probe) -> None:
    probe.upgrade(data="two")
    before = {kind: probe.get(kind)["metadata"]["resourceVersion"] for kind in ("configmap", "secret", "pvc")}
    probe.upgrade(data="two")
    assert {kind: probe.get(kind)["metadata"]["resourceVersion"] for kind in before} == before


def test_values_that_are_no_longer_given_are_not_kept(probe: Probe) -> None:
    probe.upgrade(data="two")
    probe.upgrade()
    assert probe.get("configmap")["data"] == {"key": "one"}


def test_a_dry_run_makes_nothing(probe: Probe) -> None:
    assert probe.run(probe.upgrading(options={"dry_run": True})) == 0
    assert probe.get("configmap") is None
    assert probe.run(probe.helm.current_revision(RELEASE, probe.namespace)) is None


def killed_install(probe: Probe) -> None:
    stuck = probe.values(stuck=True, extra=True)
    probe.kill(
        probe.command("upgrade", "--install", "--wait", RELEASE, str(CHART), "-f", str(stuck)),
        "pending-install",
        made=True,
    )


def killed_upgrade(probe: Probe) -> None:
    probe.upgrade()
    stuck = probe.values(stuck=True)
    probe.kill(probe.command("upgrade", "--wait", RELEASE, str(CHART), "-f", str(stuck)), "pending-upgrade")


def killed_rollback(probe: Probe) -> None:
    probe.run(probe.upgrading(options={"wait": False}, stuck=True))
    probe.upgrade()
    probe.kill(probe.command("rollback", "--wait", RELEASE, "1"), "pending-rollback")


def killed_uninstall(probe: Probe) -> None:
    probe.upgrade()
    hold = '{"metadata": {"finalizers": ["probe.example.com/hold"]}}'
    probe.kubectl.run("-n", probe.namespace, "patch", "configmap", RELEASE, "--type=merge", "-p", hold)
    probe.kill(probe.command("uninstall", "--wait", RELEASE), "uninstalling")
    let_go = '{"metadata": {"finalizers": null}}'
    probe.kubectl.run("-n", probe.namespace, "patch", "configmap", RELEASE, "--type=merge", "-p", let_go)


@pytest.mark.parametrize(
    ("kill", "left"),
    [
        (killed_install, "pending-install"),
        (killed_upgrade, "pending-upgrade"),
        (killed_rollback, "pending-rollback"),
        (killed_uninstall, "uninstalling"),
    ],
)
def test_the_same_command_continues_after_helm_was_killed(
    probe: Probe, kill: Callable[[Probe], None], left: str
) -> None:
    kill(probe)
    with pytest.raises(HelmError if left == "uninstalling" else LockedError):
        probe.upgrade()
    assert probe.recover() == left
    assert probe.newest_status() == "failed"
    if probe.helm.binary.major < 4 and left != "pending-install":
        return  # Helm 3 compares with the deployed revision, and keeps what only the killed one brought
    probe.upgrade(data="two")
    assert probe.newest_status() == "deployed"
    assert probe.get("configmap")["data"] == {"key": "two"}
    assert probe.recover() == ""


def test_what_a_killed_install_has_made_is_taken_over(probe: Probe) -> None:
    killed_install(probe)
    before = probe.uids()
    probe.recover()
    probe.upgrade()
    assert probe.uids() == before
    assert probe.get("configmap", f"{RELEASE}-extra") is None  # no longer rendered, and not forgotten


def test_a_killed_uninstall_is_continued_by_the_next(probe: Probe) -> None:
    killed_uninstall(probe)
    assert probe.run(probe.helm.uninstall(RELEASE, probe.namespace, timeout=30)) is True
    assert probe.run(probe.helm.current_revision(RELEASE, probe.namespace)) is None


def test_somebody_elses_helm_at_work_is_not_disturbed(probe: Probe) -> None:
    stuck = probe.values(stuck=True)
    command = probe.command("upgrade", "--install", "--wait", RELEASE, str(CHART), "-f", str(stuck))
    other = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: probe.newest_status() == "pending-install")
        with pytest.raises(LockedError, match="pending-install"):
            probe.recover(abandoned=False)
        assert probe.newest_status() == "pending-install"
    finally:
        other.terminate()
        other.wait()


def test_cancelling_leaves_a_failed_release_that_the_same_command_continues(probe: Probe) -> None:
    async def cancelled() -> None:
        task = asyncio.ensure_future(probe.upgrading(stuck=True))
        await asyncio.to_thread(eventually, lambda: probe.newest_status() == "pending-install")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert probe.statuses() == ["failed"]
    probe.upgrade()
    assert probe.newest_status() == "deployed"


def test_killing_the_tool_leaves_a_failed_release_too(probe: Probe) -> None:
    program = """
import asyncio, sys
from pathlib import Path
from depin_helm.helm import Helm, find_helm
binary, chart, home, kubeconfig, namespace, values = sys.argv[1:]
helm = Helm(find_helm({"DEPIN_HELM_BIN": binary}), environ={}, home=Path(home), kubeconfig=Path(kubeconfig))
asyncio.run(helm.upgrade_install(Path(chart), "probe", namespace, Path(values), timeout=60))
"""
    arguments = [
        *(str(probe.helm.binary.path), str(CHART), str(probe.scratch / "home")),
        *(str(probe.kubectl.kubeconfig), probe.namespace, str(probe.values(stuck=True))),
    ]
    tool = subprocess.Popen([sys.executable, "-c", program, *arguments])
    eventually(lambda: probe.newest_status() == "pending-install")
    tool.kill()
    tool.wait()
    eventually(lambda: probe.newest_status() == "failed")
    probe.upgrade()
    assert probe.newest_status() == "deployed"


def test_a_release_that_does_not_become_ready_says_what_is_not(probe: Probe) -> None:
    with pytest.raises(HelmError, match="not ready in time") as caught:
        probe.upgrade(stuck=True, timeout=6)
    if probe.helm.binary.major >= 4:
        assert any("Deployment" in cause and RELEASE in cause for cause in caught.value.causes)
    objects = probe.cluster.release_objects(RELEASE, probe.namespace)
    assert {obj["kind"] for obj in objects} == {"ConfigMap", "Secret", "PersistentVolumeClaim", "Deployment"}
    (cause,) = probe.cluster.why_not_ready(objects)
    assert cause.startswith(
        f"Deployment {probe.namespace}/{RELEASE}: no node takes its pod: 0/3 nodes are available"
    )
    assert probe.cluster.pods_progress(objects) == (0, 1)
    probe.upgrade(replicas=2)
    assert probe.cluster.why_not_ready(probe.cluster.release_objects(RELEASE, probe.namespace)) == ()
    assert probe.cluster.pods_progress(objects) == (2, 2)


def test_a_hook_that_does_not_end_is_named(probe: Probe) -> None:
    with pytest.raises(HelmError, match="its pre-install hook was not ready in time"):
        probe.upgrade(hook=True, timeout=3)
    causes = probe.cluster.why_not_ready(probe.cluster.release_objects(RELEASE, probe.namespace))
    assert any(cause.startswith(f"Job {probe.namespace}/{RELEASE}-hook: no node takes") for cause in causes)


def test_a_failed_upgrade_is_rolled_back_when_told(probe: Probe) -> None:
    probe.upgrade()
    with pytest.raises(HelmError):
        probe.run(probe.upgrading(timeout=8, options={"rollback_on_failure": True}, stuck=True, data="two"))
    assert probe.statuses() == ["superseded", "failed", "deployed"]
    assert probe.get("configmap")["data"] == {"key": "one"}


def test_a_failed_first_installation_is_never_rolled_back(probe: Probe) -> None:
    with pytest.raises(HelmError):
        probe.run(probe.upgrading(timeout=3, options={"rollback_on_failure": True}, stuck=True))
    assert probe.statuses() == ["failed"]
    assert probe.get("deployment") is not None


def test_a_field_that_somebody_else_set_is_not_taken_back_unasked(probe: Probe) -> None:
    if probe.helm.binary.major < 4:
        pytest.skip("Helm 3 cannot tell")
    probe.upgrade()
    probe.kubectl.run("-n", probe.namespace, "scale", "deployment", RELEASE, "--replicas=3")
    with pytest.raises(HelmError, match=r"\.spec\.replicas was set by kubectl") as caught:
        probe.upgrade(replicas=2)
    assert "--force-conflicts" in caught.value.hint
    assert probe.get("deployment")["spec"]["replicas"] == 3
    probe.run(probe.upgrading(options={"force_conflicts": True}, replicas=2))
    assert probe.get("deployment")["spec"]["replicas"] == 2


def test_an_immutable_field_is_named_without_its_value(probe: Probe) -> None:
    probe.upgrade()
    with pytest.raises(HelmError, match=r"Deployment.*probe: spec\.selector: field is immutable") as caught:
        probe.upgrade(selector="hunter2")
    assert "hunter2" not in caught.value.message
    assert "delete the object" in caught.value.hint


def test_an_object_of_another_release_is_not_taken_over(probe: Probe) -> None:
    probe.kubectl.run("-n", probe.namespace, "create", "configmap", RELEASE)
    with pytest.raises(HelmError, match=f"ConfigMap {probe.namespace}/{RELEASE} was not made by Helm"):
        probe.upgrade()


def test_a_kind_that_the_cluster_does_not_know_is_named(probe: Probe) -> None:
    with pytest.raises(HelmError, match=r"does not know Gadget \(probe\.example\.com/v1\)"):
        probe.upgrade(unknown=True)


def test_a_cluster_that_is_not_there_is_said_so(probe: Probe) -> None:
    file = probe.scratch / "kubeconfig"
    file.write_text(
        json.dumps(
            {
                "clusters": [{"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}}],
                "contexts": [{"name": "gone", "context": {"cluster": "gone", "user": ""}}],
                "current-context": "gone",
            }
        )
    )
    helm = Helm(probe.helm.binary, environ={}, home=probe.scratch / "helm", kubeconfig=file)
    with pytest.raises(ClusterError, match="connection refused"):
        asyncio.run(helm.upgrade_install(CHART, RELEASE, "n", probe.values(), timeout=5))
