"""Fluent Bit's configuration stands where Fluent Bit reads it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import said

OURS: dict[str, Any] = {
    "existingConfigMap": "fluent-bit",
    "args": ["--workdir=/fluent-bit/etc", "--config=/fluent-bit/etc/conf/fluent-bit.yaml"],
}
ITS_OWN: dict[str, Any] = {
    "existingConfigMap": "",
    "fullnameOverride": "fluent-bit",
    "args": ["--config=/fluent-bit/etc/conf/fluent-bit.conf"],
}
UPSTREAM: dict[str, dict[str, Any]] = {
    "fluent-bit": {"config": {"outputs": "[OUTPUT]\n"}, "flush": 1, "logLevel": "info", "metricsPort": 2020}
}


def wrong(agent: dict[str, Any], *, ours: bool = True) -> list[str]:
    given = {"fluent-bit": agent, "depin-fluent-bit": {"enabled": ours}}
    return said("fluent-bit-configuration", given, UPSTREAM)


def test_the_platforms_configuration_is_one() -> None:
    assert wrong(OURS) == []
    assert wrong({**OURS, "metricsPort": 2020}) == []


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("config", {"outputs": "[OUTPUT]\n    Name stdout\n"}, "config.outputs"),
        ("config", {"extraFiles": {"a.conf": "x"}}, "config.extraFiles"),
        ("logLevel", "debug", "logLevel"),
        ("flush", 5, "flush"),
        ("metricsPort", 2021, "metricsPort"),
        ("hotReload", {"enabled": False}, "hotReload.enabled"),
    ],
)
def test_what_the_chart_would_read_is_read_by_nothing(key: str, value: Any, place: str) -> None:
    assert wrong({**OURS, key: value}) == [f"fluent-bit.{place}"]
    assert wrong({**ITS_OWN, key: value}, ours=False) == []
    assert wrong({**OURS, key: value, "enabled": False}) == []


def test_what_is_as_in_the_chart_is_no_mistake() -> None:
    assert wrong({**OURS, "logLevel": "info", "config": {"outputs": "[OUTPUT]\n"}}) == []


def test_a_configuration_of_its_own_is_the_only_one() -> None:
    assert wrong(ITS_OWN) == ["fluent-bit.existingConfigMap"]
    assert wrong(ITS_OWN, ours=False) == []
    assert wrong({**ITS_OWN, "fullnameOverride": "logs"}) == []


def unable(agent: dict[str, Any], *, ours: bool = True) -> list[str]:
    given = {"fluent-bit": agent, "depin-fluent-bit": {"enabled": ours}}
    return said("fluent-bit-rights", given, UPSTREAM)


@pytest.mark.parametrize("agent", [ITS_OWN, {**OURS, "existingConfigMap": "mine"}])
def test_the_rights_to_ask_for_pods_go_with_the_platforms_configuration(agent: dict[str, Any]) -> None:
    assert unable({**agent, "rbac": {"create": False}}, ours=False) == ["depin-fluent-bit.enabled"]
    assert unable({**agent, "rbac": {"create": True}}, ours=False) == []
    assert unable(agent, ours=False) == []
    given = {"create": False, "name": "given"}
    assert unable({**agent, "rbac": {"create": False}, "serviceAccount": given}, ours=False) == []


def test_the_platforms_rights_are_one_accounts() -> None:
    named = {**OURS, "rbac": {"create": False}, "serviceAccount": {"name": "logs"}}
    assert unable(named) == ["fluent-bit.serviceAccount.name"]
    assert unable({**named, "rbac": {"create": True}}) == []
    assert unable({**named, "serviceAccount": {"name": "fluent-bit"}}) == []
    assert unable({**named, "enabled": False}) == []


def test_a_file_that_nobody_makes_is_not_read() -> None:
    told = {**ITS_OWN, "args": OURS["args"]}
    assert wrong(told, ours=False) == ["fluent-bit.args"]
    made = {**told, "config": {"extraFiles": {"fluent-bit.yaml": "service: {}\n"}}}
    assert wrong(made, ours=False) == []


def test_another_config_map_of_the_environment_is_its_own_matter() -> None:
    assert wrong({**OURS, "existingConfigMap": "mine", "metricsPort": 3000}, ours=False) == []
