"""Runs a plan: layers in their order, independent ones at the same time; knows nothing of the terminal.

A layer that fails stops only what waits for it. Running the same plan again continues: Helm leaves
what is in place as it is.
"""

# ruff: noqa: ASYNC109 - Helm keeps the time

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from depin_helm import releases, secrets, values, yamlio
from depin_helm.cluster import Cluster, CrdState
from depin_helm.errors import ClusterError, DepinHelmError, HelmError, UsageError
from depin_helm.plan import Layer, Plan
from depin_helm.workspace import Workspace


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


#: Is told of every change of a layer's state, and of its pods while it runs.
Observer = Callable[[Progress], None]

#: What is done for one layer.
Work = Callable[[Layer], Awaitable[None]]

#: Seconds between two looks at the pods.
POLL_INTERVAL = 1.0


@dataclass(frozen=True)
class Prepared:
    """What was done before the first layer: each CRD's fate, and the Secrets that were made."""

    crds: Mapping[str, CrdState]
    secrets: tuple[secrets.SecretSpec, ...]


def prepare(workspace: Workspace, cluster: Cluster) -> Prepared:
    """Bring the CRDs up to date and make the missing Secrets; the caller holds the cluster's lock.

    Raises:
        ClusterError: the cluster refuses, or Secrets are missing and the environment forbids making them.
        UsageError: a chosen layer waits for one that was not chosen and is not installed.
    """
    _require_predecessors(workspace, cluster)
    needed = needed_secrets(workspace)
    if not workspace.environment.settings.create_secrets:
        _require_secrets(workspace.environment.name, secrets.check(needed, cluster))
    crds = cluster.apply_crds(workspace.assembly.crds())
    for layer in workspace.plan.layers:
        if not layer.after:
            cluster.ensure_namespace(layer.namespace)
    return Prepared(crds, secrets.create_missing(needed, cluster, namespaces(workspace)))


def needed_secrets(workspace: Workspace) -> tuple[secrets.SecretSpec, ...]:
    """The Secrets that the environment's components refer to."""
    return secrets.needed(secrets.load(workspace.project.chart), workspace.environment.values)


def namespaces(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """By name, the Namespace objects that layers are going to own, marked as their releases'."""
    found = {}
    for layer, manifest in asyncio.run(replace(workspace, plan=workspace.whole.first()).render()):
        for obj in yamlio.load_all(manifest):
            if obj and obj["kind"] == "Namespace":
                found[obj["metadata"]["name"]] = releases.own(obj, layer.release, layer.namespace)
    return found


async def install(
    workspace: Workspace,
    cluster: Cluster,
    observe: Observer,
    *,
    abandoned: bool,
    timeout: float | None = None,
) -> tuple[Progress, ...]:
    """Install or upgrade each of the plan's layers; `timeout`, in seconds, overrides the environment's.

    `abandoned` says that whoever worked on this cluster before was killed: what Helm left in the middle, in
    any layer, is then nobody's, and is continued. Returns each layer's end, in the plan's order.
    """
    environment, helm = workspace.environment, workspace.helm
    settings = environment.settings

    async def work(layer: Layer) -> None:
        limit = timeout or settings.timeouts.of(layer.name)
        deadline = time.monotonic() + limit
        await helm.recover(cluster, layer.release, layer.namespace)
        with values.write_for_helm(layer.prune(environment.overrides)) as file:
            try:
                await helm.upgrade_install(
                    workspace.assembly.layer_chart(layer),
                    layer.release,
                    layer.namespace,
                    file,
                    timeout=limit,
                    wait=True,
                    no_hooks=not layer.hooks,
                    rollback_on_failure=settings.on_failure == "rollback",
                )
                objects = await asyncio.to_thread(cluster.release_objects, layer.release, layer.namespace)
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

    waits = {layer.name: plan.predecessors(layer, of=workspace.whole) for layer in plan.layers}
    before = {name: frozenset(other for other in waits if name in waits[other]) for name in waits}
    return await _run(plan, before, work, cluster, observe, State.REMOVED, settings.parallel)


@dataclass(frozen=True)
class Leftovers:
    """What an uninstallation left on the cluster, and what it deleted besides the releases."""

    kept: tuple[str, ...]
    deleted: tuple[str, ...]


def clean(workspace: Workspace, cluster: Cluster, *, delete_data: bool, delete_crds: bool) -> Leftovers:
    """After all layers are uninstalled, delete what was asked for, and tell what is kept.

    Deleting a namespace deletes its volumes and Secrets; deleting a CRD, every object of its kind.
    """
    spaces = sorted({layer.namespace for layer in workspace.whole.layers} | set(namespaces(workspace)))
    names = sorted(crd["metadata"]["name"] for crd in workspace.assembly.crds())
    targets = [
        *((delete_data, "Namespace", "v1", name) for name in spaces),
        *((delete_crds, "CustomResourceDefinition", "apiextensions.k8s.io/v1", name) for name in names),
    ]
    kept, deleted = [], []
    for wanted, kind, api_version, name in targets:
        if not wanted and cluster.get(api_version, kind, name):
            kept.append(f"{kind} {name}")
        if wanted and cluster.delete(api_version, kind, name):
            deleted.append(f"{kind} {name}")
    if not delete_data:
        for space in spaces:
            claims = cluster.list("v1", "PersistentVolumeClaim", space)
            kept += [f"volume claim {space}/{claim['metadata']['name']}" for claim in claims]
        selector = ",".join(f"{key}={value}" for key, value in secrets.LABELS.items())
        found = cluster.list_metadata("v1", "Secret", label_selector=selector)
        kept += [f"Secret {item['metadata']['namespace']}/{item['metadata']['name']}" for item in found]
    return Leftovers(tuple(kept), tuple(deleted))


def _require_predecessors(workspace: Workspace, cluster: Cluster) -> None:
    chosen = {layer.name for layer in workspace.plan.layers}
    enabled = workspace.whole.enabled(workspace.environment.values)
    deployed = {key for key, record in releases.newest(cluster).items() if record.status == "deployed"}
    for layer in workspace.plan.layers:
        for name in sorted(enabled.predecessors(layer, of=workspace.whole) - chosen):
            earlier = workspace.whole[name]
            if (earlier.namespace, earlier.release) not in deployed:
                raise UsageError(
                    f"layer {layer.name} waits for {name}, which is not installed",
                    hint=f"choose it as well with --layer {name}, or leave --layer out",
                )


def _require_secrets(environment: str, states: Sequence[secrets.SecretState]) -> None:
    problems = [state.problem for state in states if state.problem]
    if problems:
        raise ClusterError("\n".join(problems))
    absent = [f"{state.namespace}/{state.name}" for state in states if not state.exists or state.missing]
    if absent:
        raise ClusterError(
            f"Secrets are missing: {', '.join(absent)}",
            hint=f"provide them, or make them with `depin-helm secrets --env {environment} --create`",
        )


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
        except DepinHelmError:
            pods = {}
        for name, started in tuple(running.items()):
            counts = pods.get(plan[name].release)
            observe(Progress(name, State.RUNNING, time.monotonic() - started, counts))


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
                raise HelmError("not ready in time", causes=error.causes) from error


async def _explained(error: HelmError, cluster: Cluster, layer: Layer) -> HelmError:
    """The error with what the cluster itself says about the layer's objects."""
    try:
        objects = await asyncio.to_thread(cluster.release_objects, layer.release, layer.namespace)
        causes = await asyncio.to_thread(cluster.why_not_ready, objects)
    except DepinHelmError:
        return error
    return HelmError(error.message, hint=error.hint, causes=tuple(dict.fromkeys((*error.causes, *causes))))
