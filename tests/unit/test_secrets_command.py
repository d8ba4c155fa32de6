"""`depin-helm secrets`: who may see or change a value, and what is said about it."""

from __future__ import annotations

import base64
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from depin_helm import secrets
from depin_helm.cluster import Cluster
from tests.tier import ROOT, UMBRELLA, Tier
from tests.unit.cluster.api import Api, kubeconfig, serve

GRAFANA = "/api/v1/namespaces/monitoring/secrets/grafana-admin"


@dataclass(frozen=True)
class Command:
    """The command on a cluster that has all Secrets, and a Grafana and an Ingress that use some."""

    api: Api
    kubeconfig: Path
    environ: Mapping[str, str]
    project: Path

    def __call__(self, *arguments: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run it; `typed` is what a person at a terminal types, without one there is no terminal."""
        place = ("--env", "prod", "--project", str(self.project), "--kubeconfig", str(self.kubeconfig))
        command = [sys.executable, "-m", "depin_helm", "secrets", *place, *arguments]
        terminal, stdin = pty.openpty()
        try:
            os.write(terminal, f"{typed}\n".encode())
            done = subprocess.run(
                command,
                env=self.environ,
                cwd=self.kubeconfig.parent,
                stdin=subprocess.DEVNULL if typed is None else stdin,
                capture_output=True,
                text=True,
                timeout=60,
            )
        finally:
            os.close(terminal)
            os.close(stdin)
        assert "Traceback" not in done.stderr
        return done

    def password(self) -> str:
        """Of Grafana's administrator."""
        return base64.b64decode(self.api.objects[GRAFANA]["data"]["admin-password"]).decode()


@pytest.fixture
def command(tier: Tier, tmp_path: Path) -> Iterator[Command]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("DEPIN_", "KUBE"))}
    environ = kept | {
        "DEPIN_HELM_BIN": "/nonexistent",
        "DEPIN_HELM_CACHE": str(tier.cache),
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path),
    }
    with serve() as api:
        for namespace in ("logging", "monitoring", "node-agents"):
            api.put("Namespace", namespace)
        config = kubeconfig(tmp_path / "kubeconfig", api.address)
        with Cluster.connect(config, environ={}) as cluster:
            secrets.create_missing(secrets.load(UMBRELLA), cluster, {})
        reference = {"name": "grafana-admin", "key": "admin-password"}
        container = {"name": "grafana", "env": [{"name": "A", "valueFrom": {"secretKeyRef": reference}}]}
        api.put(
            "Deployment", "grafana", "monitoring", spec={"template": {"spec": {"containers": [container]}}}
        )
        annotations = {"nginx.ingress.kubernetes.io/auth-secret": "prometheus-basic-auth"}
        api.put("Ingress", "prometheus", "monitoring", metadata={"annotations": annotations}, spec={})
        yield Command(api, config, environ, tier.root)


def test_the_list_says_who_uses_each_and_no_value(command: Command) -> None:
    done = command()
    assert done.returncode == 0
    (line,) = (line for line in done.stdout.splitlines() if " grafana-admin " in line)
    assert "kube-prometheus-stack Deployment grafana" in " ".join(line.split())
    (state,) = (each for each in json.loads(command("-o", "json").stdout) if each["name"] == "grafana-admin")
    assert state["usedBy"] == [
        {
            "namespace": "monitoring",
            "kind": "Deployment",
            "name": "grafana",
            "containers": ["grafana"],
            "restart": True,
        }
    ]
    assert command.password() not in done.stdout + done.stderr


def test_a_value_is_shown_to_whoever_types_the_name_on_a_terminal(command: Command) -> None:
    done = command("--show", "grafana-admin/admin-password", typed="grafana-admin")
    assert done.returncode == 0
    assert done.stdout == command.password() + "\n"
    assert "read by kube-prometheus-stack (Deployment grafana)" in done.stderr
    assert command.password() not in done.stderr


@pytest.mark.parametrize("action", ["--show", "--rotate"])
@pytest.mark.parametrize("typed", [None, "", "yes", "grafana-admin/admin-password"])
def test_without_confirmation_nothing_is_shown_read_or_changed(
    command: Command, action: str, typed: str | None
) -> None:
    before = command.password()
    done = command(action, "grafana-admin", typed=typed)
    assert done.returncode == 2
    assert done.stdout == ""
    assert ("--yes" if typed is None else "not confirmed") in done.stderr
    assert before == command.password()
    assert before not in done.stderr


def test_json_holds_all_values_of_the_secret(command: Command) -> None:
    done = command("--show", "monitoring/grafana-admin", "--yes", "-o", "json")
    assert json.loads(done.stdout)["values"] == {"admin-user": "admin", "admin-password": command.password()}


@pytest.mark.parametrize("action", ["--show", "--rotate"])
def test_an_unknown_name_is_answered_with_the_nearest_before_the_cluster_is_asked(
    command: Command, action: str
) -> None:
    asked = len(command.api.requests)
    done = command(action, "grafana-admn", "--yes")
    assert done.returncode == 2
    assert "did you mean grafana-admin?" in done.stderr
    assert len(command.api.requests) == asked


def test_a_secret_that_is_not_there_cannot_be_shown(command: Command) -> None:
    del command.api.objects[GRAFANA]
    done = command("--show", "grafana-admin", "--yes")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no monitoring/grafana-admin on the cluster" in done.stderr


def test_a_rotation_locks_the_cluster_changes_the_secret_and_says_what_to_do(command: Command) -> None:
    before = command.password()
    asked = len(command.api.requests)
    done = command("--rotate", "grafana-admin", typed="grafana-admin")
    assert done.returncode == 0, done.stderr
    after = command.password()
    assert after != before
    assert not {before, after} & set(done.stdout.split() + done.stderr.split())
    prefix = f"kubectl --kubeconfig {command.kubeconfig} --context here -n monitoring"
    commands = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    assert commands[:2] == [f"{prefix} rollout {word} deployment/grafana" for word in ("restart", "status")]
    assert commands[2].startswith(f"{prefix} exec deployment/grafana -c grafana -- sh -c ")
    writes = [each for each in command.api.requests[asked:] if each.method != "GET"]
    kinds = ["Secret" if "/secrets/" in each.path else "Lease" for each in writes]
    assert kinds[0] == kinds[-1] == "Lease"
    assert kinds.count("Secret") == 1


def test_what_sees_the_change_by_itself_is_named_and_not_restarted(command: Command) -> None:
    done = json.loads(command("--rotate", "prometheus-basic-auth", "--yes", "-o", "json").stdout)
    assert [(user["kind"], user["restart"]) for user in done["usedBy"]] == [("Ingress", False)]
    assert done["steps"] == []
    assert done["rotated"][0]["keys"] == ["password", "auth"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("elasticsearch-master-credentials", "docs/secrets.md"),
        ("elasticsearch-file-realm", "rotate that instead"),
        ("grafana-admin/admin-password", "for a whole Secret"),
    ],
)
def test_what_is_not_rotated_says_why_and_changes_nothing(command: Command, name: str, hint: str) -> None:
    asked = len(command.api.requests)
    done = command("--rotate", name, "--yes")
    assert done.returncode == 2
    assert hint in done.stderr
    assert {each.method for each in command.api.requests[asked:]} == {"GET"}


def test_it_does_one_thing_at_a_time(command: Command) -> None:
    assert command("--create", "--show", "grafana-admin", "--yes").returncode == 2
    assert command("--rotate", "grafana-admin", "--show", "grafana-admin", "--yes").returncode == 2
