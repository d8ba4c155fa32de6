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
        (f"{KPS}.alertmanager", {"tplConfig": True, "config": {"receivers": [{"name": BROKEN}]}}),
        (f"{KPS}.prometheus.prometheusSpec.additionalScrapeConfigs", f"- job_name: {BROKEN}"),
        (f"{KPS}.prometheus.prometheusSpec.additionalScrapeConfigs", [{"job_name": BROKEN}]),
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
        (f"{KPS}.alertmanager", {"tplConfig": False, "config": {"receivers": [{"name": BROKEN}]}}),
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
        ("{{ $labels.instance }}", "a variable is not set"),
        ("{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}", "a variable is not set"),
        ("{{ $x = 1 }}", "a variable is not set"),
        ('{{ range .a }}{{ printf "%s" ($x.b | quote) }}{{ end }}', "a variable is not set"),
        ('{{ $x := 1 }}{{ define "a" }}{{ $x }}{{ end }}', "a variable is not set"),
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
        "{{ $.Values.x }}",
        "{{ $x := 1 }}{{ if $x }}{{ $x = 2 }}{{ end }}{{ $x }}",
        "{{ range $key, $value := .Values.x }}{{ $key }}{{ else }}{{ $value }}{{ end }}",
        "{{ with $x := .Values.x }}{{ $x }}{{ else if $y := 1 }}{{ $y }}{{ end }}",
    ],
)
def test_templates(text: str) -> None:
    assert said("template", nested("fluent-bit.config.filters", text)) == []


def test_an_alerts_text_in_what_is_evaluated_whole_is_to_blame() -> None:
    rule = {
        "alert": "Hot",
        "annotations": {"name": "{{ .Release.Name }}", "summary": "{{ $labels.a }} is hot"},
    }
    given = nested(f"{KPS}.extraManifests", [{"kind": "PrometheusRule", "spec": {"rules": [rule]}}])
    assert said("template", given) == [f"{KPS}.extraManifests[0].spec.rules[0].annotations.summary"]
    rule["annotations"] = {"summary": "{{ `{{ $labels.a }}` }} is hot"}
    assert said("template", given) == []


def test_a_block_may_begin_in_one_text_and_end_in_another() -> None:
    path = f"{KPS}.extraManifests"
    assert said("template", nested(path, [{"a": "{{ if true }}x", "b": "y{{ end }}"}])) == []
    assert said("template", nested(path, [{"a": "{{ if true }}x", "b": "y"}])) == [f"{path}[0].a"]
