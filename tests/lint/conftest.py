"""The umbrella chart as `depin-helm assemble` leaves it, in a folder of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from depin_helm import assemble, tools
from depin_helm.charts import Cache, Lock, dependencies
from depin_helm.project import Project
from tests.tier import ROOT, Tier

Helm = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def helm(tier: Tier) -> Helm:
    """Run Helm with these arguments, standard output and error as one text."""
    binary = tools.binary("helm", ROOT / "tools", tier.cache)

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [binary, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    return run


@pytest.fixture(scope="session")
def complete_chart(tier: Tier, helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The umbrella with upstream archives, CRDs and schema in place; not to be changed."""
    folder = tmp_path_factory.mktemp("lint")

    def render(archive: Path, values: Mapping[str, Any]) -> str:
        file = folder / "crd-values.json"
        file.write_text(json.dumps(values))
        rendered = helm("template", "crds", archive, "--include-crds", "--values", file)
        assert rendered.returncode == 0, rendered.stdout
        return rendered.stdout

    project = Project(tier.root)
    charts = Cache(tier.cache).resolve(Lock(project.lock, dependencies(project.chart)))
    chart = folder / project.chart.name
    assemble.copy_own_files(project, chart)
    assemble.write(chart, assemble.checkout(project, charts, render))
    return chart


@pytest.fixture
def chart(complete_chart: Path, tmp_path: Path) -> Path:
    """A copy of the complete chart, to be broken."""
    return shutil.copytree(complete_chart, tmp_path / complete_chart.name)
