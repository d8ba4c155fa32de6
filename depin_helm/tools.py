"""The Go programs that depin-helm runs, built on demand from the modules pinned in `tools/`.

A module is built once per content of its go.mod, go.sum and flags, into `<cache>/bin/<module>-<digest>/`;
after that `binary` only looks at the folder. Two processes may ask for the same program at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from depin_helm.errors import UsageError

# Module folder → our name of each program → the name that `go build` gives it.
MODULES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "helm": {"helm": "helm"},
        "kubernetes": {
            name: name for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
        },
        "etcd": {"etcd": "server"},
        "kwok": {"kwok": "kwok"},
        "prometheus-operator": {"prometheus-operator": "operator"},
    }
)

# The same of programs that only this project's tests run: nobody's sandbox waits for them.
TEST_MODULES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "prometheus": {"prometheus": "prometheus", "promtool": "promtool"},
        "alertmanager": {"alertmanager": "alertmanager", "amtool": "amtool"},
        "kubeconform": {"kubeconform": "kubeconform"},
    }
)

_ALL = MappingProxyType({**MODULES, **TEST_MODULES})

# Module folder → build tags. Prometheus without the clouds' ways of discovery: they are most of its
# dependencies, and one of them cannot be had. Static, file and HTTP discovery are always in it.
TAGS: Mapping[str, str] = MappingProxyType({"prometheus": "remove_all_sd,enable_kubernetes_sd,enable_dns_sd"})

# Module folder → the module whose version is stamped → linker variables. Unstamped, charts refuse the API
# server's version, and the operator asks for a sidecar image without a tag.
STAMPS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "helm": ("helm.sh/helm/v4", ("helm.sh/helm/v4/internal/version.version=v{version}",)),
        "kubernetes": (
            "k8s.io/kubernetes",
            (
                "k8s.io/component-base/version.gitVersion=v{version}",
                "k8s.io/component-base/version.gitMajor={major}",
                "k8s.io/component-base/version.gitMinor={minor}",
            ),
        ),
        "prometheus-operator": (
            "github.com/prometheus-operator/prometheus-operator",
            ("github.com/prometheus/common/version.Version={version}",),
        ),
    }
)


@dataclass(frozen=True)
class Step:
    """What is being done: part `number` of `total` (from 1), `elapsed` seconds after that part began."""

    message: str
    number: int
    total: int
    elapsed: float


Progress = Callable[[Step], None]


def silent(step: Step) -> None:
    """Report progress to nobody."""


def binary(
    name: str,
    tools: Path,
    cache: Path,
    progress: Progress = silent,
    environ: Mapping[str, str] | None = None,
) -> Path:
    """The program `name` (of `MODULES` or `TEST_MODULES`), built first if it is not in `cache` yet.

    Raises:
        UsageError: Go is missing, or the build fails.
    """
    module = next(module for module, programs in _ALL.items() if name in programs)
    return build([module], tools, cache, progress, environ)[name]


def build(
    modules: Iterable[str],
    tools: Path,
    cache: Path,
    progress: Progress = silent,
    environ: Mapping[str, str] | None = None,
) -> dict[str, Path]:
    """Every program of `modules` (folders of `tools`), built if missing; `environ` is what Go gets to see.

    Raises:
        UsageError: Go is missing, or a build fails.
    """
    targets = {module: _target(module, tools, cache) for module in modules}
    missing = [module for module, target in targets.items() if not target.is_dir()]
    for number, module in enumerate(missing, start=1):
        step = Step(f"building {module}", number, len(missing), 0.0)
        _build(module, tools / module, targets[module], step, progress, environ)
    return {name: target / name for module, target in targets.items() for name in _ALL[module]}


def _target(module: str, tools: Path, cache: Path) -> Path:
    digest = hashlib.sha256()
    for part in ("go.mod", "go.sum"):
        digest.update((tools / module / part).read_bytes())
    digest.update(_flags(module, tools / module).encode())
    digest.update(TAGS.get(module, "").encode())
    return cache / "bin" / f"{module}-{digest.hexdigest()[:16]}"


def _version(module: str, folder: Path) -> str:
    stamped = STAMPS[module][0]
    found = re.search(rf"^\s*(?:require )?{re.escape(stamped)} v(\S+)", (folder / "go.mod").read_text(), re.M)
    if found is None:
        raise UsageError(f"{folder / 'go.mod'} does not require {stamped}")
    return found[1]


def _flags(module: str, folder: Path) -> str:
    flags = ["-s", "-w"]
    if module in STAMPS:
        version = _version(module, folder)
        major, minor, _ = version.split(".", 2)
        for variable in STAMPS[module][1]:
            flags += ["-X", variable.format(version=version, major=major, minor=minor)]
    return " ".join(flags)


def _build(
    module: str,
    folder: Path,
    target: Path,
    step: Step,
    progress: Progress,
    environ: Mapping[str, str] | None,
) -> None:
    from filelock import FileLock  # not needed once everything is built

    go = shutil.which("go", path=(os.environ if environ is None else environ).get("PATH"))
    if go is None:
        raise UsageError(
            f"{module} has to be built, and there is no Go compiler in PATH",
            hint=f"install Go {_go_version(folder)} or newer",
        )
    started = time.monotonic()

    def tick() -> None:
        progress(Step(step.message, step.number, step.total, time.monotonic() - started))

    tick()
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.parent / f".{module}.lock"):
        if target.is_dir():  # another process built it while this one waited
            return
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{module}-") as scratch:
            out = Path(scratch) / "out"
            log = Path(scratch) / "log"
            tagged = f"-tags {TAGS[module]} " if module in TAGS else ""
            command = [
                *(go, "build", "-trimpath", "-mod=readonly"),
                *tagged.split(),
                *("-ldflags", _flags(module, folder), "-o", f"{out}/", "tool"),
            ]
            code = _run(command, folder, log, tick, environ)
            if code != 0:
                last = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
                raise UsageError(
                    f"building {module} in {folder} failed:\n{last}",
                    hint=f"run it by hand: cd {folder} && CGO_ENABLED=0 go build {tagged}-o /dev/null tool",
                )
            for name, built in _ALL[module].items():
                if name != built:
                    (out / built).rename(out / name)
            out.rename(target)
    tick()


def _run(
    command: list[str], folder: Path, log: Path, tick: Callable[[], None], environ: Mapping[str, str] | None
) -> int:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**(os.environ if environ is None else environ), "CGO_ENABLED": "0", "GOWORK": "off"},
        )
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=1)
            tick()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _go_version(folder: Path) -> str:
    found = re.search(r"^go (\S+)", (folder / "go.mod").read_text(), re.M)
    return found[1] if found else "a current version of Go"
