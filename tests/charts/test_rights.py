"""Nobody reads Secrets that are none of their business, may do everything, or has a token for nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.charts.checks.model import Platform
from tests.charts.checks.rights import curious, misplaced_tokens, sweeping
from tests.charts.mutants import Change, broken, pod

GRAFANA = "ServiceAccount monitoring/grafana may read all Secrets of"


def test_only_those_who_must_may_read_secrets_that_they_do_not_name(platform: Platform) -> None:
    assert curious(platform) == []


@pytest.mark.usefixtures("real_charts")
def test_grafana_looks_for_config_maps_of_its_own_namespace(platform: Platform) -> None:
    (grafana,) = (obj for obj in platform.of_kind("Deployment") if obj.name == "grafana")
    sidecars = [
        {variable["name"]: variable.get("value") for variable in container["env"]}
        for container in grafana.data["spec"]["template"]["spec"]["containers"]
        if container["name"].startswith("grafana-sc-")
    ]
    assert [(each["RESOURCE"], each["NAMESPACE"]) for each in sidecars] == [("configmap", "monitoring")] * 2
    labels = {each["LABEL"] for each in sidecars}
    homes = {obj.namespace for obj in platform.of_kind("ConfigMap") if labels & obj.labels.keys()}
    assert homes == {"monitoring"}


def rule(**fields: list[str]) -> Change:
    whole = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}
    return lambda data: data["rules"].append({**whole, **fields})


def to_role(name: str) -> Change:
    def change(data: dict[str, Any]) -> None:
        data["roleRef"].update(kind="ClusterRole", name=name)

    return change


MUTANTS: dict[str, tuple[str, str, Change, list[str]]] = {
    "Secrets of its namespace": (
        "Role",
        "grafana-sidecars",
        rule(),
        [f"{GRAFANA} monitoring, by Role grafana-sidecars"],
    ),
    "every resource": (
        "Role",
        "grafana-sidecars",
        rule(resources=["*"], verbs=["*"], apiGroups=["*"]),
        [f"{GRAFANA} monitoring, by Role grafana-sidecars"],
    ),
    "one Secret": ("Role", "grafana-sidecars", rule(verbs=["get"], resourceNames=["grafana-admin"]), []),
    "writing only": ("Role", "grafana-sidecars", rule(verbs=["create"]), []),
    "another API's secrets": ("Role", "grafana-sidecars", rule(apiGroups=["example.com"]), []),
    "a role of Kubernetes": (
        "RoleBinding",
        "grafana",
        to_role("edit"),
        [f"{GRAFANA} monitoring, by ClusterRole edit"],
    ),
    "a cluster-wide role in one namespace": (
        "RoleBinding",
        "grafana",
        to_role("cert-manager-cainjector"),
        [f"{GRAFANA} monitoring, by ClusterRole cert-manager-cainjector"],
    ),
    "Secrets of the cluster": (
        "ClusterRole",
        "depin-fluent-bit",
        rule(verbs=["get"]),
        [
            "ServiceAccount node-agents/fluent-bit may read all Secrets of the cluster, "
            "by ClusterRole depin-fluent-bit"
        ],
    ),
    "everybody": (
        "ClusterRoleBinding",
        "cert-manager-cainjector",
        lambda data: data.update(subjects=[{"kind": "Group", "name": "system:authenticated"}]),
        [
            "Group system:authenticated may read all Secrets of the cluster, "
            "by ClusterRole cert-manager-cainjector"
        ],
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_whoever_may_read_others_secrets_is_found(prod: Platform, mutant: str) -> None:
    kind, name, change, problems = MUTANTS[mutant]
    assert curious(broken(prod, kind, name, change)) == problems


def test_no_role_is_a_wildcard_but_the_operators(platform: Platform) -> None:
    assert sweeping(platform) == []


@pytest.mark.parametrize(
    ("kind", "name", "field"),
    [
        ("Role", "grafana-sidecars", "verbs"),
        ("Role", "grafana-sidecars", "resources"),
        ("ClusterRole", "depin-fluent-bit", "apiGroups"),
    ],
)
def test_a_wildcard_is_found(prod: Platform, kind: str, name: str, field: str) -> None:
    (problem,) = sweeping(broken(prod, kind, name, rule(**{field: ["*"]})))
    assert problem.startswith(kind)
    assert problem.endswith(f"{name}: any of {field}")


def test_a_wildcard_of_ours_is_found_whatever_its_name(prod: Platform) -> None:
    name = "kube-prometheus-stack-operator"
    mine = replace(prod.by_id["ClusterRole", "", name], component="depin-foundation")
    mutant = replace(prod, objects=(*prod.objects, mine))
    assert sweeping(mutant) == [f"ClusterRole {name}: any of verbs"]


@pytest.mark.usefixtures("real_charts")
def test_a_pod_has_a_token_where_its_own_account_has_rights(platform: Platform) -> None:
    assert misplaced_tokens(platform) == []


TOKENS: dict[str, tuple[str, str, Change, list[str]]] = {
    "of an account that may do nothing": (
        "Alertmanager",
        "kube-prometheus-stack-alertmanager",
        lambda data: data["spec"].pop("automountServiceAccountToken"),
        ["Alertmanager monitoring/kube-prometheus-stack-alertmanager has a token that lets it do nothing"],
    ),
    "of an account that may do nothing any more": (
        "RoleBinding",
        "grafana",
        lambda data: data.update(subjects=[]),
        ["Deployment monitoring/grafana has a token that lets it do nothing"],
    ),
    "of its whole namespace": (
        "Deployment",
        "kibana",
        lambda data: pod(data).pop("automountServiceAccountToken"),
        ["Deployment logging/kibana has the token that its whole namespace shares"],
    ),
    "withheld": (
        "DaemonSet",
        "fluent-bit",
        lambda data: pod(data).update(automountServiceAccountToken=False),
        ["DaemonSet node-agents/fluent-bit cannot use the rights of fluent-bit"],
    ),
    "withheld by the account": (
        "ServiceAccount",
        "fluent-bit",
        lambda data: data.update(automountServiceAccountToken=False),
        ["DaemonSet node-agents/fluent-bit cannot use the rights of fluent-bit"],
    ),
}


@pytest.mark.parametrize("mutant", TOKENS)
def test_a_token_in_the_wrong_place_is_found(prod: Platform, mutant: str) -> None:
    kind, name, change, problems = TOKENS[mutant]
    assert misplaced_tokens(broken(prod, kind, name, change)) == problems
