"""After an uninstallation: what is left on the cluster, and the deletion of what was asked for.

Only what the platform made is ever deleted: its CRDs, the namespaces that its foundation owns, and the
Secrets that depin-helm made. A namespace that somebody else made stays, with its volumes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from depin_helm import preparation, releases, secrets
from depin_helm.cluster import Cluster
from depin_helm.workspace import Workspace

_CERTIFICATE = "cert-manager.io/certificate-name"
_CRD = "apiextensions.k8s.io/v1"

#: Seconds that deleted namespaces and CRDs get to be gone.
PATIENCE = 300.0


@dataclass(frozen=True)
class Leftover:
    """Something that outlives the releases; `namespace` is empty for what belongs to the whole cluster."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Leftovers:
    """What an uninstallation left on the cluster, and what it deleted besides the releases."""

    kept: tuple[str, ...]
    deleted: tuple[str, ...]


def data(workspace: Workspace, cluster: Cluster) -> tuple[Leftover, ...]:
    """What `--delete-data` deletes: our namespaces, with everything in them, and our Secrets elsewhere."""
    foundation = {(layer.namespace, layer.release) for layer in workspace.whole.first().layers}
    first = {layer.namespace for layer in workspace.whole.first().layers}
    found = [
        Leftover("v1", "Namespace", "", item["metadata"]["name"])
        for item in cluster.list_metadata("v1", "Namespace")
        if releases.owner(item) in foundation or (item["metadata"]["name"] in first and _ours(item))
    ]
    gone = {namespace.name for namespace in found}
    made = cluster.list_metadata("v1", "Secret", label_selector=_selector())
    return (
        *found,
        *(_leftover("Secret", item) for item in made if item["metadata"]["namespace"] not in gone),
    )


def crds(workspace: Workspace, cluster: Cluster) -> tuple[Leftover, ...]:
    """What `--delete-crds` deletes: the platform's CRDs, and with them every object of their kinds."""
    live = {item["metadata"]["name"] for item in cluster.list_metadata(_CRD, "CustomResourceDefinition")}
    names = sorted(crd["metadata"]["name"] for crd in workspace.assembly.crds())
    return tuple(Leftover(_CRD, "CustomResourceDefinition", "", name) for name in names if name in live)


def claims(workspace: Workspace, cluster: Cluster) -> tuple[Leftover, ...]:
    """The volume claims in the platform's namespaces."""
    spaces = _spaces(workspace)
    found = cluster.list_metadata("v1", "PersistentVolumeClaim")
    return tuple(
        _leftover("PersistentVolumeClaim", each) for each in found if each["metadata"]["namespace"] in spaces
    )


def delete(
    workspace: Workspace, cluster: Cluster, targets: Sequence[Leftover], patience: float = PATIENCE
) -> Leftovers:
    """Delete `targets`, wait until they are gone, and tell what is kept.

    Raises:
        ClusterError: some are still there after `patience` seconds.
    """
    deleted = [target for target in targets if cluster.delete(*_address(target))]
    cluster.wait_gone({str(target): _address(target) for target in deleted}, patience)
    return Leftovers(_kept(workspace, cluster), tuple(map(str, deleted)))


def _kept(workspace: Workspace, cluster: Cluster) -> tuple[str, ...]:
    spaces = _spaces(workspace)
    there = {item["metadata"]["name"] for item in cluster.list_metadata("v1", "Namespace")}
    certified = [
        item
        for item in cluster.list_metadata("v1", "Secret")
        if item["metadata"]["namespace"] in spaces
        and _CERTIFICATE in (item["metadata"].get("annotations") or {})
    ]
    made = cluster.list_metadata("v1", "Secret", label_selector=_selector())
    operated = cluster.list_metadata(
        "v1", "Service", "kube-system", label_selector="app.kubernetes.io/managed-by=prometheus-operator"
    )
    found = [
        *(Leftover("v1", "Namespace", "", name) for name in sorted(spaces & there)),
        *crds(workspace, cluster),
        *claims(workspace, cluster),
        *(_leftover("Secret", item) for item in (*made, *certified)),
        *(_leftover("Service", item) for item in operated),
    ]
    return tuple(dict.fromkeys(map(str, found)))


def _spaces(workspace: Workspace) -> set[str]:
    return {layer.namespace for layer in workspace.whole.layers} | set(preparation.namespaces(workspace))


def _selector() -> str:
    return ",".join(f"{key}={value}" for key, value in secrets.LABELS.items())


def _ours(item: Mapping[str, Any]) -> bool:
    return secrets.LABELS.items() <= (item["metadata"].get("labels") or {}).items()


def _leftover(kind: str, item: Mapping[str, Any]) -> Leftover:
    return Leftover("v1", kind, item["metadata"]["namespace"], item["metadata"]["name"])


def _address(target: Leftover) -> tuple[str, str, str, str | None]:
    return target.api_version, target.kind, target.name, target.namespace or None
