"""The pre-commit hooks: local ones only, and the same commands as in the Makefile."""

from __future__ import annotations

import re
import subprocess
import sys

from depin_helm import yamlio
from tests.tier import ROOT

CONFIGURATION = ROOT / ".pre-commit-config.yaml"


def test_the_configuration_is_valid() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(CONFIGURATION)]
    assert subprocess.run(command).returncode == 0


def test_the_hooks_need_no_network_and_run_all_that_make_runs() -> None:
    repositories = yamlio.load(CONFIGURATION.read_bytes())["repos"]
    assert [entry["repo"] for entry in repositories] == ["local"]
    hooks = repositories[0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    static = re.search(r"^static: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert static
    assert [hook["entry"] for hook in hooks] == [
        f"make --no-print-directory {name}" for name in static[1].split()
    ]
