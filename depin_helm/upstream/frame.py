"""One template while it is followed: its variables, what it has written, what it renders whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from depin_helm.upstream.abstract import Value
from depin_helm.upstream.layout import Layout, Spot
from depin_helm.upstream.reads import Keys

#: A part of the values, and where it is rendered within the template.
Placed = tuple[Keys, Spot]


@dataclass
class Frame:
    """One template at work."""

    context: Value
    dot: Value
    scopes: list[dict[str, Value]]
    layout: Layout = field(default_factory=Layout)
    placed: dict[Placed, None] = field(default_factory=dict)
    #: Column, and whether on a new line, of what is evaluated; None if that does not come out as it is.
    site: tuple[int | None, bool] | None = None

    def spots(self) -> frozenset[Spot]:
        """Where the action stands that is evaluated."""
        return frozenset() if self.site is None else self.layout.spots(*self.site)

    def printed(self, paths: frozenset[Keys], quoted: bool) -> None:
        """Note where the parts of the values are that are printed next, alone on their line."""
        for spot in self.layout.scalar_spots(quoted):
            for path in paths:
                self.placed[path, spot] = None

    def render(self, value: Value, spot: Spot) -> None:
        """Note where the parts of the values are that stand as YAML at `spot`."""
        if not value.part:
            for path in value.paths:
                self.placed[path, spot] = None
        for key, inner in value.fields:
            self.render(inner, Spot(spot.kind, (*spot.keys, key)))
        for inner in value.items:
            self.render(inner, spot._replace(item=True))
