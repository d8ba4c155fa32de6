"""Charts are pulled from Helm repositories, whatever these do."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from depin_helm.charts import Cache, CachedChart, Change, Dependency, IncompleteError, Lock
from depin_helm.charts.repository import MAX_REDIRECTS, Policy
from depin_helm.charts.unpack import MAX_ARCHIVE
from depin_helm.errors import ChartError
from tests.unit.charts.packing import chart
from tests.unit.charts.server import (
    Server,
    body,
    certificate,
    cut,
    offered_protocols,
    redirect,
    status,
    trickle,
)

# Long enough for a busy machine, short enough for a test that waits for it.
HASTY = Policy(attempts=3, backoff=0.01, timeout=5, deadline=20)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def offer(server: Server, *names: str, **entry: Any) -> list[Dependency]:
    """Serve charts and an index of them; `entry` changes their entries in it."""
    entries = {}
    for name in names:
        data = chart(name=name)
        server.answers[f"/{name}-1.0.0.tgz"] = [body(data)]
        digest = hashlib.sha256(data).hexdigest()
        latest = {"version": "1.1.0", "urls": [f"{name}-1.1.0.tgz"], "digest": "0" * 64}
        wanted = {"version": "1.0.0", "urls": [f"{name}-1.0.0.tgz"], "digest": digest} | entry
        entries[name] = [latest, {key: value for key, value in wanted.items() if value is not None}]
    server.answers["/index.yaml"] = [body(json.dumps({"apiVersion": "v1", "entries": entries}).encode())]
    return [Dependency(name, "1.0.0", server.url) for name in names]


def failure(cache: Cache, dependencies: list[Dependency], policy: Policy = HASTY) -> IncompleteError:
    with pytest.raises(IncompleteError) as error:
        cache.pull(dependencies, policy=policy)
    return error.value


def test_charts_are_pulled_with_one_request_for_each_index(cache: Cache, server: Server) -> None:
    pulled = cache.pull(offer(server, "a", "b", "c"), policy=HASTY)
    assert [(str(one.chart), one.change) for one in pulled] == [
        (f"{name} 1.0.0", Change.NEW) for name in "abc"
    ]
    assert [one.chart for one in pulled] == list(cache.list())
    assert server.seen == {"/index.yaml": 1, "/a-1.0.0.tgz": 1, "/b-1.0.0.tgz": 1, "/c-1.0.0.tgz": 1}


def test_charts_are_downloaded_at_the_same_time(cache: Cache, server: Server) -> None:
    wanted = offer(server, "a", "b", "c")
    together = threading.Barrier(3, timeout=10)
    for name in "abc":
        server.answers[f"/{name}-1.0.0.tgz"] = [body(chart(name=name), before=together.wait)]
    assert len(cache.pull(wanted, policy=HASTY)) == 3


def test_a_slow_repository_does_not_hold_up_another_one(cache: Cache, server: Server) -> None:
    with Server() as slow:
        fast_is_done = threading.Event()
        (late,) = offer(slow, "late")
        slow.answers["/late-1.0.0.tgz"] = [body(chart(name="late"), before=lambda: fast_is_done.wait(10))]
        fast = offer(server, "fast")

        def progress(dependency: Dependency, done: int, total: int | None) -> None:
            if dependency == fast[0] and done == total:
                fast_is_done.set()

        assert len(cache.pull([late, *fast], progress=progress, policy=HASTY)) == 2
        assert fast_is_done.is_set()


def test_local_subcharts_are_left_alone(cache: Cache) -> None:
    assert cache.pull([Dependency("local", "0.1.0"), Dependency("b", "1.0.0", "file://../b")]) == ()


def test_addresses_in_the_index_may_be_absolute_or_relative_to_it(cache: Cache, server: Server) -> None:
    offer(server, "a")
    deep = server.answers["/index.yaml"][0]
    server.answers["/deep/stable/index.yaml"] = [deep]
    server.answers["/deep/stable/a-1.0.0.tgz"] = server.answers["/a-1.0.0.tgz"]
    cache.pull([Dependency("a", "1.0.0", f"{server.url}/deep/stable/")], policy=HASTY)
    assert server.seen == {"/deep/stable/index.yaml": 1, "/deep/stable/a-1.0.0.tgz": 1}

    with Server() as other:
        offer(other, "b", urls=[f"{server.url}/elsewhere.tgz"])
        server.answers["/elsewhere.tgz"] = other.answers["/b-1.0.0.tgz"]
        cache.pull([Dependency("b", "1.0.0", other.url)], policy=HASTY)
        assert server.seen["/elsewhere.tgz"] == 1


def test_progress_is_told_in_bytes(cache: Cache, server: Server) -> None:
    told: list[tuple[Dependency, int, int | None]] = []
    (wanted,) = offer(server, "a")
    cache.pull([wanted], progress=lambda *report: told.append(report), policy=HASTY)
    size = len(chart(name="a"))
    assert told[-1] == (wanted, size, size)


def test_a_compressed_index_is_read_and_a_mislabelled_archive_stays_packed(
    cache: Cache, server: Server
) -> None:
    wanted = offer(server, "a")
    digest = hashlib.sha256(chart(name="a")).hexdigest()
    entries = {"a": [{"version": "1.0.0", "urls": ["x"], "digest": digest}]}
    index = json.dumps({"entries": entries}).encode()
    server.answers["/index.yaml"] = [body(gzip.compress(index), Content_Encoding="gzip")]
    server.answers["/x"] = [body(chart(name="a"), Content_Encoding="gzip")]
    cache.pull(wanted, policy=HASTY)
    assert server.headers["/index.yaml"]["Accept-Encoding"] == "gzip"
    assert server.headers["/x"]["Accept-Encoding"] == "identity"


def test_what_the_cache_holds_is_not_downloaded_again(cache: Cache, server: Server, tmp_path: Path) -> None:
    wanted = offer(server, "a")
    lock = Lock(tmp_path / "charts.lock", tuple(wanted))
    cache.pull(wanted, lock, policy=HASTY)
    server.seen.clear()
    assert [one.change for one in cache.pull(wanted, lock, policy=HASTY)] == [Change.UNCHANGED]
    assert [one.change for one in cache.pull(wanted, policy=HASTY)] == [Change.UNCHANGED]
    assert not server.seen


def test_an_update_of_charts_lock_asks_the_repository_again(
    cache: Cache, server: Server, tmp_path: Path
) -> None:
    wanted = offer(server, "a")
    lock = Lock(tmp_path / "charts.lock", tuple(wanted), update=True)
    for _ in range(2):
        cache.pull(wanted, lock, policy=HASTY)
    assert server.seen["/a-1.0.0.tgz"] == 2


def test_a_damaged_chart_is_downloaded_again(cache: Cache, server: Server, tmp_path: Path) -> None:
    wanted = offer(server, "a")
    lock = Lock(tmp_path / "charts.lock", tuple(wanted))
    (pulled,) = cache.pull(wanted, lock, policy=HASTY)
    pulled.chart.archive.write_bytes(b"")
    assert [one.change for one in cache.pull(wanted, lock, policy=HASTY)] == [Change.REPAIRED]


def test_the_content_recorded_first_is_the_repository_s_and_not_the_cache_s(
    cache: Cache, server: Server, tmp_path: Path
) -> None:
    other = tmp_path / "other.tgz"
    other.write_bytes(chart({"values.yaml": b"stand-in: true"}, "a"))
    cache.import_([other])
    wanted = offer(server, "a")
    lock = Lock(tmp_path / "charts.lock", tuple(wanted))
    (pulled,) = cache.pull(wanted, lock, policy=HASTY)
    assert pulled.change is Change.REPLACED
    assert lock.digest("a", "1.0.0") == pulled.chart.digest
    assert cache.resolve(lock) == (pulled.chart,)


def test_a_repository_that_changes_a_chart_is_noticed(cache: Cache, server: Server, tmp_path: Path) -> None:
    wanted = offer(server, "a")
    lock = Lock(tmp_path / "charts.lock", tuple(wanted))
    cache.pull(wanted, lock, policy=HASTY)
    changed = chart({"values.yaml": b"changed: true"}, "a")
    offer(server, "a", digest=hashlib.sha256(changed).hexdigest())
    server.answers["/a-1.0.0.tgz"] = [body(changed)]
    empty = Cache(tmp_path / "empty")

    with pytest.raises(IncompleteError, match=f"records {lock.digest('a', '1.0.0')}") as error:
        empty.pull(wanted, lock, policy=HASTY)
    assert "--update-lock" in error.value.hint
    assert empty.list() == ()

    (pulled,) = empty.pull(wanted, replace(lock, update=True), policy=HASTY)
    assert lock.digest("a", "1.0.0") == pulled.chart.digest


def test_an_archive_without_the_digest_of_the_index_is_refused(cache: Cache, server: Server) -> None:
    error = failure(cache, offer(server, "a", digest="1" * 64))
    assert f"a 1.0.0 from {server.url}: {server.url}/a-1.0.0.tgz has the SHA-256 " in error.message
    assert "1" * 64 in error.message
    assert server.seen["/a-1.0.0.tgz"] == 1
    assert cache.list() == ()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"digest": None}, "the repository's index gives no digest for it"),
        ({"urls": []}, "the repository's index gives no address for it"),
        ({"urls": None}, "the repository's index gives no address for it"),
        ({"version": "0.9.0"}, "the repository has no version 1.0.0; the newest are 1.1.0, 0.9.0"),
        ({"urls": ["oci://example.org/a"]}, "it is an OCI registry"),
        ({"urls": ["file:///etc/passwd"]}, "file:///etc/passwd is not HTTPS"),
        ({"urls": ["http://charts.example.org/a.tgz"]}, "http://charts.example.org/a.tgz is not HTTPS"),
        ({"urls": ["https://charts.example.org:port/a.tgz"]}, "is no address"),
    ],
)
def test_an_index_that_does_not_help_is_named(
    cache: Cache, server: Server, entry: dict[str, Any], message: str
) -> None:
    assert message in failure(cache, offer(server, "a", **entry)).message


@pytest.mark.parametrize("index", [b"", b"a: [", b"entries: 1", b"[]", b"<html></html>", b"\xff\xfe"])
def test_what_is_no_index_is_named(cache: Cache, server: Server, index: bytes) -> None:
    wanted = offer(server, "a")
    server.answers["/index.yaml"] = [body(index)]
    assert f"{server.url}/index.yaml is no index of a Helm repository" in failure(cache, wanted).message


def test_a_chart_that_the_repository_does_not_have_is_named(cache: Cache, server: Server) -> None:
    offer(server, "a")
    error = failure(cache, [Dependency("b", "1.0.0", server.url)])
    assert f"b 1.0.0 from {server.url}: the repository has no chart b" in error.message


def test_an_archive_of_another_chart_is_refused(cache: Cache, server: Server) -> None:
    other = chart(name="b")
    wanted = offer(server, "a", digest=hashlib.sha256(other).hexdigest())
    server.answers["/a-1.0.0.tgz"] = [body(other)]
    assert "the archive holds b 1.0.0" in failure(cache, wanted).message
    assert cache.list() == ()


def test_a_bad_archive_is_refused_even_if_the_index_vouches_for_it(cache: Cache, server: Server) -> None:
    bad = chart(name="a")[:-9]
    wanted = offer(server, "a", digest=hashlib.sha256(bad).hexdigest())
    server.answers["/a-1.0.0.tgz"] = [body(bad)]
    assert "the archive is refused: it is cut off" in failure(cache, wanted).message


@pytest.mark.parametrize("path", ["/index.yaml", "/a-1.0.0.tgz"])
def test_a_passing_failure_is_tried_again(cache: Cache, server: Server, path: str) -> None:
    wanted = offer(server, "a")
    server.answers[path] = [status(500), cut(b"half"), *server.answers[path]]
    assert [one.change for one in cache.pull(wanted, policy=HASTY)] == [Change.NEW]
    assert server.seen[path] == 3


def test_a_lasting_failure_is_tried_a_few_times(cache: Cache, server: Server) -> None:
    wanted = offer(server, "a")
    server.answers["/a-1.0.0.tgz"] = [status(503)]
    assert f"{server.url}/a-1.0.0.tgz answers 503 Service Unavailable" in failure(cache, wanted).message
    assert server.seen["/a-1.0.0.tgz"] == HASTY.attempts


def test_a_definite_refusal_is_not_tried_again(cache: Cache, server: Server) -> None:
    wanted = offer(server, "a")
    server.answers["/a-1.0.0.tgz"] = [status(404)]
    assert f"{server.url}/a-1.0.0.tgz answers 404 Not Found" in failure(cache, wanted).message
    assert server.seen["/a-1.0.0.tgz"] == 1


def test_a_body_that_is_cut_off_is_never_taken(cache: Cache, server: Server) -> None:
    wanted = offer(server, "a")
    server.answers["/a-1.0.0.tgz"] = [cut(chart(name="a"))]
    assert "cannot get" in failure(cache, wanted).message
    assert server.seen["/a-1.0.0.tgz"] == HASTY.attempts
    assert cache.list() == ()


def test_an_unreachable_repository_does_not_hide_the_others(cache: Cache, server: Server) -> None:
    with Server() as gone:
        pass
    wanted = [Dependency("x", "1.0.0", gone.url), *offer(server, "a"), Dependency("y", "2.0.0", gone.url)]
    error = failure(cache, wanted)
    first, *lines = error.message.splitlines()
    assert first == "2 of 3 charts could not be pulled:"
    assert [line.partition(": cannot get ")[0] for line in lines] == [
        f"  x 1.0.0 from {gone.url}",
        f"  y 2.0.0 from {gone.url}",
    ]
    assert "Connection refused" in lines[0]
    assert "charts pull" in error.hint
    assert "charts import" in error.hint
    assert [str(one.chart) for one in error.done] == ["a 1.0.0"]
    assert [str(one) for one in cache.list()] == ["a 1.0.0"]


def test_a_silent_server_is_given_up(cache: Cache, server: Server) -> None:
    wanted = offer(server, "a")
    server.answers["/a-1.0.0.tgz"] = [body(b"", before=server.over.wait)]
    hasty = replace(HASTY, timeout=1.0, attempts=2)
    assert "does not answer within 1 s" in failure(cache, wanted, hasty).message
    assert server.seen["/a-1.0.0.tgz"] == 2


def test_a_server_that_trickles_is_given_up(cache: Cache, server: Server) -> None:
    wanted = offer(server, "a")
    server.answers["/a-1.0.0.tgz"] = [trickle(server, 0.02)]
    assert "takes longer than 0.3 s" in failure(cache, wanted, replace(HASTY, deadline=0.3)).message


@pytest.mark.parametrize("path", ["/index.yaml", "/a-1.0.0.tgz"])
def test_what_is_too_large_is_given_up_at_once(cache: Cache, server: Server, path: str) -> None:
    wanted = offer(server, "a")
    server.answers[path] = [cut(b"x", length=3 * MAX_ARCHIVE)]
    error = failure(cache, wanted)
    assert f"{server.url}{path} is larger than" in error.message
    assert server.seen[path] == 1


def test_an_endless_archive_without_a_size_is_given_up(cache: Cache, server: Server) -> None:
    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(2 * MAX_ARCHIVE // 2**20):
            handler.wfile.write(bytes(2**20))

    wanted = offer(server, "a")
    server.answers["/a-1.0.0.tgz"] = [endless]
    assert "is larger than 32 MiB" in failure(cache, wanted).message


def test_redirects_are_followed(cache: Cache, server: Server) -> None:
    wanted = offer(server, "a")
    server.answers["/elsewhere"] = server.answers["/a-1.0.0.tgz"]
    server.answers["/a-1.0.0.tgz"] = [redirect("/elsewhere")]
    assert len(cache.pull(wanted, policy=HASTY)) == 1


def test_redirects_without_end_are_not(cache: Cache, server: Server) -> None:
    wanted = offer(server, "a")
    server.answers["/a-1.0.0.tgz"] = [redirect("/a-1.0.0.tgz")]
    assert f"redirects more than {MAX_REDIRECTS} times" in failure(cache, wanted).message
    assert server.seen["/a-1.0.0.tgz"] == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "target", ["http://charts.example.org/a.tgz", "ftp://127.0.0.1/a", "file:///etc/passwd"]
)
def test_a_redirect_away_from_https_is_not_followed(cache: Cache, server: Server, target: str) -> None:
    wanted = offer(server, "a")
    server.answers["/a-1.0.0.tgz"] = [redirect(target)]
    assert f"{target} is not HTTPS" in failure(cache, wanted).message


def test_a_certificate_that_nobody_vouches_for_is_refused(cache: Cache, tmp_path: Path) -> None:
    with Server(certificate(tmp_path)) as https:
        error = failure(cache, offer(https, "a"))
    assert f"cannot get {https.url}/index.yaml: [SSL: CERTIFICATE_VERIFY_FAILED]" in error.message


def test_connections_of_several_threads_leave_their_common_settings_alone(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path)))
    offered = offered_protocols(monkeypatch)
    with Server(certificate(tmp_path)) as https:
        cache.pull(offer(https, "a", "b", "c"), policy=HASTY)
    assert offered == [["http/1.1"]]


def test_https_is_never_left_not_even_for_this_machine(
    cache: Cache, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path)))
    with Server(certificate(tmp_path)) as https:
        wanted = offer(https, "a", "b")
        https.answers["/a-1.0.0.tgz"] = [redirect(f"{server.url}/a-1.0.0.tgz")]
        error = failure(cache, wanted)
        assert f"{server.url}/a-1.0.0.tgz is not HTTPS" in error.message
        assert [str(one.chart) for one in error.done] == ["b 1.0.0"]

        wanted = offer(https, "c", urls=[f"{server.url}/c-1.0.0.tgz"])
        assert f"{server.url}/c-1.0.0.tgz is not HTTPS" in failure(cache, wanted).message
    assert not server.seen


def test_a_repository_without_https_is_refused_unless_it_is_on_this_machine(cache: Cache) -> None:
    error = failure(cache, [Dependency("a", "1.0.0", "http://charts.example.org")])
    assert "http://charts.example.org/index.yaml is not HTTPS" in error.message


@pytest.mark.parametrize("repository", ["oci://ghcr.io/example", "@alias", "alias:stable"])
def test_other_kinds_of_repositories_are_refused(cache: Cache, repository: str) -> None:
    error = failure(cache, [Dependency("a", "1.0.0", repository)])
    assert f"a 1.0.0 from {repository}: " in error.message
    if repository.startswith("oci:"):
        assert "it is an OCI registry" in error.message
        assert "helm pull" in error.hint


def test_a_range_of_versions_is_not_guessed_at(cache: Cache, server: Server) -> None:
    (wanted,) = offer(server, "a")
    error = failure(cache, [replace(wanted, version="1.*")])
    assert "the repository has no version 1.*" in error.message


def test_no_credentials_show(cache: Cache, server: Server) -> None:
    offer(server, "a", digest="1" * 64, urls=["a-1.0.0.tgz?signature=sesame"])
    address = server.url.replace("//", "//user:sesame@")
    error = failure(cache, [Dependency("a", "1.0.0", address)])
    assert f"{server.url}/a-1.0.0.tgz has the SHA-256" in error.message
    assert "sesame" not in error.message + error.hint
    assert server.headers["/a-1.0.0.tgz"]["Authorization"].startswith("Basic ")


def test_credentials_stay_with_their_server(cache: Cache, server: Server) -> None:
    with Server() as other:
        (wanted,) = offer(server, "a")
        other.answers["/a"] = server.answers["/a-1.0.0.tgz"]
        server.answers["/a-1.0.0.tgz"] = [redirect(f"{other.url}/a")]
        address = server.url.replace("//", "//user:sesame@")
        cache.pull([replace(wanted, repository=address)], policy=HASTY)
        assert "Authorization" in server.headers["/a-1.0.0.tgz"]
        assert "Authorization" not in other.headers["/a"]


def test_the_proxy_of_the_environment_is_used(
    cache: Cache, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(server, "a")
    with Server() as gone:
        pass
    monkeypatch.setenv("HTTP_PROXY", server.url)
    (pulled,) = cache.pull([Dependency("a", "1.0.0", gone.url)], policy=HASTY)
    assert isinstance(pulled.chart, CachedChart)
    assert server.headers["/a-1.0.0.tgz"]["Host"] == gone.url.removeprefix("http://")


def test_a_proxy_that_cannot_be_used_is_reported_without_its_password(
    cache: Cache, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://user:sesame@127.0.0.1:1")
    with pytest.raises(ChartError, match="a proxy that cannot be used") as error:
        cache.pull(offer(server, "a"), policy=HASTY)
    assert "HTTPS_PROXY" in error.value.hint
    assert "sesame" not in str(error.value.message) + error.value.hint


def test_stopping_does_not_wait_for_the_rest(cache: Cache, server: Server) -> None:
    fast = offer(server, "a")
    with Server() as slow:
        (late,) = offer(slow, "late")
        slow.answers["/late-1.0.0.tgz"] = [trickle(slow, 0.02)]
        asked = threading.Event()

        class Interrupt(BaseException):
            """As Ctrl-C raises."""

        def progress(dependency: Dependency, done: int, total: int | None) -> None:
            if dependency == late:
                asked.set()
            elif asked.wait(10):
                raise Interrupt

        with pytest.raises(Interrupt):
            cache.pull([late, *fast], progress=progress, policy=replace(HASTY, deadline=300))
