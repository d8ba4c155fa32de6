"""The metric contract as the tests read it, and the metrics that the deployed exporters document.

For whoever checks PromQL: `known()` are all names of series that an expression may use, apart from those that
recording rules make.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depin_helm import yamlio
from tests.tier import UMBRELLA

CHART = UMBRELLA / "charts/depin-monitoring"
#: One file for each exporter: where its names are from, and names with their types.
EXPORTERS = Path(__file__).parent / "exporters"

#: What Prometheus makes itself, about each scrape and each alert.
OWN = frozenset(
    {
        *("up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_series_added"),
        *("scrape_samples_post_metric_relabeling", "ALERTS", "ALERTS_FOR_STATE"),
    }
)


@dataclass(frozen=True)
class Metric:
    """A line of the contract."""

    name: str
    type: str
    unit: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...]
    help: str
    foreign: bool
    group: str


@functools.cache
def source() -> Mapping[str, Any]:
    """The contract's file."""
    return dict(yamlio.load((CHART / "metrics.yaml").read_bytes()))


@functools.cache
def metrics() -> tuple[Metric, ...]:
    """All of the contract."""
    return tuple(
        Metric(
            entry["name"],
            entry["type"],
            entry.get("unit", ""),
            tuple(entry["labels"]),
            tuple(entry.get("buckets", ())),
            entry["help"],
            group.get("foreign", False),
            group["name"],
        )
        for group in source()["groups"]
        for entry in group["metrics"]
    )


@functools.cache
def exporters() -> Mapping[str, Mapping[str, str]]:
    """Of each deployed exporter: names of its metrics, and their types."""
    return {file.stem: yamlio.load(file.read_bytes())["metrics"] for file in sorted(EXPORTERS.glob("*.yaml"))}


def series(name: str, kind: str) -> Iterator[str]:
    """The names under which a metric's samples stand."""
    suffixes = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}
    yield from (name + suffix for suffix in suffixes.get(kind, ("",)))


@functools.cache
def known() -> frozenset[str]:
    """Every name of a series that the contract or a deployed exporter exposes."""
    pairs = [(metric.name, metric.type) for metric in metrics()]
    pairs += [pair for documented in exporters().values() for pair in documented.items()]
    return OWN | {name for pair in pairs for name in series(*pair)}
