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
#: A key of the same name is near if it is in the same map, or one map further in, of those above.
_NEAR = 2
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
    far, near = _own(path, chart, value)
    hint = (
        _similar(inner[-1], siblings, SURE)
        or _places(near)
        or _places(_other(path, charts, value))
        or _similar(inner[-1], siblings, MAYBE)
        or _places(far)
    )
    return f"unknown key: no template of {chart} reads it", hint or listed(siblings)


def _similar(key: str | int, known: set[str], cutoff: float) -> str:
    similar = alike(str(key), known, cutoff)
    return f"did you mean {similar}?" if similar else ""


def _own(path: Path, chart: Chart, value: Any) -> tuple[list[Path], list[Path]]:
    """Where in its own chart a key of this name is known, and what is given below it; and which are near."""
    component, inner = str(path[0]), path[1:]
    if path[-1] == ENABLED:
        found = [(*SWITCHES[path[:-1]], ENABLED)] if path[:-1] in SWITCHES else []
        return found, found
    # Beside the switch of a subchart stands little; what people look for is in the subchart's section.
    parts = [part[1:] for part, switch in SWITCHES.items() if switch == path[:-1]]
    known = [(*part, path[-1]) for part in parts if path[-1] in chart.keys(part)]
    if not known:
        known = [each for each in chart.paths() if each[-1] == path[-1]]
        if len(inner) > 1:  # what belongs to another part of the chart is hardly meant
            known = [each for each in known if each[0] == inner[0]]
    fitting = [each for each in known if _fits(chart, each, value)]
    rank = {each: (-_shared(each, inner), len(each)) for each in fitting}
    best = [each for each in fitting if rank[each] == min(rank.values())]
    near = [each for each in best if len(each) - _shared(each, inner) <= _NEAR]
    return [(component, *each) for each in best], [(component, *each) for each in near]


def _other(path: Path, charts: Mapping[str, Chart], value: Any) -> list[Path]:
    """The other chart that has the key at the top of its section; of what several have, none is meant."""
    key = path[1:]
    if len(key) > 1 or key[0] == ENABLED:
        return []
    known = [name for name, chart in charts.items() if name != path[0] and key[0] in chart.keys(())]
    return [(name, *key) for name in known if len(known) == 1 and _fits(charts[name], key, value)]


def _places(found: list[Path]) -> str:
    return f"did you mean {' or '.join(map(format_path, found))}?" if 0 < len(found) <= MAX_OFFERED else ""


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
