"""What an upstream chart knows of a key: what reads it, its default, its place in the chart's schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from depin_helm.checks.facts import lookup
from depin_helm.upstream import Interface, Reads
from depin_helm.yamlio import Path

#: The part of a section that Helm hands down to all subcharts.
GLOBAL = "global"


@dataclass(frozen=True)
class Chart:
    """An upstream chart with its subcharts.

    defaults  what its templates see when nothing is given, subcharts' sections filled in
    used      what templates within the values read, each with the section of the subchart that it is in
    """

    interface: Interface
    defaults: Mapping[str, Any] = field(repr=False)
    used: tuple[tuple[Path, Reads], ...] = ()

    def __str__(self) -> str:
        return f"{self.interface.name} {self.interface.version}"

    def reads(self, path: Path) -> tuple[Reads, ...]:
        """What templates read at `path`, those of subcharts too; nothing if they read nothing there."""
        found = [*_reads(self.interface, path)]
        for section, each in self.used:
            if path[: len(section)] == section:
                found.append(each.at(path[len(section) :]))
            elif path[:1] == (GLOBAL,):
                found.append(each.at(path))
        return tuple(each for each in found if each is not None)

    def crds(self) -> Mapping[str, Any]:
        """The schemas of the kinds that its CRDs, and its subcharts', define."""
        return dict(_crds(self.interface))

    def has(self, path: Path) -> bool:
        """Whether values.yaml or values.schema.json has the key."""
        return _present(self.defaults, path) or _described(self.interface, path) is not None

    def keys(self, path: Path) -> set[str]:
        """The keys that are known by name in the map at `path`."""
        known = {key for each in self.reads(path) for key in each.children if key != "*"}
        default = lookup(self.defaults, path)
        if isinstance(default, Mapping):
            known |= set(default)
        described = _described(self.interface, path) or {}
        return known | set(described.get("properties", ()))

    def paths(self, path: Path = (), depth: int = 8) -> Iterator[Path]:
        """The paths of all keys that are known by name."""
        for key in sorted(self.keys(path)):
            yield (*path, key)
            if depth:
                yield from self.paths((*path, key), depth - 1)


def _reads(chart: Interface, path: Path) -> Iterator[Reads | None]:
    yield chart.reads.at(path)
    for name, subchart in chart.subcharts.items():
        if path[:1] == (GLOBAL,):
            yield from _reads(subchart, path)
        elif path == (name,):
            yield Reads(subchart.reads.children)
        elif path[:1] == (name,):
            yield from _reads(subchart, path[1:])


def section(chart: Interface, path: Path) -> Path:
    """The section of the subchart, and of its subchart, that `path` is in."""
    if not path or path[0] not in chart.subcharts:
        return ()
    return (path[0], *section(chart.subcharts[str(path[0])], path[1:]))


def _crds(chart: Interface) -> Iterator[tuple[str, Any]]:
    for subchart in chart.subcharts.values():
        yield from _crds(subchart)
    yield from chart.crds.items()


def _present(values: Any, path: Path) -> bool:
    for part in path:
        if not isinstance(values, Mapping) or part not in values:
            return False
        values = values[part]
    return True


def _described(chart: Interface, path: Path) -> Mapping[str, Any] | None:
    """The schema of the value at `path`; None where the chart's schema has no such key."""
    if path and path[0] in chart.subcharts:
        return _described(chart.subcharts[str(path[0])], path[1:])
    if chart.schema is None:
        return None
    node = resolved(chart.schema, chart.schema)
    for part in path:
        inner = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
        if not isinstance(inner, Mapping):
            return None
        node = resolved(inner, chart.schema)
    return node


def resolved(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a `$ref` within the schema stands for; a definition may be a reference itself."""
    for _ in range(10):
        reference = node.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        target = lookup(schema, tuple(reference.removeprefix("#/").split("/")))
        node = target if isinstance(target, Mapping) else {}
    return node
