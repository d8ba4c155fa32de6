"""Kubernetes' types as the tool knows them, held against everything that the charts render."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from depin_helm import yamlio
from depin_helm.checks.kubernetes import Api
from tests.charts.checks.model import Platform
from tests.charts.rendering import Renderer
from tests.tier import ROOT


@pytest.fixture(scope="module")
def api() -> Api:
    return Api.load(ROOT / "schema/kubernetes.json")


@pytest.fixture(scope="module")
def crds(renderer: Renderer) -> Mapping[str, Any]:
    """The structure of each custom kind, in the version that is stored."""
    found = {}
    for crd in renderer.assembly.crds():
        spec = crd["spec"]
        stored = next(version for version in spec["versions"] if version["storage"])
        found[spec["names"]["kind"]] = stored["schema"]["openAPIV3Schema"]
    return found


def test_every_object_that_is_rendered_fits_its_type(
    api: Api, crds: Mapping[str, Any], platform: Platform
) -> None:
    wrong = [(str(each), api.check_object(each.data, crds)) for each in platform.objects]
    assert len(wrong) > 30
    assert [each for each in wrong if each[1]] == []


def test_every_object_has_a_type_that_is_known(api: Api, crds: Mapping[str, Any], platform: Platform) -> None:
    unknown = {
        (each.data["apiVersion"], each.kind)
        for each in platform.objects
        if api.object(each.data["apiVersion"], each.kind) is None and each.kind not in crds
    }
    assert unknown == set()


def test_a_misspelt_key_in_a_prometheus_is_found(
    api: Api, crds: Mapping[str, Any], real_charts: None
) -> None:
    places = {
        "storage": "{volumeClaimTemplate: {spec: {resources: {request: {storage: 1Gi}}}}}",
        "affinity": "{nodeAfinity: {}}",
        "tolerations": "[{key: gpu, effect: NoScedule}]",
        "remoteWrite": "[{url: 'https://a.example', writeRelabelConfig: []}]",
        "resources": "{limits: {memory: 2 Gi}}",
    }
    for key, value in places.items():
        candidates = api.candidates("Prometheus", ("spec", key), crds)
        assert len(api.check(yamlio.load(value), candidates)) == 1, key
