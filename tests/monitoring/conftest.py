"""For tests of metrics and rules: what the chart renders, and Prometheus' own programs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.charts.conftest import platform, real_charts, renderer
from tests.monitoring import servers
from tests.monitoring.promql import Parser
from tests.programs import program

__all__ = ["platform", "real_charts", "renderer"]

#: Runs promtool with these arguments, in a folder, with this input; its output and errors are one text.
Promtool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """Prometheus' own checks."""
    binary = program("promtool")

    def run(*arguments: str | Path, cwd: Path, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [binary, *arguments],
            cwd=cwd,
            input=text,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    return run


@pytest.fixture(scope="session")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parser]:
    """Prometheus' own reading of PromQL."""
    with servers.prometheus(tmp_path_factory.mktemp("parser")) as server:
        yield Parser(server)
