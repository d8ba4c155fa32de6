"""An installation that lacks Secrets which it must not or cannot make stops, and has touched nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from depin_helm import sandbox as sandboxes
from depin_helm import secrets
from depin_helm.cluster import Cluster
from depin_helm.sandbox import Sandbox
from tests.sandbox import live
from tests.sandbox.conftest import TOOLS
from tests.sandbox.kubectl import Kubectl
from tests.sandbox.program import Program
from tests.tier import UMBRELLA, Tier

INSTALL = ("install", "--env", "sandbox", "--yes", "--set", "depinHelm.secrets.create=false")
DNS01 = """\
depin-issuers:
  letsencrypt:
    enabled: true
    email: platform@example.com
    dns01:
      cloudflare:
        enabled: true
        apiTokenSecretRef:
          name: cloudflare
"""


@pytest.fixture(scope="module")
def empty(cache: Path) -> Iterator[Sandbox]:
    """A sandbox on which nothing was installed."""
    yield sandboxes.up("empty", TOOLS, cache)
    sandboxes.down("empty", cache)


@pytest.fixture
def program(tier: Tier, empty: Sandbox, binaries: dict[str, Path], tmp_path: Path) -> Program:
    """depin-helm on it."""
    return Program(tier, empty.kubeconfig, tmp_path, binaries["helm"])


@pytest.fixture
def cluster(empty: Sandbox) -> Iterator[Cluster]:
    """Itself."""
    with Cluster.connect(empty.kubeconfig, environ={}) as connected:
        yield connected


def test_it_names_all_that_are_missing_and_touches_nothing(program: Program, cluster: Cluster) -> None:
    before = live.versions(cluster)
    said = program.run(*INSTALL, code=6).stderr
    assert live.versions(cluster) == before
    (line,) = (line for line in said.splitlines() if "Secrets are missing" in line)
    assert [name for name in map(str, secrets.load(UMBRELLA)) if name not in line] == []
    assert "depin-helm secrets --env sandbox --create" in said


def test_one_that_was_provided_without_a_key_is_named_too(
    program: Program, cluster: Cluster, binaries: dict[str, Path]
) -> None:
    kubectl = Kubectl(binaries["kubectl"], program.kubeconfig)
    kubectl.run("create", "namespace", "monitoring")
    try:
        kubectl.run("create", "secret", "generic", "grafana-admin", "-n", "monitoring")
        before = live.versions(cluster)
        said = program.run(*INSTALL, code=6).stderr
        assert live.versions(cluster) == before
        assert "monitoring/grafana-admin exists and lacks admin-user, admin-password" in said
    finally:
        kubectl.run("delete", "namespace", "monitoring")


def test_one_that_nobody_can_make_up_is_asked_for(
    program: Program, cluster: Cluster, binaries: dict[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "dns01.yaml"
    file.write_text(DNS01)
    arguments = ("--env", "sandbox", "--values", str(file))
    before = live.versions(cluster)
    said = program.run("install", *arguments, "--yes", code=6).stderr
    assert live.versions(cluster) == before
    assert "cert-manager/cloudflare is yours to provide, with api-token" in said

    program.run("secrets", *arguments, "--create")
    kubectl = Kubectl(binaries["kubectl"], program.kubeconfig)
    kubectl.run(
        "create", "secret", "generic", "cloudflare", "-n", "cert-manager", "--from-literal=api-token=x"
    )
    assert {state["name"] for state in program.json("secrets", *arguments) if state["provided"]} == {
        "cloudflare"
    }
    assert [state["name"] for state in program.json("secrets", *arguments) if not state["exists"]] == []
    # Helm takes over the namespace that was made for it.
    program.run("install", *arguments, "--yes", "--layer", "foundation")
