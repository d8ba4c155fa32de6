"""Every monitor leads to a port, and Prometheus picks it up."""

from __future__ import annotations

import pytest

from tests.charts.checks.model import Platform
from tests.charts.checks.monitors import unscraped
from tests.charts.mutants import Change, broken, without

PROMETHEUS = "kube-prometheus-stack-prometheus"


def test_every_monitor_is_scraped_and_every_rule_evaluated(platform: Platform) -> None:
    assert unscraped(platform) == []


@pytest.mark.usefixtures("real_charts")
def test_every_component_that_has_metrics_has_a_monitor(layered: Platform) -> None:
    monitored = {(monitor.namespace, monitor.name) for monitor in layered.of_kind("ServiceMonitor")}
    assert monitored >= {
        ("cert-manager", "cert-manager"),
        ("ingress-nginx", "ingress-nginx-controller"),
        ("logging", "elasticsearch-exporter"),
        ("monitoring", "grafana"),
        ("monitoring", "kube-prometheus-stack-alertmanager"),
        ("monitoring", PROMETHEUS),
        ("monitoring", "kube-state-metrics"),
        ("node-agents", "fluent-bit"),
        ("node-agents", "prometheus-node-exporter"),
    }


MUTANTS: dict[str, tuple[str, str, Change, list[str]]] = {
    "a selector": (
        "ServiceMonitor",
        "fluent-bit",
        lambda data: data["spec"]["selector"]["matchLabels"].update({"app.kubernetes.io/name": "fluentbit"}),
        ["ServiceMonitor node-agents/fluent-bit selects no Service"],
    ),
    "a namespace": (
        "ServiceMonitor",
        "fluent-bit",
        lambda data: data["spec"].update(namespaceSelector={"matchNames": ["logging"]}),
        ["ServiceMonitor node-agents/fluent-bit selects no Service"],
    ),
    "a port": (
        "ServiceMonitor",
        "grafana",
        lambda data: data["spec"]["endpoints"][0].update(port="http"),
        ["ServiceMonitor monitoring/grafana: no Service that it selects has a port http"],
    ),
    "a pods' port": (
        "ServiceMonitor",
        "cert-manager",
        lambda data: data["spec"]["endpoints"][0].update(targetPort="metrics"),
        ["ServiceMonitor cert-manager/cert-manager: no Service that it selects has a port metrics"],
    ),
    "a Service's labels": (
        "Service",
        "ingress-nginx-controller-metrics",
        lambda data: data["metadata"].pop("labels"),
        [
            "ServiceMonitor ingress-nginx/ingress-nginx-controller: "
            "no Service that it selects has a port metrics"
        ],
    ),
    "a Prometheus that picks its own release's monitors only": (
        "Prometheus",
        PROMETHEUS,
        lambda data: data["spec"].update(
            serviceMonitorSelector={"matchLabels": {"release": "depin-monitoring"}}
        ),
        [
            f"ServiceMonitor {name} is picked up by no Prometheus"
            for name in (
                "cert-manager/cert-manager",
                "ingress-nginx/ingress-nginx-controller",
                "logging/elasticsearch-exporter",
                "monitoring/depin-services",
                "node-agents/fluent-bit",
            )
        ],
    ),
    "a Prometheus that looks at its own namespace only": (
        "Prometheus",
        PROMETHEUS,
        lambda data: data["spec"].pop("serviceMonitorNamespaceSelector"),
        [
            f"ServiceMonitor {name} is picked up by no Prometheus"
            for name in (
                "cert-manager/cert-manager",
                "ingress-nginx/ingress-nginx-controller",
                "logging/elasticsearch-exporter",
                "node-agents/fluent-bit",
                "node-agents/prometheus-node-exporter",
            )
        ],
    ),
    "an operator that keeps no Service of the kubelets": (
        "Deployment",
        "kube-prometheus-stack-operator",
        lambda data: data["metadata"].update(name="operator"),
        ["ServiceMonitor monitoring/kube-prometheus-stack-kubelet selects no Service"],
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_monitor_that_scrapes_nothing_is_found(prod: Platform, mutant: str) -> None:
    kind, name, change, problems = MUTANTS[mutant]
    assert unscraped(broken(prod, kind, name, change)) == problems


def test_rules_that_no_prometheus_evaluates_are_found(prod: Platform) -> None:
    mutant = broken(prod, "Prometheus", PROMETHEUS, lambda data: data["spec"].pop("ruleSelector"))
    rules = [f"{rule} is picked up by no Prometheus" for rule in prod.of_kind("PrometheusRule")]
    assert unscraped(mutant) == sorted(rules)
    assert len(rules) > 20


def test_a_monitor_without_its_service_is_found(prod: Platform) -> None:
    assert unscraped(without(prod, "Service", "kube-prometheus-stack-coredns")) == [
        "ServiceMonitor monitoring/kube-prometheus-stack-coredns selects no Service"
    ]
