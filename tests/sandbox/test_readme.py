"""The README's commands do what it says: its shell blocks are run as they stand."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from depin_helm import sandbox as sandboxes
from tests.tier import ROOT, Tier


def block(section: str) -> str:
    """The commands in a section of the README: what is indented there."""
    text = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", (ROOT / "README.md").read_text(), re.M | re.S)
    assert text
    lines = text[1].splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    ") or not line)


@pytest.fixture
def user(tier: Tier, binaries: dict[str, Path], tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A checkout and the variables of somebody with depin-helm, helm and kubectl, and no sandbox yet."""
    checkout, cache = tmp_path / "checkout", tmp_path / "cache"
    shutil.copytree(
        tier.root, checkout, ignore=shutil.ignore_patterns(".*", "tests", "*.tgz", "crds", "*.log")
    )
    cache.mkdir()
    for name in ("bin", "charts"):
        (cache / name).symlink_to(tier.cache / name)
    folders = [Path(sys.executable).parent, binaries["helm"].parent, binaries["kubectl"].parent]
    path = ":".join([*map(str, folders), "/usr/bin", "/bin"])
    yield checkout, {"PATH": path, "HOME": str(tmp_path), "DEPIN_HELM_CACHE": str(cache)}
    for left in sandboxes.sandboxes(cache):
        sandboxes.down(left.name, cache)


def run(script: str, user: tuple[Path, dict[str, str]]) -> str:
    checkout, environ = user
    command = ["bash", "-euo", "pipefail", "-c", script]
    result = subprocess.run(
        command, cwd=checkout, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def test_a_first_environment_runs_as_described(user: tuple[Path, dict[str, str]]) -> None:
    script = block("A first environment in five minutes")
    assert "depin-helm charts pull" in script
    output = run(script.replace("depin-helm charts pull", "depin-helm charts list"), user)
    assert "lab: the values are valid" in output
    assert "from values/lab.yaml:" in output
    assert "deployed" in output
    assert "kept" in output
    assert (user[0] / "lab-manifests.yaml").stat().st_size > 10_000


def test_plain_helm_installs_the_chart_as_described(user: tuple[Path, dict[str, str]]) -> None:
    before = 'depin-helm sandbox up\neval "$(depin-helm sandbox env)"\n'
    output = run(before + block("Plain Helm"), user)
    assert "STATUS: deployed" in output
