"""Web interfaces are encrypted, limited, hardened; wildcards, solvers and Kibana's login are as chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from depin_helm import secrets, yamlio
from depin_helm.checks.kubernetes import Api
from tests.charts.checks.model import Object, Platform
from tests.charts.checks.references import dangling
from tests.charts.checks.routes import exposed, misled, providers
from tests.charts.mutants import Change, broken, variable
from tests.charts.rendering import Renderer
from tests.tier import ROOT, UMBRELLA

NGINX = "nginx.ingress.kubernetes.io"


@pytest.mark.usefixtures("real_charts")
def test_every_web_interface_is_encrypted_limited_and_hardened(platform: Platform) -> None:
    assert exposed(platform) == []
    assert len(list(platform.of_kind("Ingress"))) == (4 if platform.values["kibana"]["enabled"] else 3)


def annotation(name: str, value: str | None) -> Change:
    def change(data: dict[str, Any]) -> None:
        data["metadata"]["annotations"].pop(f"{NGINX}/{name}", None)
        if value is not None:
            data["metadata"]["annotations"][f"{NGINX}/{name}"] = value

    return change


def setting(name: str, value: str) -> Change:
    return lambda data: data["data"].update({name: value})


MUTANTS: dict[str, tuple[str, str, Change, list[str]]] = {
    "no redirect": (
        "Ingress",
        "grafana",
        annotation("force-ssl-redirect", "false"),
        ["Ingress monitoring/grafana: answers without TLS"],
    ),
    "no limit": (
        "Ingress",
        "grafana",
        annotation("limit-rps", None),
        ["Ingress monitoring/grafana: no limit-rps"],
    ),
    "a limit that is none": (
        "Ingress",
        "grafana",
        annotation("proxy-body-size", "10 MB"),
        ["Ingress monitoring/grafana: ingress-nginx refuses proxy-body-size"],
    ),
    "a snippet": (
        "Ingress",
        "grafana",
        annotation("configuration-snippet", "return 200;"),
        [
            "Ingress monitoring/grafana: configuration-snippet is none of the annotations that are "
            "looked after"
        ],
    ),
    "no password": (
        "Ingress",
        "prometheus",
        annotation("auth-secret", None),
        ["Ingress monitoring/prometheus: everybody gets to kube-prometheus-stack-prometheus"],
    ),
    "pods with different answers": (
        "Ingress",
        "prometheus",
        annotation("affinity", None),
        [
            "Ingress monitoring/prometheus: one page comes from several pods of "
            "kube-prometheus-stack-prometheus"
        ],
    ),
    "an open Kibana": (
        "Ingress",
        "kibana",
        annotation("allowlist-source-range", None),
        ["Ingress logging/kibana: clients of the internet get to Kibana"],
    ),
    "a public network": (
        "Ingress",
        "kibana",
        annotation("allowlist-source-range", "10.0.0.0/8,8.8.0.0/16"),
        ["Ingress logging/kibana: clients of the internet get to Kibana"],
    ),
    "a certificate of another host": (
        "Certificate",
        "grafana-tls",
        lambda data: data["spec"].update(dnsNames=["graphana.depin.example.com"]),
        ["Ingress monitoring/grafana: no certificate for grafana.depin.example.com"],
    ),
    "no TLS": (
        "Ingress",
        "grafana",
        lambda data: data["spec"].pop("tls"),
        ["Ingress monitoring/grafana: no certificate for grafana.depin.example.com"],
    ),
    "old TLS": (
        "ConfigMap",
        "ingress-nginx-controller",
        setting("ssl-protocols", "TLSv1 TLSv1.2"),
        ["the controller's ssl-protocols is TLSv1 TLSv1.2"],
    ),
    "snippets": (
        "ConfigMap",
        "ingress-nginx-controller",
        setting("allow-snippet-annotations", "true"),
        ["snippets are allowed"],
    ),
    "a missing header": (
        "ConfigMap",
        "ingress-nginx-custom-add-headers",
        lambda data: data["data"].pop("X-Frame-Options"),
        ["no header X-Frame-Options"],
    ),
    "a header that runs over": (
        "ConfigMap",
        "ingress-nginx-custom-add-headers",
        setting("X-Frame-Options", "DENY\r\nX-Other: 1"),
        ["NGINX takes no header such as X-Frame-Options"],
    ),
    "hidden addresses": (
        "Service",
        "ingress-nginx-controller",
        lambda data: data["spec"].pop("externalTrafficPolicy"),
        ["clients' addresses are hidden from the controller"],
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_an_interface_that_is_exposed_is_found(prod: Platform, mutant: str) -> None:
    kind, name, change, problems = MUTANTS[mutant]
    assert exposed(broken(prod, kind, name, change)) == problems


@pytest.mark.usefixtures("real_charts")
def test_every_web_interface_knows_its_own_address(platform: Platform) -> None:
    assert misled(platform) == []


def other_host(old: str, new: str) -> Change:
    def change(data: dict[str, Any]) -> None:
        for key, text in data["data"].items():
            data["data"][key] = text.replace(old, new)

    return change


ADDRESSES: dict[str, tuple[str, str, Change, str]] = {
    "Grafana's": (
        "ConfigMap",
        "grafana",
        other_host("https://grafana.depin.example.com", "http://localhost:3000"),
        "Ingress monitoring/grafana: grafana takes http://localhost:3000",
    ),
    "Kibana's": (
        "ConfigMap",
        "kibana-config",
        other_host("https://kibana.", "https://logs."),
        "Ingress logging/kibana: kibana takes https://logs.depin.example.com",
    ),
    "Alertmanager's": (
        "Alertmanager",
        "kube-prometheus-stack-alertmanager",
        lambda data: data["spec"].update(externalUrl="http://alertmanager"),
        "Ingress monitoring/alertmanager: kube-prometheus-stack-alertmanager takes http://alertmanager",
    ),
}


@pytest.mark.parametrize("mutant", ADDRESSES)
def test_an_interface_that_takes_another_address_for_its_own_is_found(prod: Platform, mutant: str) -> None:
    kind, name, change, problem = ADDRESSES[mutant]
    assert misled(broken(prod, kind, name, change)) == [f"{problem} for its address"]


# --- one certificate for all -------------------------------------------------------------------

WILDCARD: dict[str, Any] = {
    "global": {"platform": {"layered": True, "domain": "depin.example.com"}},
    "depin-routes": {"wildcard": True, "routes": {"kibana": {"enabled": True}}},
}


def test_a_wildcard_is_one_certificate_for_each_namespace_with_routes(renderer: Renderer) -> None:
    routes = renderer.one_layer("routes", WILDCARD, "depin-routes")
    certificates = list(routes.of_kind("Certificate"))
    assert sorted(each.namespace for each in certificates) == ["logging", "monitoring"]
    for each in certificates:
        assert each.data["spec"]["dnsNames"] == ["*.depin.example.com"]
        assert each.data["spec"]["secretName"] == "depin-wildcard-tls"
        assert (each.data["spec"]["duration"], each.data["spec"]["renewBefore"]) == ("2160h", "720h")
    for ingress in routes.of_kind("Ingress"):
        (entry,) = ingress.data["spec"]["tls"]
        assert entry["secretName"] == "depin-wildcard-tls"
        assert entry["hosts"] == [f"{ingress.name}.depin.example.com"]


def test_a_namespace_without_routes_gets_no_wildcard(renderer: Renderer) -> None:
    routes = renderer.one_layer("routes", {**WILDCARD, "depin-routes": {"wildcard": True}}, "depin-routes")
    assert [each.namespace for each in routes.of_kind("Certificate")] == ["monitoring"]


def test_a_routes_own_limits_come_before_those_of_all(renderer: Renderer) -> None:
    overrides = {
        **WILDCARD,
        "depin-routes": {
            "limits": {"requestsPerSecond": 7, "readTimeout": 1000000},
            "routes": {"grafana": {"limits": {"readTimeout": 9}, "allowFrom": ["192.0.2.0/24"]}},
        },
    }
    given = {
        each.name: {key.rpartition("/")[2]: value for key, value in each.annotations.items()}
        for each in renderer.one_layer("routes", overrides, "depin-routes").of_kind("Ingress")
    }
    assert given["grafana"]["proxy-read-timeout"] == "9"
    assert given["alertmanager"]["proxy-read-timeout"] == "1000000"
    assert {each["limit-rps"] for each in given.values()} == {"7"}
    assert given["grafana"]["allowlist-source-range"] == "192.0.2.0/24"
    assert "allowlist-source-range" not in given["prometheus"]


# --- Let's Encrypt -----------------------------------------------------------------------------

DIGITALOCEAN = {
    "dns01": {"digitalocean": {"tokenSecretRef": {"name": "do", "key": "token"}}},
    "selector": {"dnsZones": ["example.net"]},
}


def issuers(renderer: Renderer, **letsencrypt: Any) -> Mapping[str, Object]:
    overrides = {
        "global": {"platform": {"layered": True}},
        "depin-issuers": {"letsencrypt": {"enabled": True, "email": "a@example.com", **letsencrypt}},
    }
    rendered = renderer.one_layer("issuers", overrides, "depin-issuers")
    return {each.name: each for each in rendered.of_kind("ClusterIssuer")}


def solvers(issuer: Object) -> Any:
    return issuer.data["spec"]["acme"]["solvers"]


def test_without_a_provider_of_dns_there_is_http01(renderer: Renderer) -> None:
    found = issuers(renderer)
    for name in ("letsencrypt-prod", "letsencrypt-staging"):
        assert solvers(found[name]) == [{"http01": {"ingress": {"ingressClassName": "nginx"}}}]


def test_providers_of_dns_come_before_http01_and_take_their_credentials_from_secrets(
    renderer: Renderer,
) -> None:
    key = {"name": "route53", "key": "secret-access-key"}
    found = issuers(
        renderer,
        dns01={
            "route53": {
                "enabled": True,
                "zones": ["example.com"],
                "region": "eu-central-1",
                "hostedZoneID": "Z1",
                "role": "arn:aws:iam::1:role/dns",
                "accessKeyID": "AKIA",
                "secretAccessKeySecretRef": {"name": "route53"},
            },
            "cloudflare": {"enabled": True, "apiTokenSecretRef": {"name": "cf", "key": "t"}},
        },
        solvers=[DIGITALOCEAN],
    )
    for name in ("letsencrypt-prod", "letsencrypt-staging"):
        assert solvers(found[name]) == [
            {
                "dns01": {
                    "route53": {
                        "region": "eu-central-1",
                        "hostedZoneID": "Z1",
                        "role": "arn:aws:iam::1:role/dns",
                        "accessKeyID": "AKIA",
                        "secretAccessKeySecretRef": key,
                    }
                },
                "selector": {"dnsZones": ["example.com"]},
            },
            {"dns01": {"cloudflare": {"apiTokenSecretRef": {"name": "cf", "key": "t"}}}},
            DIGITALOCEAN,
            {"http01": {"ingress": {"ingressClassName": "nginx"}}},
        ]


def test_without_an_access_key_route53_gets_none(renderer: Renderer) -> None:
    found = issuers(renderer, dns01={"route53": {"enabled": True, "region": "eu-central-1"}})
    assert solvers(found["letsencrypt-prod"])[0] == {"dns01": {"route53": {"region": "eu-central-1"}}}


@pytest.mark.usefixtures("real_charts")
def test_such_issuers_are_what_cert_managers_crd_takes(renderer: Renderer) -> None:
    crd = next(each for each in renderer.assembly.crds() if each["spec"]["names"]["kind"] == "ClusterIssuer")
    kinds = {"ClusterIssuer": crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]}
    api = Api.load(ROOT / "schema/kubernetes.json")
    route53 = {"enabled": True, "accessKeyID": "A", "secretAccessKeySecretRef": {"name": "s"}}
    cloudflare = {"enabled": True, "zones": ["a.com"], "apiTokenSecretRef": {"name": "cf"}}
    dns01 = {"route53": route53, "cloudflare": cloudflare}
    found = issuers(renderer, dns01=dns01, solvers=[DIGITALOCEAN])
    assert {name: api.check_object(each.data, kinds) for name, each in found.items()} == dict.fromkeys(
        found, ()
    )
    wrong = issuers(renderer, solvers=[{"dns01": {"digitalocean": {"token": "a"}}}])
    assert api.check_object(wrong["letsencrypt-prod"].data, kinds)


# --- Kibana ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("real_charts")
def test_kibana_is_read_without_a_login_in_dev_edge_and_sandbox_alone(layered: Platform) -> None:
    basic = {"basic.users": {"order": 1}}
    reader = {"username": "${KIBANA_READER_USERNAME}", "password": "${KIBANA_READER_PASSWORD}"}
    anonymous = {"anonymous.reader": {"order": 0, "credentials": reader}}
    if layered.name in ("dev", "edge", "sandbox"):
        assert list(providers(layered).items()) == list({**anonymous, **basic}.items())
    else:
        assert layered.name in ("staging", "prod")
        assert providers(layered) == basic


def test_what_kibana_reads_in_without_a_login_is_a_secrets(prod: Platform) -> None:
    mutant = broken(
        prod,
        "Deployment",
        "kibana",
        lambda data: variable(data, "KIBANA_READER_PASSWORD")["valueFrom"]["secretKeyRef"].update(key="x"),
    )
    assert len(dangling(mutant)) == 1
    assert dangling(prod) == []


def test_kibanas_reader_reads_logs_and_changes_nothing() -> None:
    (spec,) = [each for each in secrets.load(UMBRELLA) if each.name == "elasticsearch-file-realm"]
    roles = yamlio.load(spec.rules["roles.yml"].make())
    held = spec.rules["users_roles"].make().decode().split()
    assert "depin_log_reader:kibana-reader" in held
    assert sum("kibana-reader" in line for line in held) == 1
    role = roles["depin_log_reader"]
    assert role.keys() == {"indices", "applications"}
    assert role["indices"] == [
        {"names": ["depin-logs*"], "privileges": ["read", "view_index_metadata"]},
    ]
    (application,) = role["applications"]
    assert application["application"] == "kibana-.kibana"
    assert all(privilege.endswith(".read") for privilege in application["privileges"])


@pytest.mark.usefixtures("real_charts")
def test_a_plain_release_makes_the_same_users_and_roles(plain: Platform) -> None:
    (spec,) = [each for each in secrets.load(UMBRELLA) if each.name == "elasticsearch-file-realm"]
    made = plain.by_id["Secret", "logging", "elasticsearch-file-realm"].data["stringData"]
    for key in ("roles.yml", "users_roles"):
        assert made[key] == spec.rules[key].make().decode()
    users = [line.partition(":")[0] for line in made["users"].splitlines()]
    assert users == ["depin-setup", "elasticsearch-exporter", "fluent-bit", "kibana-reader"]
