"""Which upstream charts the tests run on: the real ones from the chart cache, or our stand-ins.

Tests take the session fixture `tier` (tests/conftest.py) and never look at the cache themselves; the run's
closing lines then say which charts it was.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from depin_helm import project
from depin_helm.charts import Cache, Dependency, Lock, dependencies
from depin_helm.errors import ChartError
from depin_helm.project import Project

ROOT = Path(__file__).parent.parent
UMBRELLA = ROOT / "charts" / project.CHART_NAME
STANDINS = Path(__file__).parent / "standins"

#: `stand-ins` leaves the real charts alone even where the cache holds them.
CHOICE = "DEPIN_HELM_TEST_CHARTS"

#: A file in a cache folder that holds stand-ins, so that nobody takes them for the real charts.
MARK = "STAND-INS"


@dataclass(frozen=True)
class Tier:
    """The upstream charts of a test run.

    `cache` is a whole cache folder, to be handed on as DEPIN_HELM_CACHE: programs that were built for the
    user's own cache are found in it too. `root` is a project folder that goes with it: the checkout, or for
    the stand-ins a copy without `charts.lock`, which records the real charts.
    """

    real: bool
    cache: Path
    root: Path
    why: str = ""

    def __str__(self) -> str:
        return "the real upstream charts" if self.real else f"STAND-IN charts ({self.why})"


def chart_tier(scratch: Path) -> Tier:
    """The real charts when the user's chart cache holds every one that Chart.yaml names, else the stand-ins.

    These are imported into a cache of their own in the folder `scratch`, so that they never get into the
    user's.
    """
    own = project.cache_directory(os.environ.get("DEPIN_HELM_CACHE")).absolute()
    if (own / MARK).exists():  # a shell that `make demo` has told to look around; the user's own is beside it
        own = (own / "bin").resolve().parent
    if os.environ.get(CHOICE) == "stand-ins":
        return _standins(scratch, own, f"{CHOICE}=stand-ins")
    lock = Lock(Project(ROOT).lock, upstream())
    missing = []
    for chart in upstream():
        try:
            Cache(own).get(chart.name, chart.version, lock.digest(chart.name, chart.version))
        except ChartError:
            missing.append(str(chart))
    if missing:
        return _standins(scratch, own, f"{own} lacks {', '.join(missing)}")
    return Tier(real=True, cache=own, root=ROOT)


def upstream() -> tuple[Dependency, ...]:
    """The umbrella's dependencies that come from a repository."""
    return tuple(chart for chart in dependencies(UMBRELLA) if chart.upstream)


def _standins(scratch: Path, own: Path, why: str) -> Tier:
    cache, root = scratch / "cache", scratch / "project"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / MARK).touch()
    (own / "bin").mkdir(parents=True, exist_ok=True)
    if not (cache / "bin").is_symlink():
        (cache / "bin").symlink_to(own / "bin")
    shutil.rmtree(root, ignore_errors=True)
    generated = shutil.ignore_patterns("*.tgz", "crds", "values.schema.json", "Chart.lock")
    for name in ("charts", "values", "schema", "tools"):
        shutil.copytree(ROOT / name, root / name, ignore=generated)
    Cache(cache).import_(pack(chart, scratch) for chart in upstream())
    return Tier(real=False, cache=cache, root=root, why=why)


def pack(chart: Dependency, destination: Path) -> Path:
    """The stand-in for an upstream chart as an archive in folder `destination`; same files, same bytes."""
    folder = STANDINS / chart.name
    files = {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    files[Path("Chart.yaml")] += f"version: {chart.version}\n".encode()
    files[Path("templates/_standin.tpl")] = (STANDINS / "common.tpl").read_bytes()
    archive = destination / f"{chart.name}-{chart.version}.tgz"
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for path, content in sorted(files.items()):
            member = tarfile.TarInfo(f"{chart.name}/{path}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive


def main() -> None:
    """For `make demo`: the cache, the project, and why stand-ins, or nothing for the real charts; one a line.

    Stand-ins go into the folder named on the command line, which may hold them already.
    """
    found = chart_tier(Path(sys.argv[1]))
    sys.stdout.write(f"{found.cache}\n{found.root}\n{found.why}\n")


if __name__ == "__main__":
    main()
