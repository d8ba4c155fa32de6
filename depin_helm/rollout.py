"""Runs a plan: layers in their order, independent ones at the same time; knows nothing of the terminal.

A layer that fails stops only what waits for it. Running the same plan again continues: Helm leaves
what is in place as it is.
"""

# ruff: noqa: ASYNC109 - Helm keeps the time

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import tenacity

from depin_helm import values, volumes
from depin_helm.cluster import Cluster
from depin_helm.errors import DepinHelmError, HelmError
from depin_helm.helm import WebhookError
from depin_helm.plan import Layer, Plan
from depin_helm.workspace import Workspace

log = logging.getLogger(__name__)


class State(enum.StrEnum):
    """Where a layer is in a rollout."""

    WAITING = "waiting"
    RUNNING = "running"
    DEPLOYED = "deployed"
    REMOVED = "removed"
    FAILED = "failed"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Progress:
    """A layer at one moment; `pods` is (ready, wanted), `seconds` since it started running."""

    layer: str
    state: State
    seconds: float = 0.0
    pods: tuple[int, int] | None = None
    error: DepinHelmError | None = None
    blocked_by: tuple[str, ...] = ()


_UNSIGNED = (
    "a public authority signs only once the host names lead to this cluster: point them at the address of "
    "the Service ingress-nginx/ingress-nginx-controller"
)

#: Is told of every change of a layer's state, and of its pods while it runs.
Observer = Callable[[Progress], None]

#: What is done for one layer.
Work = Callable[[Layer], Awaitable[None]]

#: Seconds between two looks at the pods.
POLL_INTERVAL = 1.0


async def install(
    workspace: Workspace,
    cluster: Cluster,
    observe: Observer,
    *,
    abandoned: bool,
    timeout: float | None = None,
    force_conflicts: bool = False,
    growths: Sequence[volumes.Growth] = (),
) -> tuple[Progress, ...]:
    """Install or upgrade each of the plan's layers; `timeout`, in seconds, overrides the environment's.

    `abandoned` says that whoever worked on this cluster before was killed: what Helm left in the middle, in
    any layer, is then nobody's, and is continued. `force_conflicts` takes back fields that somebody else has
    set. `growths` are volumes that grow before their layer. Returns each layer's end, in the plan's order.
    """
    environment, helm = workspace.environment, workspace.helm
    settings = environment.settings

    async def work(layer: Layer) -> None:
        limit = timeout or settings.timeouts.of(layer.name)
        deadline = time.monotonic() + limit
        await helm.recover(cluster, layer.release, layer.namespace)
        await asyncio.to_thread(cluster.forget_failed_jobs, layer.release, layer.namespace)
        for growth in growths:
            if growth.layer == layer.name:
                log.info("layer %s: %s", layer.name, growth)
                await asyncio.to_thread(volumes.carry_out, growth, cluster)
        with values.write_for_helm(layer.prune(environment.overrides)) as file:
            try:
                async for attempt in _until_webhooks_answer(layer, limit):
                    with attempt:
                        await helm.upgrade_install(
                            workspace.assembly.layer_chart(layer),
                            layer.release,
                            layer.namespace,
                            file,
                            timeout=limit,
                            wait=True,
                            no_hooks=not layer.hooks,
                            rollback_on_failure=settings.on_failure == "rollback",
                            force_conflicts=force_conflicts,
                        )
                objects = await asyncio.to_thread(cluster.release_objects, layer.release, layer.namespace)
                await asyncio.to_thread(cluster.forget_other_jobs, layer.release, layer.namespace, objects)
                await _wait_ready(cluster, objects, deadline)
            except HelmError as error:
                raise await _explained(error, cluster, layer) from error

    if abandoned:
        for layer in workspace.whole.layers:
            await helm.recover(cluster, layer.release, layer.namespace, abandoned=True)
    before = {
        layer.name: workspace.plan.predecessors(layer, of=workspace.whole) for layer in workspace.plan.layers
    }
    return await _run(workspace.plan, before, work, cluster, observe, State.DEPLOYED, settings.parallel)


async def uninstall(
    workspace: Workspace, cluster: Cluster, observe: Observer, *, timeout: float | None = None
) -> tuple[Progress, ...]:
    """Uninstall each of the plan's layers once nothing waits for it any more. Volumes and Secrets stay.

    For layers that the environment turns off, `workspace.plan` must hold them all the same.
    """
    settings = workspace.environment.settings
    plan = workspace.plan

    async def work(layer: Layer) -> None:
        limit = timeout or settings.timeouts.of(layer.name)
        await workspace.helm.uninstall(
            layer.release, layer.namespace, timeout=limit, no_hooks=not layer.hooks
        )
        await asyncio.to_thread(cluster.forget_other_jobs, layer.release, layer.namespace)

    waits = {layer.name: plan.predecessors(layer, of=workspace.whole) for layer in plan.layers}
    before = {name: frozenset(other for other in waits if name in waits[other]) for name in waits}
    return await _run(plan, before, work, cluster, observe, State.REMOVED, settings.parallel)


async def _run(
    plan: Plan,
    before: Mapping[str, frozenset[str]],
    work: Work,
    cluster: Cluster,
    observe: Observer,
    success: State,
    parallel: int,
) -> tuple[Progress, ...]:
    """Do `work` for every layer once it has succeeded for those in `before`, `parallel` layers at a time."""
    seats = asyncio.Semaphore(parallel)
    running: dict[str, float] = {}
    tasks: dict[str, asyncio.Task[Progress]] = {}

    async def one(layer: Layer) -> Progress:
        earlier = [await tasks[name] for name in sorted(before[layer.name])]
        failed = tuple(end.layer for end in earlier if end.state is not success)
        if failed:
            return Progress(layer.name, State.BLOCKED, blocked_by=failed)
        async with seats:
            started = running[layer.name] = time.monotonic()
            observe(Progress(layer.name, State.RUNNING))
            try:
                await work(layer)
                end = Progress(layer.name, success)
            except DepinHelmError as error:
                end = Progress(layer.name, State.FAILED, error=error)
            finally:
                del running[layer.name]
            return replace(end, seconds=time.monotonic() - started)

    async def reported(layer: Layer) -> Progress:
        end = await one(layer)
        observe(end)
        return end

    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(_watch(plan, running, cluster, observe))
        for layer in plan.layers:
            observe(Progress(layer.name, State.WAITING))
            tasks[layer.name] = group.create_task(reported(layer))
        await asyncio.wait(tasks.values())
        watcher.cancel()
    return tuple(tasks[layer.name].result() for layer in plan.layers)


async def _watch(plan: Plan, running: Mapping[str, float], cluster: Cluster, observe: Observer) -> None:
    """Tell of the pods of the layers that run, until cancelled; a look that fails is left out."""
    while True:
        await asyncio.sleep(POLL_INTERVAL)
        try:
            pods = await asyncio.to_thread(cluster.release_pods)
        except Exception as error:  # whatever it is, the rollout goes on without this look
            log.debug("cannot look at the pods: %r", error)
            pods = {}
        for name, started in tuple(running.items()):
            counts = pods.get(plan[name].release)
            observe(Progress(name, State.RUNNING, time.monotonic() - started, counts))


def _until_webhooks_answer(layer: Layer, limit: float) -> tenacity.AsyncRetrying:
    """Tries while a webhook does not answer: its pod is ready before its certificate has got around."""

    def tell(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.info("layer %s: %s; trying again", layer.name, error)

    return tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(WebhookError),
        wait=tenacity.wait_exponential(multiplier=0.25, max=5),
        stop=tenacity.stop_before_delay(limit),
        before_sleep=tell,
        reraise=True,
    )


async def _wait_ready(cluster: Cluster, objects: Sequence[Mapping[str, Any]], deadline: float) -> None:
    """Wait for what Helm does not wait for.

    Its thread cannot be cancelled, so that each waits a moment only.
    """
    while True:
        left = deadline - time.monotonic()
        try:
            return await asyncio.to_thread(cluster.wait_ready, objects, min(POLL_INTERVAL, left))
        except HelmError as error:
            if left <= POLL_INTERVAL:
                unsigned = any(cause.startswith("Certificate ") for cause in error.causes)
                hint = _UNSIGNED if unsigned else ""
                raise HelmError("not ready in time", hint=hint, causes=error.causes) from error


async def _explained(error: HelmError, cluster: Cluster, layer: Layer) -> HelmError:
    """The error with what the cluster itself says about the layer's objects."""
    try:
        objects = await asyncio.to_thread(cluster.release_objects, layer.release, layer.namespace)
        causes = await asyncio.to_thread(cluster.why_not_ready, objects)
    except DepinHelmError:
        return error
    return HelmError(error.message, hint=error.hint, causes=tuple(dict.fromkeys((*error.causes, *causes))))
