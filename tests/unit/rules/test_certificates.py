"""Who signs can sign, is there, and a certificate is renewed before its end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import facts, said, violations

KPS = "kube-prometheus-stack"
ROUTE: dict[str, Any] = {"depin-routes": {"routes": {"grafana": {"enabled": True, "service": "grafana"}}}}
ISSUERS: dict[str, Any] = {
    "depin-issuers": {"internalCA": {"name": "depin-internal-ca"}, "letsencrypt": {"enabled": True}}
}
ISSUER = "global.platform.clusterIssuer"


def public(domain: str, issuer: str = "letsencrypt-prod", **given: Any) -> list[str]:
    return said("public-issuer", {**ISSUERS, **ROUTE, **given}, domain=domain, clusterIssuer=issuer)


@pytest.mark.parametrize(
    "domain",
    [
        "depin.local",
        "depin.internal",
        "a.lan",
        "a.home.arpa",
        "a.test",
        "a.example",
        "localhost",
        "corp",
        "DEPIN.LOCAL",
    ],
)
def test_lets_encrypt_cannot_sign_for_private_names(domain: str) -> None:
    assert public(domain) == [ISSUER]
    assert public(domain, "letsencrypt-staging") == [ISSUER]
    assert public(domain, "depin-internal-ca") == []


@pytest.mark.parametrize("domain", ["depin.example.com", "local.example.org", "internal.io", "test.dev"])
def test_lets_encrypt_signs_for_public_names(domain: str) -> None:
    assert public(domain) == []


def test_without_a_route_nothing_is_signed() -> None:
    off: dict[str, Any] = {"depin-routes": {"routes": {"grafana": {"enabled": False}}}}
    assert public("depin.local", **off) == []
    off = {"depin-routes": {"enabled": False, **ROUTE["depin-routes"]}}
    assert public("depin.local", **off) == []


def ingress(host: str, issuer: str) -> dict[str, Any]:
    annotations = {"cert-manager.io/cluster-issuer": issuer}
    return {KPS: {"grafana": {"ingress": {"enabled": True, "hosts": [host], "annotations": annotations}}}}


def test_an_ingress_of_an_upstream_chart_may_name_an_issuer_too() -> None:
    place = rf"{KPS}.grafana.ingress.annotations.cert-manager\.io/cluster-issuer"
    assert said("public-issuer", ingress("grafana", "letsencrypt-prod")) == [place]
    assert said("public-issuer", ingress("10.0.0.1", "letsencrypt-prod")) == [place]
    assert said("public-issuer", ingress("grafana.example.com", "letsencrypt-prod")) == []
    assert said("public-issuer", ingress("grafana", "own")) == []
    assert said("issuer-not-made", ingress("grafana.example.com", "letsencrypt-prod")) == [place]


def test_lets_encrypt_cannot_sign_for_elasticsearchs_own_names() -> None:
    given = {"depin-elasticsearch": {"certificates": {"issuer": "letsencrypt-prod"}}}
    assert said("public-issuer", given) == ["depin-elasticsearch.certificates.issuer"]
    given["depin-elasticsearch"]["certificates"]["issuer"] = "depin-internal-ca"
    assert said("public-issuer", given) == []


def made(issuer: str, **issuers: Any) -> list[str]:
    return said("issuer-not-made", {**ROUTE, "depin-issuers": issuers}, domain="a.com", clusterIssuer=issuer)


def test_an_issuer_that_is_named_is_made() -> None:
    ours = {"internalCA": {"name": "depin-internal-ca"}, "letsencrypt": {"enabled": False}}
    assert made("letsencrypt-prod", **ours) == [ISSUER]
    assert made("letsencrypt-staging", **ours) == [ISSUER]
    assert made("letsencrypt-prod", **{**ours, "letsencrypt": {"enabled": True}}) == []
    assert made("depin-internal-ca", **ours) == []
    assert made("depin-internal-ca", enabled=False, **ours) == [ISSUER]
    assert made("letsencrypt-prod", enabled=False, letsencrypt={"enabled": True}) == [ISSUER]


def test_an_authority_that_was_renamed_is_named_anew() -> None:
    assert made("depin-internal-ca", internalCA={"name": "my-ca"}) == [ISSUER]
    assert made("my-ca", internalCA={"name": "my-ca"}) == []


def test_one_missing_issuer_is_one_mistake_whoever_names_it() -> None:
    given = {
        **ROUTE,
        "depin-issuers": {"enabled": False, "internalCA": {"name": "depin-internal-ca"}},
        "depin-elasticsearch": {"certificates": {"issuer": "depin-internal-ca"}},
    }
    (found,) = violations("issuer-not-made", facts(given, domain="a.com", clusterIssuer="depin-internal-ca"))
    assert found.message == "depin-internal-ca is not made, nor for depin-elasticsearch.certificates.issuer"
    assert found.paths[-1] == ("depin-issuers", "enabled")


def test_an_issuer_of_someone_else_may_be_there() -> None:
    assert made("company-ca", internalCA={"name": "depin-internal-ca"}) == []
    assert made("company-ca", enabled=False) == []


def test_elasticsearchs_issuer_is_made_too() -> None:
    given = {**ISSUERS, "depin-elasticsearch": {"certificates": {"issuer": "depin-internal-ca"}}}
    assert said("issuer-not-made", given) == []
    given["depin-issuers"] = {**ISSUERS["depin-issuers"], "enabled": False}
    assert said("issuer-not-made", given) == ["depin-elasticsearch.certificates.issuer"]
    given["depin-elasticsearch"] = {"enabled": False, **given["depin-elasticsearch"]}
    assert said("issuer-not-made", given) == []


@pytest.mark.parametrize(
    ("whole", "before", "wrong"),
    [
        ("720h", "720h", True),
        ("90m", "2h", True),
        ("24h", "1440m", True),
        ("2160h", "720h", False),
        ("90d", "100d", False),
        (720, "720h", False),
        ("720h", None, False),
        ("720h", ["720h"], False),
    ],
)
def test_a_certificate_is_renewed_within_its_life(whole: Any, before: Any, wrong: bool) -> None:
    given = {"depin-routes": {"certificates": {"duration": whole, "renewBefore": before}}}
    assert said("renewal", given) == (["depin-routes.certificates.renewBefore"] if wrong else [])


def test_shortening_a_certificates_life_is_seen_beside_the_default() -> None:
    upstream = {"depin-issuers": {"internalCA": {"duration": "87600h", "renewBefore": "8760h"}}}
    given = {"depin-issuers": {"internalCA": {"duration": "720h"}}}
    assert said("renewal", given, upstream) == ["depin-issuers.internalCA.renewBefore"]
