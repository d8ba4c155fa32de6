"""The dashboards as they are committed: panels, what they ask Prometheus for, and their variables."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.monitoring import contract

FOLDER = contract.CHART / "dashboards"

_FUNCTION = re.compile(r"label_values\((?:(.+), *)?(\w+)\)")


@dataclass(frozen=True)
class Target:
    """A query of a panel: its PromQL as it stands there, and what its series are called."""

    panel: Panel
    expr: str
    legend: str

    @property
    def promql(self) -> str:
        """What Grafana asks with everything chosen."""
        return substituted(self.expr)

    def __str__(self) -> str:
        return f"{self.panel}: {self.expr}"


@dataclass(frozen=True)
class Panel:
    """A panel that shows something, no row."""

    board: str
    data: Mapping[str, Any]

    @property
    def targets(self) -> list[Target]:
        found = self.data.get("targets", [])
        return [Target(self, target["expr"], target.get("legendFormat", "")) for target in found]

    def __str__(self) -> str:
        return f"{self.board}: {self.data['title']}"


@functools.cache
def boards() -> Mapping[str, Mapping[str, Any]]:
    """All dashboards by their files' names."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))}


def panels(board: str) -> list[Panel]:
    return [Panel(board, data) for data in boards()[board]["panels"] if data["type"] != "row"]


def every_panel() -> Iterator[Panel]:
    for board in boards():
        yield from panels(board)


def every_target() -> Iterator[Target]:
    for panel in every_panel():
        yield from panel.targets


def variables(board: str) -> list[Mapping[str, Any]]:
    return list(boards()[board]["templating"]["list"])


def choices(board: str) -> Iterator[tuple[str, str]]:
    """Of each variable that Prometheus is asked for: the series, as PromQL, and the label of its choices."""
    for variable in variables(board):
        if variable["type"] == "query":
            match = _FUNCTION.fullmatch(variable["query"]["query"])
            assert match and match[1], variable
            yield substituted(match[1]), match[2]


def substituted(expr: str) -> str:
    """With everything chosen, and what Grafana takes as the interval of rates for scrapes each 30 seconds."""
    return re.sub(r"\$\w+", ".*", expr.replace("$__rate_interval", "2m"))
