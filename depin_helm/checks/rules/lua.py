"""How a pattern of Lua 5.1 is written: its reference manual, section 5.4.1, and what lstrlib.c refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SET = r"\[\^?+(?:\]|%.)?+(?:%.|[^\]%])*\]"
#: The items of a pattern; of those that Lua refuses, the beginning.
_ITEM = re.compile(
    rf"""
      (?P<pair>%b(?:..)?)
    | (?P<edge>%f(?:{_SET})?)
    | (?P<again>%[0-9])
    | (?P<place>\(\))
    | (?P<open>\()
    | (?P<close>\))
    | (?P<one>{_SET}|%.|[^\[%])(?P<times>[*+?-])?
    | (?P<bad>.)
    """,
    re.DOTALL | re.VERBOSE,
)
_BAD = {"%": "it ends with %", "[": "a [ is never closed; one that is meant is %["}
#: What regular expressions have and Lua's patterns have not: outside of sets, and within them.
_REGULAR = re.compile(r"(?<!%)(?:\\[dDwWsSbB.]|\{\d+(?:,\d*)?\}|\(\?[:=!<]|\|)")
_CLASS = re.compile(r"(?<!%)\\[dDwWsS]")


@dataclass(frozen=True)
class Pattern:
    """How many captures it has, and whether an empty text fits it."""

    captures: int
    empty: bool


def parse(text: str) -> Pattern:
    """Take a pattern apart.

    Raises:
        ValueError: Lua refuses it, or would as soon as a text got so far.
    """
    opened, closed, empty = 0, 0, True
    for kind, item in _items(text):
        opened += kind in ("open", "place")
        closed += kind in ("close", "place")
        if closed > opened:
            raise ValueError("a ) closes nothing; one that is meant is %)")
        if kind == "again" and not 0 < int(item[1]) <= closed:
            raise ValueError(f"{item} is no capture that has ended")
        # At the edge of a word there is a word.
        some = kind in ("pair", "again", "edge") or (kind == "one" and item[-1:] not in "*?-")
        empty = empty and not some
    if closed < opened:
        raise ValueError("a ( is never closed; one that is meant is %(")
    return Pattern(opened, empty)


def _items(text: str) -> Iterator[tuple[str, str]]:
    """The items between the anchors, by kind; a single character or set ends in its `*+?-` or a space."""
    last = len(text) - (text.endswith("$") and not text.endswith("%$"))
    for match in _ITEM.finditer(text, int(text.startswith("^")), last):
        kind, item = str(match.lastgroup), match[0]
        if match["bad"]:
            raise ValueError(_BAD[item[0]])
        if match["pair"] and len(item) < 4:
            raise ValueError("%b wants two characters behind it")
        if match["edge"] and len(item) < 4:
            raise ValueError("%f wants a set in brackets behind it")
        if match["one"]:
            kind, item = "one", f"{match['one']}{match['times'] or ' '}"
        yield kind, item


def of_regular_expressions(text: str) -> str:
    """What means something in a regular expression and something else to Lua; "" if there is no such."""
    outside = re.sub(_SET, "", re.sub(r"%[\[\]]", "%.", text))
    found = _REGULAR.search(outside) or _CLASS.search(text)
    return found[0] if found else ""
