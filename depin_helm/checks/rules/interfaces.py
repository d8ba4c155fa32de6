"""Web interfaces: our routes and the upstream charts' Ingresses; the rule that each has a host of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.grammar import is_address, is_host
from depin_helm.yamlio import Path, format_path

_PLATFORM = ("global", "platform")
ROUTES = ("depin-routes", "routes")
#: Sections of one Ingress each, as upstream charts call them.
_SECTIONS = {"ingress", "thanosIngress"}


@dataclass(frozen=True)
class Host:
    """A host that an Ingress serves.

    at      the value that gives it: a host, or a route of ours
    name    lower-case
    paths   what of it is served
    issuer  where the ClusterIssuer of its certificate is named, and who that is; else () and ""
    kind    its ingress class; empty if that is not said
    """

    at: Path
    name: str
    paths: tuple[str, ...]
    issuer: Path
    issuer_name: str
    kind: str


def routes(facts: Facts) -> Iterator[tuple[str, dict[str, Any]]]:
    """Our routes that are on, by name."""
    found = facts.get(*ROUTES) if facts.enabled(ROUTES[0]) else None
    for name, route in found.items() if isinstance(found, dict) else ():
        if isinstance(route, dict) and route.get("enabled") is True:
            yield name, route


def hosts(facts: Facts) -> Iterator[Host]:
    """All hosts whose names can be told without a template engine."""
    domain, issuer = facts.text(*_PLATFORM, "domain"), (*_PLATFORM, "clusterIssuer")
    for name, _ in routes(facts):
        if domain and is_host(f"{name}.{domain}".lower()):
            yield Host(
                (*ROUTES, name, "enabled"),
                f"{name}.{domain}".lower(),
                ("/",),
                issuer,
                facts.text(*issuer) or "",
                facts.text(*_PLATFORM, "ingressClass") or "",
            )
    for path, section in facts.live:
        if path[-1] in _SECTIONS and isinstance(section, dict) and section.get("enabled") is True:
            yield from _ingress(facts, path, section)


def _ingress(facts: Facts, path: Path, section: dict[str, Any]) -> Iterator[Host]:
    listed = section.get("hosts")
    annotation = (*path, "annotations", "cert-manager.io/cluster-issuer")
    issuer = facts.text(*annotation) or ""
    kind = facts.text(*path, "ingressClassName") or facts.text(*path, "className") or ""
    for index, item in enumerate(listed if isinstance(listed, list) else ()):
        at: Path = (*path, "hosts", index)
        paths = _paths(facts, path, section)
        if isinstance(item, dict):
            at = (*at, "host")
            paths = tuple(_texts(item.get("paths"))) or paths
        name = (facts.text(*at) or "").lower()
        # Anything else could be a secret in the wrong place, and messages name hosts.
        if is_host(name) or is_address(name):
            yield Host(at, name, paths, annotation if issuer else (), issuer, kind)


def _paths(facts: Facts, path: Path, section: dict[str, Any]) -> tuple[str, ...]:
    prefix = facts.text(*path[:-1], f"{path[-2]}Spec", "routePrefix")
    return tuple(_texts(section.get("paths"))) or (str(section.get("path") or prefix or "/"),)


def _texts(paths: Any) -> Iterator[str]:
    for item in paths if isinstance(paths, list) else ():
        text = item.get("path") if isinstance(item, dict) else item
        if isinstance(text, str):
            yield text


def _twice(facts: Facts) -> Iterator[Violation]:
    seen: dict[tuple[str, str], list[Host]] = {}
    for host in hosts(facts):
        if host.name.startswith("*"):
            # A wildcard is no interface of its own: it takes what no other host does.
            continue
        for text in host.paths:
            others = seen.setdefault((host.name, text.rstrip("/")), [])
            # Different classes are different controllers, each with an address of its own.
            same = [each for each in others if each.kind == host.kind or not (each.kind and host.kind)]
            if same:
                yield Violation(
                    (host.at, same[0].at),
                    f"{host.name} is also the host of {_name(same[0])}",
                    "a host, or a path, of its own",
                )
            others.append(host)


def _name(host: Host) -> str:
    return format_path(host.at[:3] if host.at[:2] == ROUTES else host.at)


RULES = (
    Rule(
        "duplicate-host",
        "each web interface has a host, or a path of one, to itself",
        "the ingress controller refuses one of the two, or answers for whichever came first",
        _twice,
    ),
)
