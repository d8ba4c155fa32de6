"""The assembly of the upstream charts themselves."""

from __future__ import annotations

import pytest

from depin_helm import yamlio
from depin_helm.assemble import CRD_FOLDER
from tests.charts.rendering import Renderer

CRDS = [
    "alertmanagerconfigs.monitoring.coreos.com",
    "alertmanagers.monitoring.coreos.com",
    "certificaterequests.cert-manager.io",
    "certificates.cert-manager.io",
    "challenges.acme.cert-manager.io",
    "clusterissuers.cert-manager.io",
    "issuers.cert-manager.io",
    "orders.acme.cert-manager.io",
    "podmonitors.monitoring.coreos.com",
    "probes.monitoring.coreos.com",
    "prometheusagents.monitoring.coreos.com",
    "prometheuses.monitoring.coreos.com",
    "prometheusrules.monitoring.coreos.com",
    "scrapeconfigs.monitoring.coreos.com",
    "servicemonitors.monitoring.coreos.com",
    "thanosrulers.monitoring.coreos.com",
]


@pytest.mark.usefixtures("real_charts")
def test_the_crds_are_those_of_cert_manager_and_the_prometheus_operator(renderer: Renderer) -> None:
    assert [crd["metadata"]["name"] for crd in renderer.assembly.crds()] == CRDS


def test_no_crd_carries_marks_of_the_release_that_rendered_it(renderer: Renderer) -> None:
    for crd in renderer.assembly.crds():
        assert "labels" not in crd["metadata"]
        assert [key for key in crd["metadata"].get("annotations", {}) if "helm.sh" in key] == []


def test_plain_helm_gets_the_same_crds(renderer: Renderer) -> None:
    files = sorted((renderer.umbrella / CRD_FOLDER).iterdir())
    assert [yamlio.load(file.read_bytes()) for file in files] == renderer.assembly.crds()


def test_a_layer_holds_its_own_components_and_no_other(renderer: Renderer) -> None:
    for layer in renderer.plan.layers:
        folder = renderer.assembly.layer_chart(layer) / "charts"
        assert {chart.name for chart in folder.iterdir()} == set(layer.components)
