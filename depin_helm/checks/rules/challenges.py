"""Rules about how Let's Encrypt is shown that a domain is ours: solvers, their credentials, wildcards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.checks.rules.interfaces import ROUTES, routes
from depin_helm.grammar import is_host
from depin_helm.yamlio import Path

#: The ClusterIssuers that depin-issuers makes for Let's Encrypt.
PUBLIC = frozenset({"letsencrypt-prod", "letsencrypt-staging"})

_LETSENCRYPT = ("depin-issuers", "letsencrypt")
_DNS01, _SOLVERS = (*_LETSENCRYPT, "dns01"), (*_LETSENCRYPT, "solvers")
_ISSUER, _DOMAIN = ("global", "platform", "clusterIssuer"), ("global", "platform", "domain")
_WILDCARD = (ROUTES[0], "wildcard")

#: By provider, keys of which the first needs one of the others, a Secret; "" always does. cert-manager itself
#: asks for the rest (internal/apis/certmanager/validation/issuer.go). Without any key of Route 53 its own
#: identity counts.
_CREDENTIALS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "route53": (
        ("accessKeyID", ("secretAccessKeySecretRef",)),
        ("accessKeyIDSecretRef", ("secretAccessKeySecretRef",)),
        ("secretAccessKeySecretRef", ("accessKeyID", "accessKeyIDSecretRef")),
    ),
    "cloudflare": (("", ("apiTokenSecretRef", "apiKeySecretRef")),),
    "azureDNS": (("clientID", ("clientSecretSecretRef",)),),
    "rfc2136": (("tsigKeyName", ("tsigSecretSecretRef",)),),
}


def _without_credentials(facts: Facts) -> Iterator[Violation]:
    for at, provider, settings in _providers(facts):
        for key, known in _CREDENTIALS.get(provider, ()):
            # Of our own values there is one for each purpose.
            needed = known[:1] if at[: len(_DNS01)] == _DNS01 else known
            if (key and not _named(settings.get(key))) or any(_named(settings.get(one)) for one in needed):
                continue
            missing = (*at, needed[0], "name") if needed[0].endswith("Ref") else (*at, needed[0])
            yield Violation(
                (missing, (*at, key) if key else at, (*at, "enabled")),
                f"{provider} is given no {' or '.join(needed)}",
                "the Secret lies in the namespace cert-manager",
            )


def _named(value: Any) -> bool:
    """Whether a text is there, or a reference names its Secret."""
    return bool(value.get("name") if isinstance(value, dict) else value)


def _providers(facts: Facts) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Where each provider of DNS stands that is used, its name and settings."""
    if not _enabled(facts):
        return
    for name, settings in _map(facts.get(*_DNS01)).items():
        if isinstance(settings, dict) and settings.get("enabled") is True:
            yield (*_DNS01, name), name, settings
    for index, solver in enumerate(_list(facts.get(*_SOLVERS))):
        for name, settings in _map(_map(solver).get("dns01")).items():
            if isinstance(settings, dict):
                yield (*_SOLVERS, index, "dns01", name), name, settings


def _enabled(facts: Facts) -> bool:
    return facts.enabled(_LETSENCRYPT[0]) and facts.get(*_LETSENCRYPT, "enabled") is True


def _wildcard(facts: Facts) -> Iterator[Violation]:
    domain = facts.text(*_DOMAIN) or ""
    if not (
        facts.get(*_WILDCARD) is True
        and any(routes(facts))
        and facts.text(*_ISSUER) in PUBLIC
        and _enabled(facts)
        and is_host(domain)
    ):
        return
    if not any(_takes(selector, domain) for selector in _selectors(facts)):
        yield Violation(
            (_WILDCARD, _ISSUER, _DOMAIN),
            f"Let's Encrypt signs for *.{domain} through DNS-01 alone, and no solver of it takes that domain",
            "depin-issuers.letsencrypt.dns01 or .solvers",
        )


def _selectors(facts: Facts) -> Iterator[dict[str, Any]]:
    """Which names each DNS-01 solver takes, as ClusterIssuers have it."""
    for at, _, settings in _providers(facts):
        if at[: len(_DNS01)] == _DNS01:
            yield {"dnsZones": settings.get("zones")}
        else:
            yield _map(facts.get(*at[: len(_SOLVERS) + 1], "selector"))


def _takes(selector: dict[str, Any], domain: str) -> bool:
    """Whether the wildcard of the domain fits (cert-manager, pkg/controller/acmeorders/selectors)."""
    names, zones = _list(selector.get("dnsNames")), _list(selector.get("dnsZones"))
    in_zone = any(f".{domain}".endswith(f".{zone}") for zone in zones)
    return (not names or f"*.{domain}" in names) and (not zones or in_zone)


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


RULES = (
    Rule(
        "dns01-credentials",
        "a provider of DNS-01 is given its credentials, by a Secret",
        "it does not let cert-manager in, so no certificate is ever made",
        _without_credentials,
    ),
    Rule(
        "wildcard-without-dns01",
        "a wildcard of Let's Encrypt has a DNS-01 solver for its domain",
        "no certificate is ever made",
        _wildcard,
    ),
)
