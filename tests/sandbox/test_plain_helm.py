"""The packaged chart with nothing but Helm: the life of one release on a bare cluster, test by test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from depin_helm import sandbox as sandboxes
from depin_helm.cluster import Cluster
from tests.sandbox import live
from tests.sandbox.conftest import TOOLS
from tests.sandbox.kubectl import conditions, eventually
from tests.sandbox.program import Program
from tests.tier import Tier

RELEASE, NAMESPACE = "depin-platform", "logging"
#: Made by hook Jobs of the upstream charts, which complete in a sandbox without having done anything.
MADE_BY_JOBS = {"ingress-nginx-admission", "kube-prometheus-stack-admission"}
KIBANA = (
    "--reuse-values",
    "--set",
    "kibana.enabled=true",
    "--set",
    "depin-kibana.enabled=true",
    "--set",
    "depin-routes.routes.kibana.enabled=true",
)


@dataclass(frozen=True)
class Helm:
    """Helm on a cluster of its own, and the packaged chart."""

    binary: Path
    kubeconfig: Path
    chart: Path
    cluster: Cluster

    def run(self, *arguments: str) -> str:
        """Run a command that must succeed; what it printed."""
        result = subprocess.run(
            [str(self.binary), *arguments, "--namespace", NAMESPACE],
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def secrets(self) -> dict[live.Name, object]:
        """The content of every Secret that a release needs or made, Helm's and the operator's own aside."""
        return {
            name: item.get("data")
            for name, item in live.objects(self.cluster).items()
            if name[0] == "Secret"
            and not live.is_release(item)
            and not item["metadata"].get("ownerReferences")
        }


@pytest.fixture(scope="module")
def helm(
    tier: Tier, cache: Path, binaries: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Helm]:
    """The chart assembled and packaged as for an air gap, and a bare sandbox."""
    folder = tmp_path_factory.mktemp("plain")
    started = sandboxes.up("plain", TOOLS, cache)
    program = Program(tier, started.kubeconfig, folder, binaries["helm"])
    program.run("assemble", "--to", str(folder / "chart"))
    subprocess.run([binaries["helm"], "package", "chart"], cwd=folder, check=True, capture_output=True)
    with Cluster.connect(started.kubeconfig, environ={}) as cluster:
        yield Helm(binaries["helm"], started.kubeconfig, next(folder.glob("*.tgz")), cluster)
    sandboxes.down("plain", cache)


def test_an_install_that_waits_gives_a_working_release(helm: Helm) -> None:
    notes = helm.run("install", RELEASE, str(helm.chart), "--create-namespace", "--wait", "--timeout", "3m")
    assert "--set kibana.enabled=true" in notes
    assert eventually(lambda: live.pods_not_ready(helm.cluster) == []), live.pods_not_ready(helm.cluster)
    assert [each for each in live.dangling(helm.cluster) if each.split()[-1] not in MADE_BY_JOBS] == []
    assert {item["metadata"]["name"] for item in helm.cluster.list("apps/v1", "Deployment", NAMESPACE)} == {
        "elasticsearch-exporter"
    }
    issuers = helm.cluster.list("cert-manager.io/v1", "ClusterIssuer")
    assert {item["metadata"]["name"] for item in issuers} == {"depin-internal-ca-root", "depin-internal-ca"}
    assert all(conditions(item)["Ready"] == "True" for item in issuers)


def test_the_release_record_stays_far_below_the_limit(helm: Helm) -> None:
    assert max(live.record_sizes(helm.cluster).values()) < 300_000


def test_the_second_command_of_the_notes_turns_kibana_on_and_rotates_nothing(helm: Helm) -> None:
    before = helm.secrets()
    helm.run("upgrade", RELEASE, str(helm.chart), *KIBANA, "--wait", "--timeout", "3m")
    after = helm.secrets()
    assert {name: after.get(name) for name in before} == before
    deployments = helm.cluster.list("apps/v1", "Deployment", NAMESPACE)
    assert {item["metadata"]["name"] for item in deployments} == {"elasticsearch-exporter", "kibana"}


def test_an_uninstall_keeps_passwords_volumes_and_namespaces(helm: Helm) -> None:
    before, claims = live.secret_values(helm.cluster), live.claims(helm.cluster)
    helm.run("uninstall", RELEASE, "--wait", "--timeout", "3m")
    assert live.secret_values(helm.cluster) == before != {}
    assert live.claims(helm.cluster) == claims
    assert "monitoring/grafana" in claims and len(claims) == 6 and all(claims.values())
    assert helm.cluster.get("v1", "Namespace", "monitoring") is not None
    assert helm.cluster.list("apps/v1", "StatefulSet", NAMESPACE) == []


def test_an_install_that_does_not_wait_takes_up_passwords_and_volumes_and_becomes_ready(helm: Helm) -> None:
    before, claims = live.secret_values(helm.cluster), live.claims(helm.cluster)
    helm.run("install", RELEASE, str(helm.chart))
    assert eventually(lambda: live.pods_not_ready(helm.cluster) == [], 60)
    assert live.secret_values(helm.cluster) == before
    assert live.claims(helm.cluster) == claims
