"""Merged values are what Helm makes of the same files, on charts with subcharts two deep."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from depin_helm.values import Defaults, coalesce, merge
from tests.charts.values.conftest import Probe

KEYS = st.sampled_from(["a", "b", "c", "global", "inner"])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "text", "null"])
LISTS = st.lists(SCALARS, max_size=2)
MAPS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.dictionaries(KEYS, SCALARS | LISTS, max_size=4),
    lambda inner: st.dictionaries(KEYS, SCALARS | LISTS | inner, max_size=4),
    max_leaves=8,
)
#: Each subchart is a case of its own: many in one run of Helm.
SUBCHARTS = tuple(f"sub{number}" for number in range(8))


@st.composite
def values(draw: st.DrawFn, *, sections: bool = False) -> dict[str, Any]:
    """A chart's values; with `sections`, for most of the umbrella's subcharts too."""
    drawn = {**draw(MAPS), **draw(st.fixed_dictionaries({}, optional={"global": MAPS}))}
    if sections:
        drawn.pop("inner", None)
        drawn |= draw(st.fixed_dictionaries({}, optional=dict.fromkeys(SUBCHARTS, values())))
    # Helm refuses a subchart's section that is no map.
    return {key: value for key, value in drawn.items() if key != "inner" or isinstance(value, dict)}


SUBCHART = st.builds(lambda own, inner: Defaults(own, {"inner": Defaults(inner)}), values(), MAPS)
CHARTS = st.builds(
    lambda own, subcharts: Defaults(own, dict(zip(SUBCHARTS, subcharts, strict=True))),
    values(sections=True),
    st.tuples(*[SUBCHART] * len(SUBCHARTS)),
)


def plain(chart: Defaults) -> dict[str, Any]:
    """A chart in the form of a dictionary, because Defaults does not show its values."""
    return {"values": chart.values} | {name: plain(subchart) for name, subchart in chart.subcharts.items()}


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(chart=CHARTS, files=st.lists(values(sections=True), min_size=1, max_size=3))
def test_merged_values_are_what_helm_shows_its_templates(
    probe: Probe, chart: Defaults, files: list[dict[str, Any]]
) -> None:
    note(f"chart: {plain(chart)}")
    merged: dict[str, Any] = {}
    for file in files:
        merged = merge(merged, file)
    expected = probe.values(*(json.dumps(file) for file in files), chart=chart)
    assert coalesce(merged, chart.values, chart.subcharts) == expected
