"""Commands about an environment on its cluster: diff, install, upgrade, uninstall, status, secrets, crds."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

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
from depin_helm.project import Project
from depin_helm.report import Report, describe

if TYPE_CHECKING:
    from depin_helm.cluster import Cluster
    from depin_helm.helm import Helm
    from depin_helm.rollout import Progress
    from depin_helm.workspace import Workspace

T = TypeVar("T")

#: What `diff --exit-code` says when there are changes.
CHANGES = 10


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(diff)
    app.command("install")(install)
    app.command("upgrade", help="The same as install: install what is missing, upgrade what is there.")(
        install
    )
    for command in (uninstall, status, secrets, crds):
        app.command()(command)


@dataclass(frozen=True)
class Target:
    """An environment together with the cluster that it is for."""

    workspace: Workspace
    cluster: Cluster

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.workspace.environment.name


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
    target = _open(report, project, env, files, sets, layer, kubeconfig, context)
    if _show_changes(target, report) and exit_code:
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    yes: Yes = False,
    output: Output = Format.TEXT,
) -> None:
    """Install the platform, or upgrade it, layer by layer; run again, it continues."""
    from depin_helm import rollout

    report = options.report(output)
    limit = options.seconds(timeout)
    target = _open(report, project, env, files, sets, layer, kubeconfig, context)
    if dry_run:
        _show_changes(target, report)
        return
    layers = [each.name for each in target.workspace.plan.layers]
    identity = target.cluster.identity()
    report.say(f"{env} → {describe(identity)}\nlayers: {', '.join(layers)}")
    if not (yes or identity.sandbox) and sys.stdin.isatty():
        typer.confirm("Install or upgrade?", abort=True, err=True)
    with target.cluster.lock(env, "install") as lock:
        report.prepared(rollout.prepare(target.workspace, target.cluster))
        with _log_file(report), report.rollout_progress(layers) as observe:
            work = rollout.install(
                target.workspace, target.cluster, observe, abandoned=lock.abandoned, timeout=limit
            )
            ends = _run(work)
        lock.settle()
    _finish(report, ends, f"depin-helm install --env {env}")
    report.say(f"The platform is installed. Next: depin-helm status --env {env}")


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
    from depin_helm import rollout

    report = options.report(output)
    limit = options.seconds(timeout)
    target = _open(report, project, env, files, sets, layer, kubeconfig, context)
    if layer and (delete_data or delete_crds):
        raise typer.BadParameter("namespaces and CRDs serve all layers", param_hint="--layer with --delete-…")
    layers = [each.name for each in target.workspace.plan.reversed()]
    report.say(f"{env} on {describe(target.cluster.identity())}\nto be uninstalled: {', '.join(layers)}")
    _confirm_by_name(env, "uninstall", ask=not yes)
    for wanted, what in (
        (delete_data, "all volumes and passwords"),
        (delete_crds, "all CRDs and their objects"),
    ):
        if wanted:
            _confirm_by_name(env, f"delete {what}", ask=True)
    with target.cluster.lock(env, "uninstall"):
        with _log_file(report), report.rollout_progress(layers) as observe:
            ends = _run(rollout.uninstall(target.workspace, target.cluster, observe, timeout=limit))
        _finish(report, ends, f"depin-helm uninstall --env {env}")
        if not layer:
            report.leftovers(
                rollout.clean(
                    target.workspace, target.cluster, delete_data=delete_data, delete_crds=delete_crds
                )
            )


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
    from depin_helm import status as module
    from depin_helm.errors import UnhealthyError

    report = options.report(output)
    target = _open(report, project, env, files, sets, None, kubeconfig, context)
    workspace = target.workspace
    found = module.read(env, workspace.whole, workspace.plan, workspace.assembly.digest, target.cluster)
    report.status(found)
    if not found.healthy:
        wrong = ", ".join(layer.layer for layer in found.layers if not layer.healthy)
        raise UnhealthyError(f"not as it should be: {wrong}", hint=f"depin-helm install --env {env}")


def secrets(
    env: Env,
    create: Annotated[bool, typer.Option("--create", help="Make those that are missing.")] = False,
    files: Files = None,
    sets: Sets = None,
    project: ProjectFolder = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    output: Output = Format.TEXT,
) -> None:
    """List the Secrets that the environment needs, and whether they are there. Never prints a value."""
    from depin_helm import rollout
    from depin_helm import secrets as module

    report = options.report(output)
    target = _open(report, project, env, files, sets, None, kubeconfig, context)
    needed = rollout.needed_secrets(target.workspace)
    if create:
        module.create_missing(needed, target.cluster, rollout.namespaces(target.workspace))
    report.secrets(module.check(needed, target.cluster))


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
    target = _open(report, project, env, files, sets, None, kubeconfig, context)
    report.crds(target.cluster.apply_crds(target.workspace.assembly.crds(), dry_run=not apply))


def open_helm(
    project: Project, report: Report, kubeconfig: Path | None = None, context: str | None = None
) -> Helm:
    """Helm, built first where there is none."""
    from depin_helm import helm, tools

    def build() -> Path:
        with report.steps() as progress:
            return tools.binary("helm", project.tools, options.cache(), progress, os.environ)

    return helm.Helm(
        helm.find_helm(os.environ, build),
        environ=os.environ,
        home=options.cache() / "helm",
        kubeconfig=kubeconfig,
        context=context,
    )


def _open(
    report: Report,
    project: Path | None,
    env: str,
    files: Sequence[Path] | None,
    sets: Sequence[str] | None,
    layers: Sequence[str] | None,
    kubeconfig: Path | None,
    context: str | None,
) -> Target:
    """Values checked, charts assembled, and the cluster is the environment's; nothing is changed yet."""
    from depin_helm import workspace
    from depin_helm.cluster import Cluster, match

    found = options.find_project(project)
    environment = workspace.checked(found, env, files or (), sets or ())
    chosen = kubeconfig
    if environment.settings.cluster.sandbox and not (kubeconfig or context or "KUBECONFIG" in os.environ):
        chosen = _sandbox_kubeconfig()
    cluster = Cluster.connect(chosen, context, environ=os.environ)
    helm = open_helm(found, report, chosen, cluster.context or None)
    opened = workspace.load(found, options.cache(), helm, environment, layers or ())
    match(environment.settings.cluster, cluster.identity())
    return Target(opened, cluster)


def _sandbox_kubeconfig() -> Path | None:
    """The kubeconfig of the one sandbox that runs; None where it is not clear which."""
    from depin_helm import sandbox

    running = [found.sandbox for found in sandbox.sandboxes(options.cache()) if found.state == "running"]
    return running[0].kubeconfig if len(running) == 1 and running[0] else None


def _show_changes(target: Target, report: Report) -> bool:
    """Report what an upgrade would change, and whether it is anything."""
    import asyncio

    from depin_helm import diff as module

    cluster = target.cluster
    rendered = asyncio.run(
        target.workspace.render(
            hooks=False, kube_version=cluster.version(), api_versions=cluster.api_versions()
        )
    )
    changes = module.diff(rendered, cluster, target.workspace.assembly.crds())
    report.changes(changes)
    return bool(changes)


@contextmanager
def _log_file(report: Report) -> Iterator[None]:
    """Write what Helm does and says to a file in the current folder, for this user alone."""
    import logging

    file = Path(f"deploy-operators-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.log")
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "a", encoding="utf-8") as stream:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger = logging.getLogger("depin_helm")
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        try:
            yield
        finally:
            logger.removeHandler(handler)
            report.say(f"log: {file}")


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to its end; SIGTERM cancels it as Ctrl-C does, so that Helm is told and waited for."""
    import asyncio

    async def cancellable() -> T:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None


def _confirm_by_name(env: str, what: str, *, ask: bool) -> None:
    """Let the user type the environment's name.

    Raises:
        UsageError: there is nobody to ask.
    """
    from depin_helm.errors import UsageError

    if not ask:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"to {what} must be confirmed on a terminal")
    if typer.prompt(f"Type {env} to {what}", err=True) != env:
        raise UsageError(f"not confirmed: nothing done to {what}")


def _finish(report: Report, ends: Sequence[Progress], again: str) -> None:
    """Report how the layers ended.

    Raises:
        HelmError: one failed; with the first cause of each.
    """
    from depin_helm.errors import HelmError

    report.rollout(ends)
    failed = [end for end in ends if end.error is not None]
    if not failed:
        return
    causes = [f"{end.layer}: {cause}" for end in failed for cause in _causes(end)]
    raise HelmError(
        f"failed: {', '.join(end.layer for end in failed)}",
        causes=causes,
        hint=f"mend that and run it again, it continues: {again}",
    )


def _causes(end: Progress) -> Sequence[str]:
    """What went wrong in a layer, in sentences."""
    error = end.error
    if error is None:
        return ()
    details = getattr(error, "causes", ())
    return (error.message, *details, *([error.hint] if error.hint else []))
