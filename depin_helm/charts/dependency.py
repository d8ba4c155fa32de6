"""What a Chart.yaml says: a chart's name and version, and the charts that it depends on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from depin_helm import yamlio
from depin_helm.errors import ChartError

# Both become file names, so both are narrower than what Helm accepts.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_VERSION = re.compile(r"v?\d+(\.\d+){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


@dataclass(frozen=True)
class Dependency:
    """One entry of `dependencies` in a Chart.yaml; what is left out there is the empty string."""

    name: str
    version: str
    repository: str = ""
    condition: str = ""
    alias: str = ""

    @property
    def upstream(self) -> bool:
        """Whether the chart comes from a repository, not from the umbrella's own `charts/` folder."""
        return bool(self.repository) and not self.repository.startswith("file:")

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def dependencies(chart: Path) -> tuple[Dependency, ...]:
    """The dependencies that the chart in folder `chart` declares, in its own order.

    Raises:
        ChartError: there is no Chart.yaml, or it is malformed.
    """
    file = chart / "Chart.yaml"
    try:
        data = parse(file.read_bytes(), str(file))
    except OSError as error:
        raise ChartError(f"cannot read {file}: {error.strerror}") from error
    entries = data.get("dependencies") or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ChartError(f"{file}: `dependencies` is not a list of mappings")
    found = []
    for entry in entries:
        fields = {key: str(entry.get(key) or "") for key in Dependency.__dataclass_fields__}
        if not _NAME.fullmatch(fields["name"]) or not fields["version"]:
            raise ChartError(f"{file}: a dependency needs a name and a version: {fields['name']!r}")
        found.append(Dependency(**fields))
    return tuple(found)


def parse(data: bytes, source: str) -> dict[str, Any]:
    """Chart.yaml as a mapping; `source` names it in messages.

    Raises:
        ChartError: it is no mapping in YAML.
    """
    try:
        loaded = yamlio.load(data)
    except yamlio.YAMLError as error:
        raise ChartError(f"{source} is not YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise ChartError(f"{source} is not a mapping")
    return loaded


def identity(metadata: Mapping[str, Any], source: str) -> tuple[str, str]:
    """Name and version from a parsed Chart.yaml, safe to use in file names.

    Raises:
        ChartError: one of them is missing or not acceptable.
    """
    name, version = str(metadata.get("name") or ""), str(metadata.get("version") or "")
    if not _NAME.fullmatch(name):
        raise ChartError(f"{source}: {name!r} is no chart name")
    if not exact(version):
        raise ChartError(f"{source}: {version!r} is no version")
    return name, version


def exact(version: str) -> bool:
    """Whether `version` is one version, as opposed to a range such as `0.12.*`."""
    return len(version) < 128 and _VERSION.fullmatch(version) is not None


def redacted(url: str) -> str:
    """`url` without what may be a secret: user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(an address that cannot be read)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
