"""Fluent Bit's configuration, as the chart renders it, and what Fluent Bit itself makes of it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from depin_helm import yamlio
from tests.charts.checks.model import Platform
from tests.charts.mutants import container, pod
from tests.charts.rendering import Renderer
from tests.logs import agent
from tests.logs.corpus import Case, cases, instant
from tests.tier import ROOT

VALUES = Path(agent.__file__).parent / "values.yaml"
CORPUS = cases()


def files(platform: Platform) -> dict[str, str]:
    """The ConfigMap's."""
    (config,) = (each for each in platform.of_kind("ConfigMap") if each.name == "fluent-bit")
    data: dict[str, str] = config.data["data"]
    return data


def pipeline(platform: Platform) -> dict[str, Any]:
    found: dict[str, Any] = yamlio.load(files(platform)["fluent-bit.yaml"].encode())
    return found


def with_values(renderer: Renderer, overrides: dict[str, Any]) -> Platform:
    return renderer.one_layer("fluent-bit", overrides, "depin-fluent-bit")


def dry_run(program: str, data: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    main = agent.configure(data, folder, local=False)
    environment = {**os.environ, "ELASTICSEARCH_USERNAME": "fluent-bit", "ELASTICSEARCH_PASSWORD": "x"}
    return subprocess.run(
        [program, "--dry-run", f"--config={main}"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )


def test_fluent_bit_takes_the_configuration(platform: Platform, program: str, tmp_path: Path) -> None:
    said = dry_run(program, files(platform), tmp_path / "agent")
    assert said.returncode == 0, said.stdout + said.stderr
    assert "configuration test is successful" in said.stdout + said.stderr
    assert "[error]" not in said.stdout + said.stderr


def test_fluent_bit_takes_what_validate_takes(renderer: Renderer, program: str, tmp_path: Path) -> None:
    example = yamlio.load((ROOT / "tests/examples/valid/own-parsers-and-filters/values.yaml").read_bytes())
    main = agent.configure(files(with_values(renderer, example)), tmp_path / "agent", local=True)
    case = next(case for case in CORPUS if case.documents)
    assert agent.run(program, main, [case])[case.file]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("fluent-bit.yaml", "truncate_long_lines:", "truncate_lines:"),
        ("fluent-bit.yaml", "name: es\n", "name: elastic\n"),
        ("fluent-bit.yaml", "merge_log_key: parsed", "merge_logs_key: parsed"),
        ("parsers.yaml", "(?<klog_severity>", "(?<klog_severity>("),
    ],
)
def test_fluent_bit_refuses_a_broken_configuration(
    renderer: Renderer, program: str, tmp_path: Path, name: str, old: str, new: str
) -> None:
    data = dict(files(renderer.layered("prod")))
    assert old in data[name]
    data[name] = data[name].replace(old, new)
    said = dry_run(program, data, tmp_path / "agent")
    assert said.returncode != 0 or "[error]" in said.stdout + said.stderr


@pytest.fixture(scope="module")
def documents(
    renderer: Renderer, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Case], list[tuple[datetime, dict[str, Any]]]]:
    """What the whole pipeline makes of the corpus, in one run."""
    program = agent.program()
    data = files(with_values(renderer, yamlio.load(VALUES.read_bytes())))
    main = agent.configure(data, tmp_path_factory.mktemp("pipeline") / "agent", local=True)
    found = agent.run(program, main, CORPUS)
    return lambda case: found.get(case.file, [])


@pytest.mark.parametrize("case", CORPUS, ids=[case.name for case in CORPUS])
def test_lines_become_the_documents_of_the_corpus(
    documents: Callable[[Case], list[tuple[datetime, dict[str, Any]]]], case: Case
) -> None:
    found = documents(case)
    assert [document for _, document in found] == case.expected
    if case.documents:
        stamps = [instant(stamp) for stamp in case.times]
        late = [abs(time - stamp) for (time, _), stamp in zip(found, stamps, strict=True)]
        assert max(late) < timedelta(microseconds=3)


def test_stack_traces_stay_lines_where_they_are_to(renderer: Renderer, program: str, tmp_path: Path) -> None:
    data = files(with_values(renderer, {"depin-fluent-bit": {"multiline": False}}))
    case = next(case for case in CORPUS if case.name == "traces-python-without-message")
    main = agent.configure(data, tmp_path / "agent", local=True)
    found = agent.run(program, main, [case], wanted=len(case.lines))
    assert [document["message"] for _, document in found[case.file]] == [
        line.split(" F ", 1)[1] for line in case.lines
    ]


def test_documents_go_to_the_data_stream_over_verified_tls(platform: Platform) -> None:
    (output,) = pipeline(platform)["pipeline"]["outputs"]
    assert output["name"] == "es"
    assert {key: output[key] for key in ("index", "write_operation", "time_key")} == {
        "index": "depin-logs",
        "write_operation": "create",
        "time_key": "@timestamp",
    }
    for switch in (
        "tls",
        "tls.verify",
        "tls.verify_hostname",
        "generate_id",
        "suppress_type_name",
        "time_key_nanos",
    ):
        assert output[switch] is True, switch
    for switch in ("logstash_format", "trace_output", "trace_error", "replace_dots"):
        assert output[switch] is False, switch


def test_what_waits_is_on_disk_and_given_up_late(platform: Platform) -> None:
    config = pipeline(platform)
    (tail,) = config["pipeline"]["inputs"]
    filters = {each["name"]: each for each in config["pipeline"]["filters"]}
    (output,) = config["pipeline"]["outputs"]
    assert tail["storage.type"] == filters["multiline"]["emitter_storage.type"] == "filesystem"
    assert tail["db"].startswith("/fluent-bit/state/")
    assert tail["rotate_wait"] >= 60
    assert tail["storage.pause_on_chunks_overlimit"] is False
    assert tail["truncate_long_lines"] is True
    assert filters["kubernetes"]["kube_meta_cache_ttl"] == "5m"
    assert output["retry_limit"] == 100
    # A chunk has up to 2 MB of records, of a hundred bytes and more, and its answer 230 bytes for each.
    assert int(output["buffer_size"].removesuffix("M")) * 1024 >= 2 * 1024 * 230 / 100


def test_reading_pauses_where_the_environment_wants_it(renderer: Renderer) -> None:
    platform = with_values(renderer, {"depin-fluent-bit": {"buffer": {"pauseInput": True}}})
    (tail,) = pipeline(platform)["pipeline"]["inputs"]
    assert tail["storage.pause_on_chunks_overlimit"] is True


def test_what_no_script_has_seen_goes_no_further(platform: Platform) -> None:
    names = [each["name"] for each in pipeline(platform)["pipeline"]["filters"]]
    assert names[names.index("lua") + 1] == "grep"


def test_it_may_ask_for_single_pods_and_nothing_else(platform: Platform) -> None:
    (role,) = (each for each in platform.of_kind("ClusterRole") if each.name.endswith("fluent-bit"))
    assert role.data["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]


def test_credentials_come_from_a_secret(platform: Platform) -> None:
    (output,) = pipeline(platform)["pipeline"]["outputs"]
    (daemon,) = (each for each in platform.of_kind("DaemonSet") if each.name == "fluent-bit")
    variables = {each["name"]: each.get("valueFrom", {}) for each in container(dict(daemon.data))["env"]}
    for key in ("http_user", "http_passwd"):
        assert "secretKeyRef" in variables[output[key].removeprefix("${").removesuffix("}")]


@pytest.mark.usefixtures("real_charts")
def test_buffers_fit_into_their_volume(platform: Platform) -> None:
    config = pipeline(platform)
    (output,) = config["pipeline"]["outputs"]
    (daemon,) = (each for each in platform.of_kind("DaemonSet") if each.name == "fluent-bit")
    (state,) = (volume for volume in pod(dict(daemon.data))["volumes"] if volume["name"] == "state")
    assert state["emptyDir"]["sizeLimit"] == "1Gi"
    buffered = sum(
        int(text.removesuffix("M"))
        for text in (output["storage.total_limit_size"], config["service"]["storage.rejected.limit"])
    )
    assert buffered < 1024 * 0.75
    assert config["service"]["storage.path"].startswith("/fluent-bit/state/")


def test_a_namespace_is_excluded_by_its_name_alone(renderer: Renderer) -> None:
    platform = with_values(renderer, {"depin-fluent-bit": {"excludedNamespaces": ["a", "kube-system"]}})
    (tail,) = pipeline(platform)["pipeline"]["inputs"]
    assert tail["exclude_path"] == "/var/log/containers/*_a_*.log,/var/log/containers/*_kube-system_*.log"


@pytest.mark.usefixtures("real_charts")
def test_another_parser_changes_the_configuration_alone(renderer: Renderer) -> None:
    parser = {"name": "legacy", "format": "regex", "regex": "^(?<message>.*)$"}
    before = with_values(renderer, {})
    after = with_values(renderer, {"depin-fluent-bit": {"parsers": [parser]}})
    changed = [
        str(one) for one, other in zip(before.objects, after.objects, strict=True) if one.data != other.data
    ]
    assert changed == ["ConfigMap node-agents/fluent-bit"]


@pytest.mark.usefixtures("real_charts")
def test_what_changes_is_read_anew_without_a_restart(platform: Platform) -> None:
    (daemon,) = (each for each in platform.of_kind("DaemonSet") if each.name == "fluent-bit")
    agent_, reloader = pod(dict(daemon.data))["containers"]
    assert "--enable-hot-reload" in agent_["args"]
    assert pipeline(platform)["service"]["hot_reload"] is True
    port = pipeline(platform)["service"]["http_port"]
    assert f"-webhook-url=http://localhost:{port}/api/v2/reload" in reloader["args"]
    mounted = {mount["mountPath"]: mount["name"] for mount in reloader["volumeMounts"]}
    (volume,) = (
        each for each in pod(dict(daemon.data))["volumes"] if each["name"] == mounted["/watch/config"]
    )
    assert volume["configMap"]["name"] == "fluent-bit"
    assert reloader["securityContext"]["readOnlyRootFilesystem"] is True
    assert "@" in reloader["image"] or ":v" in reloader["image"]


def test_the_files_leave_room_in_a_configmap(platform: Platform) -> None:
    assert len(json.dumps(files(platform)).encode()) < 256 * 1024
