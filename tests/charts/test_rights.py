"""Nobody reads Secrets that are none of their business."""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts.checks.model import Platform
from tests.charts.checks.rights import curious
from tests.charts.mutants import Change, broken

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
        "fluent-bit",
        rule(verbs=["get"]),
        [
            "ServiceAccount node-agents/fluent-bit may read all Secrets of the cluster, "
            "by ClusterRole fluent-bit"
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
