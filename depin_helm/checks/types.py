"""Values of another kind than the upstream chart's default, or than its schema says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from depin_helm.checks.facts import Facts, lookup
from depin_helm.checks.known import GLOBAL, Chart
from depin_helm.checks.kubernetes import Api
from depin_helm.errors import Finding
from depin_helm.schema import KINDS, UNKNOWN, WANTED, explain
from depin_helm.upstream import Reads
from depin_helm.values import Origin
from depin_helm.yamlio import Path, plain

ID = "type"

_PERCENTAGE = re.compile(r"[0-9]+%")
_QUANTITY = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?(m|[kKMGTPE]i?)")
_PORT_NAME = re.compile(r"[a-z0-9-]{1,15}")
#: Keys of what is an amount, where the chart's default happens to be a number.
_AMOUNTS = {"cpu", "memory", "storage", "size"}
#: Keys of a version, also where the chart has none of its own.
_VERSIONS = ("tag", "version")


def check(facts: Facts, charts: Mapping[str, Chart], api: Api) -> Iterator[Finding]:
    """A finding for each given value that is no mapping, list, number … where the chart wants one.

    The chart's own schema comes first, then its default. Nothing is said where its templates ask for a
    value's kind, or where neither tells one: null, or empty text.
    """
    yield from _by_schema(facts, charts)
    environment = facts.environment
    for path, chain in environment.origins.items():
        if len(path) < 2:
            continue
        for chart, inner in _of(path, charts):
            found = _by_default(chain[-1], chart, inner, api)
            if found is not None:
                yield environment.finding(path, *found, rule=ID)
                break


def _of(path: Path, charts: Mapping[str, Chart]) -> Iterator[tuple[Chart, Path]]:
    """The charts that the value is for, and where in their own values it is."""
    if path[0] == GLOBAL:
        yield from ((chart, path) for chart in charts.values())
    elif path[0] in charts:
        yield charts[str(path[0])], path[1:]


def _by_schema(facts: Facts, charts: Mapping[str, Chart]) -> Iterator[Finding]:
    origins = facts.environment.origins
    for component, chart in charts.items():
        schema = chart.interface.schema
        if schema is None or not facts.enabled(component):
            continue
        for inner, message, hint in explain(facts.get(component), schema):
            path = inner if inner[:1] == (GLOBAL,) and inner in origins else (component, *inner)
            if message != UNKNOWN and facts.given(path):
                yield facts.environment.finding(path, message, hint, rule=ID)


def _by_default(origin: Origin, chart: Chart, path: Path, api: Api) -> tuple[str, str] | None:
    default, reads, value = lookup(chart.defaults, path), chart.reads(path), origin.value
    if any(each.kinds for each in reads) or (isinstance(value, str) and "{{" in value):
        return None
    if value is None:
        inside = any(set(each.children) - {"*"} for each in reads) and not any(each.whole for each in reads)
        if inside and isinstance(default, Mapping) and default:
            return "must not be null: templates read keys of this section", "delete the line"
        return None
    key = str(path[-1])
    if default is None:
        if key.casefold().endswith(_VERSIONS) and reads and not isinstance(value, str) and origin.rewritten:
            return _REWRITTEN
        return None
    # `false` may also stand for "none": then the place where the value lands says what it must be.
    if default is False and (any(each.places for each in reads) or _no_switch(chart, reads, api)):
        return None
    handed_on = any(each.places for each in reads) or any(each.whole for each in chart.reads(path[:-1]))
    return _wrong(origin, default, path, printed=not handed_on)


def _no_switch(chart: Chart, reads: Iterable[Reads], api: Api) -> bool:
    """Whether Kubernetes wants something else than a boolean where templates print the value."""
    places = {where.place for each in reads for where in each.prints if not where.quoted}
    crds = chart.crds() if places else {}
    wanted = {kind for place in places for kind in api.kinds_at(place.kind, place.path, crds)}
    return bool(wanted) and "boolean" not in wanted


_REWRITTEN = "must be text: as a number it comes out otherwise than it stands here", "quote it"


def _wrong(origin: Origin, default: Any, path: Path, *, printed: bool) -> tuple[str, str] | None:
    """What to say of a value, which templates print as text, or hand on as YAML with its numbers unharmed."""
    value = origin.value
    if isinstance(default, Mapping):
        return None if isinstance(value, dict) else _must("object", value, "check the indentation")
    if isinstance(default, list):
        return None if isinstance(value, list) else _must("array", value, "begin each item with `- `")
    if isinstance(default, bool):
        hint = "remove the quotes" if isinstance(value, str) and isinstance(plain(value), bool) else ""
        return None if isinstance(value, bool) else _must("boolean", value, hint)
    if isinstance(default, int | float):
        return None if _numeric(value, path) else _must("number", value, "")
    if isinstance(value, dict | list):
        return _must("string", value, "check the indentation") if default else None
    if isinstance(value, bool):
        return _must("string", value, "quote it") if default else None
    return _REWRITTEN if printed and not isinstance(value, str) and origin.rewritten else None


def _must(wanted: str, value: Any, hint: str) -> tuple[str, str]:
    return f"must be {WANTED[wanted]}, not {KINDS[type(value)]}", hint


def _numeric(value: Any, path: Path) -> bool:
    """Whether a number, or text that does as one at this place: digits, a share, an amount, a port's name."""
    if isinstance(value, bool):
        return False
    if not isinstance(value, str):
        return isinstance(value, int | float)
    key = str(path[-1])
    if key.startswith(("max", "min")) and _PERCENTAGE.fullmatch(value):
        return True
    if key in _AMOUNTS or path[-2:-1] in (("requests",), ("limits",)):
        return bool(_QUANTITY.fullmatch(value)) or isinstance(plain(value), int | float)
    if key.casefold() == "targetport" and _PORT_NAME.fullmatch(value):
        return True
    return isinstance(plain(value), int | float)
