"""Amounts that do not fit into each other are found, in whatever unit they are written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from depin_helm.grammar import java_bytes, prometheus_bytes, quantity
from tests.unit.rules.building import facts, nested, said, violations

KPS = "kube-prometheus-stack"
SPEC = f"{KPS}.prometheus.prometheusSpec"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("500m", "0.5"),
        ("1Ki", "1024"),
        ("1k", "1000"),
        ("1.5Gi", "1610612736"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("2E", "2000000000000000000"),
        ("-1", "-1"),
        (0.1, "0.1"),
        (2, "2"),
    ],
)
def test_a_quantity_is_read_exactly(text: Any, amount: str) -> None:
    assert quantity(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text", ["", "1 Gi", "1GB", "1gi", "1K", "one", "1Gi\n", "٣", "1e9999999", True, None, []]
)
def test_what_is_no_quantity_has_no_amount(text: Any) -> None:
    assert quantity(text) is None


def test_prometheus_and_java_count_in_powers_of_1024() -> None:
    assert prometheus_bytes("1GB") == prometheus_bytes("1GiB") == java_bytes("1g") == 1024**3
    assert prometheus_bytes("10Gi") is None
    assert java_bytes("1gb") is None


@pytest.mark.parametrize(
    ("name", "request_", "limit"),
    [
        ("cpu", 1, "500m"),
        ("memory", "1Gi", "1G"),
        ("ephemeral-storage", "2Gi", "1Gi"),
        ("nvidia.com/gpu", 2, 1),
    ],
)
def test_a_limit_below_its_request_is_found(name: str, request_: Any, limit: Any) -> None:
    given = {
        "fluent-bit": {"hotReload": {"resources": {"requests": {name: request_}, "limits": {name: limit}}}}
    }
    (found,) = violations("limits-below-requests", facts(given))
    assert found.paths == (
        ("fluent-bit", "hotReload", "resources", "limits", name),
        ("fluent-bit", "hotReload", "resources", "requests", name),
    )
    assert found.message == f"limit {limit} is below the request {request_}"


@pytest.mark.parametrize(
    "resources",
    [
        {"requests": {"cpu": "1000m"}, "limits": {"cpu": 1}},
        {"requests": {"memory": "1024Mi"}, "limits": {"memory": "1Gi"}},
        {"requests": {"cpu": 2}, "limits": {"memory": "1Gi"}},
        {"requests": {"cpu": 2}, "limits": None},
        {"requests": {"cpu": "two"}, "limits": {"cpu": 1}},
        {"requests": {"cpu": [2]}, "limits": {"cpu": True}},
        {"requests": "cpu", "limits": {"cpu": 1}},
    ],
)
def test_limits_that_do_or_cannot_be_compared_are_left_alone(resources: Any) -> None:
    assert said("limits-below-requests", {"fluent-bit": {"resources": resources}}) == []


def test_a_request_raised_over_the_charts_limit_is_found() -> None:
    upstream = {"kibana": {"resources": {"limits": {"cpu": "1000m"}}}}
    assert said("limits-below-requests", nested("kibana.resources.requests.cpu", 2), upstream) == [
        "kibana.resources.limits.cpu"
    ]


def test_what_is_turned_off_may_be_anything() -> None:
    wrong = {"requests": {"cpu": 2}, "limits": {"cpu": 1}}
    assert said("limits-below-requests", {"kibana": {"enabled": False, "resources": wrong}}) == []
    assert (
        said("limits-below-requests", nested(f"{KPS}.grafana", {"enabled": False, "resources": wrong})) == []
    )
    off = {"nodeExporter": {"enabled": False}, "prometheus-node-exporter": {"resources": wrong}}
    assert said("limits-below-requests", {KPS: off}) == []
    on = {"nodeExporter": {"enabled": True}, "prometheus-node-exporter": {"resources": wrong}}
    assert len(said("limits-below-requests", {KPS: on})) == 1


def heap(options: Any, limit: Any = "2Gi", **more: Any) -> dict[str, Any]:
    return {"elasticsearch": {"esJavaOpts": options, "resources": {"limits": {"memory": limit}}, **more}}


def env(name: str, value: Any) -> dict[str, Any]:
    return {"name": name, "value": value}


@pytest.mark.parametrize("options", ["-Xmx2g", "-Xms1g -Xmx2048m", "-Xmx1g -Xmx3g", "-Xmx2147483648"])
def test_a_heap_that_is_not_below_the_memory_limit_is_found(options: str) -> None:
    assert said("heap-above-memory", heap(options)) == ["elasticsearch.esJavaOpts"]


@pytest.mark.parametrize(
    "options", ["-Xms1g -Xmx1g", "-Xmx3g -Xms1024m -Xmx1g", "-XX:MaxRAMPercentage=50", "", None, 5]
)
def test_a_heap_that_fits_is_right(options: Any) -> None:
    assert said("heap-above-memory", heap(options)) == []


def test_the_last_setting_of_the_heap_counts() -> None:
    stronger = {"extraEnvs": [env("ES_JAVA_OPTS", "-Xms1g -Xmx1g")]}
    assert said("heap-above-memory", heap("-Xmx4g", **stronger)) == []
    stronger = {"extraEnvs": [env("ES_JAVA_OPTS", "-Xmx4g")]}
    assert said("heap-above-memory", heap("-Xmx1g", **stronger)) == ["elasticsearch.extraEnvs[0].value"]
    file = {"esJvmOptions": {"heap.options": "-Xms4g\n-Xmx4g\n"}}
    assert len(said("heap-above-memory", heap("", **file))) == 1
    assert said("heap-above-memory", heap("-Xmx1g -Xms1g", **file)) == []


@pytest.mark.parametrize(
    "options", ["-Xms1g -Xmx512m", "-Xms512m -Xmx1g", "-Xmx1g", "-Xms1g", "-Xms1gb -Xmx1gb", "-Xmx"]
)
def test_a_heap_that_elasticsearch_does_not_start_with_is_found(options: str) -> None:
    assert said("heap-above-memory", heap(options)) == ["elasticsearch.esJavaOpts"]


def test_comments_and_versions_in_a_file_of_options_count_for_nothing() -> None:
    text = "# was: -Xms4g -Xmx4g\n-Xms1g\n17-:-Xmx1g\n  # old -Xmx8g\n"
    assert said("heap-above-memory", heap("", esJvmOptions={"heap.options": text})) == []


def test_options_of_another_form_are_left_to_java() -> None:
    assert said("heap-above-memory", heap("-Xms1g -XX:MaxHeapSize=1g")) == []


def test_a_heap_of_half_the_node_is_found() -> None:
    upstream = heap("")
    limit = ["elasticsearch.resources.limits.memory"]
    assert said("heap-above-memory", heap("", None), upstream) == limit
    assert said("heap-above-memory", heap("-XX:+UseG1GC", None), upstream) == limit
    for options in ("-Xms1g -Xmx1g", "-XX:MaxHeapSize=1g"):
        assert said("heap-above-memory", heap(options, None), upstream) == []
    assert said("heap-above-memory", heap("", None, enabled=False), upstream) == []


def test_without_a_limit_any_heap_fits() -> None:
    assert said("heap-above-memory", heap("-Xms64g -Xmx64g", None)) == []
    assert said("heap-above-memory", heap("-Xms1g -Xmx64g", enabled=False)) == []


@pytest.mark.parametrize(
    ("options", "limit", "wrong"),
    [
        ("--max-old-space-size=1024", "1Gi", True),
        ("--max_old_space_size=2000 --no-warnings", "1Gi", True),
        ("--max-old-space-size=700", "1Gi", False),
        ("--max-old-space-size=4000 --max-old-space-size=700", "1Gi", False),
        ("--no-warnings", "1Mi", False),
        ("--max-old-space-size=1024", "much", False),
        (None, "1Gi", False),
    ],
)
def test_kibanas_heap_is_held_against_its_limit(options: Any, limit: str, wrong: bool) -> None:
    given = {
        "kibana": {"extraEnvs": [env("NODE_OPTIONS", options)], "resources": {"limits": {"memory": limit}}}
    }
    assert said("heap-above-memory", given) == (["kibana.extraEnvs[0].value"] if wrong else [])


def test_wrong_kinds_do_not_stop_the_heaps_rule() -> None:
    assert (
        said("heap-above-memory", {"elasticsearch": {"extraEnvs": "x", "esJvmOptions": [1]}, "kibana": 1})
        == []
    )


def kept(size: Any, *volume: str, value: Any) -> dict[str, Any]:
    inner = nested(".".join(volume), value)
    return nested(SPEC, {"retentionSize": size, "storageSpec": inner})


CLAIM = ("volumeClaimTemplate", "spec", "resources", "requests", "storage")


@pytest.mark.parametrize(
    ("size", "volume", "wrong"),
    [
        ("50GB", "50Gi", True),
        ("48GB", "50G", True),
        ("46GB", "50G", False),
        ("10GB", "50Gi", False),
        ("0", "1Gi", False),
        ("", "1Gi", False),
        (None, "1Gi", False),
        ("50GB", "many", False),
    ],
)
def test_what_prometheus_keeps_is_held_against_its_volume(size: Any, volume: str, wrong: bool) -> None:
    given = kept(size, *CLAIM, value=volume)
    assert said("retention-above-volume", given) == ([f"{SPEC}.retentionSize"] if wrong else [])


def test_a_volume_of_the_node_counts_as_well() -> None:
    assert len(said("retention-above-volume", kept("2GB", "emptyDir", "sizeLimit", value="1Gi"))) == 1
    assert len(said("retention-above-volume", kept("2GB", "ephemeral", *CLAIM, value="1Gi"))) == 1


def test_a_prometheus_that_is_off_keeps_nothing() -> None:
    given = kept("50GB", *CLAIM, value="1Gi")
    given[KPS]["prometheus"]["enabled"] = False
    assert said("retention-above-volume", given) == []
