"""Where a project's files are: a checkout, or the copy that the wheel carries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

from depin_helm.errors import UsageError

CHART_NAME = "depin-platform"
PACKAGED = Path(__file__).parent / "project"


@dataclass(frozen=True)
class Project:
    """A folder with `charts/depin-platform`, `values/` and `schema/`."""

    root: Path

    @property
    def chart(self) -> Path:
        """The umbrella chart's folder."""
        return self.root / "charts" / CHART_NAME

    @property
    def values(self) -> Path:
        """The folder of the environments' values files."""
        return self.root / "values"

    @property
    def schema_source(self) -> Path:
        """The commented YAML that `values.schema.json` is made from."""
        return self.root / "schema" / "values.schema.yaml"

    @property
    def kubernetes_schema(self) -> Path:
        """What Kubernetes' own objects look like, made from its OpenAPI."""
        return self.root / "schema" / "kubernetes.json"

    @property
    def tools(self) -> Path:
        """The pinned Go modules of the programs that depin-helm can build for itself."""
        return self.root / "tools"

    @property
    def lock(self) -> Path:
        """`charts.lock`, the content digests of the upstream charts: beside the project's own files.

        The installed package may be read-only and serves everyone: with it, in the current directory.
        """
        return (Path.cwd() if self.root == PACKAGED else self.root) / "charts.lock"

    def environments(self) -> tuple[str, ...]:
        """Names of the environments that this project has a values file for, sorted."""
        return tuple(sorted(file.stem for file in self.values.glob("*.yaml")))

    def environment_file(self, name: str) -> Path:
        """The values file of environment `name`.

        Raises:
            UsageError: there is no such environment.
        """
        file = self.values / f"{name}.yaml"
        if name not in self.environments():
            known = ", ".join(self.environments()) or "none"
            raise UsageError(f"no environment {name!r} in {self.values}", hint=f"known environments: {known}")
        return file


def find(directory: Path | None = None) -> Project:
    """The project to work with.

    `directory` (`--project`) must hold one; without it the current directory is taken if it holds
    `charts/depin-platform`, else the copy in the installed package. Running from a source tree,
    that copy is the source tree itself.

    Raises:
        UsageError: `directory` holds no umbrella chart.
    """
    if directory is not None:
        if not (directory / "charts" / CHART_NAME / "Chart.yaml").is_file():
            raise UsageError(
                f"{directory} is no depin-helm project: it has no charts/{CHART_NAME}/Chart.yaml",
                hint="pass --project the folder that holds charts/ and values/",
            )
        return Project(directory.resolve())
    here = Path.cwd()
    if (here / "charts" / CHART_NAME / "Chart.yaml").is_file():
        return Project(here)
    return Project(PACKAGED if PACKAGED.is_dir() else Path(__file__).parent.parent)


def cache_directory(override: str | None) -> Path:
    """The folder for what can be made again: `DEPIN_HELM_CACHE` if set, else the user's cache folder."""
    return Path(override) if override else Path(platformdirs.user_cache_dir("depin-helm"))
