"""The command line: parse, call, report, exit. What a command needs is imported when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from depin_helm.cli import charts, cluster, environment, sandbox, secrets

app = typer.Typer(
    help="Run a Kubernetes platform from one values file.",
    no_args_is_help=True,
    add_completion=True,
    # Plain help: importing rich for it would take as long as everything else.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
environment.add_to(app)
cluster.add_to(app)
secrets.add_to(app)
app.add_typer(charts.app, name="charts")
app.add_typer(sandbox.app, name="sandbox")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"depin-helm {version('depin-helm')}")
        raise typer.Exit


@app.callback()
def _main(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Run a Kubernetes platform from one values file."""
