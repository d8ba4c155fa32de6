"""Rules about what Fluent Bit masks: patterns of Lua, and names of secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.checks.rules import lua
from depin_helm.checks.rules.logs import configured_here
from depin_helm.yamlio import Path

_MASKING: Path = ("depin-fluent-bit", "masking")
#: Shorter, the ends of too many words are one.
_SHORTEST = 3


def _patterns(facts: Facts) -> Iterator[Violation]:
    patterns = facts.get(*_MASKING, "patterns")
    if not configured_here(facts) or not isinstance(patterns, dict):
        return
    for name, each in patterns.items():
        if isinstance(each, dict) and isinstance(each.get("pattern"), str):
            yield from _pattern((*_MASKING, "patterns", name), each)


def _pattern(path: Path, given: dict[str, Any]) -> Iterator[Violation]:
    text, place = given["pattern"], (*path, "pattern")
    if sign := lua.of_regular_expressions(text):
        yield Violation(
            (place,),
            f"`{sign}` is a regular expression's, and means something else to Lua",
            f"as in docs/logs.md: %d%d%d%d for four digits, %{sign[0]} for the sign itself",
        )
        return
    try:
        pattern = lua.parse(text)
    except ValueError as error:
        yield Violation((place,), f"is no pattern of Lua: {error}", "docs/logs.md")
        return
    if pattern.empty:
        yield Violation(
            (place,), "fits where there is nothing, between all letters of a text", "such as %d+, not %d*"
        )
    replacement = given.get("replacement")
    for number in re.findall(r"%(\d)", replacement.replace("%%", "")) if isinstance(replacement, str) else ():
        # Without any capture, %1 is all that fits.
        if int(number) > max(pattern.captures, 1):
            yield Violation(
                ((*path, "replacement"),),
                f"%{number} is a capture that the pattern does not have",
                "put what is to stay in parentheses, in the pattern",
            )


def _names(facts: Facts) -> Iterator[Violation]:
    names = facts.get(*_MASKING, "keys")
    if not configured_here(facts) or not isinstance(names, dict):
        return
    seen: dict[str, str] = {}
    # Of two that contradict each other, it is the environment's that is to change.
    for name, on in sorted(names.items(), key=lambda each: facts.chosen((*_MASKING, "keys", each[0]))):
        if not isinstance(name, str) or not isinstance(on, bool):
            continue
        path = (*_MASKING, "keys", name)
        short = re.sub(r"[^a-z0-9]", "", name.lower())
        if "." in name:
            yield Violation(
                (path,),
                "is never met: names are taken apart at dots",
                f"the last part alone: {name.rpartition('.')[2]}",
            )
        elif not short:
            yield Violation((path,), "has no letter and no digit that counts", "a to z, and 0 to 9")
        elif on and len(short) < _SHORTEST:
            yield Violation(
                (path,),
                "masks all that stands under a name which ends in it",
                "the longer names that are meant",
            )
        elif short in seen and names[seen[short]] is not on:
            yield Violation(
                (path, (*_MASKING, "keys", seen[short])),
                f"is the same name as {seen[short]}, which says the opposite",
                f"{seen[short]}: {str(on).lower()} alone",
            )
        seen.setdefault(short, name)


RULES = (
    Rule(
        "masking-patterns",
        "what is masked is written as Lua's patterns are",
        "secrets go out as they are, or lines become unreadable, and no alert tells",
        _patterns,
    ),
    Rule(
        "masking-names",
        "names whose values are masked are met, say one thing, and are long enough",
        "secrets go out as they are, or values that are none do not",
        _names,
    ),
)
