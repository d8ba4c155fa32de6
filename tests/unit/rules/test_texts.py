"""Texts that a chart evaluates are templates that Helm can read; other texts may hold any braces."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import facts, nested, said, violations

KPS = "kube-prometheus-stack"
GRAFANA = f"{KPS}.grafana"
BROKEN = "a {{ .Values.x"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("fluent-bit.config.outputs", BROKEN),
        ("fluent-bit.config.extraFiles.more", BROKEN),
        ("kibana.kibanaConfig.kibana_yml", BROKEN),
        ("elasticsearch.extraContainers", BROKEN),
        (f"{GRAFANA}.env.NAME", BROKEN),
        (GRAFANA, {"grafana.ini": {"server": {"root_url": BROKEN}}}),
        (f"{GRAFANA}.ingress", {"enabled": True, "hosts": [BROKEN]}),
        (f"{KPS}.prometheus.prometheusSpec.externalUrl", BROKEN),
        (f"{KPS}.alertmanager", {"tplConfig": True, "stringConfig": BROKEN}),
    ],
)
def test_a_text_that_is_evaluated_must_be_a_template(path: str, value: Any) -> None:
    assert len(said("template", nested(path, value))) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("elasticsearch.esConfig.elasticsearch_yml", BROKEN),
        ("elasticsearch.extraContainers", [{"name": BROKEN}]),
        (f"{KPS}.additionalPrometheusRulesMap.mine.groups", [{"rules": [{"alert": BROKEN}]}]),
        (f"{KPS}.alertmanager", {"tplConfig": False, "stringConfig": BROKEN}),
        (f"{GRAFANA}.ingress", {"enabled": False, "hosts": [BROKEN]}),
        ("fluent-bit", {"enabled": False, "config": {"outputs": BROKEN}}),
        ("fluent-bit.config.outputs", "a } b }} c { d"),
        ("fluent-bit.config.outputs", 5),
    ],
)
def test_other_texts_may_hold_any_braces(path: str, value: Any) -> None:
    assert said("template", nested(path, value)) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ .Values.x }", "an action or a quote in it is not closed"),
        ("{{ if .Values.x }}", "a block is not closed"),
        ("{{ end }}", "unexpected {{end}}"),
        ("{{ }}", "a value is missing"),
        ("one\ntwo\n{{ 'hunter2 }}\n", "an action or a quote in it is not closed in line 3"),
        ("{{ hunter2! }}", "an unexpected character"),
    ],
)
def test_the_reason_is_said_and_nothing_of_the_text(text: str, reason: str) -> None:
    (found,) = violations("template", facts(nested("fluent-bit.config.filters", text)))
    assert found.message == f"is no template that Helm can read: {reason}"


@pytest.mark.parametrize(
    "text",
    [
        "Flush {{ .Values.flush }}",
        "{{ if .Values.x }}a{{ else }}b{{ end }}",
        '{{ include "fluent-bit.fullname" . | quote }}',
        "{{ `{{` }} $labels.x }}",
        "{{- /* a comment */ -}}",
    ],
)
def test_templates(text: str) -> None:
    assert said("template", nested("fluent-bit.config.filters", text)) == []
