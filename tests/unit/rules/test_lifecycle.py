"""How logs are kept fits together: ages, copies, snapshots, and the image of the setup Jobs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import facts, said, violations

SETUP = "depin-elasticsearch"
IMAGE = "docker.elastic.co/elasticsearch/elasticsearch"


def ages(warm: Any, delete: Any) -> list[str]:
    return said("log-ages", {SETUP: {"logs": {"warm": {"after": warm}, "delete": {"after": delete}}}})


@pytest.mark.parametrize(
    ("warm", "delete"), [("2d", "30d"), ("2d", "48h"), ("90m", "2h"), (None, "1d"), (5, "1d"), ("2 d", "1d")]
)
def test_logs_may_be_warm_until_they_are_deleted(warm: Any, delete: Any) -> None:
    assert ages(warm, delete) == []


@pytest.mark.parametrize(("warm", "delete"), [("2d", "47h"), ("61m", "1h"), ("30d", "7d")])
def test_logs_that_are_deleted_before_are_found(warm: str, delete: str) -> None:
    assert ages(warm, delete) == ["depin-elasticsearch.logs.warm.after"]


def copies(count: Any, nodes: Any, **more: Any) -> list[str]:
    return said(
        "log-copies", {SETUP: {"logs": {"replicas": count}}, "elasticsearch": {"replicas": nodes, **more}}
    )


def test_each_copy_needs_a_node_of_its_own() -> None:
    assert [copies(count, 3) for count in (0, 1, 2)] == [[], [], []]
    assert copies(3, 3) == copies(1, 1) == ["depin-elasticsearch.logs.replicas"]
    (found,) = violations(
        "log-copies", facts({SETUP: {"logs": {"replicas": 1}}, "elasticsearch": {"replicas": 1}})
    )
    assert found.hint == "0, as elasticsearch.replicas is 1"


def test_where_the_nodes_are_not_all_known_no_copies_are_counted() -> None:
    assert copies(1, 1, nodeGroup="data") == []
    assert copies(1, 1, masterService="elasticsearch-master") == []
    assert copies(1, None) == copies("{{ x }}", 1) == []


def snapshots(kind: str, settings: dict[str, Any], ranges: list[str], *, policies: bool = True) -> list[str]:
    given = {
        SETUP: {"snapshots": {"enabled": True, "repository": {"type": kind, "settings": settings}}},
        "depin-foundation": {"networkPolicies": {"enabled": policies, "snapshots": {"ranges": ranges}}},
    }
    return said("snapshot-storage", given)


def test_snapshots_need_a_place_and_a_way_to_it() -> None:
    ranges = "depin-foundation.networkPolicies.snapshots.ranges"
    settings = "depin-elasticsearch.snapshots.repository.settings"
    assert snapshots("s3", {"bucket": "a"}, ["10.0.0.0/8"]) == []
    assert snapshots("s3", {"bucket": "a"}, []) == [ranges]
    assert snapshots("s3", {"bucket": "a"}, [], policies=False) == []
    assert snapshots("s3", {}, ["10.0.0.0/8"]) == snapshots("fs", {}, []) == [settings]
    # The kubelet mounts it, whom no policy holds.
    assert snapshots("fs", {"location": "/snapshots"}, []) == []
    assert said("snapshot-storage", {SETUP: {"snapshots": {"enabled": False}}}) == []


def image(setup: str, tag: str, name: str = IMAGE) -> list[str]:
    return said(
        "setup-image", {SETUP: {}, "elasticsearch": {"image": name, "imageTag": tag}}, setupImage=setup
    )


def test_the_setup_jobs_run_in_elasticsearchs_image() -> None:
    assert image(f"{IMAGE}:8.5.1", "8.5.1") == []
    assert image(f"{IMAGE}:8.5.1@sha256:0", "8.5.1@sha256:0") == []
    assert image(f"{IMAGE}:8.5.1", "8.19.3") == ["global.platform.setupImage"]
    assert image(f"{IMAGE}:8.5.1", "8.5.1", "registry.example/elasticsearch") == [
        "global.platform.setupImage"
    ]
    elsewhere = {SETUP: {"enabled": False}, "elasticsearch": {"image": IMAGE, "imageTag": "9"}}
    assert said("setup-image", elsewhere, setupImage="x:1") == []
