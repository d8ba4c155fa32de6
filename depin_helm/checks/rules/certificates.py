"""Rules about certificates: who signs them, and when they are renewed."""

from __future__ import annotations

from collections.abc import Iterator

from depin_helm.checks.facts import Facts, lookup
from depin_helm.checks.rule import Rule, Violation
from depin_helm.checks.rules.challenges import PUBLIC
from depin_helm.checks.rules.interfaces import hosts
from depin_helm.grammar import is_address
from depin_helm.values.settings import duration
from depin_helm.yamlio import Path, format_path

_ISSUERS, _CA_NAME = "depin-issuers", ("depin-issuers", "internalCA", "name")
_LETSENCRYPT = (_ISSUERS, "letsencrypt", "enabled")
_DOMAIN, _CLUSTER_ISSUER = ("global", "platform", "domain"), ("global", "platform", "clusterIssuer")
_ELASTICSEARCH = ("depin-elasticsearch", "certificates", "issuer")
#: Domains that are nobody's on the internet: RFC 2606, 6761, 6762, 7686, 8375, 9476, ICANN's .internal,
#: and what people use though it was never promised to them.
_PRIVATE = (
    *("alt", "example", "home.arpa", "internal", "invalid", "local", "localhost", "onion", "test"),
    *("corp", "home", "intranet", "lan", "localdomain", "private"),
)


def _public(facts: Facts) -> Iterator[Violation]:
    said: set[Path] = set()
    for host in hosts(facts):
        if host.issuer_name in PUBLIC and _is_private(host.name) and host.issuer not in said:
            said.add(host.issuer)
            name = _DOMAIN if host.issuer == _CLUSTER_ISSUER else host.at
            yield Violation(
                (host.issuer, name), f"Let's Encrypt cannot sign for {host.name}", _own_authority(facts)
            )
    if _of_elasticsearch(facts) and facts.text(*_ELASTICSEARCH) in PUBLIC:
        yield Violation(
            (_ELASTICSEARCH,),
            "Let's Encrypt cannot sign for names within the cluster",
            _own_authority(facts, or_domain=False),
        )


def _of_elasticsearch(facts: Facts) -> bool:
    """Whether cert-manager makes Elasticsearch's certificates."""
    return facts.enabled(_ELASTICSEARCH[0]) and facts.get(*_ELASTICSEARCH[:2], "enabled") is not False


def _own_authority(facts: Facts, *, or_domain: bool = True) -> str:
    name = facts.text(*_CA_NAME) or "the platform's own authority"
    return f"{name}, or a public domain" if or_domain else name


def _is_private(name: str) -> bool:
    name = name.rstrip(".")
    return "." not in name or is_address(name) or name.endswith(tuple(f".{domain}" for domain in _PRIVATE))


def _not_made(facts: Facts) -> Iterator[Violation]:
    """One violation for each issuer that is missing, whoever names it: it is one mistake."""
    named: dict[str, list[Path]] = {}
    for host in hosts(facts):
        users = named.setdefault(host.issuer_name, [])
        if host.issuer not in users:
            users.append(host.issuer)
    if _of_elasticsearch(facts):
        named.setdefault(facts.text(*_ELASTICSEARCH) or "", []).append(_ELASTICSEARCH)
    named.pop("", None)
    for name, users in named.items():
        cause, hint = _unmade(facts, name)
        if cause:
            also = "".join(f", nor for {format_path(user)}" for user in users[1:])
            yield Violation((*users, cause), f"{name} is not made{also}", hint)


def _unmade(facts: Facts, name: str) -> tuple[Path, str]:
    """Because of which value there is no ClusterIssuer of that name, and what to do; () if there may be."""
    if not facts.enabled(_ISSUERS) and name in (*PUBLIC, facts.get(*_CA_NAME)):
        return (_ISSUERS, "enabled"), f"{_ISSUERS}.enabled: true"
    if name in PUBLIC and facts.get(*_LETSENCRYPT) is not True:
        return _LETSENCRYPT, f"{format_path(_LETSENCRYPT)}: true"
    if name != facts.get(*_CA_NAME) and name == lookup(facts.environment.defaults.values, _CA_NAME):
        return _CA_NAME, f"as {format_path(_CA_NAME)} has it"
    return (), ""


def _renewal(facts: Facts) -> Iterator[Violation]:
    for path, section in facts.live:
        if not isinstance(section, dict):
            continue
        whole, before = section.get("duration"), section.get("renewBefore")
        try:
            late = isinstance(whole, str) and isinstance(before, str) and duration(before) >= duration(whole)
        except ValueError:
            continue
        if late:
            yield Violation(
                ((*path, "renewBefore"), (*path, "duration")),
                f"{before} is not shorter than the certificate's {whole}",
                "a third of it",
            )


RULES = (
    Rule(
        "public-issuer",
        "Let's Encrypt signs only for public domains",
        "it reaches no such name from the internet, so no certificate is ever made",
        _public,
    ),
    Rule(
        "issuer-not-made",
        "a ClusterIssuer that certificates name is made",
        "certificates wait for it without end",
        _not_made,
    ),
    Rule(
        "renewal",
        "a certificate is renewed within its lifetime",
        "cert-manager refuses it, or renews it without end",
        _renewal,
    ),
)
