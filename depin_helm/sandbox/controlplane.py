"""Start, stop and describe sandboxes: throwaway Kubernetes control planes on this machine.

A sandbox is a folder, `<cache>/sandbox/<name>`, and the processes that name it. While it is being started
or stopped, a lock on the folder keeps others off; a lock dies with its holder, so a killed start leaves only
what `down`, or the next `up`, finds and removes.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from depin_helm import tools
from depin_helm.errors import ClusterError, LockedError, UsageError
from depin_helm.sandbox import layout, processes
from depin_helm.tools import Progress, Step

MODULES = ("kubernetes", "etcd", "kwok", "prometheus-operator")

SIMULATED = (
    "nodes and pods: three nodes of kwok; a scheduled pod becomes Ready at once and runs nothing",
    "faults: an image tagged `does-not-exist` or the annotation sandbox.depin.ai/fault keeps a pod down",
    "cert-manager: Certificates get real key pairs, signed on this machine, from ACME issuers too",
    "admission webhooks: never called; Pod Security, quotas, CRD validation and admission policies are real",
    "volumes: claims are bound to empty folders; load balancers get addresses that lead nowhere",
    "network: nothing is called outside of this machine, and no pod can be reached",
)

_STEPS = 4
_TAIL = 15  # lines of a log that an error shows
_PATIENCE = 60  # seconds for the control plane to come up
_POLL = 0.05
#: Seconds within which a look at a sandbox is over.
_GLANCE = 0.5
# Where kube-controller-manager's host-path provisioner puts volumes; it lets nobody choose the place.
_VOLUMES = Path("/tmp/hostpath_pv")  # noqa: S108
_VOLUME = re.compile(rb"/tmp/hostpath_pv/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that runs. `simulated` says in plain sentences what in it is not real."""

    name: str
    directory: Path
    server: str
    context: str
    kubeconfig: Path
    simulated: tuple[str, ...] = SIMULATED


@dataclass(frozen=True)
class Status:
    """What there is under a sandbox's name: `state` is running, starting or broken, `problem` says why.

    `sandbox` is None if its start was killed before anything ran.
    """

    name: str
    state: Literal["running", "starting", "broken"]
    problem: str
    processes: tuple[processes.Process, ...]
    sandbox: Sandbox | None

    @property
    def memory(self) -> int:
        """Resident memory of all its processes, in bytes."""
        return sum(process.memory for process in self.processes)


def up(
    name: str,
    tools_directory: Path,
    cache: Path,
    progress: Progress = tools.silent,
    environ: Mapping[str, str] | None = None,
) -> Sandbox:
    """Start the sandbox `name`, building its programs first if need be; one that runs is returned as it is.

    `environ` is what the Go compiler gets to see. What a killed start left behind is removed, which
    `progress` is told.

    Raises:
        UsageError: `name` cannot be a sandbox's, or the programs cannot be built.
        LockedError: it is being started or stopped by somebody else.
        ClusterError: a part of the control plane does not come up; its log is kept.
    """
    directory = _directory(name, cache)
    binaries = tools.build(MODULES, tools_directory, cache, progress, environ)
    tell = _teller(progress)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(directory):
        if any(directory.iterdir()):
            found = _status(directory)
            if found.state == "running" and found.sandbox:
                tell("it runs already", _STEPS)
                return found.sandbox
            tell("removing what an earlier start left behind", 1)
            _clear(directory)
        try:
            return _start(layout.Layout(name, directory, layout.free_ports(), binaries), tell)
        except ClusterError:
            processes.stop(directory)  # its logs stay, until `down` or the next `up`
            raise
        except BaseException:
            _clear(directory)
            directory.rmdir()
            raise


def down(name: str, cache: Path) -> bool:
    """Stop the sandbox `name`, or what a killed start left of it, and remove it; say if there was one.

    Raises:
        UsageError: `name` cannot be a sandbox's.
        LockedError: it is being started or stopped by somebody else.
    """
    directory = _directory(name, cache)
    if not directory.is_dir():
        return False
    with _locked(directory):
        _clear(directory)
        directory.rmdir()
    return True


def status(name: str, cache: Path) -> Status | None:
    """Describe the sandbox `name`; None if there is none."""
    directory = _directory(name, cache)
    return _status(directory) if directory.is_dir() else None


def sandboxes(cache: Path) -> tuple[Status, ...]:
    """Describe all sandboxes there are, by name."""
    folder = cache.absolute() / "sandbox"
    return tuple(_status(entry) for entry in sorted(folder.glob("*")) if entry.is_dir())


def environment(name: str, cache: Path) -> dict[str, str]:
    """Return the variables that point kubectl and Helm at the sandbox `name`.

    Raises:
        ClusterError: it does not run.
    """
    found = status(name, cache)
    if found is None or found.sandbox is None or found.state != "running":
        raise ClusterError(
            f"sandbox {name!r} does not run" + (f": {found.problem}" if found else ""),
            hint=f"depin-helm sandbox up {name}",
        )
    return {"KUBECONFIG": str(found.sandbox.kubeconfig)}


def _directory(name: str, cache: Path) -> Path:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", name):
        raise UsageError(
            f"{name!r} cannot be the name of a sandbox",
            hint="use up to 32 small letters, digits and hyphens, with no hyphen at either end",
        )
    return cache.absolute() / "sandbox" / name


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    handle = os.open(directory, os.O_RDONLY)
    try:
        # Whoever looks whether it is being started holds the lock, too, for a moment.
        deadline = time.monotonic() + _GLANCE
        while not (mine := _lock(handle)) and time.monotonic() < deadline:
            time.sleep(_GLANCE / 10)
        if not mine or not directory.is_dir() or os.fstat(handle).st_ino != directory.stat().st_ino:
            raise LockedError(
                f"sandbox {directory.name!r} is being started or stopped by another process",
                hint="wait for it, then try again",
            )
        yield
    finally:
        os.close(handle)


def _lock(handle: int, *, shared: bool = False) -> bool:
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _teller(progress: Progress) -> Callable[[str, int], None]:
    """Report a step when it begins and then once a second."""
    current, began, told = "", 0.0, 0.0

    def tell(message: str, number: int) -> None:
        nonlocal current, began, told
        now = time.monotonic()
        if message != current:
            current, began, told = message, now, 0.0
        if now - told >= 1:
            told = now
            progress(Step(message, number, _STEPS, now - began))

    return tell


def _start(plan: layout.Layout, tell: Callable[[str, int], None]) -> Sandbox:
    from depin_helm.sandbox import pki  # cryptography is only needed here

    tell("making keys and certificates", 1)
    pki.write(plan.pki)
    pki.write_kubeconfig(plan.kubeconfig, plan.pki, plan.server, plan.context)
    plan.write()
    pid = processes.start_supervisor(plan.directory)
    deadline = time.monotonic() + _PATIENCE
    while not (state := _state(plan.directory)).get("ready"):
        if state.get("error"):
            raise _failure(plan, state["program"], state["error"])
        if os.waitpid(pid, os.WNOHANG)[0]:
            raise _failure(plan, processes.SUPERVISOR, "the sandbox's supervisor stopped")
        if time.monotonic() > deadline:
            raise _failure(plan, "kube-apiserver", f"the control plane is not up after {_PATIENCE} s")
        if state:
            tell(state["step"], 1 + state["number"])
        time.sleep(_POLL)
    return _sandbox(plan)


def _failure(plan: layout.Layout, program: str, problem: str) -> ClusterError:
    log = plan.log(program)
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").splitlines()[-_TAIL:]
        problem = "\n".join([f"{problem}; the last lines of its log:", *lines])
    return ClusterError(
        f"sandbox {plan.name!r} did not come up: {problem}",
        hint=f"the whole log: {log}; to remove it: depin-helm sandbox down {plan.name}",
    )


def _sandbox(plan: layout.Layout) -> Sandbox:
    return Sandbox(plan.name, plan.directory, plan.server, plan.context, plan.kubeconfig)


def _state(directory: Path) -> dict[str, Any]:
    with contextlib.suppress(FileNotFoundError):
        state: dict[str, Any] = json.loads((directory / "state.json").read_text())
        return state
    return {}


def _status(directory: Path) -> Status:
    found = processes.of(directory)
    state = _state(directory)
    sandbox = None
    with contextlib.suppress(FileNotFoundError):
        sandbox = _sandbox(layout.read(directory))
    missing = {processes.SUPERVISOR, *layout.CORE} - {process.name for process in found}
    if state.get("ready") and not missing:
        return Status(directory.name, "running", "", found, sandbox)
    try:
        handle = os.open(directory, os.O_RDONLY)
    except FileNotFoundError:
        return Status(directory.name, "broken", "it was removed just now", found, sandbox)
    try:
        if not _lock(handle, shared=True):
            return Status(directory.name, "starting", "it is being started or stopped", found, sandbox)
    finally:
        os.close(handle)
    problem = state.get("error") or (
        f"not running: {', '.join(sorted(missing))}" if state.get("ready") else "its start was interrupted"
    )
    return Status(directory.name, "broken", problem, found, sandbox)


def _clear(directory: Path) -> None:
    """Stop what runs and remove everything that the sandbox made, but for its folder, which is locked."""
    processes.stop(directory)
    _remove_volumes(directory)
    for entry in directory.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _remove_volumes(directory: Path) -> None:
    """Remove the folders of volumes that still existed.

    They are named, with a random UUID each, in the PersistentVolumes in etcd's files: these can be read even
    if the API server has been dead for long.
    """
    for file in (directory / "etcd").rglob("*"):
        if file.is_file() and file.stat().st_size:
            with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
                names = {match[1].decode() for match in _VOLUME.finditer(content)}
            for name in names:
                shutil.rmtree(_VOLUMES / name, ignore_errors=True)
    with contextlib.suppress(OSError):
        _VOLUMES.rmdir()  # unless other sandboxes use it
