"""Keeps what charts take, by their content, so that templates are followed once.

A file is the SHA-256 of what follows, and JSON; one that is damaged is made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from depin_helm.charts import CachedChart, atomic, read_file
from depin_helm.upstream.finding_out import interface
from depin_helm.upstream.interface import Interface

#: Changes when the files' meaning does and no module of this package did.
_VERSION = 1


def load(charts: Mapping[str, CachedChart], cache: Path) -> dict[str, Interface]:
    """What each of `charts` takes, under the same name; `cache` is the folder that also holds the archives.

    Where the cache cannot be written, charts are read from their archives each time.

    Raises:
        ChartError: an archive cannot be read.
    """
    return {name: _kept(chart, cache / "interfaces") for name, chart in charts.items()}


def _kept(chart: CachedChart, folder: Path) -> Interface:
    file = folder / f"{chart.digest.removeprefix('sha256:')}-{_format()}.json"
    try:
        checksum, _, content = file.read_bytes().partition(b"\n")
        if checksum == _checksum(content):
            return Interface.from_json(json.loads(content))
    except OSError:
        pass
    found = interface(read_file(chart.archive))
    content = json.dumps(found.to_json(), separators=(",", ":")).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for older in folder.glob(f"{file.name.partition('-')[0]}-*.json"):
            older.unlink(missing_ok=True)
        atomic.write(file, _checksum(content) + b"\n" + content)
    except OSError:
        return found  # the next command looks again
    return found


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


@cache
def _format() -> str:
    """What the files' content depends on beside the charts: the code that makes it."""
    digest = hashlib.sha256(str(_VERSION).encode())
    package = Path(__file__).parents[1]
    for file in sorted([*package.glob("upstream/*.py"), *package.glob("yamlio/*.py")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
