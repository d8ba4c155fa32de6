"""What Helm 4.3 and 3.22 say when they fail, and what the user is told. The texts are theirs."""

# ruff: noqa: E501 - the texts are as Helm wrote them

from __future__ import annotations

import pytest

from depin_helm.errors import ClusterError, DepinHelmError, HelmError, LockedError
from depin_helm.helm import ReleaseNotFoundError, WebhookError
from depin_helm.helm.failures import failure

IMMUTABLE = (
    'level=WARN msg="upgrade failed" name=base error="..."\n'
    "Error: UPGRADE FAILED: server-side apply failed for object e1/base apps/v1, Kind=Deployment: "
    'Deployment.apps "base" is invalid: spec.selector: Invalid value: '
    '{"matchLabels":{"app":"base","key":"hunter2"}}: field is immutable'
)
IMMUTABLE_3 = (
    'Error: UPGRADE FAILED: cannot patch "base" with kind Deployment: Deployment.apps "base" is invalid: '
    'spec.selector: Invalid value: {"matchLabels":{"app":"hunter2"}}: field is immutable'
)
OWNED = (
    'Error: unable to continue with install: ConfigMap "c" in namespace "e1" exists and cannot be imported into '
    "the current release: invalid ownership metadata; annotation validation error: key "
    '"meta.helm.sh/release-name" must equal "other": current value is "base"'
)
NOT_OURS = (
    'Error: unable to continue with install: Namespace "e1" in namespace "" exists and cannot be imported into '
    'the current release: invalid ownership metadata; label validation error: missing key "app.kubernetes.io/'
    'managed-by": must be set to "Helm"; annotation validation error: missing key "meta.helm.sh/release-name": '
    'must be set to "other"'
)
NO_KINDS = (
    "Error: unable to build kubernetes objects from release manifest: [resource mapping not found for name: "
    '"f" namespace: "" from "": no matches for kind "Gadget" in version "nope.io/v1"\n'
    "ensure CRDs are installed first, resource mapping not found for name: "
    '"f" namespace: "" from "": no matches for kind "Widget" in version "nope.io/v1"\n'
    "ensure CRDs are installed first]"
)
INVALID = (
    "Error: server-side apply failed for object e1/svc /v1, Kind=Service: "
    'Service "svc" is invalid: [spec.ports[0].port: Invalid value: 99999999: must be between 1 and 65535, '
    "inclusive, spec.ports[0].targetPort: Invalid value: 99999999: must be between 1 and 65535, inclusive]"
)
UNTYPED = (
    "Error: server-side apply failed for object e1/c /v1, Kind=ConfigMap: failed to create typed patch object "
    "(e1/c; /v1, Kind=ConfigMap): .bogus: field not declared in schema"
)
NOT_READY = (
    "Error: resource Deployment/e1/stuck not ready. status: InProgress, message: Available: 0/1\n"
    "resource StatefulSet/e1/db not ready. status: InProgress, message: Ready: 2/3\n"
    "context deadline exceeded"
)
HOOK_NOT_READY = (
    "Error: failed pre-install: resource Job/e1/hj not ready. status: InProgress, message: Job in progress\n"
    "context deadline exceeded"
)
CONFLICT = (
    "Error: UPGRADE FAILED: conflict occurred while applying object e1/base apps/v1, Kind=Deployment: Apply "
    'failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas'
)
CONFLICTS = (
    "Error: UPGRADE FAILED: conflict occurred while applying object e1/base apps/v1, Kind=Deployment: Apply "
    'failed with 2 conflicts: conflicts with "kubectl-edit" using apps/v1:\n'
    '- .spec.replicas\n- .spec.template.spec.containers[name="main"].image'
)
ADMISSION = (
    'Error: server-side apply failed for object e1/d /v1, Kind=ConfigMap: configmaps "d" is forbidden: '
    "ValidatingAdmissionPolicy 'no-latest' with binding 'no-latest' denied request: no denied configmaps here"
)
WEBHOOK_DENIES = (
    "Error: server-side apply failed for object e1/i networking.k8s.io/v1, Kind=Ingress: admission webhook "
    '"validate.nginx.ingress.kubernetes.io" denied the request: host is taken'
)
WEBHOOK_SILENT = (
    "Error: server-side apply failed for object /internal cert-manager.io/v1, Kind=ClusterIssuer: Internal error "
    'occurred: failed calling webhook "webhook.cert-manager.io": failed to call webhook: Post '
    '"https://cert-manager-webhook.cert-manager.svc:443/validate": dial tcp 10.96.0.7:443: connect: '
    "connection refused"
)
QUOTA = (
    'Error: server-side apply failed for object default/d1 /v1, Kind=ConfigMap: configmaps "d1" is forbidden: '
    "exceeded quota: q, requested: configmaps=1, used: configmaps=1, limited: configmaps=1\n"
    'server-side apply failed for object default/d2 /v1, Kind=ConfigMap: configmaps "d2" is forbidden: '
    "exceeded quota: q, requested: configmaps=1, used: configmaps=1, limited: configmaps=1"
)
RBAC = (
    'Error: query: failed to query with labels: secrets is forbidden: User "bob" cannot list resource '
    '"secrets" in API group "" in the namespace "e1"'
)
SCHEMA = (
    "Error: UPGRADE FAILED: values don't meet the specifications of the schema(s) in the following chart(s):\n"
    "mini:\n- at '/a': got string, want integer\n- at '': additional properties 'b' not allowed\n"
)

CASES = [
    (IMMUTABLE, HelmError, "refused an object: Deployment e1/base: spec.selector: field is immutable"),
    (IMMUTABLE_3, HelmError, "refused an object: Deployment base: spec.selector: field is immutable"),
    (OWNED, HelmError, "exist already: ConfigMap e1/c belongs to release base"),
    (NOT_OURS, HelmError, "exist already: Namespace e1 was not made by Helm"),
    (NO_KINDS, HelmError, "does not know Gadget (nope.io/v1), Widget (nope.io/v1)"),
    (INVALID, HelmError, "Service e1/svc: [spec.ports[0].port: must be between 1 and 65535, inclusive, spec"),
    (UNTYPED, HelmError, "ConfigMap e1/c: .bogus: field not declared in schema"),
    (CONFLICT, HelmError, "Deployment e1/base: .spec.replicas was set by kubectl"),
    (
        CONFLICTS,
        HelmError,
        '.spec.replicas, .spec.template.spec.containers[name="main"].image was set by kubectl-',
    ),
    (
        ADMISSION,
        HelmError,
        "ConfigMap e1/d: ValidatingAdmissionPolicy 'no-latest' with binding 'no-latest' denied",
    ),
    (
        WEBHOOK_DENIES,
        HelmError,
        'Ingress e1/i: admission webhook "validate.nginx.ingress.kubernetes.io" denied',
    ),
    (
        WEBHOOK_SILENT,
        WebhookError,
        "the admission webhook webhook.cert-manager.io does not answer: failed to call",
    ),
    (RBAC, ClusterError, 'does not allow it: User "bob" cannot list resource "secrets"'),
    (HOOK_NOT_READY, HelmError, "its pre-install hook was not ready in time"),
    ("Error: context deadline exceeded", HelmError, "its objects were not ready in time"),
    ("Error: UPGRADE FAILED: context canceled", HelmError, "Helm was interrupted"),
    (
        "Error: execution error at (mini/templates/x.yaml:1:3): storage is missing",
        HelmError,
        "the template mini/templates/x.yaml fails: storage is missing",
    ),
    (
        'Error: mini/templates/x.yaml:1:10\n  executing "mini/templates/x.yaml" at <.Values.a.b.c>:\n'
        "    nil pointer evaluating interface {}.b",
        HelmError,
        "the template mini/templates/x.yaml fails: nil pointer evaluating interface {}.b",
    ),
    (
        'Error: template: mini/templates/x.yaml:1:10: executing "mini/templates/x.yaml" at <.Values.a.b.c>: nil '
        "pointer evaluating interface {}.b",
        HelmError,
        "the template mini/templates/x.yaml fails: nil pointer evaluating interface {}.b",
    ),
    (
        "Error: YAML parse error on mini/templates/x.yaml: error converting YAML to JSON: yaml: line 2: bad",
        HelmError,
        "the template mini/templates/x.yaml fails: error converting YAML to JSON: yaml: line 2: bad",
    ),
    ('Error: create: failed to create: namespaces "gone" not found', HelmError, "there is no namespace gone"),
    ("Error: uninstall: Release not loaded: r: release: not found", ReleaseNotFoundError, "not found"),
    ("Error: release has no 77 version", ReleaseNotFoundError, "release has no 77 version"),
    (
        "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress",
        LockedError,
        "another Helm operation is in progress",
    ),
    (
        'Error: UPGRADE FAILED: create: failed to create: secrets "sh.helm.release.v1.r.v2" already exists',
        LockedError,
        "another Helm operation is in progress",
    ),
    (
        'Error: Kubernetes cluster unreachable: context "nope" does not exist',
        ClusterError,
        'cannot be reached: context "nope" does not exist',
    ),
    ("Error: etcdserver: leader changed", ClusterError, "cannot be reached: etcdserver: leader changed"),
    ("Error: something new\nin two lines", HelmError, "release r: something new in two lines"),
    ("", HelmError, "release r: Helm failed and did not say why"),
]


@pytest.mark.parametrize(("said", "kind", "told"), CASES)
def test_the_object_and_the_reason_are_named(said: str, kind: type[DepinHelmError], told: str) -> None:
    error = failure("release r", said)
    assert type(error) is kind
    assert error.message.startswith("release r: ")
    assert told in error.message


def test_several_causes_are_listed_one_by_one() -> None:
    for said, first, second in (
        (NOT_READY, "Deployment e1/stuck: Available: 0/1", "StatefulSet e1/db: Ready: 2/3"),
        (QUOTA, "ConfigMap default/d1: exceeded quota", "ConfigMap default/d2: exceeded quota"),
        (SCHEMA, "at '/a': got string, want integer", "at '': additional properties 'b' not allowed"),
    ):
        error = failure("release r", said)
        assert isinstance(error, HelmError)
        assert [cause.startswith(wanted) for cause, wanted in zip(error.causes, (first, second), strict=True)]
        assert error.causes[0].startswith(first)
        assert error.causes[1].startswith(second)


def test_a_next_step_is_given() -> None:
    assert "delete the object" in failure("release r", IMMUTABLE).hint
    assert "--force-conflicts" in failure("release r", CONFLICT).hint
    assert "crds" in failure("release r", NO_KINDS).hint
    assert "--timeout" in failure("release r", NOT_READY).hint
    assert "unlock" in failure("release r", "Error: another operation (install) is in progress").hint


@pytest.mark.parametrize("said", [IMMUTABLE, IMMUTABLE_3])
def test_a_refused_value_is_never_told(said: str) -> None:
    error = failure("release r", said)
    assert "hunter2" not in f"{error.message} {error.hint} {getattr(error, 'causes', '')}"


def test_a_long_text_is_cut() -> None:
    assert len(failure("release r", f"Error: {'x' * 5000}").message) < 400
