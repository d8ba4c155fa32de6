"""`--set` does what Helm's does, in all its corners."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from depin_helm.errors import UsageError
from depin_helm.values import setvalues
from tests.charts.values.conftest import Probe

GIVEN: dict[str, Any] = {
    "map": {"a": 1, "list": [1, {"b": 2}, None]},
    "list": ["x", {"y": "z"}, [1, 2]],
    "scalar": 1,
    "nothing": None,
}

ACCEPTED = [
    "a=b",
    "a.b.c=1",
    "map.a=2,map.c=true",
    "map.list[1].b=3",
    "map.list[2].new=x",
    "list[0]=y",
    "list[1].y=null",
    "list[2][0]=9",
    "list[2][3]=9",
    "list[5].x=1",
    "new[2]=1",
    "new[1][1]=x",
    "list={a,b}",
    "list={}",
    "list={a,1,true,null},z=1",
    "list[0]={a,b}",
    r"a=b\,c",
    r"a\.b=c",
    r"a=\{b",
    r"nodeSelector.kubernetes\.io/role=master",
    "int=5,neg=-5,plus=+5,zero=0,octal=0755,float=1.5,exp=1e3,big=9223372036854775808,true=TRUE,null=NuLL",
    "a=",
    "a=,b=1",
    "a.b=",
    "list[1].b=",
    "list[0]=",
    "a=b=c",
    "a==",
    "",
    "a={b,c}d=e",
    "text=üñí",
    "a b=c d",
    "scalar=2",
    "nothing=x",
    "map=null",
]
#: Helm takes them and does nothing.
IGNORED = ["a.", "a[0]", "a[", "a[0", "=b", ".a=b", "map..b=c", "new[0].b=", "z=1,a.", "a[0,b=1"]
REFUSED = [
    ".=b",
    ",",
    "a",
    "a,b=1",
    "a.b",
    "a.b,c=1",
    "a={b",
    "a[]=1",
    "a[x]=1",
    "a[-1]=1",
    "a[65537]=1",
    "a[0]x=1",
    "scalar.x=1",
    "scalar[0]=1",
    "map[0]=1",
    "nothing.x=1",
    "nothing[0]=1",
    "list.x=1",
    "list[0][0]=1",
    ".".join("a" * 40) + "=1",
]


def applied(text: str, values: dict[str, Any]) -> dict[str, Any] | None:
    """What `--set` makes of the values; None if it is refused."""
    result = copy.deepcopy(values)
    try:
        list(setvalues.apply(text, result))
    except UsageError:
        return None
    return result


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_helm_accepts_has_the_same_effect(probe: Probe, text: str) -> None:
    assert applied(text, GIVEN) == probe.values(json.dumps(GIVEN), sets=[text])


@pytest.mark.parametrize("text", REFUSED)
def test_what_helm_refuses_is_refused(probe: Probe, text: str) -> None:
    assert probe.run(json.dumps(GIVEN), sets=[text]).returncode != 0
    assert applied(text, GIVEN) is None


@pytest.mark.parametrize("text", IGNORED)
def test_what_helm_ignores_is_refused(probe: Probe, text: str) -> None:
    values = probe.values(json.dumps(GIVEN), sets=[text])
    assert {key: values[key] for key in GIVEN} == GIVEN
    assert applied(text, GIVEN) is None


# One run of Helm for many arguments: each works below a key of its own.
BELOW: dict[str, Any] = {"a": {"a": [0, {"b": 1}], "b": "x"}, "b": [{"a": 1}, [2]]}
KEYS = st.lists(
    st.sampled_from(["a", "b", "a.", "b.", "[0]", "[1]", "[2]", "[0].", "[1].", ".", "\\", ","]),
    min_size=1,
    max_size=5,
)
ARGUMENTS = st.builds(lambda key, value: f"{''.join(key)}={value}", KEYS, st.text("a1=,{}\\-", max_size=4))


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(arguments=st.lists(ARGUMENTS, min_size=60, max_size=60))
def test_any_argument_that_is_accepted_has_the_effect_that_helm_gives_it(
    probe: Probe, arguments: list[str]
) -> None:
    values = {f"case{number}": copy.deepcopy(BELOW) for number in range(len(arguments))}
    expected, sets = values, []
    for number, argument in enumerate(arguments):
        text = f"case{number}.{argument}"
        result = applied(text, expected)
        if result is not None:
            expected = result
            sets.append(text)
    assume(sets)
    assert probe.values(json.dumps(values), sets=sets) == expected
