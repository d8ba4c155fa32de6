"""What Fluent Bit masks is written so that it does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import said

MASKING = "depin-fluent-bit.masking"


def masking(**masked: Any) -> dict[str, Any]:
    return {"fluent-bit": {"existingConfigMap": "fluent-bit"}, "depin-fluent-bit": {"masking": masked}}


def pattern(text: Any, replacement: Any = None) -> list[str]:
    each = {"pattern": text, **({} if replacement is None else {"replacement": replacement})}
    return said("masking-patterns", masking(patterns={"p": each}))


@pytest.mark.parametrize("text", ["%d+", "(%f[%w]user=)[^%s]+", 5, None, "%[%d%]"])
def test_a_pattern_of_lua_is_right(text: Any) -> None:
    assert pattern(text) == []


@pytest.mark.parametrize("text", [r"\d+", "a|b", "[%d", "%d*", "^%s-", "(a)%2"])
def test_another_is_found(text: str) -> None:
    assert pattern(text) == [f"{MASKING}.patterns.p.pattern"]


def test_a_replacement_names_captures_that_there_are() -> None:
    assert pattern("(%a)(%d)", "%2%1%0") == pattern("%a", "%1") == pattern("%a", "100%%2") == []
    assert pattern("%a", 5) == pattern("(%a)", "%%%1") == []
    assert pattern("%a", "%2") == pattern("(%a)", "%%%2") == [f"{MASKING}.patterns.p.replacement"]


def names(**keys: Any) -> list[str]:
    return said("masking-names", masking(keys=keys))


def test_names_are_met_and_say_one_thing() -> None:
    assert (
        names(password=True, apiKey=True, api_key=True, eosToken=False, id=False, pin=True, odd="yes") == []
    )
    assert names(**{"customer.ssn": True}) == [rf"{MASKING}.keys.customer\.ssn"]
    assert names(пароль=True) == [f"{MASKING}.keys.пароль"]
    assert names(id=True) == [f"{MASKING}.keys.id"]
    assert names(apiKey=True, api_key=False) == [f"{MASKING}.keys.api_key"]


def test_of_another_configuration_nothing_is_said() -> None:
    values = {**masking(patterns={"p": {"pattern": "[%d"}}, keys={"id": True}), "fluent-bit": {}}
    assert said("masking-patterns", values) == said("masking-names", values) == []
