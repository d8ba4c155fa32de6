"""`make demo`, from where its virtual environment is ready, on the stand-in charts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from depin_helm import sandbox as sandboxes
from tests.tier import CHOICE, ROOT


def test_the_demo_shows_a_running_platform_and_says_that_it_stands_on_stand_ins(
    binaries: dict[str, Path], tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    left_out = shutil.ignore_patterns(
        ".git", ".venv", ".build", ".*_cache", ".hypothesis", "__pycache__", "*.tgz", "crds"
    )
    shutil.copytree(ROOT, checkout, ignore=left_out)
    own = tmp_path / "own"
    own.mkdir()
    (own / "bin").symlink_to(binaries["helm"].parent.parent)
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "HOME": str(tmp_path),
        "DEPIN_HELM_CACHE": str(own),
        CHOICE: "stand-ins",
    }
    cache = checkout / ".build" / "demo" / "cache"
    try:
        for _ in range(2):  # the second time it finds sandbox and platform as they are
            result = subprocess.run(
                [checkout / "scripts" / "demo"],
                env=environ,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            assert result.returncode == 0, result.stdout
            assert "STAND-IN charts" in result.stdout
            assert "The platform runs." in result.stdout
        running = [found.name for found in sandboxes.sandboxes(cache) if found.state == "running"]
        assert running == ["default"]
        assert not (own / "charts").exists()
    finally:
        for found in sandboxes.sandboxes(cache):
            sandboxes.down(found.name, cache)
