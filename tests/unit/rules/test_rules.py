"""What holds for every rule: it can be listed, and values of any kind do not stop it."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule
from depin_helm.checks.rules import RULES
from depin_helm.project import Project
from depin_helm.values import read_environment
from tests.tier import ROOT
from tests.unit.rules.building import facts

ENVIRONMENTS = sorted(file.stem for file in (ROOT / "values").glob("*.yaml"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_is_to_be_true_and_why(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+[0-9]*(-[a-z]+[0-9]*)*", rule.id)
    assert not rule.title.endswith(".")
    assert not rule.why.endswith(".")
    assert rule.title != rule.why


def test_ids_are_told_apart() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_our_environments_break_no_rule(environment: str) -> None:
    read = read_environment(Project(ROOT), environment)
    seen = Facts(read, read.over({}), {})
    found = [
        (rule.id, each.paths)
        for rule in RULES
        for each in rule.check(seen)
        if any(map(seen.given, each.paths))
    ]
    assert found == []


#: One of each kind.
STRANGE: tuple[Any, ...] = (None, True, -1.5, "text", [{"a": [None]}], {"a": {5: "x"}})


@pytest.mark.parametrize("strange", STRANGE, ids=repr)
def test_no_value_of_a_wrong_kind_stops_a_rule(strange: Any) -> None:
    values = {
        name: section
        for name, section in read_environment(Project(ROOT), "prod").values.items()
        if name != "depinHelm"
    }
    for key in sorted(_keys(values)):
        seen = facts(_replaced(values, key, strange))
        for rule in RULES:
            assert all(each.paths for each in rule.check(seen)), (rule.id, key)


#: What patterns that look back, or at each place anew, take long for.
LONG = ("-Xmx", "1", "a.", "a: x  ", "https://", "a@", "authorization ", "-----BEGIN ", "{{ ", "'a", "9%")


@pytest.mark.parametrize("part", LONG)
def test_a_long_text_takes_little_time(part: str) -> None:
    long = part * (80_000 // len(part))
    seen = facts(
        {
            "elasticsearch": {"esJavaOpts": long, "replicas": long, "maxUnavailable": long},
            "kibana": {"extraEnvs": [{"name": "NODE_OPTIONS", "value": long}], "image": long},
            "fluent-bit": {"config": {"outputs": f"x\n{long}"}},
            "ingress-nginx": {"controller": {"config": {"whitelist-source-range": long}}},
        },
        domain=long,
    )
    begun = time.process_time()
    for rule in RULES:
        list(rule.check(seen))
    assert time.process_time() - begun < 1


def _keys(values: Any) -> set[str]:
    inner = values.values() if isinstance(values, dict) else values if isinstance(values, list) else ()
    own = {key for key in values if isinstance(key, str)} if isinstance(values, dict) else set()
    return own.union(*map(_keys, inner))


def _replaced(values: Any, key: str, strange: Any) -> Any:
    """The values with something else wherever the key stands."""
    if isinstance(values, list):
        return [_replaced(inner, key, strange) for inner in values]
    if not isinstance(values, dict):
        return values
    return {
        name: strange if name == key else _replaced(inner, key, strange) for name, inner in values.items()
    }
