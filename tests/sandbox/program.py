"""depin-helm as its users run it: a program of its own, with what it printed."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.tier import Tier

LIMIT = 300  # seconds that no command may take


@dataclass(frozen=True)
class Program:
    """The program with the test run's charts, on one cluster, in a folder of its own."""

    tier: Tier
    kubeconfig: Path
    folder: Path
    helm: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command that must end with `code`."""
        result = subprocess.run(
            self._command(arguments),
            cwd=self.folder,
            env=self._environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert result.returncode == code, f"exit {result.returncode}\n{result.stdout}\n{result.stderr}"
        assert "Traceback" not in result.stderr
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        """The result of a command, as JSON."""
        return json.loads(self.run(*arguments, "--output", "json", code=code).stdout)

    def interrupt(self, *arguments: str, after: str, by: signal.Signals) -> tuple[int, str]:
        """Run a command and send it a signal once it says `after`.

        Its exit code, negative if it was killed, and what it said after that.
        """
        with subprocess.Popen(
            self._command(arguments),
            cwd=self.folder,
            env=self._environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # A test run in the background of a shell ignores Ctrl-C, and so would its children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line)
                if line.strip() == after:
                    process.send_signal(by)
                    break
            else:
                raise AssertionError(f"it never said {after!r}:\n{''.join(said)}")
            rest = process.stderr.read()
            return process.wait(LIMIT), rest

    def answer(self, *arguments: str, typed: str, code: int = 0) -> str:
        """Run a command for a person at a terminal who types `typed`; what it said to that person."""
        terminal, stdin = pty.openpty()
        try:
            os.write(terminal, f"{typed}\n".encode())
            result = subprocess.run(
                self._command(arguments),
                cwd=self.folder,
                env=self._environ(),
                stdin=stdin,
                capture_output=True,
                text=True,
                timeout=LIMIT,
                check=False,
            )
        finally:
            os.close(terminal)
            os.close(stdin)
        assert result.returncode == code, f"exit {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result.stderr

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        project = ["--project", str(self.tier.root)]
        return [sys.executable, "-m", "depin_helm", *arguments, *project]

    def _environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "DEPIN_HELM_CACHE": str(self.tier.cache),
            "DEPIN_HELM_BIN": str(self.helm),
            "KUBECONFIG": str(self.kubeconfig),
            **self.environ,
        }
