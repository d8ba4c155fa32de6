"""For tests that need a control plane: real ones, in a cache folder of the tests' own."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from depin_helm import project, tools
from depin_helm import sandbox as sandboxes
from depin_helm.cluster import Cluster
from depin_helm.sandbox import Sandbox
from tests.sandbox.kubectl import Kubectl
from tests.sandbox.program import Program
from tests.tier import ROOT, Tier

TOOLS = ROOT / "tools"
ENV = ("--env", "sandbox")


@dataclass(frozen=True)
class Platform:
    """The platform, installed; `output` is all that installing it said and wrote."""

    program: Program
    cluster: Cluster
    output: str


@pytest.fixture(scope="session")
def binaries() -> dict[str, Path]:
    """Programs by name; built into the user's own cache, which takes long the first time."""
    own = project.cache_directory(os.environ.get("DEPIN_HELM_CACHE"))
    return tools.build(tools.MODULES, TOOLS, own)


@pytest.fixture(scope="session")
def cache(binaries: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of the tests' own, with the user's programs. Its sandboxes end when the tests do."""
    folder = tmp_path_factory.mktemp("cache")
    (folder / "bin").symlink_to(binaries["helm"].parent.parent)
    yield folder
    for left in sandboxes.sandboxes(folder):
        sandboxes.down(left.name, folder)


@pytest.fixture(scope="session")
def sandbox(cache: Path) -> Sandbox:
    """The sandbox that the platform is installed into, once for all tests that look at it."""
    return sandboxes.up("platform", TOOLS, cache)


@pytest.fixture(scope="session")
def program(
    tier: Tier, sandbox: Sandbox, binaries: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """depin-helm on the platform's sandbox."""
    return Program(tier, sandbox.kubeconfig, tmp_path_factory.mktemp("platform"), binaries["helm"])


@pytest.fixture(scope="session")
def platform(program: Program) -> Iterator[Platform]:
    """The sandbox's environment, installed with nothing but the command line."""
    said = program.run("install", *ENV, "--yes")
    with Cluster.connect(program.kubeconfig, environ={}) as cluster:
        yield Platform(program, cluster, said.stdout + said.stderr)


@pytest.fixture(scope="session")
def bare(cache: Path) -> Sandbox:
    """A sandbox without the platform, for tests of the sandbox itself."""
    return sandboxes.up("bare", TOOLS, cache)


@pytest.fixture(scope="session")
def kubectl(bare: Sandbox, binaries: dict[str, Path]) -> Kubectl:
    """Kubectl on the bare sandbox."""
    return Kubectl(binaries["kubectl"], bare.kubeconfig)


@pytest.fixture
def namespace(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the bare sandbox for one test."""
    name = f"test-{zlib.crc32(request.node.nodeid.encode()):08x}"
    kubectl.run("create", "namespace", name)
    yield name
    kubectl.run("delete", "namespace", name, "--wait=false")
