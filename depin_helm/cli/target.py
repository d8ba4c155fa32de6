"""An environment and its cluster, as the options of a command choose them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from depin_helm.cli import options
from depin_helm.project import Project
from depin_helm.report import Report

if TYPE_CHECKING:
    from depin_helm.cluster import Cluster
    from depin_helm.helm import Helm
    from depin_helm.values import Environment
    from depin_helm.workspace import Workspace


@dataclass(frozen=True)
class Target:
    """An environment together with the cluster that it is for; nothing is assembled yet."""

    project: Project
    environment: Environment
    cluster: Cluster
    kubeconfig: Path | None
    arguments: tuple[str, ...]

    def command(self, name: str, *more: str) -> str:
        """A command line about the same environment, values and cluster; values of `--set` are left out."""
        return shlex.join(("depin-helm", *name.split(), *self.arguments, *more))

    def workspace(self, report: Report, layers: Sequence[str] | None = None) -> Workspace:
        """The charts assembled, and the layers chosen."""
        return open_workspace(self.project, self.environment, report, layers, self)


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
        helm.find_helm(os.environ, build, options.cache() / "helm" / "version.json"),
        environ=os.environ,
        # Helm remembers what an API server knows by its address, which a later cluster may have too.
        home=options.cache() / "helm" / (target.cluster.identity().id if target else "render"),
        kubeconfig=target.kubeconfig if target else None,
        context=(target.cluster.context or None) if target else None,
    )


def connect(
    project: Path | None,
    env: str,
    files: Sequence[Path] | None,
    sets: Sequence[str] | None,
    kubeconfig: Path | None,
    context: str | None,
    *,
    full: bool = False,
) -> Target:
    """The cluster is the environment's, the values what the schema says; `full`: nothing is wrong with them.

    What a new version of the checks finds must not keep anybody from looking at a platform, or removing it.
    """
    arguments = ["--env", env]
    for option, values in (("--values", files), ("--project", [project]), ("--kubeconfig", [kubeconfig])):
        arguments += [text for value in values or () if value for text in (option, str(value))]
    arguments += ["--context", context] if context else []
    # A value may be a password that somebody types against all advice: it is not repeated.
    arguments += [text for each in sets or () for text in ("--set", f"{each.partition('=')[0]}=…")]
    from depin_helm import workspace
    from depin_helm.cluster import Cluster, match

    found = options.find_project(project)
    if full:
        environment = workspace.checked(found, options.cache(), env, files or (), sets or ())
    else:
        environment = workspace.readable(found, env, files or (), sets or ())
    expected = environment.settings.cluster
    if expected.sandbox and not (kubeconfig or context or "KUBECONFIG" in os.environ):
        kubeconfig = _sandbox_kubeconfig()
    cluster = Cluster.connect(kubeconfig, context, environ=os.environ)
    match(expected, cluster.identity())
    return Target(found, environment, cluster, kubeconfig, tuple(arguments))


def _sandbox_kubeconfig() -> Path | None:
    """The kubeconfig of the one sandbox that runs; None where it is not clear which."""
    from depin_helm import sandbox

    running = [found.sandbox for found in sandbox.sandboxes(options.cache()) if found.state == "running"]
    return running[0].kubeconfig if len(running) == 1 and running[0] else None
