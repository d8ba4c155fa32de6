"""What the benchmarks work on: upstream charts, a project, Helm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import DEPIN_HELM
from depin_helm import tools
from depin_helm.project import Project
from tests.tier import Tier, chart_tier


@dataclass(frozen=True)
class Setting:
    """`environ` makes depin-helm use these charts and this Helm."""

    tier: Tier
    project: Project
    helm: Path
    kubectl: Path

    @classmethod
    def make(cls, scratch: Path) -> Setting:
        """The real charts if the chart cache holds them, else the stand-ins, in the folder `scratch`."""
        tier = chart_tier(scratch / "tier")
        project = Project(tier.root)
        programs = tools.build(["helm", "kubernetes"], project.tools, tier.cache)
        return cls(tier, project, programs["helm"], programs["kubectl"])

    def command(self, *arguments: str, environment: str = "sandbox") -> list[str | Path]:
        """A command line of depin-helm for an environment of the project."""
        return [DEPIN_HELM, *arguments, "--project", self.project.root, "--env", environment]

    @property
    def environ(self) -> Mapping[str, str]:
        return {"DEPIN_HELM_CACHE": str(self.tier.cache), "DEPIN_HELM_BIN": str(self.helm)}
