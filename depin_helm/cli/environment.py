"""Commands that need no cluster: validate, values, assemble, render."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from depin_helm.cli import options
from depin_helm.cli.options import Env, Files, Format, Layers, Output, ProjectFolder, Sets


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (validate, values, assemble, render):
        app.command()(command)


def validate(
    env: Env,
    files: Files = None,
    sets: Sets = None,
    project: ProjectFolder = None,
    output: Output = Format.TEXT,
) -> None:
    """Check an environment's values; lists everything that is wrong."""
    from depin_helm import workspace
    from depin_helm.errors import ValuesError

    report = options.report(output)
    try:
        workspace.checked(options.find_project(project), env, files or (), sets or ())
    except ValuesError as error:
        report.findings(error.findings)
        report.say(f"{env}: {error.message}")
        raise typer.Exit(error.exit_code) from None
    report.findings(())
    report.say(f"{env}: the values are valid")


def values(
    env: Env,
    key: Annotated[
        str | None, typer.Argument(metavar="[KEY]", help="As in grafana.persistence.size.")
    ] = None,
    files: Files = None,
    sets: Sets = None,
    project: ProjectFolder = None,
    output: Output = Format.TEXT,
) -> None:
    """Print the merged values; with KEY, where each part of it came from."""
    from depin_helm import values as module
    from depin_helm import yamlio

    environment = module.load_environment(options.find_project(project), env, files or (), sets or ())
    report = options.report(output)
    if key is not None:
        report.origins(module.origins_of(environment, key))
    elif output is Format.JSON:
        report.json(environment.values)
    else:
        report.raw(yamlio.dump(environment.values))


def assemble(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if something is to be done.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Write a complete chart there, not into the project's own."),
    ] = None,
    project: ProjectFolder = None,
) -> None:
    """Complete the umbrella chart for plain Helm: upstream archives, CRDs, values.schema.json."""
    from depin_helm import assemble as module
    from depin_helm import workspace
    from depin_helm.cli.target import open_helm
    from depin_helm.errors import ChartError, UsageError

    found = options.find_project(project)
    report = options.report()
    charts = options.charts(found)
    files = module.checkout(found, charts, workspace.renderer(open_helm(found, report)))
    target = folder or found.chart
    if check:
        differences = module.check(target, files)
        if differences:
            report.raw("\n".join(differences))
            raise ChartError(f"{target} is not assembled", hint="depin-helm assemble")
        report.say(f"{target} is complete")
        return
    try:
        if folder is not None:
            module.copy_own_files(found, folder)
        module.write(target, files)
    except OSError as error:
        raise UsageError(
            f"{target} cannot be written: {error.strerror}", hint="depin-helm assemble --to DIR"
        ) from error
    report.say(f"{target}: {len(charts)} upstream charts, {len(files)} generated files")


def render(
    env: Env, layer: Layers = None, files: Files = None, sets: Sets = None, project: ProjectFolder = None
) -> None:
    """Print the manifests of all layers, or of some."""
    import asyncio

    from depin_helm import workspace
    from depin_helm.cli.target import open_workspace

    report = options.report()
    found = options.find_project(project)
    environment = workspace.checked(found, env, files or (), sets or ())
    opened = open_workspace(found, environment, report, layer)
    for each, manifest in asyncio.run(opened.render()):
        report.raw(f"# Layer {each.name}: release {each.release} in namespace {each.namespace}\n{manifest}")
