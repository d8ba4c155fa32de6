"""A chart that was released is not changed without a new version: chart-testing's version increment check."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.tier import ROOT, UMBRELLA


def git(repository: Path, *arguments: str) -> str:
    """Output of git; nothing where it fails, as it does without a repository."""
    return subprocess.run(
        ["git", "-C", repository, *arguments], capture_output=True, text=True
    ).stdout.strip()


def version(chart_yaml: str) -> tuple[int, ...]:
    found = re.search(r"^version: v?(\d+)\.(\d+)\.(\d+)", chart_yaml, re.M)
    assert found, chart_yaml
    return tuple(map(int, found.groups()))


def finding(chart: Path, repository: Path) -> str:
    """What is wrong: the chart differs from the one at the newest tag, and its version is no higher."""
    folder = chart.relative_to(repository).as_posix()
    tag = git(repository, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
    released = git(repository, "show", f"{tag}:{folder}/Chart.yaml") if tag else ""
    if not released:
        return ""
    changed = git(repository, "diff", "--name-only", tag, "--", folder)
    new = git(repository, "ls-files", "--others", "--exclude-standard", "--", folder)
    if not (changed or new) or version((chart / "Chart.yaml").read_text()) > version(released):
        return ""
    return f"{folder} has changed since {tag}; raise the version in its Chart.yaml"


@pytest.mark.parametrize(
    "chart", [UMBRELLA, *sorted(UMBRELLA.glob("charts/*/"))], ids=lambda chart: chart.name
)
def test_a_chart_that_changed_since_its_release_has_a_new_version(chart: Path) -> None:
    assert finding(chart, ROOT) == ""


def test_changing_a_released_chart_is_found_until_its_version_is_raised(tmp_path: Path) -> None:
    chart = tmp_path / "charts" / "one"
    chart.mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: one\nversion: 1.9.0\n")
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, *identity, "commit", "--quiet", "--message", "first")
    assert finding(chart, tmp_path) == "", "nothing is released yet"
    git(tmp_path, *identity, "tag", "v1")
    assert finding(chart, tmp_path) == "", "nothing has changed"
    (chart / "values.yaml").write_text("a: 1\n")
    assert "since v1" in finding(chart, tmp_path)
    (chart / "Chart.yaml").write_text("name: one\nversion: 1.10.0\n")
    assert finding(chart, tmp_path) == ""
    (chart / "Chart.yaml").write_text("name: one\nversion: 1.8.0\n")
    assert "since v1" in finding(chart, tmp_path)
