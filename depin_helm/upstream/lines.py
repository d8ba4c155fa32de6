"""Lines of a YAML manifest, as far as they say what stands above what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

#: Stands for what an action writes.
OUTPUT = "\x00"

#: Further right than anything.
FAR = 1_000_000

_LINE = re.compile(
    r"""(?P<indent>[ ]*)(?P<dashes>(?:-(?:[ ]+|$))*)
    (?:(?P<key>(?:"[^"]*"|'[^']*')[ ]*|[^\s"'#\[{&*!|>%@-][^:]*+):(?:[ \t]+(?P<value>.*)|$))?""",
    re.VERBOSE,
)
_KIND = re.compile(r"^(?:---|kind:[ \t]*(.*))", re.MULTILINE)
_BLOCK = re.compile(r"[|>][-+0-9]*\s*$")


class Line(NamedTuple):
    """What is known of one line."""

    indent: int  # of the key, or of what follows the last dash
    dash: int  # the column of the first dash; -1: there is none
    key: str | None
    value: str


@dataclass(frozen=True)
class Lines:
    """Lines as far as they matter from below: from the last up, those that stand no deeper than one before.

    `kind` is what the last `kind:` at column 0 says, None where there is none after the last `---`.
    """

    tail: tuple[Line, ...]
    kind: str | None
    starts: bool  # a document starts in them
    least: int  # the column that stands furthest left; -1 where a document starts
    objects: bool  # there is a `kind:` further in


@lru_cache(4096)
def parsed(text: str) -> Lines:
    """What is known of the lines of `text`."""
    kind, starts = None, False
    matches = list(_KIND.finditer(text)) if "---" in text or "kind:" in text else ()
    for match in matches:
        starts, kind = (True, None) if match[1] is None else (starts, match[1].strip("\"' "))
    tail: list[Line] = []
    least = FAR
    end = len(text)
    while end >= 0 and least > 0:
        start = text.rfind("\n", 0, end) + 1
        line = line_of(text[start:end])
        end = start - 1
        if line is None:
            continue
        column = line.dash if line.dash >= 0 else line.indent
        if column <= least:
            tail.append(line)
            # A list may stand at the column of its own key.
            least = column if line.dash < 0 and line.key is not None else max(column, 1)
    furthest = min((line.dash if line.dash >= 0 else line.indent for line in tail), default=FAR)
    objects = " kind:" in text
    return Lines(tuple(tail), kind, starts, -1 if starts else furthest, objects)


def line_of(text: str) -> Line | None:
    """The line's structure; None for one that is empty or a comment."""
    match = _LINE.match(text)
    if match is None:
        return None
    dashes, after = match["dashes"], match.end("dashes")
    if match["key"] is None and ((not text[after:].strip() and not dashes) or text[after : after + 1] == "#"):
        return None
    dash = match.start("dashes") if dashes else -1
    value = match["value"] or ""
    if _BLOCK.match(value):
        value = "|"
    return Line(after, dash, match["key"] and match["key"].rstrip(" "), value)
