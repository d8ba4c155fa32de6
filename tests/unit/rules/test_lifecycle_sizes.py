"""Whether volumes hold the logs that they are to keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.rules.building import facts, violations


def given(
    rate: float = 4,
    *,
    storage: str = "100Gi",
    nodes: int = 3,
    copies: int = 1,
    delete: str = "30d",
    rollover: str = "1d",
    **elasticsearch: Any,
) -> Mapping[str, Any]:
    return {
        "elasticsearch": {
            "enabled": True,
            "replicas": nodes,
            "volumeClaimTemplate": {"resources": {"requests": {"storage": storage}}},
            **elasticsearch,
        },
        "depin-elasticsearch": {
            "enabled": True,
            "logs": {
                "gigabytesPerDay": rate,
                "replicas": copies,
                "delete": {"after": delete},
                "rollover": {"after": rollover},
            },
        },
    }


def said(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(each.message, each.hint) for each in violations("log-volumes", facts(values))]


# 3 times 100 Gi are 322.1 GB; 31 days of r GB, in two copies and with a quarter on top, are 77.5 times r GB.
@pytest.mark.parametrize(("rate", "fits"), [(4.15, True), (4.16, False), (0, True)])
def test_the_limit_is_where_the_sum_says(rate: float, fits: bool) -> None:
    assert (said(given(rate)) == []) is fits


def test_the_finding_names_three_ways_out_each_of_which_works() -> None:
    ((message, hint),) = said(given(20))
    assert message.startswith(
        "3 volumes hold 322 GB; 20 GB a day for 31 days, 2 copies of each, need 1,550 GB"
    )
    assert hint == "volumes of 482Gi, or delete after 5d at most, or 4.1 GB a day at most"
    assert said(given(20, storage="482Gi")) == []
    assert said(given(20, storage="481Gi")) != []
    assert said(given(20, delete="5d")) == []
    assert said(given(20, delete="6d")) != []
    assert said(given(4.1)) == []


def test_logs_that_not_even_a_day_can_be_kept_of_get_no_such_advice() -> None:
    ((_, hint),) = said(given(200))
    assert "delete after" not in hint


def test_a_single_node_keeps_one_copy_and_hours_count() -> None:
    assert said(given(4, nodes=1, copies=0, storage="40Gi", delete="7d", rollover="12h")) == []
    ((message, _),) = said(given(5, nodes=1, copies=0, storage="40Gi", delete="7d", rollover="36h"))
    assert "5 GB a day for 8.5 days, 1 copy of each, need 53 GB" in message


@pytest.mark.parametrize("elsewhere", [{"masterService": "other"}, {"enabled": False}, {"replicas": None}])
def test_nothing_is_said_where_these_are_not_all_nodes(elsewhere: Mapping[str, Any]) -> None:
    assert said({**given(200), "elasticsearch": {**given(200)["elasticsearch"], **elsewhere}}) == []
