"""What comes before the first layer: CRDs, and Secrets, of which some must not or cannot be made."""

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

ENV = ("--env", "sandbox")
INSTALL = ("install", *ENV, "--yes", "--set", "depinHelm.secrets.create=false")
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


def test_an_installation_names_all_that_are_missing_and_touches_nothing(
    program: Program, cluster: Cluster
) -> None:
    before = live.versions(cluster)
    said = program.run(*INSTALL, code=6).stderr
    assert live.versions(cluster) == before
    (line,) = (line for line in said.splitlines() if "Secrets are missing" in line)
    assert [name for name in map(str, secrets.load(UMBRELLA)) if name not in line] == []
    values = "--set 'depinHelm.secrets.create=…'"
    assert f"`depin-helm secrets --env sandbox --project {program.tier.root} {values} --create`" in said


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
    arguments = (*ENV, "--values", str(file))
    before = live.versions(cluster)
    said = program.run("install", *arguments, "--yes", code=6).stderr
    assert live.versions(cluster) == before
    assert "cert-manager/cloudflare is yours to provide, with api-token" in said

    making = program.run("secrets", *arguments, "--create").stderr
    assert "making what is missing on sandbox empty https://127.0.0.1" in making
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


def test_crds_are_listed_and_applied_by_a_command_of_their_own(
    program: Program, binaries: dict[str, Path]
) -> None:
    # With those of Prometheus its operator starts, which makes objects: so this comes last.
    name = next(each for each in program.json("crds", *ENV) if each.endswith("cert-manager.io"))
    Kubectl(binaries["kubectl"], program.kubeconfig).run("delete", "crd", name)
    for _ in range(2):
        states = program.json("crds", *ENV)
        assert states.pop(name) == "created"
        assert set(states.values()) == {"unchanged"}
    assert "WOULD BE" in program.run("crds", *ENV).stdout
    said = program.run("crds", *ENV, "--apply")
    assert "applying CRDs on sandbox empty https://127.0.0.1" in said.stderr
    assert "WOULD BE" not in said.stdout
    assert set(program.json("crds", *ENV).values()) == {"unchanged"}
