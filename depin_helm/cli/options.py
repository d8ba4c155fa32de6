"""Options that several commands share, and what is made from them."""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from depin_helm import project
from depin_helm.errors import DepinHelmError
from depin_helm.project import Project
from depin_helm.report import Report, standard

if TYPE_CHECKING:
    from depin_helm.charts import CachedChart, Lock


class Format(enum.StrEnum):
    """How results are written."""

    TEXT = "text"
    JSON = "json"


def _noted(context: typer.Context, output: Format) -> Format:
    """Leave the chosen format where `__main__` finds it when the command fails."""
    context.ensure_object(dict)["json"] = output is Format.JSON
    return output


def _seconds(duration: str) -> float:
    from depin_helm import values

    try:
        return values.duration(duration)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


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
Output = Annotated[Format, typer.Option("--output", "-o", help="How to write the result.", callback=_noted)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="DURATION",
        parser=_seconds,
        help="Limit per layer, as 90s or 10m; the environment's by default.",
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


def charts(found: Project) -> tuple[CachedChart, ...]:
    """The upstream charts, from the cache."""
    from depin_helm.charts import Cache

    return Cache(cache()).resolve(chart_lock(found))


def report(output: Format = Format.TEXT) -> Report:
    """The report that writes in this format."""
    return standard(as_json=output is Format.JSON)


def fail(report: Report, error: DepinHelmError) -> NoReturn:
    """End the command with an error that goes with a result already written."""
    report.say_error(error)
    raise typer.Exit(error.exit_code)
