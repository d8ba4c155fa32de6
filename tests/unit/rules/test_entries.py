"""Lists and files that replace the platform's keep what a component needs of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from depin_helm.checks.facts import Facts
from depin_helm.checks.rules import RULES
from depin_helm.values import Origin
from tests.unit.rules.building import facts

OURS = "values-layered.yaml"


def lost(rule: str, path: tuple[str, ...], ours: Any, given: Any, **more: Any) -> list[str]:
    """What the rule says of `given`, which replaces `ours`."""
    nested: Any = given
    for key in path[::-1]:
        nested = {key: nested}
    nested[path[0]] |= more
    seen = facts(nested)
    chain = (Origin(OURS, 1, 1, ours), *seen.environment.origins[path])
    environment = replace(seen.environment, origins={**seen.environment.origins, path: chain})
    (found,) = [each for each in RULES if each.id == rule]
    return [each.message for each in found.check(Facts(environment, seen.values, seen.upstream))]


def test_a_list_that_lacks_an_entry_is_found() -> None:
    path = ("elasticsearch", "extraEnvs")
    ours = [{"name": "PASSWORD"}, {"name": "B"}]
    assert lost("lost-entries", path, ours, [{"name": "B"}, {"name": "PASSWORD"}, {"name": "C"}]) == []
    assert lost("lost-entries", path, ours, [{"name": "C"}, "odd"]) == [
        "replaces the platform's list and lacks its PASSWORD, B"
    ]
    assert lost("lost-entries", path, None, []) == lost("lost-entries", path, "odd", []) == []


def test_a_list_of_something_else_is_let_be() -> None:
    assert lost("lost-entries", ("elasticsearch", "tolerations"), [{"name": "a"}], []) == []


def test_what_fluent_bit_needs_for_our_configuration_only() -> None:
    path, ours = ("fluent-bit", "env"), [{"name": "NODE_NAME"}]
    assert lost("lost-entries", path, ours, [], existingConfigMap="fluent-bit")
    assert lost("lost-entries", path, ours, [], existingConfigMap="own") == []


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("a.b: 1\nc: 3", ""),
        ("a: {b: 1}\nc:\n  d: 5", ", c"),
        ("c: 1", ", a.b"),
        ("e: 1", ", a.b, c"),
        ("{{ .Values.x }}: [", ""),
        ("- a", ""),
        ("", ", a.b, c"),
    ],
)
def test_a_file_that_lacks_a_setting_is_found(given: str, missing: str) -> None:
    path = ("elasticsearch", "esConfig", "elasticsearch.yml")
    found = lost("lost-settings", path, "a.b: 2\nc: 1", given)
    expected = f"replaces the platform's file and lacks its {missing.removeprefix(', ')}"
    assert found == ([expected] if missing else [])


def test_what_the_platform_itself_says_is_right() -> None:
    path = ("elasticsearch", "extraEnvs")
    seen = facts({"elasticsearch": {"extraEnvs": []}}, source=OURS)
    chain = (Origin("values.yaml", 1, 1, [{"name": "A"}]), *seen.environment.origins[path])
    environment = replace(seen.environment, origins={**seen.environment.origins, path: chain})
    (rule,) = [each for each in RULES if each.id == "lost-entries"]
    assert list(rule.check(Facts(environment, seen.values, seen.upstream))) == []
