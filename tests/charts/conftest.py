"""For tests of the charts: every environment, rendered once with Helm."""

from __future__ import annotations

import os

import pytest

from depin_helm import tools
from depin_helm.charts import Cache, Lock, dependencies
from depin_helm.helm import Helm, find_helm
from depin_helm.project import Project
from tests.charts.checks.model import Platform
from tests.charts.rendering import Renderer
from tests.logs import agent
from tests.tier import Tier

ENVIRONMENTS = ("dev", "staging", "prod", "edge", "sandbox")
PLAIN, PLAIN_UPGRADED = "plain release", "plain release with Kibana"


@pytest.fixture(scope="session")
def renderer(tier: Tier, tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    """Renders from the charts of this run, each thing once."""
    project = Project(tier.root)
    binary = find_helm(os.environ, lambda: tools.binary("helm", project.tools, tier.cache))
    scratch = tmp_path_factory.mktemp("charts")
    helm = Helm(binary, environ=os.environ, home=scratch / "helm")
    charts = Cache(tier.cache).resolve(Lock(project.lock, dependencies(project.chart)))
    return Renderer(project, charts, helm, scratch / "cache", scratch, real=tier.real)


@pytest.fixture(params=[*ENVIRONMENTS, PLAIN, PLAIN_UPGRADED])
def platform(request: pytest.FixtureRequest, renderer: Renderer) -> Platform:
    """Every environment in layers, and the plain release."""
    if request.param in (PLAIN, PLAIN_UPGRADED) and not renderer.real:
        pytest.skip("a plain release relies on hooks that the stand-ins do not have")
    if request.param == PLAIN:
        return renderer.plain()
    return (
        renderer.plain_with_kibana() if request.param == PLAIN_UPGRADED else renderer.layered(request.param)
    )


@pytest.fixture(params=ENVIRONMENTS)
def layered(request: pytest.FixtureRequest, renderer: Renderer) -> Platform:
    """Every environment in layers."""
    return renderer.layered(request.param)


@pytest.fixture
def real_charts(tier: Tier) -> None:
    """What a test says of the upstream charts' own objects holds on the real ones only."""
    if not tier.real:
        pytest.skip("says something of the real charts")


@pytest.fixture
def prod(renderer: Renderer, real_charts: None) -> Platform:
    """The environment that mutants are made from: the real charts' objects, then one thing is broken."""
    return renderer.layered("prod")


@pytest.fixture
def plain(renderer: Renderer) -> Platform:
    """The plain release with the chart's defaults."""
    return renderer.plain()


@pytest.fixture
def plain_with_kibana(renderer: Renderer) -> Platform:
    """The plain release after the second command of NOTES.txt."""
    return renderer.plain_with_kibana()


@pytest.fixture
def program() -> str:
    """A real Fluent Bit."""
    return agent.program()
