"""Every environment installed into a sandbox of its own; what is said of `sandbox` is in test_platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from depin_helm import sandbox as sandboxes
from depin_helm.cluster import Cluster
from depin_helm.project import Project
from tests.sandbox import live
from tests.sandbox.conftest import TOOLS
from tests.sandbox.kubectl import eventually
from tests.sandbox.program import Program
from tests.tier import ROOT, Tier

ENVIRONMENTS = [name for name in Project(ROOT).environments() if name != "sandbox"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_installed_whole(
    environment: str, tier: Tier, cache: Path, binaries: dict[str, Path], tmp_path: Path
) -> None:
    started = sandboxes.up(environment, TOOLS, cache)
    try:
        program = Program(tier, started.kubeconfig, tmp_path, binaries["helm"])
        program.run("install", "--env", environment, "--yes")
        with Cluster.connect(started.kubeconfig, environ={}) as cluster:
            program.run("status", "--env", environment)
            assert live.pods_not_ready(cluster) == []
            assert live.dangling(cluster) == []
            assert live.refusals(cluster) == []
            assert live.crowds(cluster) == []
            assert eventually(lambda: live.budgets_that_hold_up(cluster) == [])
            assert eventually(lambda: live.monitors_without_a_job(cluster) == [])
            assert program.json("diff", "--env", environment, "--exit-code") == []
    finally:
        sandboxes.down(environment, cache)
