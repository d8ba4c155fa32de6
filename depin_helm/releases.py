"""What Helm has installed: its newest records on the cluster, and its marks on the objects that it owns."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from depin_helm.helm import Record, records

if TYPE_CHECKING:
    from depin_helm.cluster import Cluster

MANAGED_BY = "app.kubernetes.io/managed-by"
RELEASE_NAME = "meta.helm.sh/release-name"
RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"

#: The name under which Helm 4 applies, and so owns, fields.
FIELD_MANAGER = "helm"

#: An annotation of objects that Helm leaves where they are when they are no longer part of the release.
RESOURCE_POLICY = "helm.sh/resource-policy"


@dataclass(frozen=True)
class Installed:
    """A release on the cluster.

    `newest` is its last revision, `base` the one that Helm goes on from and compares an upgrade with: the
    deployed one, which is older than the newest after a failed upgrade, or the newest where nothing ever
    was deployed (helm.sh/helm/v4/pkg/action/upgrade.go, prepareUpgrade).
    """

    newest: Record
    base: Record


def installed(cluster: Cluster, names: Collection[str] = ()) -> dict[tuple[str, str], Installed]:
    """The releases of these names, or all, by (namespace, name), in one request.

    Superseded revisions are not read.

    Raises:
        ClusterError: the cluster cannot be asked.
    """
    selector = "owner=helm,status!=superseded"
    if names:
        selector += f",name in ({','.join(sorted(names))})"
    return grouped(map(records.read, cluster.list("v1", "Secret", label_selector=selector)))


def grouped(revisions: Iterable[Record]) -> dict[tuple[str, str], Installed]:
    """What these revisions say of their releases."""
    found: dict[tuple[str, str], list[Record]] = {}
    for record in sorted(revisions, key=lambda record: record.revision):
        found.setdefault((record.namespace, record.release), []).append(record)
    releases = {}
    for release, ordered in found.items():
        deployed = [record for record in ordered if record.status == "deployed"]
        releases[release] = Installed(ordered[-1], (deployed or ordered)[-1])
    return releases


def newest(cluster: Cluster, names: Collection[str] = ()) -> dict[tuple[str, str], Record]:
    """The newest revision of each of these releases, or of all, by (namespace, name)."""
    return {key: release.newest for key, release in installed(cluster, names).items()}


def own(obj: Mapping[str, Any], release: str, namespace: str) -> dict[str, Any]:
    """The object with Helm's marks of a release.

    Helm adds them to all that it applies, and looks for them before it takes over an object that is there
    already (helm.sh/helm/v4/pkg/action/validate.go).
    """
    metadata = obj["metadata"]
    return {
        **obj,
        "metadata": {
            **metadata,
            "labels": {**(metadata.get("labels") or {}), MANAGED_BY: "Helm"},
            "annotations": {
                **(metadata.get("annotations") or {}),
                RELEASE_NAME: release,
                RELEASE_NAMESPACE: namespace,
            },
        },
    }


def owner(obj: Mapping[str, Any]) -> tuple[str, str] | None:
    """Namespace and name of the release that an object on the cluster belongs to; None if of none."""
    metadata = obj["metadata"]
    annotations = metadata.get("annotations") or {}
    if (metadata.get("labels") or {}).get(MANAGED_BY) != "Helm" or RELEASE_NAME not in annotations:
        return None
    return annotations.get(RELEASE_NAMESPACE, ""), annotations[RELEASE_NAME]


def documents(manifest: str) -> list[str]:
    """The YAML documents of a rendered manifest, each as its text."""
    return [text for text in re.split(r"^---(?:\s.*)?$", manifest, flags=re.MULTILINE) if text.strip()]
