"""Merging, in the cases that people meet; tests/charts/values compares any case with Helm itself."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from depin_helm.values import Defaults, coalesce, merge


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"x": 1}}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": {"x": 2}}, {"a": {"x": 2}}),
        ({"a": {"x": 1}}, {"a": None}, {"a": None}),
        ({"a": None}, {"a": {"x": None}}, {"a": {"x": None}}),
        ({}, {"a": {}}, {"a": {}}),
    ],
)
def test_of_two_files_maps_merge_and_everything_else_replaces(
    base: dict[str, Any], over: dict[str, Any], merged: dict[str, Any]
) -> None:
    assert merge(base, over) == merged


def test_null_deletes_a_default() -> None:
    defaults = {"a": {"x": 1, "y": 2}, "b": {"z": 1}}
    assert coalesce({"a": {"x": None}, "b": None}, defaults) == {"a": {"y": 2}}


def test_null_in_the_defaults_is_nothing() -> None:
    assert coalesce({}, {"a": None, "b": {"x": None}}) == {"b": {}}


def test_a_subchart_gets_its_section_over_its_defaults_and_the_globals() -> None:
    values = coalesce(
        {"sub": {"a": 1}, "global": {"g": 1}}, {"sub": {"b": 2}}, {"sub": Defaults({"a": 0, "b": 0, "c": 3})}
    )
    assert values["sub"] == {"a": 1, "b": 2, "c": 3, "global": {"g": 1}}


def test_null_in_the_umbrella_deletes_a_subcharts_default_only_beside_an_override() -> None:
    subcharts = {"sub": Defaults({"a": 1})}
    assert coalesce({}, {"sub": {"a": None}}, subcharts)["sub"] == {"a": 1, "global": {}}
    assert coalesce({"sub": {"b": 2}}, {"sub": {"a": None}}, subcharts)["sub"] == {"b": 2, "global": {}}
    assert coalesce({"sub": {"a": None}}, {}, subcharts)["sub"] == {"global": {}}


def test_what_is_merged_is_left_as_it_was() -> None:
    overrides = {"a": {"x": None}, "sub": {"b": {"y": 1}}, "global": {"g": {"h": {}}}}
    defaults = {"a": {"x": 1, "z": None}, "sub": {"b": {"w": None}}}
    subcharts = {"sub": Defaults({"b": {"v": 1}, "global": {"g": {"h": {"i": 1}}}})}
    before = copy.deepcopy((overrides, defaults, subcharts["sub"].values))
    merge(defaults, overrides)
    coalesce(overrides, defaults, subcharts)
    assert (overrides, defaults, subcharts["sub"].values) == before
