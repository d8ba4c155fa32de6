"""Text of a wrong form is found where one is wanted, by its key or the chart's default; else it is free."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import nested, said

KPS = "kube-prometheus-stack"
NGINX = "ingress-nginx.controller"


@pytest.mark.parametrize(
    ("rule", "path", "wrong", "right"),
    [
        ("quantity", f"{KPS}.prometheus.prometheusSpec.resources.limits.memory", "1 GB", "1Gi"),
        ("quantity", "fluent-bit.hotReload.resources.requests.cpu", "half", "500m"),
        ("quantity", f"{KPS}.grafana.persistence.size", "10 gigabytes", "10Gi"),
        ("quantity", f"{KPS}.grafana.sidecar.dashboards.sizeLimit", "100MB", "100M"),
        ("quantity", f"{KPS}.grafana.verticalPodAutoscaler.maxAllowed.memory", "1gi", "1Gi"),
        ("quantity", "kibana.resources.limits.memory", "512m", "512Mi"),
        ("quantity", "kibana.resources.requests.ephemeral-storage", "1500m", "1500k"),
        ("quantity", f"{KPS}.grafana.persistence.size", "100m", "1181116006400m"),
        ("quantity", "fluent-bit.extra.sizeLimit", "0.5m", "0.5Gi"),
        ("quantity", f"{KPS}.grafana.verticalPodAutoscaler.minAllowed.memory", "64m", "0m"),
        ("duration", f"{KPS}.prometheus.prometheusSpec.scrapeInterval", "30 seconds", "30s"),
        ("duration", f"{KPS}.prometheus.prometheusSpec.evaluationInterval", "1.5m", "90s"),
        ("duration", f"{KPS}.alertmanager.config.route.repeat_interval", "12", "12h"),
        ("duration", f"{KPS}.alertmanager.alertmanagerSpec.retention", "5d", "120h"),
        ("duration", f"{KPS}.customRules.Some.for", "five minutes", "5m"),
        ("duration", f"{NGINX}.metrics.serviceMonitor.scrapeInterval", "1min", "1m"),
        ("duration", f"{NGINX}.admissionWebhooks.certManager.rootCert.duration", "5y", "43800h"),
        (
            "cidr",
            f"{NGINX}.config.whitelist-source-range",
            "10.0.0.0/8;192.0.2.0/24",
            "10.0.0.0/8, 192.0.2.1",
        ),
        ("cidr", f"{NGINX}.config.proxy-real-ip-cidr", "10.0.0.0/40", "10.0.0.0/16"),
        ("cidr", f"{NGINX}.service.loadBalancerIP", "300.1.1.1", "192.0.2.1"),
        (
            "host-name",
            f"{KPS}.alertmanager.ingressPerReplica.hostname",
            "https://a.example.com",
            "a.example.com",
        ),
        (
            "url",
            f"{KPS}.prometheus.prometheusSpec.externalUrl",
            "prometheus.example.com",
            "https://p.example.com/x",
        ),
        ("url", f"{KPS}.grafana.imageRenderer.renderingCallbackURL", "http:/grafana", "http://grafana:3000/"),
    ],
)
def test_a_form_is_known_by_its_key(rule: str, path: str, wrong: str, right: str) -> None:
    assert said(rule, nested(path, wrong)) == [path]
    assert said(rule, nested(path, right)) == []
    assert said(rule, nested(path, "")) == []
    assert said(rule, nested(path, "{{ .Values.other }}")) == []


def test_grafanas_settings_are_free_but_for_two() -> None:
    def given(section: str, key: str, value: str) -> dict[str, Any]:
        return {KPS: {"grafana": {"grafana.ini": {section: {key: value}}}}}

    assert said("url", given("server", "root_url", "grafana.example.com")) != []
    assert said("url", given("server", "root_url", "%(protocol)s://%(domain)s/grafana/")) == []
    assert said("host-name", given("server", "domain", "https://grafana.example.com")) != []
    assert said("url", given("auth.generic_oauth", "api_url", "")) == []
    assert said("duration", given("alerting", "interval", "10")) == []


@pytest.mark.parametrize(
    ("rule", "default", "wrong", "right"),
    [
        ("duration", "10s", "ten", ["1h30m", "2w", "1.5h"]),
        ("duration", "10d", "30", ["30d"]),
        ("quantity", "10Gi", "ten", ["5G", "1e9"]),
        (
            "url",
            "http://localhost:3000/api",
            "localhost:3000",
            ["https://a:1", '["https://a:1","https://b:1"]', "https://a,https://b"],
        ),
    ],
)
def test_a_form_is_known_by_the_charts_default(rule: str, default: str, wrong: str, right: list[str]) -> None:
    upstream = {"kibana": {"some": {"key": default}}}
    assert said(rule, nested("kibana.some.key", wrong), upstream) == ["kibana.some.key"]
    for text in right:
        assert said(rule, nested("kibana.some.key", text), upstream) == []
    assert said(rule, nested("kibana.some.key", wrong), {"kibana": {"some": {"key": "word"}}}) == []


def test_a_number_is_no_interval_where_the_chart_has_text() -> None:
    path = f"{KPS}.prometheus.prometheusSpec.scrapeInterval"
    assert said(
        "duration", nested(path, 30), {KPS: nested("prometheus.prometheusSpec.scrapeInterval", "")}
    ) == [path]
    assert (
        said(
            "duration",
            nested(f"{NGINX}.keda.interval", 30),
            {"ingress-nginx": nested("controller.keda.interval", 10)},
        )
        == []
    )
    assert (
        said("duration", nested(path, 0), {KPS: nested("prometheus.prometheusSpec.scrapeInterval", "")}) == []
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("prometheus.prometheusSpec.additionalScrapeConfigs", [{"job_name": "a", "scrape_interval": 30}]),
        ("prometheus.prometheusSpec.additionalScrapeConfigs", [{"job_name": "a", "scrape_timeout": 1.5}]),
        ("alertmanager.config", {"global": {"resolve_timeout": 300}}),
        ("alertmanager.config", {"route": {"routes": [{"group_wait": 30}]}}),
    ],
)
def test_a_number_is_no_interval_in_the_files_of_prometheus_and_alertmanager(path: str, value: Any) -> None:
    assert len(said("duration", nested(f"{KPS}.{path}", value))) == 1


def test_cpus_are_counted_in_thousandths() -> None:
    assert said("quantity", nested("kibana.resources.limits.cpu", "512m")) == []


def test_an_alias_is_one_of_an_address() -> None:
    def alias(ip: Any) -> list[str]:
        return said("cidr", nested("kibana.hostAliases", [{"ip": ip, "hostnames": ["a"]}]))

    assert alias("1.2.3") == ["kibana.hostAliases[0].ip"]
    assert alias("2001:db8::1") == []


def test_what_is_a_secret_is_not_wrong_twice() -> None:
    secret = nested(f"{KPS}.grafana.ingress", {"enabled": True, "hosts": ["http://u:pw@example.com"]})
    assert said("host-name", secret) == []
    assert len(said("secret-in-values", secret)) == 1


def test_every_range_of_a_list_is_looked_at() -> None:
    given = nested(f"{NGINX}.service.loadBalancerSourceRanges", ["10.0.0.0/8", "192.0.2.1"])
    assert said("cidr", given) == [f"{NGINX}.service.loadBalancerSourceRanges[1]"]


def test_every_range_of_a_network_policy_is_looked_at() -> None:
    section = "depin-foundation.networkPolicies"
    given = nested(f"{section}.apiServer", {"ranges": ["10.0.0.0/33", "10.0.0.1/32"], "ports": [443]})
    assert said("cidr", given) == [f"{section}.apiServer.ranges[0]"]


def test_an_annotations_range_may_be_an_address() -> None:
    def given(text: str) -> dict[str, Any]:
        annotations = {"nginx.ingress.kubernetes.io/whitelist-source-range": text}
        return nested(f"{KPS}.prometheus.ingress", {"enabled": True, "annotations": annotations})

    assert said("cidr", given("192.0.2.1")) == []
    assert len(said("cidr", given("office"))) == 1


@pytest.mark.parametrize(
    ("section", "value"),
    [
        (f"{KPS}.grafana.ingress", {"enabled": True, "hosts": ["Grafana.example.com"]}),
        ("kibana.ingress", {"enabled": True, "hosts": [{"host": "kibana.example.com:443"}]}),
        (f"{KPS}.prometheus.ingress", {"enabled": True, "tls": [{"hosts": ["10.0.0.1"]}]}),
        (f"{KPS}.grafana.route.main", {"enabled": True, "hostnames": ["a_b.example.com"]}),
        ("kibana", {"hostAliases": [{"ip": "192.0.2.1", "hostnames": ["a b"]}]}),
    ],
)
def test_hosts_are_names_wherever_they_are_listed(section: str, value: Any) -> None:
    assert len(said("host-name", nested(section, value))) == 1


@pytest.mark.parametrize(
    ("section", "value"),
    [
        (f"{KPS}.grafana.ingress", {"enabled": True, "hosts": ["*.example.com", "grafana.{{ .Values.x }}"]}),
        (f"{KPS}.grafana.ingress", {"enabled": False, "hosts": ["No Host"]}),
        (f"{KPS}.grafana.smtp", {"host": "smtp.example.com:587"}),
        ("kibana.ingress", {"enabled": True, "hosts": 5}),
    ],
)
def test_what_is_no_host_of_an_interface_may_look_otherwise(section: str, value: Any) -> None:
    assert said("host-name", nested(section, value)) == []


def test_urls_of_receivers_and_remote_writes_are_looked_at_and_of_data_sources_not() -> None:
    spec = f"{KPS}.prometheus.prometheusSpec"
    assert len(said("url", nested(f"{spec}.remoteWrite", [{"url": "mimir.example.com/push"}]))) == 1
    assert said("url", nested(f"{spec}.remoteWrite", [{"url": "https://mimir.example.com/push"}])) == []
    source = [{"name": "sql", "url": "postgres:5432"}]
    assert said("url", nested(f"{KPS}.grafana.additionalDataSources", source)) == []


def test_a_schedule_is_looked_at_wherever_it_stands() -> None:
    job = {"kind": "CronJob", "spec": {"schedule": "0 25 * * *"}}
    path = f"{KPS}.grafana.extraObjects"
    assert said("cron", nested(path, [job])) == [f"{path}[0].spec.schedule"]
    job["spec"] = {"schedule": "0 5 * * *"}
    assert said("cron", nested(path, [job])) == []


def test_a_routes_networks_are_looked_at_since_no_pattern_tells_ipv6() -> None:
    route = nested("depin-routes.routes.kibana", {"enabled": True, "allowFrom": ["fc00::/7", "fc00:::/7"]})
    assert said("cidr", route) == ["depin-routes.routes.kibana.allowFrom[1]"]


def test_our_own_sections_are_left_to_the_schema() -> None:
    assert said("duration", nested("depin-issuers.internalCA.duration", "ten years")) == []
