"""`depin-helm install` into a fresh sandbox beside the same commands typed by hand.

By hand means: the CRDs with `kubectl apply --server-side`, then `helm upgrade --install --wait` of the same
charts with the same values, each layer as soon as those that it waits for are there. Both find the assembled
charts in the cache, and the Secrets, and with them the namespaces, in the cluster.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from benchmarks.measure import Result, Run, median, run, show
from benchmarks.setting import Setting
from depin_helm import sandbox, values
from depin_helm.helm import Helm, find_helm
from depin_helm.workspace import Workspace, load

T = TypeVar("T")

ENVIRONMENT = "sandbox"
NAME = f"benchmark-{os.getpid()}"
ROUNDS = 3


def main() -> None:
    ours: list[Run] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        setting = Setting.make(Path(scratch))
        workspace = _workspace(setting, Path(scratch))
        crds = Path(scratch) / "crds.json"
        crds.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": workspace.assembly.crds()}))
        for _ in range(ROUNDS):
            ours.append(_fresh(setting, lambda environ: run(setting.command("install", "--yes"), environ)))
            bare.append(_fresh(setting, lambda environ: _by_hand(setting, workspace, crds, environ)))
    hand = statistics.median(bare)
    detail = f"{median(ours):.1f} s / {hand:.1f} s, median of {ROUNDS}, on {setting.tier}"
    show(
        [
            Result("install / the same by hand", median(ours) / hand, 1.15, "x", detail),
            Result("peak memory of Python", max(each.megabytes for each in ours), 250, "MB"),
        ]
    )


def _workspace(setting: Setting, scratch: Path) -> Workspace:
    """What depin-helm itself installs."""
    helm = Helm(find_helm(setting.environ), environ=setting.environ, home=scratch / "helm")
    environment = values.load_environment(setting.project, ENVIRONMENT)
    return load(setting.project, setting.tier.cache, helm, environment)


def _fresh(setting: Setting, work: Callable[[Mapping[str, str]], T]) -> T:
    """Do `work` with a sandbox that holds nothing but the Secrets."""
    cache = setting.tier.cache
    sandbox.up(NAME, setting.project.tools, cache)
    try:
        environ = {**setting.environ, **sandbox.environment(NAME, cache)}
        run(setting.command("secrets", "--create"), environ)
        return work(environ)
    finally:
        sandbox.down(NAME, cache)


def _by_hand(setting: Setting, workspace: Workspace, crds: Path, environ: Mapping[str, str]) -> float:
    """Seconds from the first command's start to the last one's end."""
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        files = {
            layer.name: stack.enter_context(
                values.write_for_helm(layer.prune(workspace.environment.overrides))
            )
            for layer in workspace.plan.layers
        }
        started = time.perf_counter()
        run([setting.kubectl, "apply", "--server-side", "--force-conflicts", "-f", crds], environ)
        ends: dict[str, Future[Run]] = {}

        def install(name: str) -> Run:
            layer = workspace.plan[name]
            for before in workspace.plan.predecessors(layer, of=workspace.whole):
                ends[before].result()
            command: list[str | Path] = [
                *(setting.helm, "upgrade", "--install", layer.release, workspace.assembly.layer_chart(layer)),
                *("--namespace", layer.namespace, "--values", files[name], "--wait", "--wait-for-jobs"),
                *("--timeout", "5m", "--create-namespace", *([] if layer.hooks else ["--no-hooks"])),
            ]
            return run(command, environ)

        for layer in workspace.plan.layers:  # in their order: what a layer waits for is in `ends`
            ends[layer.name] = pool.submit(install, layer.name)
        for end in ends.values():
            end.result()
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
