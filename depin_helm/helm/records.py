"""The Secrets in which Helm keeps its releases: read, and mended after a Helm that was killed.

A revision is a Secret `sh.helm.release.v1.<release>.v<revision>` of type `helm.sh/release.v1`, whose
`release` key is base64 of gzip of JSON (helm.sh/helm/v4/pkg/storage/driver). Helm writes it as `pending-*`
before it touches an object and refuses to go on from one; a Helm that gets SIGTERM turns it into `failed`,
from which the next `helm upgrade --install` continues. `recover` writes what a killed Helm could not.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from depin_helm.errors import LockedError

SECRET_TYPE = "helm.sh/release.v1"  # noqa: S105 - a type's name
IN_PROGRESS = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")

#: How old an operation of somebody else's Helm must be before it counts as dead: several times the 5 minutes
#: that Helm waits unless told otherwise.
PATIENCE = timedelta(minutes=30)


class RecordStore(Protocol):
    """What reading and mending records needs of a cluster."""

    def list_metadata(
        self, api_version: str, kind: str, namespace: str | None = None, *, label_selector: str = ""
    ) -> Sequence[dict[str, Any]]:
        """Objects of a kind, of each only what stands under `metadata`."""
        ...

    def get(
        self, api_version: str, kind: str, name: str, namespace: str | None = None
    ) -> dict[str, Any] | None:
        """One object; None if there is none."""
        ...

    def replace(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """Write an object back, if nobody else has changed it since; else LockedError."""
        ...

    def now(self) -> datetime:
        """The time by the cluster's clock."""
        ...


@dataclass(frozen=True)
class Record:
    """One revision of a release; `status` is Helm's word, `updated` ISO 8601, `hooks` are manifests."""

    release: str
    namespace: str
    revision: int
    status: str
    updated: str
    description: str
    chart: str
    version: str
    annotations: Mapping[str, str]
    manifest: str
    hooks: tuple[str, ...]


def read(secret: Mapping[str, Any]) -> Record:
    """The record that a release Secret holds."""
    payload = _decode(secret)
    info = payload.get("info") or {}
    metadata = (payload.get("chart") or {}).get("metadata") or {}
    return Record(
        release=payload["name"],
        namespace=payload["namespace"],
        revision=payload["version"],
        status=info.get("status", "unknown"),
        updated=info.get("last_deployed", ""),
        description=info.get("description", ""),
        chart=metadata.get("name", ""),
        version=metadata.get("version", ""),
        annotations=metadata.get("annotations") or {},
        manifest=payload.get("manifest", ""),
        hooks=tuple(hook.get("manifest", "") for hook in payload.get("hooks") or ()),
    )


def newest(store: RecordStore, release: str, namespace: str) -> Record | None:
    """The release's newest revision; None if there is no such release."""
    secret = _newest(store, release, namespace)
    return None if secret is None else read(secret)


def recover(store: RecordStore, release: str, namespace: str, *, abandoned: bool) -> Record | None:
    """Mark a release as failed whose Helm was killed in the middle, so that the same command continues.

    Nothing else is touched: objects, volumes and earlier revisions stay, and Helm, going on from the failed
    revision, updates the objects in place. `abandoned` says that no depin-helm can be at work on the release:
    the caller holds the lock, and whoever held it before died. Without it the Helm at work may be somebody
    else's, and the record counts as dead only after `PATIENCE`.

    Returns what was marked, None if nothing had to be.

    Raises:
        LockedError: another Helm is, or may be, at work on the release.
    """
    for last in (False, False, True):
        secret = _newest(store, release, namespace, only=IN_PROGRESS)
        if secret is None:
            return None
        record = read(secret)
        age = store.now() - datetime.fromisoformat(record.updated).astimezone(UTC)
        if not abandoned and age < PATIENCE:
            raise LockedError(
                f"release {release}: a Helm operation ({record.status}) began {_in_words(age)} ago",
                hint="wait for it; if no Helm is running, `depin-helm unlock` clears what it left",
            )
        try:
            store.replace(_failed(secret, f"Interrupted while {record.status}; marked by depin-helm"))
        except LockedError:  # its Helm was just then ending by itself: look again
            if last:
                raise
        else:
            return record
    raise AssertionError("the last round returns or raises")


def _newest(
    store: RecordStore, release: str, namespace: str, only: Collection[str] = ()
) -> dict[str, Any] | None:
    """The newest revision's Secret, if its status is among `only`."""
    found = store.list_metadata("v1", "Secret", namespace, label_selector=f"owner=helm,name={release}")
    newest = max(found, key=lambda secret: int(secret["metadata"]["labels"]["version"]), default=None)
    if newest is None or (only and newest["metadata"]["labels"]["status"] not in only):
        return None
    return store.get("v1", "Secret", newest["metadata"]["name"], namespace)


def _failed(secret: Mapping[str, Any], description: str) -> dict[str, Any]:
    """The Secret as Helm itself would have left it, had it been stopped by a signal."""
    payload = _decode(secret)
    payload["info"] = {**payload["info"], "status": "failed", "description": description}
    packed = gzip.compress(json.dumps(payload, separators=(",", ":")).encode(), mtime=0)
    metadata = secret["metadata"]
    return {
        **secret,
        "metadata": {**metadata, "labels": {**metadata["labels"], "status": "failed"}},
        "data": {"release": base64.b64encode(base64.b64encode(packed)).decode()},
    }


def _decode(secret: Mapping[str, Any]) -> dict[str, Any]:
    # Once by Helm, once by Kubernetes.
    packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
    payload: dict[str, Any] = json.loads(gzip.decompress(packed))
    return payload


def _in_words(age: timedelta) -> str:
    seconds = max(0, round(age.total_seconds()))
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
