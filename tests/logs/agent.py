"""Runs a real Fluent Bit on the corpus, the chart's own configuration moved into a folder of this machine."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from depin_helm import yamlio
from tests.logs.corpus import Case

CONF, STATE, LOGS = "/fluent-bit/etc/conf", "/fluent-bit/state", "/var/log/containers"
PREFIX = "kube.var.log.containers."
_LINE = re.compile(r"(\S+): \[(\d+)\.(\d+), (\{.*\})\]")


def find() -> str | None:
    """The program, if it is on PATH."""
    return shutil.which("fluent-bit")


def configure(data: Mapping[str, str], folder: Path, *, local: bool) -> Path:
    """Write a ConfigMap's files with their paths below `folder`; `local` leaves out what needs a cluster."""
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


def run(
    program: str, main: Path, cases: Sequence[Case], wanted: int | None = None
) -> dict[str, list[tuple[datetime, dict[str, Any]]]]:
    """What comes out of each case's file: times and documents. `wanted`: how many there are to be."""
    folder = main.parent.parent
    wanted = sum(len(case.documents) for case in cases) if wanted is None else wanted
    for case in cases:
        text = "".join(f"{line}\n" for line in case.lines)
        (folder / "containers" / case.file).write_bytes(text.encode(errors="surrogateescape"))
        (folder / "metadata" / f"{case.namespace}_{case.pod}.meta").write_text(json.dumps(case.metadata()))
    out = folder / "out" / "all"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, f"--config={main}"], stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and process.poll() is None:
                if out.exists() and out.read_bytes().count(b"\n") >= wanted:
                    break
                time.sleep(0.1)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
    return _read(out)


def _read(out: Path) -> dict[str, list[tuple[datetime, dict[str, Any]]]]:
    found: dict[str, list[tuple[datetime, dict[str, Any]]]] = {}
    for line in out.read_text().splitlines() if out.exists() else ():
        match = _LINE.fullmatch(line)
        assert match, line[:500]
        tag, seconds, fraction, document = match.groups()
        time_ = datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(fraction[:6]))
        found.setdefault(tag.rsplit("containers.", 1)[1], []).append((time_, json.loads(document)))
    return found
