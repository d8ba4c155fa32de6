"""One version of one chart in the cache: a folder with its archives and an entry.json that names them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from depin_helm.charts import atomic
from depin_helm.charts.archive import read_bytes
from depin_helm.errors import ChartError

FILE = "entry.json"
GET_IT = (
    "`depin-helm charts pull` downloads it; without internet access, "
    "`depin-helm charts import FILE...` takes the archive from elsewhere"
)


@dataclass(frozen=True)
class CachedChart:
    """A chart in the cache; `digest` is its content digest `sha256:<hex>`, `archive` its .tgz file.

    `damage` says what is wrong with it; only `Cache.list` gives charts that have any.
    """

    name: str
    version: str
    digest: str
    archive: Path
    damage: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Entry:
    """`archives` maps each content digest to the SHA-256 of the archive's bytes, which is its file's name."""

    folder: Path
    name: str
    version: str
    current: str
    archives: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path) -> Entry:
        """The entry in `folder`.

        Raises:
            ChartError: it is damaged or missing.
        """
        file = folder / FILE
        try:
            data = json.loads(file.read_bytes())
            entry = cls(folder, data["name"], data["version"], data["current"], dict(data["archives"]))
            if folder.name != f"{entry.name}-{entry.version}" or entry.current not in entry.archives:
                raise ValueError("does not fit")
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise ChartError(f"{file} is damaged or missing", hint=GET_IT) from error
        return entry

    def write(self) -> None:
        """Write entry.json; the archives that it names are there already."""
        data = {
            "name": self.name,
            "version": self.version,
            "current": self.current,
            "archives": dict(self.archives),
        }
        atomic.write(self.folder / FILE, json.dumps(data, indent=1).encode())

    def chart(self, digest: str) -> CachedChart:
        """The chart with that content, whose archive's bytes are verified."""
        sha256 = self.archives[digest]
        file = self.folder / f"{sha256}.tgz"
        damage = ""
        try:
            if hashlib.sha256(read_bytes(file)).hexdigest() != sha256:
                damage = f"{file} is not what was put there"
        except ChartError as error:
            damage = error.message
        return CachedChart(self.name, self.version, digest, file, damage)
