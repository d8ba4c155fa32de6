"""What only tests run: Prometheus and Alertmanager with their tools, kubeconform, engines in Java.

`make test-tools` builds them all beforehand; a test that asks for one builds it if it has to.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from depin_helm import project, tools
from tests.engines import engine
from tests.tier import ROOT


def program(name: str) -> Path:
    """One of `tools.TEST_MODULES`, from the user's own cache."""
    return tools.binary(name, ROOT / "tools", cache())


def cache() -> Path:
    """The user's own."""
    return project.cache_directory(os.environ.get("DEPIN_HELM_CACHE"))


def main() -> None:
    """Build them all; engines where there is what they need."""
    tools.build(tools.TEST_MODULES, ROOT / "tools", cache())
    if not engine.missing():
        with contextlib.suppress(engine.UnreachableError):  # the tests that need them say so
            for name in engine.NAMES:
                engine.build(name, cache())


if __name__ == "__main__":
    main()
