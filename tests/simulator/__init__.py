"""A network of compute and edge nodes that speaks the metric contract (docs/metrics.md), on 127.0.0.1.

For tests, and to look at: `python -m tests.simulator --port 9400`. In a test:

    with Simulator() as simulator:
        simulator.url                # what Prometheus is to scrape
        simulator.stop("node-1")     # its agent is gone, and its series with it
        simulator.freeze("node-2")   # it still answers, but sends no heartbeat
        simulator.slow("edge-1")     # round trips take ten times as long
        simulator.start("node-1")    # all is well again with this node or edge
"""

from tests.simulator.server import Simulator

__all__ = ["Simulator"]
