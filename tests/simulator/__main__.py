"""`python -m tests.simulator`: a network to look at, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import threading

from tests.simulator import Simulator


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=9400)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--edges", type=int, default=2)
    chosen = parser.parse_args()
    with Simulator(port=chosen.port, nodes=chosen.nodes, edges=chosen.edges) as simulator:
        print(simulator.url, flush=True)  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
