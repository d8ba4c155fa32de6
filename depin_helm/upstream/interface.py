"""What an upstream chart takes: its defaults, its schema, and which keys its templates read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from depin_helm.upstream.reads import Reads
from depin_helm.values.merging import Defaults
from depin_helm.yamlio import Document, Mark, Path


@dataclass(frozen=True)
class Interface:
    """A chart as its archive tells.

    defaults   values.yaml as Helm reads it
    lines      line and column, from 1, of each key and list item in it
    schema     values.schema.json, None where there is none
    reads      of `.Values`, by the chart's own templates, and by Helm for the conditions of its subcharts
    subcharts  by alias or name
    crds       by kind, the structure of custom resources that the chart defines and renders itself
    """

    name: str
    version: str
    defaults: Mapping[str, Any] = field(repr=False)
    lines: Mapping[Path, tuple[int, int]] = field(repr=False)
    schema: Mapping[str, Any] | None = field(repr=False)
    reads: Reads = field(repr=False)
    subcharts: Mapping[str, Interface]
    crds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def to_json(self) -> dict[str, Any]:
        """As `from_json` takes it."""
        return {
            "name": self.name,
            "version": self.version,
            "defaults": self.defaults,
            "lines": [[*path, *mark] for path, mark in self.lines.items()],
            "schema": self.schema,
            "reads": self.reads.to_json(),
            "subcharts": {name: chart.to_json() for name, chart in self.subcharts.items()},
            "crds": self.crds,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Interface:
        """What `to_json` gave."""
        return cls(
            data["name"],
            data["version"],
            data["defaults"],
            {tuple(path): (line, column) for *path, line, column in data["lines"]},
            data["schema"],
            Reads.from_json(data["reads"]),
            {name: cls.from_json(chart) for name, chart in data["subcharts"].items()},
            data["crds"],
        )


def as_defaults(chart: Interface) -> Defaults:
    """The chart's defaults and its subcharts', for `values.coalesce`."""
    return Defaults(chart.defaults, {name: as_defaults(each) for name, each in chart.subcharts.items()})


def documents(chart: Interface, prefix: Path = ()) -> list[tuple[Path, Document]]:
    """The values.yaml of the chart and of its subcharts, each with the path of its section, weakest first."""
    return list(_documents(chart, prefix, f"{chart.name}-{chart.version}"))


def _documents(chart: Interface, prefix: Path, folder: str) -> Iterator[tuple[Path, Document]]:
    for name, subchart in chart.subcharts.items():
        yield from _documents(subchart, (*prefix, name), f"{folder}/charts/{subchart.name}")
    marks = {path: Mark(line, column) for path, (line, column) in chart.lines.items()}
    yield prefix, Document(f"{folder}/values.yaml", dict(chart.defaults), marks)
