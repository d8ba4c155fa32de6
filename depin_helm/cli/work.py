"""Work that takes long and changes a cluster: asked for, locked, logged, shown, interrupted, summed up."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from depin_helm.cli import options
from depin_helm.cli.target import Target
from depin_helm.report import Report

if TYPE_CHECKING:
    from depin_helm.cluster import Lock
    from depin_helm.rollout import Observer, Progress

T = TypeVar("T")

log = logging.getLogger("depin_helm.rollout")


@contextmanager
def at_work(
    report: Report, target: Target, action: str, layers: Sequence[str], again: str
) -> Iterator[tuple[Lock, Observer]]:
    """Hold the cluster's lock, keep a log, show the rollout; say where an interruption leaves it.

    Raises:
        LockedError: somebody else has the lock, or took it.
    """
    import threading

    from depin_helm.errors import DepinHelmError, LockedError

    latest: dict[str, Progress] = {}
    lost = threading.Event()

    def give_up() -> None:
        lost.set()
        os.kill(os.getpid(), signal.SIGTERM)

    try:
        with (
            _log_file(report),
            target.cluster.lock(target.environment.name, action, on_lost=give_up) as lock,
            report.rollout_progress(layers) as show,
        ):

            def observe(progress: Progress) -> None:
                if progress.pods is None and not (progress.state == "running" and progress.seconds):
                    log.info("layer %s: %s after %.1f s", progress.layer, progress.state, progress.seconds)
                latest[progress.layer] = progress
                show(progress)

            identity = target.cluster.identity()
            log.info("%s %s on %s (%s)", action, target.environment.name, identity.server, identity.id)
            try:
                yield lock, observe
            except DepinHelmError as error:
                log.error("%s", error.message)
                raise
    except (KeyboardInterrupt, SystemExit):
        if lost.is_set():
            raise LockedError(
                "the lock on the cluster was lost: stopped", hint=f"to continue: {again}"
            ) from None
        halfway = [name for name, progress in latest.items() if progress.state == "running"]
        where = f"in the middle of {', '.join(halfway)}" if halfway else "outside of any layer"
        report.say(f"Interrupted {where}; the same command continues from there: {again}")
        raise


@contextmanager
def _log_file(report: Report) -> Iterator[None]:
    """Write what is done, and what Helm does and says, to a file in the current folder, for this user alone.

    Raises:
        UsageError: there can be no such file.
    """
    from depin_helm.errors import UsageError

    file = Path(f"deploy-operators-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.log")
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise UsageError(
            f"cannot write the log {file.absolute()}: {error.strerror}",
            hint="run the command in a folder that you may write to",
        ) from error
    with os.fdopen(handle, "a", encoding="utf-8") as stream:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger = logging.getLogger("depin_helm")
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        try:
            yield
        finally:
            logger.removeHandler(handler)
            report.say(f"log: {file}")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to its end; SIGTERM cancels it as Ctrl-C does, so that Helm is told and waited for."""
    import asyncio

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
        before = signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(task.cancel))
        try:
            return await task
        finally:
            signal.signal(signal.SIGTERM, before)

    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        raise SystemExit(128 + signal.SIGTERM) from None


def confirm(answer: str, what: str, *, hint: str = "") -> None:
    """Let the user type `answer`.

    Raises:
        UsageError: something else was typed, or there is nobody to ask.
    """
    from depin_helm.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError(f"to {what} must be confirmed on a terminal", hint=hint)
    # typer.prompt would write a space to standard output, which may be a value on its way to a file.
    typer.echo(f"Type {answer} to {what}: ", nl=False, err=True)
    if sys.stdin.readline().strip() != answer:
        raise UsageError("not confirmed: nothing was changed")


def check(report: Report, ends: Sequence[Progress], again: str) -> None:
    """End the command with an error if a layer failed: with the causes of each."""
    from depin_helm.errors import HelmError

    failed = [(end.layer, end.error) for end in ends if end.error is not None]
    if not failed:
        return
    causes = []
    for layer, error in failed:
        details = error.causes if isinstance(error, HelmError) else ()
        causes += [f"{layer}: {text}" for text in (error.message, *details, error.hint) if text]
    for cause in causes:
        log.error("%s", cause)
    summary = HelmError(
        f"failed: {', '.join(layer for layer, _ in failed)}",
        causes=causes,
        hint=f"mend that and run it again, it continues: {again}",
    )
    codes = {error.exit_code for _, error in failed}
    if len(codes) == 1:  # the cluster is gone, or somebody else is at work on it
        summary.exit_code = codes.pop()
    options.fail(report, summary)
