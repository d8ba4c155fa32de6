"""`helm package` does not change a chart's content digest, however much it rewrites."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from depin_helm import project, tools
from depin_helm.charts import content_digest
from depin_helm.helm import find_helm
from tests.tier import ROOT

CHART = """\
# maintained by hand
apiVersion: v2
version: 1.2.3
name: demo
appVersion: 1.10
home: 8.0
description: |
  two
  lines
deprecated: false
keywords: []
annotations: {x/y: false, z: "1"}
dependencies:
  - {name: inner, version: 0.1.0, condition: inner.enabled, import-values: [data]}
"""
LOCK = """\
dependencies:
- name: inner
  repository: ""
  version: 0.1.0
digest: sha256:00
generated: "2021-03-04T05:06:07.123+01:00"
"""


@pytest.fixture(scope="module")
def helm() -> Path:
    cache = project.cache_directory(os.environ.get("DEPIN_HELM_CACHE"))
    return find_helm(os.environ, lambda: tools.binary("helm", ROOT / "tools", cache)).path


def by_helm(helm: Path, folder: Path, destination: Path) -> Path:
    subprocess.run([helm, "package", folder, "--destination", destination], check=True, capture_output=True)
    (archive,) = destination.glob(f"{folder.name}-*.tgz")
    return archive


def by_hand(folder: Path, destination: Path) -> Path:
    archive = destination / "by-hand.tgz"
    with tarfile.open(archive, "w:gz", format=tarfile.PAX_FORMAT) as packed:
        packed.add(folder, folder.name)
    return archive


@pytest.fixture
def folder(helm: Path, tmp_path: Path) -> Path:
    """A chart with everything that Helm rewrites: metadata, lock, byte order mark, a nested archive."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "Chart.yaml").write_text("apiVersion: v2\nname: inner\nversion: 0.1.0\n# by hand\n")
    (inner / "values.yaml").write_text("a: 1\n")
    chart = tmp_path / "demo"
    (chart / "charts").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(CHART)
    (chart / "Chart.lock").write_text(LOCK)
    (chart / "values.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    by_hand(inner, tmp_path).rename(chart / "charts" / "inner-0.1.0.tgz")
    return chart


def test_packing_twice_gives_one_digest(helm: Path, folder: Path, tmp_path: Path) -> None:
    first = by_helm(helm, folder, tmp_path / "first")
    os.utime(folder / "values.yaml", (0, 0))
    second = by_helm(helm, folder, tmp_path / "second")
    assert first.read_bytes() != second.read_bytes()
    assert content_digest(first) == content_digest(second)


def test_packing_by_hand_gives_the_digest_that_helm_s_archive_has(
    helm: Path, folder: Path, tmp_path: Path
) -> None:
    assert content_digest(by_hand(folder, tmp_path)) == content_digest(by_helm(helm, folder, tmp_path))


def test_a_changed_file_changes_the_digest_in_both(helm: Path, folder: Path, tmp_path: Path) -> None:
    before = content_digest(by_helm(helm, folder, tmp_path / "before"))
    (folder / "values.yaml").write_bytes(b"a: 2\n")
    after = content_digest(by_helm(helm, folder, tmp_path / "after"))
    assert before != after == content_digest(by_hand(folder, tmp_path))
