"""The processes of one sandbox, found in /proc, so that nothing recorded can ever be out of date.

A sandbox is one session (setsid) whose leader is its supervisor. A process is taken for the sandbox's only
if it runs in that session *and* names the sandbox's folder in its arguments; the supervisor itself is known
by its whole command line. A process id that was used again is therefore never mistaken.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from depin_helm.errors import ClusterError

SUPERVISOR = "supervisor"
_MODULE = "depin_helm.sandbox.supervisor"
# The API server goes before etcd: without its etcd it would not stop. The supervisor restarts what it misses.
_ORDER = (
    SUPERVISOR,
    "prometheus-operator",
    "kwok",
    "kube-scheduler",
    "kube-controller-manager",
    "kube-apiserver",
)


@dataclass(frozen=True)
class Process:
    """A running process; `started` in clock ticks after boot, `memory` resident, in bytes."""

    name: str
    pid: int
    session: int
    started: int
    memory: int
    arguments: tuple[str, ...]


def start_supervisor(directory: Path) -> int:
    """Start the sandbox's supervisor in a session of its own, holding none of our files; return its pid."""
    log = directory / "logs" / f"{SUPERVISOR}.log"
    log.parent.mkdir(exist_ok=True)
    package = Path(__file__).parents[2]
    return os.posix_spawn(
        sys.executable,
        _command(directory),
        {"PATH": os.defpath, "HOME": str(directory), "PYTHONPATH": str(package)},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def of(directory: Path) -> tuple[Process, ...]:
    """All running processes of the sandbox in `directory`, in the order to stop them."""
    mine = list(_processes())
    command = tuple(_command(directory))[1:]
    leaders = [process for process in mine if process.arguments[1:] == command]
    sessions = {leader.pid for leader in leaders} | _recorded_session(directory)
    found = [
        process
        for process in mine
        if process.session in sessions and any(str(directory) in argument for argument in process.arguments)
    ]
    return tuple(sorted(found, key=_rank))


def stop(directory: Path) -> tuple[Process, ...]:
    """Stop every process of the sandbox in `directory` and return those there were.

    The supervisor is asked to, since it can reap its children; whatever is left is killed: a sandbox has no
    data to save.

    Raises:
        ClusterError: a process cannot be killed.
    """
    first = of(directory)
    for process in first:
        if process.name == SUPERVISOR:
            _signal(process, signal.SIGTERM, patience=10)
    deadline = time.monotonic() + 20
    while left := of(directory):
        for process in left:
            _signal(process, signal.SIGKILL, patience=5)
        if time.monotonic() > deadline:
            pids = ", ".join(f"{process.name} {process.pid}" for process in left)
            raise ClusterError(f"cannot stop {pids}", hint="look at these processes by hand")
    return first


def record_session(directory: Path) -> None:
    """Note the calling supervisor's session, for the day when its children outlive it."""
    (directory / "session").write_text(str(os.getsid(0)))


def _command(directory: Path) -> list[str]:
    # -P: the folder that depin-helm is called from is no place to import from.
    return [sys.executable, "-P", "-m", _MODULE, str(directory)]


def _rank(process: Process) -> int:
    return _ORDER.index(process.name) if process.name in _ORDER else len(_ORDER)


def _recorded_session(directory: Path) -> set[int]:
    with contextlib.suppress(OSError, ValueError):
        return {int((directory / "session").read_text())}
    return set()


def _processes() -> Iterator[Process]:
    """Yield this user's processes, zombies apart."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                process = _read(int(entry.name)) if entry.stat().st_uid == os.getuid() else None
                if process is not None:
                    yield process


def _read(pid: int) -> Process | None:
    arguments = tuple(Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1])
    # proc(5): after the name in parentheses, field 3 is the state, 6 the session, 22 the start, 24 the pages
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    if not arguments or fields[0] in "ZX":
        return None
    name = SUPERVISOR if _MODULE in arguments else Path(arguments[0]).name
    memory = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return Process(name, pid, int(fields[3]), int(fields[19]), memory, arguments)


def _signal(process: Process, number: signal.Signals, patience: float) -> None:
    """Signal exactly this process and wait up to `patience` seconds for its end."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        with contextlib.suppress(OSError):
            now = _read(process.pid)
            if now is not None and now.started == process.started:
                signal.pidfd_send_signal(handle, number)
                select.select([handle], [], [], patience)
    finally:
        os.close(handle)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)  # the supervisor may be a child of ours
