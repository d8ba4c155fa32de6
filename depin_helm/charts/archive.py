"""Chart archives: what they hold, and the digest of it."""

from __future__ import annotations

import codecs
import hashlib
import itertools
import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from depin_helm.charts.dependency import identity, parse
from depin_helm.charts.unpack import MAX_ARCHIVE, MIB, Budget, refused, unpack
from depin_helm.errors import ChartError

MAX_DEPTH: Final = 4  # archives in archives
MAX_METADATA: Final = MIB  # Chart.yaml and Chart.lock
MAX_NODES: Final = 50_000  # scalars, lists and mappings in one of those, aliases written out

_NESTED = re.compile(r"(charts/[^/]+/)*charts/[^/_.][^/]*\.tgz")
_METADATA = re.compile(r"(charts/[^/]+/)*(Chart\.yaml|Chart\.lock)")


@dataclass(frozen=True)
class Contents:
    """A chart as its archive holds it.

    `files` maps each path inside the chart's folder to its bytes, sorted by path. Archives under `charts/`
    are replaced by what they hold, as `helm package` does: `charts/<name>/…`.

    `digest` is the content digest, `sha256:<hex>`: of file names and bytes, however they were packed. It is
    the SHA-256 of a listing in `sha256sum`'s format, a line `<hex>  <path>` for each of `files`. Two things
    are evened out first, because Helm rewrites them, so that a folder packed by hand has the digest of the
    official archive:

    - a byte order mark at a file's start is left out;
    - of each Chart.yaml and Chart.lock the *data* counts, as JSON with sorted keys: comments, order,
      quoting, empty or false entries, kinds of white space and a lock's `generated` time do not.

    Whatever else differs, differs: files that `.helmignore` names, for instance, count if they are in the
    archive, since Helm reads them from there.
    """

    name: str
    version: str
    digest: str
    files: Mapping[str, bytes]


def content_digest(archive: Path) -> str:
    """The content digest (see `Contents`) of the chart archive in file `archive`.

    Raises:
        ChartError: the archive cannot be read or is refused.
    """
    return read_file(archive).digest


def extract(archive: Path, destination: Path) -> Contents:
    """Unpack `archive` so that `destination` is the chart's folder: all of it, or nothing.

    Raises:
        ChartError: the archive is refused, or `destination` is there already and not an empty folder.
    """
    contents = read_file(archive)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as scratch:
            folder = Path(scratch) / contents.name
            for path, data in contents.files.items():
                file = folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
            folder.rename(destination)
    except OSError as error:
        raise ChartError(f"cannot unpack {archive} to {destination}: {error.strerror}") from error
    return contents


def read_file(archive: Path) -> Contents:
    """The chart in file `archive`.

    Raises:
        ChartError: the file cannot be read, or the archive is refused.
    """
    return read(read_bytes(archive), str(archive))


def read_bytes(archive: Path) -> bytes:
    """The bytes of a regular file of at most `MAX_ARCHIVE`.

    Raises:
        ChartError: there is no such file, it cannot be read, or is larger.
    """
    try:
        if not archive.is_file():
            raise ChartError(f"{archive} is not a file" if archive.exists() else f"there is no {archive}")
        with archive.open("rb") as file:
            data = file.read(MAX_ARCHIVE + 1)
    except OSError as error:
        raise ChartError(f"cannot read {archive}: {error.strerror}") from error
    if len(data) > MAX_ARCHIVE:
        raise refused(str(archive), f"it is larger than {MAX_ARCHIVE // MIB} MiB")
    return data


def read(data: bytes, source: str) -> Contents:
    """The chart in `data`, the bytes of a .tgz file; `source` names it in messages.

    Raises:
        ChartError: it is damaged, or holds what no chart needs; the message says what.
    """
    name, version, files = _read(data, source, Budget(), depth=1)
    files = dict(sorted(files.items()))
    lines = (f"{hashlib.sha256(_even(path, files[path], source)).hexdigest()}  {path}\n" for path in files)
    digest = "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()
    return Contents(name, version, digest, MappingProxyType(files))


def _read(data: bytes, source: str, budget: Budget, depth: int) -> tuple[str, str, dict[str, bytes]]:
    if depth > MAX_DEPTH:
        raise refused(source, f"archives are nested more than {MAX_DEPTH} deep")
    top, files = unpack(data, source, budget)
    for path in [path for path in files if _NESTED.fullmatch(path)]:
        inner, _, nested = _read(files.pop(path), f"{source}, {path}", budget, depth + 1)
        folder = f"{path.rpartition('/')[0]}/{inner}/"
        if any(f"{other}/".casefold().startswith(folder.casefold()) for other in files):
            raise refused(source, f"it holds {folder} twice")
        files.update({folder + below: content for below, content in nested.items()})
    if "Chart.yaml" not in files:
        raise refused(source, "it holds no Chart.yaml")
    for path, content in files.items():
        if _METADATA.fullmatch(path) and len(content) > MAX_METADATA:
            raise refused(source, f"its {path} is larger than {MAX_METADATA // MIB} MiB")
    label = f"{source}, Chart.yaml"
    name, version = identity(parse(files["Chart.yaml"], label), label)
    if name != top:
        raise refused(source, f"its folder is {top!r}, but Chart.yaml names the chart {name!r}")
    return name, version, files


def _even(path: str, data: bytes, source: str) -> bytes:
    """The bytes that count for the content digest (see `Contents`)."""
    data = data.removeprefix(codecs.BOM_UTF8)
    if not _METADATA.fullmatch(path):
        return data
    metadata = parse(data, f"{source}, {path}")
    if path.endswith("Chart.lock"):
        metadata.pop("generated", None)
    else:
        metadata.setdefault("apiVersion", "v1")  # as Helm takes it
    nodes = itertools.count(1)

    def plain(node: Any) -> Any:
        if next(nodes) > MAX_NODES:
            raise refused(source, f"its {path} is too large with its aliases written out")
        if isinstance(node, dict):
            items = ((str(key), plain(value)) for key, value in node.items())
            return {key: value for key, value in items if value not in ("", "false", [], {})}
        if isinstance(node, list):
            return [plain(item) for item in node]
        if isinstance(node, bool):
            return str(node).lower()
        # Nearly all of Helm's fields are text: `appVersion: 1.10` comes back as "1.1", `8.0` as "8".
        if isinstance(node, float):
            return str(node).removesuffix(".0")
        return "" if node is None else re.sub(r"\s", " ", str(node))

    try:
        return json.dumps(plain(metadata), sort_keys=True).encode()
    except RecursionError as error:
        raise refused(source, f"its {path} is nested too deeply") from error
