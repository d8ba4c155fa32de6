"""The layer graph: what layers.yaml may say, and in which order layers come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from depin_helm import plan, yamlio
from depin_helm.errors import ChartError, UsageError
from depin_helm.plan import Layer, Plan
from tests.tier import UMBRELLA


def layer(name: str, *after: str, components: Sequence[str] = ()) -> Layer:
    return Layer(name, "default", tuple(components) or (f"{name}-chart",), after)


#: crds-like chain with two arms that meet again.
DIAMOND = Plan(
    (
        layer("base"),
        layer("left", "base"),
        layer("right", "base"),
        layer("top", "left", "right"),
        layer("alone"),
    )
)


def chart(folder: Path, layers: Any, components: Sequence[str], plain_only: Sequence[str] = ()) -> Path:
    entries = [{"name": name, "version": "1.0.0"} for name in components]
    (folder / "Chart.yaml").write_text(yamlio.dump({"name": "umbrella", "dependencies": entries}))
    (folder / "layers.yaml").write_text(yamlio.dump({"layers": layers, "plainOnly": list(plain_only)}))
    return folder


def entry(name: str, *after: str, components: Sequence[str] = ()) -> dict[str, Any]:
    listed = list(components) or [f"{name}-chart"]
    return {"name": name, "namespace": name, "components": listed, "after": list(after)}


def test_layers_come_after_all_that_they_wait_for_however_they_are_listed(tmp_path: Path) -> None:
    listed = [entry("c", "a", "b"), entry("b", "a"), entry("a"), entry("d", "c")]
    loaded = plan.load(chart(tmp_path, listed, [f"{name}-chart" for name in "abcd"]))
    assert [each.name for each in loaded.layers] == ["a", "b", "c", "d"]
    assert [each.name for each in loaded.reversed()] == ["d", "c", "b", "a"]


def test_the_order_is_the_same_every_time(tmp_path: Path) -> None:
    listed = [entry(name) for name in "hgfedcba"]
    folder = chart(tmp_path, listed, [f"{name}-chart" for name in "abcdefgh"])
    assert [each.name for each in plan.load(folder).layers] == list("hgfedcba")


def test_the_umbrella_has_a_plan_and_its_releases_are_named_after_their_layers() -> None:
    layers = {each.name: each for each in plan.load(UMBRELLA).layers}
    assert layers["routes"].after == ("ingress-nginx", "monitoring", "kibana")
    assert layers["kibana"].release == "depin-kibana"
    assert [name for name, each in layers.items() if not each.hooks] == ["kibana"]


@pytest.mark.parametrize(
    ("layers", "components", "plain_only", "said"),
    [
        ([entry("a", "b"), entry("b", "a")], ["a-chart", "b-chart"], [], "wait for each other: "),
        ([entry("a", "a")], ["a-chart"], [], "a → a"),
        ([entry("a", "ghost", "alien")], ["a-chart"], [], "do not exist: alien, ghost"),
        ([entry("a")], ["a-chart", "stray"], [], "do not agree on: stray"),
        ([entry("a", components=["a-chart", "ghost"])], ["a-chart"], [], "do not agree on: ghost"),
        (
            [entry("a", components=["shared"]), entry("b", components=["shared"])],
            ["shared"],
            [],
            "on: shared",
        ),
        ([entry("a")], ["a-chart"], ["a-chart"], "do not agree on: a-chart"),
        (
            [entry("a", components=["twice"]), entry("b", components=["twice"])],
            ["twice", "stray"],
            [],
            "on: stray, twice",
        ),
        ([entry("a"), entry("a", components=["other"])], ["a-chart", "other"], [], "the same name"),
        ([{"name": "a", "components": []}], [], [], "cannot be read: KeyError('namespace')"),
        ([3], [], [], "cannot be read"),
        (None, [], [], "cannot be read"),
    ],
)
def test_a_graph_that_cannot_be_right_is_refused(
    tmp_path: Path, layers: Any, components: list[str], plain_only: list[str], said: str
) -> None:
    folder = chart(tmp_path, layers, components, plain_only)
    with pytest.raises(ChartError) as refused:
        plan.load(folder)
    assert said in refused.value.message
    assert "layers.yaml" in refused.value.message


@pytest.mark.parametrize("text", ["layers: [", "- a\n", "", "just text"])
def test_a_file_that_is_no_graph_is_refused(tmp_path: Path, text: str) -> None:
    (chart(tmp_path, [], []) / "layers.yaml").write_text(text)
    with pytest.raises(ChartError, match=r"layers\.yaml cannot be read"):
        plan.load(tmp_path)


def test_a_chart_without_layers_is_refused(tmp_path: Path) -> None:
    chart(tmp_path, [], [])
    (tmp_path / "layers.yaml").unlink()
    with pytest.raises(ChartError, match="cannot be read"):
        plan.load(tmp_path)


@pytest.mark.parametrize(
    ("selected", "waits"),
    [
        ((), {"base": "", "left": "base", "right": "base", "top": "left right", "alone": ""}),
        (("top", "left"), {"left": "", "top": "left"}),
        (("top", "base"), {"base": "", "top": "base"}),
        (("top",), {"top": ""}),
        (("alone", "top", "alone"), {"top": "", "alone": ""}),
    ],
)
def test_a_layer_waits_through_those_that_are_left_out(
    selected: tuple[str, ...], waits: Mapping[str, str]
) -> None:
    part = DIAMOND.select(selected)
    assert [each.name for each in part.layers] == list(waits)
    found = {each.name: " ".join(sorted(part.predecessors(each, of=DIAMOND))) for each in part.layers}
    assert found == dict(waits)


def test_a_layer_that_does_not_exist_cannot_be_selected() -> None:
    with pytest.raises(UsageError, match="no layer 'botom'") as refused:
        DIAMOND.select(["botom"])
    assert refused.value.hint == "layers: base, left, right, top, alone"


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({}, "base left right top alone"),
        ({"left-chart": {"enabled": False}}, "base right top alone"),
        ({"left-chart": {"enabled": True}}, "base left right top alone"),
        ({"left-chart": None}, "base left right top alone"),
        ({"left-chart": {"replicas": 1}}, "base left right top alone"),
    ],
)
def test_a_layer_is_left_out_when_its_component_is_turned_off(values: Mapping[str, Any], names: str) -> None:
    assert [each.name for each in DIAMOND.enabled(values).layers] == names.split()


def test_a_layer_stays_as_long_as_one_of_its_components_is_on() -> None:
    both = Plan((layer("a", components=["one", "two"]),))
    off = {"enabled": False}
    assert both.enabled({"one": off}) == both
    assert both.enabled({"one": off, "two": off}) == Plan(())


def test_a_layer_gets_its_own_components_values_and_the_global_ones() -> None:
    values = {"global": {"a": 1}, "one": {"b": 2}, "two": {"c": 3}, "depinHelm": {"parallel": 2}}
    assert layer("a", components=["one"]).prune(values) == {"global": {"a": 1}, "one": {"b": 2}}


def test_the_first_layers_are_those_that_wait_for_none() -> None:
    assert [each.name for each in DIAMOND.first().layers] == ["base", "alone"]
