"""Every package that pyproject.toml asks for is used and has its reason; nothing else is imported."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from tests.lint.test_architecture import PACKAGE, imports, sources
from tests.tier import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def names(requirements: list[str]) -> set[str]:
    """Normalised names of the distributions asked for."""
    return {normal(re.split(r"[^\w.-]", requirement)[0]) for requirement in requirements}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_package_imports_what_it_depends_on_and_nothing_else() -> None:
    declared = names(PROJECT["dependencies"])
    distributions = packages_distributions()
    tops = {name.partition(".")[0] for _, _, tree in sources(PACKAGE) for name in imports(tree)}
    used: set[str] = set()
    for top in sorted(tops - sys.stdlib_module_names - {PACKAGE.name}):
        origins = {normal(name) for name in distributions[top]}
        assert origins & declared, f"{top} is imported and not declared"
        used |= origins & declared
    assert used == declared


def test_every_dependency_has_its_reason() -> None:
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("## Dependencies")[2]
    reasons = {normal(name) for name in re.findall(r"[\w.-]+", section)}
    for requirement in names([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]):
        assert requirement in reasons
