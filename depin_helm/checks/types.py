"""Values whose kind is not that of the upstream chart's default."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from depin_helm.checks.facts import lookup
from depin_helm.checks.known import Chart
from depin_helm.errors import Finding
from depin_helm.schema import KINDS, WANTED
from depin_helm.values import Environment, Origin
from depin_helm.yamlio import plain

ID = "type"

_PORT_NAME = re.compile(r"[a-z0-9-]{1,15}")
_PERCENTAGE = re.compile(r"[0-9]+%")
_QUANTITY = re.compile(r"[0-9.]+(m|[kKMGTPE]i?)")


def check(environment: Environment, charts: Mapping[str, Chart]) -> Iterator[Finding]:
    """A finding for each value that is no mapping, list, number … where the chart's default is one.

    Nothing is said where the chart asks for a value's kind, or its default tells none: null, or empty text.
    """
    for path, chain in environment.origins.items():
        chart = charts.get(str(path[0]))
        if chart is None or len(path) < 2:
            continue
        default, reads = lookup(chart.defaults, path[1:]), chart.reads(path[1:])
        if default is None or any(each.kinds for each in reads):
            continue
        handed_on = any(each.places for each in reads) or any(each.whole for each in chart.reads(path[1:-1]))
        found = _wrong(chain[-1], default, str(path[-1]), printed=not handed_on)
        if found is not None:
            yield environment.finding(path, *found, rule=ID)


def _wrong(origin: Origin, default: Any, key: str, *, printed: bool) -> tuple[str, str] | None:
    """What to say of a value, which templates print as text, or hand on as YAML with its numbers unharmed."""
    value = origin.value
    if value is None or (isinstance(value, str) and "{{" in value):
        return None
    if isinstance(default, Mapping):
        return None if isinstance(value, dict) else _must("object", value, "check the indentation")
    if isinstance(default, list):
        return None if isinstance(value, list) else _must("array", value, "begin each item with `- `")
    if isinstance(default, bool):
        hint = "remove the quotes" if isinstance(value, str) and isinstance(plain(value), bool) else ""
        return None if isinstance(value, bool) else _must("boolean", value, hint)
    if isinstance(default, int | float):
        return None if _numeric(value, key) else _must("number", value, "")
    if isinstance(value, dict | list):
        return _must("string", value, "check the indentation") if default else None
    if isinstance(value, bool):
        return _must("string", value, "quote it") if default else None
    if printed and not isinstance(value, str) and origin.rewritten:
        return "must be text: as a number it comes out otherwise than it stands here", "quote it"
    return None


def _must(wanted: str, value: Any, hint: str) -> tuple[str, str]:
    return f"must be {WANTED[wanted]}, not {KINDS[type(value)]}", hint


def _numeric(value: Any, key: str) -> bool:
    """Whether a number, or text that does as one: digits, a percentage, a quantity, the name of a port."""
    if isinstance(value, bool):
        return False
    if not isinstance(value, str):
        return isinstance(value, int | float)
    return bool(
        isinstance(plain(value), int | float)
        or _PERCENTAGE.fullmatch(value)
        or _QUANTITY.fullmatch(value)
        or (key.casefold().endswith("port") and _PORT_NAME.fullmatch(value))
    )
