"""DNS-01 solvers have their credentials, and a wildcard has a solver."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import facts, said, violations

DNS01 = "depin-issuers.letsencrypt.dns01"
SOLVERS = "depin-issuers.letsencrypt.solvers"
KEY = {"secretAccessKeySecretRef": {"name": "aws"}}
NO_KEY = {"secretAccessKeySecretRef": {"name": "", "key": "secret-access-key"}}
TOKEN = {"apiTokenSecretRef": {"name": "cf"}}


def letsencrypt(enabled: bool = True, **settings: Any) -> dict[str, Any]:
    return {"depin-issuers": {"letsencrypt": {"enabled": enabled, **settings}}}


def provider(name: str, **settings: Any) -> dict[str, Any]:
    return letsencrypt(dns01={name: {"enabled": True, **settings}})


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (provider("cloudflare"), [f"{DNS01}.cloudflare.apiTokenSecretRef.name"]),
        (
            provider("cloudflare", apiTokenSecretRef={"name": ""}),
            [f"{DNS01}.cloudflare.apiTokenSecretRef.name"],
        ),
        (provider("cloudflare", **TOKEN), []),
        (provider("route53", region="eu-central-1"), []),
        (provider("route53", accessKeyID="", **NO_KEY), []),
        (provider("route53", accessKeyID="A", **NO_KEY), [f"{DNS01}.route53.secretAccessKeySecretRef.name"]),
        (provider("route53", **KEY), [f"{DNS01}.route53.accessKeyID"]),
        (provider("route53", accessKeyID="A", **KEY), []),
        (letsencrypt(dns01={"cloudflare": {"enabled": False}}), []),
        (letsencrypt(enabled=False, dns01={"cloudflare": {"enabled": True}}), []),
    ],
)
def test_a_provider_that_is_on_has_its_credentials(given: dict[str, Any], wrong: list[str]) -> None:
    assert said("dns01-credentials", given) == wrong


@pytest.mark.parametrize(
    ("name", "settings", "missing"),
    [
        ("cloudflare", {"email": "a@example.com"}, "apiTokenSecretRef.name"),
        ("cloudflare", {"apiKeySecretRef": {"name": "cf", "key": "k"}}, None),
        ("route53", {"accessKeyIDSecretRef": {"name": "a"}}, "secretAccessKeySecretRef.name"),
        ("route53", {"accessKeyIDSecretRef": {"name": "a"}, **KEY}, None),
        ("azureDNS", {"clientID": "c"}, "clientSecretSecretRef.name"),
        ("azureDNS", {"managedIdentity": {"clientID": "c"}}, None),
        ("rfc2136", {"tsigKeyName": "k"}, "tsigSecretSecretRef.name"),
        ("rfc2136", {"nameserver": "192.0.2.1"}, None),
        ("webhook", {"groupName": "acme.example.com"}, None),
        ("cloudflare", None, None),
    ],
)
def test_a_solver_that_is_passed_through_has_them_too(
    name: str, settings: dict[str, Any] | None, missing: str | None
) -> None:
    given = letsencrypt(solvers=[{"http01": {}}, {"dns01": {name: settings}}])
    at = f"{SOLVERS}[1].dns01.{name}"
    assert said("dns01-credentials", given) == ([f"{at}.{missing}"] if missing else [])


def test_of_our_own_values_only_those_are_named_that_there_are() -> None:
    (own,) = violations("dns01-credentials", facts(provider("cloudflare")))
    (any_other,) = violations(
        "dns01-credentials", facts(letsencrypt(solvers=[{"dns01": {"cloudflare": {}}}]))
    )
    assert own.message == "cloudflare is given no apiTokenSecretRef"
    assert any_other.message == "cloudflare is given no apiTokenSecretRef or apiKeySecretRef"


@pytest.mark.parametrize(
    "solvers", [None, "cloudflare", [None], [{"dns01": "cloudflare"}], [{"dns01": {"x": 1}}]]
)
def test_solvers_of_a_wrong_kind_are_left_to_the_schema(solvers: Any) -> None:
    assert said("dns01-credentials", letsencrypt(solvers=solvers)) == []


def wildcard(given: dict[str, Any], issuer: str = "letsencrypt-prod", **routes: Any) -> list[str]:
    on: dict[str, Any] = {"wildcard": True, "routes": {"grafana": {"enabled": True}}, **routes}
    given = {**given, "depin-routes": on}
    return said("wildcard-without-dns01", given, domain="a.example.com", clusterIssuer=issuer)


def cloudflare(**settings: Any) -> dict[str, Any]:
    return provider("cloudflare", **TOKEN, **settings)


def solver(**selector: Any) -> dict[str, Any]:
    return letsencrypt(solvers=[{"dns01": {"digitalocean": {}}, "selector": selector}])


@pytest.mark.parametrize(
    "given",
    [
        letsencrypt(),
        letsencrypt(solvers=[{"http01": {"ingress": {}}}]),
        letsencrypt(dns01={"cloudflare": {"enabled": False, **TOKEN}}),
        cloudflare(zones=["example.org"]),
        cloudflare(zones=["b.a.example.com"]),
        cloudflare(zones=["ample.com"]),
        solver(dnsZones=["example.org"]),
        solver(dnsNames=["a.example.com"]),
        solver(dnsNames=["*.a.example.com"], dnsZones=["example.org"]),
    ],
)
def test_a_wildcard_of_lets_encrypt_wants_a_dns01_solver_for_its_domain(given: dict[str, Any]) -> None:
    assert wildcard(given) == ["depin-routes.wildcard"]
    assert wildcard(given, "letsencrypt-staging") == ["depin-routes.wildcard"]
    assert wildcard(given, "depin-internal-ca") == []
    assert wildcard(given, wildcard=False) == []
    assert wildcard(given, enabled=False) == []
    assert wildcard(given, routes={}) == []


@pytest.mark.parametrize(
    "given",
    [
        cloudflare(),
        cloudflare(zones=[]),
        cloudflare(zones=["example.org", "example.com"]),
        cloudflare(zones=["a.example.com"]),
        provider("route53"),
        solver(),
        solver(dnsZones=["example.com"]),
        solver(dnsNames=["*.a.example.com"]),
        letsencrypt(solvers=[{"dns01": {"digitalocean": {}}}]),
        letsencrypt(enabled=False),  # said by another rule
    ],
)
def test_a_wildcard_with_one_is_right(given: dict[str, Any]) -> None:
    assert wildcard(given) == []
