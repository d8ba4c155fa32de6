"""The model of NetworkPolicies that the other tests rely on does what Kubernetes says of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.charts.checks.model import Object, Platform
from tests.charts.checks.network import End, Network

WEB = End("web", "shop", {"app": "web"}, named={"http": 8080})
DATABASE = End("database", "shop", {"app": "database"}, named={"sql": 5432})
STRANGER = End("stranger", "elsewhere", {"app": "web"})
ADDRESS = End("address", address="192.0.2.1")
SQL = ("TCP", 5432)

EMPTY = Platform("test", (), {}, {}, {}, {}, real=False)
TO_DATABASE = {"podSelector": {"matchLabels": {"app": "database"}}, "policyTypes": ["Ingress"]}


def network(*specs: dict[str, Any], namespace: str = "shop", **options: bool) -> Network:
    """A network in which these policies stand in one namespace."""
    policies = [
        Object("", "", namespace, {"kind": "NetworkPolicy", "metadata": {"name": "p"}, "spec": spec})
        for spec in specs
    ]
    return Network(replace(EMPTY), policies, **options)


def let_in(**rule: Any) -> dict[str, Any]:
    """A policy of the database."""
    return {**TO_DATABASE, "ingress": [rule]}


def test_without_a_policy_everything_is_open() -> None:
    assert network().open(STRANGER, DATABASE, SQL)


def test_a_policy_closes_the_pods_it_selects_in_its_direction_alone() -> None:
    closed = network({"podSelector": {}, "policyTypes": ["Ingress"]})
    assert not closed.open(WEB, DATABASE, SQL)
    assert closed.open(WEB, ADDRESS, SQL)
    assert network(TO_DATABASE).open(DATABASE, WEB, ("TCP", 8080))
    assert network({"podSelector": {}, "policyTypes": ["Ingress"]}, namespace="other").open(
        WEB, DATABASE, SQL
    )


def test_a_policy_that_names_no_direction_is_about_ingress_and_about_egress_if_it_has_rules() -> None:
    assert not network({"podSelector": {}}).open(ADDRESS, WEB, SQL)
    assert network({"podSelector": {}}).open(WEB, ADDRESS, SQL)
    assert not network({"podSelector": {}, "egress": [{"ports": [{"port": 80}]}]}).open(WEB, ADDRESS, SQL)


def test_policies_add_up() -> None:
    both = network(TO_DATABASE, let_in(ports=[{"port": 5432}]))
    assert both.open(STRANGER, DATABASE, SQL)
    assert not both.open(STRANGER, DATABASE, ("TCP", 22))


def test_both_ends_have_to_agree() -> None:
    assert not network({"podSelector": {}, "policyTypes": ["Egress"]}, let_in()).open(WEB, DATABASE, SQL)


@pytest.mark.parametrize(
    ("peer", "who"),
    [
        ({"podSelector": {}}, [WEB]),
        ({"podSelector": {"matchLabels": {"app": "web"}}}, [WEB]),
        ({"namespaceSelector": {}}, [WEB, STRANGER]),
        (
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "elsewhere"}}},
            [STRANGER],
        ),
        (
            {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "database"}}},
            [],
        ),
        ({"ipBlock": {"cidr": "192.0.2.0/24"}}, [ADDRESS]),
        ({"ipBlock": {"cidr": "0.0.0.0/0"}}, [ADDRESS]),
        ({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["192.0.2.0/30"]}}, []),
        ({"ipBlock": {"cidr": "::/0"}}, []),
    ],
)
def test_a_peer_is_who_it_selects(peer: dict[str, Any], who: list[End]) -> None:
    rules = network(let_in(**{"from": [peer]}))
    assert [end for end in (WEB, STRANGER, ADDRESS) if rules.open(end, DATABASE, SQL)] == who


def test_no_peers_are_all() -> None:
    assert network(let_in(**{"from": []})).open(ADDRESS, DATABASE, SQL)


def test_whether_a_block_covers_pods_is_told() -> None:
    rule = let_in(**{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]})
    assert not network(rule).open(WEB, DATABASE, SQL)
    assert network(rule, blocks_cover_pods=True).open(WEB, DATABASE, SQL)


@pytest.mark.parametrize(
    ("port", "is_open"),
    [
        ({"port": 5432}, True),
        ({"port": "sql"}, True),
        ({"port": "http"}, False),
        ({"port": 5432, "protocol": "UDP"}, False),
        ({"port": 5433}, False),
    ],
)
def test_a_port_is_its_number_or_the_targets_name_of_it(port: dict[str, Any], is_open: bool) -> None:
    assert network(let_in(ports=[port])).open(WEB, DATABASE, SQL) is is_open
