"""Patterns of Lua are taken apart as LuaJIT does, which Fluent Bit runs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lupa.luajit21 import LuaRuntime

from depin_helm import yamlio
from depin_helm.checks.rules import lua
from tests.tier import UMBRELLA

FIND: Any = LuaRuntime().eval(
    "function(text, pattern) local done, first, last = pcall(string.find, text, pattern); "
    "return {done, done and first or nil, last} end"
)
PARTS = ("%", "[", "[^", "]", "(", "()", ")", "%d", "a", "*", "+", "-", "?", "^", "$", "%b", ".", "x", "%%")
#: Texts that get far into a pattern: Lua finds a mistake only once it is there.
TEXTS = ("", "a", "aaxx", "12", "(a)", "a(x)x%d]", "[[", "xx%%", "aaaa$^", "abab", "..", "(((", ")))", "a1a1")


def refuses(pattern: str) -> str:
    try:
        lua.parse(pattern)
    except ValueError as error:
        return str(error)
    return ""


@settings(max_examples=2000, deadline=None)
@given(pattern=st.lists(st.sampled_from([*PARTS, "%f"]), min_size=1, max_size=6).map("".join))
def test_what_lua_refuses_is_refused(pattern: str) -> None:
    if not refuses(pattern):
        assert all(FIND(text, pattern)[1] for text in TEXTS)


@settings(max_examples=2000, deadline=None)
@given(pattern=st.lists(st.sampled_from(PARTS), min_size=1, max_size=6).map("".join))
def test_what_fits_an_empty_text_does_so_in_lua(pattern: str) -> None:
    if not refuses(pattern):
        first, last = FIND("", pattern)[2], FIND("", pattern)[3]
        assert lua.parse(pattern).empty == (first is not None and last < first)


@pytest.mark.parametrize(
    ("pattern", "captures"),
    [("%d+", 0), ("(%a+)=(%d+)", 2), ("()x()", 2), ("%(a%)", 0), ("[(]", 0), ("(a(b))", 2), ("[]]", 0)],
)
def test_captures_are_counted(pattern: str, captures: int) -> None:
    assert lua.parse(pattern).captures == captures


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[%d", "a [ is never closed"),
        ("[]", "a [ is never closed"),
        ("abc%", "ends with %"),
        ("%fabc", "%f wants a set"),
        ("%b(", "%b wants two"),
        ("(a", "a ( is never closed"),
        ("a)", "a ) closes nothing"),
        ("%1", "no capture"),
        ("(a)%2", "no capture"),
        ("(a%1)", "no capture"),
    ],
)
def test_what_is_wrong_is_said(pattern: str, reason: str) -> None:
    assert reason in refuses(pattern)


@pytest.mark.parametrize(
    ("pattern", "sign"),
    [
        (r"\d{4}", r"\d"),
        (r"\bfoo", r"\b"),
        (r"[\w-]+", r"\w"),
        (r"a\.b", r"\."),
        ("a{2,3}", "{2,3}"),
        ("foo|bar", "|"),
        ("(?:a)", "(?:"),
        ("%d+", ""),
        ("[a|b]", ""),
        ("a%|b", ""),
        ("%{2}", ""),
        (r'\\"', ""),
        (r"a%\d", ""),
        ("%(?:a", ""),
        ("{%d+}", ""),
    ],
)
def test_signs_of_regular_expressions_are_found(pattern: str, sign: str) -> None:
    assert lua.of_regular_expressions(pattern) == sign


def test_at_the_edge_of_a_word_there_is_one() -> None:
    assert not lua.parse("%f[%w]%w*").empty


def test_our_own_patterns_are_lua() -> None:
    values = yamlio.load((UMBRELLA / "charts/depin-fluent-bit/values.yaml").read_bytes())
    patterns = [each["pattern"] for each in values["masking"]["patterns"].values()]
    assert len(patterns) > 10
    assert [each for each in patterns if refuses(each) or lua.of_regular_expressions(each)] == []
