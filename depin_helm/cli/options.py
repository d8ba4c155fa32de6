"""Options that several commands share, and what is made from them."""

from __future__ import annotations

import enum
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from depin_helm import project
from depin_helm.project import Project
from depin_helm.report import Report, standard

if TYPE_CHECKING:
    from depin_helm.charts import Lock


class Format(enum.StrEnum):
    """How results are written."""

    TEXT = "text"
    JSON = "json"


Env = Annotated[str, typer.Option("--env", "-e", metavar="ENV", help="The environment: values/ENV.yaml.")]
Files = Annotated[
    list[Path] | None,
    typer.Option("--values", "-f", metavar="FILE", help="Another values file on top; repeatable."),
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Another value on top; repeatable.")
]
Layers = Annotated[
    list[str] | None, typer.Option("--layer", metavar="LAYER", help="Only this layer; repeatable.")
]
ProjectFolder = Annotated[
    Path | None,
    typer.Option(
        "--project", metavar="DIR", help="A checkout to use instead of the installed charts and values."
    ),
]
Kubeconfig = Annotated[
    Path | None,
    typer.Option("--kubeconfig", metavar="FILE", help="Instead of $KUBECONFIG or ~/.kube/config."),
]
Context = Annotated[
    str | None, typer.Option("--context", metavar="NAME", help="A context of the kubeconfig.")
]
Output = Annotated[Format, typer.Option("--output", "-o", help="How to write the result.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Timeout = Annotated[
    str | None,
    typer.Option(
        "--timeout", metavar="DURATION", help="Limit per layer, as 90s or 10m; the environment's by default."
    ),
]


def find_project(folder: Path | None) -> Project:
    """The project that the user chose, or the one that is at hand."""
    return project.find(folder)


def cache() -> Path:
    """The folder of the chart cache and of everything that can be made again."""
    return project.cache_directory(os.environ.get("DEPIN_HELM_CACHE"))


def chart_lock(found: Project, *, update: bool = False) -> Lock:
    """The project's charts.lock."""
    from depin_helm import charts

    return charts.Lock(found.lock, charts.dependencies(found.chart), update)


def report(output: Format = Format.TEXT) -> Report:
    """The report that writes in this format."""
    return standard(as_json=output is Format.JSON)


def seconds(duration: str | None) -> float | None:
    """A duration such as 90s, 10m or 1h30m, in seconds."""
    if duration is None:
        return None
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", duration)
    if not parts or not duration:
        raise typer.BadParameter(
            f"{duration!r} is no duration; write 90s, 10m or 1h30m", param_hint="--timeout"
        )
    hours, minutes, rest = (int(part or 0) for part in parts.groups())
    return float(hours * 3600 + minutes * 60 + rest)
