"""For tests of values: the tool's checks, and a probe chart that prints what Helm itself makes of them."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from depin_helm import project, tools
from depin_helm.helm import find_helm
from depin_helm.values import Defaults
from tests.charts.values.checker import Checker
from tests.tier import ROOT, Tier


@dataclass(frozen=True)
class Probe:
    """Runs `helm template` on charts made for the purpose; `folder` is scratch space."""

    helm: Path
    folder: Path

    def values(
        self, *files: bytes | str, sets: Sequence[str] = (), chart: Defaults | None = None, schema: str = ""
    ) -> dict[str, Any]:
        """`.Values` of a chart with these defaults and subcharts, given these values files and `--set`."""
        result = self.run(*files, sets=sets, chart=chart, schema=schema)
        assert result.returncode == 0, result.stderr
        line = next(line for line in result.stdout.splitlines() if line.startswith("values: "))
        values: dict[str, Any] = json.loads(base64.b64decode(line.removeprefix("values: ")))
        return values

    def run(
        self, *files: bytes | str, sets: Sequence[str] = (), chart: Defaults | None = None, schema: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """`helm template` of such a chart, with this values.schema.json."""
        shutil.rmtree(self.folder / "probe", ignore_errors=True)
        _write(self.folder / "probe", chart or Defaults({}))
        templates = self.folder / "probe" / "templates"
        templates.mkdir()
        (templates / "values.yaml").write_text(
            "values: {{ .Values | toJson | b64enc }}\n"
            "printed:\n{{ range .Values.values }}- {{ print . | quote }}\n{{ end }}"
        )
        if schema:
            (self.folder / "probe" / "values.schema.json").write_text(schema)
        arguments = []
        for number, content in enumerate(files):
            file = self.folder / f"{number}.yaml"
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
            arguments += ["--values", str(file)]
        for text in sets:
            arguments += ["--set", text]
        return subprocess.run(
            [self.helm, "template", "probe", self.folder / "probe", *arguments],
            capture_output=True,
            text=True,
        )


def _write(folder: Path, chart: Defaults) -> None:
    folder.mkdir(parents=True)
    metadata: Mapping[str, Any] = {
        "apiVersion": "v2",
        "name": folder.name,
        "version": "0.1.0",
        "dependencies": [{"name": name, "version": "0.1.0"} for name in chart.subcharts],
    }
    (folder / "Chart.yaml").write_text(json.dumps(metadata))
    (folder / "values.yaml").write_text(json.dumps(chart.values))
    for name, subchart in chart.subcharts.items():
        _write(folder / "charts" / name, subchart)


@pytest.fixture(scope="session")
def helm_binary() -> Path:
    """DEPIN_HELM_BIN, helm in PATH, or the one that is built from tools/."""
    cache = project.cache_directory(os.environ.get("DEPIN_HELM_CACHE"))
    return find_helm(os.environ, lambda: tools.binary("helm", ROOT / "tools", cache)).path


@pytest.fixture(scope="session")
def probe(helm_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Probe:
    """Helm, and a chart that prints its values."""
    return Probe(helm_binary, tmp_path_factory.mktemp("probe"))


@pytest.fixture(scope="session")
def checker(tier: Tier, tmp_path_factory: pytest.TempPathFactory) -> Checker:
    """Checks on the charts of this run."""
    return Checker.load(tier, tmp_path_factory.mktemp("project"))
