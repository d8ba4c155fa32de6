"""Reads a pod's state and events, and says in words what keeps it from being ready."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from depin_helm.helm.redaction import redact

Object = Mapping[str, Any]

_LONGEST = 400


class Rank(enum.IntEnum):
    """How near a cause is to what has to be mended; lower is nearer."""

    IMAGE = 0
    CONTAINER = 1
    REFUSED = 2
    CONDITION = 3
    VOLUME = 4
    MOUNT = 5
    SCHEDULING = 6
    UNHEALTHY = 7
    UNEXPLAINED = 8


_IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_STILL_STARTING = ("ContainerCreating", "PodInitializing", "")


def pod_causes(pod: Object, events: Sequence[Object]) -> Iterator[tuple[Rank, str]]:
    """What keeps the pod from being ready; nothing if it is, or if it simply has not got there yet."""
    status = pod.get("status") or {}
    conditions = {condition["type"]: condition for condition in status.get("conditions") or ()}
    if status.get("phase") == "Succeeded" or conditions.get("Ready", {}).get("status") == "True":
        return
    # What its containers ended with says more, below.
    if status.get("phase") == "Failed" and ("reason" in status or not status.get("containerStatuses")):
        yield Rank.CONTAINER, _sentence(status.get("reason", "its pod failed"), status.get("message", ""))
    if conditions.get("PodScheduled", {}).get("status") == "False":
        # What follows is about preemption, the same for every pod of a normal priority.
        why = re.split(r"\. (?:no new claims|preemption:)", conditions["PodScheduled"].get("message", ""))[0]
        yield Rank.SCHEDULING, _sentence("no node takes its pod", why)
    images = {
        container["name"]: container.get("image", "")
        for container in (*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"])
    }
    states = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    for container in states:
        yield from _container(container, images.get(container["name"], ""), events)
    for event in _newest_of_each(events, "FailedMount", "FailedAttachVolume"):
        yield Rank.MOUNT, _sentence("a volume cannot be mounted", event["message"])


def _container(container: Object, image: str, events: Sequence[Object]) -> Iterator[tuple[Rank, str]]:
    name, state = container["name"], container.get("state") or {}
    waiting = state.get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    if reason in _IMAGE_REASONS:
        yield Rank.IMAGE, _sentence(f"container {name}: image {image} cannot be pulled ({reason})", message)
    elif reason == "CrashLoopBackOff":
        how = f"exit code {ended['exitCode']}" if "exitCode" in ended else "it ends again and again"
        why = f", {ended['reason']}" if ended.get("reason") not in (None, "Error") else ""
        times = f"{container.get('restartCount', 0)} restarts"
        yield Rank.CONTAINER, f"container {name} ({image}) keeps crashing: {how}{why}, {times}"
    elif reason not in _STILL_STARTING:
        yield Rank.CONTAINER, _sentence(f"container {name} cannot start ({reason})", message)
    elif ended.get("exitCode") and "running" not in state:
        last = (ended.get("message") or "").strip().rpartition("\n")[2]
        yield (
            Rank.CONTAINER,
            _sentence(f"container {name} ({image}) ended with exit code {ended['exitCode']}", last),
        )
    elif "running" in state and not container.get("ready"):
        for event in _newest_of_each(events, "Unhealthy"):
            yield Rank.UNHEALTHY, _sentence(f"container {name} runs and is not healthy", event["message"])


def refused_pods(workload: Object, events: Sequence[Object]) -> Iterator[str]:
    """Why a workload may not make its pods, or gave up: admission, quota, a Job's failures."""
    for event in _newest_of_each(events, "FailedCreate"):
        refusal = re.sub(r"^(Error creating: |create .*? failed error: )", "", event["message"])
        yield _sentence("its pods are refused", re.sub(r'^pods "[^"]*" is forbidden: ', "", refusal))
    for condition in (workload.get("status") or {}).get("conditions") or ():
        if condition["type"] == "Failed" and condition["status"] == "True":
            yield _sentence(condition.get("reason", "failed"), condition.get("message", ""))


def _newest_of_each(events: Iterable[Object], *reasons: str) -> Iterator[Object]:
    """For each of the reasons its newest event; events come oldest first."""
    newest = {event["reason"]: event for event in events if event["reason"] in reasons}
    yield from newest.values()


def _sentence(lead: str, rest: str) -> str:
    said = " ".join(redact(rest).split())
    return f"{lead}: {said[:_LONGEST]}" if said else lead
