"""Those who use Elasticsearch ask for it by the name that its service has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import facts, said, violations

SERVICE = "elasticsearch-master"
UPSTREAM: dict[str, dict[str, Any]] = {
    "elasticsearch": {
        "clusterName": "elasticsearch",
        "nodeGroup": "master",
        "masterService": "",
        "fullnameOverride": "",
        "nameOverride": "",
    },
    "kibana": {"elasticsearchHosts": f"https://{SERVICE}:9200"},
    "fluent-bit": {"config": {"outputs": f"[OUTPUT]\n    Host {SERVICE}.logging.svc\n"}},
}
ALL: dict[str, dict[str, Any]] = {"kibana": {"enabled": True}, "fluent-bit": {"enabled": True}}
ELSEWHERE: dict[str, dict[str, Any]] = {
    "kibana": {"elasticsearchHosts": "https://logs-master:9200"},
    "fluent-bit": {"config": {"outputs": "[OUTPUT]\n    Host logs-master\n"}},
}


def named(given: dict[str, Any], users: dict[str, dict[str, Any]] = ALL) -> list[str]:
    return said("elasticsearch-name", {**users, "elasticsearch": given}, UPSTREAM)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fullnameOverride", "search"),
        ("nameOverride", "search"),
        ("clusterName", "logs"),
        ("nodeGroup", "data"),
        ("masterService", "logs-master"),
    ],
)
def test_another_name_is_not_the_one_that_is_asked_for(key: str, value: str) -> None:
    assert named({key: value}) == [f"elasticsearch.{key}"]
    assert named({key: value}, ELSEWHERE) == []
    assert named({key: value}, {"kibana": {"enabled": False}, "fluent-bit": {"enabled": False}}) == []
    assert named({key: value, "enabled": False}) == []


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"fullnameOverride": SERVICE},
        {"fullnameOverride": SERVICE, "clusterName": "logs"},
        {"nameOverride": "elasticsearch"},
        {"nodeGroup": "data", "masterService": SERVICE},
        {"clusterName": ["logs"]},
        {"fullnameOverride": None},
    ],
)
def test_the_same_name_may_be_made_in_several_ways(given: dict[str, Any]) -> None:
    assert named(given) == []


def test_who_asks_for_it_is_said() -> None:
    users: dict[str, Any] = {"kibana": {"enabled": True}, "fluent-bit": {"enabled": False}}
    seen = facts({**users, "elasticsearch": {"clusterName": "logs"}}, UPSTREAM)
    (found,) = violations("elasticsearch-name", seen)
    assert found.message == f"Elasticsearch's service is no longer {SERVICE}, which kibana asks for"
    assert found.paths == (("elasticsearch", "clusterName"), ("kibana", "elasticsearchHosts"))
