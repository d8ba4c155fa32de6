"""The setup Jobs' own script, payloads and settings, as rendered, run by this machine's bash and curl."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.charts.checks.model import Object, Platform
from tests.charts.mutants import container


def job(platform: Platform, name: str) -> Object:
    """The setup Job called `name` and a digest."""
    (found,) = [obj for obj in platform.of_kind("Job") if obj.name.rpartition("-")[0] == name]
    return found


def content(platform: Platform, name: str) -> dict[str, str]:
    """The files that it reads."""
    config = platform.by_id["ConfigMap", "logging", job(platform, name).name]
    return dict(config.data["data"])


@dataclass(frozen=True)
class Run:
    """How it ended, and the container's log."""

    code: int
    log: str

    @property
    def last(self) -> str:
        """The last line, without its time."""
        return self.log.splitlines()[-1].partition(" ")[2]


def run(
    files: Mapping[str, str],
    folder: Path,
    url: str,
    login: tuple[str, str],
    *,
    authority: Path | None = None,
    deadline: int = 20,
    command: tuple[str, ...] = ("bash", "/setup/apply.sh"),
) -> Run:
    """Run it against a server at `url`, in an environment as empty as a container's."""
    mounted = folder / "mounted"
    mounted.mkdir(exist_ok=True)
    for name, text in files.items():
        (mounted / name).write_text(text)
    secret = folder / "credentials"
    secret.mkdir(exist_ok=True)
    for name, text in zip(("username", "password"), login, strict=True):
        (secret / name).write_text(text)
    variables = {
        "PATH": "/usr/bin:/bin",
        "URL": url,
        "REQUESTS": str(mounted / "requests"),
        "CREDENTIALS": str(secret),
        "DEADLINE": str(deadline),
        "PAUSE": "0.05",
        **({"CA": str(authority)} if authority else {}),
    }
    done = subprocess.run(
        [part.replace("/setup", str(mounted)) for part in command],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=120,
        check=False,
    )
    return Run(done.returncode, done.stdout)


def variables(platform: Platform, name: str) -> dict[str, str]:
    """What the Job tells the script."""
    return {each["name"]: each["value"] for each in container(dict(job(platform, name).data))["env"]}
