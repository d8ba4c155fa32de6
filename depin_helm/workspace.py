"""What a command about an environment works with: checked values, assembled charts, the plan, Helm."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depin_helm import assemble, plan, schema, values
from depin_helm.assemble import Assembly
from depin_helm.charts import Cache, Lock, dependencies
from depin_helm.errors import DepinHelmError, ValuesError
from depin_helm.helm import Helm
from depin_helm.plan import Layer, Plan
from depin_helm.project import Project
from depin_helm.values import Environment

#: `helm template` runs at the same time: one more than two cores, since each also waits for its files.
PARALLEL_RENDERS = 3


@dataclass(frozen=True)
class Workspace:
    """`whole` is the plan of all layers; `plan` the part that the environment turns on and the user chose."""

    project: Project
    environment: Environment
    assembly: Assembly
    whole: Plan
    plan: Plan
    helm: Helm

    async def render(
        self, *, hooks: bool = True, kube_version: str = "", api_versions: Sequence[str] = ()
    ) -> tuple[tuple[Layer, str], ...]:
        """The manifest of each layer, in the plan's order; with the `hooks` that Helm would run.

        The CRDs' API versions count as there; `api_versions` and `kube_version` are the cluster's.
        """
        versions = sorted({*api_versions, *self.assembly.api_versions()})
        seats = asyncio.Semaphore(PARALLEL_RENDERS)

        async def one(layer: Layer) -> tuple[Layer, str]:
            with values.write_for_helm(layer.prune(self.environment.overrides)) as file:
                async with seats:
                    manifest = await self.helm.template(
                        self.assembly.layer_chart(layer),
                        layer.release,
                        layer.namespace,
                        file,
                        api_versions=versions,
                        kube_version=kube_version,
                        no_hooks=not (hooks and layer.hooks),
                    )
            return layer, manifest

        try:
            async with asyncio.TaskGroup() as group:
                # The largest first: begun last, it would run alone at the end.
                tasks = {
                    layer.name: group.create_task(one(layer))
                    for layer in sorted(self.plan.layers, key=self.assembly.size, reverse=True)
                }
        except* DepinHelmError as errors:
            raise errors.exceptions[0] from None
        return tuple(tasks[layer.name].result() for layer in self.plan.layers)


def checked(project: Project, environment: str, files: Sequence[Path], sets: Sequence[str]) -> Environment:
    """The environment's values, if they are right.

    Raises:
        ValuesError: they are not; with all findings.
    """
    loaded = values.read_environment(project, environment, files, sets)
    findings = schema.check(loaded, schema.load(project.schema_source))
    if findings:
        raise ValuesError(findings, hint=f"depin-helm validate --env {environment}")
    return loaded


def assembly(project: Project, cache: Path, helm: Helm) -> Assembly:
    """The charts of all layers, from the chart cache.

    Raises:
        ChartError: an upstream chart is missing or damaged.
    """
    charts = Cache(cache).resolve(Lock(project.lock, dependencies(project.chart)))
    return assemble.assemble(project, charts, plan.load(project.chart), renderer(helm), cache)


def renderer(helm: Helm) -> assemble.Render:
    """Helm as the one who renders an upstream archive."""

    def render(archive: Path, overrides: Mapping[str, Any]) -> str:
        with values.write_for_helm(overrides) as file:
            return asyncio.run(helm.template(archive, "crds", "default", file, include_crds=True))

    return render


def load(
    project: Project,
    cache: Path,
    helm: Helm,
    environment: Environment,
    layers: Sequence[str] = (),
) -> Workspace:
    """Assemble the charts and choose the layers; without `layers`, all that the environment turns on."""
    whole = plan.load(project.chart)
    chosen = whole.enabled(environment.values).select(layers)
    return Workspace(project, environment, assembly(project, cache, helm), whole, chosen, helm)
