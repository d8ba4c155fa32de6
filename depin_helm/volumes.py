"""Volumes that are to become larger: Kubernetes changes no claim template of a StatefulSet in place.

So its claims grow, then it is deleted without its pods, which run on, and Helm makes it anew around them. An
operator does the second half for its own StatefulSets, whose claims it leaves as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from depin_helm import releases, yamlio
from depin_helm.cluster import Cluster
from depin_helm.grammar import quantity
from depin_helm.plan import Layer

Object = Mapping[str, Any]

#: prometheus-operator makes of these a StatefulSet `<kind>-<name>`, its claim template is `<kind>-<name>-db`.
_OPERATED = ("Prometheus", "Alertmanager")
_KIND = re.compile(rf"^kind: (StatefulSet|{'|'.join(_OPERATED)})\s*$", re.MULTILINE)

#: The layer whose nodes hold data that no other volume has.
_ELASTICSEARCH = "elasticsearch"

#: Seconds until a StatefulSet that was deleted without its pods must be gone.
_PATIENCE = 60.0


@dataclass(frozen=True)
class Claim:
    """A volume claim, what it asks for and what it is to ask for, as quantities."""

    name: str
    old: str
    new: str


@dataclass(frozen=True)
class Growth:
    """What becomes of one StatefulSet's volumes.

    `claims` are to grow; `anew`: it has to be made anew for that, by Helm, as no operator does it. `problem`
    says why its volumes cannot become what the values say; then nothing can be done.
    """

    layer: str
    namespace: str
    name: str
    claims: tuple[Claim, ...] = ()
    anew: bool = False
    problem: str = ""

    @property
    def set(self) -> tuple[str, str]:
        """Namespace and name of the StatefulSet."""
        return self.namespace, self.name

    def __str__(self) -> str:
        sizes = ", ".join(dict.fromkeys(f"{claim.old} → {claim.new}" for claim in self.claims))
        grown = f"{len(self.claims)} claims grow ({sizes})" if sizes else "its claims have grown"
        rest = "; it is made anew around its pods, which run on" if self.anew else ""
        return f"StatefulSet {self.namespace}/{self.name}: {self.problem or grown + rest}"


def planned(rendered: Iterable[tuple[Layer, str]], cluster: Cluster) -> tuple[Growth, ...]:
    """What has to become of volumes on the cluster before Helm installs these manifests. Nothing is changed.

    Raises:
        ClusterError: the cluster cannot be asked.
    """
    found = []
    for layer, manifest in rendered:
        for wanted in _sets(layer, manifest):
            metadata = wanted["metadata"]
            live = cluster.get("apps/v1", "StatefulSet", metadata["name"], metadata["namespace"])
            if growth := _growth(layer, live, wanted, cluster):
                found.append(growth)
    return tuple(found)


def concerned(cluster: Cluster, layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Those of the layers in whose namespace there are claims."""
    claims = cluster.list_metadata("v1", "PersistentVolumeClaim")
    spaces = {claim["metadata"]["namespace"] for claim in claims}
    return tuple(layer for layer in layers if layer.namespace in spaces)


def carry_out(growth: Growth, cluster: Cluster) -> None:
    """Let the claims grow, and take the StatefulSet away from its pods if Helm has to make it anew.

    Whoever is interrupted in the middle of it does it again: what has grown is left alone, and a StatefulSet
    that is gone is made by Helm.

    Raises:
        ClusterError: the cluster refuses, or the StatefulSet does not go.
    """
    for claim in growth.claims:
        apply(growth, claim, cluster)
    if growth.anew:
        address = ("apps/v1", "StatefulSet", growth.name, growth.namespace)
        cluster.delete(*address, orphan=True)
        cluster.wait_gone({f"StatefulSet {'/'.join(growth.set)}": address}, _PATIENCE)


def apply(growth: Growth, claim: Claim, cluster: Cluster, *, dry_run: bool = False) -> dict[str, Any]:
    """Let one claim ask for more; the claim as it then is."""
    return cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"namespace": growth.namespace, "name": claim.name},
            "spec": {"resources": {"requests": {"storage": claim.new}}},
        },
        force=True,
        dry_run=dry_run,
    )


def _growth(layer: Layer, live: Object | None, wanted: Object, cluster: Cluster) -> Growth | None:
    name, namespace = wanted["metadata"]["name"], wanted["metadata"]["namespace"]
    if live and (problem := _impossible(live, wanted) or _too_few(layer, live, wanted)):
        return Growth(layer.name, namespace, name, problem=problem)
    sizes = {template: _requested(spec) for template, spec in _templates(wanted).items()}
    before = {template: _requested(spec) for template, spec in _templates(live or {"spec": {}}).items()}
    larger = any(_amount(before[template]) < _amount(sizes[template]) for template in before)
    claims, classes = [], set()
    # Those of an uninstalled one, too: they are kept, and taken over.
    for claim in cluster.list("v1", "PersistentVolumeClaim", namespace) if sizes else ():
        template = re.fullmatch(rf"(.+)-{re.escape(name)}-[0-9]+", claim["metadata"]["name"])
        old, new = _requested(claim["spec"]), sizes.get(template[1], "") if template else ""
        if new and _amount(old) < _amount(new):
            claims.append(Claim(claim["metadata"]["name"], old, new))
            classes.add(str(claim["spec"].get("storageClassName") or ""))
    problem = next(filter(None, (_fixed(each, cluster) for each in sorted(classes))), "")
    if problem and live and not larger:
        return None  # it was so before, and nobody wants it otherwise now
    anew = larger and not _controlled(live)
    return Growth(layer.name, namespace, name, tuple(claims), anew, problem) if claims or anew else None


def _controlled(live: Object | None) -> bool:
    """Whether an operator makes the object."""
    owners = live["metadata"].get("ownerReferences") if live else None
    return any(owner.get("controller") for owner in owners or ())


def _fixed(storage_class: str, cluster: Cluster) -> str:
    """Why volumes of the class cannot grow; "" if they can."""
    found = cluster.get("storage.k8s.io/v1", "StorageClass", storage_class) if storage_class else None
    if found and found.get("allowVolumeExpansion"):
        return ""
    name = storage_class or "(none)"
    return f"its volumes cannot grow: storage class {name} has no allowVolumeExpansion: true"


def _impossible(live: Object, wanted: Object) -> str:
    """Why the claim templates cannot become the wanted ones; "" if they can."""
    before, after = _templates(live), _templates(wanted)
    if before.keys() != after.keys():
        return f"its volumes are {_names(before)} and cannot become {_names(after)}"
    for template, spec in after.items():
        old = before[template]
        for field in ("storageClassName", "accessModes", "volumeMode"):
            new, now = spec.get(field), old.get(field)
            if new not in (None, now):
                return f"{field} of its volumes cannot change: {_shown(now)} → {_shown(new)}"
        if _amount(_requested(spec)) < _amount(_requested(old)):
            return f"its volumes cannot become smaller: {_requested(old)} → {_requested(spec)}"
    return ""


def _too_few(layer: Layer, live: Object, wanted: Object) -> str:
    """Why Elasticsearch must not lose that many nodes at once; "" if it may."""
    before, after = (each["spec"].get("replicas", 1) for each in (live, wanted))
    if layer.name != _ELASTICSEARCH or before - after < 1 or (before - after == 1 and after * 2 > before):
        return ""
    return (
        f"its nodes cannot go from {before} to {after} at once: what has both copies on those that go is "
        "lost, and so is the majority"
    )


def _sets(layer: Layer, manifest: str) -> Iterator[dict[str, Any]]:
    """The StatefulSets of a manifest, and those that an operator makes of it, as far as volumes go."""
    for text in releases.documents(manifest):
        if not _KIND.search(text):
            continue
        obj = yamlio.load(text)
        metadata = {"namespace": layer.namespace, **obj["metadata"]}
        spec = obj["spec"]
        if obj["kind"] in _OPERATED:
            metadata["name"] = f"{obj['kind'].lower()}-{metadata['name']}"
            claim = (spec.get("storage") or {}).get("volumeClaimTemplate") or {}
            name = (claim.get("metadata") or {}).get("name") or f"{metadata['name']}-db"
            spec = {"volumeClaimTemplates": [{**claim, "metadata": {"name": name}}]}
        yield {"metadata": metadata, "spec": spec}


def _templates(obj: Object) -> dict[str, Mapping[str, Any]]:
    """By name, what each claim template of a StatefulSet asks for; without those that ask for nothing."""
    found = obj["spec"].get("volumeClaimTemplates") or ()
    return {each["metadata"]["name"]: each["spec"] for each in found if each.get("spec")}


def _requested(spec: Mapping[str, Any]) -> str:
    return str(spec.get("resources", {}).get("requests", {}).get("storage", "0"))


def _amount(text: str) -> Any:
    return quantity(text) or 0


def _names(templates: Mapping[str, Any]) -> str:
    return ", ".join(sorted(templates)) or "none"


def _shown(value: Any) -> str:
    if value is None:
        return "(none)"
    return ", ".join(value) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
