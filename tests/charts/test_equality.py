"""Layers and one release give the same objects, and no name comes from a release's."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from depin_helm import values
from tests.charts.checks.equality import differences, renamed
from tests.charts.checks.model import Platform
from tests.charts.mutants import broken, without
from tests.charts.rendering import PLAIN_RELEASE, Renderer


def test_the_layers_objects_are_those_of_one_release(layered: Platform, renderer: Renderer) -> None:
    assert differences(layered, renderer.layered_as_one(layered.name), PLAIN_RELEASE) == []


def test_no_name_comes_from_the_release(renderer: Renderer) -> None:
    one, other = (renderer.layered_as_one("prod", release) for release in (PLAIN_RELEASE, "another"))
    assert renamed(one, other, (PLAIN_RELEASE, "another")) == []


def test_no_name_of_a_plain_release_comes_from_it(plain: Platform, renderer: Renderer) -> None:
    # Its passwords and certificates are random, so that the contents differ anyway.
    assert renderer.as_one("plain", {}, "another").by_id.keys() == plain.by_id.keys()


def test_the_same_input_gives_the_same_bytes(renderer: Renderer) -> None:
    overrides = values.load_environment(renderer.project, "prod").overrides
    assert renderer.render_layers(renderer.plan, overrides) == renderer.manifests("prod")


#: Where a name is pinned: the layer, and the path of the value.
PINNED = [
    ("cert-manager", "cert-manager.fullnameOverride"),
    ("ingress-nginx", "ingress-nginx.fullnameOverride"),
    ("monitoring", "kube-prometheus-stack.fullnameOverride"),
    ("monitoring", "kube-prometheus-stack.grafana.fullnameOverride"),
    ("monitoring", "kube-prometheus-stack.kube-state-metrics.fullnameOverride"),
    ("monitoring", "kube-prometheus-stack.prometheus-node-exporter.fullnameOverride"),
    ("kibana", "kibana.fullnameOverride"),
    ("fluent-bit", "fluent-bit.fullnameOverride"),
]


@pytest.mark.usefixtures("real_charts")
@pytest.mark.parametrize(("layer", "path"), PINNED)
def test_a_name_that_is_not_pinned_is_found(renderer: Renderer, layer: str, path: str) -> None:
    overrides = unpinned(renderer, path)
    one, other = (renderer.one_layer(layer, overrides, release) for release in ("one", "other"))
    found = [
        problem for problem in renamed(one, other, ("one", "other")) if problem.startswith("named after")
    ]
    assert any(problem.endswith(("/one", "/other")) or "/one-" in problem for problem in found)


@pytest.mark.usefixtures("real_charts")
def test_layers_differ_from_one_release_in_a_name_that_is_not_pinned(renderer: Renderer) -> None:
    overrides = unpinned(renderer, "kibana.fullnameOverride")
    layered = renderer.in_layers("mutant", overrides)
    found = differences(layered, renderer.as_one("mutant", overrides, PLAIN_RELEASE), PLAIN_RELEASE)
    names = ("depin-kibana-kibana", f"{PLAIN_RELEASE}-kibana")
    assert found == sorted(
        f"only in {way}: {kind} logging/{name}{suffix}"
        for way, name in zip(("layers", "one release"), names, strict=True)
        for kind, suffix in (("ConfigMap", "-config"), ("Deployment", ""), ("Service", ""))
    )


def unpinned(renderer: Renderer, path: str) -> dict[str, Any]:
    """The overrides of `prod` with an empty string at `path`."""
    changed = copy.deepcopy(dict(values.load_environment(renderer.project, "prod").overrides))
    *parents, last = path.split(".")
    node = changed
    for key in parents:
        node = node.setdefault(key, {})
    node[last] = ""
    return changed


def test_a_missing_object_is_found(prod: Platform, renderer: Renderer) -> None:
    mutant = without(prod, "Service", "kibana")
    assert differences(mutant, renderer.layered_as_one("prod"), PLAIN_RELEASE) == [
        "only in one release: Service logging/kibana"
    ]


def test_another_value_is_found(prod: Platform, renderer: Renderer) -> None:
    mutant = broken(prod, "StatefulSet", "elasticsearch-master", lambda data: data["spec"].update(replicas=5))
    assert differences(mutant, renderer.layered_as_one("prod"), PLAIN_RELEASE) == [
        "StatefulSet logging/elasticsearch-master: spec.replicas"
    ]


def test_another_namespace_is_found(prod: Platform, renderer: Renderer) -> None:
    def move(data: dict[str, Any]) -> None:
        data["metadata"]["namespace"] = "monitoring"

    mutant = broken(prod, "Certificate", "elasticsearch-client-ca", move)
    assert differences(mutant, renderer.layered_as_one("prod"), PLAIN_RELEASE) == [
        "only in layers: Certificate monitoring/elasticsearch-client-ca",
        "only in one release: Certificate node-agents/elasticsearch-client-ca",
    ]


def test_a_hook_that_only_one_way_runs_is_found(prod: Platform, renderer: Renderer) -> None:
    mutant = without(prod, "Job", "cert-manager-startupapicheck")
    assert differences(mutant, renderer.layered_as_one("prod"), PLAIN_RELEASE) == [
        "only in one release: Job cert-manager/cert-manager-startupapicheck"
    ]


def test_a_label_that_is_not_the_releases_is_found(prod: Platform, renderer: Renderer) -> None:
    def relabel(data: dict[str, Any]) -> None:
        data["metadata"]["labels"]["release"] = "somebody-elses"

    mutant = broken(prod, "Service", "kibana", relabel)
    assert differences(mutant, renderer.layered_as_one("prod"), PLAIN_RELEASE) == [
        "Service logging/kibana: metadata.labels.release"
    ]
