"""What an upgrade would change on the cluster: each rendered object is applied without being stored.

The API server itself merges, fills in defaults and judges, as field manager `helm` like Helm 4; so an
unchanged platform differs nowhere. An object need not be sent when its manifest is the one that Helm
applied last and the cluster has every field of it literally: on an unchanged platform, nearly all.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from depin_helm import releases, volumes, yamlio
from depin_helm.cluster import ApiError, Cluster, CrdState
from depin_helm.diff.changes import Action, Change, change, compare, contains, stable
from depin_helm.helm.records import SECRET_TYPE
from depin_helm.plan import Layer
from depin_helm.releases import Installed
from depin_helm.volumes import Growth

Object = dict[str, Any]

#: Group, kind, namespace and name: what makes two objects the same one, whatever their API version.
Key = tuple[str, str, str, str]

#: What the chart puts behind the name of a Job and its ConfigMap (`sha256sum | trunc 10`).
_DIGEST = re.compile(r"-[0-9a-f]{10}$")
_MANAGER = re.compile(r'conflict with "([^"]+)"')

#: Whether objects of this API version and kind have a namespace.
Namespaced = Callable[[str, str], bool]

#: `Change.layer` of the step before all layers.
CRDS = "crds"


@dataclass(frozen=True)
class Wanted:
    """An object as Helm would apply it, or as it did. `installed`: Helm applied the very same text last."""

    layer: Layer
    obj: Object
    installed: bool = False

    @property
    def key(self) -> Key:
        """What makes it the object that it is."""
        return key(self.obj)


@dataclass(frozen=True)
class Desired:
    """A layer's rendered objects, those of its release that no longer are, and what it has owned so far."""

    objects: tuple[Wanted, ...]
    removed: tuple[Wanted, ...]
    owned: frozenset[Key]

    def predecessors(self) -> dict[Key, Wanted]:
        """The removed object whose place each object takes: only the digests in their names differ."""
        gone = {stem: one for one in self.removed if (stem := _stem(one.key))}
        found = {one.key: gone.get(stem) for one in self.objects if (stem := _stem(one.key))}
        return {name: old for name, old in found.items() if old is not None}


def diff(
    rendered: Iterable[tuple[Layer, str]], cluster: Cluster, crds: Sequence[Mapping[str, Any]] = ()
) -> tuple[Change, ...]:
    """Compare the layers' manifests and the CRDs with the cluster, where nothing is changed.

    It also finds what others changed or deleted since, but not what they added, which an upgrade leaves.
    Hooks are left out. CRDs come first, then the layers in the given order. Empty when an upgrade would
    change nothing.

    Raises:
        ClusterError: the cluster cannot be asked.
    """
    layers = list(rendered)
    found = releases.installed(cluster, [layer.release for layer, _ in layers])
    namespaced = scopes(cluster, crds)
    desired = [
        read(layer, manifest, found.get((layer.namespace, layer.release)), namespaced)
        for layer, manifest in layers
    ]
    live = _live([one for each in desired for one in (*each.objects, *each.removed)], cluster)
    namespaces = {item["metadata"]["name"] for item in cluster.list_metadata("v1", "Namespace")}
    owned = frozenset[Key]().union(*(each.owned for each in desired))

    def judge(one: Wanted) -> Change | None:
        current = live.get(one.key)
        if current is not None and one.installed and contains(current, one.obj):
            return None
        known = cluster.knows(one.obj["apiVersion"], one.obj["kind"])
        if not known or one.obj["metadata"].get("namespace", "") not in {"", *namespaces}:
            return change(Action.CREATE, one.layer.name, None, one.obj)
        return _tried(one, current, one.key in owned, cluster)

    wanted = [one for each in desired for one in each.objects]
    verdicts = {one.key: verdict for one, verdict in zip(wanted, cluster.each(judge, wanted), strict=True)}
    changes: list[Change | None] = [*_crd_changes(crds, cluster)]
    growths = volumes.planned(layers, cluster)
    for each, (layer, _) in zip(desired, layers, strict=True):
        grown = [growth for growth in growths if growth.layer == layer.name]
        old = {name: one for name, one in each.predecessors().items() if one.key in live and name not in live}
        changes += [_explained(_renamed(verdicts[one.key], one, old), grown) for one in each.objects]
        changes += [found for growth in grown for found in _volume_changes(growth, verdicts, cluster)]
        changes += [_deleted(one, live.get(one.key)) for one in each.removed if one not in old.values()]
    return tuple(found for found in changes if found)


def read(layer: Layer, manifest: str, release: Installed | None, namespaced: Namespaced) -> Desired:
    """Take a rendered manifest apart and set it beside the record of the layer's release."""
    new = releases.documents(manifest)
    old = releases.documents(release.base.manifest) if release else []
    same = set(old).intersection(new)
    # A newer revision that failed may have applied something else since.
    last = release is not None and release.newest.revision == release.base.revision
    trusted = same if last and release and release.base.status == "deployed" else set()
    wanted: dict[Key, Wanted] = {}
    owned: set[Key] = set()
    for text in new:
        for one in _objects(text, layer, namespaced, installed=text in trusted):
            wanted[one.key] = one
            owned |= {one.key} if text in same else set()
    before = {
        one.key: one
        for text in old
        if text not in same
        for one in _objects(text, layer, namespaced, installed=False)
    }
    return Desired(
        objects=tuple(wanted.values()),
        removed=tuple(one for key, one in before.items() if key not in wanted),
        owned=frozenset(owned | before.keys()),
    )


def key(obj: Mapping[str, Any]) -> Key:
    """What makes the object the one that it is."""
    metadata = obj["metadata"]
    return _group(obj["apiVersion"]), obj["kind"], metadata.get("namespace", ""), metadata["name"]


def scopes(cluster: Cluster, crds: Iterable[Mapping[str, Any]]) -> Namespaced:
    """Whether a kind's objects have a namespace: as the cluster knows it, or the CRDs that it is to get."""
    coming: dict[tuple[str, str], bool] = {
        (spec["group"], spec["names"]["kind"]): spec["scope"] == "Namespaced"
        for spec in (crd["spec"] for crd in crds)
    }

    def namespaced(api_version: str, kind: str) -> bool:
        if cluster.knows(api_version, kind):
            return cluster.resource(api_version, kind).namespaced
        return coming.get((_group(api_version), kind), True)

    return namespaced


def _objects(text: str, layer: Layer, namespaced: Namespaced, *, installed: bool) -> list[Wanted]:
    """The objects of one YAML document as Helm applies them: a list's items, no hooks, its marks put in."""
    document = yamlio.load(text)
    if not isinstance(document, dict) or not document.get("kind"):
        return []
    wanted = []
    for obj in document["items"] if document["kind"].endswith("List") and "items" in document else [document]:
        metadata = obj["metadata"]
        if "helm.sh/hook" in (metadata.get("annotations") or {}):
            continue
        placed = {key: value for key, value in metadata.items() if key != "namespace"}
        if namespaced(obj["apiVersion"], obj["kind"]):
            placed["namespace"] = metadata.get("namespace") or layer.namespace
        marked = releases.own({**obj, "metadata": placed}, layer.release, layer.namespace)
        wanted.append(Wanted(layer, marked, installed))
    return wanted


def _live(objects: Iterable[Wanted], cluster: Cluster) -> dict[Key, Object]:
    """What the cluster has of the kinds, and in the namespaces, of these objects."""
    places = {
        (one.obj["apiVersion"], one.obj["kind"], one.obj["metadata"].get("namespace")) for one in objects
    }

    def listed(place: tuple[str, str, str | None]) -> list[Object]:
        api_version, kind, namespace = place
        # Helm keeps its records in Secrets too: a hundred KiB each, ten for a release.
        unlike = f"type!={SECRET_TYPE}" if kind == "Secret" else ""
        return cluster.list(api_version, kind, namespace, field_selector=unlike)

    known = sorted((place for place in places if cluster.knows(*place[:2])), key=str)
    return {key(obj): obj for found in cluster.each(listed, known) for obj in found}


def _tried(one: Wanted, live: Object | None, owned: bool, cluster: Cluster) -> Change | None:
    """What applying the object would do, tried on the cluster."""
    layer = one.layer
    try:
        after = cluster.apply(one.obj, field_manager=releases.FIELD_MANAGER, force=True, dry_run=True)
    except ApiError as error:
        if live is None:
            return change(Action.CREATE, layer.name, None, one.obj, problem=_why(error))
        return _refused(one, live, error, cluster)
    if live is None:
        return change(Action.CREATE, layer.name, None, one.obj)
    if not compare(stable(live), stable(after)):
        return None
    problem = "" if owned else _foreign(live, layer)
    return change(Action.UPDATE, layer.name, live, after, problem=problem or _conflict(one, cluster))


def _refused(one: Wanted, live: Object, error: ApiError, cluster: Cluster) -> Change:
    """The API server does not take the object: it is wrong, or in the way of the one that is there."""
    layer = one.layer.name
    if error.status == 422:
        name = one.obj["metadata"]["name"]
        twin = {**one.obj, "metadata": {**one.obj["metadata"], "name": f"{name[:50]}-{secrets.token_hex(3)}"}}
        try:
            fresh = cluster.apply(twin, field_manager=releases.FIELD_MANAGER, dry_run=True)
        except ApiError:
            pass  # then it is wrong in itself
        else:
            fresh["metadata"]["name"] = name
            return change(Action.REPLACE, layer, live, fresh, problem=f"must be replaced: {_why(error)}")
    return change(Action.UPDATE, layer, live, live, problem=_why(error))


def _why(error: ApiError) -> str:
    return "; ".join(f"{field}: {message}" for field, message in error.fields) or error.message


def _foreign(live: Object, layer: Layer) -> str:
    owner = releases.owner(live)
    if owner == (layer.namespace, layer.release):
        return ""
    whose = f"belongs to release {owner[1]} in {owner[0]}" if owner else "was not made by Helm"
    return f"it exists and {whose}: Helm will refuse to take it over"


def _conflict(one: Wanted, cluster: Cluster) -> str:
    """Whose changes Helm would run into: unless told to, it does not overwrite them."""
    try:
        cluster.apply(one.obj, field_manager=releases.FIELD_MANAGER, dry_run=True)
    except ApiError as error:
        if error.reason != "Conflict":
            raise
        owners = [(field.lstrip("."), _MANAGER.search(message)) for field, message in error.fields]
        # Helm 3 owned its fields in another way, which Helm 4 takes over.
        others = [f"{field} by {found[1]}" for field, found in owners if found and found[1] != "helm"]
        return f"Helm overwrites only when forced what others set: {', '.join(others)}" if others else ""
    return ""


def _explained(found: Change | None, growths: Iterable[Growth]) -> Change | None:
    """The change of a StatefulSet with what becomes of its volumes, which the API server does not say."""
    for growth in growths:
        if found and found.kind == "StatefulSet" and (found.namespace, found.name) == growth.set:
            return replace(found, problem=str(growth))
    return found


def _renamed(found: Change | None, one: Wanted, old: Mapping[Key, Wanted]) -> Change | None:
    """The creation of an object that takes another's place, as what differs between both as rendered."""
    if found is None or one.key not in old:
        return found
    return change(Action.REPLACE, found.layer, old[one.key].obj, one.obj, problem=found.problem)


def _volume_changes(
    growth: Growth, verdicts: Mapping[Key, Change | None], cluster: Cluster
) -> Iterator[Change]:
    """Claims that grow; and a StatefulSet of an operator's whose volumes cannot be what is wanted."""
    namespace, name = growth.set
    if growth.problem and ("apps", "StatefulSet", namespace, name) not in verdicts:
        live = cluster.get("apps/v1", "StatefulSet", name, namespace)
        yield change(Action.UPDATE, growth.layer, live, live, problem=growth.problem)
    for claim in () if growth.problem else growth.claims:
        live = cluster.get("v1", "PersistentVolumeClaim", claim.name, namespace)
        yield change(Action.UPDATE, growth.layer, live, volumes.apply(growth, claim, cluster, dry_run=True))


def _deleted(one: Wanted, live: Object | None) -> Change | None:
    """Helm deletes what is no longer rendered, if it is still there and may go."""
    if live is None or (live["metadata"].get("annotations") or {}).get(releases.RESOURCE_POLICY) == "keep":
        return None
    return change(Action.DELETE, one.layer.name, live, None)


def _crd_changes(crds: Sequence[Mapping[str, Any]], cluster: Cluster) -> list[Change]:
    """What the step before all layers would change; what it notes in their metadata does not count."""
    if not crds:
        return []
    states = cluster.apply_crds(crds, dry_run=True)

    def verdict(crd: Mapping[str, Any]) -> Change | None:
        state = states[crd["metadata"]["name"]]
        if state is CrdState.CREATED:
            return change(Action.CREATE, CRDS, None, _without_schemas(crd))
        if state is not CrdState.CHANGED:
            return None
        live = cluster.get(crd["apiVersion"], crd["kind"], crd["metadata"]["name"]) or {}
        after = cluster.apply(crd, force=True, dry_run=True)
        found = change(Action.UPDATE, CRDS, live, {**after, "metadata": live["metadata"]})
        return found if found.fields else None

    return [found for found in cluster.each(verdict, crds) if found]


def _without_schemas(crd: Mapping[str, Any]) -> Object:
    """The definition short enough to be shown."""
    versions = [{k: v for k, v in version.items() if k != "schema"} for version in crd["spec"]["versions"]]
    return {**crd, "spec": {**crd["spec"], "versions": versions}}


def _stem(name: Key) -> tuple[str, ...]:
    """An object's key without the digest in its name; empty if it has none."""
    *place, last = name
    return (*place, _DIGEST.sub("", last)) if _DIGEST.search(last) else ()


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]
