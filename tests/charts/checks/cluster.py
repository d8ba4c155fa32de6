"""As data: what the objects rely on and no chart renders, and who brings it."""

from __future__ import annotations

from typing import Any, NamedTuple

#: Made by whoever runs the cluster, and named in the requirements.
STORAGE_CLASSES = frozenset({"fast-ssd", "standard-storage"})

#: Kubernetes makes these itself.
PRIORITY_CLASSES = frozenset({"system-cluster-critical", "system-node-critical"})
SERVICE_ACCOUNTS = frozenset({"default"})  # in every namespace
CLUSTER_ROLES = frozenset({"admin", "edit", "view", "cluster-admin", "system:auth-delegator"})
NAMESPACES = frozenset({"default", "kube-system"})


class Made(NamedTuple):
    """An object that a rendered one (`by`: kind, namespace, name) makes once it runs."""

    id: tuple[str, str, str]
    keys: frozenset[str]
    by: tuple[str, str, str]
    reason: str


MADE = (
    Made(
        ("Secret", "cert-manager", "cert-manager-webhook-ca"),
        frozenset({"ca.crt", "tls.crt", "tls.key"}),
        ("Deployment", "cert-manager", "cert-manager-webhook"),
        "cert-manager's webhook makes and renews its own authority (--dynamic-serving-ca-secret-name)",
    ),
    Made(
        ("Secret", "ingress-nginx", "ingress-nginx-admission"),
        frozenset({"ca", "cert", "key"}),
        ("Job", "ingress-nginx", "ingress-nginx-admission-create"),
        "a hook of a plain release, where cert-manager cannot issue yet",
    ),
    Made(
        ("Secret", "monitoring", "kube-prometheus-stack-admission"),
        frozenset({"ca", "cert", "key"}),
        ("Job", "monitoring", "kube-prometheus-stack-admission-create"),
        "a hook of a plain release, where cert-manager cannot issue yet",
    ),
    Made(
        ("Secret", "logging", "kibana-es-token"),
        frozenset({"token"}),
        ("Job", "logging", "pre-install-kibana"),
        "Kibana's chart asks Elasticsearch for it; in layers secrets.yaml has it",
    ),
    Made(
        ("Service", "kube-system", "kube-prometheus-stack-kubelet"),
        frozenset(),
        ("Deployment", "monitoring", "kube-prometheus-stack-operator"),
        "prometheus-operator keeps a Service and Endpoints of all kubelets (--kubelet-service)",
    ),
)

#: Services of the cluster and of prometheus-operator that monitors select: labels, and names of ports.
SERVICES: dict[tuple[str, str], dict[str, Any]] = {
    ("default", "kubernetes"): {
        "labels": {"component": "apiserver", "provider": "kubernetes"},
        "ports": {"https": 443},
    },
    ("kube-system", "kube-prometheus-stack-kubelet"): {
        "labels": {"k8s-app": "kubelet", "app.kubernetes.io/name": "kubelet"},
        "ports": {"https-metrics": 10250, "http-metrics": 10255, "cadvisor": 4194},
    },
}

#: A pod and a Service of somebody who does as docs/metrics.md says: namespace, labels, names of ports.
DISCOVERED = ("shop", {"depin.ai/metrics": "true"}, frozenset({"metrics"}))

#: Pods of the cluster that our Services select: namespace, labels, and ports (CoreDNS as kubeadm sets it up).
PODS: tuple[tuple[str, dict[str, str], list[dict[str, Any]]], ...] = (
    (
        "kube-system",
        {"k8s-app": "kube-dns"},
        [
            {"name": "dns", "containerPort": 53},
            {"name": "dns-tcp", "containerPort": 53},
            {"name": "metrics", "containerPort": 9153},
        ],
    ),
)
