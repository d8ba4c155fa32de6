"""The cluster module on a real API server."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from depin_helm.cluster import ApiError, Cluster, CrdState
from depin_helm.errors import ClusterError, LockedError
from depin_helm.sandbox import Sandbox
from tests.sandbox.kubectl import Kubectl, eventually

Object = dict[str, Any]

GROUP = "cluster-probe.example.com"
CRD = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")


@pytest.fixture
def cluster(bare: Sandbox) -> Iterator[Cluster]:
    with Cluster.connect(bare.kubeconfig, environ={}) as connected:
        yield connected


def config_map(namespace: str, **data: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": namespace},
        "data": data,
    }


def deployment(namespace: str, name: str = "web", **pod: Any) -> Object:
    containers = {"containers": [{"name": "main", "image": "registry.example.invalid/web:1"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {**containers, **pod}},
        },
    }


def crd(kind: str, *, stored: str = "v1", version: str = "", **properties: Object) -> Object:
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{GROUP}",
            "annotations": {"operator.prometheus.io/version": version} if version else {},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [
                {"name": stored, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
            ],
        },
    }


@pytest.fixture
def kinds(cluster: Cluster) -> Iterator[list[Object]]:
    """Two CRDs of the test's own."""
    definitions = [crd("Gadget"), crd("Gizmo")]
    yield definitions
    for definition in definitions:
        cluster.delete(*CRD, definition["metadata"]["name"])
    names = {definition["metadata"]["name"] for definition in definitions}
    eventually(lambda: not names & {each["metadata"]["name"] for each in cluster.list_metadata(*CRD)})


def test_a_sandbox_says_who_it_is(cluster: Cluster, bare: Sandbox, kubectl: Kubectl) -> None:
    identity = cluster.identity()
    assert identity.sandbox == bare.name
    assert identity.id == kubectl.get("namespace", "kube-system")["metadata"]["uid"]
    assert identity.server.startswith("https://127.0.0.1:")
    assert cluster.version().startswith("v1.")


def test_the_api_versions_are_those_that_helm_sees(cluster: Cluster) -> None:
    found = cluster.api_versions()
    assert {"v1", "apps/v1", "apps/v1/Deployment", "networking.k8s.io/v1/Ingress"} <= set(found)
    assert (
        cluster.resource("apps/v1", "Deployment").path("n", "d") == "/apis/apps/v1/namespaces/n/deployments/d"
    )
    assert cluster.resource("v1", "Namespace").path(None, "n") == "/api/v1/namespaces/n"
    with pytest.raises(ClusterError, match=r"does not know Widget \(nope\.io/v1\)"):
        cluster.resource("nope.io/v1", "Widget")


def test_objects_are_made_read_changed_and_deleted(cluster: Cluster, namespace: str) -> None:
    assert cluster.get("v1", "ConfigMap", "c", namespace) is None
    made = cluster.create(config_map(namespace, key="one"))
    with pytest.raises(ApiError) as caught:
        cluster.create(config_map(namespace))
    assert caught.value.reason == "AlreadyExists"
    cluster.replace({**made, "data": {"key": "two"}})
    with pytest.raises(LockedError):
        cluster.replace({**made, "data": {"key": "three"}})
    (listed,) = cluster.list("v1", "ConfigMap", namespace, field_selector="metadata.name=c")
    assert (listed["apiVersion"], listed["kind"], listed["data"]) == ("v1", "ConfigMap", {"key": "two"})
    names = [item["metadata"]["name"] for item in cluster.list_metadata("v1", "ConfigMap", namespace)]
    assert "c" in names
    assert cluster.delete("v1", "ConfigMap", "c", namespace) is True
    assert cluster.delete("v1", "ConfigMap", "c", namespace) is False


def test_what_somebody_else_set_is_only_taken_by_force(cluster: Cluster, namespace: str) -> None:
    cluster.apply(config_map(namespace, key="one"))
    cluster.apply(config_map(namespace, key="two"), field_manager="other", force=True)
    with pytest.raises(ApiError) as caught:
        cluster.apply(config_map(namespace, key="three"))
    assert caught.value.reason == "Conflict"
    assert caught.value.fields[0][0] == ".data.key"
    assert 'conflict with "other"' in caught.value.fields[0][1]
    after = cluster.apply(config_map(namespace, key="three"), force=True, dry_run=True)
    assert after["data"] == {"key": "three"}
    assert (cluster.get("v1", "ConfigMap", "c", namespace) or {})["data"] == {"key": "two"}


def test_several_are_applied_at_once_and_each_has_its_own_end(cluster: Cluster, namespace: str) -> None:
    objects = [
        {**config_map(namespace, key=str(number)), "metadata": {"name": f"c{number}", "namespace": namespace}}
        for number in range(20)
    ]
    objects[7]["data"] = {"key": {"not": "text"}}
    results = cluster.apply_many(objects)
    assert [index for index, result in enumerate(results) if isinstance(result, ApiError)] == [7]
    assert (
        len(cluster.list("v1", "ConfigMap", namespace, field_selector="metadata.name!=kube-root-ca.crt"))
        == 19
    )


def test_an_object_without_its_namespace_is_not_sent_anywhere(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match="ConfigMap c: no namespace"):
        cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}})


def test_a_namespace_keeps_what_others_wrote_on_it(cluster: Cluster, namespace: str) -> None:
    level = "pod-security.kubernetes.io/enforce"
    cluster.ensure_namespace(namespace, {level: "baseline"})
    cluster.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {"team": "a"}}},
        field_manager="other",
    )
    cluster.ensure_namespace(namespace, {level: "restricted"}, {"note": "x"})
    metadata = (cluster.get("v1", "Namespace", namespace) or {})["metadata"]
    assert metadata["labels"].items() >= {level: "restricted", "team": "a"}.items()
    assert metadata["annotations"]["note"] == "x"


def test_a_secret_is_made_once(cluster: Cluster, namespace: str) -> None:
    assert cluster.secret_keys(namespace, "s") is None
    assert cluster.create_secret(namespace, "s", {"password": b"hunter2"}, labels={"a": "b"}) is True
    assert cluster.create_secret(namespace, "s", {"password": b"another", "more": b"x"}) is False
    assert cluster.secret_keys(namespace, "s") == frozenset({"password"})
    secret = cluster.get("v1", "Secret", "s", namespace) or {}
    assert secret["data"] == {"password": "aHVudGVyMg=="}
    assert secret["metadata"]["labels"] == {"a": "b"}


def test_crds_are_made_served_and_left_alone(cluster: Cluster, kinds: list[Object]) -> None:
    names = [definition["metadata"]["name"] for definition in kinds]
    assert cluster.apply_crds(kinds, dry_run=True) == dict.fromkeys(names, CrdState.CREATED)
    assert not cluster.knows(f"{GROUP}/v1", "Gadget")
    assert cluster.apply_crds(kinds) == dict.fromkeys(names, CrdState.CREATED)
    assert f"{GROUP}/v1/Gadget" in cluster.api_versions()
    assert cluster.apply_crds(kinds) == dict.fromkeys(names, CrdState.UNCHANGED)
    changed = [crd("Gadget", size={"type": "integer"}), kinds[1]]
    states = {names[0]: CrdState.CHANGED, names[1]: CrdState.UNCHANGED}
    assert cluster.apply_crds(changed, dry_run=True) == states
    assert cluster.apply_crds(changed) == states


def test_a_crd_that_somebody_edited_is_put_right(
    cluster: Cluster, kinds: list[Object], kubectl: Kubectl
) -> None:
    cluster.apply_crds(kinds)
    name = kinds[0]["metadata"]["name"]
    versions = copy.deepcopy(kinds[0]["spec"]["versions"])
    versions[0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"] = {"odd": {"type": "string"}}
    live = kubectl.get("crd", name)
    live["spec"]["versions"] = versions
    kubectl.run("replace", "-f-", stdin=json.dumps(live))
    assert cluster.apply_crds(kinds)[name] == CrdState.CHANGED
    schema = kubectl.get("crd", name)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert "properties" not in schema["properties"]["spec"]


def test_a_crd_of_a_newer_version_is_left_alone(cluster: Cluster, kinds: list[Object]) -> None:
    name = kinds[0]["metadata"]["name"]
    cluster.apply_crds([crd("Gadget", version="0.93.1", size={"type": "integer"})])
    assert cluster.apply_crds([crd("Gadget", version="0.92.0")]) == {name: CrdState.NEWER}
    assert cluster.apply_crds([crd("Gadget", version="0.100.0")]) == {name: CrdState.CHANGED}


def test_a_version_in_which_objects_are_stored_is_never_dropped(
    cluster: Cluster, kinds: list[Object]
) -> None:
    cluster.apply_crds(kinds)
    with pytest.raises(
        ClusterError, match=r"gadgets\.cluster-probe.*lacks a version in which objects are stored"
    ):
        cluster.apply_crds([crd("Gadget", stored="v2")])


def test_a_crd_whose_names_are_taken_says_so(cluster: Cluster, kinds: list[Object]) -> None:
    cluster.apply_crds(kinds[:1])
    rival = crd("Gizmo")
    rival["spec"]["names"] = {"kind": "Gadget", "plural": "gizmos", "singular": "gizmo"}
    with pytest.raises(ClusterError, match=r"gizmos.*already in use"):
        cluster.apply_crds([rival], timeout=2)


def test_pods_that_pod_security_refuses_are_explained(cluster: Cluster, namespace: str) -> None:
    cluster.ensure_namespace(namespace, {"pod-security.kubernetes.io/enforce": "restricted"})
    web = cluster.apply(deployment(namespace))
    (cause,) = eventually(lambda: [why for why in cluster.why_not_ready([web]) if "refused" in why])
    assert cause.startswith(f"Deployment {namespace}/web: its pods are refused: violates PodSecurity")
    assert "runAsNonRoot" in cause


def test_a_missing_storage_class_is_explained(cluster: Cluster, namespace: str) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "nope",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    cluster.apply(claim)
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    web = cluster.apply(deployment(namespace, volumes=volumes))
    causes = eventually(lambda: [why for why in cluster.why_not_ready([web]) if "not found" in why])
    assert (
        causes[0] == f'PersistentVolumeClaim {namespace}/data: storageclass.storage.k8s.io "nope" not found'
    )
    assert cluster.why_not_ready([web])[0] == causes[0]


def test_a_workload_that_is_ready_needs_no_explanation(cluster: Cluster, namespace: str) -> None:
    web = cluster.apply(deployment(namespace))
    eventually(lambda: cluster.pods_progress([web]) == (1, 1))
    assert cluster.why_not_ready([web]) == ()


def test_only_one_at_a_time_changes_the_cluster(cluster: Cluster, bare: Sandbox) -> None:
    program = """
import sys, time
from pathlib import Path
from depin_helm.cluster import Cluster
lock = Cluster.connect(Path(sys.argv[1]), environ={}).lock("prod", "install")
print("locked", flush=True)
time.sleep(60)
"""
    command = [sys.executable, "-c", program, str(bare.kubeconfig)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(LockedError, match=rf"\(process {other.pid}\).*install of prod"):
            cluster.lock("prod", "upgrade")
        other.kill()
    with cluster.lock("prod", "upgrade") as lock:
        assert lock.abandoned
        lock.settle()
    with cluster.lock("prod", "upgrade") as lock:
        assert not lock.abandoned


def test_a_user_who_may_not_is_told_what(
    cluster: Cluster, bare: Sandbox, namespace: str, kubectl: Kubectl
) -> None:
    kubectl.run("-n", namespace, "create", "serviceaccount", "nobody")
    token = kubectl.run("-n", namespace, "create", "token", "nobody").stdout.strip()
    config = kubectl.run("config", "view", "--flatten", "-o=json").stdout
    limited = json.loads(config)
    limited["users"] = [{"name": limited["users"][0]["name"], "user": {"token": token}}]
    file = bare.kubeconfig.parent / f"limited-{namespace}"
    file.write_text(json.dumps(limited))
    with (
        Cluster.connect(file, environ={}) as other,
        pytest.raises(ApiError, match="cannot list resource") as caught,
    ):
        other.list("v1", "Secret", namespace)
    assert caught.value.status == 403
    assert token not in str(caught.value)
    limited["users"][0]["user"]["token"] = "nonsense"
    file.write_text(json.dumps(limited))
    with Cluster.connect(file, environ={}) as other, pytest.raises(ApiError, match="not accepted"):
        other.version()
    file.unlink()
