"""The Go programs that only tests run: Prometheus and Alertmanager with their tools, kubeconform.

`make test-tools` builds them all beforehand; a test that asks for one builds it if it has to.
"""

from __future__ import annotations

import os
from pathlib import Path

from depin_helm import project, tools
from tests.tier import ROOT


def program(name: str) -> Path:
    """One of `tools.TEST_MODULES`, from the user's own cache."""
    return tools.binary(name, ROOT / "tools", cache())


def cache() -> Path:
    """The user's own."""
    return project.cache_directory(os.environ.get("DEPIN_HELM_CACHE"))


def main() -> None:
    """Build them all."""
    tools.build(tools.TEST_MODULES, ROOT / "tools", cache())


if __name__ == "__main__":
    main()
