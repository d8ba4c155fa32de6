"""Secrets and the namespaces made for them on a real API server, and that Helm takes the namespaces over."""

from __future__ import annotations

import asyncio
import base64
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from depin_helm import releases, secrets, yamlio
from depin_helm.cluster import Cluster
from depin_helm.errors import ClusterError
from depin_helm.helm import Helm, find_helm
from depin_helm.sandbox import Sandbox
from depin_helm.secrets import SecretSpec
from depin_helm.secrets.specs import Rule, Source
from tests.sandbox.kubectl import Kubectl
from tests.tier import UMBRELLA

FOUNDATION = UMBRELLA / "charts" / "depin-foundation"


@dataclass(frozen=True)
class Place:
    """The platform's Secrets and its foundation with namespaces of the test's own: `prefix` and theirs."""

    prefix: str
    cluster: Cluster
    kubectl: Kubectl
    helm: Helm
    chart: Path
    folder: Path

    @property
    def home(self) -> str:
        """The foundation release's own namespace."""
        return f"{self.prefix}-home"

    def specs(self) -> tuple[SecretSpec, ...]:
        return tuple(self._moved(spec) for spec in secrets.load(UMBRELLA))

    def _moved(self, spec: SecretSpec) -> SecretSpec:
        def sources(rule: Rule) -> tuple[Source, ...]:
            return tuple(replace(old, namespace=f"{self.prefix}-{old.namespace}") for old in rule.sources)

        rules = {key: replace(rule, sources=sources(rule)) for key, rule in spec.rules.items()}
        return replace(spec, namespace=f"{self.prefix}-{spec.namespace}", rules=rules)

    def values(self, **levels: str) -> Path:
        """The foundation's: its namespaces with their Pod Security levels."""
        defaults = {"logging": "restricted", "monitoring": "restricted", "node_agents": "privileged"}
        spaces = {
            f"{self.prefix}-{name.replace('_', '-')}": {"podSecurity": level}
            for name, level in (defaults | levels).items()
        }
        file = self.folder / "values.yaml"
        file.write_text(yamlio.dump({"namespaces": spaces, "global": {"platform": {"layered": True}}}))
        return file

    def namespaces(self) -> dict[str, dict[str, Any]]:
        """As the foundation is going to own them."""
        manifest = asyncio.run(self.helm.template(self.chart, "foundation", self.home, self.values()))
        objects = [obj for obj in yamlio.load_all(manifest) if obj]
        return {obj["metadata"]["name"]: releases.own(obj, "foundation", self.home) for obj in objects}

    def install(self, **levels: str) -> None:
        values = self.values(**levels)
        asyncio.run(self.helm.upgrade_install(self.chart, "foundation", self.home, values, timeout=30))

    def make(self) -> tuple[SecretSpec, ...]:
        return secrets.create_missing(self.specs(), self.cluster, self.namespaces())

    def value(self, namespace: str, name: str, key: str) -> bytes:
        secret = self.kubectl.get("-n", f"{self.prefix}-{namespace}", "secret", name)
        return base64.b64decode(secret["data"][key])

    def labels(self, namespace: str) -> Mapping[str, str]:
        found: dict[str, str] = self.kubectl.get("namespace", f"{self.prefix}-{namespace}")["metadata"][
            "labels"
        ]
        return found


@pytest.fixture(name="place")
def own_place(
    bare: Sandbox,
    kubectl: Kubectl,
    binaries: dict[str, Path],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> Iterator[Place]:
    prefix = f"s{zlib.crc32(request.node.nodeid.encode()):08x}"
    helm = Helm(
        find_helm({**os.environ, "PATH": ""}, lambda: binaries["helm"]),
        environ={},
        home=tmp_path / "helm",
        kubeconfig=bare.kubeconfig,
        context=bare.context,
    )
    chart = tmp_path / "foundation"
    (chart / "templates").mkdir(parents=True)
    for file in (
        FOUNDATION / "Chart.yaml",
        FOUNDATION / "templates" / "namespaces.yaml",
        UMBRELLA / "templates" / "_labels.tpl",
    ):
        folder = chart if file.name == "Chart.yaml" else chart / "templates"
        (folder / file.name).write_bytes(file.read_bytes())
    with Cluster.connect(bare.kubeconfig, environ={}) as cluster:
        place = Place(prefix, cluster, kubectl, helm, chart, tmp_path)
        kubectl.run("create", "namespace", place.home)
        yield place
    mine = [
        space for space in kubectl.get("namespaces")["items"] if space["metadata"]["name"].startswith(prefix)
    ]
    kubectl.run("delete", "namespace", "--wait=false", *(space["metadata"]["name"] for space in mine))


def privileged_pod(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "privileged", "namespace": namespace},
        "spec": {"containers": [{"name": "a", "image": "a:1", "securityContext": {"privileged": True}}]},
    }


def test_all_secrets_are_made_in_namespaces_that_were_not_there(place: Place) -> None:
    assert {state.summary for state in secrets.check(place.specs(), place.cluster)} == {"absent"}
    assert len(place.make()) == len(place.specs())
    assert {state.summary for state in secrets.check(place.specs(), place.cluster)} == {"present"}
    assert place.make() == ()


def test_helm_takes_over_the_namespaces_and_changes_nothing_about_them(place: Place) -> None:
    place.make()
    before = place.labels("logging")
    version = place.kubectl.get("namespace", f"{place.prefix}-logging")["metadata"]["resourceVersion"]
    place.install()
    after = place.kubectl.get("namespace", f"{place.prefix}-logging")["metadata"]
    assert after["labels"] == before
    assert after["resourceVersion"] == version


def test_pod_security_is_enforced_before_and_after_helm_takes_over(place: Place) -> None:
    place.make()
    for _ in range(2):
        for name, refused in (("logging", True), ("monitoring", True), ("node-agents", False)):
            answer = place.kubectl.refusal(privileged_pod(f"{place.prefix}-{name}"))
            assert ('violates PodSecurity "restricted' in answer) is refused, answer
        place.install()


def test_helm_can_change_a_namespace_that_was_made_for_secrets(place: Place) -> None:
    place.make()
    place.install()
    place.install(logging="baseline")
    assert place.labels("logging")["pod-security.kubernetes.io/enforce"] == "baseline"


def test_a_namespace_that_somebody_else_made_is_left_as_it_is(place: Place) -> None:
    place.kubectl.run("create", "namespace", f"{place.prefix}-logging")
    before = place.labels("logging")
    place.make()
    assert place.labels("logging") == before


def test_existing_secrets_keep_every_byte(place: Place) -> None:
    for name in ("logging", "monitoring", "node-agents"):
        place.kubectl.run("create", "namespace", f"{place.prefix}-{name}")
    place.kubectl.run(
        "create",
        "secret",
        "generic",
        "fluent-bit-elasticsearch",
        "-n",
        f"{place.prefix}-node-agents",
        "--from-literal=username=fluent-bit",
        "--from-literal=password=from a vault",
    )
    place.make()
    assert place.value("node-agents", "fluent-bit-elasticsearch", "password") == b"from a vault"
    line = place.value("logging", "elasticsearch-file-realm", "users").splitlines()[0]
    assert bcrypt.checkpw(b"from a vault", line.removeprefix(b"fluent-bit:"))


def test_a_key_that_we_lost_comes_back_and_the_others_stay(place: Place) -> None:
    place.make()
    before = place.value("logging", "kibana-encryption", "security")
    patch = '[{"op": "remove", "path": "/data/reporting"}]'
    space = f"{place.prefix}-logging"
    place.kubectl.run("patch", "-n", space, "secret/kibana-encryption", "--type=json", f"--patch={patch}")
    assert [spec.name for spec in place.make()] == ["kibana-encryption"]
    assert place.value("logging", "kibana-encryption", "security") == before
    assert len(place.value("logging", "kibana-encryption", "reporting")) == 32


def test_a_provided_secret_without_a_key_is_refused_and_left_alone(place: Place) -> None:
    space = f"{place.prefix}-monitoring"
    place.kubectl.run("create", "namespace", space)
    place.kubectl.run(
        "create", "secret", "generic", "grafana-admin", "-n", space, "--from-literal=admin-user=x"
    )
    with pytest.raises(ClusterError, match="lacks admin-password"):
        place.make()
    assert list(place.kubectl.get("-n", space, "secret", "grafana-admin")["data"]) == ["admin-user"]
    assert place.kubectl.get("namespace", f"{place.prefix}-logging") is None
