"""The chart cache keeps what was put into it, says what is wrong with it, and takes a replacement."""

from __future__ import annotations

from pathlib import Path

import pytest

from depin_helm.charts import (
    Cache,
    Change,
    Dependency,
    IncompleteError,
    Lock,
    State,
    content_digest,
    dependencies,
)
from depin_helm.errors import ChartError
from tests.unit.charts.conftest import Archive

DEMO = Dependency("demo", "1.0.0", "https://charts.example.org")


def changes(cache: Cache, *paths: Path) -> list[Change]:
    return [imported.change for imported in cache.import_(paths)]


def test_an_imported_chart_can_be_had_by_name_and_version(cache: Cache, archive: Archive) -> None:
    file = archive()
    (imported,) = cache.import_([file])
    found = cache.get("demo", "1.0.0")
    assert imported.chart == found
    assert (found.name, found.version, found.damage) == ("demo", "1.0.0", "")
    assert found.digest == content_digest(file)
    assert found.archive.read_bytes() == file.read_bytes()


def test_a_folder_is_imported_with_all_its_archives_and_nothing_else(cache: Cache, archive: Archive) -> None:
    archive("b")
    folder = archive("a").parent
    (folder / "a-1.0.0.tgz.prov").write_text("signature")
    (folder / "a-1.0.0.tgz").rename(folder / "renamed.tar.gz")
    assert [imported.chart.name for imported in cache.import_([folder])] == ["b", "a"]
    assert [chart.name for chart in cache.list()] == ["a", "b"]


def test_an_import_says_whether_a_chart_is_new_unchanged_or_replaced(cache: Cache, archive: Archive) -> None:
    assert changes(cache, archive()) == [Change.NEW]
    assert changes(cache, archive()) == [Change.UNCHANGED]
    assert changes(cache, archive(files={"a": b"1"})) == [Change.REPLACED]
    assert changes(cache, archive()) == [Change.REPLACED]
    assert changes(cache, archive(version="1.0.1")) == [Change.NEW]


def test_the_same_content_packed_otherwise_keeps_the_first_archive(cache: Cache, archive: Archive) -> None:
    (first,) = cache.import_([archive(files={"b": b"", "a": b""})])
    (second,) = cache.import_([archive(files={"a": b"", "b": b""})])
    assert second.change is Change.UNCHANGED
    assert second.chart == first.chart


def test_all_contents_of_a_version_stay_and_the_last_one_is_current(cache: Cache, archive: Archive) -> None:
    (old,) = cache.import_([archive()])
    (new,) = cache.import_([archive(files={"a": b"1"})])
    assert cache.get("demo", "1.0.0") == new.chart
    assert cache.get("demo", "1.0.0", old.chart.digest) == old.chart
    assert cache.list() == (new.chart, old.chart)
    with pytest.raises(ChartError, match="with the content sha256:00 is not in"):
        cache.get("demo", "1.0.0", "sha256:00")


def test_a_missing_chart_is_named_with_what_to_do(cache: Cache) -> None:
    with pytest.raises(ChartError, match=f"demo 1.0.0 is not in the chart cache {cache.root}") as error:
        cache.get("demo", "1.0.0")
    assert "charts pull" in error.value.hint
    assert "charts import" in error.value.hint
    assert cache.list() == ()
    assert not cache.root.exists()


@pytest.mark.parametrize("damage", [b"", b"other bytes", None])
def test_a_damaged_archive_is_named_and_repaired_by_an_import(
    cache: Cache, archive: Archive, damage: bytes | None
) -> None:
    file = archive()
    (imported,) = cache.import_([file])
    imported.chart.archive.unlink()
    if damage is not None:
        imported.chart.archive.write_bytes(damage)

    with pytest.raises(ChartError, match=r"demo 1.0.0 in the chart cache is damaged") as error:
        cache.get("demo", "1.0.0")
    assert "charts import" in error.value.hint
    assert [bool(chart.damage) for chart in cache.list()] == [True]
    assert changes(cache, file) == [Change.REPAIRED]
    assert cache.get("demo", "1.0.0") == imported.chart


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b"\xff", b'{"name": "other"}'])
def test_a_damaged_entry_is_named_and_repaired_by_an_import(
    cache: Cache, archive: Archive, damage: bytes
) -> None:
    file = archive()
    (imported,) = cache.import_([file])
    entry = imported.chart.archive.with_name("entry.json")
    entry.write_bytes(damage)

    with pytest.raises(ChartError, match=r"demo-1\.0\.0/entry\.json is damaged") as error:
        cache.get("demo", "1.0.0")
    assert "charts import" in error.value.hint
    (listed,) = cache.list()
    assert listed.name == "demo-1.0.0"
    assert "entry.json is damaged" in listed.damage
    assert changes(cache, file) == [Change.REPAIRED]
    assert cache.get("demo", "1.0.0") == imported.chart


def test_an_entry_in_another_one_s_place_is_damaged(cache: Cache, archive: Archive) -> None:
    cache.import_([archive()])
    (cache.folder / "demo-1.0.0").rename(cache.folder / "demo-2.0.0")
    with pytest.raises(ChartError, match=r"demo-2\.0\.0/entry\.json is damaged"):
        cache.get("demo", "2.0.0")


def test_a_bad_archive_does_not_keep_the_others_out(cache: Cache, archive: Archive, tmp_path: Path) -> None:
    good = archive()
    bad = tmp_path / "bad.tgz"
    bad.write_bytes(b"no archive")
    with pytest.raises(IncompleteError) as error:
        cache.import_([bad, tmp_path / "nowhere.tgz", good])
    assert error.value.message.splitlines() == [
        "2 of 3 could not be imported:",
        f"  {bad} is refused: it is no gzip archive or damaged (Error -3 while decompressing data: "
        "incorrect header check)",
        f"  there is no {tmp_path / 'nowhere.tgz'}",
    ]
    assert [imported.chart.name for imported in error.value.done] == ["demo"]
    assert [chart.name for chart in cache.list()] == ["demo"]


def test_a_folder_without_archives_is_named_and_an_unpacked_chart_needs_packing(
    cache: Cache, tmp_path: Path
) -> None:
    (tmp_path / "chart").mkdir()
    with pytest.raises(ChartError, match=r"there is no \.tgz file in"):
        cache.import_([tmp_path / "chart"])
    (tmp_path / "chart" / "Chart.yaml").touch()
    with pytest.raises(ChartError, match="is an unpacked chart") as error:
        cache.import_([tmp_path / "chart"])
    assert "helm package" in error.value.hint


def test_a_cache_that_cannot_be_written_is_named(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ChartError, match="cannot write to the chart cache") as error:
        Cache(tmp_path / "file").import_([archive()])
    assert "DEPIN_HELM_CACHE" in error.value.hint


def test_what_a_killed_process_left_behind_is_swept_away(cache: Cache, archive: Archive) -> None:
    left = cache.folder / "demo-1.0.0" / ".entry.json.1.partial"
    left.parent.mkdir(parents=True)
    left.touch()
    assert cache.list() == ()
    assert changes(cache, archive()) == [Change.NEW]
    assert sorted(file.suffix for file in left.parent.iterdir()) == [".json", ".tgz"]


def test_resolving_gives_the_locked_content_and_names_every_missing_chart(
    cache: Cache, archive: Archive, tmp_path: Path
) -> None:
    local = Dependency("local", "0.1.0")
    lock = Lock(tmp_path / "charts.lock", (DEMO, local))
    (locked,) = cache.import_([archive()], lock)
    cache.import_([archive(files={"a": b"of another project"})])
    assert cache.resolve(lock) == (locked.chart,)

    others = tuple(Dependency(name, "2.0.0", "https://user:secret@example.org/c") for name in ("x", "y"))
    with pytest.raises(IncompleteError, match="2 of 3 charts cannot be used") as error:
        cache.resolve(Lock(lock.file, (DEMO, *others)))
    assert "x 2.0.0 from https://example.org/c: x 2.0.0 is not in the chart cache" in error.value.message
    assert "y 2.0.0 from https://example.org/c" in error.value.message
    assert "secret" not in error.value.message


def test_verification_tells_every_state_apart(cache: Cache, archive: Archive, tmp_path: Path) -> None:
    wanted = [Dependency(name, "1.0.0", "https://example.org") for name in "abcde"]
    lock = Lock(tmp_path / "charts.lock", (*wanted[:4], Dependency("local", "0.1.0")))
    cache.import_([archive(name) for name in "abd"], lock)
    other = Cache(tmp_path / "other")
    other.import_([archive("a"), archive("b", files={"a": b"changed"}), archive("d"), archive("e")])
    (damaged,) = (chart for chart in other.list() if chart.name == "d")
    damaged.archive.write_bytes(b"")

    found = other.verify(Lock(lock.file, tuple(wanted)))

    assert [(entry.dependency.name, entry.state) for entry in found] == [
        ("a", State.OK),
        ("b", State.MISMATCH),
        ("c", State.MISSING),
        ("d", State.DAMAGED),
        ("e", State.UNLOCKED),
    ]
    assert found[0].cached == found[0].locked == cache.get("a", "1.0.0").digest
    assert found[1].cached == other.get("b", "1.0.0").digest
    assert found[1].locked == cache.get("b", "1.0.0").digest
    assert "d 1.0.0 in the chart cache is damaged" in found[3].detail


def test_verification_looks_at_the_locked_content_and_not_at_the_current_one(
    cache: Cache, archive: Archive, tmp_path: Path
) -> None:
    lock = Lock(tmp_path / "charts.lock", (DEMO,))
    cache.import_([archive()], lock)
    cache.import_([archive(files={"a": b"of another project"})])
    assert [entry.state for entry in cache.verify(lock)] == [State.OK]


def test_verification_reads_the_content_and_not_the_cache_s_own_record(
    cache: Cache, archive: Archive, tmp_path: Path
) -> None:
    lock = Lock(tmp_path / "charts.lock", (DEMO,))
    (imported,) = cache.import_([archive()], lock)
    (forged,) = Cache(tmp_path / "other").import_([archive(files={"a": b"forged"})])
    entry = imported.chart.archive.with_name("entry.json")
    entry.write_text(entry.read_text().replace(imported.chart.archive.stem, forged.chart.archive.stem))
    imported.chart.archive.with_name(forged.chart.archive.name).write_bytes(forged.chart.archive.read_bytes())

    (found,) = cache.verify(lock)
    assert (found.state, found.cached) == (State.DAMAGED, forged.chart.digest)


def test_dependencies_are_read_as_chart_yaml_declares_them(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text(
        "dependencies:\n"
        "- {name: a, version: v1.2.3, repository: 'https://example.org', condition: a.enabled, alias: b}\n"
        "- {name: c, version: 0.1.0}\n"
        "- {name: d, version: 0.1.0, repository: 'file://../d'}\n"
    )
    found = dependencies(tmp_path)
    assert found == (
        Dependency("a", "v1.2.3", "https://example.org", "a.enabled", "b"),
        Dependency("c", "0.1.0"),
        Dependency("d", "0.1.0", "file://../d"),
    )
    assert [dependency.upstream for dependency in found] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dependencies: {a: b}", "`dependencies` is not a list of mappings"),
        ("dependencies: [a]", "`dependencies` is not a list of mappings"),
        ("dependencies: [{name: a}]", "a dependency needs a name and a version: 'a'"),
        ("dependencies: [{name: ../a, version: 1.0.0}]", "a dependency needs a name and a version: '../a'"),
        ("- a", "is not a mapping"),
        ("a: [", "is not YAML: line 2, column 1"),
        (None, "No such file or directory"),
    ],
)
def test_a_chart_yaml_that_cannot_be_used_is_named(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "Chart.yaml").write_text(text)
    with pytest.raises(ChartError) as error:
        dependencies(tmp_path)
    assert str(tmp_path / "Chart.yaml") in error.value.message
    assert message in error.value.message
