"""Several processes may work on one cache at once, and any of them may be killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from depin_helm.charts import Cache, Change, Lock, dependencies
from tests.unit.charts.conftest import Archive
from tests.unit.charts.packing import chart

# Imports each archive on its command line in turn, all processes from the same moment on.
IMPORT = """
import sys
from pathlib import Path
from depin_helm.charts import Cache, Lock, dependencies
cache, project, *archives = map(Path, sys.argv[1:])
lock = Lock(project / "charts.lock", dependencies(project))
print("ready", flush=True)
sys.stdin.readline()
for archive in archives:
    (imported,) = Cache(cache).import_([archive], lock)
    print(imported.change, flush=True)
"""


def start(cache: Cache, project: Path, *archives: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT, cache.root, project, *archives],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def run(*processes: subprocess.Popen[str]) -> list[str]:
    """Start them all at once; what each printed."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0] for process in processes]


def project(folder: Path, *names: str) -> Lock:
    wanted = [{"name": name, "version": "1.0.0", "repository": "https://example.org"} for name in names]
    (folder / "Chart.yaml").write_text(json.dumps({"dependencies": wanted}))
    return Lock(folder / "charts.lock", dependencies(folder))


def test_processes_that_import_the_same_chart_at_once_store_it_once(
    cache: Cache, archive: Archive, tmp_path: Path
) -> None:
    project(tmp_path, "demo")
    # The same content, each packed in another order.
    files = [tmp_path / f"{number}.tgz" for number in range(4)]
    for number, file in enumerate(files):
        names = random.Random(number).sample(range(50), 50)
        file.write_bytes(chart({str(name): b"" for name in names}))
    outputs = run(*[start(cache, tmp_path, file) for file in files])
    assert sorted(outputs) == ["new\n", "unchanged\n", "unchanged\n", "unchanged\n"]
    assert [chart.damage for chart in cache.list()] == [""]
    assert len(list((cache.folder / "demo-1.0.0").glob("*.tgz"))) == 1


def test_no_process_loses_what_another_one_recorded_in_charts_lock(
    cache: Cache, archive: Archive, tmp_path: Path
) -> None:
    groups = [[f"c{group}-{number}" for number in range(8)] for group in range(4)]
    names = sorted(name for group in groups for name in group)
    lock = project(tmp_path, *names)
    outputs = run(*[start(cache, tmp_path, *map(archive, group)) for group in groups])
    assert outputs == ["new\n" * 8] * 4
    assert [entry.name for entry in lock.entries()] == names
    assert [chart.name for chart in cache.resolve(lock)] == names


def test_a_process_killed_at_any_moment_leaves_the_cache_whole(
    cache: Cache, archive: Archive, tmp_path: Path
) -> None:
    lock = project(tmp_path, "demo")
    large = os.urandom(2_000_000)
    files = [tmp_path / f"{number}.tgz" for number in range(2)]
    for number, file in enumerate(files):
        file.write_bytes(chart({"large": large, "number": str(number).encode()}))
    unlocked = tmp_path / "unlocked"  # so that each import replaces what the one before has put there
    unlocked.mkdir()
    (unlocked / "Chart.yaml").write_text("{}")
    kills = 0
    for round_ in range(12):
        process = start(cache, unlocked, *(files * 20))
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        time.sleep(random.Random(round_).uniform(0.01, 0.3))
        kills += process.poll() is None
        process.kill()
        process.communicate()
        # Killed before its first import was done, or the cache is whole.
        assert [chart.damage for chart in cache.list()] in ([], [""], ["", ""])
        (imported,) = cache.import_([files[0]], lock)
        assert imported.change in (Change.NEW, Change.REPLACED, Change.UNCHANGED)
        assert cache.get("demo", "1.0.0") == imported.chart
        assert not list(cache.folder.rglob("*.partial"))
        assert cache.resolve(lock) == (imported.chart,)
    assert kills > 6


def test_a_reader_meets_the_old_chart_or_the_new_one_while_it_is_replaced(
    cache: Cache, archive: Archive, tmp_path: Path
) -> None:
    (tmp_path / "Chart.yaml").write_text("{}")
    files = [tmp_path / f"{number}.tgz" for number in range(2)]
    for number, file in enumerate(files):
        file.write_bytes(chart({"number": str(number).encode()}))
    known = {imported.chart.digest for imported in cache.import_(files)}
    with start(cache, tmp_path, *(files * 200)) as process:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        met = set()
        while process.poll() is None:
            met.add(cache.get("demo", "1.0.0").digest)
    assert met == known


def test_a_full_disk_leaves_the_cache_whole(cache: Cache, archive: Archive, tmp_path: Path) -> None:
    (imported,) = cache.import_([archive()])
    large = archive("large", files={"large": os.urandom(2_000_000)})
    limited = """
import resource, sys
from pathlib import Path
from depin_helm.charts import Cache
from depin_helm.errors import ChartError
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    Cache(Path(sys.argv[1])).import_([Path(sys.argv[2])])
except ChartError as error:
    print(error.message)
"""
    found = subprocess.run(
        [sys.executable, "-c", limited, cache.root, large],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"cannot write to the chart cache {cache.root}: File too large" in found.stdout
    assert cache.list() == (imported.chart,)
    assert not list((cache.folder / "large-1.0.0").iterdir())


def test_a_reader_needs_no_lock_and_no_right_to_write(cache: Cache, archive: Archive) -> None:
    (imported,) = cache.import_([archive()])
    (cache.folder / ".lock").unlink(missing_ok=True)
    cache.folder.chmod(0o555)
    try:
        assert cache.get("demo", "1.0.0") == imported.chart
        assert cache.list() == (imported.chart,)
        assert not (cache.folder / ".lock").exists()
    finally:
        cache.folder.chmod(0o755)
