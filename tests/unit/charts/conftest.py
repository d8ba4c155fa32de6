"""Fixtures of the chart tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from depin_helm.charts import Cache
from tests.unit.charts.packing import chart

Archive = Callable[..., Path]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """An empty chart cache."""
    return Cache(tmp_path / "cache")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Writes a chart's archive `archives/<name>-<version>.tgz` with some files."""

    def write(name: str = "demo", version: str = "1.0.0", files: Mapping[str, bytes] | None = None) -> Path:
        file = tmp_path / "archives" / f"{name}-{version}.tgz"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(chart(files, name, version))
        return file

    return write
