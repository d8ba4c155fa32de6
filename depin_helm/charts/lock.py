"""charts.lock: what the charts that a project depends on hold, so that nobody can change them unseen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from depin_helm import yamlio
from depin_helm.charts import atomic
from depin_helm.charts.dependency import Dependency, redacted
from depin_helm.errors import ChartError

_HEADER = (
    "# Content digests of the upstream charts, written by `depin-helm charts pull` and `charts import`.\n"
    "# Commit this file: a chart whose content differs is refused.\n"
)


@dataclass(frozen=True, order=True)
class Locked:
    """One chart in charts.lock; `digest` is the content digest `sha256:<hex>`."""

    name: str
    version: str
    repository: str
    digest: str


@dataclass(frozen=True)
class Lock:
    """A project's charts.lock and the charts that it is for.

    `dependencies` are those of the umbrella chart; local ones are left out. With `update`
    (`--update-lock`) a changed chart is recorded instead of refused.
    """

    file: Path
    dependencies: tuple[Dependency, ...]
    update: bool = False

    @property
    def upstream(self) -> tuple[Dependency, ...]:
        """The dependencies that come from a repository."""
        return tuple(dependency for dependency in self.dependencies if dependency.upstream)

    def entries(self) -> tuple[Locked, ...]:
        """What the file records, sorted; nothing if there is no file.

        Raises:
            ChartError: the file cannot be read, or is malformed.
        """
        try:
            data = yamlio.load(self.file.read_bytes())
            entries = tuple(sorted(Locked(**entry) for entry in data["charts"]))
            if not all(isinstance(text, str) for entry in entries for text in asdict(entry).values()):
                raise TypeError("not text")
            if not all(re.fullmatch("sha256:[0-9a-f]{64}", entry.digest) for entry in entries):
                raise ValueError("no digest")
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ChartError(f"cannot read {self.file}: {error.strerror}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise ChartError(
                f"{self.file} is malformed: `charts` must list name, version, repository and digest",
                hint="restore it from version control, or remove it and run `depin-helm charts pull`",
            ) from error
        return entries

    def digest(self, name: str, version: str) -> str:
        """The content digest recorded for a chart, or the empty string.

        Raises:
            ChartError: see `entries`.
        """
        for entry in self.entries():
            if (entry.name, entry.version) == (name, version):
                return entry.digest
        return ""

    def check(self, name: str, version: str, digest: str, source: str) -> None:
        """Accept the content `digest` of a chart, unless another one is recorded and not to be updated.

        Raises:
            ChartError: another one is; `source` names the refused archive.
        """
        locked = self.digest(name, version)
        if locked and locked != digest and not self.update:
            raise ChartError(
                f"{source}: the content of {name} {version} is {digest}, but {self.file} records {locked}",
                hint="if the change is wanted, run the command again with --update-lock; "
                "otherwise find out who changed the chart",
            )

    def record(self, name: str, version: str, digest: str) -> None:
        """Write the chart's content `digest` into the file, if the project depends on that version.

        Entries of versions that it no longer depends on are dropped; comments stay. The file is replaced as a
        whole, and only if it changes. The caller keeps other processes away.

        Raises:
            ChartError: the file cannot be written, or is malformed.
        """
        before = self.entries()
        digests = {(entry.name, entry.version): entry.digest for entry in before} | {(name, version): digest}
        after = sorted(
            {
                Locked(wanted.name, wanted.version, redacted(wanted.repository), digests[key])
                for wanted in self.upstream
                if (key := (wanted.name, wanted.version)) in digests
            }
        )
        if tuple(after) == before:
            return
        try:
            text = self.file.read_text() if before else _text(())
            touched = text != _text(before)
            text = yamlio.edited(text, partial(_update, after)) if touched else _text(after)
            atomic.write(self.file, text.encode())
        except OSError as error:
            raise ChartError(
                f"cannot write {self.file}: {error.strerror}",
                hint="choose a project that you may write to: --project DIR",
            ) from error


def _text(entries: Sequence[Locked]) -> str:
    """The file as it is before a person touches it."""
    return _HEADER + yamlio.dump({"charts": [asdict(entry) for entry in entries]})


def _update(entries: Sequence[Locked], document: dict[str, Any]) -> None:
    """Make the document hold these entries; what is new comes last, so that comments stay at their charts."""
    wanted = {(entry.name, entry.version): asdict(entry) for entry in entries}
    for number, entry in reversed(list(enumerate(document["charts"]))):
        fields = wanted.pop((entry["name"], entry["version"]), None)
        if fields is None:
            del document["charts"][number]
        else:
            entry.update(fields)
    document["charts"] += wanted.values()
