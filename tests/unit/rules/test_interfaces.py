"""Two web interfaces with one host are found, whoever makes them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import facts, said, violations

KPS = "kube-prometheus-stack"


def twice(*ingresses: dict[str, Any], routes: Any = (), **platform: Any) -> list[str]:
    """Ingresses of Prometheus and Alertmanager, then of Kibana; our routes by name."""
    given: dict[str, Any] = {
        "depin-routes": {"routes": {name: {"enabled": True} for name in routes}},
        KPS: {},
    }
    for part, section in zip(("prometheus", "alertmanager"), ingresses, strict=False):
        given[KPS][part] = {"ingress": {"enabled": True, **section}}
    if ingresses[2:]:
        given["kibana"] = {"ingress": {"enabled": True, **ingresses[2]}}
    return said("duplicate-host", given, domain="example.com", ingressClass="nginx", **platform)


SECOND = [f"{KPS}.alertmanager.ingress.hosts[0]"]


def test_two_ingresses_with_one_host() -> None:
    assert twice({"hosts": ["a.com"]}, {"hosts": ["a.com"]}) == SECOND
    assert twice({"hosts": ["a.com"]}, {"hosts": ["A.com"]}) == SECOND
    assert twice({"hosts": ["a.com"]}, {"hosts": ["b.com"]}) == []
    assert twice({"hosts": ["a.com", "a.com"]}) == [f"{KPS}.prometheus.ingress.hosts[1]"]


def test_paths_tell_interfaces_of_one_host_apart() -> None:
    assert twice({"hosts": ["a.com"], "paths": ["/p"]}, {"hosts": ["a.com"], "paths": ["/a"]}) == []
    assert (
        twice({"hosts": ["a.com"], "paths": ["/p", "/a"]}, {"hosts": ["a.com"], "paths": ["/a/"]}) == SECOND
    )
    elastic = {"hosts": [{"host": "a.com", "paths": [{"path": "/kibana"}]}]}
    assert twice({"hosts": ["a.com"]}, {"hosts": ["b.com"]}, elastic) == []
    elastic = {"hosts": [{"host": "a.com", "paths": [{"path": "/"}]}]}
    assert twice({"hosts": ["a.com"]}, {"hosts": ["b.com"]}, elastic) == ["kibana.ingress.hosts[0].host"]


def test_prometheus_own_prefix_is_its_path() -> None:
    ingress = {"enabled": True, "hosts": ["a.com"]}
    given = {
        KPS: {
            "prometheus": {"ingress": ingress, "prometheusSpec": {"routePrefix": "/prometheus"}},
            "alertmanager": {"ingress": ingress},
        }
    }
    assert said("duplicate-host", given) == []


def test_an_ingress_and_a_route_with_one_host() -> None:
    found = twice({"hosts": ["prometheus.example.com"]}, routes=["prometheus"])
    assert found == [f"{KPS}.prometheus.ingress.hosts[0]"]
    assert (
        twice({"hosts": ["prometheus.{{ .Values.global.platform.domain }}"]}, routes=["prometheus"]) == found
    )
    assert twice({"hosts": ["prometheus.example.com"]}, routes=["grafana"]) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"hosts": ["*.a.com"]}, {"hosts": ["*.a.com"]}),
        ({"hosts": ["{{ .Release.Name }}.a.com"]}, {"hosts": ["{{ .Release.Name }}.a.com"]}),
        (
            {"hosts": ["a.com"], "ingressClassName": "inner"},
            {"hosts": ["a.com"], "ingressClassName": "outer"},
        ),
        ({"hosts": ["a.com"]}, {"hosts": ["a.com"], "enabled": False}),
        ({"hosts": ["https://a:hunter2@b.com"]}, {"hosts": ["https://a:hunter2@b.com"]}),
        ({"hosts": []}, {"hosts": None}),
        ({"hosts": "a.com"}, {"hosts": [None, 5, {"host": ["a.com"]}]}),
    ],
)
def test_what_is_no_host_twice(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert twice(one, other) == []


def test_the_other_interface_is_named() -> None:
    ingress = {"enabled": True, "hosts": ["grafana.example.com"]}
    given = {
        "depin-routes": {"routes": {"grafana": {"enabled": True}}},
        KPS: {"grafana": {"ingress": ingress}},
    }
    (found,) = violations("duplicate-host", facts(given, domain="example.com"))
    assert found.message == "grafana.example.com is also the host of depin-routes.routes.grafana"


@pytest.mark.parametrize("routes", [None, [], {"grafana": None}, {"grafana": {"enabled": "yes"}}])
def test_wrong_kinds_of_routes_are_left_to_the_schema(routes: Any) -> None:
    assert said("duplicate-host", {"depin-routes": {"routes": routes}}, domain="example.com") == []
