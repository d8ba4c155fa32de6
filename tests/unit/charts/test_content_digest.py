"""The content digest depends on file names and bytes, and on nothing else."""

from __future__ import annotations

import hashlib
import random
import tarfile
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from depin_helm.charts import content_digest
from depin_helm.charts.archive import read
from tests.unit.charts.packing import chart, member, metadata, tgz

PARTS = st.text("abcXYZ019-_. é", min_size=1, max_size=8).filter(lambda part: part not in (".", ".."))
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
FILES = st.dictionaries(PATHS, st.binary(max_size=40), max_size=6)


def digest(files: dict[str, bytes]) -> str:
    return read(chart(files), "the archive").digest


def fit(files: dict[str, bytes]) -> bool:
    """Whether the files can lie in one folder together, anywhere, and none is Chart.yaml."""
    folded = [path.casefold() for path in [*files, "Chart.yaml"]]
    prefixes = {f"{path}/" for path in folded}
    spelled = {path.rpartition("/")[0] for path in files}
    return (
        len(set(folded)) == len(folded)
        and not any(path.startswith(prefix) for path in folded for prefix in prefixes)
        and all(path.casefold() == path for path in spelled)
    )


@st.composite
def packed(draw: st.DrawFn, files: dict[str, bytes]) -> bytes:
    """The files, packed in one of the many ways."""
    found = [
        member(
            f"demo/{path}",
            data,
            mtime=draw(st.integers(0, 2**31)),
            uid=draw(st.integers(0, 1000)),
            uname=draw(st.sampled_from(["", "root", "builder"])),
            mode=draw(st.sampled_from([0o644, 0o755, 0o600])),
        )
        for path, data in files.items()
    ]
    if draw(st.booleans()):
        found.append(member("demo", type=tarfile.DIRTYPE))
    random.Random(draw(st.integers())).shuffle(found)
    kind = draw(st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
    return tgz(found, level=draw(st.integers(1, 9)), mtime=draw(st.integers(0, 2**31)), format=kind)


@settings(deadline=None)  # the machine may be busy
@given(st.data())
def test_it_does_not_depend_on_how_the_archive_was_packed(data: st.DataObject) -> None:
    files = data.draw(FILES.filter(fit)) | {"Chart.yaml": metadata()}
    first = read(data.draw(packed(files)), "one")
    second = read(data.draw(packed(files)), "two")
    assert first.digest == second.digest
    assert first.files == second.files == files


@settings(deadline=None)  # the machine may be busy
@given(FILES.filter(fit), FILES.filter(fit))
def test_other_names_or_bytes_give_another_digest(one: dict[str, bytes], two: dict[str, bytes]) -> None:
    assume(one != two)
    assert digest(one) != digest(two)


def test_it_is_the_sha256_of_a_listing_that_sha256sum_could_write(tmp_path: Path) -> None:
    file = tmp_path / "demo.tgz"
    file.write_bytes(chart({"values.yaml": b"a: 1\n", "README.md": b"read"}))
    even = b'{"apiVersion": "v2", "name": "demo", "version": "1.0.0"}'
    listing = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {path}\n"
        for path, data in [("Chart.yaml", even), ("README.md", b"read"), ("values.yaml", b"a: 1\n")]
    )
    assert content_digest(file) == f"sha256:{hashlib.sha256(listing.encode()).hexdigest()}"


BY_HAND = b"""\
# maintained by hand
apiVersion: v2
version: 1.0.0
name: demo
appVersion: 1.10
description: |
  two
  lines
deprecated: false
keywords: []
home: 8.0
annotations: {x/y: false, z: "1"}
dependencies:
  - {name: sub, version: 2.0.0, condition: sub.enabled}
"""
BY_HELM = b"""\
annotations:
  x/y: "false"
  z: "1"
apiVersion: v2
appVersion: "1.1"
dependencies:
- condition: sub.enabled
  name: sub
  repository: ""
  version: 2.0.0
description: 'two lines '
home: "8"
name: demo
version: 1.0.0
"""


def test_a_chart_yaml_that_helm_package_rewrote_counts_the_same() -> None:
    assert digest({"Chart.yaml": BY_HAND}) == digest({"Chart.yaml": BY_HELM})
    assert digest({"charts/demo/Chart.yaml": BY_HAND}) == digest({"charts/demo/Chart.yaml": BY_HELM})


def test_every_field_of_a_chart_yaml_counts() -> None:
    for field in (b"appVersion: 1.10", b"two", b"sub.enabled", b"2.0.0", b"v2"):
        assert digest({"Chart.yaml": BY_HAND}) != digest({"Chart.yaml": BY_HAND.replace(field, field + b"1")})


def test_a_file_called_chart_yaml_elsewhere_counts_byte_by_byte() -> None:
    assert digest({"files/Chart.yaml": BY_HAND}) != digest({"files/Chart.yaml": BY_HELM})


def test_the_time_in_a_chart_lock_does_not_count_but_the_rest_does() -> None:
    one = b'digest: sha256:ab\ngenerated: "2021-03-04T05:06:07.123+01:00"\n'
    two = b"generated: 2022-03-04T05:06:07Z\ndigest: sha256:ab\n"
    assert digest({"Chart.lock": one}) == digest({"Chart.lock": two})
    assert digest({"Chart.lock": one}) != digest({"Chart.lock": two.replace(b"ab", b"cd")})


def test_a_nested_archive_counts_like_the_unpacked_subchart() -> None:
    inner = {"values.yaml": b"a: 1"}
    archived = {"charts/sub-2.0.0.tgz": chart(inner, "sub", "2.0.0")}
    unpacked = {"charts/sub/Chart.yaml": metadata("sub", "2.0.0"), "charts/sub/values.yaml": b"a: 1"}
    assert digest(archived) == digest(unpacked)


def test_a_byte_order_mark_which_helm_drops_does_not_count() -> None:
    assert digest({"values.yaml": b"\xef\xbb\xbfa: 1"}) == digest({"values.yaml": b"a: 1"})
