"""The checks put together, on small charts made up here: what is found, where, and once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from depin_helm import checks, upstream, values
from depin_helm.charts import Contents
from depin_helm.checks import Api, Result
from depin_helm.project import Project
from tests.tier import ROOT

API = Api.load(Project(ROOT).kubernetes_schema)
SCHEMA: Mapping[str, Any] = {
    "properties": {"global": {"properties": {"platform": {}}}, "web": {}, "depinHelm": {}},
    "additionalProperties": False,
}

CHART = {
    "Chart.yaml": "name: web\nversion: 1.2.3\ndependencies: [{name: db, condition: db.enabled}]\n",
    "values.yaml": (
        "replicas: 1\n"
        "image: {repository: web, tag: v1}\n"
        "unread: 1\n"
        "unreadToo: {a: [1]}\n"
        "service: {type: ClusterIP, annotations: {}, ports: []}\n"
        "tolerations: []\n"
        "debug: false\n"
        "either: text\n"
        "text: ''\n"
    ),
    "templates/deployment.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Values.text | quote }}
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      {{- if .Values.debug }}
      hostNetwork: {{ .Values.global.hostNetwork }}
      {{- end }}
      containers:
        - image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          args: [{{ .Values.service.type }}]
      tolerations:
        {{- toYaml .Values.tolerations | nindent 8 }}
      config: {{ tpl .Values.config . }}
---
kind: ConfigMap
data:
  either: {{ if kindIs "map" .Values.either }}{{ .Values.either | toJson | quote }}{{ end }}
---
kind: Service
metadata:
  annotations:
    {{- toYaml .Values.service.annotations | nindent 4 }}
spec:
  ports:
    {{- range .Values.service.ports }}
    - name: {{ .name }}
    {{- end }}
""",
    "charts/db/Chart.yaml": "name: db\nversion: 0.1.0\n",
    "charts/db/values.yaml": "size: 1Gi\nstorage: {class: slow}\n",
    "charts/db/templates/claim.yaml": "size: {{ .Values.size }}\nclass: {{ .Values.storage.class }}\n",
}


@pytest.fixture(scope="module")
def chart() -> upstream.Interface:
    files = {name: text.encode() for name, text in CHART.items()}
    return upstream.interface(Contents("web", "1.2.3", "sha256:0", files))


@pytest.fixture
def examine(chart: upstream.Interface, tmp_path: Path) -> Any:
    def examine(
        text: str, *, missing: bool = False, sets: tuple[str, ...] = (), chart: upstream.Interface = chart
    ) -> Result:
        folder = tmp_path / "charts" / "depin-platform"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "Chart.yaml").write_text("dependencies: [{name: web}]\n")
        (folder / "values.yaml").write_text("web: {}\n")
        (folder / "values-layered.yaml").write_text("")
        (tmp_path / "values").mkdir(exist_ok=True)
        (tmp_path / "values" / "test.yaml").write_text(text)
        environment = values.read_environment(Project(tmp_path), "test", (), sets)
        charts = {} if missing else {"web": chart}
        reasons = {"web": "it is not in the cache"} if missing else {}
        return checks.check(environment, SCHEMA, charts, reasons, API)

    return examine


def said(result: Result) -> list[str]:
    return [f"{each.line} {each.path} {each.rule} {each.hint}".strip() for each in result.findings]


KNOWN = (
    "known: config, db, debug, either, global, image, replicas, service, text, tolerations, unread, unreadToo"
)

RIGHT = [
    "web: {replicas: 3, image: {tag: v2}, debug: true, service: {type: NodePort}}",
    "web: {service: {annotations: {any.thing/at.all: 'true'}, ports: [{name: http}]}}",
    "web: {tolerations: [{key: a, operator: Exists}]}",
    "web: {db: {size: 2Gi, enabled: true}}",
    "web: {unread: 1, unreadToo: {a: [1]}}",
    "web: {either: {is: right}}",
    "web: {replicas: '3'}",
    "web: {replicas: '{{ .Values.global.n }}'}",
    "web: {replicas: null, tolerations: null}",
    "web: {config: 'x {{ .Values.mine.deep }}', mine: {deep: 1}}",
    "web: {global: {hostNetwork: true}}",
    "global: {hostNetwork: true}",
    "web: {text: 8}",
    "web: {image: {tag: 8}}",
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_templates_read_is_right(examine: Any, text: str) -> None:
    assert said(examine(text)) == []


WRONG = {
    "web: {replica: 3}": ["1 web.replica dead-key did you mean replicas?"],
    "web: {imag: {tag: v2, repository: x}}": ["1 web.imag dead-key did you mean image?"],
    "web: {tag: v2}": ["1 web.tag dead-key did you mean web.image.tag?"],
    "web: {storage: {class: fast}}": ["1 web.storage dead-key did you mean web.db.storage?"],
    "web: {db: {sise: 2Gi}}": ["1 web.db.sise dead-key did you mean size?"],
    "web: {DEBUG: true}": ["1 web.DEBUG dead-key did you mean debug?"],
    "web: {image: {zzz: 1}}": ["1 web.image.zzz dead-key known: repository, tag"],
    "web: {unread: 2}": ["1 web.unread dead-key delete the line"],
    "web: {unreadToo: {a: [2]}}": ["1 web.unreadToo.a dead-key delete the line"],
    "web: {nothing: null}": [f"1 web.nothing dead-key {KNOWN}"],
    "web: {service: {ports: [{name: a, nme: b}]}}": [
        "1 web.service.ports[0].nme dead-key did you mean name?"
    ],
    "web: {service: {ports: [{name: a}]}, mine: 1, config: '{{ .Values.other }}'}": ["1 web.mine dead-key"],
    "global: {hostNetwrk: true}": ["1 global.hostNetwrk dead-key did you mean hostNetwork?"],
    "web: {replicas: three}": ["1 web.replicas type"],
    "web: {debug: 'false'}": ["1 web.debug type remove the quotes"],
    "web: {debug: 1}": ["1 web.debug type"],
    "web: {image: web:v1}": ["1 web.image type check the indentation"],
    "web: {tolerations: {key: a}}": ["1 web.tolerations type begin each item with `- `"],
    "web: {image: {tag: {v: 2}}}": ["1 web.image.tag type check the indentation"],
    "web: {image: {tag: true}}": ["1 web.image.tag type quote it"],
    "web: {image: {tag: 8.10}}": ["1 web.image.tag type quote it"],
    "web: {image: {tag: 0755}}": ["1 web.image.tag type quote it"],
    "web: {image: {tag: 12345678}}": ["1 web.image.tag type quote it"],
    "web: {text: 1.20}": ["1 web.text type quote it"],
    "web: {tolerations: [{keys: a}]}": ["1 web.tolerations[0].keys kubernetes-object did you mean key?"],
    "web: {service: {annotations: {a: 1}}}": ["1 web.service.annotations.a kubernetes-object quote it"],
}


@pytest.mark.parametrize(("text", "expected"), WRONG.items())
def test_what_is_wrong_is_found_once_with_what_to_do(examine: Any, text: str, expected: list[str]) -> None:
    assert said(examine(text)) == expected


def test_a_finding_names_the_place_in_effect(examine: Any) -> None:
    (found,) = examine("web:\n  debug: false\n", sets=("web.debug=1",)).findings
    assert (found.file, found.path, found.rule) == ("--set", "web.debug", "type")


def test_findings_come_in_the_order_of_the_file(examine: Any) -> None:
    result = examine("web:\n  zzz: 1\n  debug: 1\n  replica: 1\nother: 1\n")
    assert [(each.line, each.rule) for each in result.findings] == [
        (2, "dead-key"),
        (3, "type"),
        (4, "dead-key"),
        (5, "schema"),
    ]


def test_a_chart_that_is_not_at_hand_is_said_and_its_section_left_alone(examine: Any) -> None:
    result = examine("web: {zzz: 1}\nother: 1\n", missing=True)
    assert [each.rule for each in result.findings] == ["schema"]
    (skipped,) = result.skipped
    assert (skipped.component, skipped.reason) == ("web", "it is not in the cache")
    assert "dead keys" in skipped.checks


WAIVED = "depinHelm:\n  waivers:\n    - {{rule: {rule}, reason: because{path}}}\nweb: {{zzz: 1}}\n"


def test_a_waived_finding_does_not_count_and_is_still_told(examine: Any) -> None:
    result = examine(WAIVED.format(rule="dead-key", path=", path: web"))
    assert result.findings == ()
    assert [(each.finding.path, each.reason) for each in result.waived] == [("web.zzz", "because")]


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        ("type", "", ["3 depinHelm.waivers[0] waiver delete it", f"4 web.zzz dead-key {KNOWN}"]),
        (
            "dead-key",
            ", path: web.z",
            ["3 depinHelm.waivers[0] waiver delete it", f"4 web.zzz dead-key {KNOWN}"],
        ),
        (
            "dead",
            "",
            [
                "3 depinHelm.waivers[0].rule waiver depin-helm validate --rules lists them",
                f"4 web.zzz dead-key {KNOWN}",
            ],
        ),
        (
            "schema",
            "",
            [
                "3 depinHelm.waivers[0].rule waiver depin-helm validate --rules lists them",
                f"4 web.zzz dead-key {KNOWN}",
            ],
        ),
    ],
)
def test_a_waiver_that_waives_nothing_is_a_finding(
    examine: Any, rule: str, path: str, expected: list[str]
) -> None:
    assert said(examine(WAIVED.format(rule=rule, path=path))) == expected


def test_what_could_not_be_checked_keeps_a_waiver_from_being_called_needless(examine: Any) -> None:
    assert examine(WAIVED.format(rule="dead-key", path=""), missing=True).findings == ()


def test_every_rule_has_an_id_of_its_own_and_says_what_and_why() -> None:
    listed = checks.listing()
    ids = [rule.id for rule in listed]
    assert len(set(ids)) == len(ids) >= 20
    for rule in listed:
        assert rule.title
        assert rule.why
        assert not rule.why.endswith(".")
    assert {rule.id for rule in listed if not rule.waivable} == {"yaml", "schema", "waiver"}


def test_every_rule_is_documented_as_it_is() -> None:
    text = (ROOT / "docs" / "validation.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{rule.id}` | {rule.title} | {rule.why} | {'yes' if rule.waivable else 'no'} |"
        for rule in checks.listing()
    ]


@pytest.mark.parametrize("secret", ["hunter2", "12345678.10"])
def test_no_finding_repeats_a_value(examine: Any, secret: str) -> None:
    lines = ["zzz: X", "debug: X", "image: {tag: X}", "tolerations: [{keys: X}]", "text: {a: X}"]
    result = examine(f"web: {{{', '.join(lines)}}}\nother: X\n".replace("X", secret))
    assert len(result.findings) >= 4
    assert secret not in repr(result)


def test_a_charts_own_schema_is_held_against_its_section(examine: Any, chart: upstream.Interface) -> None:
    number = {"type": "integer"}
    schema = {"properties": {"replicas": number, "global": {"properties": {"count": number}}}}
    strict = dataclasses.replace(chart, schema=schema)
    assert said(examine("web: {replicas: '3'}\nglobal: {count: x}\n", chart=strict)) == [
        "1 web.replicas type remove the quotes",
        "2 global.count type",
    ]
    assert said(examine("web: {replicas: 3}\n", chart=strict)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web: {service: null}", ["1 web.service type delete the line"]),
        ("web: {db: {enabled: false}}", []),
        ("web: {replicas: http}", ["1 web.replicas type"]),
        ("web: {replicas: 5m}", ["1 web.replicas type"]),
    ],
)
def test_what_templates_cannot_do_with_is_found(examine: Any, text: str, expected: list[str]) -> None:
    assert said(examine(text)) == expected
