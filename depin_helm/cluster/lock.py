"""Keeps two depin-helm off the same cluster: a Lease that its holder renews while it is at work.

One Lease per cluster, not per environment: every environment's releases have the same names and namespaces.
Times in it are the API server's, so the clocks of the machines do not matter. A holder that died on this
machine is recognised at once, one elsewhere when it has not renewed for `leaseDurationSeconds`.
"""

from __future__ import annotations

import getpass
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from depin_helm.cluster.connection import ApiError
from depin_helm.cluster.objects import Objects
from depin_helm.errors import ClusterError, LockedError

log = logging.getLogger(__name__)

API_VERSION, KIND = "coordination.k8s.io/v1", "Lease"
NAMESPACE, NAME = "kube-system", "depin-helm"

#: Seconds without a renewal after which a holder counts as dead. It renews after a third of that, tries for
#: as long again, and counts itself as dead before anybody else does.
DURATION = 30

#: States of a process that has ended, though nobody has taken notice yet.
_DEAD = "ZX"

_ENVIRONMENT = "depin.ai/environment"
_ACTION = "depin.ai/action"
_PROCESS = "depin.ai/process"
_UNSETTLED = "depin.ai/unsettled"


class Lock:
    """The Lease, held until `release` or the end of a `with` block.

    `abandoned` says that an earlier holder died or was interrupted and nobody has cleaned up since: releases
    that are in the middle of something are then nobody's, and may be recovered. Call `settle` once they are.
    Should the Lease be lost (the cluster could not be reached for too long, and somebody else took it),
    `on_lost` is called from another thread: stop changing things.
    """

    def __init__(
        self, cluster: Objects, lease: Mapping[str, Any], abandoned: bool, on_lost: Callable[[], None] | None
    ) -> None:
        self.abandoned = abandoned
        self._settled = not abandoned
        self._cluster = cluster
        self._holder: str = lease["spec"]["holderIdentity"]
        self._since: str = lease["spec"]["acquireTime"]
        self._duration: int = lease["spec"]["leaseDurationSeconds"]
        self._on_lost = on_lost
        self._done = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._renewing.start()

    @classmethod
    def acquire(
        cls,
        cluster: Objects,
        environment: str,
        action: str,
        *,
        on_lost: Callable[[], None] | None = None,
        duration: int = DURATION,
    ) -> Self:
        """Take the Lease.

        Raises:
            LockedError: somebody holds it; says who.
        """
        for _ in range(3):
            current = cluster.get(API_VERSION, KIND, NAME, NAMESPACE)
            if current is not None and _is_held(current, cluster.now()):
                raise _held_error(current)
            wanted = _lease(current, environment, action, duration, cluster.now())
            with suppress(LockedError, ApiError):  # somebody was faster: look again
                lease = cluster.create(wanted) if current is None else cluster.replace(wanted)
                return cls(cluster, lease, _UNSETTLED in lease["metadata"]["annotations"], on_lost)
        raise LockedError("somebody else is taking the lock on the cluster", hint="try again")

    def settle(self) -> None:
        """What the dead holder left has been cleaned up."""
        self._settled = True

    def release(self) -> None:
        """Give the Lease back. A cluster that cannot be reached is no error: the Lease runs out by itself."""
        self._done.set()
        self._renewing.join()
        try:
            lease = self._ours(self._cluster)
            if lease is not None:
                lease["spec"] = {"leaseTransitions": lease["spec"].get("leaseTransitions", 0)}
                if self._settled:
                    lease["metadata"]["annotations"].pop(_UNSETTLED, None)
                else:
                    lease["metadata"]["annotations"][_UNSETTLED] = "true"
                self._cluster.replace(lease)
        except (ClusterError, LockedError) as error:
            log.warning("the lock could not be released: %s", error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not issubclass(kind, Exception):  # interrupted in the middle
            self._settled = False
        self.release()

    def _ours(self, cluster: Objects) -> dict[str, Any] | None:
        lease = cluster.get(API_VERSION, KIND, NAME, NAMESPACE)
        spec = (lease or {}).get("spec") or {}
        ours = spec.get("holderIdentity") == self._holder and spec.get("acquireTime") == self._since
        return lease if ours else None

    def _renew(self) -> None:
        cluster = self._cluster.hasty(self._duration / 15)
        renewed, pause = time.monotonic(), self._duration / 3
        while not self._done.wait(pause):
            begun = time.monotonic()
            if begun - renewed > self._duration * 2 / 3:
                break
            pause = self._duration / 15
            try:
                lease = self._ours(cluster)
                if lease is None:
                    break
                lease["spec"]["renewTime"] = _micro_time(cluster.now())
                cluster.replace(lease)
                renewed, pause = begun, self._duration / 3
            except LockedError:
                continue
            except Exception as error:  # whatever it is, the lock runs out
                log.warning("the lock could not be renewed: %s", error)
        else:
            return
        if not self._done.is_set():
            log.error("the lock on the cluster is lost")
            if self._on_lost is not None:
                self._on_lost()


def clear(cluster: Objects) -> str | None:
    """Take the Lease from whoever holds it, dead or alive; returns who that was, None if nobody did."""
    lease = cluster.get(API_VERSION, KIND, NAME, NAMESPACE)
    if lease is None or not lease["spec"].get("holderIdentity"):
        return None
    who: str = lease["spec"]["holderIdentity"]
    lease["spec"] = {"leaseTransitions": lease["spec"].get("leaseTransitions", 0)}
    lease["metadata"].setdefault("annotations", {})[_UNSETTLED] = "true"
    cluster.replace(lease)
    return who


def _lease(
    current: Mapping[str, Any] | None, environment: str, action: str, duration: int, now: datetime
) -> dict[str, Any]:
    metadata = dict((current or {}).get("metadata") or {"name": NAME, "namespace": NAMESPACE})
    annotations = dict(metadata.get("annotations") or {})
    spec = (current or {}).get("spec") or {}
    if spec.get("holderIdentity"):
        annotations[_UNSETTLED] = "true"
    annotations |= {_ENVIRONMENT: environment, _ACTION: action, _PROCESS: _process(os.getpid()) or ""}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {**metadata, "annotations": annotations},
        "spec": {
            "holderIdentity": f"{_user()}@{socket.gethostname()} (process {os.getpid()})",
            "leaseDurationSeconds": duration,
            "acquireTime": _micro_time(now),
            "renewTime": _micro_time(now),
            "leaseTransitions": spec.get("leaseTransitions", 0) + (1 if current else 0),
        },
    }


def _is_held(lease: Mapping[str, Any], now: datetime) -> bool:
    spec = lease.get("spec") or {}
    if not spec.get("holderIdentity"):
        return False
    place, _, rest = ((lease["metadata"].get("annotations") or {}).get(_PROCESS) or "").rpartition("/")
    if place and place == _place():
        pid, _, _ = rest.partition(":")
        return _process(int(pid)) == f"{place}/{rest}"
    renewed = datetime.fromisoformat(spec.get("renewTime") or spec["acquireTime"])
    return now - renewed < timedelta(seconds=spec.get("leaseDurationSeconds") or DURATION)


def _held_error(lease: Mapping[str, Any]) -> LockedError:
    spec, annotations = lease["spec"], lease["metadata"].get("annotations") or {}
    since = datetime.fromisoformat(spec["acquireTime"]).astimezone()
    return LockedError(
        f"the cluster is locked by {spec['holderIdentity']} since {since:%H:%M:%S}: "
        f"{annotations.get(_ACTION, 'change')} of {annotations.get(_ENVIRONMENT, 'an environment')}",
        hint=f"wait for it; if it has died, its lock runs out after {spec['leaseDurationSeconds']} s",
    )


def _place() -> str:
    """This boot of this machine, and the process ids' namespace in it; "" where Linux' /proc is missing."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    return ""


def _process(pid: int) -> str | None:
    """A name for the process that no later one gets, None if there is no such process here."""
    with suppress(OSError, IndexError):
        # Counted after the name, which may hold anything: field 3, the state, and 22, the start time.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return f"{_place()}/{pid}:{fields[19]}" if fields[0] not in _DEAD else None
    return None


def _user() -> str:
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return str(os.getuid())


def _micro_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
