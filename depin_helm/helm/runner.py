"""Runs Helm without a shell, logs what was run, and reaches it when the work is cancelled.

A Helm that changes a cluster runs in a session of its own: the terminal's Ctrl-C reaches us alone, and we
pass it on, wait until Helm has recorded the release as failed, and only then go on being cancelled. Should
this process be killed outright, the kernel sends Helm the same signal.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import shlex
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from depin_helm.errors import HelmError
from depin_helm.helm.redaction import redact

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Completed:
    """How a command ended; `returncode` is negative where a signal ended it."""

    returncode: int
    stdout: bytes
    stderr: bytes


class Runner(Protocol):
    """Runs a command: the seam where tests put a recorder."""

    async def __call__(
        self, argv: Sequence[str], *, environ: Mapping[str, str], grace: float | None
    ) -> Completed:
        """Run `argv` to its end. When cancelled, stop it: at once, or with `grace` seconds to end itself."""
        ...


class SubprocessRunner:
    """Runs commands as processes of this machine.

    A command with a `grace` is one that changes something: it gets SIGTERM when we are cancelled or killed.
    """

    async def __call__(
        self, argv: Sequence[str], *, environ: Mapping[str, str], grace: float | None
    ) -> Completed:
        """Run `argv`; see Runner.

        Raises:
            HelmError: the program cannot be started.
        """
        shown = shlex.join(argv)
        started = time.monotonic()
        log.info("run: %s", shown)
        with _memory("stdout") as stdout, _memory("stderr") as stderr:
            try:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    env=dict(environ),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    start_new_session=True,
                    preexec_fn=None if grace is None else _die_with_parent(),
                )
            except OSError as error:
                raise HelmError(f"{argv[0]} cannot be started: {error.strerror}") from error
            try:
                code = await process.wait()
            except asyncio.CancelledError:
                await _stop(process, grace)
                seconds = time.monotonic() - started
                log.warning("cancelled after %.1f s (%s): %s", seconds, process.returncode, shown)
                raise
            done = Completed(code, _content(stdout), _content(stderr))
        log.info("ended with %d after %.1f s: %s", code, time.monotonic() - started, shown)
        if code != 0:
            log.warning("%s", redact(done.stderr.decode(errors="replace").strip()))
        return done


async def _stop(process: asyncio.subprocess.Process, grace: float | None) -> None:
    """End the process and its children; a second cancellation during `grace` ends them at once."""
    try:
        if grace is not None:
            _signal(process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), grace)
    finally:
        if process.returncode is None:
            _signal(process.pid, signal.SIGKILL)
            await process.wait()


def _memory(name: str) -> BinaryIO:
    """A file in memory, not a pipe: a Helm that outlives us is ended by its first write to a broken one."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create(name), "w+b")
    return tempfile.TemporaryFile()


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def _die_with_parent() -> Callable[[], None] | None:
    """What a child calls between fork and exec: the kernel then sends it SIGTERM when we die (Linux only)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "prctl"):
        return None

    def set_signal() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    return set_signal
