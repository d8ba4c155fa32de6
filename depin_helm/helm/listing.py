"""The verbs of Helm that pyhelm3 speaks well; the only importer of pyhelm3, imported when one is needed.

pyhelm3 builds the arguments and reads the JSON. Its own way of running Helm is replaced: it goes through a
shell that a cancellation kills instead of Helm, and asks for Helm's version at each start.
"""

# ruff: noqa: ASYNC109 - the timeouts here are Helm's own

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pyhelm3
import semver

Run = Callable[[Sequence[str]], Awaitable[bytes]]


class _Command(pyhelm3.Command):  # type: ignore[misc] # pyhelm3 has no types
    """pyhelm3's commands, run by us."""

    def __init__(self, run: Run, version: tuple[int, int, int], executable: str) -> None:
        super().__init__(executable=executable)
        self._run = run
        self._version = version

    async def run(self, command: list[Any], input: bytes | None = None) -> bytes:  # noqa: A002 - pyhelm3's name
        """Run Helm with these arguments; none of the verbs used here has an input."""
        return await self._run([str(part) for part in command])

    def client_version(self) -> semver.Version:
        """The version that was found out already."""
        return semver.Version(*self._version)


class Listing:
    """pyhelm3 for one Helm; `run` gets the arguments after the program's name and returns what it printed."""

    def __init__(self, run: Run, version: tuple[int, int, int], executable: str) -> None:
        self._command = _Command(run, version, executable)
        self._client = pyhelm3.Client(self._command, executable=executable)

    async def releases(self) -> list[dict[str, Any]]:
        """`helm list` of all namespaces and states."""
        every_state = self._client.version.major < 4  # Helm 4 lists them all unless one is asked for
        return list(
            await self._client.list_release_definitions(
                all=every_state, all_namespaces=True, include_deployed=False, max_releases=0
            )
        )

    async def history(self, release: str, namespace: str, newest: int) -> list[dict[str, Any]]:
        """The `newest` revisions, oldest first."""
        return list(await self._command.history(release, max_revisions=newest, namespace=namespace))

    async def uninstall(
        self, release: str, namespace: str, *, timeout: str, no_hooks: bool, wait: bool
    ) -> None:
        """`helm uninstall`; `timeout` with its unit."""
        await self._command.uninstall(
            release, namespace=namespace, timeout=timeout, no_hooks=no_hooks, wait=wait
        )

    async def rollback(
        self, release: str, namespace: str, revision: int, *, timeout: str, no_hooks: bool, wait: bool
    ) -> None:
        """`helm rollback`; `timeout` with its unit."""
        await self._command.rollback(
            release, revision, namespace=namespace, timeout=timeout, no_hooks=no_hooks, wait=wait
        )
