"""Rules about who gets to the web interfaces: networks, clients' addresses, interfaces without a login."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.checks.rules.challenges import PUBLIC
from depin_helm.checks.rules.interfaces import ROUTES, routes
from depin_helm.grammar import is_network
from depin_helm.yamlio import Path

_ISSUER = ("global", "platform", "clusterIssuer")
_ANONYMOUS = ("kibana", "anonymousAccess")
_KIBANA_YML = ("kibana", "kibanaConfig", "kibana.yml")
#: An anonymous provider in someone's own kibana.yml.
_PROVIDER = re.compile(r"^\s*(?:xpack\.security\.authc\.providers\.)?anonymous[.:]", re.MULTILINE)
_MONITORING = "kube-prometheus-stack"
#: What of it asks for no login, each with an Ingress of its chart.
_METRICS = ("prometheus", "alertmanager")
#: Annotations by which ingress controllers ask for a login, or let some networks in alone.
_GUARD = re.compile(r"auth|(white|allow)list|middleware")
_RANGE = re.compile(r"nginx\.ingress\.kubernetes\.io/(white|allow)list-source-range")
#: Shorter prefixes are whole parts of the internet, or all of it in pieces; by version of IP.
_BROAD = {4: 8, 6: 7}

_SERVICE = ("ingress-nginx", "controller", "service")
_POLICY = (*_SERVICE, "externalTrafficPolicy")
#: Settings by which the controller learns a client's address from what stands before it.
_TOLD = ("use-proxy-protocol", "use-forwarded-headers", "enable-real-ip")


def _open_kibana(facts: Facts) -> Iterator[Violation]:
    anonymous = _anonymous(facts)
    if anonymous is None:
        return
    login = "kibana.anonymousAccess: false"
    for name, route in routes(facts):
        if route.get("service") != (facts.get("kibana", "fullnameOverride") or "kibana-kibana"):
            continue
        at: Path = (*ROUTES, name, "allowFrom")
        if _is_open(route.get("allowFrom")):
            yield Violation(
                (at, anonymous, (*ROUTES, name, "enabled")),
                "everybody gets to Kibana, which asks for no login",
                f"internal networks alone, or {login}",
            )
        elif facts.text(*_ISSUER) in PUBLIC:
            yield Violation(
                (anonymous, _ISSUER),
                "Kibana asks for no login under a public name",
                login,
            )
    annotations = facts.get("kibana", "ingress", "annotations")
    given = annotations if isinstance(annotations, dict) else {}
    if facts.get("kibana", "ingress", "enabled") is True and not any(map(_RANGE.fullmatch, given)):
        yield Violation(
            (("kibana", "ingress", "enabled"), anonymous),
            "everybody gets to Kibana, which asks for no login",
            f"a route with allowFrom, or {login}",
        )


def _anonymous(facts: Facts) -> Path | None:
    """Because of which value Kibana lets in whoever comes; None if it does not, or is off."""
    text = facts.get(*_KIBANA_YML)
    if not facts.enabled("kibana") or not isinstance(text, str):
        return None
    if f".Values.{_ANONYMOUS[1]}" in text:
        return _ANONYMOUS if facts.get(*_ANONYMOUS) is True else None
    return _KIBANA_YML if _PROVIDER.search(text) else None


def _is_open(allowed: Any) -> bool:
    """Whether the list lets in all clients, or whole parts of the internet; what is no network, none."""
    if not isinstance(allowed, list) or not allowed:
        return True
    networks = [ipaddress.ip_network(each, strict=False) for each in allowed if is_network(str(each))]
    return any(network.prefixlen < _BROAD[network.version] for network in networks)


def _open_metrics(facts: Facts) -> Iterator[Violation]:
    if not facts.enabled(_MONITORING):
        return
    services = {f"{facts.text(_MONITORING, 'fullnameOverride')}-{part}": part for part in _METRICS}
    for name, route in routes(facts):
        part = services.get(str(route.get("service")))
        if part and not route.get("basicAuthSecret") and _is_open(route.get("allowFrom")):
            yield Violation(
                ((*ROUTES, name, "basicAuthSecret"), (*ROUTES, name, "enabled"), (*ROUTES, name, "service")),
                f"everybody gets to {part}, which asks for no login",
                f"basicAuthSecret: {part}-basic-auth",
            )
    for part in _METRICS:
        ingress = (_MONITORING, part, "ingress")
        annotations = facts.get(*ingress, "annotations")
        given = annotations if isinstance(annotations, dict) else {}
        if facts.get(*ingress, "enabled") is True and not any(map(_GUARD.search, map(str, given))):
            yield Violation(
                ((*ingress, "enabled"),),
                f"everybody gets to {part}, which asks for no login",
                "a route with basicAuthSecret, or annotations that ask for a login",
            )


def _hidden(facts: Facts) -> Iterator[Violation]:
    lists: list[Path] = [
        (*ROUTES, name, "allowFrom") for name, route in routes(facts) if route.get("allowFrom")
    ]
    controller = facts.get("ingress-nginx", "controller")
    if not lists or not facts.enabled("ingress-nginx") or not isinstance(controller, dict):
        return
    if not _reached_from_outside(facts) or facts.get(*_POLICY) == "Local":
        return
    settings = (facts.get("ingress-nginx", "controller", "config", key) for key in _TOLD)
    told = any(setting in (True, "true") for setting in settings)
    if controller.get("hostNetwork") is not True and not told:
        yield Violation(
            (_POLICY, *lists),
            "requests come with the nodes' addresses, not their clients', so allowFrom keeps nobody out",
            "Local; or use-proxy-protocol in ingress-nginx.controller.config",
        )


def _reached_from_outside(facts: Facts) -> bool:
    kind = facts.get(*_SERVICE, "type")
    return facts.get(*_SERVICE, "enabled") is not False and kind in (None, "", "LoadBalancer", "NodePort")


def _without_outside(facts: Facts) -> Iterator[Violation]:
    if not facts.enabled("ingress-nginx") or facts.get(*_SERVICE, "enabled") is False:
        return
    if facts.get(*_POLICY) and facts.get(*_SERVICE, "type") in ("ClusterIP", "ExternalName"):
        yield Violation(
            (_POLICY, (*_SERVICE, "type")),
            "only a LoadBalancer and a NodePort have it",
            'externalTrafficPolicy: ""',
        )


RULES = (
    Rule(
        "open-kibana",
        "Kibana asks for a login where more than internal networks get to it",
        "whoever finds it reads all logs",
        _open_kibana,
    ),
    Rule(
        "open-metrics",
        "Prometheus and Alertmanager are reached with a password, or from named networks alone",
        "whoever finds them sees the whole platform, and silences its alerts",
        _open_metrics,
    ),
    Rule(
        "hidden-addresses",
        "the ingress controller sees clients' own addresses where a route's allowFrom asks for them",
        "everybody comes from an internal address, and is let in",
        _hidden,
    ),
    Rule(
        "traffic-policy",
        "a Service that is reached from within alone has no externalTrafficPolicy",
        "the API server refuses it",
        _without_outside,
    ),
)
