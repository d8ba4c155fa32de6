"""Finds a Helm that depin-helm can work with."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from depin_helm.errors import HelmError

#: Oldest Helm whose flags are known to be right: 3.14 brought `--dry-run=server` with `lookup`.
OLDEST = (3, 14, 0)
SUPPORTED_MAJORS = (3, 4)

_FIX = "install Helm 4 (or 3.14 and newer), or point DEPIN_HELM_BIN at one"


@dataclass(frozen=True)
class Binary:
    """A Helm program; `version` is (major, minor, patch), patch 0 where the build does not tell."""

    path: Path
    version: tuple[int, int, int]

    @property
    def major(self) -> int:
        """3 or 4: their flags differ."""
        return self.version[0]

    def __str__(self) -> str:
        return f"Helm {'.'.join(map(str, self.version))} ({self.path})"


def find_helm(
    environ: Mapping[str, str], build: Callable[[], Path] | None = None, memory: Path | None = None
) -> Binary:
    """The Helm to use: `DEPIN_HELM_BIN` if set, else `helm` from `PATH`, else what `build` makes.

    The file `memory` keeps the version of a Helm that has not changed since it was asked: asking takes
    as long as rendering a small chart.

    Raises:
        HelmError: there is none, or it does not run, or its version is not supported.
    """
    chosen = environ.get("DEPIN_HELM_BIN")
    if chosen:
        path = Path(chosen)
        if not path.is_file():
            raise HelmError(f"DEPIN_HELM_BIN names {chosen}, which is no file", hint=_FIX)
    elif found := shutil.which("helm", path=environ.get("PATH", "")):
        path = Path(found)
    elif build is not None:
        path = build()
    else:
        raise HelmError("there is no helm in PATH", hint=_FIX)
    return Binary(path, _remembered(path, environ, memory) if memory else _supported(path, environ))


def _remembered(path: Path, environ: Mapping[str, str], memory: Path) -> tuple[int, int, int]:
    stat = path.stat()
    key = f"{path.absolute()} {stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        major, minor, patch = json.loads(memory.read_bytes())[key]
        return int(major), int(minor), int(patch)
    version = _supported(path, environ)
    with contextlib.suppress(OSError):  # a folder that cannot be written costs time only
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps({key: version}))
    return version


def _supported(path: Path, environ: Mapping[str, str]) -> tuple[int, int, int]:
    command = [str(path), "version", "--template", "{{ .Version }}"]
    try:
        result = subprocess.run(
            command, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = error.strerror if isinstance(error, OSError) else "no answer for 30 seconds"
        raise HelmError(f"{path} cannot be run: {reason}", hint=_FIX) from error
    # A build without linker flags says "v4.3".
    match = re.fullmatch(
        r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?", result.stdout.decode(errors="replace").strip()
    )
    if result.returncode != 0 or match is None:
        raise HelmError(f"{path} is not Helm: `{path.name} version` gave no version", hint=_FIX)
    version = (int(match[1]), int(match[2]), int(match[3] or 0))
    if version < OLDEST or version[0] not in SUPPORTED_MAJORS:
        raise HelmError(f"{path} is Helm {'.'.join(map(str, version))}, which is not supported", hint=_FIX)
    return version
