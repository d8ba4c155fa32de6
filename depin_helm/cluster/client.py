"""The cluster as everyone uses it: its objects, and what this tool asks of it again and again."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from depin_helm import yamlio
from depin_helm.cluster import crds, workloads
from depin_helm.cluster.connection import ApiError
from depin_helm.cluster.lock import Lock, clear
from depin_helm.cluster.objects import Object, Objects
from depin_helm.errors import ClusterError, HelmError
from depin_helm.helm import records

#: API version, kind, name and namespace, if it has one.
Address = tuple[str, str, str, str | None]


class Cluster(Objects):
    """An API server with the platform on it."""

    # Namespaces and Secrets

    def ensure_namespace(
        self, name: str, labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None
    ) -> None:
        """Create the namespace, or bring these of its labels and annotations up to date."""
        metadata = {"name": name, "labels": dict(labels or {}), "annotations": dict(annotations or {})}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}, force=True)

    def secret_keys(self, namespace: str, name: str) -> frozenset[str] | None:
        """The keys of a Secret, never its values; None if there is none."""
        secret = self.get("v1", "Secret", name, namespace)
        return None if secret is None else frozenset(secret.get("data") or ())

    def create_secret(
        self,
        namespace: str,
        name: str,
        data: Mapping[str, bytes],
        *,
        labels: Mapping[str, str] | None = None,
        type: str = "Opaque",  # noqa: A002 - Kubernetes' word
    ) -> bool:
        """Create a Secret; False, and nothing changed, if there is one of that name."""
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": type,
            "metadata": {"name": name, "namespace": namespace, "labels": dict(labels or {})},
            "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
        }
        try:
            self.create(secret)
        except ApiError as error:
            if error.reason == "AlreadyExists":
                return False
            raise
        return True

    # CRDs

    def apply_crds(
        self, definitions: Sequence[Mapping[str, Any]], *, dry_run: bool = False, timeout: float = 60.0
    ) -> dict[str, crds.CrdState]:
        """Bring CRDs up to date and wait until their kinds can be used; see `crds.apply`."""
        return crds.apply(self, definitions, dry_run=dry_run, timeout=timeout)

    # Releases and their workloads

    def release_objects(self, release: str, namespace: str) -> Sequence[Object]:
        """What a release's newest revision was rendered to, with hooks, each object with its namespace."""
        record = records.newest(self, release, namespace)
        if record is None:
            return []
        found = []
        for text in (record.manifest, *record.hooks):
            for obj in yamlio.load_all(text):
                if isinstance(obj, dict) and obj.get("kind") and obj.get("apiVersion"):
                    metadata = {**(obj.get("metadata") or {})}
                    with suppress(ClusterError):  # a kind whose CRD is gone
                        if self.resource(obj["apiVersion"], obj["kind"]).namespaced:
                            metadata.setdefault("namespace", namespace)
                    found.append({**obj, "metadata": metadata})
        return found

    def release_pods(self) -> dict[str, tuple[int, int]]:
        """How many pods of each Helm release are (ready, wanted), from the workloads' own counts."""
        return workloads.release_pods(self)

    def pods_progress(self, objects: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
        """How many pods of these objects are (ready, wanted); what is not there yet counts as wanted."""
        return workloads.progress(self, objects)

    def forget_failed_jobs(self, release: str, namespace: str) -> None:
        """Delete the release's Jobs that have failed, so that its next revision makes and runs them again."""
        self._delete_jobs(filter(workloads.has_failed, workloads.release_jobs(self, release, namespace)))

    def forget_other_jobs(
        self, release: str, namespace: str, objects: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        """Delete the release's Jobs but for its `objects`: Helm forgets those of a failed revision."""
        kept = {workloads.ref(obj) for obj in objects}
        found = workloads.release_jobs(self, release, namespace)
        self._delete_jobs(job for job in found if workloads.ref(job) not in kept)

    def _delete_jobs(self, jobs: Iterable[Mapping[str, Any]]) -> None:
        for job in map(workloads.ref, jobs):
            self.delete("batch/v1", job.kind, job.name, job.namespace)

    def why_not_ready(self, objects: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
        """What keeps these objects from being ready, in words, most useful first; empty if nothing does."""
        return workloads.why_not_ready(self, objects)

    def wait_ready(self, objects: Iterable[Mapping[str, Any]], timeout: float) -> None:
        """Wait for those objects whose controllers say whether they work; Helm does not wait for these.

        Raises:
            HelmError: they are not ready after `timeout` seconds; with what each says.
        """
        objects = list(objects)
        if causes := self._rest(lambda: workloads.conditions_not_ready(self, objects), timeout):
            raise HelmError(f"not ready after {timeout:.0f} s", causes=causes)

    def wait_gone(self, addresses: Mapping[str, Address], timeout: float) -> None:
        """Wait for deleted objects to be gone; each address is `get`'s arguments, and has a name for people.

        Raises:
            ClusterError: some are still there after `timeout` seconds.
        """

        def left() -> Sequence[str]:
            return [name for name, address in addresses.items() if self.get(*address) is not None]

        if names := self._rest(left, timeout):
            raise ClusterError(
                f"deleted, and still there after {timeout:.0f} s: {', '.join(names)}",
                hint="a finalizer holds it: kubectl describe shows which",
            )

    def _rest(self, ask: Callable[[], Sequence[str]], timeout: float) -> Sequence[str]:
        """What `ask` still names after `timeout` seconds; nothing, as soon as it names nothing."""
        waited, step = 0.0, 0.1
        while (rest := ask()) and waited < timeout:
            self.pause(step)
            waited, step = waited + step, min(1.0, step * 1.5)
        return rest

    # Locking

    def lock(
        self, environment: str, action: str = "change", *, on_lost: Callable[[], None] | None = None
    ) -> Lock:
        """Keep every other depin-helm off this cluster, until the lock is released; see `Lock`.

        Raises:
            LockedError: another one is at work on it.
        """
        return Lock.acquire(self, environment, action, on_lost=on_lost)

    def unlock(self) -> str | None:
        """Take the lock from its holder, dead or alive; returns who that was, None if there was none.

        What it was at work on counts as abandoned then.
        """
        return clear(self)
