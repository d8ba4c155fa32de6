"""Rules about text that must be written in a certain way, known by its key or by the chart's own default."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from depin_helm import grammar
from depin_helm.checks.facts import Facts, lookup
from depin_helm.checks.rule import Rule, Violation
from depin_helm.checks.rules.credentials import secret
from depin_helm.checks.rules.cron import is_schedule
from depin_helm.yamlio import Path


@dataclass(frozen=True)
class _Format:
    """`right` says whether a text, or a number in its place, is one; `then` what it must be besides."""

    rule: str
    message: str
    hint: str
    right: Callable[[str], bool]
    then: _Format | None = None


def _either_duration(text: str) -> bool:
    return grammar.is_go_duration(text) or grammar.is_prometheus_duration(text)


def _networks(text: str) -> bool:
    parts = [part.strip() for part in text.split(",")]
    return all(grammar.is_network(part) or grammar.is_address(part) for part in parts)


def _addresses(text: str) -> bool:
    """One URL, several with commas between them, or a list in brackets."""
    return text.startswith("[") or all(grammar.is_url(part.strip()) for part in text.split(","))


def _few_bytes(text: str) -> bool:
    """Whether a plain number of bytes is less than anything runs in: a unit was meant."""
    amount = grammar.quantity(text) if text[-1:].isdigit() else None
    return amount is not None and 0 < amount < 1024**2


_QUANTITY = _Format(
    "quantity", "is no quantity", "such as 500m, 2 or 10Gi", lambda text: grammar.quantity(text) is not None
)
_BYTES = replace(
    _QUANTITY,
    then=_Format(
        "quantity",
        "m is a thousandth, of a byte too",
        "Mi, not m",
        lambda text: not grammar.is_in_thousandths(text),
        _Format("quantity", "without a unit it is bytes", "such as 512Mi", lambda text: not _few_bytes(text)),
    ),
)
_DURATION = _Format("duration", "is no duration", "such as 90s, 10m or 1h30m", _either_duration)
_GO_DURATION = _Format(
    "duration",
    "is no duration",
    "such as 90s, 10m or 720h: there is no unit for days",
    grammar.is_go_duration,
)
_PROMETHEUS_DURATION = _Format(
    "duration",
    "is no duration",
    "such as 30s, 1h30m or 7d: whole numbers with units",
    grammar.is_prometheus_duration,
)
_CRON = _Format("cron", "is no schedule", 'five fields such as "0 3 * * *", or @daily', is_schedule)
_CIDR = _Format(
    "cidr", "is no network", "an address and the length of its prefix: 10.0.0.0/8", grammar.is_network
)
_CIDRS = _Format(
    "cidr", "is no list of networks", "with commas between them: 10.0.0.0/8,192.0.2.1", _networks
)
_ADDRESS = _Format("cidr", "is no address", "such as 192.0.2.1 or 2001:db8::1", grammar.is_address)
_HOST = _Format(
    "host-name",
    "is no host name",
    "lower-case, without scheme, port and path: grafana.depin.example.com",
    grammar.is_host,
)
_URL = _Format("url", "is no URL", "with scheme and host: https://grafana.depin.example.com", _addresses)

#: Keys of Prometheus' and Alertmanager's configuration and of the operator's objects.
_PROMETHEUS_KEYS = re.compile(
    r"interval|(scrape|evaluation)Interval|scrapeTimeout|(scrape|evaluation|group|repeat)_interval"
    r"|scrape_timeout|resolve_timeout|group_wait|for|keepFiringFor|keep_firing_for|ruleQueryOffset"
)
#: Kubernetes' metav1.Duration, and what the operator hands to Alertmanager's flags.
_GO_KEYS = {
    "duration",
    "renewBefore",
    "resyncPeriod",
    "clusterGossipInterval",
    "clusterPeerTimeout",
    "clusterPushpullInterval",
}
_RANGES = {"loadBalancerSourceRanges", "cidr", "explicitIpBlocks"}
_ADDRESSES = {"loadBalancerIP", "externalIPs"}
#: Of ingress-nginx's ConfigMap and annotations, which take single addresses too.
_NGINX_RANGES = re.compile(
    r"(nginx\.ingress\.kubernetes\.io/)?((white|allow|deny)list-source-range|proxy-real-ip-cidr|block-cidrs)"
)
_HOSTS = {"host", "hosts", "hostname", "hostnames"}
_IN_BYTES = {"memory", "storage", "ephemeral-storage"}
#: Sections that hold hosts of Ingresses, routes of a gateway, or a pod's own table of hosts.
_HOST_SECTIONS = re.compile(r".*ingress.*|route|listenerSet|hostAliases", re.IGNORECASE)
_REQUESTS = {"remoteWrite", "remoteRead", "additionalRemoteWrite", "additionalRemoteRead", "webhook_configs"}
#: Below these keys people write what a program of theirs, not the chart, makes sense of.
_FREE = {
    "additionalDataSources",
    "alerting",
    "annotations",
    "dashboards",
    "data",
    "datasources",
    "env",
    "externalLabels",
    "extraEnv",
    "extraEnvs",
    "labels",
    "notifiers",
    "podAnnotations",
    "podLabels",
    "stringData",
}
#: The keys of grafana.ini that are known to be nothing else.
_GRAFANA: Mapping[Path, _Format] = {("server", "root_url"): _URL, ("server", "domain"): _HOST}
#: Filled in later: by Helm, Kubernetes, Grafana or Python-like placeholders of grafana.ini.
_FILLED_IN = re.compile(r"\{\{|\$\{|\$\(|\$__|%\(")

_DEFAULT_DURATION = re.compile(r"([0-9]+(ms|[smhdw]))+")
_DEFAULT_QUANTITY = re.compile(r"[0-9.]+[KMGTPE]i")


def _wrong(rule: str, facts: Facts) -> Iterator[Violation]:
    for path, value in facts.live:
        if (
            not isinstance(value, str | int | float)
            or isinstance(value, bool)
            or value == ""
            or len(path) < 2
        ):
            continue
        form = _wanted(path, facts)
        if form is None or form.rule != rule:
            continue
        if not isinstance(value, str) and not (
            form is _BYTES
            or (form is _PROMETHEUS_DURATION and _without_unit(path, lookup(facts.upstream, path)))
        ):
            continue
        text = str(value)
        while form is not None and form.right(text):
            form = form.then
        if form is not None and not _FILLED_IN.search(text) and not secret(facts, path, text):
            yield Violation((path,), form.message, form.hint)


def _without_unit(path: Path, default: Any) -> bool:
    """Whether a number is wrong there: the chart has text, or Prometheus' or Alertmanager's own files do."""
    return isinstance(default, str) or "_" in str(path[-1])


def _wanted(path: Path, facts: Facts) -> _Format | None:
    """What the text at `path` must be; None if nothing is known.

    Our own sections are the schema's, which knows only the shape of a network.
    """
    if path[:2] == ("depin-foundation", "networkPolicies"):
        return _CIDR if "ranges" in path else None
    key = next(part for part in reversed(path) if isinstance(part, str))
    if str(path[0]).startswith("depin-") or path[0] == "global":
        return _CIDR if key == "allowFrom" else None
    if key in _RANGES:
        return _CIDR
    if key in _ADDRESSES or (key == "ip" and "hostAliases" in path):
        return _ADDRESS
    if _NGINX_RANGES.fullmatch(key):
        return _CIDRS
    if "grafana.ini" in path:
        return _GRAFANA.get(path[-2:])
    if not _FREE.isdisjoint(path) and "sidecar" not in path:
        return None
    return _by_key(key, path) or _by_default(lookup(facts.upstream, path))


def _by_key(key: str, path: Path) -> _Format | None:
    if _PROMETHEUS_KEYS.fullmatch(key):
        return _PROMETHEUS_DURATION
    if key in _GO_KEYS or path[-2:] == ("alertmanagerSpec", "retention"):
        return _GO_DURATION
    if key == "schedule":
        return _CRON
    if key in _HOSTS and any(_HOST_SECTIONS.fullmatch(str(part)) for part in path[1:-1]):
        return _HOST
    if key.endswith(("Url", "URL")) or (key == "url" and not _REQUESTS.isdisjoint(path)):
        return _URL
    above = [str(part) for part in path[-3:-1]]
    if key == "sizeLimit" or (key == "size" and above[-1:] == ["persistence"]):
        return _BYTES
    amount = _BYTES if key in _IN_BYTES else _QUANTITY
    if above[-1:] in (["requests"], ["limits"]) and "resources" in above[0].casefold():
        return amount
    return amount if above[-1:] in (["minAllowed"], ["maxAllowed"]) else None


def _by_default(default: Any) -> _Format | None:
    if not isinstance(default, str) or _FILLED_IN.search(default):
        return None
    if _DEFAULT_DURATION.fullmatch(default):
        return _DURATION
    if _DEFAULT_QUANTITY.fullmatch(default):
        return _BYTES
    return _URL if grammar.is_url(default) else None


RULES = tuple(
    Rule(rule, title, why, partial(_wrong, rule), form=True)
    for rule, title, why in (
        (
            "quantity",
            "an amount is a quantity of Kubernetes",
            "it is refused, or what asks for it gets next to nothing",
        ),
        (
            "duration",
            "a time has a unit that its reader knows",
            "what reads it refuses its whole configuration",
        ),
        ("cron", "a schedule is one that Kubernetes reads", "the API server refuses it"),
        (
            "cidr",
            "an address is one of IP, and a range of them a CIDR",
            "it is refused, or nobody is let in or kept out by it",
        ),
        ("host-name", "a host is a DNS name", "the API server refuses it, or no request ever matches it"),
        ("url", "an address has a scheme and a host", "what it leads to is not found"),
    )
)
