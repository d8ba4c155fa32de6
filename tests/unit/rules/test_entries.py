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


def secret(name: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}


def test_a_variable_that_is_lost_is_found() -> None:
    path, ours = (
        ("elasticsearch", "extraEnvs"),
        [secret("PASSWORD"), secret("B"), {"name": "C", "value": "1"}],
    )
    assert lost("lost-entries", path, ours, [secret("B"), secret("PASSWORD")]) == []
    expected = ["replaces the platform's list and lacks its PASSWORD, B"]
    assert lost("lost-entries", path, ours, [{"name": "D"}, "odd", {"name": 5}]) == expected
    assert lost("lost-entries", path, ours, None) == expected
    assert lost("lost-entries", path, ours, [], envFrom=[{"secretRef": {"name": "all"}}]) == []
    assert lost("lost-entries", path, None, []) == lost("lost-entries", path, "odd", []) == []


def test_a_mount_is_told_by_its_place_and_a_volume_by_who_mounts_it() -> None:
    path: tuple[str, ...] = ("kibana", "extraVolumeMounts")
    mounts = [{"name": "state", "mountPath": "/state"}]
    assert lost("lost-entries", path, mounts, [{"name": "other", "mountPath": "/state"}]) == []
    assert lost("lost-entries", path, mounts, []) == ["replaces the platform's list and lacks its /state"]
    path, volumes = ("kibana", "extraVolumes"), [{"name": "state"}]
    assert lost("lost-entries", path, volumes, [], extraVolumeMounts=[{"name": "other"}, "odd"]) == []
    assert lost("lost-entries", path, volumes, [], extraVolumeMounts=[{"name": "state"}])


def test_who_reads_in_kibana_counts_where_its_file_asks() -> None:
    path, ours = ("kibana", "extraEnvs"), [secret("KIBANA_READER_PASSWORD")]
    assert lost("lost-entries", path, ours, []) == []
    file = {"kibana.yml": "password: ${KIBANA_READER_PASSWORD}"}
    assert lost("lost-entries", path, ours, [], kibanaConfig=file)


def test_a_list_of_something_else_is_let_be() -> None:
    assert lost("lost-entries", ("elasticsearch", "tolerations"), [{"name": "a"}], []) == []


def test_what_fluent_bit_needs_for_our_configuration_only() -> None:
    path, ours = ("fluent-bit", "env"), [secret("NODE_NAME")]
    assert lost("lost-entries", path, ours, [], existingConfigMap="fluent-bit")
    assert lost("lost-entries", path, ours, [], existingConfigMap="own") == []


def test_settings_may_be_variables_and_keys_in_one_file() -> None:
    path, ssl = ("elasticsearch", "esConfig", "elasticsearch.yml"), "xpack.security.http.ssl"
    ours = f"a: 1\nnode.store.allow_mmap: false\n{ssl}.key: k\n{ssl}.enabled: true"
    store = f"{ssl}: {{enabled: true, keystore.path: p12}}"
    assert lost("lost-settings", path, ours, store, extraEnvs=[{"name": "a", "value": "1"}]) == []
    assert lost("lost-settings", path, ours, f"{ssl}.enabled: true") == [
        f"replaces the platform's file and lacks its a, {ssl}.key"
    ]


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
    chain = (Origin("values.yaml", 1, 1, [secret("A")]), *seen.environment.origins[path])
    environment = replace(seen.environment, origins={**seen.environment.origins, path: chain})
    (rule,) = [each for each in RULES if each.id == "lost-entries"]
    assert list(rule.check(Facts(environment, seen.values, seen.upstream))) == []
