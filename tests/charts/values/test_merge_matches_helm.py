"""Merged values are what Helm makes of the same files, on charts with subcharts two deep."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, example, given, note, settings
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


def one(defaults: dict[str, Any], inner: dict[str, Any] | None = None) -> dict[str, Defaults]:
    return {"sub0": Defaults(defaults, {} if inner is None else {"inner": Defaults(inner)})}


NESTED = {"global": {"a": {"b": {"c": None, "d": 1}}}}


# Corners that random values seldom reach.
@example(chart=Defaults({}, one(NESTED, {})), files=[{}])
@example(chart=Defaults(NESTED, one({}, NESTED)), files=[NESTED])
@example(chart=Defaults({"sub0": {"a": None}}, one({"a": 1})), files=[{}])
@example(chart=Defaults({"sub0": {"a": None}}, one({"a": 1})), files=[{"sub0": {"b": 1}}])
@example(
    chart=Defaults({"sub0": {"a": {"b": None}}}, one({"a": {"b": 1, "c": None}})), files=[{"sub0": {"a": {}}}]
)
@example(chart=Defaults({"sub0": {"a": 1}}, one({"b": 1})), files=[{"sub0": None}])
@example(chart=Defaults({"global": {"a": 1, "b": {"c": 1}}}, one({"global": {"a": {}, "b": 2}})), files=[{}])
@example(chart=Defaults({"global": {"a": 1}}, one({})), files=[{"global": {"a": None, "b": None}}])
@example(chart=Defaults({"global": None}, one({"global": []})), files=[{"global": 1}])
@example(
    chart=Defaults(
        {"global": {"a": {"b": {}}}}, {**one({"global": {"a": {"b": {"c": 1}}}}), "sub1": Defaults({})}
    ),
    files=[{}],
)
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
