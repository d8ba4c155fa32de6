"""Volumes grow on a running platform, without their pods' noticing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from depin_helm import sandbox as sandboxes
from depin_helm.cluster import Cluster
from tests.sandbox import live
from tests.sandbox.conftest import TOOLS
from tests.sandbox.kubectl import Kubectl
from tests.sandbox.program import Program
from tests.tier import Tier

LAYERS = ("foundation", "cert-manager", "issuers", "elasticsearch", "monitoring")
ENV = ("--env", "sandbox", *(text for name in LAYERS for text in ("--layer", name)))
SIZE = "elasticsearch.volumeClaimTemplate.resources.requests.storage"
_PROMETHEUS = "kube-prometheus-stack.prometheus.prometheusSpec.storageSpec"
PROMETHEUS = f"{_PROMETHEUS}.volumeClaimTemplate.spec.resources.requests.storage"


@dataclass(frozen=True)
class Subject:
    """Some layers, installed in a sandbox of their own."""

    program: Program
    cluster: Cluster
    kubectl: Kubectl

    def pods(self) -> dict[str, tuple[str, str]]:
        """Elasticsearch's pods: uid, and the uid of the StatefulSet that owns them."""
        return {
            pod["metadata"]["name"]: (pod["metadata"]["uid"], pod["metadata"]["ownerReferences"][0]["uid"])
            for pod in self.cluster.list("v1", "Pod", "logging")
            if pod["metadata"]["name"].startswith("elasticsearch-master-")
        }

    def claims(self, namespace: str) -> dict[str, tuple[str, str]]:
        """What each claim asks for, and its volume."""
        return {
            item["metadata"]["name"]: (
                item["spec"]["resources"]["requests"]["storage"],
                item["spec"]["volumeName"],
            )
            for item in self.cluster.list("v1", "PersistentVolumeClaim", namespace)
        }


@pytest.fixture(scope="module")
def subject(
    tier: Tier, cache: Path, binaries: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Subject]:
    sandbox = sandboxes.up("volumes", TOOLS, cache)
    program = Program(tier, sandbox.kubeconfig, tmp_path_factory.mktemp("volumes"), binaries["helm"])
    program.run("install", *ENV, "--yes")
    with Cluster.connect(sandbox.kubeconfig, environ={}) as cluster:
        yield Subject(program, cluster, Kubectl(binaries["kubectl"], sandbox.kubeconfig))
    sandboxes.down("volumes", cache)


#: As in a single node's environment.
SINGLE = ",".join(
    (
        "elasticsearch.replicas=1",
        "elasticsearch.clusterHealthCheckParams=wait_for_status=yellow&timeout=1s",
        "depin-elasticsearch.logs.replicas=0",
        "depin-elasticsearch.setup.waitFor=yellow",
    )
)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (f"{SIZE}=50Gi", "its volumes cannot become smaller: 100Gi → 50Gi"),
        (f"{PROMETHEUS}=20Gi", "its volumes cannot become smaller: 50Gi → 20Gi"),
        (SINGLE, "its nodes cannot go from 3 to 1 at once"),
    ],
)
def test_what_no_volume_can_do_is_refused_before_anything_is_touched(
    subject: Subject, value: str, reason: str
) -> None:
    before = live.versions(subject.cluster)
    # A new CRD, Secret or revision would show.
    said = subject.program.run("install", *ENV, "--yes", "--set", value, code=6).stderr
    assert reason in said
    assert "docs/volumes.md" in said
    assert live.versions(subject.cluster) == before
    changes = subject.program.json("diff", *ENV, "--set", value)
    assert [change["problem"] for change in changes if reason in change["problem"]]


def test_a_class_whose_volumes_cannot_grow_is_named_before_anything_is_touched(subject: Subject) -> None:
    def allow(allowed: str) -> None:
        subject.kubectl.run(
            "patch", "storageclass", "fast-ssd", f'--patch={{"allowVolumeExpansion": {allowed}}}'
        )

    allow("false")
    try:
        before = subject.claims("logging")
        said = subject.program.run("install", *ENV, "--yes", "--set", f"{SIZE}=200Gi", code=6).stderr
        assert "storage class fast-ssd has no allowVolumeExpansion: true" in said
        assert subject.claims("logging") == before
    finally:
        allow("true")


def test_growth_is_foreseen_and_changes_no_pod_and_no_volume(subject: Subject) -> None:
    larger = ("--set", f"{SIZE}=200Gi")
    pods, claims = subject.pods(), subject.claims("logging")
    assert len(pods) == 3
    assert {size for size, _ in claims.values()} == {"100Gi"}

    changes = {(each["kind"], each["name"]): each for each in subject.program.json("diff", *ENV, *larger)}
    assert changes.keys() == {
        ("StatefulSet", "elasticsearch-master"),
        *(("PersistentVolumeClaim", name) for name in claims),
    }
    foreseen = changes["StatefulSet", "elasticsearch-master"]
    assert foreseen["action"] == "replace"
    assert (
        "3 claims grow (100Gi → 200Gi); it is made anew around its pods, which run on" in foreseen["problem"]
    )

    said = subject.program.run("install", *ENV, "--yes", *larger).stderr
    assert "StatefulSet logging/elasticsearch-master: 3 claims grow (100Gi → 200Gi)" in said
    grown = subject.claims("logging")
    assert {size for size, _ in grown.values()} == {"200Gi"}
    assert {name: volume for name, (_, volume) in grown.items()} == {
        name: volume for name, (_, volume) in claims.items()
    }
    made = subject.cluster.get("apps/v1", "StatefulSet", "elasticsearch-master", "logging")
    assert made is not None
    assert made["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "200Gi"
    assert subject.pods() == {name: (uid, made["metadata"]["uid"]) for name, (uid, _) in pods.items()}

    assert subject.program.json("diff", *ENV, *larger) == []
    said = subject.program.run("install", *ENV, "--yes", *larger).stderr
    assert "Volumes:" not in said


def test_whoever_was_interrupted_without_a_stateful_set_continues(subject: Subject) -> None:
    larger = ("--set", f"{SIZE}=300Gi")
    pods = subject.pods()
    subject.kubectl.run("delete", "statefulset", "-n", "logging", "elasticsearch-master", "--cascade=orphan")
    subject.kubectl.run(
        *("patch", "pvc", "-n", "logging", "elasticsearch-master-elasticsearch-master-0"),
        '--patch={"spec": {"resources": {"requests": {"storage": "300Gi"}}}}',
    )
    said = subject.program.run("install", *ENV, "--yes", *larger).stderr
    assert "StatefulSet logging/elasticsearch-master: 2 claims grow (200Gi → 300Gi)" in said
    assert {size for size, _ in subject.claims("logging").values()} == {"300Gi"}
    assert {name: uid for name, (uid, _) in subject.pods().items()} == {
        name: uid for name, (uid, _) in pods.items()
    }


def test_the_claims_of_an_operators_stateful_set_grow_too(subject: Subject) -> None:
    larger = ("--set", f"{PROMETHEUS}=80Gi")
    changes = subject.program.json("diff", *ENV, "--set", f"{SIZE}=300Gi", *larger)
    assert {(each["kind"], each["action"]) for each in changes} == {
        ("Prometheus", "update"),
        ("PersistentVolumeClaim", "update"),
    }
    subject.program.run("install", *ENV, "--yes", "--set", f"{SIZE}=300Gi", *larger)
    name = "prometheus-kube-prometheus-stack-prometheus"
    assert subject.claims("monitoring")[f"{name}-db-{name}-0"][0] == "80Gi"
