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


def shards(
    after: str, size: str = "25gb", *, rate: float = 0, primaries: int = 1, nodes: int = 3
) -> list[str]:
    logs = {
        "gigabytesPerDay": rate,
        "primaries": primaries,
        "replicas": 1,
        "rollover": {"after": after, "size": size},
        "delete": {"after": "30d"},
    }
    return said("log-shards", {SETUP: {"logs": logs}, "elasticsearch": {"replicas": nodes}})


def test_a_node_takes_a_thousand_shards() -> None:
    after = ["depin-elasticsearch.logs.rollover.after"]
    assert shards("1d") == shards("1d", primaries=48) == []
    assert shards("1d", primaries=49) == shards("1m") == after
    # 30 days of 1 hour are 721 indices, 1442 shards.
    assert shards("1h", nodes=2) == []
    assert shards("1h", nodes=1) == after
    # How often an index is full is known with a rate only; Elasticsearch looks every 10 minutes.
    assert shards("1d", "25mb") == []
    assert shards("1d", "25mb", rate=4) == after
    assert shards("1d", "25gb", rate=400) == []


def test_whoever_sets_the_limit_knows_it() -> None:
    logs = {"primaries": 1, "rollover": {"after": "1m", "size": "25gb"}, "delete": {"after": "30d"}}
    own = {"replicas": 3, "extraEnvs": [{"name": "cluster.max_shards_per_node", "value": "9000"}]}
    assert said("log-shards", {SETUP: {"logs": logs}, "elasticsearch": own}) == []


@pytest.mark.parametrize("odd", [".inf", ".nan", float("inf"), "1e300"])
def test_no_number_is_too_large_to_be_looked_at(odd: Any) -> None:
    logs = {"primaries": odd, "replicas": odd, "gigabytesPerDay": odd}
    times = {"rollover": {"after": "1d", "size": "1gb"}, "delete": {"after": "30d"}}
    volume = {"volumeClaimTemplate": {"resources": {"requests": {"storage": "1Gi"}}}}
    for nodes in (3, odd):
        for rule in ("log-shards", "log-volumes", "log-copies"):
            said(rule, {SETUP: {"logs": {**logs, **times}}, "elasticsearch": {"replicas": nodes, **volume}})


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


def test_an_endpoints_port_is_let_through() -> None:
    def endpoint(text: Any, ports: Any = (443,)) -> list[str]:
        repository = {"type": "s3", "settings": {"bucket": "a", "endpoint": text}}
        policies = {"enabled": True, "snapshots": {"ranges": ["10.0.0.0/8"], "ports": list(ports)}}
        values = {
            SETUP: {"snapshots": {"enabled": True, "repository": repository}},
            "depin-foundation": {"networkPolicies": policies},
        }
        return said("snapshot-storage", values)

    assert endpoint("s3.example.com") == endpoint(None) == endpoint("10.0.0.5:9000", [443, 9000]) == []
    assert endpoint("http://minio:9000/") == ["depin-foundation.networkPolicies.snapshots.ports"]


def test_a_shared_folder_is_one_that_elasticsearch_knows() -> None:
    def folder(file: Any) -> list[str]:
        repository = {"type": "fs", "settings": {"location": "/snapshots"}}
        elasticsearch = {"esConfig": {"elasticsearch.yml": file}}
        snapshots = {"enabled": True, "repository": repository}
        return said("snapshot-storage", {SETUP: {"snapshots": snapshots}, "elasticsearch": elasticsearch})

    assert folder("path.repo: /snapshots") == folder(None) == folder("path: {repo: [/snapshots]}") == []
    assert folder("node.store.allow_mmap: false") == ["depin-elasticsearch.snapshots.repository.type"]


def policy(schedule: Any, least: Any = 7, most: Any = 100, *, enabled: bool = True) -> list[str]:
    retention = {"atLeast": least, "atMost": most}
    snapshots = {"enabled": enabled, "schedule": schedule, "retention": retention}
    return [path.rpartition(".")[2] for path in said("snapshot-policy", {SETUP: {"snapshots": snapshots}})]


def test_snapshots_have_a_schedule_and_counts() -> None:
    assert policy("0 30 1 * * ?") == policy(5) == policy("30 1 * * *", enabled=False) == []
    assert policy("0 30 1 * * *") == ["schedule"]
    assert policy("0 30 1 * * ?", 5, 5) == []
    assert policy("0 30 1 * * ?", 10, 5) == ["atLeast"]


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
