"""charts.lock records what the charts held at first, and a change only when it is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from depin_helm.charts import Cache, Dependency, IncompleteError, Lock, Locked
from depin_helm.errors import ChartError
from tests.unit.charts.conftest import Archive

ZEROS, ONES = ("sha256:" + 64 * digit for digit in "01")

DEMO = Dependency("demo", "1.0.0", "https://charts.example.org")


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    return Lock(tmp_path / "project" / "charts.lock", (DEMO, Dependency("local", "0.1.0")))


@pytest.fixture(autouse=True)
def project(lock: Lock) -> None:
    lock.file.parent.mkdir()


def test_the_first_import_is_recorded(cache: Cache, archive: Archive, lock: Lock) -> None:
    (imported,) = cache.import_([archive()], lock)
    assert lock.entries() == (Locked("demo", "1.0.0", "https://charts.example.org", imported.chart.digest),)
    assert lock.digest("demo", "1.0.0") == imported.chart.digest
    assert lock.digest("demo", "1.0.1") == ""


def test_the_file_says_what_it_is(cache: Cache, archive: Archive, lock: Lock) -> None:
    (imported,) = cache.import_([archive()], lock)
    assert lock.file.read_text() == (
        "# Content digests of the upstream charts, written by `depin-helm charts pull` and `charts import`.\n"
        "# Commit this file: a chart whose content differs is refused.\n"
        "charts:\n"
        "- name: demo\n"
        "  version: 1.0.0\n"
        "  repository: https://charts.example.org\n"
        f"  digest: {imported.chart.digest}\n"
    )


def test_only_what_the_project_depends_on_is_recorded(cache: Cache, archive: Archive, lock: Lock) -> None:
    cache.import_([archive("local", "0.1.0"), archive("demo", "2.0.0"), archive("other")], lock)
    assert lock.entries() == ()
    assert not lock.file.exists()


def test_another_content_is_refused_and_neither_cache_nor_file_changes(
    cache: Cache, archive: Archive, lock: Lock
) -> None:
    (imported,) = cache.import_([archive()], lock)
    before = lock.file.read_bytes()
    with pytest.raises(IncompleteError, match=f"records {imported.chart.digest}") as error:
        cache.import_([archive(files={"a": b"changed"})], lock)
    assert str(archive()) in error.value.message
    assert "--update-lock" in error.value.hint
    assert cache.get("demo", "1.0.0") == imported.chart
    assert lock.file.read_bytes() == before


def test_a_wanted_change_replaces_what_was_recorded(cache: Cache, archive: Archive, lock: Lock) -> None:
    cache.import_([archive()], lock)
    (changed,) = cache.import_([archive(files={"a": b"changed"})], replace(lock, update=True))
    assert lock.digest("demo", "1.0.0") == changed.chart.digest
    assert cache.resolve(lock) == (changed.chart,)


def test_versions_that_are_no_longer_wanted_are_dropped(cache: Cache, archive: Archive, lock: Lock) -> None:
    cache.import_([archive()], lock)
    newer = replace(lock, dependencies=(replace(DEMO, version="1.1.0"),))
    cache.import_([archive(version="1.1.0")], newer)
    assert [entry.version for entry in newer.entries()] == ["1.1.0"]


def test_two_versions_of_one_chart_are_both_recorded(cache: Cache, archive: Archive, lock: Lock) -> None:
    both = replace(lock, dependencies=(DEMO, replace(DEMO, version="2.0.0", alias="second")))
    cache.import_([archive(), archive(version="2.0.0")], both)
    assert [entry.version for entry in both.entries()] == ["1.0.0", "2.0.0"]


def test_the_order_of_imports_and_dependencies_does_not_show(
    cache: Cache, archive: Archive, lock: Lock
) -> None:
    wanted = [Dependency(name, "1.0.0", "https://example.org") for name in "abcdefgh"]
    texts = []
    for order in (wanted, wanted[::-1]):
        lock.file.unlink(missing_ok=True)
        one = replace(lock, dependencies=tuple(order))
        cache.import_([archive(dependency.name) for dependency in order], one)
        texts.append(lock.file.read_text())
    assert texts[0] == texts[1]
    names = [line for line in texts[0].splitlines() if "name:" in line]
    assert names == [f"- name: {name}" for name in "abcdefgh"]


def test_an_import_that_changes_nothing_leaves_the_file_alone(
    cache: Cache, archive: Archive, lock: Lock
) -> None:
    cache.import_([archive()], lock)
    lock.file.chmod(0o444)
    lock.file.parent.chmod(0o555)
    before = lock.file.stat()
    try:
        cache.import_([archive()], lock)
    finally:
        lock.file.parent.chmod(0o755)
    after = lock.file.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_no_password_of_a_repository_is_written(cache: Cache, archive: Archive, lock: Lock) -> None:
    address = "https://user:secret@charts.example.org/stable?token=secret"
    cache.import_([archive()], replace(lock, dependencies=(replace(DEMO, repository=address),)))
    assert "secret" not in lock.file.read_text()
    assert lock.entries()[0].repository == "https://charts.example.org/stable"


@pytest.mark.parametrize(
    "text",
    [
        "charts: [",
        "",
        "- a",
        "charts: 1",
        "charts: [a]",
        "charts: [{name: demo}]",
        "charts: [{name: demo, version: 1.0, repository: a, digest: b}]",
        "charts: [{name: demo, version: 1.0.0, repository: a, digest: sha256:12}]",
        "charts: [{name: demo, version: 1.0.0, repository: a, digest: 1}]",
        "charts: [{name: demo, version: 1.0.0, repository: a, digest: b, more: c}]",
    ],
)
def test_a_malformed_file_is_refused_and_never_overwritten(
    cache: Cache, archive: Archive, lock: Lock, text: str
) -> None:
    lock.file.write_text(text)
    with pytest.raises(ChartError, match=r"charts\.lock is malformed") as error:
        cache.import_([archive()], lock)
    assert "version control" in error.value.hint
    assert lock.file.read_text() == text
    assert cache.list() == ()


def test_a_project_that_cannot_be_written_is_named(cache: Cache, archive: Archive, lock: Lock) -> None:
    nowhere = replace(lock, file=lock.file.parent / "missing" / "charts.lock")
    with pytest.raises(ChartError, match=r"cannot write .*missing/charts\.lock") as error:
        cache.import_([archive()], nowhere)
    assert "--project" in error.value.hint


def test_a_persons_comments_stay_at_their_charts(tmp_path: Path) -> None:
    file = tmp_path / "charts.lock"
    text = "# ours\ncharts:\n" + "".join(
        f"# why {name} is pinned\n"
        f"- name: {name}\n  version: 1.0.0  # since spring\n"
        f"  repository: https://e.example\n  digest: {ZEROS}\n"
        for name in ("b", "d")
    )
    file.write_text(text)
    names = ("a", "b", "d")
    lock = Lock(file, tuple(Dependency(name, "1.0.0", "https://e.example") for name in names), update=True)
    lock.record("d", "1.0.0", ONES)
    assert file.read_text() == text[: -len(ZEROS) - 1] + ONES + "\n"
    lock.record("a", "1.0.0", ONES)
    assert [entry.name for entry in lock.entries()] == ["a", "b", "d"]
    assert file.read_text().startswith(text[: -len(ZEROS) - 1] + ONES + "\n- name: a\n")


def test_an_untouched_file_is_sorted_whatever_comes_first(tmp_path: Path) -> None:
    dependencies = tuple(Dependency(name, "1.0.0", "https://e.example") for name in ("a", "b"))
    for order in ("ab", "ba"):
        for name in order:
            Lock(tmp_path / order, dependencies).record(name, "1.0.0", ONES)
    assert (tmp_path / "ab").read_bytes() == (tmp_path / "ba").read_bytes()
