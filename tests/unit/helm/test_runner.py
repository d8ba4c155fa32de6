"""How Helm is run and stopped; a small script stands for it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from depin_helm.errors import HelmError
from depin_helm.helm import SubprocessRunner

#: Says when it is up, with its process and session; told to stop, takes a moment and says that it has.
POLITE = """\
trap 'sleep 0.2; echo cancelled && echo stopped > "$1.stopped"; exit 1' TERM
echo $$ $(cut -d" " -f6 /proc/$$/stat) > "$1.part"; mv "$1.part" "$1.up"
while :; do sleep 0.05; done
"""

#: Does not listen, and neither do its children.
STUBBORN = """\
trap '' TERM
echo $$ $$ > "$1.part"; mv "$1.part" "$1.up"
while :; do sleep 0.05; done
"""

ENVIRON = {"PATH": os.environ["PATH"]}


def script(folder: Path, text: str) -> list[str]:
    """A command that runs the script, which gets a path in the folder to leave its marks beside."""
    file = folder / "helm"
    file.write_text(f"#!/bin/bash\n{text}")
    file.chmod(0o755)
    return [str(file), str(folder / "mark")]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def up(folder: Path) -> int:
    """Wait for the script; returns its process id."""
    file = folder / "mark.up"
    await asyncio.to_thread(until, file.exists)
    return int(file.read_text().split()[0])


def run_and_cancel(
    command: list[str], folder: Path, grace: float | None, times: int = 1
) -> tuple[int, float]:
    """Cancel the command once it is up; returns its process id, and the seconds it took to be gone."""

    async def main() -> tuple[int, float]:
        task = asyncio.ensure_future(SubprocessRunner()(command, environ=ENVIRON, grace=grace))
        pid = await up(folder)
        started = time.monotonic()
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0.05)
        with pytest.raises(asyncio.CancelledError):
            await task
        return pid, time.monotonic() - started

    return asyncio.run(main())


def test_output_and_exit_code_are_handed_on(tmp_path: Path) -> None:
    command = script(tmp_path, "echo out; echo err >&2; exit 3")
    done = asyncio.run(SubprocessRunner()(command, environ=ENVIRON, grace=1.0))
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err\n")


def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    command = script(tmp_path, 'printf "%s" "$2"')
    done = asyncio.run(SubprocessRunner()([*command, "$(id); *"], environ=ENVIRON, grace=None))
    assert done.stdout == b"$(id); *"


def test_a_program_that_is_not_there_is_a_helm_error(tmp_path: Path) -> None:
    with pytest.raises(HelmError, match="cannot be started"):
        asyncio.run(SubprocessRunner()([str(tmp_path / "none")], environ=ENVIRON, grace=None))


def test_a_cancelled_helm_is_waited_for_until_it_has_cleaned_up(tmp_path: Path) -> None:
    run_and_cancel(script(tmp_path, POLITE), tmp_path, grace=20.0)
    assert (tmp_path / "mark.stopped").exists()


def test_a_helm_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    pid, seconds = run_and_cancel(script(tmp_path, STUBBORN), tmp_path, grace=0.3)
    assert not alive(pid)
    assert 0.3 <= seconds < 5


def test_cancelling_again_kills_at_once(tmp_path: Path) -> None:
    pid, seconds = run_and_cancel(script(tmp_path, STUBBORN), tmp_path, grace=60.0, times=2)
    assert not alive(pid)
    assert seconds < 5


def test_a_helm_that_changes_nothing_is_not_waited_for(tmp_path: Path) -> None:
    pid, seconds = run_and_cancel(script(tmp_path, STUBBORN), tmp_path, grace=None)
    assert not alive(pid)
    assert seconds < 5


def test_helm_may_say_more_than_a_pipe_holds(tmp_path: Path) -> None:
    command = script(tmp_path, "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2")
    done = asyncio.run(SubprocessRunner()(command, environ=ENVIRON, grace=None))
    assert (len(done.stdout), len(done.stderr)) == (300_000, 300_000)


def test_the_terminals_signals_reach_us_alone(tmp_path: Path) -> None:
    pid, _ = run_and_cancel(script(tmp_path, POLITE), tmp_path, grace=20.0)
    session = int((tmp_path / "mark.up").read_text().split()[1])
    assert session == pid != os.getsid(0)


def test_helm_is_told_to_stop_when_we_are_killed(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from depin_helm.helm import SubprocessRunner
asyncio.run(SubprocessRunner()(sys.argv[1:], environ={"PATH": "/usr/bin:/bin"}, grace=30.0))
"""
    tool = subprocess.Popen([sys.executable, "-c", program, *script(tmp_path, POLITE)])
    until((tmp_path / "mark.up").exists)
    tool.send_signal(signal.SIGKILL)
    tool.wait()
    until((tmp_path / "mark.stopped").exists)


def test_what_was_run_and_what_went_wrong_is_logged_without_secrets(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    command = script(tmp_path, "echo 'Error: adminPassword: hunter2' >&2; echo data: hunter2; exit 1")
    asyncio.run(SubprocessRunner()([*command, "upgrade"], environ=ENVIRON, grace=None))
    assert f"{command[0]} {command[1]} upgrade" in caplog.text
    assert "adminPassword" in caplog.text
    assert "hunter2" not in caplog.text
