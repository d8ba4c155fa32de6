"""The one process of a sandbox that starts all others and stays: `-m depin_helm.sandbox.supervisor FOLDER`.

It brings the control plane up, tells how far it is in `state.json`, and then plays what no other program
does: cert-manager, the proxy that refuses connections out of the cluster, and starting the
prometheus-operator at the right moment. On SIGTERM it stops everything it started.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2

from depin_helm import yamlio
from depin_helm.sandbox import certmanager, egress, layout, processes
from depin_helm.sandbox.api import Api, Object
from depin_helm.sandbox.layout import Layout, command

LABEL = "depin.ai/sandbox"
_POLL = 0.05  # seconds
#: What simulates the nodes, the status with which a Go program crashes, and how often that is passed over.
_NODES, _CRASHED, _MOST_CRASHES = "kwok", 2, 5
_SETTLED = 2.0  # seconds without a new CRD after which the prometheus-operator finds them all
_MONITORING = ("/apis/monitoring.coreos.com/v1", "/apis/monitoring.coreos.com/v1alpha1")
_COLLECTIONS = {"Node": "/api/v1/nodes", "StorageClass": "/apis/storage.k8s.io/v1/storageclasses"}

log = logging.getLogger(__name__)


class Stopped(Exception):  # noqa: N818 - what happened, not an error of ours
    """A program of the sandbox ended while it was needed."""

    def __init__(self, program: str, status: int) -> None:
        super().__init__(f"{program} stopped with exit status {status}")
        self.program = program


class Supervisor:
    """Starts and watches the programs of one sandbox, whose folder is the working directory."""

    def __init__(self, plan: Layout) -> None:
        self._layout = plan
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._crashes = 0

    async def run(self) -> None:
        """Bring the sandbox up and keep it until SIGTERM."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        server = await egress.serve(f"127.0.0.1:{self._layout.ports.kubelet}")
        try:
            client = await self._bring_up()
            self._tell(ready=True)
            authority = certmanager.load_authority(self._layout.pki)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(certmanager.CertManager(client, authority).run())
                tasks.create_task(self._keep_operator(client))
                tasks.create_task(self._keep_nodes())
        except Stopped as error:
            self._tell(error=str(error), program=error.program)
        finally:
            server.close()
            self._stop_all()

    async def _bring_up(self) -> Api:
        self._tell(step="starting etcd", number=1)
        self._start("etcd")
        await self._until(self._listening)
        self._tell(step="starting the API server", number=2)
        self._start("kube-apiserver")
        client = Api(self._layout.server, self._layout.pki)
        await self._until(client.ready)
        self._tell(step="starting controllers, scheduler and nodes", number=3)
        self._start("kube-controller-manager")
        self._start("kube-scheduler")
        await self._until(lambda: _made(client))
        self._start(_NODES)
        await self._until(lambda: self._usable(client))
        return client

    async def _listening(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._layout.ports.etcd)
        except OSError:
            return False
        writer.close()
        return True

    async def _usable(self, client: Api) -> bool:
        """Whether a pod could be made and run: nodes without taints, controllers at work; then say so."""
        nodes = (await client.get("/api/v1/nodes") or {}).get("items", [])
        account = await client.get("/api/v1/namespaces/default/serviceaccounts/default")
        system = await client.get("/api/v1/namespaces/kube-system")
        if account is None or system is None or not all(_ready(node) for node in nodes):
            return False
        labels = {"metadata": {"labels": {LABEL: self._layout.name}}}
        await client.merge("/api/v1/namespaces/kube-system", labels)
        return True

    async def _until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait for something to become true; an API server that is still busy with itself is asked again."""

        async def holds() -> bool:
            try:
                return await condition()
            except httpx2.HTTPError as error:
                log.warning("not yet: %s", error)
                return False

        while not await holds():
            self._revive_nodes()
            for name, child in self._children.items():
                if (code := child.poll()) is not None:
                    raise Stopped(name, code)
            await asyncio.sleep(_POLL)

    async def _keep_nodes(self) -> None:
        while True:
            self._revive_nodes()
            await asyncio.sleep(_POLL)

    def _revive_nodes(self) -> None:
        """Start kwok again if it has crashed: once in hundreds of starts it does, by a race of its own.

        It keeps nothing that the API server does not have.
        """
        child = self._children.get(_NODES)
        if child is not None and child.poll() == _CRASHED and self._crashes < _MOST_CRASHES:
            self._crashes += 1
            self._start(_NODES)

    async def _keep_operator(self, client: Api) -> None:
        """Run the prometheus-operator while its CRDs are there; again after these change.

        It looks for them only once, when it starts (measured: right after they are applied it misses some and
        never recovers).
        """
        known: frozenset[str] = frozenset()
        running_with: frozenset[str] = frozenset()
        since = time.monotonic()
        while True:
            with contextlib.suppress(httpx2.HTTPError):
                served = await _served(client)
                if served != known:
                    known, since = served, time.monotonic()
            child = self._children.get(layout.OPERATOR)
            alive = child is not None and child.poll() is None
            if alive and known != running_with:
                self._stop(layout.OPERATOR)
            elif not alive and known and time.monotonic() - since >= _SETTLED:
                since = time.monotonic()  # if it fails, not at once again
                running_with = known
                self._start(layout.OPERATOR)
            await asyncio.sleep(0.5)

    def _start(self, program: str) -> None:
        log.info("starting %s", program)
        with self._layout.log(program).open("ab") as output:
            self._children[program] = subprocess.Popen(
                command(self._layout, program),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def _stop(self, program: str) -> None:
        child = self._children.pop(program)
        child.kill()  # a sandbox has no data to save
        child.wait()

    def _stop_all(self) -> None:
        for program in reversed(list(self._children)):  # etcd, which the API server needs, last
            self._stop(program)

    def _tell(self, **state: str | int) -> None:
        layout.write_json(self._layout.directory / "state.json", state)


async def _made(client: Api) -> bool:
    """Make the sandbox's own objects."""
    for item in yamlio.load_all((layout.DATA / "objects.yaml").read_text()):
        await client.create(_COLLECTIONS[item["kind"]], item)
    return True


async def _served(client: Api) -> frozenset[str]:
    found = [await client.get(path) for path in _MONITORING]
    return frozenset(kind["name"] for group in found if group for kind in group["resources"])


def _ready(node: Object) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
    return ready and not node["spec"].get("taints")


def main() -> None:
    """Run the supervisor of the sandbox in the folder that the one argument names."""
    directory = Path(sys.argv[1])
    processes.record_session(directory)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    os.chdir(directory)
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(Supervisor(layout.read(directory)).run())


if __name__ == "__main__":
    main()
