"""Looks for secret values in whatever a program wrote, said or left, in all forms that they may take."""

from __future__ import annotations

import base64
import gzip
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, quote_plus

#: Shorter ones would be found by chance.
_SHORTEST = 12


def forms(value: bytes) -> frozenset[bytes]:
    """The value itself, base64 wherever in a text it stands, and URL-encoded; of a file each line's secret.

    In a line such as `user:hash`, or of several words, the part behind the last colon counts alone.
    """
    parts = {value.strip(), *(line.strip() for line in value.splitlines())}
    parts |= {part.rpartition(b":")[2] for part in parts}
    found = set()
    for part in parts:
        if len(part) >= _SHORTEST:
            found |= {part, quote(part, safe="").encode(), quote_plus(part).encode(), *_base64(part)}
    return frozenset(found)


def find(secrets: Mapping[str, bytes], places: Mapping[str, bytes]) -> list[str]:
    """`SECRET in PLACE` for each secret, by its name, that is somewhere in a place."""
    wanted = {name: forms(value) for name, value in secrets.items()}
    assert all(wanted.values()), "a value that is too short to be looked for"
    return [
        f"{name} in {place}"
        for place, text in places.items()
        for layer in [b"\0".join(_unpacked(text))]
        for name, needles in wanted.items()
        if any(needle in layer for needle in needles)
    ]


def files(folders: Iterable[Path], *, since: float = 0.0) -> dict[str, bytes]:
    """All files in these folders that were changed after `since`, a time as files have it."""
    found = {}
    for folder in folders:
        for place, _, names in os.walk(folder):
            for file in (Path(place, name) for name in names):
                with suppress(FileNotFoundError):  # another process' own, while it writes
                    if not file.is_symlink() and file.stat().st_mtime >= since:
                        found[str(file)] = file.read_bytes()
    return found


@contextmanager
def command_lines() -> Iterator[set[bytes]]:
    """The arguments of all processes of this machine, gathered again and again until the block ends."""
    seen: set[bytes] = set()
    over = threading.Event()

    def gather() -> None:
        while not over.wait(0.05):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(process.read_bytes())
                except OSError:  # it has ended
                    continue

    thread = threading.Thread(target=gather)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _base64(part: bytes) -> Iterator[bytes]:
    """As in the base64 of any text that holds it: its first byte may be any of the three of a group."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            text = encode(b"\0" * before + part)
            # What stands before and behind it goes into the characters at both ends.
            yield text[(0, 2, 3)[before] : -4 if text.endswith(b"=") else len(text)]


def _unpacked(text: bytes) -> Iterator[bytes]:
    """The text, and what it is a packed or encoded form of: base64 and gzip, several times over."""
    yield text
    if text.startswith(b"\x1f\x8b"):
        yield from _unpacked(gzip.decompress(text))
        return
    try:
        inner = base64.b64decode(text, validate=True)
    except ValueError:
        return
    if inner:
        yield from _unpacked(inner)
