"""Runs commands, and says how long they took beside each other and how much memory Python held."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: The command line under test: that of the Python that runs the benchmark.
DEPIN_HELM = str(Path(sys.executable).with_name("depin-helm"))


@dataclass(frozen=True)
class Run:
    """Wall time in seconds, and the peak resident memory of the process itself in MB."""

    seconds: float
    megabytes: float


def run(command: Sequence[str | Path], environ: Mapping[str, str] | None = None, *, code: int = 0) -> Run:
    """Run to its end; another exit code than `code` ends the benchmark with the command's own output."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=_environ(environ or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    peak = _Peak(process.pid)
    peak.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - started
    peak.join()
    if process.returncode != code:
        sys.exit(
            f"{' '.join(map(str, command))}\nended with {process.returncode}:\n{output.decode()[-4000:]}"
        )
    return Run(seconds, peak.megabytes)


def _environ(more: Mapping[str, str]) -> dict[str, str]:
    """Python keeps the bytecode that it makes, as it does for whoever uses the program."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **more}


class _Peak(threading.Thread):
    """Reads the kernel's high-water mark of a process, which only grows, until the process is gone.

    rusage of a child would count what its own children held too, such as Helm.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{pid}/status")
        self.megabytes = 0.0

    def run(self) -> None:
        while True:
            try:
                lines = self._status.read_text().splitlines()
            except OSError:
                return
            marks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
            if not marks:  # a process that has ended holds no memory
                return
            self.megabytes = marks[0] / 1024
            time.sleep(0.02)


def median(runs: Sequence[Run]) -> float:
    """The middle of the runs' wall times, in seconds."""
    return statistics.median(each.seconds for each in runs)


@dataclass(frozen=True)
class Result:
    """One line of the table: a figure and the most that it may be."""

    what: str
    figure: float
    limit: float
    unit: str
    detail: str = ""


def show(results: Sequence[Result]) -> None:
    """Print the table; exit 1 if a figure is over its limit."""
    for result in results:
        verdict = "ok" if result.figure <= result.limit else "TOO MUCH"
        amount, limit = (f"{number:.3g} {result.unit}" for number in (result.figure, result.limit))
        print(f"{result.what:<45} {amount:>8}  limit {limit:<8} {verdict:<9} {result.detail}")
    if any(result.figure > result.limit for result in results):
        sys.exit(1)
