"""The Secrets that values name and that somebody has to provide, since nobody else knows what is in them.

They are listed beside the others, and never made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from depin_helm.secrets.specs import Rule, SecretSpec

_ISSUERS, _ROUTES, _MONITORING = "depin-issuers", "depin-routes", "depin-monitoring"
_ELASTICSEARCH = "elasticsearch"
#: Where cert-manager reads the Secrets of ClusterIssuers: its own namespace.
_OF_ISSUERS = "cert-manager"
_OF_ALERTING = "monitoring"
#: Elasticsearch's chart reads its own where it is installed: layers.yaml.
_OF_ELASTICSEARCH = "logging"
#: What ingress-nginx reads in a Secret of basic authentication.
_AUTH = "auth"

#: Namespace, name, a key (empty where any will do), and the component that refers to it.
_Wanted = tuple[str, str, str, str]


def provided(specs: Sequence[SecretSpec], values: Mapping[str, Any]) -> tuple[SecretSpec, ...]:
    """Credentials of providers of DNS, receivers of alerts and storage of snapshots; interfaces' passwords.

    Each has the keys that it must have. What `specs` say how to make is not among them.
    """
    known = {str(spec) for spec in specs}
    wanted: dict[tuple[str, str, str], set[str]] = {}
    sources = (_of_solvers, _of_routes, _of_alerting, _of_keystore)
    for namespace, name, key, reader in (found for source in sources for found in source(values)):
        if f"{namespace}/{name}" not in known:
            wanted.setdefault((namespace, name, reader), set()).add(key)
    return tuple(
        SecretSpec(*place, dict.fromkeys(sorted(filter(None, keys)), Rule(_nobody)), provided=True)
        for place, keys in sorted(wanted.items())
    )


def _nobody() -> bytes:
    raise AssertionError("a Secret that people provide is never made")


def _of_solvers(values: Mapping[str, Any]) -> Iterator[_Wanted]:
    issuers = _map(values.get(_ISSUERS))
    letsencrypt = _map(issuers.get("letsencrypt"))
    if issuers.get("enabled") is False or letsencrypt.get("enabled") is not True:
        return
    providers = [
        each for each in _map(letsencrypt.get("dns01")).values() if _map(each).get("enabled") is True
    ]
    for name, key in _references([providers, letsencrypt.get("solvers")]):
        yield _OF_ISSUERS, name, key, _ISSUERS


def _of_routes(values: Mapping[str, Any]) -> Iterator[_Wanted]:
    routes = _map(values.get(_ROUTES))
    if routes.get("enabled") is False:
        return
    for route in map(_map, _map(routes.get("routes")).values()):
        match route:
            case {"enabled": True, "namespace": str(namespace), "basicAuthSecret": str(name)} if name:
                yield namespace, name, _AUTH, _ROUTES


def _of_alerting(values: Mapping[str, Any]) -> Iterator[_Wanted]:
    section = _map(values.get(_MONITORING))
    alerting = _map(section.get("alerting"))
    if section.get("enabled") is False or not alerting.get("enabled"):
        return
    switch = _map(alerting.get("deadMansSwitch"))
    for name, key in _references([alerting.get("receivers"), switch if switch.get("enabled") else None]):
        yield _OF_ALERTING, name, key, _MONITORING


def _of_keystore(values: Mapping[str, Any]) -> Iterator[_Wanted]:
    section = _map(values.get(_ELASTICSEARCH))
    entries = section.get("keystore")
    if section.get("enabled") is False or not isinstance(entries, list):
        return
    for entry in map(_map, entries):
        items = entry.get("items")
        keys = [_map(item).get("key") for item in items] if isinstance(items, list) else [""]
        for key in keys:
            if isinstance(entry.get("secretName"), str) and isinstance(key, str):
                yield _OF_ELASTICSEARCH, entry["secretName"], key, _ELASTICSEARCH


def _references(node: Any) -> Iterator[tuple[str, str]]:
    """Names and keys of key selectors, wherever they stand; a ConfigMap's are none."""
    match node:
        case {"name": str(name), "key": str(key), **rest} if rest.keys() <= {"optional"}:
            if name and key and not rest.get("optional"):
                yield name, key
        case dict():
            for part, inner in node.items():
                if part != "configMap":
                    yield from _references(inner)
        case list():
            for item in node:
                yield from _references(item)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
