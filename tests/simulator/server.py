"""Serves the simulated network's metrics, and lets its nodes and edges fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType

from prometheus_client import CollectorRegistry, Metric, disable_created_metrics, start_http_server

from tests.simulator.exporter import Exporter
from tests.simulator.network import Network


class _Live(CollectorRegistry):
    """Metrics of something that moves on whenever it is looked at."""

    advance: Callable[[], None]

    def collect(self) -> Iterable[Metric]:
        self.advance()
        return super().collect()


class Simulator:
    """A network of that many nodes and edges, `node-1`, `edge-1` and so on, while the context lasts."""

    def __init__(
        self,
        *,
        port: int = 0,
        nodes: int = 3,
        edges: int = 2,
        regions: tuple[str, ...] = ("eu-central", "us-east"),
        clock: Callable[[], float] = time.time,
    ) -> None:
        # The contract has no times of creation; without this each counter and histogram has one more series.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = _Live()
        self.network = Network(Exporter(self.registry), nodes, edges, regions, clock)
        self.registry.advance = self.network.advance
        self._port = port

    def __enter__(self) -> Simulator:
        self._server, self._thread = start_http_server(self._port, "127.0.0.1", self.registry)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.address}/metrics"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def stop(self, name: str) -> None:
        """Let a node vanish, or an edge lose its connection."""
        self._known(name)
        self.network.stopped.add(name)

    def freeze(self, name: str) -> None:
        """Let a node send no more heartbeats."""
        self._known(name)
        self.network.frozen.add(name)

    def slow(self, name: str) -> None:
        """Let an edge's round trips take ten times as long, or a node's CPU be nearly all busy."""
        self._known(name)
        self.network.slow.add(name)

    def start(self, name: str) -> None:
        """Let all be well again with a node or an edge."""
        self._known(name)
        for state in (self.network.stopped, self.network.frozen, self.network.slow):
            state.discard(name)

    def _known(self, name: str) -> None:
        assert name in {place.name for place in (*self.network.nodes, *self.network.edges)}, name
