"""The rules as the chart renders them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from depin_helm import yamlio
from tests.charts.checks.model import Platform
from tests.charts.rendering import Renderer
from tests.monitoring import contract

COMPONENT = "depin-monitoring"

Rule = Mapping[str, Any]


def groups(platform: Platform, component: str = "") -> list[dict[str, Any]]:
    """All groups of rules, of one component alone if it is named."""
    return [
        group
        for obj in platform.of_kind("PrometheusRule")
        if component in ("", obj.component)
        for group in obj.data["spec"]["groups"]
    ]


def rules(platform: Platform, component: str = "") -> Iterator[Rule]:
    """The rules of these groups."""
    for group in groups(platform, component):
        yield from group["rules"]


def alerts(platform: Platform, component: str = COMPONENT) -> dict[str, Rule]:
    """Our alerts by name."""
    return {rule["alert"]: rule for rule in rules(platform, component) if "alert" in rule}


def with_settings(renderer: Renderer, settings: Mapping[str, Any]) -> Platform:
    """The layer `monitoring` with these values of depin-monitoring."""
    values: Mapping[str, Any] = {
        "global": {"platform": {"layered": True}},
        COMPONENT: settings,
    }
    return renderer.one_layer("monitoring", values, "depin-monitoring")


def names_in_files() -> set[str]:
    """The alerts that the rule files have, enabled or not."""
    return {
        rule["alert"]
        for file in sorted((contract.CHART / "rules").glob("*.yaml"))
        for group in yamlio.load(file.read_bytes())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }


def write(groups: list[dict[str, Any]], file: Path) -> Path:
    """A rule file with these groups."""
    file.write_bytes(yamlio.dump({"groups": groups}).encode())
    return file
