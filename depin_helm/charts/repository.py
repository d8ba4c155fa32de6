"""Downloading charts from Helm repositories; the only importer of the HTTP client."""

from __future__ import annotations

import hashlib
import ipaddress
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import httpx2
import tenacity

from depin_helm import tls, yamlio
from depin_helm.charts.dependency import Dependency, exact, redacted
from depin_helm.charts.unpack import MAX_ARCHIVE, MIB
from depin_helm.errors import ChartError

MAX_INDEX = 32 * MIB  # parsing takes about 35 times as much memory; the large public ones have under 10 MiB
MAX_REDIRECTS = 5
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})

Progress = Callable[[Dependency, int, int | None], None]
"""Called with the bytes of a chart received so far and its size, if known; from several threads.

A second attempt starts again at 0.
"""

_Report = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Policy:
    """How patiently repositories are asked; times in seconds."""

    attempts: int = 4
    backoff: float = 0.5  # before the second attempt; doubles each time, with some jitter
    timeout: float = 15.0  # for connecting, and between two pieces of an answer
    deadline: float = 300.0  # for one file


class _PassingError(ChartError):
    """A failure that may be over at the next attempt."""


def download(
    dependencies: Sequence[Dependency], progress: Progress, policy: Policy
) -> Generator[tuple[Dependency, bytes | ChartError]]:
    """Each dependency with its archive's bytes, or with the reason why there are none, as they arrive.

    The bytes have the SHA-256 that the repository's index gives for them; nothing else is checked. Each
    index is fetched once. The proxies of the usual environment variables are used. An iterator that is
    closed early stops the downloads.
    """
    stop = threading.Event()
    try:
        client = httpx2.Client(verify=tls.shared(httpx2.create_ssl_context()), timeout=policy.timeout)
    except ValueError as error:  # its text holds the proxy's address, password and all
        raise ChartError(
            "the environment names a proxy that cannot be used",
            hint="check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY",
        ) from error
    session = _Session(client, policy, stop)
    pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="charts-pull")
    try:
        # The indexes are queued first: a chart that waits for one cannot starve it of threads.
        indexes = {
            repository: pool.submit(session.index, repository)
            for repository in dict.fromkeys(dependency.repository for dependency in dependencies)
        }
        charts = {
            pool.submit(session.chart, dependency, indexes[dependency.repository], progress): dependency
            for dependency in dependencies
        }
        for chart in as_completed(charts):
            try:
                yield charts[chart], chart.result()
            except ChartError as error:
                yield charts[chart], error
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        client.close()


@dataclass(frozen=True)
class _Session:
    client: httpx2.Client
    policy: Policy
    stop: threading.Event

    def index(self, repository: str) -> tuple[httpx2.URL, dict[str, Any]]:
        """The address of a repository's index.yaml, and its `entries`."""
        url = _url(repository)
        url = url.copy_with(path=url.path.rstrip("/") + "/index.yaml")
        data = self._get(url, url, MAX_INDEX, None)
        try:
            entries = yamlio.load(data)["entries"]
            if not isinstance(entries, dict):
                raise TypeError("no mapping")
        except (yamlio.YAMLError, TypeError, KeyError) as error:
            raise ChartError(f"{_shown(url)} is no index of a Helm repository") from error
        return url, entries

    def chart(
        self,
        dependency: Dependency,
        index: Future[tuple[httpx2.URL, dict[str, Any]]],
        progress: Progress,
    ) -> bytes:
        """The archive of `dependency`, its digest verified."""
        base, entries = index.result()
        versions = entries.get(dependency.name)
        if not isinstance(versions, list):
            raise ChartError(f"the repository has no chart {dependency.name}")
        entry = next(
            (e for e in versions if isinstance(e, dict) and e.get("version") == dependency.version), {}
        )
        if not entry:
            known = [str(e.get("version")) for e in versions if isinstance(e, dict)]
            newest = ", ".join([version for version in known if exact(version)][:3])
            raise ChartError(f"the repository has no version {dependency.version}; the newest are {newest}")
        urls, digest = entry.get("urls"), str(entry.get("digest") or "").removeprefix("sha256:")
        if not isinstance(urls, list) or not urls:
            raise ChartError("the repository's index gives no address for it")
        if not digest:
            raise ChartError("the repository's index gives no digest for it")
        url = base.join(_url(str(urls[0])))
        data = self._get(base, url, MAX_ARCHIVE, lambda done, total: progress(dependency, done, total))
        if (found := hashlib.sha256(data).hexdigest()) != digest.lower():
            raise ChartError(
                f"{_shown(url)} has the SHA-256 {found}, but the repository's index says {digest!r}"
            )
        return data

    def _get(self, origin: httpx2.URL, url: httpx2.URL, limit: int, report: _Report | None) -> bytes:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_PassingError),
            stop=tenacity.stop_after_attempt(self.policy.attempts) | tenacity.stop_when_event_set(self.stop),
            wait=tenacity.wait_exponential(self.policy.backoff, max=10)
            + tenacity.wait_random(0, self.policy.backoff),
            sleep=tenacity.sleep_using_event(self.stop),
            reraise=True,
        )
        return retrying(self._get_once, origin, url, limit, report)

    def _get_once(self, origin: httpx2.URL, url: httpx2.URL, limit: int, report: _Report | None) -> bytes:
        deadline = time.monotonic() + self.policy.deadline
        first = url
        try:
            for _ in range(MAX_REDIRECTS + 1):
                _refuse_unsafe(url, origin)
                # An archive counts as it is sent, and must not arrive unpacked; an index shrinks tenfold.
                headers = {"Accept-Encoding": "identity" if report else "gzip"}
                with self.client.stream("GET", url, headers=headers) as response:
                    if response.has_redirect_location:
                        url = url.join(_url(response.headers["Location"]))
                        continue
                    if response.status_code != 200:
                        kind = _PassingError if response.status_code in _PASSING else ChartError
                        raise kind(f"{_shown(url)} answers {response.status_code} {response.reason_phrase}")
                    return self._body(response, limit, deadline, report)
        except httpx2.TimeoutException as error:
            raise _PassingError(f"{_shown(url)} does not answer within {self.policy.timeout:g} s") from error
        except (httpx2.NetworkError, httpx2.RemoteProtocolError, httpx2.ProxyError) as error:
            raise _PassingError(f"cannot get {_shown(url)}: {error}") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ChartError(f"cannot get {_shown(url)}: {type(error).__name__}") from error
        raise ChartError(f"{_shown(first)} redirects more than {MAX_REDIRECTS} times")

    def _body(self, response: httpx2.Response, limit: int, deadline: float, report: _Report | None) -> bytes:
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        data = bytearray()
        for piece in response.iter_raw() if report else response.iter_bytes():
            data += piece
            if len(data) > limit or (total or 0) > limit:
                raise ChartError(f"{_shown(response.url)} is larger than {limit // MIB} MiB")
            if time.monotonic() > deadline:
                raise ChartError(f"{_shown(response.url)} takes longer than {self.policy.deadline:g} s")
            if self.stop.is_set():
                raise ChartError("stopped")
            if report:
                report(len(data), total)
        return bytes(data)


def _url(text: str) -> httpx2.URL:
    try:
        return httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError) as error:
        raise ChartError(f"{redacted(text)} is no address") from error


def _shown(url: httpx2.URL) -> str:
    return redacted(str(url))


def _refuse_unsafe(url: httpx2.URL, origin: httpx2.URL) -> None:
    """Only HTTPS, also after a redirect; plain HTTP only where a repository on this machine speaks it."""
    if url.scheme == "oci":
        raise ChartError(
            "it is an OCI registry, which depin-helm does not pull from",
            hint="run `helm pull oci://…` and then `depin-helm charts import FILE`",
        )
    if url.scheme != "https" and not (url.scheme == origin.scheme == "http" and _loopback(url)):
        raise ChartError(f"{_shown(url)} is not HTTPS")


def _loopback(url: httpx2.URL) -> bool:
    try:
        return ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return url.host == "localhost"
