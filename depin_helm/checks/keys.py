"""Dead keys: what is given in an upstream chart's section and read by none of its templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from depin_helm.checks.alike import MAYBE, SURE, alike, listed
from depin_helm.checks.facts import SWITCHES, lookup
from depin_helm.checks.known import GLOBAL, Chart
from depin_helm.errors import Finding
from depin_helm.schema import MAX_OFFERED
from depin_helm.values import Environment
from depin_helm.yamlio import Path, format_path

ID = "dead-key"
#: What turns a component or a part of it on; only Helm reads it.
ENABLED = "enabled"
_PLATFORM = ("properties", GLOBAL, "properties", "platform", "properties")


def check(
    environment: Environment, charts: Mapping[str, Chart], ours: Mapping[str, Any]
) -> Iterator[Finding]:
    """A finding for each key without effect; one for all that is below it.

    `charts` are the components whose charts could be read, `ours` the schema, which says what our own
    templates read of `global`.
    """
    dead: set[Path] = set()
    for path, chain in environment.origins.items():
        if len(path) < 2 or any(path[:end] in dead for end in range(2, len(path))):
            continue
        found: tuple[str, str] | tuple[()] | None
        if path[0] == GLOBAL:
            found = _dead_global(path, charts, ours)
        elif path[0] in charts:
            found = _dead(path, charts, chain[-1].value)
        else:
            continue
        if found is not None:
            dead.add(path)
        if found:
            yield environment.finding(path, *found, rule=ID)


def _dead_global(path: Path, charts: Mapping[str, Chart], ours: Mapping[str, Any]) -> tuple[str, str] | None:
    known = lookup(ours, ("properties", GLOBAL))
    for part in path[1:]:
        known = lookup(known, ("properties", part))
    if known is not None or any(chart.reads(path) or chart.has(path) for chart in charts.values()):
        return None
    shared = [(GLOBAL, "platform", key) for key in lookup(ours, _PLATFORM) or () if key == path[-1]]
    if shared and len(path) == 2:
        return "unknown key: no chart reads it", f"did you mean {format_path(shared[0])}?"
    names = {key for chart in charts.values() for key in chart.keys(path[:-1])}
    if len(path) == 2:
        names |= set(lookup(ours, ("properties", GLOBAL, "properties")) or ())
    return "unknown key: no chart reads it", _similar(path[-1], names, MAYBE)


def _dead(path: Path, charts: Mapping[str, Chart], value: Any) -> tuple[str, str] | tuple[()] | None:
    """What to say of a key that nothing reads, () if it only repeats the default; None if it is read."""
    component, inner = str(path[0]), path[1:]
    chart = charts[component]
    if inner == (ENABLED,) or chart.reads(inner):
        return None
    if chart.has(inner):
        if value is None or value == lookup(chart.defaults, inner):
            return ()
        if isinstance(value, dict):
            return None
        return f"has no effect: no template of {chart} reads it", "delete the line"
    siblings = chart.keys(inner[:-1])
    hint = (
        _similar(inner[-1], siblings, SURE)
        or _elsewhere(path, charts, value)
        or _similar(inner[-1], siblings, MAYBE)
    )
    return f"unknown key: no template of {chart} reads it", hint or listed(siblings)


def _similar(key: str | int, known: set[str], cutoff: float) -> str:
    similar = alike(str(key), known, cutoff)
    return f"did you mean {similar}?" if similar else ""


def _elsewhere(path: Path, charts: Mapping[str, Chart], value: Any) -> str:
    """Where a key of this name is known, and what is given below it: the nearest places, if they are few."""
    component, inner = str(path[0]), path[1:]
    switch = SWITCHES.get(path[:-1])
    if path[-1] == ENABLED:
        return f"did you mean {format_path((*switch, ENABLED))}?" if switch else ""
    own = [(component, found) for found in charts[component].paths() if found[-1] == path[-1]]
    if len(inner) > 1:  # what belongs to another part of the chart is hardly meant
        own = [each for each in own if each[1][0] == inner[0]]
    others = [
        (name, (path[-1],))
        for name, chart in charts.items()
        if name != component and path[-1] in chart.keys(())
    ]
    for candidates in (own, others):
        fitting = [(name, found) for name, found in candidates if _fits(charts[name], found, value)]
        rank = {each: (-_shared(each[1], inner), len(each[1])) for each in fitting}
        best = [each for each in fitting if rank[each] == min(rank.values())]
        if 0 < len(best) <= MAX_OFFERED:
            return f"did you mean {' or '.join(format_path((name, *found)) for name, found in best)}?"
    return ""


def _fits(chart: Chart, path: Path, value: Any) -> bool:
    """Whether the chart knows all keys that are given, and the kind of what is given."""
    default = lookup(chart.defaults, path)
    if not isinstance(value, dict):
        return not isinstance(default, Mapping) or not default
    if default is not None and not isinstance(default, Mapping):
        return False
    return all(chart.has((*path, key)) or chart.reads((*path, key)) for key in value)


def _shared(one: Path, other: Path) -> int:
    """How many parts two paths have in common from their beginning."""
    return next(
        (at for at, parts in enumerate(zip(one, other, strict=False)) if parts[0] != parts[1]),
        min(len(one), len(other)),
    )
