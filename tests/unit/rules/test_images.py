"""Which image runs is said, and stays the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import facts, nested, said, violations

KPS = "kube-prometheus-stack"


def wrong(path: str, value: Any, default: Any = None) -> list[str]:
    component, _, inner = path.partition(".")
    upstream = {component: nested(inner, default)} if default is not None else {}
    return said("image-tag", nested(path, value), upstream)


@pytest.mark.parametrize(
    "path",
    ["fluent-bit.image", f"{KPS}.grafana.downloadDashboardsImage", f"{KPS}.prometheusOperator.thanosImage"],
)
def test_latest_says_nothing(path: str) -> None:
    assert wrong(path, {"repository": "a/b", "tag": "latest"}) == [f"{path}.tag"]
    assert wrong(path, {"tag": "latest"}, {"repository": "a/b", "tag": "1.0"}) == [f"{path}.tag"]
    assert wrong(path, {"repository": "a/b", "tag": "1.0"}) == []
    assert wrong(path, {"repository": "a/b", "tag": "latest-2024"}) == []


@pytest.mark.parametrize("pin", [{"digest": "sha256:0123"}, {"sha": "0123"}])
def test_a_digest_makes_up_for_any_tag(pin: dict[str, str]) -> None:
    assert wrong("fluent-bit.image", {"repository": "a/b", "tag": "latest", **pin}) == []


@pytest.mark.parametrize("tag", ["", None])
def test_an_empty_tag_is_right_where_the_charts_own_is_empty(tag: Any) -> None:
    assert wrong("fluent-bit.image", {"tag": tag}, {"repository": "a/b", "tag": ""}) == []
    assert wrong("fluent-bit.image", {"tag": tag}, {"repository": "a/b", "tag": "1.0"}) == [
        "fluent-bit.image.tag"
    ]
    assert (
        wrong("fluent-bit.image", {"tag": tag, "digest": "sha256:0"}, {"repository": "a/b", "tag": "1.0"})
        == []
    )


def test_the_charts_own_latest_is_not_the_environments_mistake() -> None:
    image = {"repository": "a/b", "tag": "latest"}
    assert said("image-tag", {"fluent-bit": {"x": 1}}, {"fluent-bit": {"x": 0, "image": image}}) == []


def test_elastics_tag_stands_beside_the_image() -> None:
    default = {"image": "docker.elastic.co/kibana/kibana", "imageTag": "8.5.1"}
    for tag in ("latest", "", None):
        assert said("image-tag", {"kibana": {"imageTag": tag}}, {"kibana": default}) == ["kibana.imageTag"]
    assert said("image-tag", {"kibana": {"imageTag": "8.6.0"}}, {"kibana": default}) == []
    assert said("image-tag", {"kibana": {"image": "mirror/kibana"}}, {"kibana": default}) == []


@pytest.mark.parametrize(
    ("image", "is_wrong"),
    [
        ("busybox", True),
        ("busybox:latest", True),
        ("localhost:5000/busybox", True),
        ("localhost:5000/busybox:1.36", False),
        ("busybox:1.36", False),
        ("busybox@sha256:0123", False),
        ("busybox:latest@sha256:0123", False),
        ("{{ .Values.image }}", False),
        ("", False),
    ],
)
def test_a_containers_image_is_a_reference_with_its_tag(image: str, is_wrong: bool) -> None:
    path = "elasticsearch.extraInitContainers"
    containers = [{"name": "prepare", "image": image}]
    assert wrong(path, containers) == ([f"{path}[0].image"] if is_wrong else [])


def test_parts_of_a_reference_are_none() -> None:
    assert wrong("ingress-nginx.controller.image", {"image": "ingress-nginx/controller", "tag": "v1"}) == []
    assert wrong("kibana.image", {"tag": ["latest"], "repository": 5}) == []


def test_an_image_that_does_not_run_may_be_any() -> None:
    off = {"enabled": False, "image": {"repository": "a/b", "tag": "latest"}}
    assert wrong("fluent-bit.testFramework", off) == []
    assert wrong("fluent-bit", off) == []


HEX = "0123456789abcdef" * 4
FULL = f"sha256:{HEX}"


@pytest.mark.parametrize(
    ("path", "right", "wrong"),
    [
        ("fluent-bit.image.digest", FULL, HEX),
        ("cert-manager.acmesolver.image.digest", FULL, FULL[:-1]),
        ("ingress-nginx.controller.image.digestChroot", FULL, FULL.upper()),
        (f"{KPS}.grafana.image.sha", HEX, FULL),
        (f"{KPS}.prometheusOperator.thanosImage.sha", HEX, HEX[1:]),
        # The one chart whose templates do not put `sha256:` before it.
        (f"{KPS}.kube-state-metrics.image.sha", FULL, HEX),
        ("elasticsearch.imageTag", f"8.5.1@{FULL}", f"8.5.1@{HEX}"),
        ("fluent-bit.image.tag", f"5.1.1@{FULL}", "5.1.1@"),
    ],
)
def test_a_digest_is_written_as_its_chart_takes_it(path: str, right: str, wrong: str) -> None:
    assert said("image-digest", nested(path, right)) == []
    assert said("image-digest", nested(path, "")) == []
    found = said("image-digest", nested(path, wrong))
    assert found == ([path] if wrong[-1] != "@" else [])


def test_what_is_no_image_has_no_digest() -> None:
    assert said("image-digest", nested("fluent-bit.podAnnotations.sha", "abc")) == []
    assert said("image-digest", nested("fluent-bit.image.tag", "5.1.1")) == []


def test_how_a_digest_is_written_is_said() -> None:
    (found,) = violations("image-digest", facts(nested(f"{KPS}.grafana.image.sha", FULL)))
    assert found.hint == "64 hexadecimal digits, without sha256:"
    (found,) = violations("image-digest", facts(nested("fluent-bit.image.digest", HEX)))
    assert found.hint == "sha256: and 64 hexadecimal digits"


@pytest.mark.parametrize(
    ("kibana", "elasticsearch", "right"),
    [
        ("8.5.1", "8.5.1", True),
        ("8.5.1", "8.19.3@sha256:0", True),
        ("8.11.0", "8.5.1", False),
        ("8.5.2", "8.5.1", True),
        ("8.6.0", "8.5.1", False),
        ("7.17.9", "8.5.1", False),
        ("8.11.0-own", "8.5.1", False),
        ("own", "8.5.1", True),
        (None, "8.5.1", True),
    ],
)
def test_kibana_is_not_newer_than_elasticsearch(kibana: Any, elasticsearch: str, right: bool) -> None:
    values = {"kibana": {"imageTag": kibana}, "elasticsearch": {"imageTag": elasticsearch}}
    assert said("kibana-version", values) == ([] if right else ["kibana.imageTag"])
    off = {**values, "kibana": {"enabled": False, "imageTag": kibana}}
    assert said("kibana-version", off) == []
