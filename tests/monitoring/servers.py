"""Real Prometheus and Alertmanager on 127.0.0.1, for tests that ask them something."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2

from tests.programs import program

#: Seconds until a server has started, on a busy machine.
PATIENCE = 60


class Server:
    """A program that listens on a port of its own choice, while the context lasts; its log is in `folder`."""

    def __init__(self, folder: Path, command: Sequence[str | Path], listening: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "log"
        self._command = command
        self._listening = re.compile(listening)

    def __enter__(self) -> Server:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            found = until(lambda: self._listening.search(self._log.read_text()), self._running)
            self.address = f"127.0.0.1:{found[1]}"
            self.url = f"http://{self.address}"
            until(lambda: self._ready(), self._running)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def get(self, path: str, **parameters: str) -> httpx2.Response:
        """What it answers, whatever the status."""
        return httpx2.get(f"{self.url}{path}", params=parameters, timeout=30, trust_env=False)

    def metrics(self) -> dict[str, str]:
        """Names of the metrics that it exposes, with their types."""
        return dict(re.findall(r"^# TYPE (\S+) (\S+)$", self.get("/metrics").text, re.MULTILINE))

    def _ready(self) -> bool:
        try:
            return self.get("/-/ready").status_code == 200
        except httpx2.TransportError:
            return False

    def _running(self) -> None:
        assert self._process.poll() is None, self._log.read_text()

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def prometheus(folder: Path, config: str = "{}", *flags: str) -> Server:
    """Prometheus with this configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text(config)
    command: list[str | Path] = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
        *flags,
    ]
    return Server(folder, command, r'Listening on"? .*address=127\.0\.0\.1:(\d+)')


def alertmanager(folder: Path, config: str, *flags: str, cluster: str = "") -> Server:
    """Alertmanager with this configuration; alone, unless it is to listen to others at an address."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "alertmanager.yml").write_text(config)
    command: list[str | Path] = [
        program("alertmanager"),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
        f"--cluster.listen-address={cluster}",
        *flags,
    ]
    return Server(folder, command, r'Listening on"? .*address=127\.0\.0\.1:(\d+)')


def until(ask: Callable[[], Any], check: Callable[[], None] = lambda: None) -> Any:
    """The first answer that is true; `check` raises when there can be none."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := ask()):
        check()
        assert time.monotonic() < deadline, "no answer in time"
        time.sleep(0.05)
    return answer
