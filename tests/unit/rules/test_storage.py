"""Each volume has the storage class that the platform has for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import facts, nested, said, violations

KPS = "kube-prometheus-stack"
CLASSES = {"fast": "ssd", "standard": "disk"}
ELASTICSEARCH = "elasticsearch.volumeClaimTemplate.storageClassName"
PROMETHEUS = f"{KPS}.prometheus.prometheusSpec.storageSpec.volumeClaimTemplate.spec.storageClassName"
ALERTMANAGER = f"{KPS}.alertmanager.alertmanagerSpec.storage.volumeClaimTemplate.spec.storageClassName"
GRAFANA = f"{KPS}.grafana.persistence.storageClassName"
RULER = f"{KPS}.thanosRuler.thanosRulerSpec.storage.volumeClaimTemplate.spec.storageClassName"


def wrong(path: str, value: Any, classes: dict[str, str] = CLASSES) -> list[str]:
    return said("storage-class", nested(path, value), storageClasses=classes)


@pytest.mark.parametrize(
    ("path", "right", "other"),
    [
        (ELASTICSEARCH, "ssd", "disk"),
        (PROMETHEUS, "ssd", "disk"),
        (ALERTMANAGER, "disk", "ssd"),
        (GRAFANA, "disk", "ssd"),
    ],
)
def test_a_volume_has_the_class_meant_for_it(path: str, right: str, other: str) -> None:
    assert wrong(path, right) == []
    assert wrong(path, other) == [path]
    assert wrong(path, "gp2") == [path]
    assert wrong(path, other, {"fast": other, "standard": other}) == []


def test_any_other_volume_has_one_of_both() -> None:
    assert [wrong(RULER, name) for name in ("ssd", "disk", "gp2")] == [[], [], [RULER]]


def test_a_template_is_followed_where_the_chart_does() -> None:
    template = "{{ .Values.global.platform.storageClasses.%s }}"
    assert wrong(PROMETHEUS, template % "fast") == []
    assert wrong(PROMETHEUS, template % "standard") == [PROMETHEUS]
    assert wrong(PROMETHEUS, "{{ include `x` . }}") == []
    assert wrong(ELASTICSEARCH, template % "fast") == [ELASTICSEARCH]
    assert wrong(GRAFANA, template % "standard") == [GRAFANA]


def test_the_class_that_changed_is_to_blame_as_well() -> None:
    given = nested(ELASTICSEARCH, "old")
    (found,) = violations("storage-class", facts(given, storageClasses={"fast": "new", "standard": "disk"}))
    assert ("global", "platform", "storageClasses", "fast") in found.paths
    assert found.hint == "new, as global.platform.storageClasses.fast"


@pytest.mark.parametrize("value", ["", None, 5, ["ssd"], {"name": "ssd"}])
def test_what_names_no_class_is_left_alone(value: Any) -> None:
    assert wrong(ELASTICSEARCH, value) == []


def test_a_claim_that_nobody_makes_may_have_any_class() -> None:
    kept = {"persistence": {"enabled": False}, "volumeClaimTemplate": {"storageClassName": "gp2"}}
    assert said("storage-class", {"elasticsearch": kept}, storageClasses=CLASSES) == []
    mine = {"existingClaim": "mine", "storageClassName": "gp2"}
    assert said("storage-class", nested(f"{KPS}.grafana.persistence", mine), storageClasses=CLASSES) == []
    free = [{"kind": "PersistentVolume", "spec": {"storageClassName": "manual"}}]
    assert said("storage-class", {KPS: {"extraManifests": free}}, storageClasses=CLASSES) == []
    off = nested(f"{KPS}.alertmanager", {"enabled": False, "storage": {"storageClassName": "gp2"}})
    assert said("storage-class", off, storageClasses=CLASSES) == []


def test_without_the_platforms_classes_nothing_is_said() -> None:
    assert said("storage-class", nested(ELASTICSEARCH, "gp2")) == []
    assert wrong(ELASTICSEARCH, "gp2", {"fast": "Fast_SSD", "standard": "disk"}) == []
