"""Two depin-helm never change a cluster at the same time, and a dead one does not stop the next."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from depin_helm.cluster import Cluster, Lock
from depin_helm.cluster.connection import Connection
from depin_helm.errors import ClusterError, LockedError
from tests.unit.cluster.api import Api

PROCESS = "depin.ai/process"


def lease(api: Api) -> dict[str, Any]:
    return api.get("Lease", "depin-helm", "kube-system")


def held_by(api: Api, cluster: Cluster, process: str | None) -> None:
    """The Lease of a depin-helm that was killed while at work in `process`, or elsewhere for None."""
    lock = cluster.lock("prod", "install")
    left = {**lease(api)}
    lock.release()
    if process is not None:
        left["metadata"]["annotations"][PROCESS] = process
    else:
        left["metadata"]["annotations"][PROCESS] = "another-boot/4026531836/77:1"
    api.put("Lease", "depin-helm", "kube-system", metadata=left["metadata"], spec=left["spec"])


def test_the_second_is_told_who_holds_it(cluster: Cluster) -> None:
    with cluster.lock("prod", "install"):
        with pytest.raises(LockedError, match="install of prod") as caught:
            cluster.lock("staging", "uninstall")
        assert "(process " in caught.value.message
        assert caught.value.exit_code == 8
    with cluster.lock("staging", "uninstall") as lock:
        assert not lock.abandoned


def test_a_holder_that_died_on_this_machine_does_not_count(api: Api, cluster: Cluster) -> None:
    here = Lock.acquire(cluster, "prod", "install")
    place = lease(api)["metadata"]["annotations"][PROCESS].rpartition("/")[0]
    here.release()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    held_by(api, cluster, f"{place}/{ended.pid}:1")
    with cluster.lock("prod", "install") as lock:
        assert lock.abandoned


def test_a_process_of_the_same_number_is_not_the_holder(api: Api, cluster: Cluster) -> None:
    here = Lock.acquire(cluster, "prod", "install")
    ours = lease(api)["metadata"]["annotations"][PROCESS]
    here.release()
    held_by(api, cluster, ours.rpartition(":")[0] + ":1")
    cluster.lock("prod", "install").release()


def test_a_holder_elsewhere_counts_until_its_lease_runs_out(api: Api, cluster: Cluster) -> None:
    held_by(api, cluster, None)
    api.ahead = timedelta(seconds=25)
    with pytest.raises(LockedError):
        cluster.lock("prod", "install")
    api.ahead = timedelta(seconds=35)
    with cluster.lock("prod", "install") as lock:
        assert lock.abandoned


def test_what_a_dead_holder_left_stays_abandoned_until_it_is_settled(api: Api, cluster: Cluster) -> None:
    held_by(api, cluster, None)
    api.ahead = timedelta(seconds=35)
    with cluster.lock("prod", "install") as lock:
        assert lock.abandoned
    with cluster.lock("prod", "install") as lock:
        assert lock.abandoned
        lock.settle()
    with cluster.lock("prod", "install") as lock:
        assert not lock.abandoned


def test_an_interrupted_holder_leaves_its_work_abandoned(cluster: Cluster) -> None:
    with pytest.raises(KeyboardInterrupt), cluster.lock("prod", "install"):
        raise KeyboardInterrupt
    with cluster.lock("prod", "install") as lock:
        assert lock.abandoned
        lock.settle()
    with pytest.raises(ClusterError), cluster.lock("prod", "install"):
        raise ClusterError("an orderly failure")
    with cluster.lock("prod", "install") as lock:
        assert not lock.abandoned


def test_it_is_renewed_while_it_is_held(api: Api, cluster: Cluster) -> None:
    with Lock.acquire(cluster, "prod", "install", duration=1):
        first = lease(api)["spec"]["renewTime"]
        deadline = time.monotonic() + 30
        while lease(api)["spec"]["renewTime"] <= first and time.monotonic() < deadline:
            time.sleep(0.05)
        assert lease(api)["spec"]["renewTime"] > first


def test_whoever_loses_it_is_told(cluster: Cluster) -> None:
    lost = threading.Event()
    lock = Lock.acquire(cluster, "prod", "install", on_lost=lost.set, duration=1)
    cluster.unlock()
    assert lost.wait(5)
    with cluster.lock("prod", "upgrade"):
        lock.release()  # gives nothing back that is somebody else's
        with pytest.raises(LockedError):
            cluster.lock("prod", "install")


def test_whoever_cannot_renew_it_stops_before_somebody_else_begins(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = threading.Event()
    lock = Lock.acquire(cluster, "prod", "install", on_lost=lost.set, duration=6)
    begun = time.monotonic()

    def silent(self: Connection, *_: Any, **__: Any) -> Any:
        time.sleep(self._timeout.read or 0)
        raise ValueError("no answer, and no words for it")

    with monkeypatch.context() as patched:
        patched.setattr(Connection, "request", silent)
        assert lost.wait(30)
        assert 4 < time.monotonic() - begun < 6
    lock.release()


def test_a_process_that_has_ended_holds_nothing(api: Api, cluster: Cluster) -> None:
    ended = subprocess.Popen(["true"])
    try:
        # It is there until somebody asks for its exit code.
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        with cluster.lock("prod", "install"):
            place = lease(api)["metadata"]["annotations"][PROCESS].rpartition("/")[0]
        started = Path(f"/proc/{ended.pid}/stat").read_text().rpartition(")")[2].split()[19]
        held_by(api, cluster, f"{place}/{ended.pid}:{started}")
        with cluster.lock("prod", "install") as lock:
            assert lock.abandoned
    finally:
        ended.wait()


def test_a_cluster_that_is_gone_does_not_keep_us(api: Api, cluster: Cluster) -> None:
    lock = cluster.lock("prod", "install")
    api.replies = [(500, {"message": "gone"}, {})]
    lock.release()


def test_clearing_takes_it_from_whoever_holds_it(cluster: Cluster) -> None:
    assert cluster.unlock() is None
    lock = cluster.lock("prod", "install")
    assert "(process " in (cluster.unlock() or "")
    with cluster.lock("prod", "install") as next_one:
        assert next_one.abandoned
    lock.release()


def test_of_two_at_once_one_gets_it(cluster: Cluster) -> None:
    taken: list[Lock] = []

    def take() -> None:
        with suppress(LockedError):
            taken.append(cluster.lock("prod", "install"))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    taken[0].release()
