"""Who gets to the web interfaces: an open Kibana and an allow-list that keeps nobody out are found."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import nested, said

ALLOWED = "depin-routes.routes.kibana.allowFrom"
ANONYMOUS = "kibana.anonymousAccess"
TEXT = "{{ if .Values.anonymousAccess }}anonymous.reader: {}{{ end }}"
INTERNAL = ["10.0.0.0/8", "fc00::/7"]


def kibana(
    allowed: Any = INTERNAL, issuer: str = "depin-internal-ca", route: Any = True, **section: Any
) -> list[str]:
    given: dict[str, Any] = {
        "kibana": {
            "fullnameOverride": "kibana",
            "anonymousAccess": True,
            "kibanaConfig": {"kibana.yml": TEXT},
            **section,
        },
        "depin-routes": {
            "routes": {
                "kibana": {"enabled": route, "service": "kibana", "allowFrom": allowed},
                "grafana": {"enabled": True, "service": "grafana"},
            }
        },
    }
    return said("open-kibana", given, clusterIssuer=issuer)


@pytest.mark.parametrize(
    "allowed",
    [
        [],
        None,
        ["0.0.0.0/0"],
        ["10.0.0.0/8", "::/0"],
        ["0.0.0.0/1", "128.0.0.0/1"],
        ["2000::/3"],
    ],
)
def test_a_kibana_without_a_login_that_everybody_gets_to(allowed: Any) -> None:
    assert kibana(allowed) == [ALLOWED]
    assert kibana(allowed, anonymousAccess=False) == []
    assert kibana(allowed, anonymousAccess=None) == []
    assert kibana(allowed, enabled=False) == []
    assert kibana(allowed, route=False) == []


@pytest.mark.parametrize("allowed", [INTERNAL, ["192.0.2.0/24"], ["not a network", "10.0.0.0/8"]])
def test_named_networks_are_none_of_the_internets_parts(allowed: Any) -> None:
    assert kibana(allowed) == []


@pytest.mark.parametrize("issuer", ["letsencrypt-prod", "letsencrypt-staging"])
def test_a_kibana_under_a_public_name_asks_for_a_login(issuer: str) -> None:
    assert kibana(issuer=issuer) == [ANONYMOUS]
    assert kibana(issuer=issuer, anonymousAccess=False) == []


@pytest.mark.parametrize(
    "text",
    [
        "xpack.security.authc.providers:\n  anonymous.anonymous1:\n    order: 0\n",
        "xpack:\n  security:\n    authc:\n      providers:\n        anonymous:\n",
        "xpack.security.authc.providers.anonymous.anonymous1.order: 0\n",
    ],
)
def test_someones_own_text_may_let_everybody_in_too(text: str) -> None:
    place = r"kibana.kibanaConfig.kibana\.yml"
    assert kibana(issuer="letsencrypt-prod", kibanaConfig={"kibana.yml": text}) == [place]
    assert kibana([], kibanaConfig={"kibana.yml": text}) == [ALLOWED]
    assert kibana([], kibanaConfig={"kibana.yml": "server.name: anonymous\n"}) == []


def test_an_ingress_of_kibanas_own_chart_lets_everybody_in() -> None:
    assert kibana(ingress={"enabled": True}) == ["kibana.ingress.enabled"]
    annotations = {"nginx.ingress.kubernetes.io/whitelist-source-range": "10.0.0.0/8"}
    assert kibana(ingress={"enabled": True, "annotations": annotations}) == []
    assert kibana(ingress={"enabled": False}) == []


# --- the controller ----------------------------------------------------------------------------

POLICY = "ingress-nginx.controller.service.externalTrafficPolicy"


def controller(allowed: Any = INTERNAL, service: Any = None, **settings: Any) -> dict[str, Any]:
    route = {"enabled": True, "service": "kibana", "allowFrom": allowed}
    return {
        "ingress-nginx": {"controller": {"service": service or {}, **settings}},
        **nested("depin-routes.routes.kibana", route),
    }


@pytest.mark.parametrize(
    "service",
    [
        {},
        {"type": "LoadBalancer", "externalTrafficPolicy": "Cluster"},
        {"type": "NodePort", "externalTrafficPolicy": ""},
    ],
)
def test_an_allow_list_wants_clients_own_addresses(service: dict[str, Any]) -> None:
    assert said("hidden-addresses", controller(service=service)) == [POLICY]
    assert said("hidden-addresses", controller([], service)) == []


@pytest.mark.parametrize(
    "given",
    [
        controller(service={"externalTrafficPolicy": "Local"}),
        controller(service={"type": "ClusterIP"}),
        controller(service={"enabled": False}),
        controller(hostNetwork=True),
        controller(config={"use-proxy-protocol": "true"}),
        controller(config={"use-forwarded-headers": "true"}),
        controller(config={"use-proxy-protocol": True}),
        {**controller(), "ingress-nginx": {"enabled": False}},
    ],
)
def test_where_they_are_seen_nothing_is_wrong(given: dict[str, Any]) -> None:
    assert said("hidden-addresses", given) == []


def test_a_switch_that_is_off_tells_no_address() -> None:
    assert said("hidden-addresses", controller(config={"use-proxy-protocol": "false"})) == [POLICY]
    assert said("hidden-addresses", controller(config=["use-proxy-protocol"])) == [POLICY]


@pytest.mark.parametrize(
    ("service", "wrong"),
    [
        ({"type": "ClusterIP", "externalTrafficPolicy": "Local"}, True),
        ({"type": "ClusterIP", "externalTrafficPolicy": ""}, False),
        ({"type": "ClusterIP"}, False),
        ({"type": "NodePort", "externalTrafficPolicy": "Local"}, False),
        ({"enabled": False, "type": "ClusterIP", "externalTrafficPolicy": "Local"}, False),
    ],
)
def test_a_service_within_the_cluster_has_no_traffic_policy(service: dict[str, Any], wrong: bool) -> None:
    assert said("traffic-policy", controller(service=service)) == ([POLICY] if wrong else [])


def metrics(part: str = "prometheus", **route: Any) -> list[str]:
    service = f"kube-prometheus-stack-{part}"
    given = {
        "kube-prometheus-stack": {"fullnameOverride": "kube-prometheus-stack"},
        "depin-routes": {"routes": {"more": {"enabled": True, "service": service, **route}}},
    }
    return said("open-metrics", given)


@pytest.mark.parametrize("part", ["prometheus", "alertmanager"])
def test_metrics_and_alerts_that_everybody_gets_to(part: str) -> None:
    assert metrics(part) == ["depin-routes.routes.more.basicAuthSecret"]
    assert metrics(part, allowFrom=["0.0.0.0/0"]) == ["depin-routes.routes.more.basicAuthSecret"]
    assert metrics(part, allowFrom=INTERNAL) == []
    assert metrics(part, basicAuthSecret="mine") == []
    assert metrics(part, enabled=False) == []
    assert metrics(part, service="grafana") == []


@pytest.mark.parametrize("part", ["prometheus", "alertmanager"])
@pytest.mark.parametrize(
    ("annotations", "open_to_all"),
    [
        ({}, True),
        (None, True),
        ({"cert-manager.io/cluster-issuer": "depin-internal-ca"}, True),
        ({"nginx.ingress.kubernetes.io/auth-url": "https://login.example.com"}, False),
        ({"nginx.ingress.kubernetes.io/whitelist-source-range": "10.0.0.0/8"}, False),
        ({"traefik.ingress.kubernetes.io/router.middlewares": "monitoring-login@kubernetescrd"}, False),
    ],
)
def test_an_ingress_of_the_chart_asks_for_a_login_too(part: str, annotations: Any, open_to_all: bool) -> None:
    at = f"kube-prometheus-stack.{part}.ingress"
    given = nested(at, {"enabled": True, "annotations": annotations})
    assert said("open-metrics", given) == ([f"{at}.enabled"] if open_to_all else [])
    assert said("open-metrics", nested(at, {"enabled": False, "annotations": annotations})) == []
