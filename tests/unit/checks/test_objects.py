"""Single values that templates print or compare: what Kubernetes refuses, or no template knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from depin_helm import checks, upstream, values
from depin_helm.charts import Contents
from depin_helm.checks import Api
from depin_helm.project import Project
from tests.tier import ROOT

API = Api.load(Project(ROOT).kubernetes_schema)
CHART = {
    "Chart.yaml": "name: web\nversion: 1.2.3\n",
    "values.yaml": "policy: Cluster\nmode: Soft\n",
    "templates/all.yaml": """
kind: Service
spec:
  type: {{ .Values.type }}
  externalTrafficPolicy: {{ .Values.policy | quote }}
  sessionAffinity: {{ if eq .Values.affinity "off" }}None{{ else }}{{ .Values.affinity }}{{ end }}
  clusterIP: "{{ .Values.address }}"
  ports:
  - port: {{ .Values.port }}
    targetPort: {{ .Values.target }}
    nodePort: {{ .Values.nodePort | quote }}
---
kind: Pod
spec:
  schedulerName: {{ .Values.scheduler }}
  priorityClassName: {{ .Values.priority | quote }}
  hostNetwork: {{ .Values.host }}
  containers:
  - name: a
    {{- if kindIs "string" .Values.image }}
    image: {{ .Values.image }}
    {{- end }}
    {{- if or (eq .Values.mode "Hard") (eq .Values.version "v1") }}
    tty: true
    {{- end }}
---
kind: Gadget
spec:
  size: {{ .Values.size }}
""",
}
SCHEMA: Mapping[str, Any] = {"properties": {"web": {}}}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "values").mkdir()
    chart = tmp_path / "charts/depin-platform"
    chart.mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: depin-platform\nversion: 0.1.0\n")
    (chart / "values.yaml").write_text("")
    (chart / "values-layered.yaml").write_text("")
    return Project(tmp_path)


def found(project: Project, text: str) -> list[tuple[str, str, str, str]]:
    """Rule, path, message and hint of each finding in the values of `web`."""
    (project.values / "a.yaml").write_text(f"web: {text}\n")
    contents = Contents(
        "web", "1.2.3", "sha256:0", {path: content.encode() for path, content in CHART.items()}
    )
    chart = upstream.interface(contents)
    environment = values.read_environment(project, "a")
    result = checks.check(environment, SCHEMA, {"web": chart}, {}, API)
    return [(each.rule, each.path.removeprefix("web."), each.message, each.hint) for each in result.findings]


@pytest.mark.parametrize(
    "text",
    [
        "{type: NodePort, policy: Local, affinity: ClientIP}",
        "{affinity: 'off'}",  # the template's own word
        "{type: '{{ .Values.other }}', port: '{{ .Values.other }}'}",
        "{type: '', port: null}",
        "{port: 80, target: http}",
        "{port: '80'}",  # printed without quotes it is a number
        "{port: 8e1}",
        "{nodePort: 30000}",  # that the template quotes it is no fault of who gives it
        "{address: 5, priority: 5}",
        "{scheduler: x}",
        "{host: 'true'}",
        "{image: {a: b}}",  # the template looks what it is
        "{size: [1]}",  # nobody knows what a Gadget is
        "{mode: Hard}",
        "{mode: Soft}",
        "{mode: Nothing alike}",
        "{version: v2}",
    ],
)
def test_what_a_template_can_print_is_accepted(project: Project, text: str) -> None:
    assert found(project, text) == []


TYPES = "must be one of: ClusterIP, ExternalName, LoadBalancer, NodePort"
NOT_TEXT = "comes out as something else than text, which it must be"
BARE = "the template does not quote it: write it in two pairs of quotes, '\"…\"'"


@pytest.mark.parametrize(
    ("text", "path", "message", "hint"),
    [
        ("{type: Nodeport}", "type", TYPES, "did you mean NodePort?"),
        ("{type: np}", "type", TYPES, ""),
        ("{policy: local}", "policy", "must be one of: Cluster, Local", "did you mean Local?"),
        ("{affinity: clientip}", "affinity", "must be one of: ClientIP, None", "did you mean ClientIP?"),
        ("{port: http}", "port", "must be a whole number, not text", ""),
        ("{port: 1.5}", "port", "must be a whole number, not a fraction", ""),
        ("{port: [1]}", "port", "must be a whole number, not a list", "check the indentation"),
        ("{port: -1}", "port", "must not be negative", ""),
        ("{scheduler: 5}", "scheduler", NOT_TEXT, BARE),
        ("{scheduler: '5'}", "scheduler", NOT_TEXT, BARE),
        ("{scheduler: 'yes'}", "scheduler", NOT_TEXT, BARE),
        ("{priority: [high]}", "priority", "must be text, not a list", "check the indentation"),
        ("{host: many}", "host", "must be true or false, not text", ""),
    ],
)
def test_what_a_template_prints_is_what_kubernetes_takes(
    project: Project, text: str, path: str, message: str, hint: str
) -> None:
    assert found(project, text) == [("kubernetes-object", path, message, hint)]


@pytest.mark.parametrize(
    ("text", "hint"), [("{mode: hard}", "did you mean Hard?"), ("{mode: Softt}", "did you mean Soft?")]
)
def test_a_word_that_no_template_compares_with_is_one_that_it_is_like(
    project: Project, text: str, hint: str
) -> None:
    assert found(project, text) == [("unknown-word", "mode", "templates compare it with Hard", hint)]


def test_of_a_value_that_is_wrong_in_itself_nothing_is_compared(project: Project) -> None:
    assert [each[0] for each in found(project, "{affinity: Off}")] == ["kubernetes-object"]
