"""Stand-ins for upstream CRDs: same names, any content. The real ones come out of the upstream archives."""

from __future__ import annotations

from typing import Any


def crd(group: str, version: str, kind: str, plural: str, scope: str = "Namespaced") -> dict[str, Any]:
    """A CRD with a status subresource that lets everything through."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {
                        "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                    },
                }
            ],
        },
    }


CERT_MANAGER = [
    crd("cert-manager.io", "v1", "Certificate", "certificates"),
    crd("cert-manager.io", "v1", "Issuer", "issuers"),
    crd("cert-manager.io", "v1", "ClusterIssuer", "clusterissuers", "Cluster"),
]

MONITORING = [
    *(
        crd("monitoring.coreos.com", "v1", kind, plural)
        for kind, plural in (
            ("Prometheus", "prometheuses"),
            ("Alertmanager", "alertmanagers"),
            ("ServiceMonitor", "servicemonitors"),
            ("PodMonitor", "podmonitors"),
            ("Probe", "probes"),
            ("PrometheusRule", "prometheusrules"),
            ("ThanosRuler", "thanosrulers"),
        )
    ),
    *(
        crd("monitoring.coreos.com", "v1alpha1", kind, plural)
        for kind, plural in (
            ("AlertmanagerConfig", "alertmanagerconfigs"),
            ("PrometheusAgent", "prometheusagents"),
            ("ScrapeConfig", "scrapeconfigs"),
        )
    ),
]
