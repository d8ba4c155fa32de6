"""kubectl for tests, and what tests look at on this machine: processes and their sockets."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Kubectl:
    """kubectl on one cluster."""

    binary: Path
    kubeconfig: Path

    def run(self, *arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(self.binary), f"--kubeconfig={self.kubeconfig}", *arguments]
        result = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env={"HOME": str(self.kubeconfig.parent)},
            timeout=60,
        )
        assert result.returncode == 0 or not check, result.stderr
        return result

    def get(self, *arguments: str) -> Any:
        """The object or list, or None while there is none or no such kind."""
        result = self.run("get", "-o=json", *arguments, check=False)
        return json.loads(result.stdout) if result.returncode == 0 else None

    def apply(self, *objects: Mapping[str, Any]) -> None:
        items = {"apiVersion": "v1", "kind": "List", "items": objects}
        self.run("apply", "--server-side", "-f-", stdin=json.dumps(items))

    def refusal(self, item: Mapping[str, Any]) -> str:
        """What the API server says against an object; nothing is changed."""
        arguments = ("apply", "--server-side", "--dry-run=server", "-f-")
        return self.run(*arguments, stdin=json.dumps(item), check=False).stderr


def eventually(what: Callable[[], T], timeout: float = 30) -> T:
    """What `what` returns once that is true; the last it returned is in the failure."""
    deadline = time.monotonic() + timeout
    while True:
        result = what()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {timeout} s: {result!r}"
        time.sleep(0.1)


def conditions(item: Mapping[str, Any] | None) -> dict[str, str]:
    """Type → status of the conditions in an object's status."""
    found = ((item or {}).get("status") or {}).get("conditions") or []
    return {condition["type"]: condition["status"] for condition in found}


def _socket(descriptor: Path) -> str:
    """The number of the socket that a descriptor is; "" if it is none, or was closed meanwhile."""
    with contextlib.suppress(FileNotFoundError):
        target = str(descriptor.readlink())
        return target[8:-1] if target.startswith("socket:[") else ""
    return ""


def sockets(pids: Iterable[int]) -> set[str]:
    """The local and remote addresses of all TCP and UDP sockets of these processes, from /proc."""
    inodes = set()
    for pid in pids:
        with contextlib.suppress(FileNotFoundError):  # a process that has ended has no sockets
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                inodes.add(_socket(descriptor))
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes:
                found |= set(_addresses(fields[1:3]))
    return found


def listening() -> set[int]:
    """All TCP ports of this machine that somebody listens at."""
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {int(fields[1].rpartition(":")[2], 16) for fields in lines if fields[3] == "0A"}


def _addresses(columns: Iterable[str]) -> Iterator[str]:
    for column in columns:
        text, _, port = column.partition(":")
        if port != "0000":
            words = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
            address = ipaddress.ip_address(b"".join(words))
            mapped = getattr(address, "ipv4_mapped", None)
            yield str(mapped or address)
