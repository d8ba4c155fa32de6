"""What is ready, and why the rest is not."""

from __future__ import annotations

from typing import Any

import pytest

from depin_helm.cluster import Cluster
from depin_helm.cluster.workloads import pods
from depin_helm.errors import ClusterError, HelmError
from tests.unit.cluster.api import Api

Object = dict[str, Any]


def workload(kind: str, spec: Object, status: Object, generation: int = 1) -> Object:
    return {"kind": kind, "metadata": {"name": "w", "generation": generation}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("obj", "counts"),
    [
        (workload("Deployment", {}, {}), (0, 1)),
        (
            workload(
                "Deployment",
                {"replicas": 3},
                {"observedGeneration": 1, "readyReplicas": 3, "updatedReplicas": 2},
            ),
            (2, 3),
        ),
        (
            workload(
                "Deployment",
                {"replicas": 2},
                {"observedGeneration": 1, "readyReplicas": 2, "updatedReplicas": 2},
                2,
            ),
            (0, 2),
        ),
        (workload("Deployment", {"replicas": 0}, {"observedGeneration": 1}), (0, 0)),
        (
            workload(
                "StatefulSet",
                {"replicas": 3},
                {"observedGeneration": 1, "readyReplicas": 3, "updatedReplicas": 3},
            ),
            (3, 3),
        ),
        (
            workload(
                "DaemonSet",
                {},
                {
                    "observedGeneration": 1,
                    "desiredNumberScheduled": 3,
                    "numberReady": 2,
                    "updatedNumberScheduled": 3,
                },
            ),
            (2, 3),
        ),
        (workload("Job", {}, {"succeeded": 1}), (1, 1)),
        (workload("Job", {"completions": 2}, {"succeeded": 1}), (1, 2)),
        (workload("Job", {"suspend": True}, {}), (0, 0)),
    ],
)
def test_only_pods_of_the_newest_state_are_ready(obj: Object, counts: tuple[int, int]) -> None:
    assert pods(obj) == counts


def deployment(api: Api, name: str = "web", ready: int = 0, **metadata: Any) -> Object:
    status = {"observedGeneration": 1, "readyReplicas": ready, "updatedReplicas": 1}
    return api.put(
        "Deployment",
        name,
        "n",
        metadata={"generation": 1, **metadata},
        spec={"replicas": 1},
        status=status,
    )


def owned(owner: Object) -> Object:
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    return {"ownerReferences": [reference]}


def pod(api: Api, owner: Object, name: str = "web-1", spec: Object | None = None, **status: Any) -> Object:
    """A pod of a workload; of a Deployment, through a ReplicaSet."""
    if owner["kind"] == "Deployment":
        owner = api.put("ReplicaSet", f"{owner['metadata']['name']}-x", "n", metadata=owned(owner))
    containers = {"containers": [{"name": "main", "image": "registry.example/app:1"}]}
    return api.put(
        "Pod", name, "n", metadata=owned(owner), spec={**containers, **(spec or {})}, status=status
    )


def waiting(reason: str, message: str = "", **more: Any) -> Object:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"name": "main", "state": state, **more}]}


def event(api: Api, about: Object, reason: str, message: str, time: str = "2026-01-01T00:00:00Z") -> None:
    api.put(
        "Event",
        f"{about['metadata']['name']}-{reason}-{time}",
        "n",
        type="Warning",
        reason=reason,
        message=message,
        involvedObject={"uid": about["metadata"]["uid"]},
        lastTimestamp=time,
    )


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (
            waiting("ImagePullBackOff", "Back-off"),
            "container main: image registry.example/app:1 cannot be pulled (ImagePullBackOff): Back-off",
        ),
        (
            waiting(
                "CrashLoopBackOff",
                "back-off 5m0s",
                restartCount=4,
                lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
            ),
            "container main (registry.example/app:1) keeps crashing: exit code 137, OOMKilled, 4 restarts",
        ),
        (
            waiting("CreateContainerConfigError", 'secret "grafana-admin" not found'),
            'container main cannot start (CreateContainerConfigError): secret "grafana-admin" not found',
        ),
        (
            {
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "message": "0/3 nodes available: 3 Insufficient memory. preemption: 0/3",
                    }
                ]
            },
            "no node takes its pod: 0/3 nodes available: 3 Insufficient memory",
        ),
        (
            {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."},
            "Evicted: The node was low on resource: memory.",
        ),
        (waiting("ContainerCreating"), "0 of 1 pods are ready"),
    ],
)
def test_the_cause_is_told_with_the_workload(api: Api, cluster: Cluster, status: Object, told: str) -> None:
    web = deployment(api)
    pod(api, web, **status)
    assert cluster.why_not_ready([web]) == (f"Deployment n/web: {told}",)


def test_init_containers_count_too(api: Api, cluster: Cluster) -> None:
    web = deployment(api)
    init = {"initContainers": [{"name": "init", "image": "registry.example/init:1"}]}
    state = {"waiting": {"reason": "ErrImagePull", "message": ""}}
    pod(api, web, spec=init, initContainerStatuses=[{"name": "init", "state": state}])
    assert cluster.why_not_ready([web]) == (
        "Deployment n/web: container init: image registry.example/init:1 cannot be pulled (ErrImagePull)",
    )


def test_nothing_is_said_of_what_is_ready_or_was_not_asked_about(api: Api, cluster: Cluster) -> None:
    web, other = deployment(api, "web", ready=1), deployment(api, "other")
    pod(api, other, "other-1", **waiting("ImagePullBackOff"))
    assert cluster.why_not_ready([web]) == ()


def test_what_pods_share_is_told_once(api: Api, cluster: Cluster) -> None:
    web = deployment(api)
    for name in ("web-1", "web-2", "web-3"):
        pod(api, web, name, **waiting("ImagePullBackOff"))
    (cause,) = cluster.why_not_ready([web])
    assert cause.endswith("(ImagePullBackOff) (3 pods)")


def test_a_refusal_by_pod_security_is_told(api: Api, cluster: Cluster) -> None:
    web = deployment(api)
    replicas = api.put("ReplicaSet", "web-x", "n", metadata=owned(web))
    event(api, replicas, "FailedCreate", 'Error creating: pods "web-x-1" is forbidden: exceeded quota: old')
    event(
        api,
        replicas,
        "FailedCreate",
        'Error creating: pods "web-x-2" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot',
        "2026-01-02T00:00:00Z",
    )
    assert cluster.why_not_ready([web]) == (
        'Deployment n/web: its pods are refused: violates PodSecurity "restricted:latest": runAsNonRoot',
    )


def test_a_volume_that_is_not_there_is_told_before_what_follows_from_it(api: Api, cluster: Cluster) -> None:
    database = api.put("StatefulSet", "db", "n", metadata={"generation": 1}, spec={"replicas": 1}, status={})
    unbound = {"type": "PodScheduled", "status": "False", "message": "pod has unbound claims"}
    volumes = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}]}
    pod(api, database, "db-0", spec=volumes, conditions=[unbound])
    claim = api.put(
        "PersistentVolumeClaim",
        "data-db-0",
        "n",
        spec={"storageClassName": "fast"},
        status={"phase": "Pending"},
    )
    event(api, claim, "ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')
    assert cluster.why_not_ready([database]) == (
        'PersistentVolumeClaim n/data-db-0: storageclass.storage.k8s.io "fast" not found',
        "StatefulSet n/db: no node takes its pod: pod has unbound claims",
    )


def test_a_claim_without_a_storage_class_is_told(api: Api, cluster: Cluster) -> None:
    claim = api.put("PersistentVolumeClaim", "data", "n", spec={}, status={"phase": "Pending"})
    (cause,) = cluster.why_not_ready([claim])
    assert "no storage class" in cause


def test_mounts_and_probes_are_told_from_events(api: Api, cluster: Cluster) -> None:
    web = deployment(api)
    running = {"name": "main", "state": {"running": {}}, "ready": False}
    about = pod(api, web, containerStatuses=[running])
    event(api, about, "FailedMount", 'MountVolume.SetUp failed for volume "tls" : secret "tls" not found')
    event(api, about, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
    assert cluster.why_not_ready([web]) == (
        "Deployment n/web: a volume cannot be mounted: MountVolume.SetUp failed for volume "
        '"tls" : secret "tls" not found',
        "Deployment n/web: container main runs and is not healthy: Readiness probe failed: HTTP probe failed "
        "with statuscode: 503",
    )


def test_a_job_that_gave_up_says_why(api: Api, cluster: Cluster) -> None:
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}
    job = api.put("Job", "setup", "n", spec={}, status={"conditions": [failed]})
    assert cluster.why_not_ready([job]) == ("Job n/setup: BackoffLimitExceeded: too often",)


def test_the_last_line_of_a_job_that_failed_is_told(api: Api, cluster: Cluster) -> None:
    job = api.put("Job", "setup", "n", spec={}, status={})
    said = "again: nobody is there\nfailed: PUT /a: 403 no rights\n"
    ended = {"name": "main", "state": {"terminated": {"exitCode": 1, "message": said}}}
    pod(api, job, "setup-1", phase="Failed", containerStatuses=[ended])
    assert cluster.why_not_ready([job]) == (
        "Job n/setup: container main (registry.example/app:1) ended with exit code 1: "
        "failed: PUT /a: 403 no rights",
    )


def test_jobs_of_a_release_that_failed_are_deleted_and_no_others(api: Api, cluster: Cluster) -> None:
    mine = {"annotations": {"meta.helm.sh/release-name": "depin-a"}}
    failed = {"conditions": [{"type": "Failed", "status": "True"}]}
    api.put("Job", "failed", "n", metadata=mine, status=failed)
    api.put("Job", "elsewhere", "other", metadata=mine, status=failed)
    api.put(
        "Job", "done", "n", metadata=mine, status={"conditions": [{"type": "Complete", "status": "True"}]}
    )
    api.put("Job", "running", "n", metadata=mine, status={"active": 1, "failed": 3})
    api.put("Job", "a-hook", "n", status=failed)
    cluster.forget_failed_jobs("depin-a", "n")
    assert jobs(api) == {"elsewhere", "done", "running", "a-hook"}


def test_jobs_of_a_revision_that_helm_has_forgotten_are_taken_away(api: Api, cluster: Cluster) -> None:
    mine = {"annotations": {"meta.helm.sh/release-name": "depin-a"}}
    other = {"annotations": {"meta.helm.sh/release-name": "depin-b"}}
    wanted = api.put("Job", "setup-1", "n", metadata=mine)
    api.put("Job", "setup-0", "n", metadata=mine, status={"active": 1})
    api.put("Job", "setup-0-of-another", "n", metadata=other)
    api.put("Job", "a-hook", "n")
    cluster.forget_other_jobs("depin-a", "n", [wanted])
    assert jobs(api) == {"setup-1", "setup-0-of-another", "a-hook"}
    cluster.forget_other_jobs("depin-a", "n")
    assert jobs(api) == {"setup-0-of-another", "a-hook"}


def jobs(api: Api) -> set[str]:
    return {path.rpartition("/")[2] for path in api.objects if "/jobs/" in path}


def test_a_pod_that_has_done_its_work_is_no_cause(api: Api, cluster: Cluster) -> None:
    job = api.put("Job", "setup", "n", spec={"completions": 2}, status={"succeeded": 1})
    done = pod(api, job, "setup-1", phase="Succeeded")
    event(api, done, "FailedMount", "too early")
    assert cluster.why_not_ready([job]) == ("Job n/setup: 1 of 2 pods are ready",)


def test_what_an_operator_made_of_an_object_belongs_to_it(api: Api, cluster: Cluster) -> None:
    prometheus = api.put(
        "Prometheus", "main", "n", metadata={"annotations": {"meta.helm.sh/release-name": "r"}}
    )
    made = api.put(
        "StatefulSet",
        "prometheus-main",
        "n",
        metadata={"generation": 1, **owned(prometheus)},
        spec={"replicas": 2},
        status={"observedGeneration": 1, "readyReplicas": 1, "updatedReplicas": 2},
    )
    pod(api, made, "prometheus-main-0", **waiting("ErrImagePull"))
    assert cluster.pods_progress([prometheus]) == (1, 2)
    assert cluster.release_pods() == {"r": (1, 2)}
    cause, condition = cluster.why_not_ready([prometheus])
    assert condition == "Prometheus n/main: nobody has looked at it yet"
    assert cause.startswith("StatefulSet n/prometheus-main: container main: image")


def test_pods_are_counted_by_release(api: Api, cluster: Cluster) -> None:
    for name, release, ready in (("a", "r", 1), ("b", "r", 0), ("c", "s", 1), ("d", None, 1)):
        annotations = {"meta.helm.sh/release-name": release} if release else {}
        deployment(api, name, ready, annotations=annotations)
    assert cluster.release_pods() == {"r": (1, 2), "s": (1, 1)}


def test_what_is_not_there_yet_counts_as_wanted(api: Api, cluster: Cluster) -> None:
    there = deployment(api, "there", ready=1)
    absent = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "absent", "namespace": "n"},
        "spec": {"replicas": 3},
    }
    assert cluster.pods_progress([there, absent]) == (1, 4)
    assert "StatefulSet n/absent: is not there" in cluster.why_not_ready([there, absent])


def test_certificates_and_issuers_are_waited_for(api: Api, cluster: Cluster) -> None:
    def ready(status: str, message: str = "") -> Object:
        return {"conditions": [{"type": "Ready", "status": status, "message": message}]}

    issuer = api.put("ClusterIssuer", "ca", status=ready("True"))
    certificate = api.put("Certificate", "web", "n", status=ready("False", "issuer is not ready"))
    ignored = deployment(api)
    with pytest.raises(HelmError) as caught:
        cluster.wait_ready([issuer, certificate, ignored], 0.0)
    assert caught.value.causes == ("Certificate n/web: issuer is not ready",)
    api.put("Certificate", "web", "n", status=ready("True"))
    cluster.wait_ready([issuer, certificate, ignored], 0.0)
    cluster.wait_ready([ignored], 0.0)


def test_an_issuer_that_nobody_has_looked_at_is_not_ready(api: Api, cluster: Cluster) -> None:
    issuer = api.put("ClusterIssuer", "ca")
    assert cluster.why_not_ready([issuer]) == ("ClusterIssuer ca: nobody has looked at it yet",)


@pytest.mark.parametrize("kind", ["Prometheus", "Alertmanager"])
def test_an_operators_object_is_waited_for_until_it_is_available(
    api: Api, cluster: Cluster, kind: str
) -> None:
    unavailable = {"type": "Available", "status": "False", "message": "no pod runs", "observedGeneration": 2}
    wanted = api.put(kind, "main", "n", metadata={"generation": 2}, status={"conditions": [unavailable]})
    with pytest.raises(HelmError) as caught:
        cluster.wait_ready([wanted], 0)
    assert caught.value.causes == (f"{kind} n/main: no pod runs",)

    stale = {"type": "Available", "status": "True", "observedGeneration": 1}
    api.put(kind, "main", "n", metadata={"generation": 2}, status={"conditions": [stale]})
    with pytest.raises(HelmError):
        cluster.wait_ready([wanted], 0)

    api.put(
        kind,
        "main",
        "n",
        metadata={"generation": 2},
        status={"conditions": [{**stale, "observedGeneration": 2}]},
    )
    cluster.wait_ready([wanted], 0)


def test_what_was_deleted_is_waited_for(api: Api, cluster: Cluster) -> None:
    deployment(api, "held")
    held, gone = ("apps/v1", "Deployment", "held", "n"), ("apps/v1", "Deployment", "gone", "n")
    with pytest.raises(ClusterError, match="still there after 0 s: Deployment n/held"):
        cluster.wait_gone({"Deployment n/held": held, "Deployment n/gone": gone}, 0.0)
    cluster.wait_gone({"Deployment n/gone": gone}, 0.0)
