"""What tests ask a cluster that has the platform: all its objects, and statements about them."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

from depin_helm import yamlio
from depin_helm.cluster import Cluster

Object = dict[str, Any]
Name = tuple[str, str, str]

#: Made and renewed by the control plane itself, all the time.
_TRANSIENT = {"Event", "Lease", "Endpoints", "EndpointSlice", "Node", "ComponentStatus", "APIService"}
#: And these in every namespace, a moment after it was made.
_EVERYWHERE = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}

RESTRICTED = ("cert-manager", "ingress-nginx", "monitoring", "logging")


def objects(cluster: Cluster) -> dict[Name, Object]:
    """All objects that last, by kind, namespace and name."""
    found = {}
    for (api_version, kind), resource in cluster.discover().resources.items():
        if kind in _TRANSIENT or "list" not in resource.verbs:
            continue
        for item in cluster.list(api_version, kind):
            metadata = item["metadata"]
            found[kind, metadata.get("namespace", ""), metadata["name"]] = item
    return found


def is_release(item: Object) -> bool:
    """Whether it is one of Helm's release records."""
    return item["kind"] == "Secret" and item.get("type") == "helm.sh/release.v1"


def versions(cluster: Cluster) -> dict[Name, str]:
    """What changes whenever an object does, its status aside, of every object but Helm's records."""
    return {
        name: _version(item)
        for name, item in objects(cluster).items()
        if not is_release(item) and name[::2] not in _EVERYWHERE
    }


def _version(item: Object) -> str:
    """The resourceVersion; of an object with a status, which counts there too, all but that status."""
    metadata = item["metadata"]
    if "status" not in item:
        return str(metadata["resourceVersion"])
    managed = [entry for entry in metadata.get("managedFields", ()) if entry.get("subresource") != "status"]
    rest = {key: value for key, value in metadata.items() if key != "resourceVersion"}
    return json.dumps(
        {**item, "status": None, "metadata": {**rest, "managedFields": managed}}, sort_keys=True
    )


def record_sizes(cluster: Cluster) -> dict[str, int]:
    """Bytes of each Helm record, as etcd stores them."""
    return {
        item["metadata"]["name"]: len(base64.b64decode(item["data"]["release"]))
        for item in cluster.list("v1", "Secret", field_selector="type=helm.sh/release.v1")
    }


def secret_values(cluster: Cluster) -> dict[str, str]:
    """Every secret text of the Secrets that depin-helm made, by namespace/name/key; no users' names."""
    found = {}
    for item in cluster.list("v1", "Secret", label_selector="app.kubernetes.io/part-of=depin-platform"):
        for key, value in (item.get("data") or {}).items():
            metadata = item["metadata"]
            if key == "username":
                continue
            found[f"{metadata['namespace']}/{metadata['name']}/{key}"] = base64.b64decode(value).decode()
    return {name: text for name, text in found.items() if len(text) >= 20 and "\n" not in text}


def claims(cluster: Cluster) -> dict[str, str]:
    """The volume of each PersistentVolumeClaim, which is named namespace/name."""
    return {
        f"{item['metadata']['namespace']}/{item['metadata']['name']}": item["spec"].get("volumeName", "")
        for item in cluster.list("v1", "PersistentVolumeClaim")
    }


def pods_not_ready(cluster: Cluster) -> list[str]:
    """Pods that do not run and are not done."""
    return [
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}: {pod['status'].get('phase')}"
        for pod in cluster.list("v1", "Pod")
        if pod["status"].get("phase") != "Succeeded" and not _ready(pod)
    ]


def budgets_that_hold_up(cluster: Cluster) -> list[str]:
    """Disruption budgets that let no pod go now, or guard none."""
    return [
        f"{item['metadata']['namespace']}/{item['metadata']['name']}"
        for item in cluster.list("policy/v1", "PodDisruptionBudget")
        if item.get("status", {}).get("disruptionsAllowed", 0) < 1
    ]


def crowds(cluster: Cluster) -> list[str]:
    """Pods that one budget guards and that share a node; as long as there are as many nodes."""
    crowded = []
    for item in cluster.list("policy/v1", "PodDisruptionBudget"):
        namespace, labels = item["metadata"]["namespace"], item["spec"]["selector"]["matchLabels"]
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        pods = cluster.list("v1", "Pod", namespace, label_selector=selector)
        if len({pod["spec"]["nodeName"] for pod in pods}) < len(pods):
            crowded.append(f"{namespace}/{item['metadata']['name']}")
    return crowded


def prometheus_config(cluster: Cluster) -> Object:
    """The configuration that prometheus-operator has made for Prometheus."""
    secret = cluster.get("v1", "Secret", "prometheus-kube-prometheus-stack-prometheus", "monitoring")
    assert secret is not None
    config: Object = yamlio.load(gzip.decompress(base64.b64decode(secret["data"]["prometheus.yaml.gz"])))
    return config


def prometheus_rules(cluster: Cluster) -> dict[str, str]:
    """The rule files that prometheus-operator has made for Prometheus, by name."""
    selector = "prometheus-name=kube-prometheus-stack-prometheus"
    maps = cluster.list("v1", "ConfigMap", "monitoring", label_selector=selector)
    return {name: text for item in maps for name, text in item["data"].items()}


def monitors_without_a_job(cluster: Cluster) -> list[str]:
    """Endpoints of monitors for which prometheus-operator has given Prometheus no scrape job."""
    jobs = {job["job_name"] for job in prometheus_config(cluster)["scrape_configs"]}
    wanted = [
        f"{kind[0].lower()}{kind[1:]}/{item['metadata']['namespace']}/{item['metadata']['name']}/{number}"
        for kind, field in (("ServiceMonitor", "endpoints"), ("PodMonitor", "podMetricsEndpoints"))
        for item in cluster.list("monitoring.coreos.com/v1", kind)
        for number in range(len(item["spec"][field]))
    ]
    assert wanted
    return [name for name in wanted if name not in jobs]


def refusals(cluster: Cluster) -> list[str]:
    """What Pod Security and admission policies have said against pods of the platform."""
    events = cluster.list("v1", "Event", field_selector="reason=FailedCreate")
    said = [event["message"] for event in events]
    return [each for each in said if "PodSecurity" in each or "ValidatingAdmissionPolicy" in each]


def dangling(cluster: Cluster) -> list[str]:
    """Secrets, ConfigMaps, their keys, claims and service accounts that pods refer to and nobody made."""
    everything = objects(cluster)
    missing = []
    for (kind, namespace, name), item in everything.items():
        if kind != "Pod":
            continue
        for target, wanted, keys in _references(item["spec"]):
            found = everything.get((target, namespace, wanted))
            have = {**(found or {}).get("data", {}), **(found or {}).get("binaryData", {})} if found else {}
            lacking = [key for key in keys if key not in have]
            if found is None or lacking:
                missing.append(f"pod {namespace}/{name}: {target} {wanted} {' '.join(lacking)}".rstrip())
    return missing


def _ready(pod: Object) -> bool:
    conditions = pod["status"].get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _references(spec: Object) -> Iterator[tuple[str, str, list[str]]]:
    yield "ServiceAccount", spec.get("serviceAccountName", "default"), []
    for volume in spec.get("volumes", ()):
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"], []
        for source in [volume, *volume.get("projected", {}).get("sources", ())]:
            for kind, reference in _named(source, secret="Secret", configMap="ConfigMap"):
                name = reference.get("secretName") or reference["name"]
                yield kind, name, [each["key"] for each in reference.get("items", ())]
    for container in [*spec.get("initContainers", ()), *spec["containers"]]:
        for variable in container.get("env", ()):
            source = variable.get("valueFrom", {})
            for kind, reference in _named(source, secretKeyRef="Secret", configMapKeyRef="ConfigMap"):
                yield kind, reference["name"], [reference["key"]]
        for source in container.get("envFrom", ()):
            for kind, reference in _named(source, secretRef="Secret", configMapRef="ConfigMap"):
                yield kind, reference["name"], []


def _named(source: Object, **kinds: str) -> Iterator[tuple[str, Object]]:
    for field, kind in kinds.items():
        if field in source and not source[field].get("optional"):
            yield kind, source[field]
