"""The program as its users run it, as far as it gets without a cluster: exit codes, and what goes where."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from depin_helm.cli import app
from tests.tier import ROOT, Tier
from tests.unit.cluster.api import kubeconfig, serve

#: A Helm that only knows its version, so that none is looked for or built.
HELM = "#!/bin/sh\necho v4.3.1\n"


@pytest.fixture
def helm(tmp_path: Path) -> Path:
    file = tmp_path / "helm"
    file.write_text(HELM)
    file.chmod(0o755)
    return file


@pytest.fixture
def environ(tmp_path: Path, helm: Path) -> dict[str, str]:
    """No charts, no cluster, and a Helm that does nothing."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("DEPIN_", "KUBE"))}
    own = {
        "DEPIN_HELM_BIN": str(helm),
        "DEPIN_HELM_CACHE": str(tmp_path / "cache"),
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path),
    }
    return kept | own


class Ended(subprocess.CompletedProcess[str]):
    """A command that ended, and never with a traceback."""

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


def run(environ: Mapping[str, str], *arguments: str, project: Path = ROOT) -> Ended:
    command = [sys.executable, "-m", "depin_helm", *arguments]
    if arguments[0] not in ("sandbox", "--version") and "list" not in arguments:
        command += ["--project", str(project)]
    done = subprocess.run(
        command, env=environ, cwd=environ["HOME"], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
    return Ended(done.args, done.returncode, done.stdout, done.stderr)


def commands(group: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """All command lines, without their options."""
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *path, name)


@pytest.mark.parametrize("path", list(commands(typer.main.get_command(app))), ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    for flag in ("--help", "-h"):
        result = CliRunner().invoke(app, [*path, flag])
        assert result.exit_code == 0
        assert "Usage:" in result.output
    assert result.output.split("\n\n")[1].strip(), "what it does"


def test_the_version_is_told(environ: dict[str, str]) -> None:
    assert re.fullmatch(r"depin-helm \d+\.\d+\.\d+\n", run(environ, "--version").stdout)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("values", "--env", "nope"), "known environments: dev, edge, prod"),
        (("values", "--environment", "prod"), "--environment"),
        (("values",), "--env"),
        (("install", "--env", "prod", "--layers", "kibana"), "--layer"),
        (("values", "--env", "prod", "--output", "yaml"), "json"),
        (("values", "--env", "prod", "-f", "missing.yaml"), "missing.yaml"),
        (("values", "--env", "prod", "kibanna.replicas"), "no key kibanna.replicas"),
        (("values", "--env", "prod", "--set", "a"), "--set"),
        (("uninstall", "--env", "prod", "--layer", "kibana", "--delete-data"), "exclude each other"),
        (("unknown",), "unknown"),
        *(
            (("install", "--env", "prod", "--timeout", text), "--timeout")
            for text in ("10", "", "m", "1d", "-5m", "0s", "5 m", "1h-1m")
        ),
    ],
)
def test_wrong_usage_is_2(environ: dict[str, str], arguments: tuple[str, ...], said: str) -> None:
    done = run(environ, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_folder_that_is_no_project_is_2(environ: dict[str, str], tmp_path: Path) -> None:
    done = run(environ, "values", "--env", "prod", project=tmp_path)
    assert done.returncode == 2
    assert "is no depin-helm project" in done.stderr


@pytest.mark.parametrize("text", ["90s", "10m", "1h30m", "1.5h", "500ms"])
def test_a_timeout_is_a_duration_as_helm_takes_it(environ: dict[str, str], text: str) -> None:
    done = run(environ, "install", "--env", "nope", "--timeout", text)
    assert "no environment 'nope'" in done.stderr


def test_wrong_values_are_3_with_every_finding(environ: dict[str, str], tmp_path: Path) -> None:
    more = tmp_path / "more.yaml"
    more.write_text("kibana:\n  replicas: three\nunheard-of: 1\n")
    wrong = ("--env", "prod", "-f", str(more))
    done = run(environ, "validate", *wrong)
    assert done.returncode == 3
    assert [line.split(" ")[0] for line in done.stdout.splitlines()] == [f"{more}:2:3", f"{more}:3:1"]
    assert "2 findings" in done.stderr
    assert [each["path"] for each in run(environ, "validate", *wrong, "-o", "json").json["findings"]] == [
        *("kibana.replicas", "unheard-of")
    ]
    stopped = run(environ, "render", *wrong)
    assert (stopped.returncode, stopped.stdout) == (3, "")
    assert f"{more}:2:3 kibana.replicas : " in stopped.stderr
    stopped = run(environ, "status", *wrong, "-o", "json")
    assert stopped.json["error"]["exitCode"] == stopped.returncode == 3
    assert len(stopped.json["error"]["findings"]) == 2


def test_right_values_are_0_also_where_charts_are_missing_unless_strict(environ: dict[str, str]) -> None:
    done = run(environ, "validate", "--env", "prod")
    assert (done.returncode, done.stdout) == (0, "")
    assert (
        "not checked: dead keys, types, Kubernetes objects of kibana: kibana 8.5.1 is not in" in done.stderr
    )
    assert "charts pull" in done.stderr
    assert done.stderr.endswith("prod: the values are valid, as far as checked\n")
    assert run(environ, "validate", "--env", "prod", "--strict").returncode == 4
    result = run(environ, "validate", "--env", "prod", "--output", "json").json
    assert (result["findings"], result["waived"], len(result["skipped"])) == ([], [], 6)


def test_wrong_values_are_3_also_where_charts_are_missing(environ: dict[str, str]) -> None:
    done = run(environ, "validate", "--env", "prod", "--strict", "--set", "kibana.replicas=three")
    assert done.returncode == 3
    assert done.stdout == "--set kibana.replicas : must be a whole number, not text [schema]\n"


def test_rules_are_listed_without_an_environment(environ: dict[str, str]) -> None:
    done = run(environ, "validate", "--rules")
    assert done.returncode == 0
    assert re.search(r"^secret-in-values: .+\n    else: .+$", done.stdout, re.M)
    assert "--env" in run(environ, "validate").stderr


@pytest.mark.parametrize("command", [("render", "--env", "prod"), ("assemble", "--check")])
def test_an_empty_chart_cache_is_4_and_names_charts_and_what_to_do(
    environ: dict[str, str], command: tuple[str, ...]
) -> None:
    done = run(environ | {"DEPIN_HELM_BIN": "/nonexistent"}, *command)
    assert (done.returncode, done.stdout) == (4, "")
    for said in (
        "kube-prometheus-stack 88.5.3",
        "https://helm.elastic.co",
        environ["DEPIN_HELM_CACHE"],
        "depin-helm charts pull",
        "depin-helm charts import",
    ):
        assert said in done.stderr


def test_charts_that_are_not_as_locked_are_4_and_the_result_is_written(environ: dict[str, str]) -> None:
    done = run(environ, "charts", "verify", "--output", "json")
    assert done.returncode == 4
    assert {entry["state"] for entry in done.json} == {"missing"}
    assert "kibana 8.5.1" in done.stderr


def test_a_helm_that_is_none_is_5(environ: dict[str, str], tier: Tier) -> None:
    environ = environ | {"DEPIN_HELM_CACHE": str(tier.cache), "DEPIN_HELM_BIN": "/nonexistent"}
    done = run(environ, "render", "--env", "prod", project=tier.root)
    assert (done.returncode, done.stdout) == (5, "")
    assert "DEPIN_HELM_BIN names /nonexistent" in done.stderr


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A kubeconfig of an address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return kubeconfig(tmp_path / "closed", f"https://127.0.0.1:{port}", token="hunter2hunter2")


@pytest.mark.parametrize("command", ["status", "diff", "install", "uninstall", "secrets", "crds"])
def test_a_cluster_that_cannot_be_reached_is_6(
    environ: dict[str, str], closed: Path, tmp_path: Path, command: str
) -> None:
    before = set(tmp_path.iterdir())
    done = run(environ, command, "--env", "prod", "--kubeconfig", str(closed), "-o", "json")
    assert done.returncode == done.json["error"]["exitCode"] == 6
    assert "cannot be reached" in done.json["error"]["message"]
    assert "hunter2" not in done.stdout + done.stderr
    assert set(tmp_path.iterdir()) == before


def test_another_cluster_than_the_environments_is_6(environ: dict[str, str], tmp_path: Path) -> None:
    with serve() as api:
        config = kubeconfig(tmp_path / "kubeconfig", api.address)
        for command in ("install", "uninstall", "secrets", "crds", "diff", "status"):
            done = run(environ, command, "--env", "sandbox", "--kubeconfig", str(config))
            assert done.returncode == 6
            assert "refused" in done.stderr
        assert {request.method for request in api.requests} == {"GET"}


def test_status_and_secrets_need_no_helm_change_nothing_and_ask_nobody(
    environ: dict[str, str], tier: Tier, tmp_path: Path
) -> None:
    environ = environ | {"DEPIN_HELM_CACHE": str(tier.cache), "DEPIN_HELM_BIN": "/nonexistent"}
    with serve() as api:
        config = ("--kubeconfig", str(kubeconfig(tmp_path / "kubeconfig", api.address)), "-o", "json")
        status = run(environ, "status", "--env", "prod", *config, project=tier.root)
        secrets = run(environ, "secrets", "--env", "prod", *config, project=tier.root)
        assert {request.method for request in api.requests} == {"GET"}
    assert status.returncode == 7
    assert {layer["state"] for layer in status.json["layers"]} == {"not installed"}
    assert status.json["digest"].startswith("sha256:")
    assert "not as it should be: foundation, " in status.stderr
    assert secrets.returncode == 0
    assert {state["exists"] for state in secrets.json} == {False}


def test_a_bug_is_1_and_its_traceback_is_in_a_file_for_this_user_alone(environ: dict[str, str]) -> None:
    script = """
import sys
from depin_helm import project
def broken(directory): raise ZeroDivisionError("password: hunter2")
project.find = broken
from depin_helm.__main__ import main
main()
"""
    for output in ("text", "json"):
        done = subprocess.run(
            [sys.executable, "-c", script, "values", "--env", "prod", "--output", output],
            env=environ,
            cwd=environ["HOME"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        file = Path(done.stderr.split()[-1])
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert "ZeroDivisionError" in file.read_text()
        assert "hunter2" not in file.read_text()
    assert json.loads(done.stdout)["error"]["exitCode"] == 1


def test_a_file_that_is_in_the_way_is_named_and_no_bug(
    environ: dict[str, str], tier: Tier, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "charts").symlink_to(tier.cache / "charts")
    (cache / "assembled").touch()
    done = run(environ, "render", "--env", "prod", project=tier.root)
    assert (done.returncode, done.stderr) == (2, f"Error: {cache / 'assembled'}: File exists\n")


def test_a_reader_who_has_seen_enough_is_no_error(environ: dict[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "depin_helm", "values", "--env", "prod", "--project", str(ROOT)],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("values", "--env", "prod", "-o", "json"), 0),
        (("values", "--env", "prod", "kibana", "-ojson"), 0),
        (("values", "--env", "nope", "--output=json"), 2),
        (("validate", "--env", "nope", "-ojson"), 2),
        (("diff", "--env", "nope", "-o", "json"), 2),
        (("charts", "list", "-o", "json"), 0),
        (("sandbox", "status", "-o", "json"), 0),
    ],
)
def test_json_output_is_json_alone(environ: dict[str, str], arguments: tuple[str, ...], code: int) -> None:
    done = run(environ, *arguments)
    assert done.returncode == code
    assert ("error" in done.json) == (code != 0)


def test_values_are_shown_with_where_they_come_from(environ: dict[str, str], tmp_path: Path) -> None:
    more = tmp_path / "more.yaml"
    more.write_text(
        "kibana:\n  resources:\n    limits: {memory: 2Gi}\n  extraEnvs:\n    - {name: A, value: b}\n"
    )
    done = run(environ, "values", "--env", "prod", "-f", str(more), "kibana.resources.limits")
    assert (
        f'kibana.resources.limits.memory: "2Gi"\n    from {more}:3:14\n    overrides what charts/'
        in done.stdout
    )
    listed = run(environ, "values", "--env", "prod", "-f", str(more), "kibana.extraEnvs").stdout
    assert listed.startswith(f"kibana.extraEnvs:\n      - name: A\n        value: b\n    from {more}:4:3\n")
