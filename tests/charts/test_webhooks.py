"""The layer graph orders what admission webhooks need."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.charts.checks.model import Platform
from tests.charts.checks.webhooks import edges, unanswered
from tests.charts.mutants import broken, without


def test_no_object_comes_before_a_webhook_that_must_admit_it(platform: Platform) -> None:
    assert unanswered(platform) == []


@pytest.mark.usefixtures("real_charts")
def test_the_edges_that_the_webhooks_need_are_these(layered: Platform) -> None:
    asked_by_cert_manager = {"issuers", "ingress-nginx", "monitoring", "elasticsearch", "routes"}
    assert edges(layered) == {
        *(("cert-manager", layer) for layer in asked_by_cert_manager),
        ("ingress-nginx", "routes"),
    }


def test_a_graph_that_does_not_order_them_is_found(prod: Platform) -> None:
    before = {**prod.before, "routes": prod.before["routes"] - {"ingress-nginx"}}
    problems = unanswered(replace(prod, before=before))
    assert problems == [
        f"Ingress {name} passes validate.nginx.ingress.kubernetes.io of layer ingress-nginx, "
        "for which routes does not wait"
        for name in (
            "logging/kibana",
            "monitoring/alertmanager",
            "monitoring/grafana",
            "monitoring/prometheus",
        )
    ]


def test_a_webhook_that_starts_to_refuse_is_found(prod: Platform) -> None:
    def refuse(data: dict[str, Any]) -> None:
        data["webhooks"][0]["failurePolicy"] = "Fail"

    problems = unanswered(
        broken(prod, "ValidatingWebhookConfiguration", "kube-prometheus-stack-admission", refuse)
    )
    assert problems == sorted(
        f"{rule} passes prometheusrulevalidate.monitoring.coreos.com of its own release monitoring"
        for rule in prod.of_kind("PrometheusRule")
    )


def test_selectors_and_operations_narrow_what_a_webhook_sees(prod: Platform) -> None:
    name = "ingress-nginx-admission"
    before = {**prod.before, "routes": prod.before["routes"] - {"ingress-nginx"}}
    unordered = replace(prod, before=before)

    def only_logging(data: dict[str, Any]) -> None:
        labels = {"kubernetes.io/metadata.name": "logging"}
        data["webhooks"][0]["namespaceSelector"] = {"matchLabels": labels}

    def only_labelled(data: dict[str, Any]) -> None:
        rule = {"key": "checked", "operator": "Exists"}
        data["webhooks"][0]["objectSelector"] = {"matchExpressions": [rule]}

    def only_deletions(data: dict[str, Any]) -> None:
        data["webhooks"][0]["rules"][0]["operations"] = ["DELETE"]

    kind = "ValidatingWebhookConfiguration"
    assert [p.split(" passes")[0] for p in unanswered(broken(unordered, kind, name, only_logging))] == [
        "Ingress logging/kibana"
    ]
    assert unanswered(broken(unordered, kind, name, only_labelled)) == []
    assert unanswered(broken(unordered, kind, name, only_deletions)) == []


@pytest.mark.usefixtures("real_charts")
def test_in_a_plain_release_issuers_come_after_the_hook_that_waits_for_their_webhook(plain: Platform) -> None:
    def at_once(data: dict[str, Any]) -> None:
        data["metadata"]["annotations"]["helm.sh/hook-weight"] = "0"

    def unhooked(data: dict[str, Any]) -> None:
        del data["metadata"]["annotations"]

    problem = "ClusterIssuer depin-internal-ca passes webhook.cert-manager.io of its own release plain"
    for change in (at_once, unhooked):
        assert unanswered(broken(plain, "ClusterIssuer", "depin-internal-ca", change)) == [problem]
    assert problem in unanswered(without(plain, "Job", "cert-manager-startupapicheck"))
