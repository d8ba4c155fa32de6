"""What must not get into a log or a message."""

from __future__ import annotations

import pytest

from depin_helm.helm.redaction import redact, without_values


@pytest.mark.parametrize(
    "text",
    [
        "password: hunter2",
        '{"adminPassword":"hunter2"}',
        "--set grafana.adminPassword=hunter2,x=y",
        "Authorization: Bearer hunter2hunter2",
        'stringData.token: Invalid value: "hunter2": must be shorter',
        "url?access_token=hunter2&x=y",
        "secret-key = 'hunter2'",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nhunter2",
    ],
)
def test_secrets_are_taken_out(text: str) -> None:
    assert "hunter2" not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "Deployment e1/base: .spec.replicas was set by kubectl",
        'secret "elasticsearch-credentials" not found',
        'secrets is forbidden: User "bob" cannot list resource "secrets"',
        "helm upgrade --install r /charts/umbrella --values /run/values.yaml --timeout 300.000s",
    ],
)
def test_the_rest_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('spec.x: Invalid value: {"a":{"b":"c: d"}}: field is immutable', "spec.x: field is immutable"),
        ('spec.x: Invalid value: "a: b": too long', "spec.x: too long"),
        ("spec.x: Invalid value: 7: must be less", "spec.x: must be less"),
        ('t: Unsupported value: "X": supported values: "A", "B"', 't: supported values: "A", "B"'),
        ('p[1].name: Duplicate value: "http"', "p[1].name: duplicate value"),
        (
            "s: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{a:b}}: field is immutable",
            "s: field is immutable",
        ),
        ("s: Invalid value: v1.Thing{a:b}", "s: invalid value"),
        ('[a: Invalid value: 1: no, b: Invalid value: "c": nor this]', "[a: no, b: nor this]"),
        ("a: Required value: a name is needed", "a: Required value: a name is needed"),
    ],
)
def test_refused_values_are_taken_out_of_a_refusal(text: str, left: str) -> None:
    assert without_values(text) == left
