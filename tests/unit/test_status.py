"""What `status` says of a layer whose Job failed, or that runs nowhere."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

from depin_helm import status
from depin_helm.cluster import Cluster
from depin_helm.plan import Layer, Plan
from tests.unit.cluster.api import Api, kubeconfig, serve

PLAN = Plan((Layer("logs", "logging", ("logs",)),))
MANIFEST = """\
apiVersion: batch/v1
kind: Job
metadata: {name: setup, namespace: logging}
"""


def install(api: Api) -> None:
    """As Helm records it."""
    payload = {
        "name": "depin-logs",
        "namespace": "logging",
        "version": 1,
        "info": {"status": "deployed", "last_deployed": "2026-01-01T00:00:00Z", "description": ""},
        "chart": {"metadata": {"name": "depin-platform", "version": "0.1.0"}},
        "manifest": MANIFEST,
    }
    packed = base64.b64encode(gzip.compress(json.dumps(payload).encode()))
    api.put(
        "Secret",
        "sh.helm.release.v1.depin-logs.v1",
        "logging",
        type="helm.sh/release.v1",
        metadata={"labels": {"owner": "helm", "name": "depin-logs", "status": "deployed", "version": "1"}},
        data={"release": base64.b64encode(packed).decode()},
    )


def ran(api: Api, **state: object) -> None:
    marks = {"annotations": {"meta.helm.sh/release-name": "depin-logs"}}
    api.put("Job", "setup", "logging", metadata=marks, spec={}, status=state)


def read(api: Api, folder: Path) -> status.PlatformStatus:
    with Cluster.connect(kubeconfig(folder / "kubeconfig", api.address), environ={}) as cluster:
        return status.read("prod", PLAN, PLAN, "sha256:1", cluster)


def test_a_layer_whose_job_failed_is_not_healthy_and_says_with_what(tmp_path: Path) -> None:
    with serve() as api:
        install(api)
        ran(
            api, failed=7, conditions=[{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]
        )
        owner = {"kind": "Job", "name": "setup", "uid": "Job-logging-setup", "controller": True}
        ended = {"exitCode": 1, "message": "again: no\nfailed: PUT /_ilm/policy/depin-logs: 403 no rights\n"}
        api.put(
            *("Pod", "setup-1", "logging"),
            metadata={"ownerReferences": [owner]},
            spec={"containers": [{"name": "setup", "image": "elasticsearch:1"}]},
            status={
                "phase": "Failed",
                "containerStatuses": [{"name": "setup", "state": {"terminated": ended}}],
            },
        )
        found = read(api, tmp_path)
    (layer,) = found.layers
    assert not found.healthy
    assert layer.pods == (0, 1)
    assert layer.causes == (
        "Job logging/setup: container setup (elasticsearch:1) ended with exit code 1: "
        "failed: PUT /_ilm/policy/depin-logs: 403 no rights",
        "Job logging/setup: BackoffLimitExceeded",
    )


def test_a_layer_whose_job_is_done_is_healthy_and_says_nothing(tmp_path: Path) -> None:
    with serve() as api:
        install(api)
        ran(api, succeeded=1)
        found = read(api, tmp_path)
    assert found.healthy
    assert found.layers[0].causes == ()


def test_a_layer_that_runs_nowhere_says_so(tmp_path: Path) -> None:
    marks = {"annotations": {"meta.helm.sh/release-name": "depin-logs"}}
    with serve() as api:
        install(api)
        api.put("DaemonSet", "agent", "logging", metadata=marks, status={"desiredNumberScheduled": 0})
        (layer,) = read(api, tmp_path).layers
        assert layer.pods == (0, 0)
        assert "no node is selected" in layer.note
        api.put("DaemonSet", "agent", "logging", metadata=marks, status={"desiredNumberScheduled": 1})
        (layer,) = read(api, tmp_path).layers
        assert layer.note == "an upgrade would install other charts"
