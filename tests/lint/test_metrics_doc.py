"""docs/metrics.md says what the contract says, and the contract keeps Prometheus' rules for names."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace

import pytest

from tests.monitoring import contract
from tests.monitoring.contract import Metric
from tests.tier import ROOT

#: What Prometheus adds to every series of a target: a service's own label of that name would be renamed.
TARGET = {"job", "instance", "namespace", "pod", "container", "service", "endpoint", "cluster", "prometheus"}
#: Units that names end with: https://prometheus.io/docs/practices/naming/#base-units, and what is counted.
UNITS = {"seconds", "bytes", "ratio", "cores", "tokens"}
#: Units that are no base units, and words that are no units.
FORBIDDEN = re.compile(
    r"_(milliseconds|ms|minutes|hours|days|kilobytes|mb|mib|gb|gib|percent|percentage|count|sum|bucket)(_|$)"
)


def problems(metric: Metric) -> list[str]:
    """What is wrong with a name of ours."""
    found = []
    if not re.fullmatch(r"depin_[a-z0-9]+(_[a-z0-9]+)*", metric.name):
        found.append("is not snake_case with our prefix")
    if FORBIDDEN.search(metric.name):
        found.append("has a word that Prometheus keeps for itself, or no base unit")
    if (metric.type == "counter") != metric.name.endswith("_total"):
        found.append("_total is for counters, and for every counter")
    end = metric.name.removesuffix("_total").rpartition("_")[2]
    if metric.unit not in {"", *UNITS} or (metric.unit or (end if end in UNITS else "")) != metric.unit:
        found.append("has a unit in its name and not beside it")
    elif metric.unit and end != metric.unit:
        found.append("does not end with its unit")
    if (metric.type == "histogram") != bool(metric.buckets) or list(metric.buckets) != sorted(
        set(metric.buckets)
    ):
        found.append("buckets are for histograms, and ascend")
    if metric.type not in ("counter", "gauge", "histogram"):
        found.append(f"{metric.type} is no type")
    if set(metric.labels) & TARGET or any(not re.fullmatch("[a-z][a-z_]*", label) for label in metric.labels):
        found.append("has a label that Prometheus adds itself, or that is not snake_case")
    if not metric.help.endswith("."):
        found.append("has no help")
    return found


def test_it_is_what_its_source_gives() -> None:
    spec = importlib.util.spec_from_file_location("metrics_doc", ROOT / "tools/metrics_doc.py")
    assert spec is not None and spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert generator.generate() == (ROOT / "docs/metrics.md").read_text(), "run `make docs`"


@pytest.mark.parametrize(
    "metric", [each for each in contract.metrics() if not each.foreign], ids=lambda m: m.name
)
def test_a_name_keeps_the_rules(metric: Metric) -> None:
    assert problems(metric) == []


def test_names_are_given_once() -> None:
    names = [metric.name for metric in contract.metrics()]
    assert len(names) == len(set(names))


def test_every_label_has_its_meaning_and_is_used() -> None:
    used = {label for metric in contract.metrics() for label in metric.labels}
    assert used == contract.source()["labels"].keys()


GOOD = Metric(
    "depin_edge_latency_seconds", "histogram", "seconds", ("edge",), (0.1, 1), "Round trips.", False, "edge"
)


@pytest.mark.parametrize(
    "metric",
    [
        replace(GOOD, name="edge_latency_seconds"),
        replace(GOOD, name="depin_edgeLatency_seconds"),
        replace(GOOD, name="depin_edge_latency_milliseconds", unit="milliseconds"),
        replace(GOOD, name="depin_edge_latency"),
        replace(GOOD, name="depin_edge_seconds_latency"),
        replace(GOOD, unit=""),
        replace(GOOD, buckets=()),
        replace(GOOD, buckets=(1, 0.1)),
        replace(GOOD, labels=("instance",)),
        replace(GOOD, labels=("edgeName",)),
        replace(GOOD, help=""),
        replace(GOOD, type="summary", buckets=()),
        replace(GOOD, type="gauge", buckets=(), name="depin_edges_total", unit=""),
        replace(GOOD, type="counter", buckets=(), name="depin_edge_drops", unit=""),
        replace(GOOD, type="gauge", buckets=(), name="depin_edge_loss_percent", unit=""),
    ],
    ids=lambda m: f"{m.name}-{m.type}-{m.unit}",
)
def test_a_name_that_breaks_a_rule_is_found(metric: Metric) -> None:
    assert problems(GOOD) == []
    assert problems(metric)
