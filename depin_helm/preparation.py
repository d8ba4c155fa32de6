"""What comes before the first layer: CRDs, the first namespace, missing Secrets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from depin_helm import releases, secrets, volumes, yamlio
from depin_helm.cluster import Cluster, CrdState
from depin_helm.errors import ClusterError, UsageError
from depin_helm.workspace import Workspace

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """What was done before the first layer: each CRD's fate, and the Secrets that were made.

    `growths` are volumes that are to grow right before Helm installs their layer.
    """

    crds: Mapping[str, CrdState]
    secrets: tuple[secrets.SecretSpec, ...]
    growths: tuple[volumes.Growth, ...] = ()


def prepare(workspace: Workspace, cluster: Cluster, make_secrets: str) -> Prepared:
    """Bring the CRDs up to date and make the missing Secrets; the caller holds the cluster's lock.

    `make_secrets` is the command line to make them with, for whoever is told that they are missing.

    Raises:
        ClusterError: the cluster refuses, Secrets are missing that nobody can make up or that the environment
            forbids to make, or volumes cannot become what they are to be.
        UsageError: a chosen layer waits for one that was not chosen and is not installed.
    """
    _require_predecessors(workspace, cluster)
    owned = namespaces(workspace)
    _refuse_terminating({*owned, *(layer.namespace for layer in workspace.plan.layers)}, cluster)
    needed = needed_secrets(workspace)
    required = provided_secrets(workspace)
    if not workspace.environment.settings.create_secrets:
        required = (*needed, *required)
    _require_secrets(secrets.check(required, cluster), make_secrets)
    growths = _growths(workspace, cluster)
    crds = cluster.apply_crds(workspace.assembly.crds())
    for layer in workspace.plan.layers:
        if not layer.after:
            cluster.ensure_namespace(layer.namespace, labels=secrets.LABELS)
    return Prepared(crds, secrets.create_missing(needed, cluster, owned), growths)


def needed_secrets(workspace: Workspace) -> tuple[secrets.SecretSpec, ...]:
    """The Secrets that the environment's components refer to."""
    return secrets.needed(secrets.load(workspace.project.chart), workspace.environment.values)


def provided_secrets(workspace: Workspace) -> tuple[secrets.SecretSpec, ...]:
    """Those that somebody else has to make."""
    return secrets.provided(secrets.load(workspace.project.chart), workspace.environment.values)


def namespaces(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """By name, the Namespace objects that layers are going to own, marked as their releases'."""
    found = {}
    for layer, manifest in asyncio.run(replace(workspace, plan=workspace.whole.first()).render()):
        for obj in yamlio.load_all(manifest):
            if obj and obj["kind"] == "Namespace":
                found[obj["metadata"]["name"]] = releases.own(obj, layer.release, layer.namespace)
    return found


def _growths(workspace: Workspace, cluster: Cluster) -> tuple[volumes.Growth, ...]:
    """The volumes that are to grow; only layers that have any on the cluster are rendered for it."""
    layers = volumes.concerned(cluster, workspace.plan.layers)
    if not layers:
        return ()
    some = replace(workspace, plan=workspace.plan.select([layer.name for layer in layers]))
    rendering = some.render(hooks=False, kube_version=cluster.version(), api_versions=cluster.api_versions())
    growths = volumes.planned(asyncio.run(rendering), cluster)
    if problems := [str(growth) for growth in growths if growth.problem]:
        raise ClusterError(
            "\n".join(problems),
            hint="set the values back to what is there, or move the data to new volumes (docs/volumes.md)",
        )
    return growths


def _refuse_terminating(names: Collection[str], cluster: Cluster) -> None:
    """Whatever is put into a namespace that is being deleted would go with it, or be refused."""
    ending = sorted(
        item["metadata"]["name"]
        for item in cluster.list_metadata("v1", "Namespace")
        if item["metadata"]["name"] in names and item["metadata"].get("deletionTimestamp")
    )
    if ending:
        raise ClusterError(
            f"namespaces are being deleted: {', '.join(ending)}",
            hint="wait until they are gone (kubectl get namespaces), then run the same command again",
        )


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


def _require_secrets(states: Sequence[secrets.SecretState], make: str) -> None:
    problems = [state.problem for state in states if state.problem]
    if problems:
        yours = any(state.provided and state.problem for state in states)
        hint = f"`{make}` makes their namespaces" if yours else ""
        raise ClusterError("\n".join(problems), hint=hint)
    absent = [f"{state.namespace}/{state.name}" for state in states if state.incomplete]
    if absent:
        raise ClusterError(
            f"Secrets are missing: {', '.join(absent)}",
            hint=f"provide them, or make them with `{make}`",
        )
