"""What refers to what by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tests.charts.checks.model import Object, Platform, strings
from tests.charts.checks.pods import Pods, operator_argument, pods_of


class Needed(Enum):
    """By when what is referred to must exist."""

    START = "before it"  # in an earlier layer, or not in a later phase of the same release
    LAYER = "in its layer"  # or in an earlier one, in whatever phase
    EVER = "at some time"


@dataclass(frozen=True)
class Reference:
    """`reader` refers at `where` to an object, and to a key of it (of a Service: a port's number or name)."""

    reader: Object
    where: str
    kind: str
    namespace: str
    name: str
    key: str = ""
    needed: Needed = Needed.START

    def __str__(self) -> str:
        target = f"{self.namespace}/{self.name}" if self.namespace else self.name
        key = f" key {self.key}" if self.key else ""
        return f"{self.reader}: {self.where} refers to {self.kind} {target}{key}"


def references(platform: Platform) -> Iterator[Reference]:
    """All references of all objects."""
    for pods in pods_of(platform):
        yield from _of_pods(pods)
    for obj in platform.objects:
        if obj.namespace:
            yield Reference(obj, "metadata.namespace", "Namespace", "", obj.namespace)
        if of_kind := _OF_KIND.get(obj.kind):
            yield from of_kind(obj, obj.data)
        if obj.group == "monitoring.coreos.com":
            yield from _selectors(obj, obj.data["spec"], "spec", obj.namespace)
    if service := operator_argument(platform, "kubelet-service"):
        (operator,) = (p.owner for p in pods_of(platform) if f"--kubelet-service={service}" in str(p.spec))
        namespace, _, name = service.partition("/")
        yield Reference(operator, "--kubelet-service", "Service", namespace, name, needed=Needed.LAYER)


def _of_pods(pods: Pods) -> Iterator[Reference]:
    owner, spec = pods.owner, pods.spec
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    yield Reference(owner, "serviceAccountName", "ServiceAccount", owner.namespace, account)
    for secret in spec.get("imagePullSecrets") or []:
        yield Reference(
            owner, "imagePullSecrets", "Secret", owner.namespace, secret["name"], ".dockerconfigjson"
        )
    if priority := spec.get("priorityClassName"):
        yield Reference(owner, "priorityClassName", "PriorityClass", "", priority)
    for volume in spec.get("volumes") or []:
        yield from _of_volume(pods, volume)
    for container in pods.containers:
        yield from _of_variables(owner, container)
        yield from _of_arguments(owner, container)


def _of_volume(pods: Pods, volume: Mapping[str, Any]) -> Iterator[Reference]:
    owner, where = pods.owner, f"volume {volume['name']}"
    if claim := volume.get("persistentVolumeClaim"):
        yield Reference(owner, where, "PersistentVolumeClaim", owner.namespace, claim["claimName"])
    projected = (volume.get("projected") or {}).get("sources") or []
    for source in [volume, *projected]:
        for field, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
            content = source.get(field)
            if content and not content.get("optional"):
                name = content.get("secretName") or content["name"]
                for key in _keys_of_files(pods, volume["name"], content.get("items") or []) or [""]:
                    yield Reference(owner, where, kind, owner.namespace, name, key)


def _keys_of_files(pods: Pods, volume: str, items: Sequence[Mapping[str, str]]) -> list[str]:
    """The keys that a volume's Secret or ConfigMap must have.

    Those that it lists, or else those that containers mount by `subPath` or name as files in variables and
    arguments.
    """
    files: set[str] = set()
    for container in pods.containers:
        said = "\n".join(strings([container.get("env"), container.get("args"), container.get("command")]))
        for mount in container.get("volumeMounts") or []:
            if mount["name"] != volume:
                continue
            if mount.get("subPath"):
                files.add(mount["subPath"])
            else:
                files |= set(re.findall(re.escape(mount["mountPath"].rstrip("/")) + r"/([\w.-]+)", said))
    listed = {item["path"]: item["key"] for item in items}
    if listed:
        return sorted({*listed.values(), *(f"for {file}" for file in files - listed.keys())})
    return sorted(files)


def _of_variables(owner: Object, container: Mapping[str, Any]) -> Iterator[Reference]:
    for variable in container.get("env") or []:
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            chosen = (variable.get("valueFrom") or {}).get(field)
            if chosen and not chosen.get("optional"):
                where = f"variable {variable['name']} of {container['name']}"
                yield Reference(owner, where, kind, owner.namespace, chosen["name"], chosen["key"])
    for source in container.get("envFrom") or []:
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            chosen = source.get(field)
            if chosen and not chosen.get("optional"):
                yield Reference(
                    owner, f"envFrom of {container['name']}", kind, owner.namespace, chosen["name"]
                )


def _of_arguments(owner: Object, container: Mapping[str, Any]) -> Iterator[Reference]:
    """ingress-nginx is told names in its arguments."""
    flags = {
        "--configmap": "ConfigMap",
        "--publish-service": "Service",
        "--default-ssl-certificate": "Secret",
        "--tcp-services-configmap": "ConfigMap",
        "--udp-services-configmap": "ConfigMap",
    }
    for argument in container.get("args") or []:
        flag, _, value = str(argument).partition("=")
        if kind := flags.get(flag):
            namespace, _, name = value.replace("$(POD_NAMESPACE)", owner.namespace).partition("/")
            yield Reference(owner, flag, kind, namespace, name)


def _claims(obj: Object, data: Mapping[str, Any]) -> Iterator[Reference]:
    """Storage classes of a claim, or of the claims that an object's pods get."""
    spec = data["spec"]
    if obj.kind == "PersistentVolumeClaim":
        claims = [spec]
    elif obj.kind == "StatefulSet":
        claims = [claim["spec"] for claim in spec.get("volumeClaimTemplates") or []]
        yield Reference(
            obj, "serviceName", "Service", obj.namespace, spec["serviceName"], needed=Needed.LAYER
        )
    else:
        template = (spec.get("storage") or {}).get("volumeClaimTemplate")
        claims = [template["spec"]] if template else []
    for claim in claims:
        # A class that is left out is whatever the cluster takes for its default: nothing to rely on.
        name = claim.get("storageClassName") or "(the cluster's default)"
        yield Reference(obj, "storageClassName", "StorageClass", "", name)


def _prometheus(obj: Object, data: Mapping[str, Any]) -> Iterator[Reference]:
    yield from _claims(obj, data)
    for target in (data["spec"].get("alerting") or {}).get("alertmanagers") or []:
        namespace = target.get("namespace") or obj.namespace
        yield Reference(
            obj, "alerting", "Service", namespace, target["name"], str(target["port"]), needed=Needed.LAYER
        )


def _alertmanager(obj: Object, data: Mapping[str, Any]) -> Iterator[Reference]:
    yield from _claims(obj, data)
    # Where none is named, the operator takes the Secret alertmanager-<name> or a configuration of its own.
    if secret := data["spec"].get("configSecret"):
        yield Reference(obj, "configSecret", "Secret", obj.namespace, secret, "alertmanager.yaml")
    if configuration := data["spec"].get("alertmanagerConfiguration"):
        name = configuration["name"]
        yield Reference(
            obj,
            "alertmanagerConfiguration",
            "AlertmanagerConfig",
            obj.namespace,
            name,
            needed=Needed.LAYER,
        )


def _selectors(obj: Object, node: Any, path: str, namespace: str) -> Iterator[Reference]:
    """Secret and ConfigMap key selectors anywhere in a custom resource of prometheus-operator."""
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from _selectors(obj, item, f"{path}[{number}]", namespace)
    elif isinstance(node, dict):
        if {"name", "key"} <= node.keys() <= {"name", "key", "optional"}:
            if not node.get("optional"):
                kind = "ConfigMap" if path.endswith(".configMap") else "Secret"
                yield Reference(obj, path, kind, namespace, node["name"], node["key"], needed=Needed.LAYER)
        else:
            for key, value in node.items():
                # Relabelling, rules and pod parts hold mappings of other meanings.
                if key not in ("containers", "initContainers", "volumes", "groups"):
                    yield from _selectors(obj, value, f"{path}.{key}", namespace)


def _binding(obj: Object, data: Mapping[str, Any]) -> Iterator[Reference]:
    role = data["roleRef"]
    namespace = obj.namespace if role["kind"] == "Role" else ""
    yield Reference(obj, "roleRef", role["kind"], namespace, role["name"])
    for subject in data.get("subjects") or []:
        if subject["kind"] == "ServiceAccount":
            home = subject.get("namespace") or obj.namespace
            yield Reference(obj, "subjects", "ServiceAccount", home, subject["name"])


def _certificate(obj: Object, data: Mapping[str, Any]) -> Iterator[Reference]:
    issuer = data["spec"]["issuerRef"]
    kind = issuer.get("kind", "Issuer")
    yield Reference(obj, "issuerRef", kind, "" if kind == "ClusterIssuer" else obj.namespace, issuer["name"])


def _issuer(obj: Object, data: Mapping[str, Any]) -> Iterator[Reference]:
    spec = data["spec"]
    if "ca" in spec:
        # cert-manager looks for a ClusterIssuer's Secrets in its own namespace.
        home = obj.namespace or "cert-manager"
        for key in ("tls.crt", "tls.key"):
            yield Reference(obj, "ca", "Secret", home, spec["ca"]["secretName"], key)
    for solver in (spec.get("acme") or {}).get("solvers") or []:
        ingress = (solver.get("http01") or {}).get("ingress") or {}
        # The first challenge comes with the first certificate, long after the issuer.
        if name := ingress.get("ingressClassName"):
            yield Reference(obj, "http01", "IngressClass", "", name, needed=Needed.EVER)


def _ingress(obj: Object, data: Mapping[str, Any]) -> Iterator[Reference]:
    spec, here = data["spec"], obj.namespace
    yield Reference(obj, "ingressClassName", "IngressClass", "", spec.get("ingressClassName", "(none)"))
    for entry in spec.get("tls") or []:
        for key in ("tls.crt", "tls.key"):
            # NGINX serves a certificate of its own until this one is there.
            yield Reference(obj, "tls", "Secret", here, entry["secretName"], key, needed=Needed.LAYER)
    annotations = {key.rpartition("/")[2]: value for key, value in obj.annotations.items()}
    for annotation, key in (("auth-secret", "auth"), ("auth-tls-secret", "ca.crt")):
        if value := annotations.get(annotation):
            namespace, _, name = value.rpartition("/")
            yield Reference(obj, annotation, "Secret", namespace or here, name, key, needed=Needed.LAYER)
    for rule in spec.get("rules") or []:
        for path in rule["http"]["paths"]:
            service = path["backend"]["service"]
            port = service["port"].get("number") or service["port"]["name"]
            yield Reference(obj, "backend", "Service", here, service["name"], str(port), needed=Needed.LAYER)


def _webhooks(obj: Object, data: Mapping[str, Any]) -> Iterator[Reference]:
    for webhook in data.get("webhooks") or []:
        if service := webhook["clientConfig"].get("service"):
            port = str(service.get("port", 443))
            where = f"webhook {webhook['name']}"
            yield Reference(
                obj, where, "Service", service["namespace"], service["name"], port, needed=Needed.LAYER
            )
    for annotation, kind in (("inject-ca-from", "Certificate"), ("inject-ca-from-secret", "Secret")):
        if value := obj.annotations.get(f"cert-manager.io/{annotation}"):
            namespace, _, name = value.partition("/")
            yield Reference(obj, annotation, kind, namespace, name, needed=Needed.LAYER)


_OF_KIND = {
    "Alertmanager": _alertmanager,
    "Certificate": _certificate,
    "ClusterIssuer": _issuer,
    "ClusterRoleBinding": _binding,
    "Ingress": _ingress,
    "Issuer": _issuer,
    "MutatingWebhookConfiguration": _webhooks,
    "PersistentVolumeClaim": _claims,
    "Prometheus": _prometheus,
    "RoleBinding": _binding,
    "StatefulSet": _claims,
    "ValidatingWebhookConfiguration": _webhooks,
}
