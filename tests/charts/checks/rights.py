"""What service accounts may do: who reads Secrets without naming them, of the whole cluster or of a
namespace; whose rights are wildcards; and which pods hold a token that they cannot use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.charts.checks.model import Object, Platform
from tests.charts.checks.pods import Pods, pods_of

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

#: Roles of upstream charts with a wildcard, and why. Ours have none.
WILDCARDS = {
    (
        "ClusterRole",
        "kube-prometheus-stack-operator",
    ): "all verbs for what it makes: its own kinds, StatefulSets, ConfigMaps and Secrets",
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


def sweeping(platform: Platform) -> list[str]:
    """Roles that allow whatever there may be one day, and are not listed above."""
    fields = ("apiGroups", "resources", "verbs", "nonResourceURLs", "resourceNames")
    return sorted(
        f"{role}: any of {field}"
        for role in platform.of_kind("ClusterRole", "Role")
        if (role.kind, role.name) not in WILDCARDS or _is_ours(role)
        for field in fields
        if any("*" in rule.get(field, ()) for rule in role.data.get("rules") or [])
    )


def _is_ours(obj: Object) -> bool:
    return not obj.component or obj.component.startswith("depin-")


def misplaced_tokens(platform: Platform) -> list[str]:
    """Pods with a token of an account that may do nothing, or is not theirs alone; and those that do not get
    the token of an account that was given rights for them.
    """
    problems = []
    entitled = {
        (subject.get("namespace") or binding.namespace, subject["name"])
        for binding in platform.of_kind("ClusterRoleBinding", "RoleBinding")
        for subject in binding.data.get("subjects") or []
        if subject["kind"] == "ServiceAccount"
    }
    for pods in pods_of(platform):
        mounted, rights = _has_token(pods, platform), (pods.owner.namespace, pods.account) in entitled
        if mounted and pods.account == "default":
            problems.append(f"{pods.owner} has the token that its whole namespace shares")
        elif mounted and not rights:
            problems.append(f"{pods.owner} has a token that lets it do nothing")
        elif rights and not mounted:
            problems.append(f"{pods.owner} cannot use the rights of {pods.account}")
    return sorted(problems)


def _has_token(pods: Pods, platform: Platform) -> bool:
    """Whether the API server gives the pods a token: the pod's word counts before its account's."""
    account = platform.by_id.get(("ServiceAccount", pods.owner.namespace, pods.account))
    for said in (pods.spec, account.data if account else {}):
        if said.get("automountServiceAccountToken") is not None:
            return bool(said["automountServiceAccountToken"])
    return True


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
