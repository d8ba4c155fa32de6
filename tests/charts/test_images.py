"""Images are pinned to a version, and can be pinned to a digest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from depin_helm import values, yamlio
from depin_helm.yamlio import format_path
from tests.charts.checks.images import by_tag_alone, floating, images
from tests.charts.checks.model import Platform
from tests.charts.mutants import Change, broken, container
from tests.charts.rendering import PLAIN_RELEASE, Renderer
from tests.tier import ROOT

DIGESTS = Path(__file__).parent / "digests.yaml"
#: Images whose chart takes no digest, and why.
UNPINNABLE: dict[str, str] = {}


def test_every_image_has_a_tag_or_digest_and_none_is_latest(platform: Platform) -> None:
    assert floating(platform) == []
    assert len(list(images(platform))) > 10


def named(image: str) -> Change:
    return lambda data: container(data).update(image=image)


def argued(data: dict[str, Any]) -> None:
    container(data)["args"].append("--acme-http01-solver-image=example.com:5000/solver")


@pytest.mark.parametrize(
    ("change", "image"),
    [
        (named("example.com/controller:latest"), "example.com/controller:latest"),
        (named("example.com:5000/controller"), "example.com:5000/controller"),
        (named(""), "(no image)"),
        (argued, "example.com:5000/solver"),
    ],
)
def test_a_floating_image_is_found(prod: Platform, change: Change, image: str) -> None:
    assert floating(broken(prod, "Deployment", "cert-manager", change)) == [
        f"Deployment cert-manager/cert-manager: cert-manager-controller: {image} is not pinned"
    ]


def test_a_digest_pins(prod: Platform) -> None:
    mutant = broken(
        prod, "Deployment", "cert-manager", named(f"example.com:5000/controller@sha256:{'0' * 64}")
    )
    assert floating(mutant) == []


@pytest.mark.usefixtures("real_charts")
def test_every_image_of_prod_can_be_pinned_by_digest(renderer: Renderer) -> None:
    loaded = values.load_environment(renderer.project, "prod", [DIGESTS])
    pinned = renderer.in_layers("prod with digests", loaded.overrides)
    assert by_tag_alone(pinned) == sorted(UNPINNABLE)
    assert by_tag_alone(renderer.layered("prod")) != by_tag_alone(pinned)


@pytest.mark.usefixtures("real_charts")
def test_every_image_of_a_plain_release_can_be_pinned_by_digest(renderer: Renderer) -> None:
    overrides = values.merge({"kibana": {"enabled": True}}, yamlio.load(DIGESTS.read_bytes()))
    pinned = renderer.as_one("plain release with digests", overrides, PLAIN_RELEASE)
    assert any(pods.kind == "Job" for pods in pinned.objects)
    assert by_tag_alone(pinned) == sorted(UNPINNABLE)


@pytest.mark.usefixtures("real_charts")
def test_nginx_comes_with_digests(platform: Platform) -> None:
    of_nginx = {image for _, image in images(platform) if "ingress-nginx/" in image}
    assert of_nginx
    assert not of_nginx & set(by_tag_alone(platform))


@pytest.mark.parametrize(
    "image", ["a/b:1", f"a/b:1@{'0' * 64}", "a/b@sha256:0", f"a/b@sha256:sha256:{'0' * 64}", ""]
)
def test_what_is_no_digest_is_found(prod: Platform, image: str) -> None:
    found = by_tag_alone(broken(prod, "Deployment", "cert-manager", named(image)))
    assert image in found


def leaves(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[str]:
    if not isinstance(node, dict):
        yield format_path(path)
        return
    for key, value in node.items():
        yield from leaves(value, (*path, key))


def test_the_documentation_lists_every_value_that_pins_an_image() -> None:
    text = (ROOT / "docs/images.md").read_text()
    listed = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    assert listed == list(leaves(yamlio.load(DIGESTS.read_bytes())))
