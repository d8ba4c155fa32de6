"""What a chart's archive tells of it, and how that is kept in the cache."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from depin_helm import upstream
from depin_helm.charts import Cache, CachedChart, Contents
from depin_helm.upstream import Interface, Reads, store
from depin_helm.values import coalesce
from tests.unit.charts import packing

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  names:
    kind: Gadget
  versions:
  - name: v1
    storage: false
    schema:
      openAPIV3Schema:
        properties: {old: {type: string}}
  - name: v2
    storage: true
    schema:
      openAPIV3Schema:
        description: |-
          A gadget.

          properties: none
        properties:
          spec:
            description: What it is
              to do.
            properties:
              description:
                description: A text.
                type: string
              size:
                default: 3
                minimum: 1
                type: integer
            required:
            - size
            type: object
          status:
            type: object
        type: object
"""


def chart(files: Mapping[str, str], name: str = "demo") -> Interface:
    metadata = {"Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n"}
    encoded = {path: content.encode() for path, content in {**metadata, **files}.items()}
    return upstream.interface(Contents(name, "1.0.0", "sha256:0", encoded))


def test_defaults_have_their_lines() -> None:
    found = chart({"values.yaml": "# says\na:\n  b: [1]\nc: 0755\n"})
    assert found.defaults == {"a": {"b": [1]}, "c": 493}
    assert found.lines == {("a",): (2, 1), ("a", "b"): (3, 3), ("a", "b", 0): (3, 7), ("c",): (4, 1)}


def test_a_chart_without_values_has_none() -> None:
    assert (chart({}).defaults, chart({}).schema, chart({}).reads) == ({}, None, Reads())


def test_the_schema_is_the_charts_own() -> None:
    assert chart({"values.schema.json": '{"type": "object"}'}).schema == {"type": "object"}
    assert chart({"values.schema.json": "{"}).schema is None


def test_all_files_below_templates_are_followed() -> None:
    found = chart(
        {
            "templates/a.yaml": '{{ include "t" . }}',
            "templates/NOTES.txt": "{{ .Values.notes }}",
            "templates/tests/test.yaml": "{{ .Values.test }}",
            "templates/_t.tpl": '{{ define "t" }}{{ .Values.helped }}{{ end }}',
        }
    )
    assert set(found.reads.children) == {"notes", "test", "helped"}


def test_a_template_file_may_be_included() -> None:
    name = '{{ include (print $.Template.BasePath "/config.yaml") . | sha256sum }}'
    found = chart({"templates/a.yaml": name, "templates/config.yaml": "{{ .Values.a }}"})
    assert (set(found.reads.children), found.reads.whole) == ({"a"}, False)


def test_files_that_tpl_evaluates_are_followed() -> None:
    files = {"files/x.json": '"{{ .Values.a }}"', "README.md": "{{ .Values.b }}"}
    template = '{{ tpl (.Files.Get "files/x.json") . }}'
    assert set(chart({**files, "templates/a.yaml": template}).reads.children) == {"a"}
    assert set(chart({**files, "templates/a.yaml": '{{ .Files.Get "x" }}'}).reads.children) == set()


@pytest.mark.parametrize("broken", ["{{ if }}", "{{ .a", "{{ if .a }}" * 5000])
def test_a_chart_with_a_broken_template_reads_everything(broken: str) -> None:
    found = chart({"templates/a.yaml": "{{ .Values.a }}", "templates/b.yaml": broken})
    assert found.reads.at(["anything"]) == Reads(whole=True)


def test_subcharts_have_their_own_values_by_alias_or_name() -> None:
    dependencies = "dependencies:\n- name: one\n  alias: first\n- name: two\n"
    metadata = "apiVersion: v2\nname: demo\nversion: 1.0.0\n" + dependencies
    found = chart(
        {
            "Chart.yaml": metadata,
            "charts/one/Chart.yaml": "name: one\nversion: 1.0.0\n",
            "charts/one/values.yaml": "a: 1\n",
            "charts/one/templates/a.yaml": '{{ .Values.a }}{{ include "theirs" . }}',
            "charts/two/Chart.yaml": "name: two\nversion: 2.0.0\n",
            "charts/two/templates/_t.tpl": '{{ define "theirs" }}{{ .Values.b }}{{ end }}',
        }
    )
    assert {name: each.version for name, each in found.subcharts.items()} == {
        "first": "1.0.0",
        "two": "2.0.0",
    }
    assert set(found.subcharts["first"].reads.children) == {"a", "b"}
    assert found.reads == Reads()


def test_a_parents_template_wins_over_its_subcharts() -> None:
    found = chart(
        {
            "templates/a.yaml": '{{ define "t" }}{{ .Values.a }}{{ end }}',
            "charts/one/Chart.yaml": "name: one\nversion: 1.0.0\n",
            "charts/one/templates/a.yaml": '{{ define "t" }}{{ .Values.b }}{{ end }}{{ include "t" . }}',
        }
    )
    assert set(found.subcharts["one"].reads.children) == {"a"}


def test_helm_itself_reads_conditions_tags_and_imported_values() -> None:
    found = chart(
        {
            "Chart.yaml": """
                name: demo
                version: 1.0.0
                dependencies:
                - name: one
                  condition: one.enabled, global.one
                  tags: [extra]
                  import-values:
                  - data
                  - {child: a.b, parent: c}
            """
        }
    )
    read = [
        ("one", "enabled"),
        ("global", "one"),
        ("tags", "extra"),
        ("one", "exports", "data", "x"),
        ("one", "a", "b"),
    ]
    assert all(found.reads.at(path) is not None for path in read)
    assert found.reads.at(["one", "a", "c"]) is None


def test_of_a_crd_the_structure_that_is_stored_is_kept() -> None:
    found = chart({"crds/gadgets.yaml": CRD, "templates/a.yaml": "kind: Gadget\n"})
    size = {"type": "integer", "minimum": 1}
    spec = {
        "type": "object",
        "required": ["size"],
        "properties": {"description": {"type": "string"}, "size": size},
    }
    assert found.crds == {"Gadget": {"type": "object", "properties": {"spec": spec}}}


def test_a_crd_of_a_kind_that_no_template_writes_is_left_out() -> None:
    assert chart({"crds/gadgets.yaml": CRD, "templates/a.yaml": "kind: Other\n"}).crds == {}


def test_a_crd_that_is_a_template_itself_is_read_too() -> None:
    templated = "{{- if .Values.crds.enabled }}\n" + CRD + "\n{{- end }}\n"
    plain = chart({"crds/gadgets.yaml": CRD, "templates/a.yaml": "kind: Gadget\n"})
    assert chart({"templates/gadgets.yaml": templated}).crds == plain.crds


def test_a_crd_of_a_subchart_is_the_parents_too() -> None:
    files = {"charts/crds/Chart.yaml": "name: crds\nversion: 1.0.0\n", "charts/crds/crds/gadgets.yaml": CRD}
    assert set(chart({**files, "templates/a.yaml": "kind: Gadget\n"}).crds) == {"Gadget"}


def test_defaults_are_in_the_form_that_is_coalesced() -> None:
    found = chart(
        {
            "values.yaml": "a: 1\none: {b: 3}\n",
            "charts/one/Chart.yaml": "name: one\nversion: 1.0.0\n",
            "charts/one/values.yaml": "b: 2\nc: 4\n",
        }
    )
    defaults = upstream.as_defaults(found)
    merged = coalesce({}, defaults.values, defaults.subcharts)
    assert (merged["a"], merged["one"]["b"], merged["one"]["c"]) == (1, 3, 4)


def test_the_documents_stand_weakest_first() -> None:
    found = chart(
        {
            "values.yaml": "one: {b: 3}\n",
            "charts/one/Chart.yaml": "name: one\nversion: 2.0.0\n",
            "charts/one/values.yaml": "b: 2\n",
        }
    )
    (inner, below), (outer, own) = upstream.documents(found, ("section",))
    assert (inner, below.file, below.data) == (
        ("section", "one"),
        "demo-1.0.0/charts/one/values.yaml",
        {"b": 2},
    )
    assert (outer, own.file, own.marks["one", "b"].line) == (("section",), "demo-1.0.0/values.yaml", 1)


# --- the cache --------------------------------------------------------------------------------

FILES = {
    "values.yaml": b"a: 1\nb: [x]\n",
    "templates/a.yaml": b"kind: Gadget\nspec:\n  x:\n{{ toYaml .Values.a | indent 4 }}",
    "crds/a.yaml": CRD.encode(),
    "charts/one/Chart.yaml": b"name: one\nversion: 1.0.0\n",
}


@pytest.fixture
def cached(tmp_path: Path) -> CachedChart:
    archive = tmp_path / "demo.tgz"
    archive.write_bytes(packing.chart(FILES))
    (imported,) = Cache(tmp_path / "cache").import_([archive])
    return imported.chart


def kept(cache: Path) -> list[Path]:
    return sorted((cache / "interfaces").iterdir())


def test_what_was_kept_is_the_same(cached: CachedChart, tmp_path: Path) -> None:
    first = upstream.load({"section": cached}, tmp_path)
    assert len(kept(tmp_path)) == 1
    cached.archive.unlink()
    assert upstream.load({"section": cached}, tmp_path) == first
    assert first["section"].reads.at(["a"]) is not None


@pytest.mark.parametrize("damage", [b"", b"{", b"{}", b"[]", b'{"name": 1}', b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_made_again(cached: CachedChart, tmp_path: Path, damage: bytes) -> None:
    first = upstream.load({"demo": cached}, tmp_path)
    (file,) = kept(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(damage)
    assert upstream.load({"demo": cached}, tmp_path) == first
    assert file.read_bytes() == whole


def test_damage_in_the_midst_is_noticed(cached: CachedChart, tmp_path: Path) -> None:
    first = upstream.load({"demo": cached}, tmp_path)
    (file,) = kept(tmp_path)
    file.write_bytes(file.read_bytes().replace(b'"a":1', b'"a":2'))
    assert upstream.load({"demo": cached}, tmp_path) == first


def test_another_analysis_does_not_use_the_file(
    cached: CachedChart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.load({"demo": cached}, tmp_path)
    (old,) = kept(tmp_path)
    monkeypatch.setattr(store, "_format", lambda: "another")
    upstream.load({"demo": cached}, tmp_path)
    (new,) = kept(tmp_path)
    assert new != old


def test_a_cache_that_cannot_be_written_does_not_matter(cached: CachedChart, tmp_path: Path) -> None:
    (tmp_path / "interfaces").write_text("in the way")
    assert upstream.load({"demo": cached}, tmp_path)["demo"].defaults == {"a": 1, "b": ["x"]}
