"""An environment only ever touches its own cluster."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from depin_helm.cluster import Cluster, Identity, match
from depin_helm.cluster.identity import SANDBOX_LABEL
from depin_helm.errors import ClusterError
from tests.unit.cluster.api import Api

HERE = Identity("here", "https://127.0.0.1:6443", "1234")
SANDBOX = Identity("here", "https://127.0.0.1:6443", "1234", "demo")


@dataclass(frozen=True)
class Expected:
    context: str | None = None
    id: str | None = None
    sandbox: bool = False


@pytest.mark.parametrize(
    ("expected", "identity"),
    [
        (Expected(), HERE),
        (Expected(context="here"), HERE),
        (Expected(id="1234"), HERE),
        (Expected(context="here", id="1234"), HERE),
        (Expected(sandbox=True), SANDBOX),
        (Expected(), SANDBOX),
    ],
)
def test_the_environments_cluster_is_accepted(expected: Expected, identity: Identity) -> None:
    match(expected, identity)


@pytest.mark.parametrize(
    ("expected", "reason", "hint"),
    [
        (Expected(context="there"), "belongs to context 'there'", "--context there"),
        (Expected(id="5678"), "belongs to the cluster with id 5678", "--kubeconfig"),
        (Expected(context="here", id="5678"), "id 5678", "depinHelm.cluster.id"),
        (Expected(sandbox=True), "is for a sandbox", "sandbox up"),
        (Expected(context="here", id="1234", sandbox=True), "is for a sandbox", "sandbox up"),
    ],
)
def test_another_cluster_is_refused(expected: Expected, reason: str, hint: str) -> None:
    with pytest.raises(ClusterError, match=reason) as caught:
        match(expected, HERE)
    assert HERE.server in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.exit_code == 6


def test_a_cluster_is_known_by_its_kube_system_namespace(api: Api, cluster: Cluster) -> None:
    assert cluster.identity() == Identity("here", api.address, "1234", None)


def test_a_sandbox_is_known_by_its_label(api: Api, cluster: Cluster) -> None:
    api.put("Namespace", "kube-system", metadata={"uid": "1234", "labels": {SANDBOX_LABEL: "demo"}})
    assert cluster.identity().sandbox == "demo"


def test_the_cluster_is_asked_once_who_it_is(api: Api, cluster: Cluster) -> None:
    cluster.identity()
    asked = len(api.requests)
    cluster.identity()
    assert len(api.requests) == asked
