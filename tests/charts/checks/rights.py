"""Who may read Secrets without naming them: of the whole cluster, or of a namespace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.charts.checks.model import Object, Platform

#: Service accounts that cannot work without the Secrets of every namespace, and why.
CLUSTER_READERS = {
    ("cert-manager", "cert-manager"): "writes and renews the Secret of each Certificate",
    ("cert-manager", "cert-manager-cainjector"): "copies authorities out of Secrets into webhooks",
    ("ingress-nginx", "ingress-nginx"): "serves with the certificates, and asks for the logins, of Ingresses",
    ("monitoring", "kube-prometheus-stack-operator"): "keeps the configuration of Prometheus in Secrets, "
    "and reads those that monitors of any namespace name",
    ("monitoring", "kube-state-metrics"): "counts all objects, and shows no Secret's data in its metrics",
}
#: As above, for the Secrets of the account's own namespace.
NAMESPACE_READERS = {
    ("ingress-nginx", "ingress-nginx-admission"): "a hook of a plain release, which makes a certificate",
    ("monitoring", "kube-prometheus-stack-admission"): "a hook of a plain release, which makes a certificate",
}

#: Roles of Kubernetes itself that let Secrets be read.
READING = frozenset({"admin", "edit", "cluster-admin"})
VERBS = frozenset({"get", "list", "watch", "*"})


def curious(platform: Platform) -> list[str]:
    """Subjects that may read all Secrets, of the cluster or of a namespace, and are not listed above."""
    problems = set()
    for binding in platform.of_kind("ClusterRoleBinding", "RoleBinding"):
        role = binding.data["roleRef"]
        rules = list(_rules(platform, binding, role))
        if role["name"] not in READING and not any(map(_reads, rules)):
            continue
        where = binding.namespace or "the cluster"
        allowed = {**CLUSTER_READERS, **(NAMESPACE_READERS if binding.namespace else {})}
        problems |= {
            f"{_text(subject)} may read all Secrets of {where}, by {role['kind']} {role['name']}"
            for subject in binding.data.get("subjects") or []
            if subject["kind"] != "ServiceAccount"
            or (subject.get("namespace") or binding.namespace, subject["name"]) not in allowed
        }
    return sorted(problems)


def _rules(platform: Platform, binding: Object, role: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    namespace = binding.namespace if role["kind"] == "Role" else ""
    if found := platform.by_id.get((role["kind"], namespace, role["name"])):
        yield from found.data.get("rules") or []


def _reads(rule: Mapping[str, Any]) -> bool:
    return (
        not {"", "*"}.isdisjoint(rule.get("apiGroups") or [])
        and not {"secrets", "*"}.isdisjoint(rule.get("resources") or [])
        and not VERBS.isdisjoint(rule["verbs"])
        and not rule.get("resourceNames")
    )


def _text(subject: Mapping[str, Any]) -> str:
    namespace = f"{subject['namespace']}/" if "namespace" in subject else ""
    return f"{subject['kind']} {namespace}{subject['name']}"
