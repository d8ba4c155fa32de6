"""Helm 4's two ways to put values over values.

`merge` is what several `-f` files go through, `coalesce` what they then do to a chart's defaults. Both follow
helm.sh/helm/v4: MergeMaps in pkg/chart/v2/loader/load.go, pkg/chart/common/util/coalesce.go and
ProcessDependencies in pkg/chart/v2/util/dependencies.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Defaults:
    """A chart's own values.yaml, and its subcharts' by name, in the order of its Chart.yaml."""

    values: Mapping[str, Any] = field(repr=False)
    subcharts: Mapping[str, Defaults] = field(default_factory=dict)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` over `base`: maps merge, everything else replaces, null stays for `coalesce` to see.

    The result shares values with both.
    """
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def coalesce(
    overrides: Mapping[str, Any],
    defaults: Mapping[str, Any],
    subcharts: Mapping[str, Defaults] = MappingProxyType({}),
) -> dict[str, Any]:
    """The values that templates see: maps merge, null in `overrides` deletes, subcharts get their defaults.

    `subcharts` are taken as enabled. What Helm does and one might not expect: a null in `defaults` deletes a
    subchart's default only where `overrides` has a section for that subchart, and a global that
    `overrides` nulls stays in the subcharts. A subchart's section that is no map is left as it is; Helm
    refuses it.
    """
    over: dict[str, Any] = _copy(overrides)
    _coalesce(_with_subcharts(Defaults(defaults, subcharts)), over, keep_null=False)
    return over


def _with_subcharts(chart: Defaults) -> Defaults:
    """The chart with its subcharts' defaults below its own, as ProcessDependencies leaves it."""
    if not chart.subcharts:
        return chart
    subcharts = {name: _with_subcharts(subchart) for name, subchart in chart.subcharts.items()}
    values: dict[str, Any] = {}
    _coalesce(Defaults(chart.values, subcharts), values, keep_null=True)
    return Defaults(values, subcharts)


def _coalesce(chart: Defaults, over: dict[str, Any], *, keep_null: bool) -> None:
    _coalesce_values(chart, over, keep_null=keep_null)
    for name, subchart in chart.subcharts.items():
        section = over.setdefault(name, {})
        if isinstance(section, dict):
            _coalesce_globals(section, over)
            _coalesce(subchart, section, keep_null=keep_null)


def _coalesce_values(chart: Defaults, over: dict[str, Any], *, keep_null: bool) -> None:
    for key, default in _copy(chart.values).items():
        if key not in over:
            if not keep_null:
                _drop_nulls(default)
            if keep_null or default is not None:
                over[key] = default
        elif over[key] is None:
            if not keep_null:
                del over[key]
        elif isinstance(over[key], dict) and isinstance(default, dict):
            keep = keep_null or key in chart.subcharts
            if not keep:
                _drop_nulls(default)
            _coalesce_tables(over[key], default, keep_null=keep)


def _coalesce_tables(over: dict[str, Any], default: dict[str, Any], *, keep_null: bool) -> None:
    for key, value in default.items():
        if key not in over:
            over[key] = value
        elif over[key] is None:
            if not keep_null:
                del over[key]
        elif isinstance(value, dict) and isinstance(over[key], dict):
            _coalesce_tables(over[key], value, keep_null=keep_null)


def _coalesce_globals(section: dict[str, Any], parent: Mapping[str, Any]) -> None:
    """Put the parent's globals over the section's."""
    own, inherited = section.get("global", {}), parent.get("global", {})
    if not isinstance(own, dict) or not isinstance(inherited, dict):
        return
    for key, value in inherited.items():
        if not isinstance(value, dict):
            if not isinstance(own.get(key), dict):
                own[key] = value
        elif key not in own:
            own[key] = dict(value)
        elif isinstance(own[key], dict):
            # A shallow copy, as in Helm: deeper maps are the parent's own, and get the section's keys too.
            merged = dict(value)
            _coalesce_tables(merged, own[key], keep_null=True)
            own[key] = merged
    section["global"] = own


def _copy(value: Any) -> Any:
    """A deep copy in which, other than in `copy.deepcopy`'s, no two places share a map any more."""
    if isinstance(value, Mapping):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


def _drop_nulls(value: Any) -> None:
    if isinstance(value, dict):
        for key in [key for key, inner in value.items() if inner is None]:
            del value[key]
        for inner in value.values():
            _drop_nulls(inner)
