"""Unpacking untrusted .tgz bytes into memory.

Everything is checked before anything is used, and `tarfile` never writes a file. Where Python's and Go's
readers could see different files in the same bytes (data after the end, sparse files, global headers,
several gzip members, damaged headers), the archive is refused: what is checked here is what Helm will see.
"""

from __future__ import annotations

import io
import itertools
import re
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from depin_helm.errors import ChartError

MIB: Final = 1024 * 1024
# The largest real chart, kube-prometheus-stack, has 0.9 MiB packed, 6.5 MiB unpacked (7.6 times as much),
# 308 files, the largest of them 0.8 MiB. Helm itself refuses charts over 100 MiB unpacked.
MAX_ARCHIVE: Final = 32 * MIB
MAX_UNPACKED: Final = 64 * MIB  # nested archives included, as in MAX_FILES
MAX_RATIO: Final = 100  # unpacked to packed, above 1 MiB unpacked
MAX_FILES: Final = 10_000
MAX_FILE: Final = 16 * MIB
MAX_PATH: Final = 1024  # bytes
MAX_NAME: Final = 255  # bytes of one part of a path, as file systems have it

_KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
}


@dataclass
class Budget:
    """What may still be unpacked; an archive shares it with those nested in it."""

    unpacked: int = MAX_UNPACKED
    files: int = MAX_FILES


def refused(source: str, reason: str) -> ChartError:
    """The error for an archive that is not taken; `source` names it."""
    return ChartError(
        f"{source} is refused: {reason}",
        hint="fetch the archive again from the chart's own repository",
    )


def unpack(data: bytes, source: str, budget: Budget) -> tuple[str, dict[str, bytes]]:
    """The name of the one top folder in a .tgz, and the files in it: path below that folder → bytes.

    Raises:
        ChartError: it is damaged, larger than `budget`, or holds what no chart needs; the message says what.
    """
    tar = _gunzip(data, source, budget)
    members = _members(tar, source, budget)
    tops = {member.name.partition("/")[0] for member in members}
    if len(tops) != 1:
        raise refused(source, f"it holds {len(tops)} top folders, not one")
    return tops.pop(), _tree(tar, members, source)


def _gunzip(data: bytes, source: str, budget: Budget) -> bytes:
    limit = min(budget.unpacked, max(MIB, len(data) * MAX_RATIO))
    inflater = zlib.decompressobj(wbits=31)  # gzip, checksum included
    try:
        unpacked = inflater.decompress(data, limit + 1)
    except zlib.error as error:
        raise refused(source, f"it is no gzip archive or damaged ({error})") from error
    if len(unpacked) > limit:
        raise refused(
            source,
            f"it unpacks to more than {MAX_UNPACKED // MIB} MiB, or to more than {MAX_RATIO} times its size",
        )
    if not inflater.eof:
        raise refused(source, "it is cut off")
    if inflater.unused_data:
        raise refused(source, "there is data after its end")
    budget.unpacked -= len(unpacked)
    return unpacked


def _members(tar: bytes, source: str, budget: Budget) -> list[tarfile.TarInfo]:
    """The files and folders in a tar archive, each harmless by itself."""
    try:
        with tarfile.open(fileobj=io.BytesIO(tar), mode="r:", encoding="utf-8", errors="strict") as archive:
            members = list(itertools.islice(archive, budget.files + 1))
            headers, end = archive.pax_headers, archive.offset
    except UnicodeDecodeError as error:
        raise refused(source, "a name in it is not UTF-8") from error
    except Exception as error:  # whatever tarfile trips over, it is not a tar archive that we want
        raise refused(source, f"its tar archive is damaged ({type(error).__name__})") from error
    if len(members) > budget.files:
        raise refused(source, f"it holds more than {MAX_FILES} files")
    budget.files -= len(members)
    for member in members:
        if fault := _name_fault(member.name) or _fault(member, len(tar)):
            raise refused(source, f"{member.name!r} {fault}")
    if set(headers) - {"comment"}:  # `git archive` leaves the commit there; others rename members
        raise refused(source, "it has a global header")
    if tar[end:].strip(b"\0"):  # tarfile takes a damaged header for the end
        raise refused(source, "its tar archive is damaged, or there is data after its end")
    return members


def _name_fault(name: str) -> str:
    parts = name.split("/")
    if not name.isprintable():
        return "has unprintable characters in its name"
    if "\\" in name:
        return "has a backslash in its name"
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "is an absolute path"
    if not {"", ".", ".."}.isdisjoint(parts):
        return "is not a plain relative path"
    if len(name.encode()) > MAX_PATH or max(len(part.encode()) for part in parts) > MAX_NAME:
        return "has too long a name"
    return ""


def _fault(member: tarfile.TarInfo, end: int) -> str:
    if member.type in _KINDS:
        return f"is {_KINDS[member.type]}"
    if member.issparse() or member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE):
        return "is no regular file"
    if member.isdir():
        return ""
    if "/" not in member.name:
        return "lies outside the chart's folder"
    if member.size > MAX_FILE:
        return f"is larger than {MAX_FILE // MIB} MiB"
    if not 0 <= member.size <= end - member.offset_data:
        return "is cut off"
    return ""


def _tree(tar: bytes, members: Iterable[tarfile.TarInfo], source: str) -> dict[str, bytes]:
    """The files by their path below the top folder, where no two paths clash on any file system."""
    files: dict[str, bytes] = {}
    folders: set[str] = set()
    spelling: dict[str, str] = {}  # of every path, by its case-folded form
    for member in members:
        parts = member.name.split("/")[1:]
        paths = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        for path in paths:
            if spelling.setdefault(path.casefold(), path) != path:
                raise refused(source, f"{path!r} differs from another name only by case")
        if member.isdir():
            folders.update(paths)
            continue
        *parents, path = paths
        if path in files:
            raise refused(source, f"it holds {path!r} twice")
        files[path] = tar[member.offset_data : member.offset_data + member.size]
        folders.update(parents)
    if clash := folders & files.keys():
        raise refused(source, f"{min(clash)!r} is both a file and a folder")
    return files
