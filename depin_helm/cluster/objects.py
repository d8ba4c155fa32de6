"""Objects in and out of the API server, and what it knows of kinds and of itself."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from depin_helm.cluster import discovery
from depin_helm.cluster.connection import JSON, ApiError, Connection
from depin_helm.cluster.discovery import Discovery, Resource
from depin_helm.cluster.identity import SANDBOX_LABEL, Identity
from depin_helm.errors import ClusterError, LockedError

FIELD_MANAGER = "depin-helm"

#: Requests at the same time. The API server's answers take longer than ours to make: more gains little.
PARALLEL = 8

_METADATA_ONLY = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

Object = dict[str, Any]
ObjectList = list[Object]  # inside the class, `list` is a method
T = TypeVar("T")
R = TypeVar("R")


class Objects:
    """An API server. Methods block and may be called from several threads at once.

    Every method raises ClusterError when the cluster cannot be reached, and its subclass ApiError when the
    cluster refuses.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._discovery: Discovery | None = None
        self._discovering = threading.Lock()
        self._identity: Identity | None = None

    @classmethod
    def connect(
        cls, kubeconfig: Path | None = None, context: str | None = None, *, environ: Mapping[str, str]
    ) -> Self:
        """Choose a cluster by kubectl's rules; nothing is sent yet.

        Raises:
            ClusterError: there is no usable kubeconfig or context.
        """
        return cls(Connection(kubeconfig, context, environ))

    def hasty(self, seconds: float) -> Self:
        """The same for who cannot wait: a request is made once, and ends after some such time."""
        other = copy.copy(self)
        other._connection = self._connection.hasty(seconds)
        other._discovering = threading.Lock()  # it does not wait for who asks again what there is
        return other

    def close(self) -> None:
        """End the connection, and whatever waits on it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def context(self) -> str:
        """The kubeconfig's context, which Helm must get too to work on the same cluster; "" inside one."""
        return self._connection.context

    @property
    def server(self) -> str:
        """The API server's address."""
        return self._connection.server

    def now(self) -> datetime:
        """The time by the API server's clock."""
        return self._connection.now()

    def pause(self, seconds: float) -> None:
        """Wait, until the connection is closed at most."""
        self._connection.pause(seconds)

    # What the cluster is

    def version(self) -> str:
        """Kubernetes' version, as in v1.35.4."""
        return str(self._connection.request("GET", "/version")["gitVersion"])

    def identity(self) -> Identity:
        """Which cluster this is; asked once."""
        if self._identity is None:
            metadata = self._require("v1", "Namespace", "kube-system")["metadata"]
            sandbox = metadata.get("labels", {}).get(SANDBOX_LABEL)
            self._identity = Identity(self.context, self.server, metadata["uid"], sandbox)
        return self._identity

    def discover(self) -> Discovery:
        """The kinds that the cluster knows; asked once, and again after `refresh`."""
        with self._discovering:
            if self._discovery is None:
                paths = ("/api", "/apis")
                self._discovery = discovery.read(
                    self.each(
                        lambda path: self._connection.request("GET", path, accept=discovery.ACCEPT), paths
                    )
                )
            return self._discovery

    def refresh(self) -> None:
        """Forget the kinds: CRDs have changed."""
        with self._discovering:
            self._discovery = None

    def api_versions(self) -> tuple[str, ...]:
        """What Helm has in `.Capabilities.APIVersions` on this cluster."""
        return self.discover().api_versions

    def resource(self, api_version: str, kind: str) -> Resource:
        """The kind's path and scope.

        Raises:
            ClusterError: the cluster does not know it.
        """
        for refreshed in (False, True):
            if found := self.discover().resources.get((api_version, kind)):
                return found
            if not refreshed:
                self.refresh()
        raise ClusterError(
            f"the cluster does not know {kind} ({api_version})",
            hint="its CRD is missing: `depin-helm crds --apply` applies it",
        )

    def knows(self, api_version: str, kind: str) -> bool:
        """Whether the cluster knows the kind."""
        return (api_version, kind) in self.discover().resources

    # Objects

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """One object; None if there is none."""
        path = self.resource(api_version, kind).path(namespace, name)
        try:
            return self._connection.request("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> ObjectList:
        """All objects of a kind in a namespace, or in all of them."""
        found = self._list(JSON, api_version, kind, namespace, label_selector, field_selector)
        return [{"apiVersion": api_version, "kind": kind, **item} for item in found]

    def list_metadata(
        self, api_version: str, kind: str, namespace: str | None = None, *, label_selector: str = ""
    ) -> ObjectList:
        """As `list`, of each object only what stands under `metadata`: cheap where objects are large."""
        return self._list(_METADATA_ONLY, api_version, kind, namespace, label_selector, "")

    def create(self, obj: Mapping[str, Any]) -> Object:
        """Create an object; ApiError with status 409 if it exists."""
        return self._connection.request(
            "POST", self._path(obj, named=False), params={"fieldManager": FIELD_MANAGER}, body=obj
        )

    def replace(self, obj: Mapping[str, Any]) -> Object:
        """Write back an object that was read.

        Raises:
            LockedError: somebody else has changed it since.
        """
        try:
            return self._connection.request(
                "PUT", self._path(obj), params={"fieldManager": FIELD_MANAGER}, body=obj
            )
        except ApiError as error:
            if error.reason in ("Conflict", "NotFound"):
                raise LockedError(error.message, hint="somebody else is at work on it; try again") from error
            raise

    def apply(
        self,
        obj: Mapping[str, Any],
        *,
        field_manager: str = FIELD_MANAGER,
        force: bool = False,
        dry_run: bool = False,
    ) -> Object:
        """Server-side apply; returns the object as it then is.

        Without `force`, ApiError with reason "Conflict" if somebody else set a field to something else.
        """
        params = {
            "fieldManager": field_manager,
            **({"force": "true"} if force else {}),
            **({"dryRun": "All"} if dry_run else {}),
        }
        return self._connection.request(
            "PATCH", self._path(obj), params=params, body=obj, content_type="application/apply-patch+yaml"
        )

    def apply_many(
        self,
        objects: Iterable[Mapping[str, Any]],
        *,
        field_manager: str = FIELD_MANAGER,
        force: bool = False,
        dry_run: bool = False,
    ) -> Sequence[Object | ApiError]:
        """Apply several at the same time; for each, in order, what came of it."""

        def one(obj: Mapping[str, Any]) -> Object | ApiError:
            try:
                return self.apply(obj, field_manager=field_manager, force=force, dry_run=dry_run)
            except ApiError as error:
                return error

        return self.each(one, objects)

    def delete(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, *, orphan: bool = False
    ) -> bool:
        """Delete an object; False if there was none.

        What it owns goes in the background, or with `orphan` stays, without an owner.
        """
        try:
            self._connection.request(
                "DELETE",
                self.resource(api_version, kind).path(namespace, name),
                params={"propagationPolicy": "Orphan" if orphan else "Background"},
            )
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def each(self, work: Callable[[T], R], items: Iterable[T]) -> Sequence[R]:
        """Do `work` for the items, several at the same time; results in order. The first error is raised."""
        todo = list(items)
        if len(todo) < 2:
            return [work(item) for item in todo]
        with ThreadPoolExecutor(min(PARALLEL, len(todo))) as pool:
            return list(pool.map(work, todo))

    def _list(
        self,
        accept: str,
        api_version: str,
        kind: str,
        namespace: str | None,
        label_selector: str,
        field_selector: str,
    ) -> ObjectList:
        params = {"labelSelector": label_selector, "fieldSelector": field_selector}
        answer = self._connection.request(
            "GET",
            self.resource(api_version, kind).path(namespace),
            params={key: value for key, value in params.items() if value},
            accept=accept,
        )
        return answer.get("items") or []

    def _require(self, api_version: str, kind: str, name: str) -> Object:
        found = self.get(api_version, kind, name)
        if found is None:
            raise ClusterError(f"{self._connection}: there is no {kind} {name}")
        return found

    def _path(self, obj: Mapping[str, Any], *, named: bool = True) -> str:
        metadata = obj["metadata"]
        resource = self.resource(obj["apiVersion"], obj["kind"])
        if resource.namespaced and not metadata.get("namespace"):
            raise ClusterError(f"{obj['kind']} {metadata['name']}: no namespace given")
        return resource.path(metadata.get("namespace"), metadata["name"] if named else None)
