"""What is ready of the objects that somebody asks about, and why the rest is not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from depin_helm.cluster.causes import Rank, pod_causes, refused_pods
from depin_helm.cluster.objects import Objects
from depin_helm.helm.redaction import redact

Object = Mapping[str, Any]

RELEASE = "meta.helm.sh/release-name"

#: Kinds that make pods, and count them in their status.
WORKLOADS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Job": "batch/v1"}
_PARTS = {**WORKLOADS, "ReplicaSet": "apps/v1", "Pod": "v1", "PersistentVolumeClaim": "v1"}

#: Kinds whose controllers say in a condition whether they work, which Helm does not look at.
CONDITIONED = {
    ("cert-manager.io/v1", "Certificate"): "Ready",
    ("cert-manager.io/v1", "Issuer"): "Ready",
    ("cert-manager.io/v1", "ClusterIssuer"): "Ready",
    ("monitoring.coreos.com/v1", "Prometheus"): "Available",
    ("monitoring.coreos.com/v1", "Alertmanager"): "Available",
}


class Ref(NamedTuple):
    """An object by its name; `namespace` is "" for one of the whole cluster."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def ref(obj: Object) -> Ref:
    """What the object is called."""
    return Ref(obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"])


def pods(workload: Object) -> tuple[int, int]:
    """How many of a workload's pods are (ready, wanted); only pods of its newest state count as ready."""
    spec, status = workload.get("spec") or {}, workload.get("status") or {}
    if workload["kind"] == "Job":
        wanted = 0 if spec.get("suspend") else spec.get("completions") or 1
        return min(status.get("succeeded", 0), wanted), wanted
    if workload["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        ready = min(status.get("numberReady", 0), status.get("updatedNumberScheduled", 0))
    else:
        wanted = spec.get("replicas", 1)
        ready = min(status.get("readyReplicas", 0), status.get("updatedReplicas", 0))
    seen = status.get("observedGeneration", 0) >= workload["metadata"].get("generation", 0)
    return (min(ready, wanted) if seen else 0), wanted


def progress(cluster: Objects, objects: Iterable[Object]) -> tuple[int, int]:
    """(ready, wanted) pods of the objects; what is not there yet counts by its manifest."""
    asked = {ref(obj): obj for obj in objects}
    there = {ref(obj): pods(obj) for obj in _asked_for(_read(cluster, WORKLOADS, _namespaces(asked)), asked)}
    absent = [pods(obj) for name, obj in asked.items() if name.kind in WORKLOADS and name not in there]
    counts = [*there.values(), *absent]
    return sum(ready for ready, _ in counts), sum(wanted for _, wanted in counts)


def release_pods(cluster: Objects) -> dict[str, tuple[int, int]]:
    """(ready, wanted) pods of each release of the cluster."""
    counts: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    owners: dict[tuple[str, str], dict[str, str]] = {}
    for workload in _read(cluster, WORKLOADS, [None]):
        release = _release(workload["metadata"])
        controller = _controller(workload)
        if not release and controller and controller["kind"] not in (*WORKLOADS, "CronJob"):
            # Made by an operator from an object of a release, as Prometheus' StatefulSet is.
            kind = (controller["apiVersion"], controller["kind"])
            if kind not in owners:
                found = cluster.list_metadata(*kind) if cluster.knows(*kind) else []
                owners[kind] = {each["metadata"]["uid"]: _release(each["metadata"]) for each in found}
            release = owners[kind].get(controller["uid"], "")
        if release:
            ready, wanted = pods(workload)
            counts[release] = (counts[release][0] + ready, counts[release][1] + wanted)
    return dict(counts)


def release_jobs(cluster: Objects, release: str, namespace: str) -> list[Object]:
    """The release's Jobs, hooks aside; also those of a revision that failed, which Helm leaves behind."""
    found = _read(cluster, {"Job": WORKLOADS["Job"]}, [namespace])
    return [job for job in found if _release(job["metadata"]) == release]


def has_failed(job: Object) -> bool:
    """Whether the Job has failed: it is never started again, and in place for Helm."""
    return any(
        condition["type"] == "Failed" and condition["status"] == "True"
        for condition in (job.get("status") or {}).get("conditions") or ()
    )


def conditions_not_ready(cluster: Objects, objects: Iterable[Object]) -> tuple[str, ...]:
    """Of the objects whose controllers say whether they work, what those say that do not; empty if all do."""
    asked = [(obj["apiVersion"], ref(obj)) for obj in objects]
    asked = [(version, name) for version, name in asked if (version, name.kind) in CONDITIONED]
    places = sorted({(version, name.kind, name.namespace) for version, name in asked})
    known = [place for place in places if cluster.knows(place[0], place[1])]
    lists = cluster.each(lambda place: cluster.list(place[0], place[1], place[2] or None), known)
    there = {ref(obj): obj for found in lists for obj in found}
    causes = []
    for version, name in asked:
        if name not in there:
            causes.append(f"{name}: is not there")
        elif (cause := _unmet(there[name], CONDITIONED[version, name.kind])) is not None:
            causes.append(f"{name}: {redact(cause) or 'nobody has looked at it yet'}")
    return tuple(causes)


def _unmet(obj: Object, wanted: str) -> str | None:
    """What an object's condition says against it; None if it is met, for the object as it is now."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    found: Object = next((each for each in conditions if each["type"] == wanted), {})
    current = found.get("observedGeneration", 0) in (0, obj["metadata"].get("generation", 0))
    return None if found.get("status") == "True" and current else found.get("message", "")


def why_not_ready(cluster: Objects, objects: Iterable[Object]) -> tuple[str, ...]:
    """What keeps the objects from being ready, in words, most useful first."""
    asked = {ref(obj): obj for obj in objects}
    namespaces = _namespaces(asked)
    parts = _asked_for(_read(cluster, _PARTS, namespaces), asked)
    events = _warnings(cluster, namespaces)
    causes: list[tuple[Rank, str]] = []
    causes += [(Rank.CONDITION, text) for text in conditions_not_ready(cluster, asked.values())]
    causes += _claims(parts, events)
    for workload in (part for part in parts if part["kind"] in WORKLOADS):
        ready, wanted = pods(workload)
        if ready < wanted:
            found = list(_workload(workload, parts, events))
            causes += found or [(Rank.UNEXPLAINED, f"{ref(workload)}: {ready} of {wanted} pods are ready")]
    causes += [
        (Rank.UNEXPLAINED, f"{name}: is not there")
        for name in asked
        if name.kind in WORKLOADS and name not in {ref(part) for part in parts}
    ]
    return tuple(dict.fromkeys(text for _, text in sorted(causes, key=lambda cause: cause[0])))


def _workload(
    workload: Object, parts: Sequence[Object], events: Mapping[str, Sequence[Object]]
) -> Iterator[tuple[Rank, str]]:
    """What keeps a workload's pods from being ready; what several of them share is said once."""
    below = list(_below(workload, parts))
    for part in (workload, *below):
        if part["kind"] != "Pod":
            for reason in refused_pods(part, events.get(part["metadata"]["uid"], ())):
                yield Rank.REFUSED, f"{ref(workload)}: {reason}"
    shared: dict[tuple[Rank, str], int] = defaultdict(int)
    for pod in (part for part in below if part["kind"] == "Pod"):
        for cause in pod_causes(pod, events.get(pod["metadata"]["uid"], ())):
            shared[cause] += 1
    for (rank, reason), count in shared.items():
        yield rank, f"{ref(workload)}: {reason}" + (f" ({count} pods)" if count > 1 else "")


def _claims(parts: Sequence[Object], events: Mapping[str, Sequence[Object]]) -> Iterator[tuple[Rank, str]]:
    """Why volumes are not there."""
    for claim in (part for part in parts if part["kind"] == "PersistentVolumeClaim"):
        if (claim.get("status") or {}).get("phase") != "Pending":
            continue
        storage_class = (claim.get("spec") or {}).get("storageClassName")
        said = [event["message"] for event in events.get(claim["metadata"]["uid"], ())]
        if said:
            yield Rank.VOLUME, f"{ref(claim)}: {redact(said[-1])}"
        elif storage_class is None:
            yield Rank.VOLUME, f"{ref(claim)}: it names no storage class, and the cluster has no default one"
        else:
            yield Rank.SCHEDULING, f"{ref(claim)}: no volume of storage class {storage_class} yet"


def _namespaces(names: Iterable[Ref]) -> list[str | None]:
    return list({name.namespace: None for name in names if name.namespace})


def _read(cluster: Objects, kinds: Mapping[str, str], namespaces: Iterable[str | None]) -> list[Object]:
    """All objects of these kinds in the namespaces; None stands for all namespaces."""
    places = [(version, kind, namespace) for namespace in namespaces for kind, version in kinds.items()]
    return [obj for found in cluster.each(lambda place: cluster.list(*place), places) for obj in found]


def _warnings(cluster: Objects, namespaces: Sequence[str | None]) -> dict[str, list[Object]]:
    """Warning events by the uid of what they are about, newest last."""
    lists = cluster.each(
        lambda namespace: cluster.list("v1", "Event", namespace, field_selector="type=Warning"), namespaces
    )
    events: dict[str, list[Object]] = defaultdict(list)
    for event in sorted((event for found in lists for event in found), key=_when):
        events[event["involvedObject"].get("uid", "")].append(event)
    return events


def _when(event: Object) -> str:
    series = event.get("series") or {}
    return series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or ""


def _asked_for(parts: Sequence[Object], asked: Mapping[Ref, Object]) -> list[Object]:
    """The parts that were asked for, or that belong to what was: owned by it, or a claim of its pods."""
    by_uid = {part["metadata"]["uid"]: part for part in parts}

    def belongs(part: Object, seen: int = 0) -> bool:
        if ref(part) in asked:
            return True
        namespace = part["metadata"].get("namespace", "")
        return seen < 8 and any(
            Ref(owner["kind"], namespace, owner["name"]) in asked
            or (owner["uid"] in by_uid and belongs(by_uid[owner["uid"]], seen + 1))
            for owner in part["metadata"].get("ownerReferences") or ()
        )

    found = [part for part in parts if belongs(part)]
    claims = {
        (pod["metadata"]["namespace"], volume["persistentVolumeClaim"]["claimName"])
        for pod in found
        if pod["kind"] == "Pod"
        for volume in pod["spec"].get("volumes") or ()
        if "persistentVolumeClaim" in volume
    }
    return found + [
        part
        for part in parts
        if part["kind"] == "PersistentVolumeClaim"
        and (part["metadata"]["namespace"], part["metadata"]["name"]) in claims
        and part not in found
    ]


def _below(owner: Object, parts: Sequence[Object]) -> Iterator[Object]:
    """What the object owns, directly or not."""
    for part in parts:
        controller = _controller(part)
        if controller and controller["uid"] == owner["metadata"]["uid"]:
            yield part
            yield from _below(part, parts)


def _controller(obj: Object) -> Object | None:
    owners = obj["metadata"].get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), None)


def _release(metadata: Object) -> str:
    return str((metadata.get("annotations") or {}).get(RELEASE, ""))
