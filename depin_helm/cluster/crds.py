"""Brings the cluster's CRDs up to date, never back to an older state."""

from __future__ import annotations

import enum
import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from depin_helm.cluster.connection import ApiError
from depin_helm.cluster.objects import FIELD_MANAGER, Objects
from depin_helm.errors import ClusterError

API_VERSION, KIND = "apiextensions.k8s.io/v1", "CustomResourceDefinition"

#: Annotation with the digest of the definition that was applied.
DIGEST = "depin.ai/digest"

#: Where upstream projects write a CRD's version: annotations, then labels.
_VERSION_KEYS = ("operator.prometheus.io/version", "app.kubernetes.io/version", "helm.sh/chart")


class CrdState(enum.StrEnum):
    """What became of a CRD; `NEWER`: the cluster's comes from a newer version and was left alone."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    NEWER = "newer"


def apply(
    cluster: Objects, definitions: Sequence[Mapping[str, Any]], *, dry_run: bool, timeout: float
) -> dict[str, CrdState]:
    """Apply all CRDs at once, then wait until the API server serves their kinds.

    Fields that only others set stay (a webhook's `caBundle`), other values of our fields do not: this tool
    owns the CRDs of its charts. A CRD that somebody brought in a newer version is left alone. One that is as
    we left it is recognised by its metadata: applying it again costs the server as much as the first time.

    Raises:
        ClusterError: the server refuses a CRD, such as one that lacks a version in which objects are stored,
            or does not serve it after `timeout` seconds.
    """
    live = {item["metadata"]["name"]: item["metadata"] for item in cluster.list_metadata(API_VERSION, KIND)}
    states: dict[str, CrdState] = {}
    todo = []
    for definition in definitions:
        marked = _marked(definition)
        name = marked["metadata"]["name"]
        if name in live and _version(live[name]) > _version(marked["metadata"]) > ():
            states[name] = CrdState.NEWER
        elif name in live and _is_ours(live[name], marked):
            states[name] = CrdState.UNCHANGED
        else:
            todo.append(marked)
    refused = []
    for definition, result in zip(todo, cluster.apply_many(todo, force=True, dry_run=dry_run), strict=True):
        name = definition["metadata"]["name"]
        if isinstance(result, ApiError):
            refused.append(_refusal(name, result))
        elif name not in live:
            states[name] = CrdState.CREATED
        else:
            changed = _content(result["metadata"]) != _content(live[name])
            states[name] = CrdState.CHANGED if changed else CrdState.UNCHANGED
    if refused:
        raise ClusterError(
            f"the cluster refuses {len(refused)} of {len(definitions)} CRDs: {'; '.join(refused)}",
            hint="the live CRD must be migrated by hand first, as its project describes",
        )
    if todo and not dry_run:
        _wait_served(cluster, todo, timeout)
    return states


def _marked(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The definition with its own digest among its annotations."""
    digest = hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()
    metadata = definition["metadata"]
    annotations = {**(metadata.get("annotations") or {}), DIGEST: f"sha256:{digest}"}
    return {**definition, "metadata": {**metadata, "annotations": annotations}}


def _is_ours(live: Mapping[str, Any], marked: Mapping[str, Any]) -> bool:
    """Whether the live CRD is this one; who changes its spec takes it from its owner, which shows."""
    if (live.get("annotations") or {}).get(DIGEST) != marked["metadata"]["annotations"][DIGEST]:
        return False
    owned = {
        field
        for entry in live.get("managedFields") or ()
        if entry["manager"] == FIELD_MANAGER and entry["operation"] == "Apply"
        for field in entry["fieldsV1"].get("f:spec", ())
    }
    return owned >= {f"f:{field}" for field in marked["spec"]}


def _content(metadata: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells two states of a CRD apart: `generation` counts the changes of its spec."""
    return metadata.get("generation"), metadata.get("labels") or {}, metadata.get("annotations") or {}


def _version(metadata: Mapping[str, Any]) -> tuple[int, ...]:
    """The version that upstream wrote on the CRD, () if there is none."""
    marks = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    for key in _VERSION_KEYS:
        if found := re.search(r"(\d+)\.(\d+)\.(\d+)", marks.get(key, "")):
            return tuple(int(part) for part in found.groups())
    return ()


def _refusal(name: str, error: ApiError) -> str:
    if not error.fields:
        return f"{name}: {error.message}"
    field, message = error.fields[0]
    if field.startswith("status.storedVersions"):
        return f"{name}: the new definition lacks a version in which objects are stored ({message})"
    return f"{name}: {field}: {message}"


def _wait_served(cluster: Objects, definitions: Sequence[Mapping[str, Any]], timeout: float) -> None:
    """Wait until discovery names the kinds: Helm and the renderer go by it.

    Discovery is small, and names a kind once its CRD is established; CRDs themselves are large, and reading
    them again and again delays what is waited for.
    """
    wanted = {
        (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["plural"]): crd["metadata"]["name"]
        for crd in definitions
        for version in crd["spec"]["versions"]
        if version["served"]
    }
    deadline = time.monotonic() + timeout
    while True:
        cluster.refresh()
        served = {(found.api_version, found.plural) for found in cluster.discover().resources.values()}
        missing = sorted({wanted[kind] for kind in wanted.keys() - served})
        if not missing:
            return
        if time.monotonic() > deadline:
            reasons = [reason for name in missing if (reason := _names_refused(cluster, name))]
            raise ClusterError(
                f"the API server does not serve {', '.join(missing)} after {timeout:.0f} s"
                + (f": {'; '.join(reasons)}" if reasons else ""),
                hint="" if reasons else "is the API server overloaded? try again",
            )
        cluster.pause(0.1)


def _names_refused(cluster: Objects, name: str) -> str:
    """Why the API server does not accept the CRD's names, "" if it does."""
    status = (cluster.get(API_VERSION, KIND, name) or {}).get("status") or {}
    for condition in status.get("conditions") or ():
        if condition["type"] == "NamesAccepted" and condition["status"] == "False":
            return str(condition.get("message", ""))
    return ""
