"""What is found is limited, and edge nodes outside of the cluster are scraped as the values say.

That labelled pods and Services really are found is shown in tests/sandbox/test_monitoring.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.charts.checks.model import Platform
from tests.charts.rendering import Renderer
from tests.monitoring import contract
from tests.monitoring.rules import with_settings

LIMITS = {
    "sampleLimit": 20000,
    "targetLimit": 1000,
    "labelLimit": 40,
    "labelNameLengthLimit": 128,
    "labelValueLengthLimit": 512,
}


def specs(platform: Platform, *kinds: str) -> dict[str, Mapping[str, Any]]:
    """What our monitors of these kinds say."""
    found = platform.of_kind(*(kinds or ("PodMonitor", "ServiceMonitor", "ScrapeConfig")))
    return {each.name: each.data["spec"] for each in found if each.component == "depin-monitoring"}


def endpoints(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A monitor's endpoints; a ScrapeConfig is one itself."""
    return list(spec.get("podMetricsEndpoints") or spec.get("endpoints") or [spec])


def edges(renderer: Renderer, **edge: Any) -> Mapping[str, Any]:
    return specs(with_settings(renderer, {"externalEdges": {"paris": edge}}))["depin-edge-paris"]


def test_whatever_is_found_is_limited(platform: Platform) -> None:
    assert set(specs(platform)) == {"depin-pods", "depin-services"}
    for spec in specs(platform).values():
        assert {key: spec[key] for key in LIMITS} == LIMITS
        for endpoint in endpoints(spec):
            (dropped,) = endpoint["metricRelabelings"]
            assert dropped["action"] == "labeldrop" and "wallet" in dropped["regex"].split("|")


def test_no_label_of_the_contract_is_dropped(renderer: Renderer) -> None:
    dropped = renderer.defaults["depin-monitoring"]["discovery"]["dropLabels"]
    assert dropped and contract.source()["labels"].keys().isdisjoint(dropped)


def test_limits_and_labels_are_values(renderer: Renderer) -> None:
    discovery = {"limits": {"samples": 1000000, "targets": 0}, "dropLabels": ["a", "b.*"], "interval": "1m"}
    for spec in specs(with_settings(renderer, {"discovery": discovery})).values():
        assert spec["sampleLimit"] == 1000000 and "targetLimit" not in spec
        for endpoint in endpoints(spec):
            assert endpoint["metricRelabelings"] == [{"action": "labeldrop", "regex": "a|b.*"}]
            assert endpoint["interval"] == "1m"


def test_without_labels_to_drop_none_is(renderer: Renderer) -> None:
    found = specs(with_settings(renderer, {"discovery": {"dropLabels": []}}))
    assert not any("metricRelabelings" in each for spec in found.values() for each in endpoints(spec))


def test_discovery_can_be_turned_off_and_rules_stay(renderer: Renderer) -> None:
    platform = with_settings(renderer, {"discovery": {"enabled": False}})
    assert specs(platform) == {}
    assert specs(platform, "PrometheusRule")


@pytest.mark.parametrize(
    "way",
    [
        {"staticConfigs": [{"targets": ["edge-1.example.com:443"]}]},
        {"fileSDConfigs": [{"files": ["/etc/prometheus/configmaps/edges/*.yaml"]}]},
        {"dnsSDConfigs": [{"names": ["_metrics._tcp.edges.example.com"]}]},
        {"httpSDConfigs": [{"url": "https://registry.example.com/edges"}]},
    ],
    ids=lambda way: next(iter(way)),
)
def test_edge_nodes_outside_are_found_in_every_way(renderer: Renderer, way: dict[str, Any]) -> None:
    spec = edges(renderer, **way)
    assert {key: spec[key] for key in (*way, *LIMITS)} == {**way, **LIMITS}
    assert (spec["metricsPath"], spec["scrapeInterval"], spec["jobName"]) == ("/metrics", "30s", "edge-paris")
    assert spec["metricRelabelings"][0]["action"] == "labeldrop"


def test_what_an_edge_says_itself_counts(renderer: Renderer) -> None:
    own = {"metricsPath": "/x", "sampleLimit": 5, "scrapeInterval": "5m", "metricRelabelings": []}
    spec = edges(renderer, staticConfigs=[{"targets": ["a:1"]}], **own)
    assert {key: spec[key] for key in own} == own


@pytest.mark.usefixtures("real_charts")
def test_kube_state_metrics_tells_the_label_by_which_pods_use_is_joined(platform: Platform) -> None:
    (exporter,) = (each for each in platform.of_kind("Deployment") if each.name == "kube-state-metrics")
    (container,) = exporter.data["spec"]["template"]["spec"]["containers"]
    assert "--metric-labels-allowlist=pods=[depin.ai/workload]" in container["args"]
