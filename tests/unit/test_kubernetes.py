"""Kubernetes objects within values: what the API server takes is taken, what it refuses or drops is found."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from depin_helm import yamlio
from depin_helm.checks.kubernetes import Api, Problem
from tests.tier import ROOT

#: A CRD as prometheus-operator writes them, cut down.
QUANTITY = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE])?$"
CLAIM = {
    "type": "object",
    "properties": {
        "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
        "spec": {
            "type": "object",
            "properties": {
                "storageClassName": {"type": "string"},
                "resources": {
                    "type": "object",
                    "properties": {
                        "requests": {
                            "type": "object",
                            "additionalProperties": {
                                "anyOf": [{"type": "integer"}, {"type": "string"}],
                                "pattern": QUANTITY,
                                "x-kubernetes-int-or-string": True,
                            },
                        }
                    },
                },
            },
        },
    },
}
COPIED_TOLERATIONS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            **{key: {"type": "string"} for key in ("effect", "key", "operator", "value")},
            "tolerationSeconds": {"type": "integer"},
        },
    },
}
#: With a key of its own.
COPIED_SPREADING = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            **{
                key: {"type": "string"}
                for key in (
                    *("more", "nodeAffinityPolicy", "nodeTaintsPolicy"),
                    *("topologyKey", "whenUnsatisfiable"),
                )
            },
            **{key: {"type": "integer"} for key in ("maxSkew", "minDomains")},
            "labelSelector": {"type": "object"},
            "matchLabelKeys": {"type": "array", "items": {"type": "string"}},
        },
    },
}
CRDS: Mapping[str, Any] = {
    "Prometheus": {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": {
                "type": "object",
                "required": ["selector"],
                "properties": {
                    "storage": {"type": "object", "properties": {"volumeClaimTemplate": CLAIM}},
                    "tolerations": COPIED_TOLERATIONS,
                    "topologySpreadConstraints": COPIED_SPREADING,
                    "selector": {"type": "object"},
                    "retention": {
                        "type": "string",
                        "pattern": "^(0|(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)ms)?)$",
                    },
                    "retentionSize": {
                        "type": "string",
                        "pattern": "(^0|([0-9]*[.])?[0-9]+((K|M|G|T|E|P)i?)?B)$",
                    },
                    "queryLimit": {"type": "integer", "minimum": 1},
                    "mode": {"type": "string", "enum": ["Fast", "fast", "Slow", "slow"]},
                    "days": {"type": "string", "pattern": "^(?i)(sun)$|^(?i)mon$"},
                    "password": {"type": "string", "minLength": 1},
                    "sources": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "properties": {"name": {"type": "string"}},
                            "x-kubernetes-preserve-unknown-fields": True,
                        },
                    },
                },
            },
            "status": {"type": "object", "properties": {"phase": {"type": "string"}}},
        },
    }
}


@pytest.fixture(scope="module")
def api() -> Api:
    return Api.load(ROOT / "schema/kubernetes.json")


def found(api: Api, place: str, value: str) -> tuple[Problem, ...]:
    """Problems of a value, as YAML, at `Kind.path.to.it`, or `.path` where nobody knows the kind."""
    kind, *path = place.split(".")
    candidates = api.candidates(kind, tuple(path), CRDS)
    assert candidates
    return api.check(yamlio.load(value), candidates)


# --- what is right -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(*case.values(), id=f"{number} {case['place']}")
        for number, case in enumerate(
            yamlio.load(Path(__file__).with_name("kubernetes_objects.yaml").read_text())
        )
    ],
)
def test_what_charts_and_their_examples_hold_is_accepted(api: Api, place: str, value: Any) -> None:
    kind, *path = place.split(".")
    candidates = api.candidates(kind, tuple(path), CRDS)
    assert candidates
    assert api.check(value, candidates) == ()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (".tolerations", "[{key: '{{ .Values.key }}', effect: '{{ .Values.effect }}'}]"),
        (".tolerations", "'{{ .Values.tolerations }}'"),
        (".tolerations", "null"),
        (".tolerations", "[{key: gpu, value: null}]"),
        (".tolerations", "|\n  - key: gpu\n    operator: Exists\n"),
        (".tolerations.*", "{key: gpu}"),
        (
            ".resources",
            "{limits: {cpu: 0.5, memory: 2Gi, nvidia.com/gpu: 1}, requests: {cpu: 1e3, memory: 1.5e9}}",
        ),
        (".resources", "{limits: {cpu: '+.5', memory: 5.Ki, ephemeral-storage: 10E}}"),
        (".strategy", "{rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}"),
        (".livenessProbe", "{httpGet: {path: /, port: http}, periodSeconds: 1e1}"),
        (".priority", "-1000"),
        (".imagePullPolicy", "''"),
        ("PodDisruptionBudget.spec.maxUnavailable", "false"),
        ("ConfigMap.data.config", "{a map: that the template writes as text}"),
        (".resources", "{limits: {hugepages-2Mi: 80Mi, example.com/gpu: 1}}"),
        ("Prometheus.spec.topologySpreadConstraints", "[{topologyKey: zone, more: x}]"),
        ("Prometheus.spec.days", "Sun"),
        ("Prometheus.spec.sources", "[{anything: goes}]"),
        ("Prometheus.spec.selector", "{anything: goes}"),
        ("Prometheus.spec.storage.volumeClaimTemplate", "{metadata: {name: x}, spec: {}}"),
    ],
)
def test_what_only_looks_wrong_is_accepted(api: Api, place: str, value: str) -> None:
    assert found(api, place, value) == ()


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("", ()),
        ("", ("spec",)),
        ("", ("scrape_configs",)),
        ("", ("data", "pod.yaml", "spec", "volumes")),
        ("", ("prometheus", "labels")),
        ("", ("config",)),
        ("Certificate", ("spec", "resources")),
        ("Deployment", ("spec", "nobody")),
        ("Deployment", ("spec", "tolerations")),
    ],
)
def test_nothing_is_said_of_a_place_that_nobody_knows(api: Api, kind: str, path: tuple[str, ...]) -> None:
    assert api.candidates(kind, path, CRDS) == ()
    assert api.check({"labels": True}, ()) == ()


# --- what is wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (
            "StatefulSet.spec.volumeClaimTemplates.spec",
            "{accessModes: [ReadWriteOnce], resources: {request: {storage: 1Gi}}}",
            Problem(("resources", "request"), "unknown key", "did you mean requests?"),
        ),
        (
            ".resources",
            "{limits: {memry: 1Gi, cpu: 1}}",
            Problem(("limits", "memry"), "no such resource", "did you mean memory?"),
        ),
        (
            ".resources",
            "{requests: {mem: 1Gi}}",
            Problem(("requests", "mem"), "no such resource", "did you mean memory?"),
        ),
        (
            ".resources",
            "{requests: {cpus: 1}}",
            Problem(("requests", "cpus"), "no such resource", "did you mean cpu?"),
        ),
        (
            ".resources",
            "{requests: {gpu-of-sorts: 1}}",
            Problem(
                ("requests", "gpu-of-sorts"), "no such resource", "known: cpu, ephemeral-storage, memory"
            ),
        ),
        (
            "StatefulSet.spec.volumeClaimTemplates.spec",
            "{resources: {requests: {memory: 1Gi}}}",
            Problem(("resources", "requests", "memory"), "no such resource", "known: storage"),
        ),
        (
            ".volumes",
            "[{name: a, secret: {name: b}}]",
            Problem((0, "secret", "name"), "unknown key", "did you mean secretName?"),
        ),
        (
            "Prometheus.spec.topologySpreadConstraints",
            "[{maxSkew: 1, whenUnsatisfiable: ScheduleAnyways, topologyKey: zone, more: x}]",
            Problem(
                (0, "whenUnsatisfiable"),
                "must be one of: DoNotSchedule, ScheduleAnyway",
                "did you mean ScheduleAnyway?",
            ),
        ),
        (".nodeSelector", "{gpu: true}", Problem(("gpu",), "must be text, not a boolean", "quote it")),
        (".env", "[{name: A, value: 8080}]", Problem((0, "value"), "must be text, not a number", "quote it")),
        (".annotations", "{a: 1.5}", Problem(("a",), "must be text, not a fraction", "quote it")),
        (
            ".tolerations",
            "{key: a}",
            Problem((), "must be a list, not a mapping", "begin each item with `- `"),
        ),
        (".affinity", "[a]", Problem((), "must be a mapping, not a list", "check the indentation")),
        (
            ".tolerations",
            "[{key: a, efect: NoSchedule}]",
            Problem((0, "efect"), "unknown key", "did you mean effect?"),
        ),
        (
            ".hostAliases",
            "[{hostNames: [a], ip: x}]",
            Problem((0, "hostNames"), "unknown key", "did you mean hostnames?"),
        ),
        (
            ".tolerations",
            "[{effect: noSchedule}]",
            Problem(
                (0, "effect"),
                "must be one of: NoExecute, NoSchedule, PreferNoSchedule",
                "did you mean NoSchedule?",
            ),
        ),
        (
            ".affinity",
            "{nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
            "{nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exist}]}]}}}",
            Problem(
                (
                    *(
                        "nodeAffinity",
                        "requiredDuringSchedulingIgnoredDuringExecution",
                        "nodeSelectorTerms",
                        0,
                    ),
                    *("matchExpressions", 0, "operator"),
                ),
                "must be one of: DoesNotExist, Exists, Gt, In, Lt, NotIn",
                "did you mean Exists?",
            ),
        ),
        (".volumeMounts", "[{name: a}]", Problem((0, "mountPath"), "is missing")),
        (".env", "[{nam: A}]", Problem((0, "nam"), "unknown key", "did you mean name?")),
        (
            ".resources",
            "{limits: {memory: 512mb}}",
            Problem(
                ("limits", "memory"),
                "must be a quantity, such as 500m or 2Gi",
                "units are m, k, M, G, T, P, E and Ki, Mi, Gi, Ti, Pi, Ei",
            ),
        ),
        (".resources", "{limits: {cpu: -1}}", Problem(("limits", "cpu"), "must not be negative")),
        (".resources", "{limits: {cpu: -100m}}", Problem(("limits", "cpu"), "must not be negative")),
        (
            ".resources",
            "{limits: {cpu: true}}",
            Problem(("limits", "cpu"), "must be a quantity, such as 500m or 2Gi, not a boolean"),
        ),
        (".resources", "{cpu: 1}", Problem(("cpu",), "unknown key", "known: claims, limits, requests")),
        (
            ".livenessProbe",
            "{periodSeconds: '5'}",
            Problem(("periodSeconds",), "must be a whole number, not text", "remove the quotes"),
        ),
        (
            ".livenessProbe",
            "{periodSeconds: 5s}",
            Problem(("periodSeconds",), "must be a whole number, not text"),
        ),
        (
            ".livenessProbe",
            "{periodSeconds: 1.5}",
            Problem(("periodSeconds",), "must be a whole number, not a fraction"),
        ),
        (".livenessProbe", "{failureThreshold: -1}", Problem(("failureThreshold",), "must not be negative")),
        (
            ".livenessProbe",
            "{httpGet: {port: http, initialDelaySeconds: 3}}",
            Problem(("httpGet", "initialDelaySeconds"), "unknown key", "it belongs one level up"),
        ),
        (
            ".livenessProbe",
            "{httpGet: {port: 1.5}}",
            Problem(("httpGet", "port"), "must be a whole number or text, not a fraction"),
        ),
        ("Service.spec.ports", "[{port: 80800}]", Problem((0, "port"), "must be at most 65535")),
        (
            "Deployment.spec.strategy",
            "{rollingUpdate: {maxSurge: -1}}",
            Problem(("rollingUpdate", "maxSurge"), "must not be negative"),
        ),
        (
            ".securityContext",
            "{runAsNonRoot: 'true'}",
            Problem(("runAsNonRoot",), "must be true or false, not text", "remove the quotes"),
        ),
        (
            ".env",
            "[{name: A, value: {b: c}}]",
            Problem((0, "value"), "must be text, not a mapping", "check the indentation"),
        ),
        (
            "Prometheus.spec.storage",
            "{volumeClaimTemplate: {resources: {}}}",
            Problem(("volumeClaimTemplate", "resources"), "unknown key", "did you mean spec.resources?"),
        ),
        (
            "Prometheus.spec.storage",
            "{volumeClaimTemplate: {metadata: {resources: {}}}}",
            Problem(
                ("volumeClaimTemplate", "metadata", "resources"),
                "unknown key",
                "did you mean spec.resources, beside the map that it is in?",
            ),
        ),
        (
            "Prometheus.spec.storage.volumeClaimTemplate.spec.resources",
            "{requests: {storage: 2GB}}",
            Problem(
                ("requests", "storage"),
                "must be a quantity, such as 500m or 2Gi",
                "units are m, k, M, G, T, P, E and Ki, Mi, Gi, Ti, Pi, Ei",
            ),
        ),
        # prometheus-operator's copy of a toleration lacks the words; the API's own has them.
        (
            "Prometheus.spec.tolerations",
            "[{operator: Exist}]",
            Problem((0, "operator"), "must be one of: Equal, Exists, Gt, Lt", "did you mean Exists?"),
        ),
        ("Prometheus.spec.retention", "ten days", Problem((), "must be a duration, such as 30s or 1h30m")),
        ("Prometheus.spec.queryLimit", "-4", Problem((), "must be at least 1")),
        ("Prometheus.spec.mode", "Slowly", Problem((), "must be one of: Fast, Slow", "did you mean Slow?")),
        (
            "Prometheus.metadata.labels",
            "{a: true}",
            Problem(("a",), "must be text, not a boolean", "quote it"),
        ),
        ("Certificate.metadata.labels", "{a: 1}", Problem(("a",), "must be text, not a number", "quote it")),
    ],
)
def test_a_mistake_is_found_and_said_once(api: Api, place: str, value: str, problem: Problem) -> None:
    assert found(api, place, value) == (problem,)


def test_all_mistakes_are_found_at_once(api: Api) -> None:
    value = "[{key: 1, operater: Exists, tolerationSeconds: soon}, {effect: Never}]"
    assert [each.path for each in found(api, ".tolerations", value)] == [
        (0, "key"),
        (0, "operater"),
        (0, "tolerationSeconds"),
        (1, "effect"),
    ]


def test_a_map_is_checked_against_the_type_that_it_comes_closest_to(api: Api) -> None:
    """`securityContext` is a pod's or a container's."""
    assert len(api.candidates("", ("securityContext",))) == 2
    assert found(api, ".securityContext", "{fsGroup: 1}") == ()
    assert found(api, ".securityContext", "{capabilities: {drop: [ALL]}}") == ()
    problem = Problem(("capabilities", "dropp"), "unknown key", "did you mean drop?")
    assert found(api, ".securityContext", "{privileged: false, capabilities: {dropp: [ALL]}}") == (problem,)


def test_keys_that_a_template_writes_itself_may_be_missing(api: Api) -> None:
    assert found(api, ".volumes.*", "{emptyDir: {}}") == ()
    assert found(api, ".volumes", "[{emptyDir: {}}]") == (Problem((0, "name"), "is missing"),)


def test_places_end_in_the_longest_chain_of_keys_that_is_known(api: Api) -> None:
    volumes = api.candidates("Deployment", ("spec", "template", "spec", "volumes"))
    assert volumes == api.candidates("", ("volumes",))
    assert volumes == api.candidates("", ("template", "spec", "volumes"))
    assert volumes == api.candidates("", ("podTemplate", "spec", "volumes"))
    assert volumes == api.candidates("StatefulSet", ("volumes",))


@pytest.mark.parametrize(
    "value",
    [
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {b: c}}",
        "{apiVersion: '{{ .Values.version }}', kind: ConfigMap, nobody: knows}",
        "{apiVersion: cert-manager.io/v1, kind: Certificate, spec: {secretName: a}}",
        "{apiVersion: serving.knative.dev/v1, kind: Service, spec: {template: {}}}",
        "{apiVersion: resource.k8s.io/v1alpha3, kind: DeviceTaintRule}",
        "{apiVersion: v1, kind: Service, metadata: {name: a}, status: {old: true}}",
        "{apiVersion: monitoring.coreos.com/v1, kind: Prometheus, metadata: {name: a}, spec: {selector: {}}}",
        "{apiVersion: monitoring.coreos.com/v1, kind: Prometheus, spec: {selector: {}}, status: {old: true}}",
        "{apiVersion: admissionregistration.k8s.io/v1alpha1, kind: MutatingAdmissionPolicy}",
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, roleRef: {kind: Role, name: a}}",
    ],
)
def test_a_whole_object_that_the_api_takes_is_accepted(api: Api, value: str) -> None:
    assert api.check_object(yamlio.load(value), CRDS) == ()


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ("{metadata: {name: a}}", [(("apiVersion",), "is missing", ""), (("kind",), "is missing", "")]),
        ("{apiVersion: 1, kind: Pod}", [(("apiVersion",), "must be text, not a number", "quote it")]),
        ("[a]", [((), "must be a mapping, not a list", "check the indentation")]),
        ("{apiVersion: v1, kind: Zzz}", [(("kind",), "unknown kind", "")]),
        ("{apiVersion: apps/v1, kind: Deploymet}", [(("kind",), "unknown kind", "did you mean Deployment?")]),
        (
            "{apiVersion: extensions/v1beta1, kind: Ingress}",
            [
                (
                    ("apiVersion",),
                    "Kubernetes 1.35 has no such version of this kind",
                    "known: networking.k8s.io/v1",
                )
            ],
        ),
        (
            "{apiVersion: policy/v1, kind: PodDisruptionBudget, spec: {minAvailabel: 1}}",
            [(("spec", "minAvailabel"), "unknown key", "did you mean minAvailable?")],
        ),
        ("{apiVersion: monitoring.coreos.com/v1, kind: Prometheus}", [(("spec",), "is missing", "")]),
        (
            "{apiVersion: monitoring.coreos.com/v1, kind: Prometheus, spec: {selector: {}, sources: []}}",
            [(("spec", "sources"), "must not be empty", "")],
        ),
        (
            "{apiVersion: monitoring.coreos.com/v1, kind: Prometheus, spec: {selector: {}, password: ''}}",
            [(("spec", "password"), "must not be empty", "")],
        ),
    ],
)
def test_a_whole_object_that_the_api_refuses_is_found(
    api: Api, value: str, problems: list[tuple[tuple[str, ...], str, str]]
) -> None:
    assert api.check_object(yamlio.load(value), CRDS) == tuple(Problem(*each) for each in problems)


def test_no_message_repeats_a_value(api: Api) -> None:
    secret = "hunter2-c0ffee"
    for definition in api.definitions.values():
        for key in definition.get("properties", {}):
            for value in (secret, [secret], {secret: secret}, [{key: secret}], 271828.5, -271828):
                for problem in api.check({key: value}, [definition]):
                    assert secret not in problem.message + problem.hint
                    assert "271828" not in problem.message + problem.hint


# --- the file ----------------------------------------------------------------------------------


def test_the_schema_is_small_and_whole() -> None:
    text = (ROOT / "schema/kubernetes.json").read_text()
    content = json.loads(text)
    assert len(text) < 250_000
    assert len(text.splitlines()) == len(content["definitions"]) + 2
    named = set(content["kinds"].values())
    waiting: list[Any] = list(content["definitions"].values())
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            assert "description" not in node or isinstance(node["description"], dict)
            if isinstance(node.get("$ref"), str):
                named.add(node["$ref"])
            waiting.extend(node.values())
    assert named == set(content["definitions"])


@pytest.mark.parametrize(
    "value",
    ["{apiVersion: v1, kind: List}", "{apiVersion: v1, kind: Event}", "{apiVersion: a.b/v1, kind: C}"],
)
def test_not_every_kind_that_has_no_structure_here_is_unknown(api: Api, value: str) -> None:
    assert api.check_object(yamlio.load(value)) == ()


def test_a_quantity_has_not_any_length(api: Api) -> None:
    assert found(api, ".resources.limits.memory", f"'{'1' * 64}'") == ()
    assert found(api, ".resources.limits.memory", f"'{'1' * 65}'")[0].message.startswith("must be a quantity")


def test_long_text_is_checked_in_no_time(api: Api) -> None:
    start = time.process_time()
    found(api, "Prometheus.spec.retentionSize", "1" * 20_000 + "x")
    assert time.process_time() - start < 1
