"""Services and disruption budgets select pods, on ports that those have."""

from __future__ import annotations

import pytest

from tests.charts.checks.model import Platform
from tests.charts.checks.services import unbacked
from tests.charts.mutants import Change, broken, container, without


def test_every_service_leads_to_pods_that_have_its_ports(platform: Platform) -> None:
    assert unbacked(platform) == []


PROMETHEUS = "kube-prometheus-stack-prometheus"

MUTANTS: dict[str, tuple[str, str, Change, list[str]]] = {
    "a selector": (
        "Service",
        "kibana",
        lambda data: data["spec"]["selector"].update(app="kibana8"),
        ["Service logging/kibana selects no pods"],
    ),
    "a port's name": (
        "Service",
        "grafana",
        lambda data: data["spec"]["ports"][0].update(targetPort="http"),
        [
            "Service monitoring/grafana: port http-web leads to http, "
            "which Deployment monitoring/grafana lacks"
        ],
    ),
    "a port's number": (
        "Service",
        "elasticsearch-master",
        lambda data: data["spec"]["ports"][0].update(port=9201),
        [
            "Service logging/elasticsearch-master: port http leads to 9201, which StatefulSet "
            "logging/elasticsearch-master lacks"
        ],
    ),
    "a container's port": (
        "Deployment",
        "cert-manager-webhook",
        lambda data: container(data)["ports"][0].update(name="tls"),
        [
            "Service cert-manager/cert-manager-webhook: port https leads to https, which Deployment "
            "cert-manager/cert-manager-webhook lacks"
        ],
    ),
    "a pod's label": (
        "DaemonSet",
        "fluent-bit",
        lambda data: data["spec"]["template"]["metadata"]["labels"].pop("app.kubernetes.io/instance"),
        ["Service node-agents/fluent-bit selects no pods"],
    ),
    "the labels of what the operator makes": (
        "Service",
        PROMETHEUS,
        lambda data: data["spec"]["selector"].update({"operator.prometheus.io/name": "prometheus"}),
        [f"Service monitoring/{PROMETHEUS} selects no pods"],
    ),
    "a port of what the operator makes": (
        "Service",
        "kube-prometheus-stack-alertmanager",
        lambda data: data["spec"]["ports"][0].update(targetPort="web"),
        [
            "Service monitoring/kube-prometheus-stack-alertmanager: port http-web leads to web, which "
            "Alertmanager monitoring/kube-prometheus-stack-alertmanager lacks"
        ],
    ),
    "the cluster's pods": (
        "Service",
        "kube-prometheus-stack-coredns",
        lambda data: data["spec"]["selector"].update({"k8s-app": "coredns"}),
        ["Service kube-system/kube-prometheus-stack-coredns selects no pods"],
    ),
    "a disruption budget": (
        "PodDisruptionBudget",
        "elasticsearch-master-pdb",
        lambda data: data["spec"]["selector"]["matchLabels"].update(app="elasticsearch"),
        ["PodDisruptionBudget logging/elasticsearch-master-pdb selects no pods"],
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_service_that_leads_nowhere_is_found(prod: Platform, mutant: str) -> None:
    kind, name, change, problems = MUTANTS[mutant]
    assert unbacked(broken(prod, kind, name, change)) == problems


def test_services_of_missing_pods_are_found(prod: Platform) -> None:
    assert unbacked(without(prod, "Deployment", "kube-state-metrics")) == [
        "Service monitoring/kube-state-metrics selects no pods"
    ]
