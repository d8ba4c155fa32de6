"""What happens in the network: a little each time somebody looks, as much as the time that went by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import Gauge

from tests.simulator.exporter import Exporter

REASONS = ("error", "timeout", "out_of_memory", "node_lost", "rejected")
CORES, MEMORY, GPUS, GPU_MEMORY = 64, 256 * 2**30, 2, 81920
#: Round trips of a healthy edge node, and how much slower a slow one is.
LATENCY, SLOWER = (0.012, 0.018, 0.031, 0.044), 10
#: Probes and jobs a second; no more than this many are made up for at once.
RATE, MOST = 1.0, 60


@dataclass(frozen=True)
class Place:
    """A compute or edge node."""

    name: str
    region: str


class Network:
    """The simulated network."""

    def __init__(
        self, exporter: Exporter, nodes: int, edges: int, regions: tuple[str, ...], clock: Callable[[], float]
    ) -> None:
        self._exporter = exporter
        self._clock = clock
        self._last = clock() - 1
        self._events = 0
        self.regions = regions
        self.nodes = [Place(f"node-{i + 1}", regions[i % len(regions)]) for i in range(nodes)]
        self.edges = [Place(f"edge-{i + 1}", regions[i % len(regions)]) for i in range(edges)]
        self.workloads = ("inference", "training")
        self.stopped: set[str] = set()
        self.frozen: set[str] = set()
        self.slow: set[str] = set()

    def advance(self) -> None:
        """Let happen what has happened since the last time."""
        now = self._clock()
        events = min(MOST, max(1, round((now - self._last) * RATE)))
        self._last = now
        # Every tenth probe and every twentieth job is another one than the rest, however few happen at once.
        numbers = range(self._events, self._events + events)
        self._events += events
        for node in self.nodes:
            self._node(node, now)
        for edge in self.edges:
            self._edge(edge, numbers)
        for region in self.regions:
            self._region(region, numbers)

    def _node(self, node: Place, now: float) -> None:
        say = self._exporter
        own = (node.name, node.region)
        gauges: list[tuple[Gauge, float]] = [
            (say.node_up, 1),
            (say.capacity_cpu, CORES),
            (say.capacity_memory, MEMORY),
            (say.capacity_gpus, GPUS),
            (say.allocated_cpu, CORES / 2),
            (say.allocated_memory, MEMORY / 2),
            (say.allocated_gpus, GPUS / 2),
            (say.cpu_utilization, 0.95 if node.name in self.slow else 0.4),
            (say.memory_utilization, 0.5),
        ]
        if node.name in self.stopped:
            for metric, _ in [*gauges, (say.node_heartbeat, 0)]:
                metric.remove_by_labels({"node": node.name})
            say.node_info.remove_by_labels({"node": node.name})
            for metric in self._gpu_metrics():
                metric.remove_by_labels({"Hostname": node.name})
            return
        for metric, value in gauges:
            metric.labels(*own).set(value)
        say.node_info.labels(*own, "1.4.2").set(1)
        if node.name not in self.frozen:
            say.node_heartbeat.labels(*own).set(now)
        for number in range(GPUS):
            gpu = (str(number), f"GPU-{node.name}-{number}", "NVIDIA H100 80GB HBM3", node.name)
            values = (55, 30, GPU_MEMORY / 4, GPU_MEMORY * 3 / 4, 61, 320, 0)
            for metric, value in zip(self._gpu_metrics(), values, strict=True):
                metric.labels(*gpu).set(value)

    def _gpu_metrics(self) -> tuple[Gauge, ...]:
        say = self._exporter
        return (
            say.gpu_utilization,
            say.gpu_memory_utilization,
            say.gpu_memory_used,
            say.gpu_memory_free,
            say.gpu_temperature,
            say.gpu_power,
            say.gpu_errors,
        )

    def _edge(self, edge: Place, numbers: range) -> None:
        say, events = self._exporter, len(numbers)
        own = (edge.name, edge.region)
        up = edge.name not in self.stopped
        say.edge_up.labels(*own).set(up)
        say.edge_received.labels(*own).inc(1500 * events * up)
        say.edge_sent.labels(*own).inc(900 * events * up)
        latency, loss = say.edge_latency.labels(*own), say.edge_loss.labels(*own)
        for number in numbers if up else ():
            slower = SLOWER if edge.name in self.slow else 1
            latency.observe(LATENCY[number % len(LATENCY)] * slower)
            loss.observe(0.02 if number % 10 == 0 else 0)

    def _region(self, region: str, numbers: range) -> None:
        say, events = self._exporter, len(numbers)
        say.peers.labels(region).set(sum(node.region == region for node in self.nodes))
        say.stake.labels(region).set(10_000)
        say.jobs_submitted.labels(region).inc(events)
        say.jobs_matched.labels(region).inc(events * 0.9)
        say.rewards.labels(region).inc(events * 0.25)
        say.slashed.labels(region).inc(0)
        for workload in self.workloads:
            own = (workload, region)
            say.queued_jobs.labels(*own).set(3)
            say.running_jobs.labels(*own).set(5)
            for reason in REASONS:
                say.job_failures.labels(*own, reason).inc(events * 0.05 if reason == "error" else 0)
            for number in numbers:
                say.queue_duration.labels(*own).observe(0.4 + number % 5)
                result = "failed" if number % 20 == 0 else "succeeded"
                say.job_duration.labels(*own, result).observe(20 + number % 50)
