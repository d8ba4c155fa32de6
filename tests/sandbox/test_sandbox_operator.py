"""The prometheus-operator of a sandbox, on stand-in CRDs."""

from __future__ import annotations

import gzip
from base64 import b64decode
from pathlib import Path

from depin_helm.sandbox import Sandbox, status
from tests.sandbox.kubectl import Kubectl, eventually
from tests.sandbox.standins import MONITORING


def operator_runs(sandbox: Sandbox, cache: Path) -> bool:
    found = status(sandbox.name, cache)
    return found is not None and any(process.name == "prometheus-operator" for process in found.processes)


def ready_replicas(kubectl: Kubectl, namespace: str) -> dict[str, int]:
    found = kubectl.get("statefulsets", f"--namespace={namespace}")["items"]
    return {item["metadata"]["name"]: item["status"].get("readyReplicas", 0) for item in found}


def test_the_operator_runs_while_its_crds_are_there_and_makes_a_prometheus(
    kubectl: Kubectl, namespace: str, bare: Sandbox, cache: Path
) -> None:
    assert not operator_runs(bare, cache)
    for crd in MONITORING:  # one by one, as a slow client applies them
        kubectl.apply(crd)
    names = [crd["metadata"]["name"] for crd in MONITORING]
    try:
        version = "monitoring.coreos.com/v1"
        metadata = {"name": "main", "namespace": namespace}
        spec = {"replicas": 2, "serviceMonitorSelector": {}}
        kubectl.apply(
            {"apiVersion": version, "kind": "Prometheus", "metadata": metadata, "spec": spec},
            {"apiVersion": version, "kind": "Alertmanager", "metadata": metadata, "spec": {"replicas": 1}},
        )
        wanted = {"prometheus-main": 2, "alertmanager-main": 1}
        eventually(lambda: ready_replicas(kubectl, namespace) == wanted)
        secret = kubectl.get("secret", "prometheus-main", f"--namespace={namespace}")
        assert b"scrape_configs" in gzip.decompress(b64decode(secret["data"]["prometheus.yaml.gz"]))
        assert operator_runs(bare, cache)
    finally:
        kubectl.run("delete", "crd", *names)
    eventually(lambda: not operator_runs(bare, cache))
