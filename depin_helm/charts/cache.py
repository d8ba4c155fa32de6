"""The chart cache: a content-addressed store of upstream chart archives.

    <root>/charts/.lock                       held while something is written
    <root>/charts/<name>-<version>/entry.json
    <root>/charts/<name>-<version>/<SHA-256 of the archive's bytes>.tgz

An entry may hold several contents of one version, as two projects may have locked different ones; the
one that came last is current. An archive is written before the entry that names it, each by a rename,
and none is ever removed: readers take no lock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from depin_helm.charts import archive, atomic
from depin_helm.charts.dependency import Dependency, exact, redacted
from depin_helm.charts.entry import FILE, GET_IT, CachedChart, Entry
from depin_helm.charts.lock import Lock
from depin_helm.errors import ChartError

if TYPE_CHECKING:
    from depin_helm.charts.repository import Policy, Progress

_WAIT = 120.0  # seconds for another process's writing, which takes less than one


class Change(StrEnum):
    """What an import or a pull did to the cache."""

    NEW = "new"
    UNCHANGED = "unchanged"
    REPLACED = "replaced"  # another content of that version was the current one
    REPAIRED = "repaired"  # the cache held it, damaged


@dataclass(frozen=True)
class Imported:
    """A chart that an import or a pull has put, or left, in the cache."""

    chart: CachedChart
    change: Change


class IncompleteError(ChartError):
    """Some of several charts failed; `done` holds the others, which are in the cache."""

    def __init__(
        self, message: str, failures: Sequence[ChartError], done: Sequence[Imported] = (), *, hint: str = ""
    ) -> None:
        lines = "".join(f"\n  {failure.message}" for failure in failures)
        hints = dict.fromkeys([*(failure.hint for failure in failures), hint])
        super().__init__(f"{message}:{lines}", hint="; ".join(filter(None, hints)))
        self.done = tuple(done)


class State(StrEnum):
    """How a chart that a project depends on stands in cache and charts.lock."""

    OK = "ok"
    MISSING = "missing"  # not in the cache
    DAMAGED = "damaged"  # in the cache, unusable
    UNLOCKED = "not locked"  # in the cache, not in charts.lock
    MISMATCH = "mismatch"  # in the cache, with another content than charts.lock records


@dataclass(frozen=True)
class Verified:
    """The state of one dependency; its content digest in cache and in charts.lock, "" where it has none."""

    dependency: Dependency
    state: State
    cached: str
    locked: str
    detail: str = ""


@dataclass(frozen=True)
class Cache:
    """The chart cache under `root`, which is made when something is first put into it.

    Every method may raise ChartError: which chart, what is wrong with it, what to do.
    """

    root: Path

    @property
    def folder(self) -> Path:
        """The folder of the entries."""
        return self.root / "charts"

    def get(self, name: str, version: str, digest: str = "") -> CachedChart:
        """The chart with that content `digest`, or the current one; its archive's bytes are verified.

        Raises:
            ChartError: it is not there, or damaged.
        """
        entry = self._entry(name, version)
        wanted = digest or (entry.current if entry else "")
        if entry is None or wanted not in entry.archives:
            content = f" with the content {digest}" if entry else ""
            raise ChartError(f"{name} {version}{content} is not in the chart cache {self.root}", hint=GET_IT)
        chart = entry.chart(wanted)
        if chart.damage:
            raise ChartError(f"{chart} in the chart cache is damaged: {chart.damage}", hint=GET_IT)
        return chart

    def resolve(self, lock: Lock) -> tuple[CachedChart, ...]:
        """The chart of each upstream dependency, with the content that charts.lock records, if it does.

        Raises:
            IncompleteError: some are missing or damaged; all of them are named.
        """
        charts, failures = [], []
        for wanted in lock.upstream:
            try:
                charts.append(self.get(wanted.name, wanted.version, lock.digest(wanted.name, wanted.version)))
            except ChartError as error:
                failures.append(_about(wanted, error))
        if failures:
            raise IncompleteError(f"{len(failures)} of {len(lock.upstream)} charts cannot be used", failures)
        return tuple(charts)

    def list(self) -> tuple[CachedChart, ...]:
        """All charts, sorted, damaged ones included; of several contents of a version the current first."""
        charts: list[CachedChart] = []
        for folder in sorted(file.parent for file in self.folder.glob(f"*/{FILE}")):
            try:
                entry = Entry.read(folder)
            except ChartError as error:
                charts.append(CachedChart(folder.name, "", "", folder, damage=error.message))
                continue
            charts += map(entry.chart, sorted(entry.archives, key=lambda digest: digest != entry.current))
        return tuple(charts)

    def import_(self, paths: Iterable[Path], lock: Lock | None = None) -> tuple[Imported, ...]:
        """Put archives, and those (`*.tgz`, `*.tar.gz`) right in the given folders, into the cache.

        With `lock`, a chart that the project depends on must have the content that charts.lock records; its
        first content is recorded there.

        Raises:
            IncompleteError: some were refused; the others are in the cache.
        """
        done: list[Imported] = []
        failures: list[ChartError] = []
        for path in paths:
            try:
                files = _archives(path)
            except ChartError as error:
                failures.append(error)
                continue
            for file in files:
                try:
                    done.append(self._admit(archive.read_bytes(file), str(file), lock))
                except ChartError as error:
                    failures.append(error)
        if failures:
            raise IncompleteError(
                f"{len(failures)} of {len(failures) + len(done)} could not be imported", failures, done
            )
        return tuple(done)

    def pull(
        self,
        dependencies: Iterable[Dependency],
        lock: Lock | None = None,
        *,
        progress: Progress | None = None,
        policy: Policy | None = None,
    ) -> tuple[Imported, ...]:
        """Download the upstream ones of `dependencies` from their repositories, in parallel.

        What the cache holds is not downloaded again, if charts.lock records it: the content that is recorded
        first is the repository's own. Without `lock` whatever the cache holds will do.

        Raises:
            IncompleteError: some could not be pulled; the others are in the cache.
        """
        upstream = tuple(dict.fromkeys(dependency for dependency in dependencies if dependency.upstream))
        done = {dependency: chart for dependency in upstream if (chart := self._present(dependency, lock))}
        failures: dict[Dependency, ChartError] = {}
        if missing := [dependency for dependency in upstream if dependency not in done]:
            from depin_helm.charts import repository  # the HTTP client is slow to import and rarely needed

            downloads = repository.download(
                missing, progress or (lambda *_: None), policy or repository.Policy()
            )
            with closing(downloads):
                for dependency, outcome in downloads:
                    try:
                        if isinstance(outcome, ChartError):
                            raise outcome
                        done[dependency] = self._admit(outcome, "the archive", lock, dependency)
                    except ChartError as error:
                        failures[dependency] = _about(dependency, error)
        results = [done[dependency] for dependency in upstream if dependency in done]
        if failures:
            raise IncompleteError(
                f"{len(failures)} of {len(upstream)} charts could not be pulled",
                [failures[dependency] for dependency in upstream if dependency in failures],
                results,
                hint="check connection and proxy and run `depin-helm charts pull` again, or get the archives "
                "elsewhere and run `depin-helm charts import FILE...`",
            )
        return tuple(results)

    def verify(self, lock: Lock) -> tuple[Verified, ...]:
        """Check every upstream dependency against charts.lock, reading the archives in full."""
        return tuple(
            self._verify(wanted, lock.digest(wanted.name, wanted.version)) for wanted in lock.upstream
        )

    def _verify(self, wanted: Dependency, locked: str) -> Verified:
        try:
            entry = self._entry(wanted.name, wanted.version)
            if entry is None:
                return Verified(wanted, State.MISSING, "", locked)
            chart = self.get(wanted.name, wanted.version, locked if locked in entry.archives else "")
            found = archive.content_digest(chart.archive)
        except ChartError as error:
            return Verified(wanted, State.DAMAGED, "", locked, error.message)
        if found != chart.digest:
            detail = f"its content is {found}, but the cache records {chart.digest}"
            return Verified(wanted, State.DAMAGED, found, locked, detail)
        state = State.UNLOCKED if not locked else State.OK if found == locked else State.MISMATCH
        return Verified(wanted, state, found, locked)

    def _present(self, wanted: Dependency, lock: Lock | None) -> Imported | None:
        digest = lock.digest(wanted.name, wanted.version) if lock else ""
        if lock and (lock.update or not digest):
            return None
        try:
            return Imported(self.get(wanted.name, wanted.version, digest), Change.UNCHANGED)
        except ChartError:
            return None

    def _entry(self, name: str, version: str) -> Entry | None:
        folder = self.folder / f"{name}-{version}"
        return Entry.read(folder) if exact(version) and (folder / FILE).exists() else None

    def _admit(
        self, data: bytes, source: str, lock: Lock | None, wanted: Dependency | None = None
    ) -> Imported:
        contents = archive.read(data, source)
        name, version, digest = contents.name, contents.version, contents.digest
        if wanted and (name, version) != (wanted.name, wanted.version):
            raise ChartError(f"{source} holds {name} {version}")
        with self._writing():
            if lock:
                lock.check(name, version, digest, source)
            imported = self._store(data, name, version, digest)
            if lock:
                lock.record(name, version, digest)
        return imported

    def _store(self, data: bytes, name: str, version: str, digest: str) -> Imported:
        folder = self.folder / f"{name}-{version}"
        folder.mkdir(exist_ok=True)
        for partial in folder.glob(atomic.PARTIAL):  # of a process that was killed
            partial.unlink()
        archives: dict[str, str] = {}
        change = Change.NEW
        if (folder / FILE).exists():
            try:
                before = Entry.read(folder)
            except ChartError:
                change = Change.REPAIRED
            else:
                change = Change.UNCHANGED if before.current == digest else Change.REPLACED
                archives |= before.archives
                if digest in archives and before.chart(digest).damage:
                    change = Change.REPAIRED
                    del archives[digest]
        if digest not in archives:
            archives[digest] = hashlib.sha256(data).hexdigest()
            atomic.write(folder / f"{archives[digest]}.tgz", data)
        entry = Entry(folder, name, version, digest, archives)
        entry.write()
        return Imported(entry.chart(digest), change)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Keep other processes from writing, to the cache and to the charts.lock that goes with it."""
        import filelock  # brings asyncio along, and reading does without

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(self.folder / ".lock", timeout=_WAIT):
                yield
        except filelock.Timeout as error:
            raise ChartError(
                f"another process has been writing to the chart cache {self.root} for {_WAIT:g} s",
                hint="wait for it, or end it",
            ) from error
        except OSError as error:
            raise ChartError(
                f"cannot write to the chart cache {self.root}: {error.strerror}",
                hint="DEPIN_HELM_CACHE chooses another folder",
            ) from error


def _about(dependency: Dependency, error: ChartError) -> ChartError:
    """The error with the chart and where it comes from."""
    return ChartError(
        f"{dependency} from {redacted(dependency.repository)}: {error.message}", hint=error.hint
    )


def _archives(path: Path) -> tuple[Path, ...]:
    """`path` itself, or the archives in that folder."""
    if not path.is_dir():
        return (path,)
    try:
        found = sorted(file for file in path.iterdir() if file.name.endswith((".tgz", ".tar.gz")))
    except OSError as error:
        raise ChartError(f"cannot read {path}: {error.strerror}") from error
    if not found and (path / "Chart.yaml").exists():
        raise ChartError(
            f"{path} is an unpacked chart", hint=f"run `helm package {path}` and import its result"
        )
    if not found:
        raise ChartError(f"there is no .tgz file in {path}")
    return tuple(found)
