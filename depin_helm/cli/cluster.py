"""Commands about an environment on its cluster: diff, install, upgrade, uninstall, status, secrets, crds."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
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
    from depin_helm.cluster import Cluster, Lock
    from depin_helm.helm import Helm
    from depin_helm.rollout import Observer, Progress
    from depin_helm.values import Environment
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
    """An environment together with the cluster that it is for; nothing is assembled yet."""

    project: Project
    environment: Environment
    cluster: Cluster
    kubeconfig: Path | None

    def workspace(self, report: Report, layers: Sequence[str] | None = None) -> Workspace:
        """The charts assembled, and the layers chosen."""
        return open_workspace(self.project, self.environment, report, layers, self)


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
    target = _connect(project, env, files, sets, kubeconfig, context)
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    yes: Yes = False,
    output: Output = Format.TEXT,
) -> None:
    """Install the platform, or upgrade it, layer by layer; run again, it continues."""
    from depin_helm import rollout

    report = options.report(output)
    target = _connect(project, env, files, sets, kubeconfig, context)
    workspace, cluster = target.workspace(report, layer), target.cluster
    if dry_run:
        _show_changes(workspace, cluster, report)
        return
    layers = [each.name for each in workspace.plan.layers]
    identity = cluster.identity()
    report.say(f"{env} → {describe(identity)}\nlayers: {', '.join(layers)}")
    if not (yes or identity.sandbox) and sys.stdin.isatty():
        _confirm("yes", "install or upgrade")
    again = f"depin-helm install --env {env}"
    with _at_work(report, target, "install", layers, again) as (lock, observe):
        report.say("applying CRDs, making missing Secrets")
        report.prepared(rollout.prepare(workspace, cluster))
        ends = _run(rollout.install(workspace, cluster, observe, abandoned=lock.abandoned, timeout=timeout))
        lock.settle()
    report.rollout(ends)
    _check(report, ends, again)
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
    from depin_helm.errors import UsageError

    if layer and (delete_data or delete_crds):
        raise UsageError("namespaces and CRDs serve all layers: --delete-… and --layer exclude each other")
    report = options.report(output)
    target = _connect(project, env, files, sets, kubeconfig, context)
    opened, cluster = target.workspace(report), target.cluster
    # Those too that the environment has turned off since.
    workspace = replace(opened, plan=opened.whole.select(layer or ()))
    layers = [each.name for each in workspace.plan.reversed()]
    report.say(f"{env} on {describe(cluster.identity())}\nto be uninstalled: {', '.join(layers)}")
    for wanted, what in (
        (not yes, "uninstall"),
        (delete_data, "delete all volumes and passwords"),
        (delete_crds, "delete all CRDs and their objects"),
    ):
        if wanted:
            _confirm(env, what)
    again = f"depin-helm uninstall --env {env}"
    leftovers = None
    with _at_work(report, target, "uninstall", layers, again) as (_, observe):
        ends = _run(rollout.uninstall(workspace, cluster, observe, timeout=timeout))
        if not layer and all(end.error is None for end in ends):
            leftovers = rollout.clean(workspace, cluster, delete_data=delete_data, delete_crds=delete_crds)
    report.rollout(ends, leftovers)
    _check(report, ends, again)


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
    target = _connect(project, env, files, sets, kubeconfig, context)
    whole = plan.load(target.project.chart)
    digest = assemble.digest(target.project, options.charts(target.project))
    found = module.read(env, whole, whole.enabled(target.environment.values), digest, target.cluster)
    report.status(found)
    if not found.healthy:
        wrong = ", ".join(layer.layer for layer in found.layers if not layer.healthy)
        hint = f"depin-helm install --env {env}"
        options.fail(report, UnhealthyError(f"not as it should be: {wrong}", hint=hint))


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
    target = _connect(project, env, files, sets, kubeconfig, context)
    needed = module.needed(module.load(target.project.chart), target.environment.values)
    if create:
        namespaces = rollout.namespaces(target.workspace(report))
        with target.cluster.lock(env, "secrets"):
            module.create_missing(needed, target.cluster, namespaces)
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
    target = _connect(project, env, files, sets, kubeconfig, context)
    wanted = target.workspace(report).assembly.crds()
    with target.cluster.lock(env, "crds") if apply else nullcontext():
        results = target.cluster.apply_crds(wanted, dry_run=not apply)
    report.crds(results)


def open_workspace(
    project: Project,
    environment: Environment,
    report: Report,
    layers: Sequence[str] | None,
    target: Target | None = None,
) -> Workspace:
    """The charts assembled, and the layers chosen; without a `target`, for rendering only."""
    from depin_helm import workspace

    options.charts(project)  # what is missing is said before Helm is built, which takes minutes
    helm = open_helm(project, report, target)
    return workspace.load(project, options.cache(), helm, environment, layers or ())


def open_helm(project: Project, report: Report, target: Target | None = None) -> Helm:
    """Helm, built first where there is none; without a target it only renders."""
    from depin_helm import helm, tools

    def build() -> Path:
        with report.steps() as progress:
            return tools.binary("helm", project.tools, options.cache(), progress, os.environ)

    return helm.Helm(
        helm.find_helm(os.environ, build),
        environ=os.environ,
        # Helm remembers what an API server knows by its address, which a later cluster may have too.
        home=options.cache() / "helm" / (target.cluster.identity().id if target else "render"),
        kubeconfig=target.kubeconfig if target else None,
        context=(target.cluster.context or None) if target else None,
    )


def _connect(
    project: Path | None,
    env: str,
    files: Sequence[Path] | None,
    sets: Sequence[str] | None,
    kubeconfig: Path | None,
    context: str | None,
) -> Target:
    """The values are right, and the cluster is the environment's."""
    from depin_helm import workspace
    from depin_helm.cluster import Cluster, match

    found = options.find_project(project)
    environment = workspace.checked(found, env, files or (), sets or ())
    expected = environment.settings.cluster
    if expected.sandbox and not (kubeconfig or context or "KUBECONFIG" in os.environ):
        kubeconfig = _sandbox_kubeconfig()
    cluster = Cluster.connect(kubeconfig, context, environ=os.environ)
    match(expected, cluster.identity())
    return Target(found, environment, cluster, kubeconfig)


def _sandbox_kubeconfig() -> Path | None:
    """The kubeconfig of the one sandbox that runs; None where it is not clear which."""
    from depin_helm import sandbox

    running = [found.sandbox for found in sandbox.sandboxes(options.cache()) if found.state == "running"]
    return running[0].kubeconfig if len(running) == 1 and running[0] else None


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


@contextmanager
def _at_work(
    report: Report, target: Target, action: str, layers: Sequence[str], again: str
) -> Iterator[tuple[Lock, Observer]]:
    """Hold the cluster's lock, keep a log, show the rollout; say where an interruption leaves it.

    Raises:
        LockedError: somebody else has the lock, or took it.
    """
    import threading

    from depin_helm.errors import LockedError

    latest: dict[str, Progress] = {}
    lost = threading.Event()

    def give_up() -> None:
        lost.set()
        os.kill(os.getpid(), signal.SIGTERM)

    try:
        with (
            _log_file(report),
            target.cluster.lock(target.environment.name, action, on_lost=give_up) as lock,
            report.rollout_progress(layers) as show,
        ):

            def observe(progress: Progress) -> None:
                latest[progress.layer] = progress
                show(progress)

            yield lock, observe
    except (KeyboardInterrupt, SystemExit):
        if lost.is_set():
            raise LockedError(
                "the lock on the cluster was lost: stopped", hint=f"to continue: {again}"
            ) from None
        halfway = [name for name, progress in latest.items() if progress.state == "running"]
        where = f"in the middle of {', '.join(halfway)}" if halfway else "outside of any layer"
        report.say(f"Interrupted {where}; the same command continues from there: {again}")
        raise


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
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
        before = signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(task.cancel))
        try:
            return await task
        finally:
            signal.signal(signal.SIGTERM, before)

    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        raise SystemExit(128 + signal.SIGTERM) from None


def _confirm(answer: str, what: str) -> None:
    """Let the user type `answer`.

    Raises:
        UsageError: something else was typed, or there is nobody to ask.
    """
    from depin_helm.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError(f"to {what} must be confirmed on a terminal")
    try:
        given = typer.prompt(f"Type {answer} to {what}", err=True, default="", show_default=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    if given != answer:
        raise UsageError("not confirmed: nothing was changed")


def _check(report: Report, ends: Sequence[Progress], again: str) -> None:
    """End the command with an error if a layer failed: with the causes of each."""
    from depin_helm.errors import HelmError

    failed = [(end.layer, end.error) for end in ends if end.error is not None]
    if not failed:
        return
    causes = []
    for layer, error in failed:
        details = error.causes if isinstance(error, HelmError) else ()
        causes += [f"{layer}: {text}" for text in (error.message, *details, error.hint) if text]
    summary = HelmError(
        f"failed: {', '.join(layer for layer, _ in failed)}",
        causes=causes,
        hint=f"mend that and run it again, it continues: {again}",
    )
    codes = {error.exit_code for _, error in failed}
    if len(codes) == 1:  # the cluster is gone, or somebody else is at work on it
        summary.exit_code = codes.pop()
    options.fail(report, summary)
