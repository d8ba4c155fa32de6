"""Addresses in configuration: where Kibana and Fluent Bit find Elasticsearch, Grafana its data sources."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.charts.checks.addresses import unreachable
from tests.charts.checks.model import Platform
from tests.charts.mutants import Change, broken, container, without


def test_every_address_inside_the_cluster_is_a_services(platform: Platform) -> None:
    assert unreachable(platform) == []


def replaced(key: str, old: str, new: str) -> Change:
    def change(data: dict[str, Any]) -> None:
        assert old in data["data"][key]
        data["data"][key] = data["data"][key].replace(old, new)

    return change


MUTANTS: dict[str, tuple[str, str, Change, str]] = {
    "Fluent Bit's output": (
        "ConfigMap",
        "fluent-bit",
        replaced("fluent-bit.yaml", "elasticsearch-master.logging.svc", "elasticsearch-master"),
        "ConfigMap node-agents/fluent-bit: nothing listens at elasticsearch-master:9200",
    ),
    "a port": (
        "ConfigMap",
        "kube-prometheus-stack-grafana-datasource",
        replaced("datasource.yaml", "monitoring:9090", "monitoring:9091"),
        "ConfigMap monitoring/kube-prometheus-stack-grafana-datasource: nothing listens at "
        "kube-prometheus-stack-prometheus.monitoring:9091",
    ),
    "a variable": (
        "Deployment",
        "kibana",
        lambda data: container(data)["env"][0].update(value="https://elasticsearch:9200"),
        "Deployment logging/kibana: nothing listens at elasticsearch:9200",
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_an_address_of_nothing_is_found(prod: Platform, mutant: str) -> None:
    kind, name, change, problem = MUTANTS[mutant]
    assert unreachable(broken(prod, kind, name, change)) == [problem]


def test_addresses_of_a_missing_service_are_found(prod: Platform) -> None:
    found = unreachable(without(prod, "Service", "elasticsearch-master"))
    # A setup Job's name ends in a digest.
    assert [re.sub(r"-[0-9a-f]{10}:", ":", problem) for problem in found] == [
        "ConfigMap node-agents/fluent-bit: nothing listens at elasticsearch-master.logging.svc:9200",
        "Deployment logging/elasticsearch-exporter: nothing listens at elasticsearch-master.logging.svc:9200",
        "Deployment logging/kibana: nothing listens at elasticsearch-master:9200",
        "Job logging/elasticsearch-setup: nothing listens at elasticsearch-master.logging.svc:9200",
    ]
