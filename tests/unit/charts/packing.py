"""Chart archives made by hand, good ones and bad ones."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, data: bytes = b"", **attributes: Any) -> Member:
    """A member of a tar archive; `attributes` are set on its TarInfo."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info, data


def tar(members: Iterable[Member], **options: Any) -> bytes:
    """The bytes of a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def tgz(members: Iterable[Member], level: int = 6, mtime: float = 0, **options: Any) -> bytes:
    """The bytes of a .tgz archive."""
    return gzip.compress(tar(members, **options), level, mtime=mtime)


def metadata(name: str = "demo", version: str = "1.0.0") -> bytes:
    """A Chart.yaml."""
    return f"apiVersion: v2\nname: {name}\nversion: {version}\n".encode()


def members(
    files: Mapping[str, bytes] | None = None, name: str = "demo", version: str = "1.0.0"
) -> list[Member]:
    """A chart's members: Chart.yaml, then `files`, which may hold another one."""
    return [
        member(f"{name}/{path}", data)
        for path, data in ({"Chart.yaml": metadata(name, version)} | dict(files or {})).items()
    ]


def chart(
    files: Mapping[str, bytes] | None = None, name: str = "demo", version: str = "1.0.0", level: int = 1
) -> bytes:
    """A chart's archive."""
    return tgz(members(files, name, version), level)
