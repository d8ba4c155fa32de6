"""Which connections the rendered objects need: read from what they say, not from the policies' source."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.charts.checks import addresses, cluster
from tests.charts.checks.model import Object, Platform, matches
from tests.charts.checks.network import (
    ACME,
    API_SERVER,
    APPLICATION,
    CLIENT,
    EDGE,
    NODE,
    RECEIVER,
    End,
    Port,
    cluster_dns,
    pods,
)


class Flow(NamedTuple):
    """Somebody who needs to reach somebody, and the reason."""

    source: End
    target: End
    port: Port
    why: str

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}:{self.port[1]}/{self.port[0]} ({self.why})"


#: Control-plane parts that a monitor may be turned on for: on the nodes' network, at these ports.
CONTROL_PLANE = {10257: "controller manager", 10259: "scheduler", 2381: "etcd", 10249: "kube-proxy"}
#: Either, depending on the cluster: policies see the port after the Service's translation.
_API_PORTS = (443, 6443)


class World:
    """The ends of a platform: its pods, those that it gets while it runs, and the cluster's."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.dns = cluster_dns()
        self.rendered = list(pods(platform))
        self.solvers = [_solver(namespace) for namespace in sorted(_acme_namespaces(platform))]

    @property
    def pods(self) -> list[End]:
        """The platform's own."""
        return [*self.rendered, *self.solvers]

    def called(self, name: str) -> list[End]:
        """The pod of that name, if the platform has it."""
        return [end for end in self.rendered if end.owner and end.owner.name == name]

    @functools.cached_property
    def needed(self) -> tuple[Flow, ...]:
        """Everything that must be open."""
        return (
            *self._names(),
            *self._api_clients(),
            *self._webhooks(),
            *self._scrapes(),
            *self._routes(),
            *self._configured(),
            *self._peers(),
            *(self.acme() if self.solvers else ()),
            *(self.external_edges() if any(self.platform.of_kind("ScrapeConfig")) else ()),
        )

    @functools.cached_property
    def allowed(self) -> frozenset[tuple[str, str, Port]]:
        """What may be open: the above, and what parts that are off here would need."""
        nodes = {
            (prometheus.name, NODE.name, ("TCP", port))
            for prometheus in self.called("kube-prometheus-stack-prometheus")
            for port in CONTROL_PLANE
        }
        optional = (*self.acme(), *self.external_edges())
        wanted = {(flow.source.name, flow.target.name, flow.port) for flow in (*self.needed, *optional)}
        return frozenset(wanted | nodes)

    def external_edges(self) -> Iterator[Flow]:
        """What edge nodes outside of the cluster need, and whoever lists them."""
        for prometheus in self.called("kube-prometheus-stack-prometheus"):
            yield Flow(prometheus, EDGE, ("TCP", 443), "external edges")

    def acme(self) -> Iterator[Flow]:
        """What a public certificate needs; cert-manager tests the answer through the ingress controller."""
        for manager in self.called("cert-manager"):
            for port in (("TCP", 443), ("TCP", 80), ("TCP", 53), ("UDP", 53)):
                yield Flow(manager, ACME, port, "ACME")
            for ingress in self.called("ingress-nginx-controller"):
                for number in (80, 443):
                    yield Flow(manager, ingress, ("TCP", number), "test of the HTTP-01 answer")
        for ingress in self.called("ingress-nginx-controller"):
            for solver in self.solvers:
                yield Flow(ingress, solver, ("TCP", 8089), "HTTP-01 answer")

    def _names(self) -> Iterator[Flow]:
        for end in self.pods:
            for protocol in ("UDP", "TCP"):
                yield Flow(end, self.dns, (protocol, 53), "names")

    def _api_clients(self) -> Iterator[Flow]:
        """Pods whose service account somebody has given a role, and that get its token."""
        bound = {
            (subject.get("namespace") or binding.namespace, subject["name"])
            for binding in self.platform.of_kind("RoleBinding", "ClusterRoleBinding")
            for subject in binding.data["subjects"]
            if subject["kind"] == "ServiceAccount"
        }
        for end in self.rendered:
            spec = _spec(end)
            account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
            if (end.namespace, account) in bound and spec.get("automountServiceAccountToken") is not False:
                for number in _API_PORTS:
                    yield Flow(end, API_SERVER, ("TCP", number), "API client")

    def _webhooks(self) -> Iterator[Flow]:
        kinds = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
        for configuration in self.platform.of_kind(*kinds):
            for webhook in configuration.data["webhooks"]:
                service = webhook["clientConfig"]["service"]
                found = self._behind(service["namespace"], service["name"], service.get("port", 443))
                for target, port in found:
                    yield Flow(API_SERVER, target, port, f"webhook {webhook['name']}")

    def _scrapes(self) -> Iterator[Flow]:
        # The one PodMonitor is for pods of other namespaces.
        monitors = {monitor.name for monitor in self.platform.of_kind("PodMonitor", "Probe")}
        assert monitors <= {"depin-pods"}, "not looked at yet"
        for prometheus in self.called("kube-prometheus-stack-prometheus"):
            for monitor in self.platform.of_kind("ServiceMonitor"):
                # That one is for Services of other namespaces.
                for target, port in () if monitor.name == "depin-services" else self._scraped(monitor):
                    yield Flow(prometheus, target, port, f"monitor {monitor.name}")
            (port,) = APPLICATION.ports
            yield Flow(prometheus, APPLICATION, port, "monitors of other namespaces")

    def _scraped(self, monitor: Object) -> Iterator[tuple[End, Port]]:
        spec = monitor.data["spec"]
        spaces = (spec.get("namespaceSelector") or {}).get("matchNames") or [monitor.namespace]
        for endpoint in spec["endpoints"]:
            for service in self.platform.of_kind("Service"):
                if service.namespace in spaces and matches(spec["selector"], service.labels):
                    if "targetPort" in endpoint:  # the pods' own, whatever the Service makes of it
                        yield from self._targets(service, {"port": endpoint["targetPort"]})
                    for port in service.data["spec"]["ports"]:
                        if endpoint.get("port") == port.get("name", ""):
                            yield from self._targets(service, port)
            for (namespace, name), given in cluster.SERVICES.items():
                if namespace in spaces and matches(spec["selector"], given["labels"]):
                    yield from _of_the_cluster(name, given["ports"][endpoint["port"]])
        if "node-exporter" in monitor.name:  # on its node's network
            yield NODE, ("TCP", 9100)

    def _routes(self) -> Iterator[Flow]:
        for ingress in self.called("ingress-nginx-controller"):
            for number in (80, 443):
                yield Flow(CLIENT, ingress, ("TCP", number), "clients")
            for route in self.platform.of_kind("Ingress"):
                for rule in route.data["spec"]["rules"]:
                    for path in rule["http"]["paths"]:
                        service = path["backend"]["service"]
                        behind = self._behind(route.namespace, service["name"], service["port"]["number"])
                        for target, port in behind:
                            yield Flow(ingress, target, port, f"route {route.name}")
            (port,) = APPLICATION.ports
            yield Flow(ingress, APPLICATION, port, "other Ingresses")

    def _configured(self) -> Iterator[Flow]:
        """Services whose address stands in a pod's template or in a ConfigMap that it reads."""
        for end in self.rendered:
            for obj in self._read_by(end):
                for _, namespace, name, number in addresses.services_in(obj, self.platform):
                    for target, port in self._behind(namespace, name, number):
                        if target is not end:
                            yield Flow(end, target, port, f"{name} in {obj}")
            for alerting in _alerting(end):
                behind = self._behind(alerting["namespace"], alerting["name"], alerting["port"])
                for target, port in behind:
                    yield Flow(end, target, port, "alerts")

    def _read_by(self, end: End) -> Iterator[Object]:
        assert end.owner is not None
        yield end.owner
        named = {
            volume["configMap"]["name"] for volume in _spec(end).get("volumes") or [] if "configMap" in volume
        }
        for config in self.platform.of_kind("ConfigMap"):
            sidecar = end.owner.name == "grafana" and "grafana_datasource" in config.labels
            if config.namespace == end.namespace and (config.name in named or sidecar):
                yield config

    def _peers(self) -> Iterator[Flow]:
        for end in self.rendered:
            for name, number in end.named.items():
                # Elasticsearch's and Alertmanager's; Grafana's gossip is for several Grafanas with alerting.
                if name in ("transport", "mesh-tcp", "mesh-udp"):
                    yield Flow(end, end, ("UDP" if name == "mesh-udp" else "TCP", number), "peers")
            if end.owner and end.owner.kind == "Alertmanager":
                for number in (443, 587):
                    yield Flow(end, RECEIVER, ("TCP", number), "notifications")

    def _behind(self, namespace: str, name: str, port: str | int) -> Iterator[tuple[End, Port]]:
        service = self.platform.by_id.get(("Service", namespace, name))
        if service is None:
            return
        for entry in service.data["spec"]["ports"]:
            if port in (entry.get("name"), entry["port"]):
                yield from self._targets(service, entry)

    def _targets(self, service: Object, entry: Mapping[str, Any]) -> Iterator[tuple[End, Port]]:
        """A Service's pods, each with the port that `entry` leads to."""
        wanted = entry.get("targetPort", entry["port"])
        protocol = entry.get("protocol", "TCP")
        found = False
        for end in (*self.rendered, self.dns):
            selected = matches({"matchLabels": service.data["spec"].get("selector")}, end.labels)
            if end.namespace == service.namespace and selected:
                found = True
                number = end.named.get(wanted, wanted)
                if (protocol, number) in end.ports:
                    yield end, (protocol, number)
        if not found and service.namespace == "kube-system":  # the control plane's, on the nodes' network
            yield NODE, (protocol, int(wanted))


def _spec(end: End) -> Mapping[str, Any]:
    assert end.owner is not None
    data = end.owner.data["spec"]
    return dict(data["template"]["spec"] if "template" in data else data)


def _of_the_cluster(service: str, port: int) -> Iterator[tuple[End, Port]]:
    if service == "kubernetes":
        yield from ((API_SERVER, ("TCP", number)) for number in _API_PORTS)
    else:
        yield NODE, ("TCP", port)


def _alerting(end: End) -> list[dict[str, Any]]:
    if end.owner is None or end.owner.kind != "Prometheus":
        return []
    return list((end.owner.data["spec"].get("alerting") or {}).get("alertmanagers") or [])


def _solver(namespace: str) -> End:
    labels = {"acme.cert-manager.io/http01-solver": "true"}
    return End(f"{namespace}/solver", namespace, labels, ports=frozenset({("TCP", 8089)}))


def _acme_namespaces(platform: Platform) -> set[str]:
    """Where cert-manager has to start a pod that answers ACME's question."""
    issuers = {issuer.name for issuer in platform.of_kind("ClusterIssuer") if "acme" in issuer.data["spec"]}
    return {
        certificate.namespace
        for certificate in platform.of_kind("Certificate")
        if certificate.data["spec"]["issuerRef"]["name"] in issuers
    }
