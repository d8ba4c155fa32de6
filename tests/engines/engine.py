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
import time
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
    r"Unknown host|Network is unreachable|[Cc]onnect timed out|Connection refused|offline mode"
)
#: Seconds for one to start.
PATIENCE = 120


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
    for program in ("java", "javac"):
        said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
        version = re.search(r"\d+", said.stdout + said.stderr)
        if version is None or int(version[0]) < OLDEST:
            return f"{program} is too old"
    return ""


def build(name: str, cache: Path) -> Path:
    """The folder with its class path; built below `cache` if it is not there."""
    source = FOLDER / name
    files = sorted(file for file in source.rglob("*") if file.is_file())
    content = b"\0".join(str(file.relative_to(source)).encode() + file.read_bytes() for file in files)
    target = cache / "engines" / f"{name}-{hashlib.sha256(content).hexdigest()[:16]}"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
                built = Path(scratch) / name
                copy = ["dependency:copy-dependencies", f"-DoutputDirectory={built}/lib"]
                _run("mvn", "-q", "-B", "-f", f"{source}/pom.xml", *copy)
                java = [str(file) for file in files if file.suffix == ".java"]
                options = ["-nowarn", "--release", str(OLDEST), "-cp", f"{built}/lib/*"]
                _run("javac", *options, "-d", f"{built}/classes", *java)
                built.rename(target)
    return target


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        problem = f"{command[0]} failed:\n{done.stdout[-2000:]}"
        raise UnreachableError(problem) if UNREACHABLE.search(done.stdout) else RuntimeError(problem)


@contextlib.contextmanager
def running(name: str, cache: Path, home: Path) -> Iterator[Engine]:
    """One with nothing in it, until the end of the block, or of this process; its log is `home`/log."""
    built = build(name, cache)
    (home / "config").mkdir(parents=True)
    command = ["java", "-Xmx512m", "-cp", f"{built}/classes:{built}/lib/*", "Engine", str(home)]
    log = home / "log"
    with (
        log.open("wb") as stream,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stream, stderr=stream) as process,
    ):
        try:
            yield Engine(_address(process, log))
        finally:
            process.kill()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if said := re.search(r"^http (\S+)$", log.read_text(errors="replace"), re.MULTILINE):
            return said[1]
        time.sleep(0.1)
    raise RuntimeError(f"the engine did not start:\n{log.read_text(errors='replace')[-2000:]}")


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
