"""Requests, limits, storage and heaps are what the platform promises."""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts.checks.model import Platform
from tests.charts.checks.pods import pods_of
from tests.charts.checks.resources import (
    Row,
    deviations,
    misplaced,
    not_everywhere,
    oversized_heaps,
    quantity,
    unkept,
    unlimited,
)
from tests.charts.mutants import Change, broken, container, pod

RETENTION = (("retention", "30d"), ("retentionSize", "10GB"))

#: Workload, container; CPU and memory requested, CPU and memory at most; storage of each pod.
TABLE = (
    Row(
        "Prometheus",
        "kube-prometheus-stack-prometheus",
        "prometheus",
        *("100m", "512Mi", "1000m", "2Gi"),
        *("50Gi", "fast-ssd"),
        fields=RETENTION,
    ),
    Row("Deployment", "grafana", "grafana", "100m", "128Mi", "500m", "512Mi", "10Gi", "standard-storage"),
    Row(
        "Alertmanager",
        "kube-prometheus-stack-alertmanager",
        "alertmanager",
        *("100m", "128Mi", "500m", "512Mi"),
        *("10Gi", "standard-storage"),
    ),
    Row(
        "StatefulSet",
        "elasticsearch-master",
        "elasticsearch",
        *("100m", "1Gi", "1000m", "2Gi"),
        *("100Gi", "fast-ssd"),
        replicas=3,
    ),
    Row("DaemonSet", "fluent-bit", "fluent-bit", "100m", "64Mi", "500m", "512Mi"),
    Row("Deployment", "kibana", "kibana", "100m", "512Mi", "1000m", "1Gi"),
    Row("Deployment", "ingress-nginx-controller", "controller", "100m", "128Mi", "1000m", "1Gi"),
    Row("Deployment", "cert-manager", "cert-manager-controller", "10m", "32Mi", "500m", "512Mi"),
    Row("Deployment", "cert-manager-webhook", "cert-manager-webhook", "10m", "32Mi", "500m", "512Mi"),
    Row("Deployment", "cert-manager-cainjector", "cert-manager-cainjector", "10m", "32Mi", "500m", "512Mi"),
)


def test_prod_has_exactly_these_resources(prod: Platform) -> None:
    assert deviations(prod, TABLE) == []


@pytest.mark.usefixtures("real_charts")
def test_the_charts_defaults_have_exactly_these_resources(plain_with_kibana: Platform) -> None:
    assert deviations(plain_with_kibana, TABLE) == []


def test_fluent_bit_runs_on_every_node(platform: Platform) -> None:
    (daemon,) = (obj for obj in platform.of_kind("DaemonSet") if obj.name == "fluent-bit")
    if platform.real:
        assert not_everywhere(daemon) == []


def test_every_container_has_requests_and_limits(platform: Platform) -> None:
    assert unlimited(platform) == []


def test_every_volume_is_of_the_class_that_the_platform_names(platform: Platform) -> None:
    assert misplaced(platform) == []


def test_every_heap_fits_into_its_container(platform: Platform) -> None:
    assert oversized_heaps(platform) == []


@pytest.mark.usefixtures("real_charts")
def test_kibana_has_a_heap_of_its_own(layered: Platform) -> None:
    (kibana,) = [pods for pods in pods_of(layered) if pods.owner.name == "kibana"]
    options = next(each for each in kibana.containers[0]["env"] if each["name"] == "NODE_OPTIONS")
    assert "--max-old-space-size=" in options["value"]


def resources(data: dict[str, Any]) -> Any:
    return container(data)["resources"]


MUTANTS: dict[str, tuple[str, str, Change, str]] = {
    "a request": (
        "Deployment",
        "kibana",
        lambda data: resources(data)["requests"].update(cpu="1"),
        "Deployment logging/kibana: requests 1 cpu, not 100m",
    ),
    "a limit": (
        "Prometheus",
        "kube-prometheus-stack-prometheus",
        lambda data: data["spec"]["resources"]["limits"].update(memory="2G"),
        "Prometheus monitoring/kube-prometheus-stack-prometheus: limits 2G memory, not 2Gi",
    ),
    "no limit": (
        "DaemonSet",
        "fluent-bit",
        lambda data: resources(data)["limits"].pop("cpu"),
        "DaemonSet node-agents/fluent-bit: limits None cpu, not 500m",
    ),
    "a size": (
        "PersistentVolumeClaim",
        "grafana",
        lambda data: data["spec"]["resources"]["requests"].update(storage="1Gi"),
        "Deployment monitoring/grafana: claims [('1Gi', 'standard-storage')], "
        "not [('10Gi', 'standard-storage')]",
    ),
    "a class": (
        "Alertmanager",
        "kube-prometheus-stack-alertmanager",
        lambda data: data["spec"]["storage"]["volumeClaimTemplate"]["spec"].update(
            storageClassName="fast-ssd"
        ),
        "Alertmanager monitoring/kube-prometheus-stack-alertmanager: claims [('10Gi', 'fast-ssd')], "
        "not [('10Gi', 'standard-storage')]",
    ),
    "no volume": (
        "StatefulSet",
        "elasticsearch-master",
        lambda data: data["spec"].pop("volumeClaimTemplates"),
        "StatefulSet logging/elasticsearch-master: claims [], not [('100Gi', 'fast-ssd')]",
    ),
    "the number of nodes": (
        "StatefulSet",
        "elasticsearch-master",
        lambda data: data["spec"].update(replicas=1),
        "StatefulSet logging/elasticsearch-master: 1 replicas, not 3",
    ),
    "the retention": (
        "Prometheus",
        "kube-prometheus-stack-prometheus",
        lambda data: data["spec"].update(retention="10d"),
        "Prometheus monitoring/kube-prometheus-stack-prometheus: retention 10d, not 30d",
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_deviation_from_the_table_is_found(prod: Platform, mutant: str) -> None:
    kind, name, change, problem = MUTANTS[mutant]
    assert deviations(broken(prod, kind, name, change), TABLE) == [problem]


@pytest.mark.usefixtures("real_charts")
def test_every_claim_outlives_its_release(platform: Platform) -> None:
    assert unkept(platform) == []


@pytest.mark.parametrize(
    ("kind", "name", "change", "problem"),
    [
        (
            "PersistentVolumeClaim",
            "grafana",
            lambda data: data["metadata"].pop("annotations"),
            "PersistentVolumeClaim monitoring/grafana: helm.sh/resource-policy is None, not keep",
        ),
        (
            "StatefulSet",
            "elasticsearch-master",
            lambda data: data["spec"].update(persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete"}),
            "StatefulSet logging/elasticsearch-master: its claims are deleted whenDeleted",
        ),
        (
            "Prometheus",
            "kube-prometheus-stack-prometheus",
            lambda data: data["spec"].update(persistentVolumeClaimRetentionPolicy={"whenScaled": "Delete"}),
            "Prometheus monitoring/kube-prometheus-stack-prometheus: its claims are deleted whenScaled",
        ),
    ],
)
def test_a_claim_that_an_uninstall_would_delete_is_found(
    prod: Platform, kind: str, name: str, change: Change, problem: str
) -> None:
    assert unkept(broken(prod, kind, name, change)) == [problem]


def test_containers_without_limits_are_found(prod: Platform) -> None:
    mutant = broken(prod, "Deployment", "grafana", lambda data: resources(data).pop("limits"))
    assert unlimited(mutant) == [
        f"Deployment monitoring/grafana: grafana-sc-dashboard has no {resource} in limits"
        for resource in ("cpu", "memory")
    ]


def test_sidecars_that_the_operator_adds_without_limits_are_found(prod: Platform) -> None:
    def unlimit(data: dict[str, Any]) -> None:
        arguments = container(data)["args"]
        arguments[arguments.index("--config-reloader-cpu-limit=100m")] = "--config-reloader-cpu-limit=0"

    assert unlimited(broken(prod, "Deployment", "kube-prometheus-stack-operator", unlimit)) == [
        f"{kind} monitoring/kube-prometheus-stack-{kind.lower()}: {name} has no cpu in limits"
        for kind in ("Alertmanager", "Prometheus")
        for name in ("config-reloader", "init-config-reloader")
    ]


@pytest.mark.parametrize("environment", ["prod", "edge"])
def test_a_class_that_the_chart_does_not_take_from_the_platform_is_held_to_it(
    renderer: Any, environment: str
) -> None:
    platform: Platform = renderer.layered(environment)
    fast = platform.values["global"]["platform"]["storageClasses"]["fast"]

    def forget(data: dict[str, Any]) -> None:
        data["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = "other"

    assert misplaced(broken(platform, "StatefulSet", "elasticsearch-master", forget)) == [
        f"StatefulSet logging/elasticsearch-master stores on other, not on the fast class, {fast}"
    ]


@pytest.mark.parametrize(
    ("kind", "name", "setting", "value", "problem"),
    [
        (
            "StatefulSet",
            "elasticsearch-master",
            "ES_JAVA_OPTS",
            "-Xms1g -Xmx1100m",
            "StatefulSet logging/elasticsearch-master: a heap of 1100m does not fit into 2Gi",
        ),
        (
            "Deployment",
            "kibana",
            "NODE_OPTIONS",
            "--max-old-space-size=1800",
            "Deployment logging/kibana: a heap of 1800 does not fit into 1Gi",
        ),
    ],
)
def test_a_heap_that_does_not_fit_is_found(
    prod: Platform, kind: str, name: str, setting: str, value: str, problem: str
) -> None:
    given = {"name": setting, "value": value}
    mutant = broken(prod, kind, name, lambda data: container(data)["env"].append(given))
    assert oversized_heaps(mutant) == [problem]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda pod: pod.update(nodeSelector={"logs": "yes"}), "nodeSelector"),
        (lambda pod: pod.pop("tolerations"), "no toleration of every taint"),
        (lambda pod: pod["tolerations"][0].update(effect="NoSchedule"), "no toleration of every taint"),
    ],
)
def test_a_node_without_fluent_bit_is_found(prod: Platform, change: Change, problem: str) -> None:
    mutant = broken(prod, "DaemonSet", "fluent-bit", lambda data: change(pod(data)))
    (daemon,) = (obj for obj in mutant.of_kind("DaemonSet") if obj.name == "fluent-bit")
    assert not_everywhere(daemon) == [f"DaemonSet node-agents/fluent-bit: {problem}"]


def test_quantities_are_compared_as_numbers() -> None:
    assert quantity("1000m") == quantity(1)
    assert quantity("1Gi") == quantity("1024Mi") != quantity("1G")
