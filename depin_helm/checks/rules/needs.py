"""The rule about components and parts that others need."""

from __future__ import annotations

from collections.abc import Iterator

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.checks.rules.interfaces import ROUTES, routes
from depin_helm.checks.rules.logs import configured_here
from depin_helm.yamlio import Path, format_path

_KPS = "kube-prometheus-stack"
_OPERATOR = (_KPS, "prometheusOperator")
#: The name by which others reach Elasticsearch, and the Secret that its nodes trust each other by.
SERVICE, _TRANSPORT = "elasticsearch-master", "elasticsearch-transport-certs"
#: Elasticsearch's certificates, where cert-manager makes them.
CERTIFICATES = ("depin-elasticsearch", "certificates")

#: A part that is needed, and the value that shows who needs it.
_Need = tuple[Path, Path]


def _missing(facts: Facts) -> Iterator[Violation]:
    """One violation for each part that is off, whoever needs it: it is one mistake."""
    needs: dict[Path, list[Path]] = {}
    for part, needed_by in _needs(facts):
        off = _off(facts, part)
        if off:
            users = needs.setdefault(off, [])
            if needed_by not in users:
                users.append(needed_by)
    for off, users in needs.items():
        names = [format_path(user) for user in users]
        switches = [(*user, "enabled") for user in users]
        yield Violation(
            ((*off, "enabled"), *switches),
            f"{format_path(off)} is off, but needed by {_listed(names)}",
            "turn it on, or what needs it off",
        )
    yield from _without_nodes(facts)


def _without_nodes(facts: Facts) -> Iterator[Violation]:
    """Elasticsearch that is on but has no node, where its service is asked for."""
    replicas = ("elasticsearch", "replicas")
    needed_by = [component for component, _ in users(facts)]
    if needed_by and facts.enabled("elasticsearch") and facts.number(*replicas) == 0:
        # Masters of another release may stand behind the service.
        if facts.get("elasticsearch", "masterService"):
            return
        yield Violation(
            (replicas, *((component, "enabled") for component in needed_by)),
            f"elasticsearch has no node, but is needed by {_listed(needed_by)}",
            "1, or 3 and more",
        )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _off(facts: Facts, part: Path) -> Path:
    """The part, or the one above it, that is turned off; () if it is on."""
    section = facts.get(part[0])
    if section is None or (isinstance(section, dict) and not facts.enabled(str(part[0]))):
        return part[:1]
    return next(
        (part[:end] for end in range(2, len(part) + 1) if facts.get(*part[:end], "enabled") is False), ()
    )


def _needs(facts: Facts) -> Iterator[_Need]:
    yield from _of_elasticsearch(facts)
    if configured_here(facts):
        yield ("depin-fluent-bit",), ("fluent-bit",)
    yield from _of_cert_manager(facts)
    yield from _of_routes(facts)
    for part in ("prometheus", "alertmanager"):
        if facts.enabled(_KPS) and facts.get(_KPS, part, "enabled") is True:
            yield _OPERATOR, (_KPS, part)


def _of_elasticsearch(facts: Facts) -> Iterator[_Need]:
    for component, _ in users(facts):
        yield ("elasticsearch",), (component,)
    for component in ("depin-elasticsearch", "depin-elasticsearch-exporter"):
        if facts.enabled(component):
            yield ("elasticsearch",), (component,)
    if facts.enabled("depin-kibana"):
        yield ("kibana",), ("depin-kibana",)
        yield ("depin-elasticsearch",), ("depin-kibana",)
    mounts = facts.get("elasticsearch", "secretMounts")
    mounted = [mount.get("secretName") for mount in _list(mounts) if isinstance(mount, dict)]
    if facts.enabled("elasticsearch") and _TRANSPORT in mounted:
        yield CERTIFICATES, ("elasticsearch",)


def users(facts: Facts) -> list[tuple[str, Path]]:
    """The components that ask for Elasticsearch's service by its name, and where they do."""
    found: list[tuple[str, Path]] = []
    hosts = facts.get("kibana", "elasticsearchHosts")
    if facts.enabled("kibana") and (not isinstance(hosts, str) or SERVICE in hosts):
        found.append(("kibana", ("kibana", "elasticsearchHosts")))
    place: Path = ("fluent-bit", "config", "outputs")
    if configured_here(facts):
        place = ("depin-fluent-bit", "elasticsearch", "host")
    asked = facts.get(*place)
    if facts.enabled("fluent-bit") and isinstance(asked, str) and SERVICE in asked:
        found.append(("fluent-bit", place))
    return found


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _of_cert_manager(facts: Facts) -> Iterator[_Need]:
    if facts.enabled("depin-issuers"):
        yield ("cert-manager",), ("depin-issuers",)
    if not _off(facts, CERTIFICATES):
        yield ("cert-manager",), CERTIFICATES[:1]
    if any(routes(facts)):
        yield ("cert-manager",), (ROUTES[0],)
    webhooks = (("ingress-nginx", "controller", "admissionWebhooks"), (*_OPERATOR, "admissionWebhooks"))
    for webhook in webhooks:
        certificates = (*webhook, "certManager")
        if not _off(facts, webhook) and facts.get(*certificates, "enabled") is True:
            yield ("cert-manager",), certificates


def _of_routes(facts: Facts) -> Iterator[_Need]:
    backends = _backends(facts)
    for name, route in routes(facts):
        backend = backends.get(str(route.get("service")))
        # With Grafana alone turned off, its route, on by default, leads nowhere: nothing waits for it.
        chosen = facts.chosen((*ROUTES, name, "enabled"))
        if backend and (chosen or len(backend) == 1 or not facts.enabled(str(backend[0]))):
            yield backend, (*ROUTES, name)
    controller = facts.get("ingress-nginx", "controller", "ingressClassResource", "name")
    if any(routes(facts)) and facts.get("global", "platform", "ingressClass") == (controller or "nginx"):
        yield ("ingress-nginx",), (ROUTES[0],)


def _backends(facts: Facts) -> dict[str, Path]:
    """The components' services by name, as their charts make them."""
    stack = facts.get(_KPS, "fullnameOverride") or _KPS
    return {
        f"{stack}-prometheus": (_KPS, "prometheus"),
        f"{stack}-alertmanager": (_KPS, "alertmanager"),
        str(facts.get(_KPS, "grafana", "fullnameOverride") or "grafana"): (_KPS, "grafana"),
        str(facts.get("kibana", "fullnameOverride") or "kibana"): ("kibana",),
        SERVICE: ("elasticsearch",),
    }


RULES = (
    Rule(
        "needed-component",
        "what a component needs is turned on",
        "what needs it never becomes ready, or waits for an answer that does not come",
        _missing,
    ),
)
