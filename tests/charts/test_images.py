"""Images are pinned to a version."""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts.checks.images import floating, images
from tests.charts.checks.model import Platform
from tests.charts.mutants import Change, broken, container


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
