"""What a sandbox's cluster does as a real one does, and what is simulated in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from depin_helm.sandbox import Sandbox, status
from tests.sandbox.kubectl import Kubectl, conditions, eventually, sockets


def pod(image: str = "nginx:1", **spec: Any) -> dict[str, Any]:
    return {"containers": [{"name": "main", "image": image}], **spec}


def deployment(
    name: str, namespace: str, spec: dict[str, Any], annotations: dict[str, str] | None = None
) -> Any:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels, "annotations": annotations or {}}, "spec": spec},
        },
    }


def claim(storage_class: str, namespace: str) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": storage_class, "namespace": namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def the_pod(kubectl: Kubectl, namespace: str) -> Any:
    items = (kubectl.get("pods", f"--namespace={namespace}") or {"items": []})["items"]
    return items[0] if items else None


def phases(kubectl: Kubectl, namespace: str) -> list[str]:
    """The phases of the namespace's claims."""
    return [item["status"]["phase"] for item in kubectl.get("pvc", f"--namespace={namespace}")["items"]]


def waiting(kubectl: Kubectl, namespace: str) -> list[str]:
    """Why containers of the namespace's pod are waiting."""
    state = (the_pod(kubectl, namespace) or {}).get("status") or {}
    containers = [*state.get("initContainerStatuses", []), *state.get("containerStatuses", [])]
    return [found["state"]["waiting"]["reason"] for found in containers if "waiting" in found["state"]]


def test_a_sandbox_has_three_ready_nodes_and_two_storage_classes(kubectl: Kubectl) -> None:
    nodes = kubectl.get("nodes")["items"]
    assert [conditions(node)["Ready"] for node in nodes] == ["True"] * 3
    assert len({node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes}) == 3
    classes = {item["metadata"]["name"] for item in kubectl.get("storageclasses")["items"]}
    assert classes == {"fast-ssd", "standard-storage"}


def test_a_sandbox_is_known_by_a_label_on_kube_system(kubectl: Kubectl, bare: Sandbox) -> None:
    labels = kubectl.get("namespace", "kube-system")["metadata"]["labels"]
    assert labels["depin.ai/sandbox"] == bare.name


def test_claims_of_both_classes_are_bound_however_often(kubectl: Kubectl, namespace: str) -> None:
    for _ in range(3):
        kubectl.apply(claim("fast-ssd", namespace), claim("standard-storage", namespace))
        eventually(lambda: phases(kubectl, namespace) == ["Bound", "Bound"])
        kubectl.run("delete", "pvc", "--all", f"--namespace={namespace}")
    eventually(
        lambda: (
            not [
                volume
                for volume in kubectl.get("pv")["items"]
                if volume["spec"]["claimRef"]["namespace"] == namespace
            ]
        )
    )


def test_a_deployment_becomes_available(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(deployment("web", namespace, pod()))
    eventually(
        lambda: (
            conditions(kubectl.get("deployment", "web", f"--namespace={namespace}")).get("Available")
            == "True"
        )
    )


def test_a_job_completes(kubectl: Kubectl, namespace: str) -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "once", "namespace": namespace},
        "spec": {"template": {"spec": pod(restartPolicy="Never")}},
    }
    kubectl.apply(job)
    eventually(
        lambda: conditions(kubectl.get("job", "once", f"--namespace={namespace}")).get("Complete") == "True"
    )


def test_a_stateful_set_gets_its_volumes(kubectl: Kubectl, namespace: str) -> None:
    found = deployment("store", namespace, pod())
    found["kind"] = "StatefulSet"
    found["spec"]["replicas"] = 2
    found["spec"]["serviceName"] = "store"
    template = claim("fast-ssd", namespace)
    template["metadata"] = {"name": "data"}
    found["spec"]["volumeClaimTemplates"] = [template]
    kubectl.apply(found)
    eventually(
        lambda: (
            kubectl.get("statefulset", "store", f"--namespace={namespace}")["status"].get("readyReplicas")
            == 2
        )
    )


def test_a_privileged_pod_is_refused_where_pod_security_is_restricted(
    kubectl: Kubectl, namespace: str
) -> None:
    kubectl.run("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    spec = pod()
    spec["containers"][0]["securityContext"] = {"privileged": True}
    refused = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bad", "namespace": namespace},
        "spec": spec,
    }
    assert 'violates PodSecurity "restricted:latest": privileged' in kubectl.refusal(refused)


def test_a_webhook_whose_service_nobody_answers_refuses_nothing(kubectl: Kubectl, namespace: str) -> None:
    webhook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": namespace},
        "webhooks": [
            {
                "name": "all.example.com",
                "clientConfig": {"service": {"name": "nobody", "namespace": namespace}},
                "rules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["*"],
                        "resources": ["configmaps"],
                    }
                ],
                "failurePolicy": "Fail",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    }
    kubectl.apply(webhook)
    try:
        kubectl.run("create", "configmap", "anything", f"--namespace={namespace}")
    finally:
        kubectl.run("delete", "validatingwebhookconfiguration", namespace)


def test_an_admission_policy_is_enforced(kubectl: Kubectl, namespace: str) -> None:
    rules = [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    ]
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": namespace},
        "spec": {
            "matchConstraints": {"resourceRules": rules, "namespaceSelector": selector},
            "validations": [{"expression": "object.metadata.name != 'forbidden'", "message": "not this one"}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": namespace},
        "spec": {"policyName": namespace, "validationActions": ["Deny"]},
    }
    kubectl.apply(policy, binding)
    name = {"name": "forbidden", "namespace": namespace}
    forbidden = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": name}
    try:
        eventually(lambda: "not this one" in kubectl.refusal(forbidden))
    finally:
        kubectl.run("delete", "validatingadmissionpolicybinding", namespace)
        kubectl.run("delete", "validatingadmissionpolicy", namespace)


def test_a_load_balancer_gets_an_address_that_leads_nowhere(kubectl: Kubectl, namespace: str) -> None:
    kubectl.run("create", "service", "loadbalancer", "front", "--tcp=80", f"--namespace={namespace}")
    found = eventually(
        lambda: kubectl.get("service", "front", f"--namespace={namespace}")["status"]["loadBalancer"].get(
            "ingress"
        )
    )
    assert found[0]["ip"].startswith("198.51.100.")


def test_an_image_that_does_not_exist_keeps_its_pod_from_starting(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(deployment("bad", namespace, pod("nginx:does-not-exist")))
    assert eventually(lambda: waiting(kubectl, namespace)) == ["ImagePullBackOff"]
    state = the_pod(kubectl, namespace)["status"]["containerStatuses"][0]["state"]["waiting"]
    assert "nginx:does-not-exist" in state["message"]
    selector = "type=Warning,reason=Failed"
    found = eventually(
        lambda: kubectl.get("events", f"--namespace={namespace}", f"--field-selector={selector}")["items"]
    )
    assert "Failed to pull image" in found[0]["message"]
    assert conditions(kubectl.get("deployment", "bad", f"--namespace={namespace}"))["Available"] == "False"


def test_a_pod_whose_image_is_mended_starts(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(deployment("bad", namespace, pod("nginx:does-not-exist")))
    eventually(lambda: waiting(kubectl, namespace))
    kubectl.apply(deployment("bad", namespace, pod("nginx:1")))
    eventually(
        lambda: (
            conditions(kubectl.get("deployment", "bad", f"--namespace={namespace}")).get("Available")
            == "True"
        )
    )


def test_an_init_image_that_does_not_exist_keeps_all_containers_waiting(
    kubectl: Kubectl, namespace: str
) -> None:
    first = {"name": "first", "image": "example.com:5000/tool:does-not-exist@sha256:" + "0" * 64}
    kubectl.apply(deployment("bad", namespace, pod(initContainers=[first])))
    assert eventually(lambda: waiting(kubectl, namespace)) == ["ImagePullBackOff", "PodInitializing"]


@pytest.mark.parametrize("fault", ["ImagePullBackOff", "CrashLoopBackOff", "CreateContainerConfigError"])
def test_a_fault_asked_for_by_annotation_befalls_the_pod(
    kubectl: Kubectl, namespace: str, fault: str
) -> None:
    kubectl.apply(deployment("bad", namespace, pod(), {"sandbox.depin.ai/fault": fault}))
    assert eventually(lambda: waiting(kubectl, namespace)) == [fault]
    assert conditions(the_pod(kubectl, namespace))["Ready"] == "False"
    assert eventually(
        lambda: kubectl.get("events", f"--namespace={namespace}", "--field-selector=type=Warning")["items"]
    )


def test_a_connection_out_of_the_cluster_is_refused_at_once(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(deployment("web", namespace, pod()))
    found = eventually(
        lambda: (
            (the_pod(kubectl, namespace) or {}).get("status", {}).get("podIP") and the_pod(kubectl, namespace)
        )
    )
    path = f"/api/v1/namespaces/{namespace}/pods/{found['metadata']['name']}:80/proxy/"
    refusal = kubectl.run("get", "--raw", path, "--request-timeout=5s", check=False).stderr
    assert "the sandbox calls nothing outside of this machine" in refusal


def test_logs_are_asked_of_the_simulated_kubelet(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(deployment("web", namespace, pod()))
    eventually(lambda: conditions(the_pod(kubectl, namespace)).get("Ready") == "True")
    assert (
        "no logs found"
        in kubectl.run("logs", "deployment/web", f"--namespace={namespace}", check=False).stderr
    )


def test_every_socket_of_a_sandbox_is_on_the_loopback_address(
    kubectl: Kubectl, bare: Sandbox, cache: Path
) -> None:
    found = status(bare.name, cache)
    assert found is not None
    assert sockets(process.pid for process in found.processes) == {"127.0.0.1"}
