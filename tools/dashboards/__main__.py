"""Writes the dashboards' JSON, which is committed: `make dashboards`."""

from __future__ import annotations

from pathlib import Path

from tools.dashboards import edge, ingress, logs, node, overview, platform, workloads
from tools.dashboards.board import Board

FOLDER = Path(__file__).parents[2] / "charts/depin-platform/charts/depin-monitoring/dashboards"


def boards() -> list[Board]:
    """All of them."""
    return [module.build() for module in (overview, workloads, edge, node, platform, logs, ingress)]


def main() -> None:
    """Write a file for each, and no other."""
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for board in boards():
        (FOLDER / f"{board.uid}.json").write_text(board.json())


if __name__ == "__main__":
    main()
