"""Elasticsearch survives the loss of a voting node, and a single one becomes ready."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import facts, said, violations

DEFAULTS = {
    "elasticsearch": {
        "replicas": 3,
        "nodeGroup": "master",
        "masterService": "",
        "roles": ["master", "data"],
        "clusterHealthCheckParams": "wait_for_status=green&timeout=1s",
    }
}


def voting(**given: Any) -> list[str]:
    return said("voting-nodes", {"elasticsearch": given}, DEFAULTS)


def green(**given: Any) -> list[str]:
    return said("never-green", {"elasticsearch": given}, DEFAULTS)


@pytest.mark.parametrize(
    ("replicas", "wrong"), [(1, False), (2, True), ("2", True), (3, False), (4, False), (0, False)]
)
def test_two_voting_nodes_are_worse_than_one(replicas: Any, wrong: bool) -> None:
    assert voting(replicas=replicas) == (["elasticsearch.replicas"] if wrong else [])


def roles(*given: Any) -> list[str]:
    return said("node-roles", {"elasticsearch": {"roles": list(given)}}, DEFAULTS)


def test_roles_are_those_that_elasticsearch_knows() -> None:
    assert roles("master", "data", "ingest", "ml", "transform", "remote_cluster_client") == []
    assert roles("master", *(f"data_{tier}" for tier in ("content", "hot", "warm", "cold", "frozen"))) == []
    assert roles("master", "dta", "hot") == ["elasticsearch.roles[1]", "elasticsearch.roles[2]"]
    assert roles("master", "voting_only") == []
    assert roles("data", "voting_only") == ["elasticsearch.roles[1]"]
    off = {"elasticsearch": {"roles": ["dta"], "enabled": False}}
    assert said("node-roles", off, DEFAULTS) == []


def test_a_role_that_was_meant_is_offered_and_what_is_written_is_not_repeated() -> None:
    given = {"elasticsearch": {"roles": ["master", "dta", "hunter2"]}}
    hints = [(each.message, each.hint) for each in violations("node-roles", facts(given))]
    message = "is no role that Elasticsearch knows"
    assert hints == [(message, "did you mean data?"), (message, "such as master, data or ingest")]


def test_a_misspelt_master_is_one_mistake() -> None:
    assert voting(roles=["mster", "data"]) == []
    assert roles("mster", "data") == ["elasticsearch.roles[0]"]


@pytest.mark.parametrize("roles", [["data", "ingest"], []])
def test_someone_must_be_able_to_become_the_master(roles: list[str]) -> None:
    assert voting(roles=roles) == ["elasticsearch.roles"]


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"nodeGroup": "data"},
        {"masterService": "other-master"},
        {"esConfig": {"elasticsearch.yml": "node.roles: [master]\n"}},
        {"enabled": False},
    ],
)
def test_masters_may_be_elsewhere(elsewhere: dict[str, Any]) -> None:
    assert voting(replicas=2, **elsewhere) == []
    assert voting(roles=["data"], **elsewhere) == []
    assert green(replicas=1, **elsewhere) == []


@pytest.mark.parametrize(
    "given", [{"replicas": "two"}, {"replicas": None}, {"roles": "master"}, {"replicas": [2]}]
)
def test_wrong_kinds_are_left_to_the_schema(given: dict[str, Any]) -> None:
    assert voting(**given) == []


def test_a_name_of_its_own_makes_it_its_own_master_service() -> None:
    assert voting(replicas=2, nodeGroup="all", fullnameOverride="search") == ["elasticsearch.replicas"]


def test_a_single_node_must_not_wait_for_green() -> None:
    assert green(replicas=1) == ["elasticsearch.clusterHealthCheckParams"]
    assert green(replicas=1, clusterHealthCheckParams="timeout=1s&wait_for_status=green") != []
    assert green(replicas=1, clusterHealthCheckParams="wait_for_status=yellow&timeout=1s") == []
    assert green(replicas=1, clusterHealthCheckParams="") == []
    assert green(replicas=1, clusterHealthCheckParams=None) == []
    assert green(replicas=3, clusterHealthCheckParams="wait_for_status=green") == []


def test_a_single_node_without_data_may_wait_for_green() -> None:
    assert green(replicas=1, roles=["master"]) == []
