"""Every manifest is what the API server's own schemas, and those of the CRDs, take: kubeconform, strictly."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from depin_helm import yamlio
from tests.charts.checks import conformance
from tests.charts.conftest import ENVIRONMENTS
from tests.charts.rendering import PLAIN_RELEASE, Renderer, Rendering
from tests.programs import program
from tests.tier import ROOT

WITH_KIBANA = {"kibana": {"enabled": True}, "depin-routes": {"routes": {"kibana": {"enabled": True}}}}

#: What kubeconform says of the objects in manifests.
Conform = Callable[[Sequence[Rendering]], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def schemas(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of schemas of everything that the pinned Kubernetes and the charts' CRDs know."""
    folder = tmp_path_factory.mktemp("schemas")
    api = json.loads((ROOT / "schema/kubernetes.json").read_text())
    conformance.write(folder, api, renderer.assembly.crds())
    return folder


@pytest.fixture
def conform(schemas: Path, tmp_path: Path) -> Conform:
    """Run kubeconform, which fetches nothing."""
    location = f"{schemas}/{conformance.LOCATION}"

    def run(renderings: Sequence[Rendering]) -> list[dict[str, Any]]:
        for number, each in enumerate(renderings):
            (tmp_path / f"{number}-{each.layer}.yaml").write_text(each.manifest)
        result = subprocess.run(
            [
                *(program("kubeconform"), "-strict", "-verbose", "-output", "json"),
                *("-schema-location", location, tmp_path),
            ],
            capture_output=True,
            text=True,
        )
        assert result.stderr == ""
        found = json.loads(result.stdout)["resources"]
        return [each for each in found if each["kind"]]  # else it is a document of nothing but comments

    return run


def wrong(found: Sequence[dict[str, Any]]) -> list[str]:
    """Whatever is not simply valid: skipped objects too."""
    return [
        f"{each['kind']} {each['name']}: {each['msg']}" for each in found if each["status"] != "statusValid"
    ]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_object_of_an_environment_conforms(
    renderer: Renderer, conform: Conform, environment: str
) -> None:
    found = conform(renderer.manifests(environment))
    assert wrong(found) == []
    assert len(found) == len(renderer.layered(environment).objects) > (150 if renderer.real else 40)


@pytest.mark.parametrize("overrides", [{}, WITH_KIBANA], ids=["defaults", "with Kibana"])
def test_every_object_of_a_plain_release_conforms(
    renderer: Renderer, conform: Conform, overrides: dict[str, Any]
) -> None:
    if not renderer.real:
        pytest.skip("a plain release relies on hooks that the stand-ins do not have")
    (release,) = renderer.as_manifests(overrides, PLAIN_RELEASE)
    found = conform([release])
    assert wrong(found) == []
    assert len(found) == len(release.objects())


def test_every_custom_resource_definition_conforms(renderer: Renderer, conform: Conform) -> None:
    crds = renderer.assembly.crds()
    found = conform([Rendering("crds", "", "\n---\n".join(map(yamlio.dump, crds)))])
    assert wrong(found) == []
    assert len(found) == len(crds)


@pytest.mark.parametrize(
    ("kind", "old", "new", "said"),
    [
        ("Deployment", "replicas:", "replica:", "'replica' not allowed"),
        ("Certificate", "secretName:", "secretname:", "'secretname' not allowed"),
        ("PrometheusRule", "expr:", "expression:", "'expression' not allowed"),
        ("PrometheusRule", "severity: ", "severity: 1 # ", "got number, want string"),
        ("PrometheusRule", "- name: ", '- name: "" # ', "minLength: got 0, want 1"),
        ("Service", "port: ", "port: x", "got string, want integer"),
        ("NetworkPolicy", "kind: NetworkPolicy", "kind: NetworkPolicies", "could not find schema"),
        ("Ingress", "metadata:", "metadata: {}\nmetadata:", "already set in map"),
    ],
)
def test_what_does_not_conform_is_found(
    renderer: Renderer, conform: Conform, kind: str, old: str, new: str, said: str
) -> None:
    if kind in ("Certificate", "PrometheusRule") and not renderer.real:
        pytest.skip("the stand-ins' CRDs have no structure")
    for rendering in renderer.manifests("prod"):
        documents = rendering.manifest.split("\n---\n")
        for number, text in enumerate(documents):
            if f"\nkind: {kind}\n" in f"\n{text}" and old in text:
                documents[number] = text.replace(old, new, 1)
                (message,) = wrong(conform([replace(rendering, manifest="\n---\n".join(documents))]))
                assert said in message
                return
    assert not renderer.real
    pytest.skip(f"the stand-ins have no such {kind}")
