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
    env: Annotated[
        str | None, typer.Option("--env", "-e", metavar="ENV", help="The environment: values/ENV.yaml.")
    ] = None,
    files: Files = None,
    sets: Sets = None,
    project: ProjectFolder = None,
    rules: Annotated[bool, typer.Option("--rules", help="List all rules and why they are.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail also when something could not be checked.")
    ] = False,
    output: Output = Format.TEXT,
) -> None:
    """Check an environment's values; lists everything that is wrong."""
    from depin_helm import checks, workspace
    from depin_helm.errors import ChartError, UsageError, ValuesError

    report = options.report(output)
    if rules:
        report.rules(checks.listing())
        return
    if env is None:
        raise UsageError("--env is missing", hint="depin-helm validate --env ENV, or --rules")
    found = options.find_project(project)
    _, result = workspace.examine(found, options.cache(), env, files or (), sets or ())
    report.verdict(env, result)
    if result.findings:
        raise typer.Exit(ValuesError.exit_code)
    if strict and result.skipped:
        raise typer.Exit(ChartError.exit_code)


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
    from depin_helm import workspace, yamlio

    found = options.find_project(project)
    report = options.report(output)
    if key is not None:
        environment, missing = workspace.with_upstream(found, options.cache(), env, files or (), sets or ())
        for component, reason in missing.items():
            report.say(f"without the defaults of {component}: {reason}")
        report.origins(module.origins_of(environment, key))
        return
    environment = module.load_environment(found, env, files or (), sets or ())
    if output is Format.JSON:
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
    environment = workspace.checked(found, options.cache(), env, files or (), sets or ())
    opened = open_workspace(found, environment, report, layer)
    for each, manifest in asyncio.run(opened.render()):
        report.raw(f"# Layer {each.name}: release {each.release} in namespace {each.namespace}\n{manifest}")
