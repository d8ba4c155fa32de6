"""Who uses a Secret on a cluster: found in whatever objects refer to it by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from depin_helm.cluster import Cluster
from depin_helm.secrets import SecretSpec, User, users
from tests.unit.cluster.api import Api, kubeconfig, serve

SPEC = SecretSpec("logging", "mine", "kibana", {})


@pytest.fixture(name="api")
def served_api() -> Iterator[Api]:
    with serve() as api:
        yield api


@pytest.fixture(name="cluster")
def connected(api: Api, tmp_path: Path) -> Iterator[Cluster]:
    with Cluster.connect(kubeconfig(tmp_path / "kubeconfig", api.address), environ={}) as cluster:
        yield cluster


def found(cluster: Cluster) -> tuple[User, ...]:
    return users([SPEC], cluster)["logging/mine"]


def variable(secret: str) -> dict[str, Any]:
    return {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": secret, "key": "k"}}}]}


def mount(volume: dict[str, Any]) -> dict[str, Any]:
    return {
        "volumes": [{"name": "v", **volume}, {"name": "other", "emptyDir": {}}],
        "containers": [
            {"name": "app", "volumeMounts": [{"name": "v", "mountPath": "/v"}]},
            {"name": "beside", "volumeMounts": [{"name": "other", "mountPath": "/o"}]},
        ],
    }


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
@pytest.mark.parametrize(
    "pod",
    [
        {"containers": [{"name": "app", **variable("mine")}, {"name": "beside", **variable("other")}]},
        {"containers": [{"name": "app", "envFrom": [{"secretRef": {"name": "mine"}}]}]},
        {"initContainers": [{"name": "app", **variable("mine")}], "containers": [{"name": "beside"}]},
        mount({"secret": {"secretName": "mine"}}),
        mount({"projected": {"sources": [{"configMap": {"name": "a"}}, {"secret": {"name": "mine"}}]}}),
    ],
)
def test_a_pod_that_gets_it_must_be_started_again(
    api: Api, cluster: Cluster, kind: str, pod: dict[str, Any]
) -> None:
    api.put(kind, "a", "logging", spec={"template": {"spec": pod}})
    assert found(cluster) == (User("logging", kind, "a", ("app",), restart=True),)


def test_a_cron_jobs_next_pod_gets_it_by_itself(api: Api, cluster: Cluster) -> None:
    pod = {"containers": [{"name": "app", **variable("mine")}]}
    api.put("CronJob", "a", "logging", spec={"jobTemplate": {"spec": {"template": {"spec": pod}}}})
    assert found(cluster) == (User("logging", "CronJob", "a", ("app",)),)


@pytest.mark.parametrize("value", ["mine", "logging/mine"])
def test_an_ingress_needs_nothing(api: Api, cluster: Cluster, value: str) -> None:
    annotations = {"nginx.ingress.kubernetes.io/auth-secret": value}
    api.put("Ingress", "a", "logging", metadata={"annotations": annotations}, spec={})
    assert found(cluster) == (User("logging", "Ingress", "a"),)


def test_an_ingress_may_take_its_certificate_from_it(api: Api, cluster: Cluster) -> None:
    api.put("Ingress", "a", "logging", spec={"tls": [{"secretName": "other"}, {"secretName": "mine"}]})
    assert found(cluster) == (User("logging", "Ingress", "a"),)


def test_what_prometheus_operator_copies_needs_nothing(api: Api, cluster: Cluster) -> None:
    write = {"basicAuth": {"password": {"name": "mine", "key": "k"}}}
    pods = {"containers": [{"name": "a", **variable("mine")}]}  # counted in the StatefulSet made of it
    api.put("Prometheus", "a", "logging", spec={"remoteWrite": [write], **pods})
    api.put("Alertmanager", "b", "logging", spec={"web": {"configMap": {"name": "mine", "key": "k"}}, **pods})
    assert found(cluster) == (User("logging", "Prometheus", "a"),)


def test_nobody_elsewhere_and_no_secret_of_another_name_counts(api: Api, cluster: Cluster) -> None:
    pod = {"template": {"spec": {"containers": [{"name": "app", **variable("mine")}]}}}
    api.put("Deployment", "a", "monitoring", spec=pod)
    other = {"template": {"spec": {"containers": [{"name": "app", **variable("mine-too")}]}}}
    api.put("Deployment", "b", "logging", spec=other)
    annotations = {"nginx.ingress.kubernetes.io/auth-secret": "monitoring/mine"}
    api.put("Ingress", "c", "logging", metadata={"annotations": annotations}, spec={})
    assert found(cluster) == ()
