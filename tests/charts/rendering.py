"""Renders environments for the checks, the way that the product does, and keeps what it rendered."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from depin_helm import assemble, plan, values, yamlio
from depin_helm.assemble import Assembly
from depin_helm.charts import CachedChart
from depin_helm.helm import Helm
from depin_helm.plan import Layer, Plan
from depin_helm.project import Project
from tests.charts.checks.model import Object, Platform, closure, place

#: What the cluster would say of itself.
KUBE_VERSION = "1.35.4"
#: `helm template` at the same time.
PARALLEL = 2

PLAIN_RELEASE = "depin-platform"
PLAIN_NAMESPACE = "logging"

_SOURCE = re.compile(r"^---\n# Source: [^/\n]+/(?:charts/([^/\n]+)/)?.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Rendering:
    """One release's manifest as Helm printed it."""

    layer: str
    namespace: str
    manifest: str

    def objects(self) -> list[Object]:
        """Its objects, each with the component (the umbrella's dependency) that it comes from."""
        parts = _SOURCE.split(self.manifest)
        return [
            obj
            for component, text in zip(parts[1::2], parts[2::2], strict=True)
            for obj in place(yamlio.load_all(text), self.layer, component or "", self.namespace)
        ]


#: A chart's folder, the release's name, its layer (for a plain release one of our own), and its values.
Job = tuple[Path, str, Layer, Mapping[str, Any]]


class Renderer:
    """Assembled charts of one project, and everything that was rendered from them so far."""

    def __init__(
        self,
        project: Project,
        charts: Sequence[CachedChart],
        helm: Helm,
        cache: Path,
        scratch: Path,
        *,
        real: bool,
    ) -> None:
        self.project = project
        self.plan: Plan = plan.load(project.chart)
        self.real = real
        self._helm = helm
        self._scratch = scratch
        self._charts = charts
        self._cache = cache
        self._extracted: dict[Path, str] = {}
        self.defaults: dict[str, Any] = yamlio.load((project.chart / "values.yaml").read_bytes())

    @functools.cached_property
    def assembly(self) -> Assembly:
        """The layers' charts."""
        return assemble.assemble(self.project, self._charts, self.plan, self._extract, self._cache)

    @functools.cached_property
    def umbrella(self) -> Path:
        """The whole chart as plain Helm gets it: a checkout, filled."""
        chart = self._scratch / "umbrella" / self.project.chart.name
        assemble.copy_own_files(self.project, chart)
        assemble.write(chart, assemble.checkout(self.project, self._charts, self._extract))
        return chart

    @functools.cached_property
    def api_versions(self) -> list[str]:
        """What the API server serves once the CRDs are there."""
        return sorted(
            {
                f"{crd['spec']['group']}/{version['name']}"
                for crd in self.assembly.crds()
                for version in crd["spec"]["versions"]
            }
        )

    @functools.cache  # noqa: B019 - lives as long as the test session
    def manifests(self, environment: str) -> tuple[Rendering, ...]:
        """The environment's layers as `depin-helm install` rolls them out: hooks where a layer runs them."""
        loaded = values.load_environment(self.project, environment)
        return self.render_layers(self.plan.enabled(loaded.values), loaded.overrides)

    @functools.cache  # noqa: B019 - as above
    def layered(self, environment: str) -> Platform:
        """The objects of these manifests."""
        loaded = values.load_environment(self.project, environment)
        return self._platform(environment, self.manifests(environment), loaded.values, closure(self.plan))

    @functools.cache  # noqa: B019 - as above
    def layered_as_one(self, environment: str, release: str = PLAIN_RELEASE) -> Platform:
        """One release of the whole chart with the very values of the environment's layers."""
        loaded = values.load_environment(self.project, environment)
        return self.as_one(f"{environment} as one release", loaded.overrides, release)

    @functools.cache  # noqa: B019 - as above
    def plain(self) -> Platform:
        """What `helm install` gives with the chart's defaults."""
        return self.as_one("plain release", {}, PLAIN_RELEASE)

    @functools.cache  # noqa: B019 - as above
    def plain_with_kibana(self) -> Platform:
        """What the second command of NOTES.txt makes of that."""
        overrides = {
            "kibana": {"enabled": True},
            "depin-kibana": {"enabled": True},
            "depin-routes": {"routes": {"kibana": {"enabled": True}}},
        }
        platform = self.as_one("plain release with Kibana", overrides, PLAIN_RELEASE)
        return replace(platform, upgraded=self.plain())

    def in_layers(self, name: str, overrides: Mapping[str, Any]) -> Platform:
        """All layers, with `overrides` over the chart's values."""
        rendered = self.render_layers(self.plan, overrides)
        return self._platform(name, rendered, values.coalesce(overrides, self.defaults), closure(self.plan))

    def as_one(
        self, name: str, overrides: Mapping[str, Any], release: str, namespace: str = PLAIN_NAMESPACE
    ) -> Platform:
        """One release of the whole chart, with `overrides` over its defaults."""
        rendered = self.as_manifests(overrides, release, namespace)
        merged = values.coalesce(overrides, self.defaults)
        return self._platform(name, rendered, merged, {rendered[0].layer: frozenset()})

    def as_manifests(
        self, overrides: Mapping[str, Any], release: str, namespace: str = PLAIN_NAMESPACE
    ) -> tuple[Rendering, ...]:
        """The manifest of one release of the whole chart."""
        return self._render([(self.umbrella, release, Layer("plain", namespace, ()), overrides)])

    def one_layer(self, name: str, overrides: Mapping[str, Any], release: str) -> Platform:
        """One layer alone, its release called `release`."""
        layer = self.plan[name]
        rendered = self._render([(self.assembly.layer_chart(layer), release, layer, layer.prune(overrides))])
        merged = values.coalesce(overrides, self.defaults)
        return self._platform(f"{name} as {release}", rendered, merged, closure(self.plan))

    def render_layers(self, chosen: Plan, overrides: Mapping[str, Any]) -> tuple[Rendering, ...]:
        """The manifests of some layers, with these values over the chart's own."""
        return self._render(
            [
                (self.assembly.layer_chart(layer), layer.release, layer, layer.prune(overrides))
                for layer in chosen.layers
            ]
        )

    def _render(self, jobs: Sequence[Job]) -> tuple[Rendering, ...]:
        versions = self.api_versions  # itself takes Helm, and so comes before the loop

        async def one(seats: asyncio.Semaphore, job: Job) -> Rendering:
            chart, release, layer, overrides = job
            async with seats:
                with values.write_for_helm(overrides) as file:
                    manifest = await self._helm.template(
                        chart,
                        release,
                        layer.namespace,
                        file,
                        api_versions=versions,
                        kube_version=KUBE_VERSION,
                        no_hooks=not layer.hooks,
                    )
            return Rendering(layer.name, layer.namespace, manifest)

        async def all_of_them() -> tuple[Rendering, ...]:
            seats = asyncio.Semaphore(PARALLEL)
            return tuple(await asyncio.gather(*(one(seats, job) for job in jobs)))

        return asyncio.run(all_of_them())

    def _platform(
        self,
        name: str,
        rendered: Sequence[Rendering],
        merged: Mapping[str, Any],
        before: Mapping[str, frozenset[str]],
    ) -> Platform:
        return Platform(
            name=name,
            objects=tuple(obj for rendering in rendered for obj in rendering.objects()),
            before=before,
            values=merged,
            secrets={} if merged["depin-secrets"]["enabled"] else self._secrets(merged),
            namespaces={rendering.layer: rendering.namespace for rendering in rendered},
            real=self.real,
        )

    def _extract(self, archive: Path, overrides: Mapping[str, Any]) -> str:
        if archive not in self._extracted:
            with values.write_for_helm(overrides) as file:
                rendering = self._helm.template(archive, "crds", "default", file, include_crds=True)
                self._extracted[archive] = asyncio.run(rendering)
        return self._extracted[archive]

    def _secrets(self, merged: Mapping[str, Any]) -> dict[tuple[str, str], frozenset[str]]:
        """The Secrets of secrets.yaml that these values need."""
        listed = yamlio.load((self.project.chart / "secrets.yaml").read_bytes())["secrets"]
        return {
            (entry["namespace"], entry["name"]): frozenset(entry["keys"])
            for entry in listed
            if merged[entry["reader"]].get("enabled", True)
        }
