"""An archive that could do harm, or that Helm could read otherwise than we do, is refused."""

from __future__ import annotations

import gzip
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depin_helm.charts import archive, unpack
from depin_helm.charts.archive import MAX_DEPTH, read, read_bytes
from depin_helm.charts.unpack import MAX_ARCHIVE, MAX_FILE, MAX_FILES, MIB
from depin_helm.errors import ChartError
from tests.unit.charts.packing import Member, chart, member, members, metadata, tar, tgz


def with_member(name: str, data: bytes = b"", **attributes: object) -> bytes:
    return tgz([*members(), member(name, data, **attributes)])


def nested(depth: int) -> bytes:
    return chart({"charts/demo.tgz": nested(depth - 1)} if depth else None)


def broken_header() -> bytes:
    data = bytearray(tar([*members(), member("demo/a", b"1"), member("demo/b", b"2")]))
    data[data.index(b"demo/b") + 148] ^= 0xFF  # its checksum
    return gzip.compress(data)


def cut_member() -> bytes:
    return gzip.compress(tar([*members(), member("demo/a", b"x" * 2000)])[:3000])


def renaming_header() -> bytes:
    return tgz(members(), format=tarfile.PAX_FORMAT, pax_headers={"path": "demo/other"})


def latin1_name() -> bytes:
    return tgz([*members(), member("demo/caf\xe9")], encoding="latin-1", format=tarfile.GNU_FORMAT)


def sparse() -> bytes:
    info, data = member("demo/a", b"x", pax_headers={"GNU.sparse.map": "0,1", "GNU.sparse.size": "9"})
    return tgz([*members(), (info, data)], format=tarfile.PAX_FORMAT)


def too_many() -> bytes:
    return tgz([*members(), *(member(f"demo/{number}") for number in range(MAX_FILES))])


def too_many_nested() -> bytes:
    half = chart({str(number): b"" for number in range(MAX_FILES // 2)})
    return chart({"charts/demo.tgz": half} | {str(number): b"" for number in range(MAX_FILES // 2)})


def too_much_nested() -> bytes:
    fifteen = (
        os.urandom(1200) + bytes(34_000)
    ) * 450  # shrinks by 30: gzip looks back no further than 32 KiB
    return chart({f"charts/c{number}.tgz": chart({"a": fifteen}, f"c{number}") for number in range(5)})


def negative_size(size: int) -> bytes:
    info, _ = member("demo/a")
    info.size = size
    data = tar(members())
    end = data.rindex(metadata()) + tarfile.BLOCKSIZE
    return gzip.compress(data[:end] + info.tobuf(tarfile.GNU_FORMAT) + data[end:])


def alias_bomb() -> bytes:
    levels = ["keywords:\n  - &k0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"  - &k{level} [{', '.join([f'*k{level - 1}'] * 10)}]" for level in range(1, 9)]
    return "\n".join(levels).encode()


CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    "absolute path": (lambda: with_member("/etc/passwd"), "'/etc/passwd' is an absolute path"),
    "drive letter": (lambda: with_member("c:/windows"), "is an absolute path"),
    "parent folder": (lambda: with_member("demo/../../evil"), "is not a plain relative path"),
    "current folder": (lambda: with_member("./demo/a"), "is not a plain relative path"),
    "empty part": (lambda: with_member("demo//a"), "is not a plain relative path"),
    "backslash": (lambda: with_member("demo\\..\\evil"), "has a backslash"),
    "control character": (lambda: with_member("demo/a\x1b[2J"), r"'demo/a\x1b[2J' has unprintable"),
    "direction override": (lambda: with_member("demo/a\u202egzt"), "has unprintable"),
    "name not UTF-8": (latin1_name, "is not UTF-8"),
    "long name": (lambda: with_member("demo/" + "n" * 256), "has too long a name"),
    "long path": (lambda: with_member("demo" + "/abc" * 256), "has too long a name"),
    "symbolic link": (
        lambda: with_member("demo/a", type=tarfile.SYMTYPE, linkname="Chart.yaml"),
        "is a symbolic link",
    ),
    "hard link": (
        lambda: with_member("demo/a", type=tarfile.LNKTYPE, linkname="demo/Chart.yaml"),
        "is a hard link",
    ),
    "character device": (lambda: with_member("demo/a", type=tarfile.CHRTYPE), "is a device"),
    "block device": (lambda: with_member("demo/a", type=tarfile.BLKTYPE), "is a device"),
    "named pipe": (lambda: with_member("demo/a", type=tarfile.FIFOTYPE), "is a named pipe"),
    "unknown kind": (lambda: with_member("demo/a", type=b"Z"), "is no regular file"),
    "sparse file": (sparse, "is no regular file"),
    "renaming header": (renaming_header, "has a global header"),
    "duplicate": (lambda: tgz([*members(), *members()]), "holds 'Chart.yaml' twice"),
    "duplicate but for case": (
        lambda: chart({"a.yaml": b"", "A.yaml": b""}),
        "'A.yaml' differs from another name only by case",
    ),
    "folders alike but for case": (
        lambda: chart({"templates/a": b"", "Templates/b": b""}),
        "'Templates' differs from another name only by case",
    ),
    "file and folder": (lambda: chart({"a": b"", "a/b": b""}), "'a' is both a file and a folder"),
    "file and empty folder": (
        lambda: tgz([*members({"a": b""}), member("demo/a", type=tarfile.DIRTYPE)]),
        "'a' is both a file and a folder",
    ),
    "file beside the folder": (lambda: with_member("README.md"), "lies outside the chart's folder"),
    "two top folders": (lambda: with_member("other/a"), "holds 2 top folders, not one"),
    "no files": (lambda: tgz([]), "holds 0 top folders"),
    "folder of another name": (
        lambda: chart({"Chart.yaml": metadata("other")}),
        "its folder is 'demo', but Chart.yaml names the chart 'other'",
    ),
    "no Chart.yaml": (lambda: tgz([member("demo/values.yaml")]), "holds no Chart.yaml"),
    "no name": (lambda: chart({"Chart.yaml": b"version: 1.0.0"}), "'' is no chart name"),
    "name with a path": (lambda: chart({"Chart.yaml": metadata("../demo")}), "'../demo' is no chart name"),
    "no version": (lambda: chart({"Chart.yaml": b"name: demo"}), "'' is no version"),
    "version with a path": (lambda: chart(version="1.0.0/.."), "'1.0.0/..' is no version"),
    "Chart.yaml is no YAML": (lambda: chart({"Chart.yaml": b"name: [\n"}), "is not YAML: line 2, column 1"),
    "Chart.yaml is no mapping": (lambda: chart({"Chart.yaml": b"- demo"}), "is not a mapping"),
    "Chart.yaml of a subchart": (
        lambda: chart({"charts/a/Chart.yaml": b"{"}),
        "the archive, charts/a/Chart.yaml is not YAML",
    ),
    "huge Chart.yaml": (
        lambda: chart({"Chart.yaml": metadata() + b"#" + os.urandom(MIB).hex().encode()}),
        "its Chart.yaml is larger than 1 MiB",
    ),
    "alias bomb": (
        lambda: chart({"Chart.yaml": metadata() + alias_bomb()}),
        "its Chart.yaml is too large with its aliases written out",
    ),
    "endless alias": (
        lambda: chart({"Chart.yaml": metadata() + b"keywords: &k [*k]"}),
        "its Chart.yaml is nested too deeply",
    ),
    "no gzip": (lambda: tar(members()), "no gzip archive"),
    "empty file": (lambda: b"", "is cut off"),
    "cut gzip": (lambda: chart()[:-9], "is cut off"),
    "damaged gzip": (lambda: chart()[:-8] + bytes(8), "no gzip archive or damaged"),
    "data after the gzip": (lambda: chart() + b"x", "data after its end"),
    "two gzip members": (lambda: chart() + chart(), "data after its end"),
    "cut tar": (cut_member, "its tar archive is damaged"),
    "negative size": (lambda: negative_size(-1), "'demo/a' is cut off"),
    "negative size that leads back": (lambda: negative_size(-512), "holds more than 10000 files"),
    "damaged tar header": (broken_header, "its tar archive is damaged"),
    "data after the tar": (lambda: gzip.compress(tar(members()) + b"x" * 512), "data after its end"),
    "no tar": (lambda: gzip.compress(b"name: demo\n" * 100), "its tar archive is damaged"),
    "large file": (
        lambda: chart({"a": bytes(MAX_FILE + 1)}, level=0),
        f"is larger than {MAX_FILE // MIB} MiB",
    ),
    "compression bomb": (lambda: chart({"a": bytes(10 * MIB)}), "more than 100 times its size"),
    "large in total": (
        lambda: chart({str(number): bytes(16 * MIB) for number in range(5)}, level=0),
        "unpacks to more than 64 MiB",
    ),
    "many files": (too_many, f"more than {MAX_FILES} files"),
    "many files in nested archives": (
        too_many_nested,
        f"charts/demo.tgz is refused: it holds more than {MAX_FILES}",
    ),
    "large with nested archives": (too_much_nested, "c4.tgz is refused: it unpacks to more than 64 MiB"),
    "nested archive with a link": (
        lambda: chart({"charts/a.tgz": with_member("demo/a", type=tarfile.SYMTYPE, linkname="/")}),
        "charts/a.tgz is refused: 'demo/a' is a symbolic link",
    ),
    "nested archive of a subchart": (
        lambda: chart({"charts/a/charts/b.tgz": b"no archive"}),
        "charts/a/charts/b.tgz is refused: it is no gzip",
    ),
    "nested too deep": (lambda: nested(MAX_DEPTH), "nested more than 4 deep"),
    "nested chart twice": (
        lambda: chart({"charts/demo.tgz": chart(), "charts/demo/Chart.yaml": metadata()}),
        "holds charts/demo/ twice",
    ),
    "nested chart over a file": (
        lambda: chart({"charts/demo.tgz": chart(), "charts/Demo": b""}),
        "holds charts/demo/ twice",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_archive_is_refused_and_the_message_says_why(case: str) -> None:
    make, message = CASES[case]
    with pytest.raises(ChartError) as refusal:
        read(make(), "the archive")
    assert message in refusal.value.message
    assert refusal.value.message.startswith("the archive")
    assert refusal.value.message.isprintable()


def test_what_real_archives_contain_is_accepted() -> None:
    folder = member("demo/templates", type=tarfile.DIRTYPE)
    files: list[Member] = [*members(), folder, member("demo/templates/caf\xe9 (1).yaml", b"a: 1")]
    commit = {"comment": "0" * 40}  # as `git archive` leaves it
    contents = read(tgz(files, format=tarfile.PAX_FORMAT, pax_headers=commit), "the archive")
    assert dict(contents.files) == {"Chart.yaml": metadata(), "templates/caf\xe9 (1).yaml": b"a: 1"}


def test_a_nested_archive_is_replaced_by_what_it_holds() -> None:
    inner = chart({"values.yaml": b"a: 1"}, "inner", "2.0.0")
    contents = read(chart({"charts/inner-2.0.0.tgz": inner, "files/data.tgz": b"not a chart"}), "the archive")
    assert list(contents.files) == [
        "Chart.yaml",
        "charts/inner/Chart.yaml",
        "charts/inner/values.yaml",
        "files/data.tgz",
    ]


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "a.tgz"
    with file.open("wb") as sparse_file:
        sparse_file.truncate(MAX_ARCHIVE + 1)
    with pytest.raises(ChartError, match="larger than 32 MiB"):
        read_bytes(file)


def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.tgz")
    with pytest.raises(ChartError, match="is not a file"):
        read_bytes(tmp_path / "a.tgz")


@settings(deadline=None)  # the machine may be busy
@given(st.data())
def test_no_damage_to_an_archive_gets_past_the_checks_as_another_error(data: st.DataObject) -> None:
    files = {"values.yaml": b"a: 1\n" * 100, "charts/a.tgz": chart(name="a"), "n" * 120: b""}
    whole = tar(members(files), format=data.draw(st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])))
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)) | st.just(len(damaged)))
    try:
        contents = read(gzip.compress(bytes(damaged[:cut]), 1), "the archive")
    except ChartError:
        return
    assert all(not path.startswith("/") and ".." not in path.split("/") for path in contents.files)


def test_extraction_writes_all_files_under_the_destination_or_none(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.tgz", tmp_path / "bad.tgz"
    good.write_bytes(chart({"templates/a.yaml": b"a"}))
    bad.write_bytes(with_member("demo/a", type=tarfile.SYMTYPE, linkname="/"))

    archive.extract(good, tmp_path / "out" / "demo")
    with pytest.raises(ChartError):
        archive.extract(bad, tmp_path / "out" / "bad")

    files = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*"))
    assert files == ["demo", "demo/Chart.yaml", "demo/templates", "demo/templates/a.yaml"]


def test_extraction_never_mixes_with_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "good.tgz"
    file.write_bytes(chart())
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine").touch()
    with pytest.raises(ChartError, match="cannot unpack"):
        archive.extract(file, tmp_path / "demo")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo", "good.tgz"]
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["mine"]


def test_the_limits_leave_room_above_the_largest_real_chart() -> None:
    # kube-prometheus-stack 88.5.3: 894,746 bytes packed, 6,773,515 in 308 files, the largest 833,082.
    assert unpack.MAX_ARCHIVE > 10 * 894_746
    assert unpack.MAX_UNPACKED > 9 * 6_773_515
    assert unpack.MAX_FILES > 10 * 308
    assert unpack.MAX_FILE > 10 * 833_082
    assert unpack.MAX_RATIO > 10 * 6_773_515 / 894_746
