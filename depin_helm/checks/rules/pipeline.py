"""Rules about Fluent Bit's pipeline: what an environment adds to it, and its buffers."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.checks.rules.logs import AGENT, OURS, configured_here
from depin_helm.grammar import fluent_bit_bytes, quantity
from depin_helm.yamlio import Path

#: Names in the chart's parsers.yaml, and of multiline parsers: those there and Fluent Bit's own.
PARSERS = frozenset({"klog", "logfmt-line", "nginx-access", "nginx-error", "fluent-bit-own"})
MULTILINE = frozenset({"depin-python", "docker", "cri", "go", "java", "python", "ruby"})
#: Longer than any that is written by hand.
_LONGEST = 2000
#: What Python says of a regular expression that is none in Ruby's way of writing either, which has more.
_BROKEN = ("missing )", "unbalanced parenthesis", "unterminated character set", "nothing to repeat")

_BUFFER: Path = (OURS, "buffer")
_VOLUMES, _STATE = (AGENT, "extraVolumes"), "state"
_MEMORY: Path = (AGENT, "resources", "limits", "memory")
#: Fluent Bit reads files in such pieces, and keeps what it has read in chunks of up to so much.
_PIECE, _CHUNK = 64_000, 2_048_000


def _additions(facts: Facts) -> Iterator[Violation]:
    if not configured_here(facts):
        return
    names = set(PARSERS)
    for path, each in _items(facts, "parsers"):
        name = each.get("name")
        if isinstance(name, str) and name in names:
            yield Violation(((*path, "name"),), "is the name of another parser", "another name")
        elif isinstance(name, str):
            names.add(name)
        if problem := _unreadable(each.get("regex")):
            yield Violation(((*path, "regex"),), *problem)
    for path, each in _items(facts, "filters"):
        match each.get("name"):
            case "parser":
                yield from _unknown((*path, "parser"), each, names)
            case "multiline":
                yield from _unknown((*path, "multiline.parser"), each, MULTILINE)
            case "grep":
                yield from _of_grep((*path, "regex"), each)
                yield from _of_grep((*path, "exclude"), each)


def _unknown(path: Path, given: Mapping[str, Any], known: Collection[str]) -> Iterator[Violation]:
    for text in _texts(given.get(str(path[-1]))):
        for name in text.split(","):
            if name.strip() not in known:
                yield Violation((path,), "names a parser that there is not", ", ".join(sorted(known)))


def _of_grep(path: Path, given: Mapping[str, Any]) -> Iterator[Violation]:
    for text in _texts(given.get(str(path[-1]))):
        _, space, expression = text.strip().partition(" ")
        if not space:
            yield Violation((path,), "is a field alone", "a field, a space and a regular expression")
        elif problem := _unreadable(expression):
            yield Violation((path,), *problem)


def _items(facts: Facts, key: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    items = facts.get(OURS, key)
    for index, each in enumerate(items if isinstance(items, list) else ()):
        if isinstance(each, dict):
            yield (OURS, key, index), each


def _texts(value: Any) -> Iterator[str]:
    yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))


def _unreadable(text: Any) -> tuple[str, str] | None:
    """What is wrong with a regular expression of Ruby, and what to do; None where it may be right."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        return None
    if "(?P<" in text:
        return "is written as in Python", "(?<name>…) names a group"
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", text))
    except re.error as error:
        if error.msg.startswith(_BROKEN):
            return f"is no regular expression: {error.msg}", ""
    return None


def _buffer(facts: Facts) -> Iterator[Violation]:
    if not configured_here(facts):
        return
    line, size, rejected = ((*_BUFFER, key) for key in ("line", "size", "rejected"))
    amount = {path: fluent_bit_bytes(facts.get(*path)) or 0 for path in (line, size, rejected)}
    if 0 < amount[line] < _PIECE:
        yield Violation((line,), "is less than the 64K that Fluent Bit reads at once", "64K or more")
    place, limit = _state(facts)
    if limit and amount[size] + amount[rejected] > limit:
        yield Violation(
            (size, rejected, place),
            f"the buffers do not fit into their volume of {facts.get(*place)}",
            f"less than that in all, or a larger {_STATE} in {AGENT}.{_VOLUMES[1]}",
        )
    chunks, memory = facts.number(*_BUFFER, "chunksInMemory"), quantity(facts.get(*_MEMORY))
    for path, taken in (((*_BUFFER, "chunksInMemory"), int(chunks or 0) * _CHUNK), (line, amount[line])):
        if memory and taken > memory:
            yield Violation(
                (path, _MEMORY),
                f"{taken / 10**6:,.0f} MB do not fit into the memory limit {facts.get(*_MEMORY)}",
                "half of it at most, or a larger limit",
            )


def _state(facts: Facts) -> tuple[Path, int]:
    """Where the size of the buffers' volume stands, and what it is; 0 if it has none."""
    volumes = facts.get(*_VOLUMES)
    for index, each in enumerate(volumes if isinstance(volumes, list) else ()):
        if isinstance(each, dict) and each.get("name") == _STATE:
            path = (*_VOLUMES, index, "emptyDir", "sizeLimit")
            return path, int(quantity(facts.get(*path)) or 0)
    return _VOLUMES, 0


RULES = (
    Rule(
        "fluent-bit-additions",
        "parsers and filters that an environment adds are such as Fluent Bit takes",
        "it stops on every node, or the next pod that starts does not come up",
        _additions,
    ),
    Rule(
        "fluent-bit-buffer",
        "Fluent Bit's buffers fit into its memory and its volume, and its lines are long enough",
        "it does not start, is killed, or is evicted together with what it had not sent yet",
        _buffer,
    ),
)
