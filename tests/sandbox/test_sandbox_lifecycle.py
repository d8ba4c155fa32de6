"""Starting and stopping sandboxes: several at once, and nothing left behind, whatever happened."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from depin_helm import sandbox
from depin_helm.errors import ClusterError, LockedError, UsageError
from depin_helm.sandbox import Sandbox, layout, processes
from depin_helm.tools import Step
from tests.sandbox.conftest import TOOLS
from tests.sandbox.kubectl import Kubectl, eventually, listening

UP = """
import sys
from pathlib import Path
from depin_helm import sandbox
sandbox.up(sys.argv[1], *map(Path, sys.argv[2:]))
"""
VOLUMES = Path("/tmp/hostpath_pv")
EVERYTHING = {"supervisor", *layout.CORE}


@pytest.fixture
def folder(cache: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Where the sandbox `one` is, which does not outlive its test."""
    yield cache / "sandbox" / "one"
    sandbox.down("one", cache)


def up_elsewhere(cache: Path) -> subprocess.Popen[bytes]:
    """Start the sandbox `one` in another process."""
    command = [sys.executable, "-c", UP, "one", str(TOOLS), str(cache)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def names(folder: Path) -> set[str]:
    return {process.name for process in processes.of(folder)}


def alive(found: Iterable[processes.Process]) -> set[str]:
    """Which of these still run; a dead one whose new parent has not asked for it yet does not."""
    running = set()
    for process in found:
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state not in "ZX":
                running.add(process.name)
    return running


def test_down_leaves_no_process_no_listener_no_folder_and_no_volume(
    cache: Path, folder: Path, binaries: dict[str, Path]
) -> None:
    started = sandbox.up("one", TOOLS, cache)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert started.kubeconfig.stat().st_mode & 0o777 == 0o600
    assert names(folder) == EVERYTHING
    found = processes.of(folder)
    ports = set(layout.read(folder).ports.__dict__.values())
    assert ports <= listening()
    kubectl = Kubectl(binaries["kubectl"], started.kubeconfig)
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "default"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "fast-ssd",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    kubectl.apply(claim)
    volume = eventually(lambda: kubectl.get("pv")["items"])[0]
    path = Path(volume["spec"]["hostPath"]["path"])
    assert path.parent == VOLUMES
    assert path.is_dir()

    assert sandbox.down("one", cache)

    assert alive(found) == set()
    assert not ports & listening()
    assert not folder.exists()
    assert not path.exists()
    assert sandbox.status("one", cache) is None
    assert not sandbox.down("one", cache)


def test_two_run_at_once_and_one_survives_the_end_of_the_other(
    cache: Path, folder: Path, bare: Sandbox, kubectl: Kubectl
) -> None:
    one = sandbox.up("one", TOOLS, cache)
    assert one.server != bare.server
    assert {found.name for found in sandbox.sandboxes(cache) if found.state == "running"} >= {"one", "bare"}
    sandbox.down("one", cache)
    assert kubectl.get("namespace", "kube-system")["metadata"]["labels"]["depin.ai/sandbox"] == "bare"


def test_up_of_a_running_sandbox_changes_nothing(cache: Path, bare: Sandbox) -> None:
    before = processes.of(bare.directory)
    steps: list[Step] = []
    assert sandbox.up("bare", TOOLS, cache, steps.append) == bare
    assert [step.message for step in steps] == ["it runs already"]
    assert {process.pid for process in processes.of(bare.directory)} == {process.pid for process in before}


def test_the_environment_of_a_running_sandbox_is_its_kubeconfig(cache: Path, bare: Sandbox) -> None:
    assert sandbox.environment("bare", cache) == {"KUBECONFIG": str(bare.kubeconfig)}
    with pytest.raises(ClusterError, match="does not run"):
        sandbox.environment("nowhere", cache)


def test_a_sandbox_outlives_the_process_that_started_it_and_holds_none_of_its_files(
    cache: Path, folder: Path
) -> None:
    starter = up_elsewhere(cache)
    output, _ = starter.communicate(timeout=60)  # ends only when everybody who holds stdout is gone
    assert (starter.returncode, output) == (0, b"")
    assert names(folder) == EVERYTHING
    assert {process.session for process in processes.of(folder)} != {os.getsid(0)}


@pytest.mark.parametrize("moment", ["supervisor", "etcd", "kube-apiserver", "kwok"])
def test_what_a_killed_start_left_is_removed_by_down(cache: Path, folder: Path, moment: str) -> None:
    starter = up_elsewhere(cache)
    eventually(lambda: moment in names(folder))
    starter.kill()
    starter.communicate()
    found = sandbox.status("one", cache)
    assert found is not None
    # Who supervises it goes on, and may be done with the last step by now.
    assert found.state != "running" or moment == "kwok"
    assert sandbox.down("one", cache)
    assert alive(found.processes) == set()
    assert processes.of(folder) == ()
    assert not folder.exists()


def test_what_a_killed_start_left_is_removed_by_the_next_up_which_says_so(cache: Path, folder: Path) -> None:
    starter = up_elsewhere(cache)
    eventually(lambda: "kube-apiserver" in names(folder))
    starter.kill()
    starter.communicate()
    before = processes.of(folder)
    steps: list[Step] = []
    sandbox.up("one", TOOLS, cache, steps.append)
    assert steps[0].message == "removing what an earlier start left behind"
    assert alive(before) == set()
    assert names(folder) == EVERYTHING


def test_a_sandbox_being_started_is_left_alone_by_everybody_else(cache: Path, folder: Path) -> None:
    starter = up_elsewhere(cache)
    eventually(lambda: "etcd" in names(folder))
    found = sandbox.status("one", cache)
    assert found is not None
    assert found.state == "starting"
    for refused in (lambda: sandbox.down("one", cache), lambda: sandbox.up("one", TOOLS, cache)):
        with pytest.raises(LockedError, match="being started or stopped"):
            refused()
    starter.communicate(timeout=60)
    assert starter.returncode == 0


def test_an_interrupted_start_leaves_nothing(cache: Path, folder: Path) -> None:
    def interrupt(step: Step) -> None:
        if "API server" in step.message:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sandbox.up("one", TOOLS, cache, interrupt)
    assert processes.of(folder) == ()
    assert not folder.exists()


def test_an_api_server_that_dies_is_reported_with_the_end_of_its_log(
    cache: Path, folder: Path, binaries: dict[str, Path], tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    for program in binaries.values():
        link = programs / program.parent.name / program.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(program)
    broken = programs / binaries["kube-apiserver"].parent.name / "kube-apiserver"
    broken.unlink()
    broken.write_text("#!/bin/sh\necho the disk is full of newts\nexit 3\n")
    broken.chmod(0o755)
    try:
        with pytest.raises(ClusterError) as error:
            sandbox.up("one", TOOLS, tmp_path)
        assert "kube-apiserver stopped with exit status 3" in error.value.message
        assert "the disk is full of newts" in error.value.message
        log = tmp_path / "sandbox" / "one" / "logs" / "kube-apiserver.log"
        assert str(log) in error.value.hint
        assert log.is_file()
        assert processes.of(log.parent.parent) == ()
        found = sandbox.status("one", tmp_path)
        assert found is not None
        assert (found.state, found.problem) == ("broken", "kube-apiserver stopped with exit status 3")
    finally:
        sandbox.down("one", tmp_path)


def test_a_sandbox_that_lost_a_process_is_broken_and_can_be_started_anew(cache: Path, folder: Path) -> None:
    sandbox.up("one", TOOLS, cache)
    victim = next(process for process in processes.of(folder) if process.name == "kube-scheduler")
    os.kill(victim.pid, signal.SIGKILL)
    eventually(lambda: "kube-scheduler" not in names(folder))
    found = sandbox.status("one", cache)
    assert found is not None
    assert (found.state, found.problem) == ("broken", "not running: kube-scheduler")
    sandbox.up("one", TOOLS, cache)
    assert names(folder) == EVERYTHING


def test_nodes_that_crash_by_themselves_come_back(cache: Path, folder: Path) -> None:
    sandbox.up("one", TOOLS, cache)

    def running() -> list[int]:
        return [process.pid for process in processes.of(folder) if process.name == "kwok"]

    (victim,) = running()
    os.kill(victim, signal.SIGQUIT)  # ends a Go program as its own fatal errors do
    eventually(lambda: running() not in ([], [victim]))
    found = sandbox.status("one", cache)
    assert found is not None
    assert found.state == "running"


def test_a_sandbox_whose_supervisor_was_killed_is_still_removed(cache: Path, folder: Path) -> None:
    sandbox.up("one", TOOLS, cache)
    found = processes.of(folder)
    supervisor = next(process for process in found if process.name == "supervisor")
    os.kill(supervisor.pid, signal.SIGKILL)
    eventually(lambda: "supervisor" not in names(folder))
    assert names(folder) == EVERYTHING - {"supervisor"}
    sandbox.down("one", cache)
    assert alive(found) == set()


def test_only_processes_of_the_sandbox_are_ever_stopped(cache: Path, tmp_path: Path) -> None:
    """Neither one that got a used process id, nor one that only names the folder."""
    folder = tmp_path / "sandbox" / "one"
    folder.mkdir(parents=True)
    sleep = "import time; time.sleep(60)"
    reader = subprocess.Popen([sys.executable, "-c", sleep, f"--kubeconfig={folder}/kubeconfig"])
    stranger = subprocess.Popen([sys.executable, "-c", sleep], start_new_session=True)
    try:
        (folder / "session").write_text(str(stranger.pid))
        time.sleep(0.2)
        assert sandbox.down("one", tmp_path)
        assert (reader.poll(), stranger.poll()) == (None, None)
    finally:
        for process in (reader, stranger):
            process.kill()
            process.wait()


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "..", "-a", "a" * 33])
def test_a_name_that_could_be_no_folder_or_label_is_refused(tmp_path: Path, name: str) -> None:
    for call in (lambda: sandbox.up(name, TOOLS, tmp_path), lambda: sandbox.down(name, tmp_path)):
        with pytest.raises(UsageError, match="cannot be the name"):
            call()
