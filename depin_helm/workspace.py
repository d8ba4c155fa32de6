"""What a command about an environment works with: checked values, assembled charts, the plan, Helm."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depin_helm import assemble, checks, plan, schema, upstream, values
from depin_helm.assemble import Assembly
from depin_helm.charts import Cache, CachedChart, Lock, dependencies
from depin_helm.checks import Api, Result, Verdict
from depin_helm.errors import ChartError, DepinHelmError, Finding, ValuesError
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


def examine(
    project: Project, cache: Path, environment: str, files: Sequence[Path], sets: Sequence[str]
) -> tuple[Environment, Result]:
    """The environment, and everything that is wrong with it."""
    loaded = values.read_environment(project, environment, files, sets)
    found, missing = upstream_charts(project, cache)
    verdict = Verdict(cache, loaded, project.schema_source, found)
    if not missing and verdict.passed():
        return loaded, Result((), notices=tuple(checks.notices(loaded.values)))
    result = checks.check(
        loaded,
        schema.load(project.schema_source),
        upstream.load(found, cache),
        missing,
        Api.load(project.kubernetes_schema),
    )
    if result.flawless:
        verdict.keep()
    return loaded, result


def checked(
    project: Project, cache: Path, environment: str, files: Sequence[Path], sets: Sequence[str]
) -> Environment:
    """The environment's values, if nothing is wrong with them as far as the charts at hand tell.

    Raises:
        ValuesError: something is; with all findings.
    """
    loaded, result = examine(project, cache, environment, files, sets)
    return _accepted(loaded, result.findings)


def readable(project: Project, environment: str, files: Sequence[Path], sets: Sequence[str]) -> Environment:
    """The environment's values, if they are what the schema says: enough to find what is installed.

    Raises:
        ValuesError: they are not; with all findings.
    """
    loaded = values.read_environment(project, environment, files, sets)
    return _accepted(loaded, schema.check(loaded, schema.load(project.schema_source)))


def _accepted(environment: Environment, findings: Sequence[Finding]) -> Environment:
    if findings:
        raise ValuesError(findings, hint=f"depin-helm validate --env {environment.name}")
    return environment


def with_upstream(
    project: Project, cache: Path, environment: str, files: Sequence[Path], sets: Sequence[str]
) -> tuple[Environment, dict[str, str]]:
    """The environment with the upstream charts' defaults among its origins; and which are missing, and why.

    Raises:
        ValuesError: a values file is refused.
    """
    found, missing = upstream_charts(project, cache)
    documents = [
        each
        for component, chart in upstream.load(found, cache).items()
        for each in upstream.documents(chart, (component,))
    ]
    return values.load_environment(project, environment, files, sets, documents), missing


def upstream_charts(project: Project, cache: Path) -> tuple[dict[str, CachedChart], dict[str, str]]:
    """The upstream charts in the cache by component, and of the others why they cannot be used."""
    lock = Lock(project.lock, dependencies(project.chart))
    found, missing = {}, {}
    for chart in lock.upstream:
        component = chart.alias or chart.name
        try:
            found[component] = Cache(cache).get(
                chart.name, chart.version, lock.digest(chart.name, chart.version)
            )
        except ChartError as error:
            missing[component] = error.message
    return found, missing


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
