"""Runs a real Fluent Bit on the corpus, the chart's own configuration moved into a folder of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from depin_helm import yamlio
from tests.logs.corpus import Case

CONF, STATE, LOGS = "/fluent-bit/etc/conf", "/fluent-bit/state", "/var/log/containers"
#: By the name of a log, in the order in which they came.
Documents = dict[str, list[tuple[datetime, dict[str, Any]]]]
_LINE = re.compile(r"(\S+): \[(\d+)\.(\d+), (\{.*\})\]")


def program() -> str:
    """A real Fluent Bit; where there is none on PATH, the test is skipped."""
    found = shutil.which("fluent-bit")
    if found is None:
        pytest.skip("there is no fluent-bit on PATH")
    return found


def configure(data: Mapping[str, str], folder: Path, *, local: bool) -> Path:
    """Write a ConfigMap's files with their paths below `folder`; gives the main one.

    `local`: pods' metadata from files, documents into one, and no server.
    """
    (folder / "conf").mkdir(parents=True)
    for name in ("state", "containers", "metadata", "out"):
        (folder / name).mkdir()
    moved = {CONF: folder / "conf", STATE: folder / "state", LOGS: folder / "containers"}
    for name, text in data.items():
        for old, new in moved.items():
            text = text.replace(old, str(new))
        (folder / "conf" / name).write_text(text)
    main = folder / "conf" / "fluent-bit.yaml"
    if local:
        main.write_text(json.dumps(_local(yamlio.load(main.read_bytes()), folder)))
    return main


def _local(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    config["service"] |= {"flush": 0.2, "http_server": "off", "health_check": "off"}
    (tail,) = config["pipeline"]["inputs"]
    tail |= {"read_from_head": True}
    for each in config["pipeline"]["filters"]:
        if each["name"] == "kubernetes":
            prefix = f"kube.{folder}/containers/".replace("/", ".").replace("..", ".")
            each |= {"kube_meta_preload_cache_dir": str(folder / "metadata"), "kube_tag_prefix": prefix}
    config["pipeline"]["outputs"] = [
        {"name": "file", "match": "*", "path": str(folder / "out"), "file": "all"}
    ]
    return config


@contextlib.contextmanager
def running(program: str, main: Path, *options: str, **environment: str) -> Iterator[Path]:
    """Fluent Bit, running; gives its log."""
    log = main.parent.parent / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [program, f"--config={main}", *options],
            stdout=stream,
            stderr=stream,
            env={**os.environ, **environment},
        )
        try:
            yield log
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def until(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Wait for something to become true; whether it did."""
    deadline = time.monotonic() + seconds
    while not (done := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return done


def write(main: Path, case: Case) -> Path:
    """A case's log, and its pod's metadata."""
    folder = main.parent.parent
    log = folder / "containers" / case.file
    log.write_bytes("".join(f"{line}\n" for line in case.lines).encode(errors="surrogateescape"))
    (folder / "metadata" / f"{case.namespace}_{case.pod}.meta").write_text(json.dumps(case.metadata()))
    return log


def run(program: str, main: Path, cases: Sequence[Case], wanted: int | None = None) -> Documents:
    """What comes out of each case's file: times and documents. `wanted`: how many there are to be."""
    wanted = sum(len(case.documents) for case in cases) if wanted is None else wanted
    for case in cases:
        write(main, case)
    with running(program, main):
        until(lambda: sum(map(len, read(main).values())) >= wanted)
    return read(main)


def read(main: Path) -> Documents:
    """What came out so far, whole lines of it."""
    out = main.parent.parent / "out" / "all"
    found: Documents = {}
    for line in out.read_text().split("\n")[:-1] if out.exists() else ():
        match = _LINE.fullmatch(line)
        assert match, line[:500]
        tag, seconds, fraction, document = match.groups()
        written = datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(fraction[:6]))
        found.setdefault(tag.rsplit("containers.", 1)[1], []).append((written, json.loads(document)))
    return found
