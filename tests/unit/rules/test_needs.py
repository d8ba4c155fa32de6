"""A component that is off while another needs it is one mistake, whoever needs it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import facts, said, violations

KPS = "kube-prometheus-stack"
OUTPUTS = {"config": {"outputs": "[OUTPUT]\n    Host elasticsearch-master.logging.svc\n"}}
ALL: dict[str, dict[str, Any]] = {
    "cert-manager": {},
    "depin-issuers": {},
    "ingress-nginx": {
        "controller": {"admissionWebhooks": {"enabled": True, "certManager": {"enabled": True}}}
    },
    KPS: {
        "fullnameOverride": "kube-prometheus-stack",
        "prometheus": {"enabled": True},
        "alertmanager": {"enabled": True},
        "grafana": {"enabled": True, "fullnameOverride": "grafana"},
        "prometheusOperator": {
            "enabled": True,
            "admissionWebhooks": {"enabled": True, "certManager": {"enabled": True}},
        },
    },
    "elasticsearch": {"secretMounts": [{"secretName": "elasticsearch-transport-certs"}]},
    "depin-elasticsearch": {},
    "kibana": {"fullnameOverride": "kibana", "elasticsearchHosts": "https://elasticsearch-master:9200"},
    "fluent-bit": OUTPUTS,
    "depin-routes": {
        "routes": {
            "grafana": {"enabled": True, "service": "grafana"},
            "prometheus": {"enabled": True, "service": "kube-prometheus-stack-prometheus"},
            "alertmanager": {"enabled": True, "service": "kube-prometheus-stack-alertmanager"},
            "kibana": {"enabled": True, "service": "kibana"},
        }
    },
}


def without(*off: str, **changed: Any) -> dict[str, Any]:
    return {
        name: {**section, **changed.get(name.replace("-", "_"), {}), "enabled": name not in off}
        for name, section in ALL.items()
    }


def missing(given: dict[str, Any], kind: str = "nginx") -> list[str]:
    return said("needed-component", given, ingressClass=kind)


def test_all_together_miss_nothing() -> None:
    assert missing(without()) == []


def test_nothing_needs_what_nobody_uses() -> None:
    assert missing(without(*ALL)) == []


def test_one_component_that_many_need_is_one_mistake() -> None:
    (found,) = violations("needed-component", facts(without("elasticsearch"), ingressClass="nginx"))
    assert found.paths[0] == ("elasticsearch", "enabled")
    assert found.message == "elasticsearch is off, but needed by kibana, fluent-bit and depin-elasticsearch"


@pytest.mark.parametrize(
    ("off", "users"),
    [
        (["elasticsearch", "kibana", "fluent-bit"], ["depin-elasticsearch", "depin-routes.routes.kibana"]),
        (
            ["cert-manager"],
            ["depin-issuers", "depin-elasticsearch", "depin-routes", "ingress-nginx.", f"{KPS}."],
        ),
        (["ingress-nginx"], ["depin-routes"]),
        (["kibana"], ["depin-routes.routes.kibana"]),
        (
            [KPS],
            [
                "depin-routes.routes.grafana",
                "depin-routes.routes.prometheus",
                "depin-routes.routes.alertmanager",
            ],
        ),
        (["depin-elasticsearch"], ["elasticsearch"]),
    ],
)
def test_who_needs_it_is_said(off: list[str], users: list[str]) -> None:
    messages = [
        each.message for each in violations("needed-component", facts(without(*off), ingressClass="nginx"))
    ]
    assert messages
    assert all(any(user in message for message in messages) for user in users)


@pytest.mark.parametrize("part", ["grafana", "prometheus", "alertmanager"])
def test_a_route_needs_the_part_that_it_leads_to(part: str) -> None:
    stack = {**ALL[KPS], part: {**ALL[KPS][part], "enabled": False}}
    assert missing(without(kube_prometheus_stack=stack)) == [f"{KPS}.{part}.enabled"]
    assert missing(without("depin-routes", kube_prometheus_stack=stack)) == []


def test_a_route_that_is_on_by_default_needs_no_part_but_a_component() -> None:
    stack = {**ALL[KPS], "grafana": {**ALL[KPS]["grafana"], "enabled": False}}
    seen = facts(without(kube_prometheus_stack=stack), source="values.yaml")
    assert violations("needed-component", seen) == []
    assert violations("needed-component", facts(without("kibana"), source="values.yaml")) != []


def test_prometheus_needs_its_operator() -> None:
    stack = {**ALL[KPS], "prometheusOperator": {"enabled": False}}
    assert missing(without(kube_prometheus_stack=stack)) == [f"{KPS}.prometheusOperator.enabled"]
    parts = {name: {**ALL[KPS][name], "enabled": False} for name in ("prometheus", "alertmanager")}
    assert missing(without("depin-routes", kube_prometheus_stack={**stack, **parts})) == []


def test_a_webhook_needs_cert_manager_for_its_certificate_only() -> None:
    alone = {"ingress-nginx": ALL["ingress-nginx"], "cert-manager": {"enabled": False}}
    assert missing(alone) == ["cert-manager.enabled"]
    webhook = {"controller": {"admissionWebhooks": {"enabled": False, "certManager": {"enabled": True}}}}
    assert missing({**alone, "ingress-nginx": webhook}) == []
    webhook = {"controller": {"admissionWebhooks": {"enabled": True, "certManager": {"enabled": False}}}}
    assert missing({**alone, "ingress-nginx": webhook}) == []


def test_logs_may_go_elsewhere() -> None:
    elsewhere = {
        "fluent_bit": {"config": {"outputs": "[OUTPUT]\n    Name loki\n    Host loki\n"}},
        "kibana": {"elasticsearchHosts": "https://search.example.com"},
    }
    assert missing(without("elasticsearch", "depin-elasticsearch", **elsewhere)) == []


def test_fluent_bit_needs_its_configuration_and_asks_where_that_says() -> None:
    agent = {"existingConfigMap": "fluent-bit"}
    own = {"elasticsearch": {"host": "elasticsearch-master.logging.svc"}}
    assert missing({"fluent-bit": agent, "depin-fluent-bit": {"enabled": False}}) == [
        "depin-fluent-bit.enabled"
    ]
    off = {"fluent-bit": agent, "elasticsearch": {"enabled": False}}
    assert missing({**off, "depin-fluent-bit": own}) == ["elasticsearch.enabled"]
    assert missing({**off, "depin-fluent-bit": {"elasticsearch": {"host": "logs.example.com"}}}) == []


@pytest.mark.parametrize("replicas", [0, "0"])
def test_elasticsearch_needs_a_node_where_it_is_needed(replicas: Any) -> None:
    seen = facts(without(elasticsearch={"replicas": replicas}), ingressClass="nginx")
    (found,) = violations("needed-component", seen)
    assert found.paths[0] == ("elasticsearch", "replicas")
    assert found.message == "elasticsearch has no node, but is needed by kibana and fluent-bit"


def test_nobody_may_need_elasticsearchs_nodes() -> None:
    assert missing(without("kibana", "fluent-bit", "depin-routes", elasticsearch={"replicas": 0})) == []
    masters = {"replicas": 0, "masterService": "elasticsearch-master"}
    assert missing(without(elasticsearch=masters)) == []


def test_another_ingress_controller_will_do() -> None:
    assert missing(without("ingress-nginx"), kind="traefik") == []
    own = {
        **ALL,
        "ingress-nginx": {"enabled": False, "controller": {"ingressClassResource": {"name": "inner"}}},
    }
    assert missing(own, kind="inner") == ["ingress-nginx.enabled"]


def test_a_route_to_something_else_needs_none_of_ours() -> None:
    routes = {"routes": {"jaeger": {"enabled": True, "service": "jaeger-query"}}}
    assert missing({"kibana": {"enabled": False}, "depin-routes": {"enabled": True, **routes}}) == [
        "cert-manager.enabled",
        "ingress-nginx.enabled",
    ]


def test_a_section_of_a_wrong_kind_is_not_off() -> None:
    assert missing({**without(), "kibana": "on"}) == []
    assert missing({name: section for name, section in without().items() if name != "kibana"}) == [
        "kibana.enabled"
    ]


@pytest.mark.parametrize("wrong", [None, 5, "off", []])
def test_wrong_kinds_do_not_stop_the_rule(wrong: Any) -> None:
    assert missing({"elasticsearch": {"secretMounts": wrong}, "depin-elasticsearch": {"enabled": True}}) == [
        "cert-manager.enabled"
    ]
