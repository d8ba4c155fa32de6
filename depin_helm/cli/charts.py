"""`depin-helm charts`: the upstream charts and the cache that they are taken from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from depin_helm.cli import options
from depin_helm.cli.options import Format, Output, ProjectFolder

app = typer.Typer(help="The upstream charts and their cache.", no_args_is_help=True, rich_markup_mode=None)

UpdateLock = Annotated[
    bool, typer.Option("--update-lock", help="Accept charts whose content differs from charts.lock.")
]


@app.command("pull")
def pull_charts(
    project: ProjectFolder = None, update_lock: UpdateLock = False, output: Output = Format.TEXT
) -> None:
    """Download the upstream charts from their official repositories."""
    from depin_helm import charts

    report = options.report(output)
    lock = options.chart_lock(options.find_project(project), update=update_lock)
    with report.downloads() as progress:
        pulled = charts.Cache(options.cache()).pull(lock.upstream, lock, progress=progress)
    report.imported(pulled)


@app.command("import")
def import_charts(
    paths: Annotated[list[Path], typer.Argument(metavar="ARCHIVE|FOLDER...", help="Chart archives (.tgz).")],
    project: ProjectFolder = None,
    update_lock: UpdateLock = False,
    output: Output = Format.TEXT,
) -> None:
    """Take chart archives, or folders of them, into the cache: for machines without internet access."""
    from depin_helm import charts

    lock = options.chart_lock(options.find_project(project), update=update_lock)
    options.report(output).imported(charts.Cache(options.cache()).import_(paths, lock))


@app.command("list")
def list_charts(output: Output = Format.TEXT) -> None:
    """List the charts in the cache."""
    from depin_helm import charts

    options.report(output).charts(charts.Cache(options.cache()).list())


@app.command("verify")
def verify_charts(project: ProjectFolder = None, output: Output = Format.TEXT) -> None:
    """Check the cached charts against charts.lock."""
    from depin_helm import charts
    from depin_helm.errors import ChartError

    lock = options.chart_lock(options.find_project(project))
    report = options.report(output)
    verified = charts.Cache(options.cache()).verify(lock)
    report.verified(verified)
    bad = [entry for entry in verified if entry.state is not charts.State.OK]
    if bad:
        names = ", ".join(str(entry.dependency) for entry in bad)
        hint = "depin-helm charts pull, or charts import"
        options.fail(report, ChartError(f"not as {lock.file} says: {names}", hint=hint))
