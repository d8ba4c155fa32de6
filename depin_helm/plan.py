"""The layer graph: which parts of the umbrella form a release, and what each waits for.

The graph is data, `layers.yaml` beside the umbrella's Chart.yaml; see there for its fields.
"""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depin_helm import yamlio
from depin_helm.charts import dependencies
from depin_helm.errors import ChartError, UsageError


@dataclass(frozen=True)
class Layer:
    """One Helm release of the umbrella chart with only `components` enabled."""

    name: str
    namespace: str
    components: tuple[str, ...]
    after: tuple[str, ...] = ()
    hooks: bool = True

    @property
    def release(self) -> str:
        """Name of the layer's Helm release."""
        return f"depin-{self.name}"

    def enabled_components(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """The components that `values` turn on."""
        return tuple(name for name in self.components if (values.get(name) or {}).get("enabled", True))

    def prune(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Of the umbrella's values, those that this layer's release needs."""
        return {key: value for key, value in values.items() if key == "global" or key in self.components}


@dataclass(frozen=True)
class Plan:
    """Layers in an order in which each stands behind all that it waits for."""

    layers: tuple[Layer, ...]

    def __getitem__(self, name: str) -> Layer:
        """The layer called `name`.

        Raises:
            UsageError: there is none.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in self.layers)
        raise UsageError(f"no layer {name!r}", hint=f"layers: {known}")

    def select(self, names: Collection[str]) -> Plan:
        """The plan of these layers alone; without names, of all.

        Raises:
            UsageError: there is no such layer in this plan.
        """
        chosen = {self[name].name for name in names}
        return Plan(tuple(layer for layer in self.layers if not chosen or layer.name in chosen))

    def enabled(self, values: Mapping[str, Any]) -> Plan:
        """The plan without the layers whose components `values` all turn off."""
        return Plan(tuple(layer for layer in self.layers if layer.enabled_components(values)))

    def first(self) -> Plan:
        """The plan of the layers that wait for none."""
        return Plan(tuple(layer for layer in self.layers if not layer.after))

    def predecessors(self, layer: Layer, *, of: Plan | None = None) -> frozenset[str]:
        """Names of this plan's layers that `layer` waits for, also through layers that are not in this plan.

        `of` is the whole plan that this one was taken from.
        """
        whole = of or self
        known = {candidate.name for candidate in self.layers}
        found: set[str] = set()
        for name in layer.after:
            found |= {name} if name in known else self.predecessors(whole[name], of=whole)
        return frozenset(found)

    def reversed(self) -> Iterable[Layer]:
        """The layers in an order in which each stands before all that it waits for."""
        return reversed(self.layers)


def load(chart: Path) -> Plan:
    """Read the umbrella chart's `layers.yaml`.

    Raises:
        ChartError: it cannot be read, names what does not exist, leaves a dependency of the chart out,
            or has a cycle.
    """
    file = chart / "layers.yaml"
    try:
        data = yamlio.load(file.read_bytes())
        listed = [_layer(entry) for entry in data["layers"]]
        plain_only = list(data.get("plainOnly", []))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ChartError(f"{file} cannot be read: {error!r}") from error
    layers = {layer.name: layer for layer in listed}
    if len(layers) < len(listed):
        raise ChartError(f"{file}: two layers have the same name")
    placed = [name for layer in listed for name in layer.components] + plain_only
    declared = [dependency.alias or dependency.name for dependency in dependencies(chart)]
    if sorted(placed) != sorted(declared):
        wrong = ", ".join(
            sorted({name for name in {*placed, *declared} if placed.count(name) != declared.count(name)})
        )
        raise ChartError(
            f"{file} and the dependencies in Chart.yaml do not agree on: {wrong}",
            hint="each dependency stands in exactly one layer, or in plainOnly",
        )
    unknown = {name for layer in listed for name in layer.after} - layers.keys()
    if unknown:
        raise ChartError(f"{file}: `after` names layers that do not exist: {', '.join(sorted(unknown))}")
    try:
        order = graphlib.TopologicalSorter({layer.name: layer.after for layer in listed}).static_order()
        return Plan(tuple(layers[name] for name in order))
    except graphlib.CycleError as error:
        raise ChartError(f"{file}: these layers wait for each other: {' → '.join(error.args[1])}") from error


def _layer(entry: Mapping[str, Any]) -> Layer:
    return Layer(
        name=entry["name"],
        namespace=entry["namespace"],
        components=tuple(entry["components"]),
        after=tuple(entry.get("after", [])),
        hooks=entry.get("hooks", True),
    )
