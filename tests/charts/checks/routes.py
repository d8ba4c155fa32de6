"""Every web interface: encrypted, limited, hardened, and with annotations that ingress-nginx takes."""

from __future__ import annotations

import configparser
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from depin_helm import yamlio
from tests.charts.checks.model import Object, Platform

_PREFIX = "nginx.ingress.kubernetes.io/"
#: Headers that every response is to have.
HEADERS = ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy")
#: What NGINX itself takes for the name and the value of a header.
_HEADER = re.compile(r"[A-Za-z0-9_-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]+")
#: Of the controller's configuration.
CONFIG = {
    "hsts": "true",
    "hsts-max-age": "31536000",
    "hsts-include-subdomains": "true",
    "hsts-preload": "false",
    "ssl-protocols": "TLSv1.2 TLSv1.3",
    "server-tokens": "false",
}


def _is_networks(text: str) -> bool:
    for part in text.split(","):
        try:
            ipaddress.ip_network(part)
        except ValueError:
            return False
    return True


def _matching(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


#: Annotations that our routes may have, with what ingress-nginx 1.15 takes (internal/ingress/annotations, the
#: `Validator` of each). Of none is the risk above Medium; snippets are Critical.
_ALLOWED: Mapping[str, Callable[[str], bool]] = {
    "force-ssl-redirect": _matching("true|false"),
    "limit-rps": _matching(r"[1-9]\d*"),
    "limit-connections": _matching(r"[1-9]\d*"),
    "proxy-body-size": _matching(r"(?i)\d+[bkmg]?"),
    "proxy-connect-timeout": _matching(r"[1-9]\d*"),
    "proxy-send-timeout": _matching(r"[1-9]\d*"),
    "proxy-read-timeout": _matching(r"[1-9]\d*"),
    "allowlist-source-range": _is_networks,
    "affinity": _matching("cookie"),
    "auth-type": _matching("basic|digest"),
    "auth-secret": _matching(r"[-._~a-zA-Z0-9/:]+"),
    "auth-realm": _matching(r"[-._~a-zA-Z0-9/: ]+"),
}
_REQUIRED = frozenset(
    {
        *("force-ssl-redirect", "limit-rps", "limit-connections", "proxy-body-size"),
        *("proxy-connect-timeout", "proxy-send-timeout", "proxy-read-timeout"),
    }
)
#: Kinds of prometheus-operator, whose services have the same names.
_OPERATED = ("Prometheus", "Alertmanager")
#: Services whose pods have different answers.
_EACH_ITS_OWN = frozenset({"kube-prometheus-stack-prometheus"})
#: Services that ask for no login of their own.
_WITHOUT_LOGIN = frozenset({"kube-prometheus-stack-prometheus", "kube-prometheus-stack-alertmanager"})


def exposed(platform: Platform) -> list[str]:
    """What of the web interfaces is not encrypted, not limited, or open to everybody."""
    problems = [
        f"{ingress}: {problem}"
        for ingress in platform.of_kind("Ingress")
        for problem in _of_ingress(ingress, platform)
    ]
    return sorted([*problems, *_of_controller(platform)])


def _of_ingress(ingress: Object, platform: Platform) -> Iterator[str]:
    spec = ingress.data["spec"]
    given = {
        key.removeprefix(_PREFIX): value
        for key, value in ingress.annotations.items()
        if key.startswith(_PREFIX)
    }
    if given.get("force-ssl-redirect") != "true":
        yield "answers without TLS"
    yield from (f"no {name}" for name in sorted(_REQUIRED - given.keys()))
    for name, value in given.items():
        if name not in _ALLOWED:
            yield f"{name} is none of the annotations that are looked after"
        elif not _ALLOWED[name](value):
            yield f"ingress-nginx refuses {name}"
    encrypted = {host: entry["secretName"] for entry in spec.get("tls") or [] for host in entry["hosts"]}
    for rule in spec["rules"]:
        if not _certified(rule["host"], encrypted.get(rule["host"]), ingress.namespace, platform):
            yield f"no certificate for {rule['host']}"
        for path in rule["http"]["paths"]:
            service = path["backend"]["service"]["name"]
            yield from _of_backend(service, given)


def _of_backend(service: str, given: Mapping[str, str]) -> Iterator[str]:
    if service in _WITHOUT_LOGIN and not {"auth-type", "auth-secret"} <= given.keys():
        yield f"everybody gets to {service}"
    if service in _EACH_ITS_OWN and "affinity" not in given:
        yield f"one page comes from several pods of {service}"
    if service == "kibana" and not _internal(given.get("allowlist-source-range", "0.0.0.0/0,::/0")):
        yield "clients of the internet get to Kibana"


def _certified(host: str, secret: str | None, namespace: str, platform: Platform) -> bool:
    """Whether cert-manager writes a certificate for the host into that Secret of the namespace."""
    names = {host, f"*.{host.partition('.')[2]}"}
    return any(
        not names.isdisjoint(certificate.data["spec"]["dnsNames"])
        for certificate in platform.of_kind("Certificate")
        if certificate.namespace == namespace and certificate.data["spec"]["secretName"] == secret
    )


def _internal(networks: str) -> bool:
    return all(ipaddress.ip_network(part).is_private for part in networks.split(","))


def _of_controller(platform: Platform) -> Iterator[str]:
    config = platform.by_id["ConfigMap", "ingress-nginx", "ingress-nginx-controller"].data["data"]
    for key, value in CONFIG.items():
        if config.get(key) != value:
            yield f"the controller's {key} is {config.get(key)}"
    if config.get("allow-snippet-annotations", "false") != "false":
        yield "snippets are allowed"
    namespace, _, name = config.get("add-headers", "").partition("/")
    headers = platform.by_id.get(("ConfigMap", namespace, name))
    given: Mapping[str, Any] = headers.data["data"] if headers else {}
    yield from (f"no header {name}" for name in HEADERS if name not in given)
    for key, value in given.items():
        if not _HEADER.fullmatch(key) or not _HEADER_VALUE.fullmatch(value) or "$" in value:
            yield f"NGINX takes no header such as {key}"
    service = platform.by_id["Service", "ingress-nginx", "ingress-nginx-controller"].data["spec"]
    if service.get("externalTrafficPolicy") != "Local":
        yield "clients' addresses are hidden from the controller"


def misled(platform: Platform) -> list[str]:
    """Web interfaces that lead their users, or links in alerts, to another address than they have."""
    known = _known_as(platform)
    return sorted(
        f"{ingress}: {service} takes {known.get(service)} for its address"
        for ingress in platform.of_kind("Ingress")
        for rule in ingress.data["spec"]["rules"]
        for path in rule["http"]["paths"]
        for service in [path["backend"]["service"]["name"]]
        if known.get(service) != f"https://{rule['host']}"
    )


def _known_as(platform: Platform) -> dict[str, str]:
    """By service, the address that it says it has."""
    found = {each.name: each.data["spec"]["externalUrl"] for each in platform.of_kind(*_OPERATED)}
    for config in platform.of_kind("ConfigMap"):
        if config.name == "grafana":
            ini = configparser.RawConfigParser()
            ini.read_string(config.data["data"]["grafana.ini"])
            found["grafana"] = ini.get("server", "root_url")
        elif config.name == "kibana-config":
            found["kibana"] = yamlio.load(config.data["data"]["kibana.yml"])["server.publicBaseUrl"]
    return found


def providers(platform: Platform) -> dict[str, Any]:
    """How Kibana lets people in, by the name of each provider, in the order in which they are asked."""
    config = platform.by_id["ConfigMap", "logging", "kibana-config"].data["data"]["kibana.yml"]
    found: dict[str, Any] = yamlio.load(config)["xpack.security.authc.providers"]
    return dict(sorted(found.items(), key=lambda item: item[1]["order"]))
