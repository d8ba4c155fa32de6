"""Helm's verbs with typed arguments, results and errors."""

# ruff: noqa: ASYNC109 - Helm has a timeout of its own; ours is on top of it

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from depin_helm.errors import HelmError
from depin_helm.helm import records
from depin_helm.helm.binary import Binary
from depin_helm.helm.failures import ReleaseNotFoundError, failure
from depin_helm.helm.runner import Runner, SubprocessRunner

if TYPE_CHECKING:
    from depin_helm.helm.listing import Listing

T = TypeVar("T")

#: Seconds a Helm that was told to stop gets to record the release as failed; it needs a tenth of one.
GRACE = 30.0

#: Seconds beyond its own timeout after which a Helm that changes something is stopped. Helm counts its
#: timeout anew for the hooks before, the objects, and the hooks after.
OVERTIME = 30.0

#: Revisions kept per release.
HISTORY = 10


@dataclass(frozen=True)
class Revision:
    """One revision of a release; `status` is Helm's word for it, `updated` a time as Helm writes it."""

    revision: int
    status: str
    chart: str
    version: str
    updated: str
    description: str


@dataclass(frozen=True)
class Release:
    """A release in its newest revision."""

    name: str
    namespace: str
    revision: int
    status: str
    chart: str
    version: str
    updated: str


class Helm:
    """One Helm and the cluster that it is to work on.

    `environ` is what Helm and the cluster's credential plugins get to see, apart from Helm's own variables:
    plugins, repositories and other settings of the user have no say, nor can they point Helm at another
    cluster. `home` is a folder for Helm's caches; give each cluster its own, as Helm remembers an API server
    by its address. Without a `kubeconfig` or `context` Helm chooses as kubectl does.
    """

    def __init__(
        self,
        binary: Binary,
        *,
        environ: Mapping[str, str],
        home: Path,
        kubeconfig: Path | None = None,
        context: str | None = None,
        runner: Runner | None = None,
        overtime: float = OVERTIME,
    ) -> None:
        self.binary = binary
        self._overtime = overtime
        self._runner: Runner = runner or SubprocessRunner()
        self._environ = {
            # Helm is done before collecting garbage pays: a fifth less time, 20 MB more.
            "GOGC": "400",
            **{key: value for key, value in environ.items() if not key.startswith("HELM_")},
            "HELM_CONFIG_HOME": str(home / "config"),
            "HELM_CACHE_HOME": str(home / "cache"),
            "HELM_DATA_HOME": str(home / "data"),
            "HELM_PLUGINS": str(home / "data" / "plugins"),
            "HELM_DRIVER": "secret",
            "KUBECACHEDIR": str(home / "kube"),
        }
        self._cluster = [
            *(["--kubeconfig", str(kubeconfig)] if kubeconfig else []),
            *(["--kube-context", context] if context else []),
        ]

    @cached_property
    def _listing(self) -> Listing:
        from depin_helm.helm.listing import Listing  # brings pyhelm3, 190 ms

        return Listing(self._listed, self.binary.version, str(self.binary.path))

    async def template(
        self,
        chart: Path,
        release: str,
        namespace: str,
        values: Path,
        *,
        api_versions: Sequence[str] = (),
        kube_version: str | None = None,
        no_hooks: bool = False,
        include_crds: bool = False,
    ) -> str:
        """The chart's manifests, as Helm prints them; no cluster is asked.

        Raises:
            HelmError: the chart or the values are not right.
        """
        argv = [
            *("template", release, str(chart), "--namespace", namespace, "--values", str(values)),
            *(["--api-versions", ",".join(api_versions)] if api_versions else []),
            *(["--kube-version", kube_version] if kube_version else []),
            *(["--no-hooks"] if no_hooks else []),
            *(["--include-crds"] if include_crds else []),
        ]
        return (await self._run(argv, f"release {release}", grace=None)).decode()

    async def upgrade_install(
        self,
        chart: Path,
        release: str,
        namespace: str,
        values: Path,
        *,
        timeout: float,
        wait: bool = True,
        no_hooks: bool = False,
        create_namespace: bool = False,
        rollback_on_failure: bool = False,
        force_conflicts: bool = False,
        dry_run: bool = False,
    ) -> int:
        """Install the release or upgrade it; returns its new revision, 0 for a dry run.

        `timeout` is in seconds, for all of it. CRDs in the chart are left alone. A field that somebody else
        has set since is an error unless `force_conflicts`: it may be somebody's emergency measure (Helm 3
        cannot tell and overwrites it). `rollback_on_failure` has no effect on the first installation, whose
        rollback would delete the evidence.

        Raises:
            HelmError: the release could not be made, or was not ready in time.
            ClusterError: the cluster cannot be reached or does not allow it.
            LockedError: another Helm is at work on the release.
        """
        modern = self.binary.major >= 4
        rollback = rollback_on_failure and not dry_run and await self._was_deployed(release, namespace)
        argv = [
            *("upgrade", "--install", release, str(chart), "--namespace", namespace, "--values", str(values)),
            # Given an empty values file, Helm would go on with the last revision's values.
            "--reset-values",
            *("--skip-crds", "--hide-notes", "--history-max", str(HISTORY), "--timeout", _duration(timeout)),
            # `auto` would stay with client-side apply for a release born in Helm 3.
            *(["--server-side=true"] if modern else []),
            *(["--force-conflicts"] if modern and force_conflicts else []),
            *(["--wait", "--wait-for-jobs"] if wait else []),
            *(["--no-hooks"] if no_hooks else []),
            *(["--create-namespace"] if create_namespace else []),
            *(["--rollback-on-failure" if modern else "--atomic"] if rollback else []),
            *(["--dry-run=server"] if dry_run else []),
        ]
        grace = timeout + GRACE if rollback else GRACE
        work = self._on_cluster(argv, f"release {release}", grace=grace)
        output = await self._in_time(work, release, timeout)
        found = re.search(rb"^REVISION: (\d+)", output, re.MULTILINE)
        return int(found[1]) if found and not dry_run else 0

    async def uninstall(
        self,
        release: str,
        namespace: str,
        *,
        timeout: float,
        no_hooks: bool = False,
        wait: bool = True,
    ) -> bool:
        """Delete the release's objects and its history; False if there was no such release.

        Claims of StatefulSets and objects whose chart says so are kept. An interrupted one is continued.
        """
        work = self._listing.uninstall(
            release, namespace, timeout=_duration(timeout), no_hooks=no_hooks, wait=wait
        )
        try:
            await self._in_time(work, release, timeout)
        except ReleaseNotFoundError:
            return False
        return True

    async def rollback(
        self,
        release: str,
        namespace: str,
        revision: int = 0,
        *,
        timeout: float,
        no_hooks: bool = False,
        wait: bool = True,
    ) -> None:
        """Install an earlier revision again, 0 for the one before; that makes a new revision."""
        work = self._listing.rollback(
            release, namespace, revision, timeout=_duration(timeout), no_hooks=no_hooks, wait=wait
        )
        await self._in_time(work, release, timeout)

    async def history(self, release: str, namespace: str, *, newest: int = 256) -> tuple[Revision, ...]:
        """The `newest` revisions, oldest first.

        Raises:
            ReleaseNotFoundError: there is no such release.
        """
        return tuple(_revision(entry) for entry in await self._listing.history(release, namespace, newest))

    async def current_revision(self, release: str, namespace: str) -> Revision | None:
        """The newest revision, whatever its state; None if there is no such release."""
        try:
            return (await self.history(release, namespace, newest=1))[-1]
        except ReleaseNotFoundError:
            return None

    async def list_releases(self) -> tuple[Release, ...]:
        """All releases of the cluster, whatever their state."""
        return tuple(
            Release(
                entry["name"],
                entry["namespace"],
                int(entry["revision"]),
                entry["status"],
                *_chart(entry["chart"]),
                entry["updated"],
            )
            for entry in await self._listing.releases()
        )

    async def get_manifest(self, release: str, namespace: str, revision: int = 0) -> str:
        """What a revision's chart rendered to, without hooks; 0 for the newest."""
        argv = ["get", "manifest", release, "--namespace", namespace]
        argv += ["--revision", str(revision)] if revision else []
        return (await self._on_cluster(argv, f"release {release}", grace=None)).decode()

    async def recover(
        self, cluster: records.RecordStore, release: str, namespace: str, *, abandoned: bool = False
    ) -> records.Record | None:
        """Make a release usable again that a killed Helm left in the middle; see `records.recover`."""
        return await asyncio.to_thread(records.recover, cluster, release, namespace, abandoned=abandoned)

    async def _was_deployed(self, release: str, namespace: str) -> bool:
        try:
            history = await self.history(release, namespace)
        except ReleaseNotFoundError:
            return False
        return any(revision.status in ("deployed", "superseded") for revision in history)

    async def _in_time(self, work: Awaitable[T], release: str, timeout: float) -> T:
        """Await `work`, each part of which Helm limits to `timeout`; stop it when the sum is too long."""
        try:
            async with asyncio.timeout(timeout + self._overtime):
                return await work
        except TimeoutError as error:
            raise HelmError(
                f"release {release}: not done after {timeout + self._overtime:g} s",
                hint="the same command continues from here; --timeout gives it longer",
            ) from error

    async def _listed(self, argv: Sequence[str]) -> bytes:
        """Run what pyhelm3 asks for."""
        release = f"release {argv[1]}" if argv[0] != "list" else "listing the releases"
        return await self._on_cluster(
            argv, release, grace=GRACE if argv[0] in ("uninstall", "rollback") else None
        )

    async def _on_cluster(self, argv: Sequence[str], what: str, *, grace: float | None) -> bytes:
        return await self._run([*argv, *self._cluster], what, grace=grace)

    async def _run(self, argv: Sequence[str], what: str, *, grace: float | None) -> bytes:
        done = await self._runner([str(self.binary.path), *argv], environ=self._environ, grace=grace)
        if done.returncode != 0:
            raise failure(what, done.stderr.decode(errors="replace"))
        return done.stdout


def _duration(seconds: float) -> str:
    """As Go reads it: without a unit it would be nanoseconds, or an error."""
    return f"{seconds:.3f}s"


def _chart(label: str) -> tuple[str, str]:
    """Name and version from `name-version`, as Helm joins them; both may hold dashes."""
    found = re.fullmatch(r"(.+?)-(v?\d+\.\d+\.\d+.*)", label)
    return (found[1], found[2]) if found else (label, "")


def _revision(entry: Mapping[str, Any]) -> Revision:
    return Revision(
        int(entry["revision"]),
        entry["status"],
        *_chart(entry["chart"]),
        str(entry["updated"]),
        entry.get("description", ""),
    )
