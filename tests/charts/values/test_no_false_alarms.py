"""What the upstream charts themselves set is valid as a component's section."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from depin_helm import schema
from depin_helm.charts import Cache, CachedChart, Lock, dependencies
from depin_helm.project import Project
from depin_helm.values import read_environment
from tests.tier import ROOT, Tier

SCHEMA = schema.load(Project(ROOT).schema_source)


def values_files(chart: CachedChart) -> Iterator[tuple[str, bytes]]:
    """The chart's defaults and the values that its own continuous integration renders it with."""
    pattern = re.compile(rf"{re.escape(chart.name)}/(values|ci/.*values.*)\.ya?ml")
    with tarfile.open(chart.archive) as archive:
        for member in archive:
            content = archive.extractfile(member) if pattern.fullmatch(member.name) else None
            if content is not None:
                yield member.name, content.read()


def test_upstream_values_are_valid_as_a_components_section(tier: Tier, tmp_path: Path) -> None:
    project = Project(tier.root)
    checked = []
    for chart in Cache(tier.cache).resolve(Lock(project.lock, dependencies(project.chart))):
        for name, content in values_files(chart):
            file = tmp_path / "section.yaml"
            indented = re.sub(rb"(?m)^(?=.)", b"  ", content.removeprefix(b"---\n"))
            file.write_bytes(f"{chart.name}:\n".encode() + indented)
            assert schema.check(read_environment(project, "dev", [file]), SCHEMA) == (), name
            checked.append(name)
    assert len(checked) >= 6


@pytest.mark.parametrize("text", ["enabled: maybe", "resources: {limit: {}}"])
def test_what_is_wrong_in_a_section_would_be_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "section.yaml").write_text(f"kibana:\n  {text}\n")
    environment = read_environment(Project(ROOT), "dev", [tmp_path / "section.yaml"])
    assert len(schema.check(environment, SCHEMA)) == 1
