"""Alertmanager's configuration as the real prometheus-operator makes it of what the chart renders."""

from __future__ import annotations

import contextlib
import gzip
import subprocess
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depin_helm import sandbox as sandboxes
from depin_helm import yamlio
from tests.charts.checks.model import Platform
from tests.charts.rendering import Renderer
from tests.programs import program
from tests.sandbox.conftest import TOOLS
from tests.sandbox.kubectl import Kubectl, eventually

NAME = "kube-prometheus-stack-alertmanager"


@contextlib.contextmanager
def operated(name: str, cache: Path, kubectl: Path, renderer: Renderer) -> Iterator[Alertmanagers]:
    """An operator that watches a sandbox of that name, with the charts' CRDs and nothing else."""
    sandbox = sandboxes.up(name, TOOLS, cache)
    try:
        client = Kubectl(kubectl, sandbox.kubeconfig)
        for crd in renderer.assembly.crds():
            if crd["spec"]["group"] == "monitoring.coreos.com":
                client.apply(crd)
        yield Alertmanagers(client)
    finally:
        sandboxes.down(name, cache)


@dataclass(frozen=True)
class Alertmanagers:
    """Hands rendered objects to an operator, each time in a namespace of their own."""

    kubectl: Kubectl

    def configuration(
        self, platform: Platform, namespace: str, secrets: Mapping[str, Mapping[str, str]] | None = None
    ) -> str:
        """The configuration of the platform's Alertmanager, moved into `namespace`, beside these Secrets."""
        self.kubectl.run("create", "namespace", namespace)
        for name, keys in (secrets or {}).items():
            self.kubectl.apply(
                {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": name, "namespace": namespace},
                    "stringData": keys,
                }
            )
        self.kubectl.apply(*moved(platform, namespace))
        generated = f"alertmanager-{NAME}-generated"
        secret = eventually(lambda: self.kubectl.get("secret", generated, f"--namespace={namespace}"))
        return gzip.decompress(b64decode(secret["data"]["alertmanager.yaml.gz"])).decode()

    def refused(self, platform: Platform, namespace: str) -> str:
        """Why the operator makes no configuration of these objects in a namespace without Secrets."""
        self.kubectl.run("create", "namespace", namespace)
        self.kubectl.apply(*moved(platform, namespace))

        def message() -> str:
            found = self.kubectl.get("alertmanager", NAME, f"--namespace={namespace}")
            conditions = (found.get("status") or {}).get("conditions") or []
            return next(
                (
                    each["message"]
                    for each in conditions
                    if (each["type"], each["status"]) == ("Reconciled", "False")
                ),
                "",
            )

        return eventually(message)

    def warnings(self, namespace: str) -> list[str]:
        """What the operator has against objects there."""
        events = self.kubectl.get("events", f"--namespace={namespace}")["items"]
        return [each["message"] for each in events if each["reason"] == "InvalidConfiguration"]


def moved(platform: Platform, namespace: str) -> list[dict[str, Any]]:
    """The Alertmanager and its AlertmanagerConfig in another namespace, out of sight of the others here.

    It gets no pods: nobody waits for them.
    """
    found = []
    for obj in platform.objects:
        if obj.kind in ("Alertmanager", "AlertmanagerConfig"):
            spec = dict(obj.data["spec"])
            if obj.kind == "Alertmanager":
                assert obj.name == NAME
                spec["replicas"] = 0
                own = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
                spec["alertmanagerConfigNamespaceSelector"] = own
            metadata = {"name": obj.name, "namespace": namespace, "labels": dict(obj.labels)}
            found.append({**obj.data, "metadata": metadata, "spec": spec})
    return found


def amtool(*arguments: str | Path) -> str:
    """What amtool says, and that it is content."""
    done = subprocess.run([program("amtool"), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def receivers(configuration: Path, labels: Mapping[str, str]) -> list[str]:
    """Who gets an alert with these labels, as the values name them."""
    pairs = [f"{name}={value}" for name, value in labels.items()]
    answer = amtool("config", "routes", "test", f"--config.file={configuration}", *pairs)
    return [name.rpartition("/")[2] for name in answer.strip().split(",")]


def read(text: str) -> dict[str, Any]:
    """A configuration as data."""
    return dict(yamlio.load(text))
