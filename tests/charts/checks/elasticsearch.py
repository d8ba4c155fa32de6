"""Elasticsearch has its password, encrypts, finds certificates and users, and trusts only its own nodes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from depin_helm import yamlio
from tests.charts.checks.model import Platform
from tests.charts.checks.pods import Pods, pods_of
from tests.charts.checks.references import makers

HOME = "/usr/share/elasticsearch/config"

#: As variables or in elasticsearch.yml; without them it serves unencrypted, or refuses to start.
REQUIRED = {
    "xpack.security.enabled": "true",
    "xpack.security.transport.ssl.enabled": "true",
    "xpack.security.http.ssl.enabled": "true",
}
#: Settings that name a file, for each of the two interfaces, and the Secret's key that it is to be.
FILES = {"key": "tls.key", "certificate": "tls.crt", "certificate_authorities": "ca.crt"}
#: Of the file realm, which Elasticsearch reads at fixed places.
REALM = ("users", "users_roles", "roles.yml")
#: The hashed token that Kibana logs in with.
TOKENS = "service_tokens"


def insecure(platform: Platform) -> list[str]:
    """What Elasticsearch lacks to start, to encrypt, and to let its users in."""
    problems: list[str] = []
    for pods in pods_of(platform):
        if pods.owner.id == ("StatefulSet", "logging", "elasticsearch-master"):
            problems += [f"{pods.owner}: {problem}" for problem in _insecure(pods, platform)]
    return sorted(problems)


def _insecure(pods: Pods, platform: Platform) -> Iterator[str]:
    (container,) = pods.spec["containers"]
    variables = {variable["name"]: variable for variable in container.get("env") or []}
    password = (variables.get("ELASTIC_PASSWORD", {}).get("valueFrom") or {}).get("secretKeyRef")
    if not password:
        yield "no ELASTIC_PASSWORD from a Secret: its readiness probe never succeeds"
    settings = _settings(pods, variables, platform)
    for setting, wanted in REQUIRED.items():
        if settings.get(setting) != wanted:
            yield f"{setting} is {settings.get(setting)}"
    for interface in ("transport", "http"):
        for suffix, key in FILES.items():
            setting = f"xpack.security.{interface}.ssl.{suffix}"
            path = posixpath.join(HOME, settings.get(setting, ""))
            if setting not in settings:
                yield f"{setting} is missing"
            elif not _provides(pods, container, path, key, platform):
                yield f"{setting}: no mount gives {path}"
    yield from _foreign_nodes(pods, container, settings, platform)
    for name, what in _fixed_files(platform):
        if not _provides(pods, container, posixpath.join(HOME, name), name, platform):
            yield f"no mount gives {name} {what}"


def _foreign_nodes(
    pods: Pods, container: Mapping[str, Any], settings: Mapping[str, str], platform: Platform
) -> Iterator[str]:
    """Certificates that are not the nodes' own, and with which one joins the cluster as a node."""
    path = posixpath.join(HOME, settings.get("xpack.security.transport.ssl.certificate_authorities", ""))
    secret = _secret(pods, container, path, "ca.crt")
    certificates = list(platform.of_kind("Certificate"))
    here = pods.owner.namespace
    for own in certificates:
        if (own.namespace, own.data["spec"]["secretName"]) != (here, secret):
            continue
        issuer = own.data["spec"]["issuerRef"]
        if issuer["kind"] != "Issuer":
            yield f"its nodes trust every certificate of {issuer['kind']} {issuer['name']}"
        for other in certificates:
            if other is not own and other.namespace == here and other.data["spec"]["issuerRef"] == issuer:
                yield f"its nodes trust {other}"


def _fixed_files(platform: Platform) -> Iterator[tuple[str, str]]:
    """What Elasticsearch reads at a fixed place beside its settings."""
    yield from ((name, "of the file realm") for name in REALM)
    # In a plain release the hook of Kibana's chart has Elasticsearch make the token.
    if platform.values["global"]["platform"]["layered"] and platform.values["kibana"]["enabled"]:
        yield TOKENS, "for Kibana to log in"


def _settings(pods: Pods, variables: Mapping[str, Any], platform: Platform) -> dict[str, str]:
    """Settings from variables, which win, and from the mounted elasticsearch.yml, flat."""
    settings: dict[str, str] = {}
    for volume in pods.spec.get("volumes") or []:
        name = (volume.get("configMap") or {}).get("name", "")
        if config := platform.by_id.get(("ConfigMap", pods.owner.namespace, name)):
            parsed = yamlio.load(config.data["data"].get("elasticsearch.yml", "")) or {}
            settings |= {key: str(value).lower() for key, value in parsed.items()}
    return settings | {name: v["value"] for name, v in variables.items() if "." in name and "value" in v}


def _provides(pods: Pods, container: Mapping[str, Any], path: str, key: str, platform: Platform) -> bool:
    """Whether `path` in the container is the key `key` of a mounted Secret that has it."""
    found = makers(platform).get(("Secret", pods.owner.namespace, _secret(pods, container, path, key)), [])
    return any(maker.keys is None or key in maker.keys for maker in found)


def _secret(pods: Pods, container: Mapping[str, Any], path: str, key: str) -> str:
    """The Secret whose key `key` is mounted as `path`, or nothing."""
    volumes = {volume["name"]: volume for volume in pods.spec.get("volumes") or []}
    for mount in container.get("volumeMounts") or []:
        target = mount["mountPath"].rstrip("/")
        whole = path == f"{target}/{key}" and not mount.get("subPath")
        secret = (volumes.get(mount["name"], {}).get("secret") or {}).get("secretName")
        if secret and (whole or (path == target and mount.get("subPath") == key)):
            return str(secret)
    return ""
