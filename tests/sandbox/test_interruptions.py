"""Rollouts that are killed, fail, and are taken back; each continues or is undone with the same commands."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from depin_helm import sandbox as sandboxes
from depin_helm.cluster import Cluster
from tests.sandbox import live
from tests.sandbox.conftest import TOOLS
from tests.sandbox.program import Program
from tests.tier import Tier

ENV = ("--env", "sandbox")


@pytest.fixture(scope="module")
def program(
    tier: Tier, cache: Path, binaries: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Program]:
    """depin-helm on a sandbox that these tests take through one rollout after the other."""
    started = sandboxes.up("interrupted", TOOLS, cache)
    yield Program(tier, started.kubeconfig, tmp_path_factory.mktemp("interrupted"), binaries["helm"])
    sandboxes.down("interrupted", cache)


@pytest.fixture(scope="module")
def cluster(program: Program) -> Iterator[Cluster]:
    """The cluster that the rollouts are on."""
    with Cluster.connect(program.kubeconfig, environ={}) as connected:
        yield connected


def states(program: Program, *, code: int = 0) -> dict[str, str]:
    """The state of each layer."""
    return {layer["layer"]: layer["state"] for layer in program.json("status", *ENV, code=code)["layers"]}


def test_a_layer_alone_wants_those_it_waits_for(program: Program, cluster: Cluster) -> None:
    said = program.run("install", *ENV, "--yes", "--layer", "kibana", code=2)
    assert "layer kibana waits for elasticsearch" in said.stderr
    assert cluster.get("v1", "Namespace", "logging") is None


def test_a_bad_image_is_named_the_other_layers_finish_and_the_same_command_continues(
    program: Program,
) -> None:
    bad = ("--set", "fluent-bit.image.tag=does-not-exist", "--timeout", "12s")
    said = program.run("install", *ENV, "--yes", *bad, code=5)
    assert "fluent-bit:does-not-exist" in said.stderr
    assert "install --env sandbox" in said.stderr
    found = states(program, code=7)
    assert found.pop("fluent-bit") == "failed"
    assert set(found.values()) == {"deployed"}

    program.run("install", *ENV, "--yes")
    assert set(states(program).values()) == {"deployed"}


def test_what_waits_for_a_failed_layer_is_not_started(program: Program) -> None:
    name = "docker.elastic.co/elasticsearch/elasticsearch:does-not-exist"
    tags = ("--set", "elasticsearch.imageTag=does-not-exist", "--set", f"global.platform.setupImage={name}")
    bad = (*tags, "--timeout", "12s")
    result = program.json("install", *ENV, "--yes", *bad, code=5)
    ends = {end["layer"]: end for end in result["layers"]}
    assert ends["elasticsearch"]["state"] == "failed"
    assert any("does-not-exist" in cause for cause in ends["elasticsearch"]["causes"])
    assert {name for name, end in ends.items() if end["state"] == "blocked"} == {
        "kibana",
        "fluent-bit",
        "routes",
    }
    program.run("install", *ENV, "--yes")


def test_uninstalling_keeps_data_and_passwords_and_says_so(program: Program, cluster: Cluster) -> None:
    passwords = live.secret_values(cluster)
    claims = {item["metadata"]["name"] for item in cluster.list("v1", "PersistentVolumeClaim", "logging")}
    said = program.run("uninstall", *ENV, "--yes")
    assert set(states(program, code=7).values()) == {"not installed"}
    assert cluster.list("apps/v1", "StatefulSet", "logging") == []
    assert live.secret_values(cluster) == passwords
    kept = {item["metadata"]["name"] for item in cluster.list("v1", "PersistentVolumeClaim", "logging")}
    assert kept == claims != set()
    for name in ("Namespace logging", "elasticsearch-master-elasticsearch-master-0", "grafana-admin"):
        assert name in said.stderr


def test_deleting_data_is_confirmed_by_a_person_only(program: Program, cluster: Cluster) -> None:
    said = program.run("uninstall", *ENV, "--yes", "--delete-data", code=2)
    assert "terminal" in said.stderr
    assert cluster.get("v1", "Namespace", "logging") is not None


@pytest.mark.parametrize(
    ("number", "after", "code"),
    [
        (signal.SIGKILL, "monitoring: running", -signal.SIGKILL),
        (signal.SIGTERM, "cert-manager: running", 128 + signal.SIGTERM),
        (signal.SIGINT, "cert-manager: running", 128 + signal.SIGINT),
    ],
)
def test_a_killed_rollout_is_continued_by_the_same_command(
    program: Program, cluster: Cluster, number: signal.Signals, after: str, code: int
) -> None:
    program.run("uninstall", *ENV, "--yes")
    ended, said = program.interrupt("install", *ENV, "--yes", after=after, by=number)
    assert ended == code
    if number is not signal.SIGKILL:
        last = said.splitlines()[-1]
        assert last.startswith(
            "Interrupted in the middle of cert-manager; the same command continues from there:"
        )
        assert f"depin-helm install --env sandbox --project {program.tier.root}" in last
    program.run("install", *ENV, "--yes")
    assert set(states(program).values()) == {"deployed"}
    assert live.pods_not_ready(cluster) == []


def test_all_data_goes_once_its_environment_is_typed_and_an_install_may_follow_at_once(
    program: Program, cluster: Cluster
) -> None:
    deletion = ("uninstall", *ENV, "--delete-data", "--delete-crds")
    assert "not confirmed" in program.answer(*deletion, typed="prod", code=2)
    assert set(states(program).values()) == {"deployed"}

    said = program.answer(*deletion, typed="sandbox")
    for name in ("Namespace logging", "Namespace depin-system", "certificates.cert-manager.io", "6 volumes"):
        assert name in said
    assert {item["metadata"]["name"] for item in cluster.list("v1", "Namespace")} == {
        "default",
        "kube-node-lease",
        "kube-public",
        "kube-system",
    }
    assert cluster.list("v1", "PersistentVolumeClaim") == []
    assert cluster.list("apiextensions.k8s.io/v1", "CustomResourceDefinition") == []

    program.run("install", *ENV, "--yes")
    assert set(states(program).values()) == {"deployed"}


def test_a_namespace_that_somebody_else_made_survives(program: Program, cluster: Cluster) -> None:
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "logging", "labels": {"app.kubernetes.io/managed-by": None}},
        },
        force=True,
    )
    said = program.answer("uninstall", *ENV, "--delete-data", typed="sandbox")
    assert "Namespace monitoring" in said
    assert cluster.get("v1", "Namespace", "monitoring") is None
    assert cluster.get("v1", "Namespace", "logging") is not None
    assert len(cluster.list("v1", "PersistentVolumeClaim", "logging")) == 3
    assert "PersistentVolumeClaim logging/elasticsearch-master-elasticsearch-master-0" in said


def test_the_lock_is_taken_from_the_dead(program: Program) -> None:
    assert "nobody held the lock" in program.run("unlock", *ENV, "--yes").stderr
    assert "terminal" in program.run("unlock", *ENV, code=2).stderr
