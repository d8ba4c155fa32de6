"""The Secrets that values name and that somebody has to provide, since nobody can make up what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from depin_helm.secrets.specs import Rule, SecretSpec

_ISSUERS, _ROUTES = "depin-issuers", "depin-routes"
#: Where cert-manager reads the Secrets of ClusterIssuers: its own namespace.
_OF_ISSUERS = "cert-manager"
#: What ingress-nginx reads in a Secret of basic authentication.
_AUTH = "auth"


def provided(specs: Sequence[SecretSpec], values: Mapping[str, Any]) -> tuple[SecretSpec, ...]:
    """Credentials of the providers of DNS, and passwords of web interfaces that none of `specs` is for."""
    known = {str(spec) for spec in specs}
    wanted: dict[tuple[str, str, str], set[str]] = {}
    for namespace, name, key, reader in (*_of_solvers(values), *_of_routes(values)):
        if f"{namespace}/{name}" not in known:
            wanted.setdefault((namespace, name, reader), set()).add(key)
    return tuple(
        SecretSpec(*place, dict.fromkeys(sorted(keys), Rule(_unknown)), provided=True)
        for place, keys in wanted.items()
    )


def _unknown() -> bytes:
    raise ValueError("somebody has to provide it")


def _of_solvers(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    issuers = _map(values.get(_ISSUERS))
    letsencrypt = _map(issuers.get("letsencrypt"))
    if issuers.get("enabled") is False or letsencrypt.get("enabled") is not True:
        return
    providers = [
        each for each in _map(letsencrypt.get("dns01")).values() if _map(each).get("enabled") is True
    ]
    for name, key in _references([providers, letsencrypt.get("solvers")]):
        yield _OF_ISSUERS, name, key, _ISSUERS


def _references(node: Any) -> Iterator[tuple[str, str]]:
    """Names and keys of what cert-manager's solvers refer to: `apiTokenSecretRef` and the like."""
    if isinstance(node, list):
        for each in node:
            yield from _references(each)
    for field, value in _map(node).items():
        match value:
            case {"name": str(name), "key": str(key)} if field.endswith("SecretRef"):
                if name and key:
                    yield name, key
            case _:
                yield from _references(value)


def _of_routes(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    routes = _map(values.get(_ROUTES))
    if routes.get("enabled") is False:
        return
    for route in map(_map, _map(routes.get("routes")).values()):
        match route:
            case {"enabled": True, "namespace": str(namespace), "basicAuthSecret": str(name)} if name:
                yield namespace, name, _AUTH, _ROUTES


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
