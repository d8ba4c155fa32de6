"""Builds the engines, once for each change of their folder, and runs them."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
NAMES = ("elasticsearch", "opensearch")
PROGRAMS, OLDEST = ("java", "javac", "mvn"), 17
#: What Maven says where there is no way to the repository.
UNREACHABLE = re.compile(
    r"Unknown host|Could not transfer artifact|unreachable|timed out|refused|offline mode"
)


class Engine:
    """A running one, at `host` and `port`."""

    def __init__(self, address: str) -> None:
        self.host, _, port = address.rpartition(":")
        self.port = int(port)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and answer; a list becomes lines of JSON, as bulk requests are."""
        lines = body if isinstance(body, list) else [body]
        data = None if body is None else "".join(f"{json.dumps(line)}\n" for line in lines).encode()
        request = urllib.request.Request(f"http://{self.host}:{self.port}{path}", data, method=method)
        request.add_header(
            "Content-Type", "application/x-ndjson" if isinstance(body, list) else "application/json"
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


class UnreachableError(Exception):
    """Maven Central cannot be asked."""


def missing() -> str:
    """What this machine lacks to build and run them, "" if nothing."""
    if lacking := [program for program in PROGRAMS if shutil.which(program) is None]:
        return f"there is no {' or '.join(lacking)} on PATH"
    said = subprocess.run(["javac", "-version"], capture_output=True, text=True, check=False)
    version = re.search(r"\d+", said.stdout + said.stderr)
    return "" if version and int(version[0]) >= OLDEST else f"javac is too old: {said.stdout.strip()}"


def build(name: str, cache: Path) -> Path:
    """The folder with its class path; built below `cache` if it is not there."""
    source = FOLDER / name
    files = sorted(file for file in source.rglob("*") if file.is_file())
    digest = hashlib.sha256(b"\0".join(str(file).encode() + file.read_bytes() for file in files)).hexdigest()
    target = cache / "engines" / f"{name}-{digest[:16]}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
                built = Path(scratch) / name
                _run(
                    "mvn",
                    "-q",
                    "-B",
                    "-f",
                    f"{source}/pom.xml",
                    "dependency:copy-dependencies",
                    f"-DoutputDirectory={built}/lib",
                )
                java = [str(file) for file in files if file.suffix == ".java"]
                _run("javac", "-nowarn", "-cp", f"{built}/lib/*", "-d", f"{built}/classes", *java)
                built.rename(target)
    return target


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        problem = f"{command[0]} failed:\n{done.stdout[-2000:]}"
        raise UnreachableError(problem) if UNREACHABLE.search(done.stdout) else RuntimeError(problem)


@contextlib.contextmanager
def running(name: str, cache: Path, home: Path) -> Iterator[Engine]:
    """One with nothing in it, until the end of the block; its log is `home`/log."""
    built = build(name, cache)
    (home / "config").mkdir(parents=True)
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen(
            ["java", "-Xmx512m", "-cp", f"{built}/classes:{built}/lib/*", "Engine", str(home)],
            stdout=subprocess.PIPE,
            stderr=log,
            stdin=subprocess.DEVNULL,
            text=True,
        ) as process,
    ):
        try:
            yield Engine(_address(process, home))
        finally:
            process.kill()


def _address(process: subprocess.Popen[str], home: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("http "):
            return line.split()[1]
    raise RuntimeError(f"the engine ended with {process.wait()}:\n{(home / 'log').read_text()[-2000:]}")


def use(name: str, cache: Path, home: Path) -> Iterator[Engine]:
    """For a fixture: one that runs, or the test is skipped where the machine cannot have it."""
    if lacking := missing():
        pytest.skip(f"engines need Java {OLDEST} and Maven: {lacking}")
    try:
        build(name, cache)
    except UnreachableError as error:
        pytest.skip(f"engines come from Maven Central: {error}")
    with running(name, cache, home) as engine:
        yield engine
