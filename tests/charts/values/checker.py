"""Checks texts as environments, on the charts of this run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from depin_helm import checks, schema, upstream, values, workspace
from depin_helm.charts import CachedChart
from depin_helm.checks import Api, Result
from depin_helm.errors import Finding
from depin_helm.project import Project
from depin_helm.upstream import Interface
from tests.tier import ROOT, Tier


@dataclass(frozen=True)
class Checker:
    """What is read once for all texts; `project` is one of its own, with our chart and schema."""

    tier: Tier
    project: Project
    found: Mapping[str, CachedChart]
    charts: Mapping[str, Interface] = field(repr=False)
    schema: Mapping[str, Any] = field(repr=False)
    api: Api = field(repr=False)

    @classmethod
    def load(cls, tier: Tier, scratch: Path) -> Checker:
        (scratch / "values").mkdir()
        for name in ("charts", "schema"):
            (scratch / name).symlink_to(ROOT / name)
        found, missing = workspace.upstream_charts(Project(tier.root), tier.cache)
        assert not missing
        return cls(
            tier,
            Project(scratch),
            found,
            upstream.load(found, tier.cache),
            schema.load(Project(ROOT).schema_source),
            Api.load(Project(ROOT).kubernetes_schema),
        )

    def examine(
        self, content: bytes, *more: Path, off: Collection[str] = (), sets: Sequence[str] = ()
    ) -> Result:
        (self.project.values / "example.yaml").write_bytes(content)
        environment = values.read_environment(self.project, "example", more, sets)
        return checks.check(environment, self.schema, self.charts, {}, self.api, off=off)

    def findings(self, text: str) -> tuple[Finding, ...]:
        return self.examine(text.encode()).findings

    def example(self, case: Path, *, off: Collection[str] = ()) -> Result:
        """What is said of an example's folder, whose files are named as seen from the checkout."""
        more = [file.relative_to(ROOT) for file in case.glob("more.yaml")]
        sets = [line for file in case.glob("set.txt") for line in file.read_text().splitlines()]
        return self.examine((case / "values.yaml").read_bytes(), *more, off=off, sets=sets)
