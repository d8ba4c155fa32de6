"""The command about the Secrets that an environment needs: lists, makes, shows and renews them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from depin_helm.cli import options
from depin_helm.cli.options import Context, Env, Files, Format, Kubeconfig, Output, ProjectFolder, Sets, Yes
from depin_helm.cli.target import Target, connect
from depin_helm.cli.work import confirm
from depin_helm.report import Report, describe

if TYPE_CHECKING:
    from depin_helm.secrets import SecretSpec, User


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(secrets)


def secrets(
    env: Env,
    create: Annotated[bool, typer.Option("--create", help="Make those that are missing.")] = False,
    show: Annotated[
        str, typer.Option("--show", metavar="SECRET[/KEY]", help="Print the values of one, once confirmed.")
    ] = "",
    rotate: Annotated[
        str,
        typer.Option(
            "--rotate",
            metavar="SECRET",
            help="Put new values into one, and into what is derived from it; say what must be restarted.",
        ),
    ] = "",
    files: Files = None,
    sets: Sets = None,
    project: ProjectFolder = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    yes: Yes = False,
    output: Output = Format.TEXT,
) -> None:
    """List the Secrets that the environment needs, who uses them, and whether they are there."""
    from depin_helm import preparation
    from depin_helm import secrets as module
    from depin_helm.errors import UsageError

    if create + bool(show) + bool(rotate) > 1:
        raise UsageError("--create, --show and --rotate exclude each other")
    report = options.report(output)
    specs = module.load(options.find_project(project).chart)
    chosen = module.find(specs, show or rotate) if show or rotate else None
    target = connect(project, env, files, sets, kubeconfig, context)
    if chosen and show:
        _show(report, target, *chosen, yes=yes)
        return
    if chosen:
        _rotate(report, target, specs, *chosen, yes=yes)
        return
    needed = module.needed(specs, target.environment.values)
    provided = module.provided(specs, target.environment.values)
    if create:
        report.say(f"making what is missing on {describe(target.cluster.identity())}")
        namespaces = preparation.namespaces(target.workspace(report))
        with target.cluster.lock(env, "secrets"):
            module.create_missing(needed, target.cluster, namespaces)
            # Helm would not take over what somebody made by hand.
            module.create_namespaces({spec.namespace for spec in provided}, namespaces, target.cluster)
    listed = (*needed, *provided)
    report.secrets(module.check(listed, target.cluster, module.users(listed, target.cluster)))


def _show(report: Report, target: Target, spec: SecretSpec, key: str, *, yes: bool) -> None:
    """Print the values of a Secret, or of one key of it."""
    from depin_helm import secrets as module
    from depin_helm.errors import UsageError

    users = module.users([spec], target.cluster)[str(spec)]
    report.say(f"{spec} on {describe(target.cluster.identity())}\nread by {_readers(spec, users)}")
    if not yes:
        confirm(spec.name, "print what is in it", hint="or pass --yes")
    secret = module.read([spec], target.cluster)[str(spec)]
    content = module.content(secret)
    if secret is None or (key and key not in content):
        wanted = f"{spec}/{key}" if key else str(spec)
        raise UsageError(f"there is no {wanted} on the cluster", hint="--create makes what is missing")
    report.secret(spec, key, {key: content[key]} if key else content)


def _rotate(
    report: Report, target: Target, specs: Sequence[SecretSpec], spec: SecretSpec, key: str, *, yes: bool
) -> None:
    """Put new values into a Secret and say what follows."""
    from depin_helm import secrets as module
    from depin_helm.errors import UsageError

    if key:
        raise UsageError(f"--rotate is for a whole Secret: {spec}")
    cluster = target.cluster
    planned = module.plan(specs, spec, cluster)
    changed = [each for each, _ in planned.keys]
    users = module.users(changed, cluster)
    report.say(f"new values on {describe(cluster.identity())}:")
    for each, keys in planned.keys:
        report.say(f"  {each}: {', '.join(keys)}; read by {_readers(each, users[str(each)])}")
    for name, why in planned.kept.items():
        report.say(f"  {spec}: {name} stays: {why}")
    if not yes:
        confirm(spec.name, "rotate it", hint="or pass --yes")
    with cluster.lock(target.environment.name, "secrets"):
        rotation = module.rotate(specs, spec, cluster)
        users = module.users([each for each, _ in rotation.keys], cluster)
    kubectl = ["kubectl", *(("--kubeconfig", str(target.kubeconfig)) if target.kubeconfig else ())]
    kubectl += ["--context", cluster.context] if cluster.context else []
    report.rotated(rotation, users, module.steps(rotation, users, kubectl))


def _readers(spec: SecretSpec, users: Sequence[User]) -> str:
    found = ", ".join(map(str, users))
    return f"{spec.reader} ({found})" if found else spec.reader
