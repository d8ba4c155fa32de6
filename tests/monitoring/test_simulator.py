"""The simulator speaks the contract: these metrics, with these types and labels, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from prometheus_client.metrics_core import Metric as Exposed
from prometheus_client.parser import text_string_to_metric_families

from tests.monitoring import contract
from tests.monitoring.conftest import Promtool
from tests.simulator import Simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def exposed(simulator: Simulator) -> str:
    return httpx2.get(simulator.url, trust_env=False).raise_for_status().text


def families(simulator: Simulator) -> dict[str, Exposed]:
    """What it exposes, by the name that the contract has."""
    found = text_string_to_metric_families(exposed(simulator))
    return {family.name + ("_total" if family.type == "counter" else ""): family for family in found}


def value(simulator: Simulator, name: str, **labels: str) -> float | None:
    for family in families(simulator).values():
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


def test_it_exposes_what_the_contract_says_and_nothing_else(simulator: Simulator) -> None:
    said = {metric.name: (metric.type, metric.help) for metric in contract.metrics()}
    assert {name: (each.type, each.documentation) for name, each in families(simulator).items()} == said


def test_every_series_has_the_labels_of_the_contract(simulator: Simulator) -> None:
    labels = {metric.name: set(metric.labels) for metric in contract.metrics()}
    for name, family in families(simulator).items():
        assert family.samples, name
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == labels[name], sample


def test_histograms_have_the_buckets_of_the_contract(simulator: Simulator) -> None:
    found = families(simulator)
    for metric in contract.metrics():
        if metric.type == "histogram":
            bounds = {float(each.labels["le"]) for each in found[metric.name].samples if "le" in each.labels}
            assert bounds == {*metric.buckets, float("inf")}, metric.name


def test_promtool_has_nothing_against_our_names(
    simulator: Simulator, promtool: Promtool, tmp_path: Path
) -> None:
    checked = promtool("check", "metrics", cwd=tmp_path, text=exposed(simulator))
    theirs = {metric.name for metric in contract.metrics() if metric.foreign}
    found = {line for line in checked.stdout.splitlines() if line.split()[0] not in theirs}
    assert found == set()
    assert "cannot parse" not in checked.stdout


def test_promtool_finds_a_name_that_is_wrong(promtool: Promtool, tmp_path: Path) -> None:
    wrong = "# HELP depin_edge_latency_milliseconds x\n# TYPE depin_edge_latency_milliseconds gauge\n"
    checked = promtool("check", "metrics", cwd=tmp_path, text=f"{wrong}depin_edge_latency_milliseconds 1\n")
    assert checked.returncode != 0 and "base unit" in checked.stdout


def test_it_listens_on_this_machine_alone(simulator: Simulator) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/metrics", simulator.url)


def test_a_stopped_node_vanishes_and_comes_back(simulator: Simulator) -> None:
    assert value(simulator, "depin_node_up", node="node-1") == 1
    simulator.stop("node-1")
    assert 'node="node-1"' not in exposed(simulator)
    assert 'Hostname="node-1"' not in exposed(simulator)
    assert value(simulator, "depin_node_up", node="node-2") == 1
    simulator.start("node-1")
    assert value(simulator, "depin_node_up", node="node-1") == 1


def test_a_frozen_node_answers_and_sends_no_heartbeat() -> None:
    now = [1000.0]
    with Simulator(clock=lambda: now[0]) as simulator:
        name = "depin_node_last_heartbeat_timestamp_seconds"
        assert value(simulator, name, node="node-1") == 1000
        simulator.freeze("node-1")
        now[0] = 1300
        assert value(simulator, name, node="node-1") == 1000
        assert value(simulator, name, node="node-2") == 1300
        assert value(simulator, "depin_node_up", node="node-1") == 1


def test_a_slow_edge_takes_longer_and_a_stopped_one_is_not_connected(simulator: Simulator) -> None:
    def slow_trips() -> float:
        samples = families(simulator)["depin_edge_latency_seconds"].samples
        counts = {each.labels.get("le"): each.value for each in samples if each.labels["edge"] == "edge-1"}
        return counts["+Inf"] - counts["0.1"]

    assert slow_trips() == 0
    simulator.slow("edge-1")
    exposed(simulator)
    assert slow_trips() > 0
    simulator.stop("edge-1")
    assert value(simulator, "depin_edge_up", edge="edge-1") == 0
    assert value(simulator, "depin_edge_up", edge="edge-2") == 1


def test_time_that_goes_by_makes_counters_grow() -> None:
    now = [0.0]
    with Simulator(clock=lambda: now[0]) as simulator:
        before = value(simulator, "depin_network_jobs_matched_total", region="eu-central")
        now[0] += 30
        after = value(simulator, "depin_network_jobs_matched_total", region="eu-central")
        assert before is not None and after == pytest.approx(before + 27)
