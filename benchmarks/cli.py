"""How long depin-helm takes to start: `--help` beside a Python that does nothing."""

from __future__ import annotations

import sys

from benchmarks.measure import DEPIN_HELM, Result, Run, median, run, show

ROUNDS = 20


def main() -> None:
    bare: list[Run] = []
    ours: list[Run] = []
    for _ in range(ROUNDS):
        bare.append(run([sys.executable, "-c", "pass"]))
        ours.append(run([DEPIN_HELM, "--help"]))
    detail = f"{median(ours) * 1000:.0f} ms / {median(bare) * 1000:.0f} ms, median of {ROUNDS}"
    show([Result("depin-helm --help / python -c pass", median(ours) / median(bare), 10, "x", detail)])


if __name__ == "__main__":
    main()
