"""`depin-helm sandbox`: a throwaway control plane on this machine."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from depin_helm.cli import options
from depin_helm.cli.options import Format, Output, ProjectFolder

app = typer.Typer(
    help="A throwaway Kubernetes control plane on this machine: real, but for nodes, pods and cert-manager.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="[NAME]", help="Several may run at once.")]


@app.command()
def up(name: Name = "default", project: ProjectFolder = None, output: Output = Format.TEXT) -> None:
    """Start a sandbox; its programs are built first where they are missing, which takes some ten minutes."""
    from depin_helm import sandbox

    report = options.report(output)
    with report.steps() as progress:
        started = sandbox.up(
            name, options.find_project(project).tools, options.cache(), progress, dict(os.environ)
        )
    report.sandbox(started)


@app.command()
def down(name: Name = "default") -> None:
    """Stop a sandbox and remove everything it kept."""
    from depin_helm import sandbox

    found = sandbox.down(name, options.cache())
    options.report().say(f"sandbox {name} is gone" if found else f"there is no sandbox {name}")


@app.command()
def status(output: Output = Format.TEXT) -> None:
    """List the sandboxes on this machine."""
    from depin_helm import sandbox

    options.report(output).sandboxes(sandbox.sandboxes(options.cache()))


@app.command()
def env(name: Name = "default") -> None:
    """Print what points kubectl and Helm at a sandbox: eval "$(depin-helm sandbox env)"."""
    import shlex

    from depin_helm import sandbox

    for key, value in sandbox.environment(name, options.cache()).items():
        options.report().raw(f"export {key}={shlex.quote(value)}")


@app.command()
def build(project: ProjectFolder = None) -> None:
    """Build the programs that a sandbox and its user need, kubectl and Helm too; print where they are."""
    from depin_helm import tools

    report = options.report()
    with report.steps() as progress:
        found = tools.build(
            tools.MODULES, options.find_project(project).tools, options.cache(), progress, dict(os.environ)
        )
    for name, path in sorted(found.items()):
        report.raw(f"{name}\t{path}")
