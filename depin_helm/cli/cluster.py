"""Commands about an environment on its cluster: diff, install, uninstall, status, crds, unlock."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from depin_helm.cli import options
from depin_helm.cli.options import (
    Context,
    Env,
    Files,
    Format,
    Kubeconfig,
    Layers,
    Output,
    ProjectFolder,
    Sets,
    Timeout,
    Yes,
)
from depin_helm.cli.target import connect
from depin_helm.cli.work import at_work, check, confirm, run
from depin_helm.report import Report, describe

if TYPE_CHECKING:
    from depin_helm.cluster import Cluster
    from depin_helm.workspace import Workspace

#: What `diff --exit-code` says when there are changes.
CHANGES = 10


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(diff)
    app.command("install")(install)
    app.command("upgrade", help="The same as install: install what is missing, upgrade what is there.")(
        install
    )
    for command in (uninstall, status, crds, unlock):
        app.command()(command)


def diff(
    env: Env,
    layer: Layers = None,
    files: Files = None,
    sets: Sets = None,
    project: ProjectFolder = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help=f"Exit with {CHANGES} when there are changes.")
    ] = False,
    output: Output = Format.TEXT,
) -> None:
    """Show what an upgrade would change on the cluster; Secrets are masked."""
    report = options.report(output)
    target = connect(project, env, files, sets, kubeconfig, context, full=True)
    if _show_changes(target.workspace(report, layer), target.cluster, report) and exit_code:
        raise typer.Exit(CHANGES)


def install(
    env: Env,
    layer: Layers = None,
    files: Files = None,
    sets: Sets = None,
    project: ProjectFolder = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    timeout: Timeout = None,
    force_conflicts: Annotated[
        bool, typer.Option("--force-conflicts", help="Take back fields that somebody else has changed.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    yes: Yes = False,
    output: Output = Format.TEXT,
) -> None:
    """Install the platform, or upgrade it, layer by layer; run again, it continues."""
    from depin_helm import preparation, rollout

    report = options.report(output)
    target = connect(project, env, files, sets, kubeconfig, context, full=True)
    workspace, cluster = target.workspace(report, layer), target.cluster
    if dry_run:
        _show_changes(workspace, cluster, report)
        return
    layers = [each.name for each in workspace.plan.layers]
    identity = cluster.identity()
    report.say(f"{env} → {describe(identity)}\nlayers: {', '.join(layers)}")
    if not (yes or identity.sandbox):
        confirm("yes", "install or upgrade", hint="or pass --yes")
    again = target.command("install", *(text for each in layer or () for text in ("--layer", each)))
    with at_work(report, target, "install", layers, again) as (lock, observe):
        making = target.environment.settings.create_secrets
        report.say(f"applying CRDs, {'making missing' if making else 'looking for'} Secrets")
        prepared = preparation.prepare(workspace, cluster, target.command("secrets", "--create"))
        report.prepared(prepared)
        work = rollout.install(
            workspace,
            cluster,
            observe,
            abandoned=lock.abandoned,
            timeout=timeout,
            force_conflicts=force_conflicts,
            growths=prepared.growths,
        )
        ends = run(work)
        lock.settle()
    report.rollout(ends)
    check(report, ends, again)
    done = f"installed: {', '.join(layers)}" if layer else "The platform is installed."
    report.say(f"{done} Next: {target.command('status')}")


def uninstall(
    env: Env,
    layer: Layers = None,
    files: Files = None,
    sets: Sets = None,
    project: ProjectFolder = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    timeout: Timeout = None,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Also delete the namespaces with their volumes and Secrets.")
    ] = False,
    delete_crds: Annotated[
        bool,
        typer.Option(
            "--delete-crds", help="Also delete the CRDs, and with them every object of their kinds."
        ),
    ] = False,
    yes: Yes = False,
    output: Output = Format.TEXT,
) -> None:
    """Uninstall the layers in reverse; volumes, namespaces, Secrets and CRDs stay unless told otherwise."""
    from depin_helm import removal, rollout
    from depin_helm.errors import UsageError

    if layer and (delete_data or delete_crds):
        raise UsageError("namespaces and CRDs serve all layers: --delete-… and --layer exclude each other")
    report = options.report(output)
    target = connect(project, env, files, sets, kubeconfig, context)
    opened, cluster = target.workspace(report), target.cluster
    # Those too that the environment has turned off since.
    workspace = replace(opened, plan=opened.whole.select(layer or ()))
    layers = [each.name for each in workspace.plan.reversed()]
    report.say(f"{env} on {describe(cluster.identity())}\nto be uninstalled: {', '.join(layers)}")
    doomed = [
        *(removal.data(workspace, cluster) if delete_data else ()),
        *(removal.crds(workspace, cluster) if delete_crds else ()),
    ]
    volumes = removal.claims(workspace, cluster) if delete_data else ()
    if doomed:
        report.say("to be deleted, with everything in them:\n" + "\n".join(f"  {each}" for each in doomed))
        report.say(f"that takes {len(volumes)} volumes with their data")
    if doomed or not yes:
        confirm(env, "delete all that" if doomed else "uninstall", hint="" if doomed else "or pass --yes")
    again = target.command("uninstall", *(text for each in layer or () for text in ("--layer", each)))
    leftovers = None
    with at_work(report, target, "uninstall", layers, again) as (_, observe):
        ends = run(rollout.uninstall(workspace, cluster, observe, timeout=timeout))
        if not layer and all(end.error is None for end in ends):
            leftovers = removal.delete(workspace, cluster, doomed)
    report.rollout(ends, leftovers)
    check(report, ends, again)


def status(
    env: Env,
    files: Files = None,
    sets: Sets = None,
    project: ProjectFolder = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    output: Output = Format.TEXT,
) -> None:
    """Show each layer's release and its pods; exit 7 when a layer is not as it should be."""
    from depin_helm import assemble, plan
    from depin_helm import status as module
    from depin_helm.errors import UnhealthyError

    report = options.report(output)
    target = connect(project, env, files, sets, kubeconfig, context)
    whole = plan.load(target.project.chart)
    digest = assemble.digest(target.project, options.charts(target.project))
    found = module.read(env, whole, whole.enabled(target.environment.values), digest, target.cluster)
    report.status(found)
    if not found.healthy:
        wrong = ", ".join(layer.layer for layer in found.layers if not layer.healthy)
        hint = target.command("install")
        options.fail(report, UnhealthyError(f"not as it should be: {wrong}", hint=hint))


def crds(
    env: Env,
    apply: Annotated[bool, typer.Option("--apply", help="Apply those that are missing or differ.")] = False,
    files: Files = None,
    sets: Sets = None,
    project: ProjectFolder = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    output: Output = Format.TEXT,
) -> None:
    """List the platform's CRDs, and whether the cluster has them as the charts do."""
    report = options.report(output)
    target = connect(project, env, files, sets, kubeconfig, context)
    wanted = target.workspace(report).assembly.crds()
    if apply:
        report.say(f"applying CRDs on {describe(target.cluster.identity())}")
    with target.cluster.lock(env, "crds") if apply else nullcontext():
        results = target.cluster.apply_crds(wanted, dry_run=not apply)
    report.crds(results, applied=apply)


def unlock(
    env: Env,
    files: Files = None,
    sets: Sets = None,
    project: ProjectFolder = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    yes: Yes = False,
) -> None:
    """Take the cluster's lock from an operation that is dead; the next install continues from there."""
    report = options.report()
    target = connect(project, env, files, sets, kubeconfig, context)
    report.say(f"{env} on {describe(target.cluster.identity())}: make sure that nobody is at work on it")
    if not yes:
        confirm(env, "take its lock", hint="or pass --yes")
    holder = target.cluster.unlock()
    report.say(f"the lock was held by {holder}" if holder else "nobody held the lock")
    report.say(f"Next: {target.command('install')}")


def _show_changes(workspace: Workspace, cluster: Cluster, report: Report) -> bool:
    """Report what an upgrade would change, and whether it is anything."""
    import asyncio

    from depin_helm import diff as module

    rendered = asyncio.run(
        workspace.render(hooks=False, kube_version=cluster.version(), api_versions=cluster.api_versions())
    )
    changes = module.diff(rendered, cluster, workspace.assembly.crds())
    report.changes(changes)
    return bool(changes)
