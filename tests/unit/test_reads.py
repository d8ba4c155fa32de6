"""Which keys a template reads: one statement for each thing that templates do with values."""

from __future__ import annotations

import json
import time

import pytest

from depin_helm.upstream import Place, Reads, reads_in
from depin_helm.upstream.interpretation import interpret
from depin_helm.upstream.reads import merged
from depin_helm.upstream.templates import parse


def reads(source: str, *others: str) -> Reads:
    """What the template `source` reads, when `others` are the chart's further templates."""
    templates = [parse(each) for each in (source, *others)]
    defines = {name: body for each in templates for name, body in each.defines.items()}
    return interpret([each.nodes for each in templates], defines)


def paths(found: Reads, above: tuple[str, ...] = ()) -> set[str]:
    """All that is read, each path as text; `!` marks what is read whole, `?` what is asked for its kind."""
    own = {".".join(above) + "!" * found.whole + "?" * found.kinds} if above and not found.children else set()
    if found.children and (found.whole or found.kinds):
        own.add(".".join(above) + "!" * found.whole + "?" * found.kinds)
    return own.union(*(paths(child, (*above, key)) for key, child in found.children.items()))


def places(found: Reads, *path: str) -> set[tuple[str, str]]:
    below = found.at(path)
    assert below is not None
    return {(place.kind, ".".join(place.path)) for place in below.places}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # what comes out is read whole
        ("{{ .Values.a.b }}", {"a.b!"}),
        ("{{ $.Values.a }}", {"a!"}),
        ("{{ .Values.a | quote }}", {"a!"}),
        ("{{ toYaml .Values.a | nindent 2 }}", {"a!"}),
        ("{{ .Values.AsMap.a }}", {"a!"}),
        ('{{ unheardOf "x" .Values.a }}', {"a!"}),
        # text or a map: of the map its keys are read, nothing else
        ("{{ range .Values.a }}{{ . }}{{ .b }}{{ end }}", {"a.*.b!"}),
        ("{{ range .Values.a }}{{ tpl . $ }}{{ .b | quote }}{{ end }}", {"a.*.b!"}),
        ("{{ .Values.a }}{{ range .Values.a }}x{{ end }}", {"a!", "a.*"}),
        # what only decides is read itself, and nothing below it
        ("{{ if .Values.a }}x{{ end }}", {"a"}),
        ("{{ if and .Values.a (not .Values.b) }}x{{ end }}", {"a", "b"}),
        ('{{ if eq .Values.a "x" }}y{{ end }}', {"a"}),
        ("{{ if empty .Values.a }}y{{ end }}", {"a"}),
        ("{{ if gt (len .Values.a) 1 }}y{{ end }}", {"a"}),
        ('{{ if hasKey .Values.a "b" }}y{{ end }}', {"a.b"}),
        ('{{ if kindIs "map" .Values.a }}y{{ end }}', {"a?"}),
        ('{{ if eq (typeOf .Values.a) "string" }}y{{ end }}', {"a?"}),
        ('{{ if eq (printf "%T" .Values.a) "string" }}y{{ end }}', {"a?"}),
        # what is neither written nor asked is not read
        ("{{ $x := .Values.a }}", set()),
        ("{{ $x := dict `k` .Values.a }}{{ $x.other }}", set()),
        ("{{ .Release.Name }}{{ .Chart.Name }}{{ .Capabilities.KubeVersion.Version }}", set()),
        ("{{/* .Values.a */}}", set()),
        # the dot
        ("{{ with .Values.a }}{{ .b }}{{ end }}", {"a.b!"}),
        ("{{ with .Values.a }}{{ $.Values.b }}{{ else }}{{ .Values.c }}{{ end }}", {"a", "b!", "c!"}),
        ("{{ range .Values.a }}{{ .b }}{{ end }}", {"a.*.b!"}),
        ("{{ range .Values.a }}x{{ end }}", {"a.*"}),
        ("{{ range $k, $v := .Values.a }}{{ $k }}: {{ $v.b }}{{ end }}", {"a.*.b!"}),
        ("{{ range $k, $v := .Values.a }}{{ index $.Values.b $k }}{{ end }}", {"a.*", "b.*!"}),
        ("{{ (first .Values.a).b }}", {"a.*.b!"}),
        ("{{ (index .Values.a 0).b }}", {"a.*.b!"}),
        # variables
        ("{{ $x := .Values.a }}{{ $x.b }}", {"a.b!"}),
        (
            "{{ $x := .Values.a }}{{ if .Values.c }}{{ $x = .Values.b }}{{ end }}{{ $x.d }}",
            {"a.d!", "b.d!", "c"},
        ),
        (
            "{{ $x := .Values.a }}{{ range .Values.l }}{{ $x = $x.n }}{{ end }}{{ $x }}",
            {"l.*", "a!", "a.n!", "a.n.n!", "a.n.n.n!"},
        ),
        # keys that are computed
        ('{{ index .Values "a-b" "c" }}', {"a-b.c!"}),
        ('{{ get .Values.a "b" }}', {"a.b!"}),
        ('{{ $k := "b" }}{{ index .Values.a $k }}', {"a.b!"}),
        ("{{ index .Values.a .Values.k }}", {"k!", "a.*!"}),
        ('{{ range $k := list "b" "c" }}{{ (index $.Values $k).d }}{{ end }}', {"b.d!", "c.d!"}),
        ('{{ dig "b" "c" "x" .Values.a }}', {"a.b.c!"}),
        ('{{ range pluck "b" .Values.a .Values.c }}{{ .d }}{{ end }}', {"a.b.d!", "c.b.d!"}),
        ("{{ range keys .Values.a }}{{ . }}{{ end }}", {"a.*"}),
        ("{{ range values .Values.a }}{{ .b }}{{ end }}", {"a.*.b!"}),
        # one value or another
        ("{{ (default .Values.a .Values.b).c }}", {"a.c!", "b.c!"}),
        ("{{ .Values.a | default .Values.b }}", {"a!", "b!"}),
        ("{{ (coalesce .Values.a .Values.b).c }}", {"a.c!", "b.c!"}),
        ("{{ (ternary .Values.a .Values.b .Values.c).d }}", {"a.d!", "b.d!", "c"}),
        ("{{ (or .Values.a .Values.b).c }}", {"a.c!", "b.c!"}),
        ('{{ (required "say a" .Values.a).b }}', {"a.b!"}),
        # dicts and lists that the template makes
        ('{{ (dict "x" .Values.a "y" .Values.b).x.c }}', {"a.c!"}),
        ("{{ (index (list .Values.a .Values.b) 1).c }}", {"b.c!"}),
        ("{{ (merge .Values.a .Values.b).c }}", {"a.c!", "b.c!"}),
        ("{{ (mergeOverwrite (dict) (deepCopy .Values.a)).c }}", {"a.c!"}),
        ('{{ $x := dict }}{{ $_ := set $x "k" .Values.a }}{{ $x.k.b }}', {"a.b!"}),
        ('{{ $_ := set .Values.a "k" .Values.b }}', {"b!"}),
        ("{{ $x := dict }}{{ $_ := merge $x .Values.a }}{{ $x.b }}", {"a.b!"}),
        ("{{ range concat .Values.a .Values.b }}{{ .c }}{{ end }}", {"a.*.c!", "b.*.c!"}),
        ("{{ range append .Values.a .Values.b }}{{ .c }}{{ end }}", {"a.*.c!", "b.c!"}),
        ('{{ toYaml (pick .Values.a "b") }}', {"a.b!"}),
        ('{{ toYaml (omit .Values.a "b") }}', {"a!", "a.b"}),
        ("{{ (.Values.a | toYaml | fromYaml).b }}", {"a!", "a.b!"}),
        # tpl
        ("{{ tpl .Values.a . }}", {"a!"}),
        ('{{ tpl "{{ .Values.b }}" . }}', {"b!"}),
    ],
)
def test_what_is_read(source: str, expected: set[str]) -> None:
    assert paths(reads(source)) == expected


@pytest.mark.parametrize(
    ("source", "body", "expected"),
    [
        ('{{ include "t" . }}', "{{ .Values.a }}", {"a!"}),
        ('{{ template "t" . }}', "{{ .Values.a }}", {"a!"}),
        ('{{ include "t" .Values.a }}', "{{ .b }}{{ $.c }}", {"a.b!", "a.c!"}),
        ('{{ include "t" (dict "root" $ "x" .Values.a) }}', "{{ .x.b }}{{ .root.Values.c }}", {"a.b!", "c!"}),
        (
            '{{ include "t" (list . .Values.a) }}',
            "{{ (index . 1).b }}{{ (first .).Values.c }}",
            {"a.b!", "a.Values.c!", "c!"},
        ),
        ('{{ if include "t" . }}x{{ end }}', "{{ .Values.a }}", {"a!"}),
        ('{{ include (printf "%s" "t") . }}', "{{ .Values.a }}", {"a!"}),
        ('{{ include (printf "%s" .Values.n) . }}', "{{ .Values.a }}", {"n!", "a!"}),
        ('{{ include "t" . }}', '{{ .Values.a }}{{ include "t" . }}', {"a!"}),
        ('{{ include "unheardOf" .Values.a }}', "", {"a!"}),
    ],
)
def test_included_templates_read_what_they_are_handed(source: str, body: str, expected: set[str]) -> None:
    assert paths(reads(source, '{{ define "t" }}' + body + "{{ end }}")) == expected


def test_a_template_that_is_not_included_reads_nothing() -> None:
    assert paths(reads('{{ define "t" }}{{ .Values.a }}{{ end }}')) == set()


def test_a_template_that_walks_down_forever_reads_all_below() -> None:
    found = reads(
        '{{ include "t" .Values.a }}', '{{ define "t" }}{{ range . }}{{ include "t" . }}{{ end }}{{ end }}'
    )
    below = found.at(["a", *["x"] * 30])
    assert below is not None
    assert below.whole


def test_a_subchart_reads_below_its_own_section() -> None:
    found = reads('{{ include "t" (index .Subcharts "sub") }}', '{{ define "t" }}{{ .Values.a }}{{ end }}')
    assert paths(found) == {"sub.a!"}


def test_an_unknown_template_with_the_whole_chart_reads_everything() -> None:
    assert reads('{{ include "unheardOf" . }}').whole


# --- looking up -------------------------------------------------------------------------------


def test_below_what_is_whole_everything_is_read() -> None:
    found = reads("{{ toYaml .Values.a }}").at(["a", "b", 0, "c"])
    assert found == Reads(whole=True)


def test_a_key_beside_is_not_read() -> None:
    found = reads("{{ .Values.a.b }}{{ if .Values.c }}x{{ end }}")
    assert found.at(["a", "x"]) is None
    assert found.at(["c", "x"]) is None
    assert found.at(["x"]) is None
    assert found.at(["a"]) is not None


def test_any_key_and_a_named_one_are_read_together() -> None:
    found = reads("{{ range .Values.a }}{{ .b }}{{ end }}{{ if .Values.a.k.c }}x{{ end }}")
    assert found.at(["a", 3, "b"]) == Reads(whole=True)
    assert found.at(["a", "k", "b"]) == Reads(whole=True)
    assert found.at(["a", "k", "c"]) == Reads()
    assert found.at(["a", "l", "c"]) is None


def test_reads_survive_json() -> None:
    found = reads(
        'kind: Pod\nspec:\n  x: {{ toYaml .Values.a | nindent 4 }}{{ if kindIs "map" .Values.b.c }}{{ end }}'
    )
    assert Reads.from_json(found.to_json()) == found


def test_what_several_read_is_read() -> None:
    assert paths(merged([reads("{{ .Values.a.b }}"), reads("{{ .Values.a.c }}{{ .Values.d }}")])) == {
        "a.b!",
        "a.c!",
        "d!",
    }


# --- templates in values ----------------------------------------------------------------------


def test_a_template_in_values_reads_the_charts_values() -> None:
    assert paths(reads_in("x {{ .Values.flush | default .Values.global.x }}")) == {"flush!", "global.x!"}


def test_what_it_includes_is_not_its_own() -> None:
    assert paths(reads_in('{{ include "chart.name" . }}{{ .Values.a }}')) == {"a!"}


def test_of_a_broken_template_the_paths_are_taken() -> None:
    assert paths(reads_in("{{ if .Values.a.b }} {{ .Values.c")) == {"a.b!", "c!"}


# --- where a value lands ----------------------------------------------------------------------

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("spec:\n  tolerations:\n{{ toYaml .Values.a | indent 4 }}", "spec.tolerations"),
        ("spec:\n  tolerations:\n    {{- toYaml .Values.a | nindent 4 }}", "spec.tolerations"),
        ("spec:\n  tolerations: {{- toYaml .Values.a | nindent 4 }}", "spec.tolerations"),
        ("spec:\n  tolerations: {{ toJson .Values.a }}", "spec.tolerations"),
        ("spec:\n  tolerations:\n  {{- toYaml .Values.a | nindent 2 }}", "spec.tolerations"),
        (
            "spec:\n  {{- with .Values.a }}\n  tolerations:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}",
            "spec.tolerations",
        ),
        ("spec:\n{{ tpl (toYaml .Values.a | indent 2) . }}", "spec"),
        ("spec:\n  x: y\n{{ toYaml .Values.a | indent 2 }}", "spec"),
        ("spec:\n  x:\n    y: z\n  {{- toYaml .Values.a | nindent 2 }}", "spec"),
        ("spec:\n  list:\n  - name: x\n    y: z\n  {{- toYaml .Values.a | nindent 2 }}", "spec.list"),
        (
            "spec:\n  list:\n    - name: x\n      resources:\n        {{- toYaml .Values.a | nindent 8 }}",
            "spec.list.resources",
        ),
        ("spec:\n  list:\n  - {{- toYaml .Values.a | nindent 4 }}", "spec.list.*"),
        ("spec:\n  list:\n  - {{ toJson .Values.a }}", "spec.list.*"),
        ("spec:\n  list:\n  - name: x\n    {{- toYaml .Values.a | nindent 4 }}", "spec.list.*"),
        ("spec:\n  a: {{ .Release.Name }}\n  b:\n{{ toYaml .Values.a | indent 4 }}", "spec.b"),
        ("spec:\n  {{- if .Values.x }}\n  b:\n  {{- end }}\n{{ toYaml .Values.a | indent 4 }}", "spec.b"),
        ("spec:\n  b:\n{{ toYaml (default .Values.x .Values.a) | indent 4 }}", "spec.b"),
        ('spec:\n  b:\n{{ toYaml (dict "c" .Values.a) | indent 4 }}', "spec.b.c"),
        (
            'spec:\n  b:\n{{ include "t" . | indent 4 }}'
            '{{ define "t" }}c:\n  {{- toYaml .Values.a | nindent 2 }}{{ end }}',
            "spec.b.c",
        ),
    ],
)
def test_the_place_is_told_by_the_indentation(source: str, expected: str) -> None:
    assert places(reads(POD + source), "a") == {("Pod", expected)}


def test_an_item_of_a_list_is_rendered_as_one() -> None:
    found = reads(
        POD + "spec:\n  list:\n  {{- range .Values.a }}\n  - {{ toYaml . | nindent 4 }}\n  {{- end }}"
    )
    assert places(found, "a", "0") == {("Pod", "spec.list.*")}


@pytest.mark.parametrize(
    "source",
    [
        "data:\n  file: |\n    {{- toYaml .Values.a | nindent 4 }}",
        "spec:\n  {{ .Release.Name }}:\n    {{- toYaml .Values.a | nindent 4 }}",
        "spec:\n  args:\n  - --x={{ toJson .Values.a }}",
        "spec:\n  x: '{{ toJson .Values.a }}'",
        "spec:\n  x: {{ toYaml .Values.a | b64enc }}",
        "spec:\n  x:\n{{ toYaml (omit .Values.a .Values.b) | indent 4 }}",
        "spec:\n  x:\n{{ .Values.a | indent 4 }}",
        'x: {{ include "t" . | sha1sum }}{{ define "t" }}c:\n  {{- toYaml .Values.a | nindent 2 }}{{ end }}',
        '{{ $x := include "t" . }}{{ define "t" }}c:\n  {{- toYaml .Values.a | nindent 2 }}{{ end }}',
    ],
)
def test_what_does_not_come_out_as_it_is_has_no_place(source: str) -> None:
    assert places(reads(POD + source), "a") == set()


def test_the_kind_is_that_of_the_document() -> None:
    found = reads(
        "kind: Pod\n---\nkind: Service\nspec:\n  x:\n{{ toYaml .Values.a | indent 4 }}\n---\nkind: Job"
    )
    assert places(found, "a") == {("Service", "spec.x")}


def test_one_of_several_kinds_is_each_of_them() -> None:
    kinds = "{{- if .Values.x }}\nkind: Deployment\n{{- else }}\nkind: StatefulSet\n{{- end }}\n"
    found = reads(kinds + "spec:\n  x:\n{{ toYaml .Values.a | indent 4 }}")
    assert places(found, "a") == {("Deployment", "spec.x"), ("StatefulSet", "spec.x")}


def test_a_kind_that_values_give_is_unknown() -> None:
    found = reads("kind: {{ .Values.kind }}\nspec:\n  x:\n{{ toYaml .Values.a | indent 4 }}")
    assert places(found, "a") == set()


def test_a_kind_that_values_give_stays_unknown_further_down() -> None:
    found = reads(
        "kind: {{ .Values.kind }}\nspec:\n  {{- if .Values.b }}\n  b: 1\n  {{- end }}\n  c: 2\n"
        "  x:\n{{ toYaml .Values.a | indent 4 }}\nstatus:\n  {{- if .Values.b }}\n  b: 1\n  {{- end }}\n"
        "  y:\n{{ toYaml .Values.d | indent 4 }}"
    )
    assert (places(found, "a"), places(found, "d")) == (set(), set())


def test_items_of_a_list_kind_are_objects() -> None:
    found = reads("kind: RoleList\nitems:\n- metadata:\n    labels:\n{{ toYaml .Values.a | indent 6 }}")
    assert places(found, "a") == {("Role", "metadata.labels")}


def test_places_can_be_sorted() -> None:
    assert sorted([Place("b", ()), Place("a", ("x",))]) == [Place("a", ("x",)), Place("b", ())]


BRANCH = "    {{- if .Values.x }}\n    y: 1\n    {{- end }}\n"


@pytest.mark.parametrize(("above", "below"), [("", ""), ("", BRANCH), (BRANCH, BRANCH)])
def test_an_item_of_a_list_of_anything_is_of_its_own_kind(above: str, below: str) -> None:
    found = reads(
        f"kind: List\nitems:\n{{{{- range .Values.l }}}}\n  - apiVersion: v1\n{above}    kind: Service\n"
        f"    metadata:\n      name: {{{{ .name }}}}\n{below}    spec:\n      ports:\n"
        "{{ toYaml .a | indent 8 }}\n{{- end }}"
    )
    assert places(found, "l", "0", "a") == {("Service", "spec.ports")}
    assert prints(found, "l", "0", "name") == {"Service metadata.name"}


def test_the_kind_of_something_further_in_is_no_items() -> None:
    found = reads(
        "kind: List\nitems:\n  - a:\n      kind: Service\n    x:\n{{ toYaml .Values.a | indent 6 }}"
    )
    assert places(found, "a") == {("", "x")}


def test_what_is_left_of_an_object_is_in_its_place_and_what_is_left_out_read_by_name() -> None:
    found = reads(POD + 'spec:\n  x:\n{{ omit .Values.a "b" | toYaml | indent 4 }}')
    assert places(found, "a") == {("Pod", "spec.x")}
    below = found.at(["a"])
    assert below is not None
    assert set(below.children) == {"b"}


@pytest.mark.parametrize(
    ("source", "left_out"),
    [
        ('{{ toYaml (omit .Values.a "b" "c") }}', {"b", "c"}),
        ('{{ with omit (omit .Values.a "b") "c" }}{{ toYaml . }}{{ end }}', {"b", "c"}),
        ('{{ $x := deepCopy .Values.a }}{{ toYaml (unset $x "b") }}', {"b"}),
        # another template, or another branch, takes all of it
        ('{{ toYaml (omit .Values.a "b") }}{{ toYaml (omit .Values.a "c") }}', set()),
        ('{{ toYaml (omit .Values.a "b") }}{{ toYaml .Values.a }}', set()),
        ('{{ $x := .Values.a }}{{ if .Values.z }}{{ $x = omit $x "b" }}{{ end }}{{ toYaml $x }}', set()),
        ("{{ toYaml (omit .Values.a .Values.z) }}", set()),
        ('{{ toYaml (omit .Values.a "b") }}{{ toYaml .Values.a.b }}', set()),
    ],
)
def test_nothing_is_read_of_what_is_left_out(source: str, left_out: set[str]) -> None:
    found = Reads.from_json(reads(source).to_json())
    assert {key for key in "bcd" if found.at(["a", key, "x"]) is None} == left_out


# --- where it is printed -----------------------------------------------------------------------


def prints(found: Reads, *path: str) -> set[str]:
    below = found.at(path)
    assert below is not None
    return {
        f"{each.place.kind} {'.'.join(each.place.path)}{' quoted' * each.quoted}" for each in below.prints
    }


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("spec:\n  x: {{ .Values.a }}", "spec.x"),
        ("spec:\n  x: {{ .Values.a }}\n  y: 1", "spec.x"),
        ("spec:\n  x: {{ .Values.a }} # why\n", "spec.x"),
        ("spec:\n  x: {{ .Values.a | quote }}", "spec.x quoted"),
        ('spec:\n  x: "{{ .Values.a }}"\n', "spec.x quoted"),
        ("spec:\n  x: '{{ .Values.a }}'\n", "spec.x quoted"),
        ('spec:\n  x: {{ default "y" .Values.a }}\n', "spec.x"),
        ('spec:\n  x: {{ .Values.a | default "y" | quote }}\n', "spec.x quoted"),
        ("spec:\n  x: {{ tpl .Values.a . }}\n", "spec.x"),
        ("spec:\n  x: {{ tpl (toString .Values.a) . | squote }}\n", "spec.x quoted"),
        ("spec:\n  x: {{ ternary .Values.a .Values.b .Values.c }}\n", "spec.x"),
        ("spec:\n  x: {{ and .Values.b .Values.a }}\n", "spec.x"),
        ("spec:\n  x: {{ .Values.a | int }}\n", "spec.x"),
        ("spec:\n  {{- with .Values.a }}\n  x: {{ . }}\n  {{- end }}\n  y: 1", "spec.x"),
        ("spec:\n  x: {{ if .Values.a }}{{ .Values.a }}{{ else }}y{{ end }}\n", "spec.x"),
        ("spec:\n  x: {{ .Values.a }}{{ $y := 1 }}\n", "spec.x"),
        ("spec:\n  x: {{ .Values.a }}\n  {{- if .Values.b }}\n  y: 1\n  {{- end }}", "spec.x"),
        ('spec:\n  x: {{ .Values.a }}\n  {{- include "y" . | nindent 2 }}', "spec.x"),
        ("spec:\n  list:\n  - {{ .Values.a }}\n", "spec.list.*"),
        ("spec:\n  list:\n  - x: {{ .Values.a }}\n", "spec.list.x"),
        (
            'spec:\n  b:\n{{ include "t" . | indent 4 }}{{ define "t" }}x: {{ .Values.a }}{{ end }}',
            "spec.b.x",
        ),
    ],
)
def test_a_value_is_printed_at_its_key(source: str, expected: str) -> None:
    assert prints(reads(POD + source), "a") == {f"Pod {expected}"}


@pytest.mark.parametrize(
    "source",
    [
        "spec:\n  x: {{ .Values.a }}:{{ .Values.b }}\n",
        "spec:\n  x: {{ .Values.a }}s\n",
        'spec:\n  x: "{{ .Values.a }}s"\n',
        'spec:\n  x: "{{ .Values.a }}',
        "spec:\n  x: s{{ .Values.a }}\n",
        "spec:\n  x: --s={{ .Values.a }}\n",
        "spec:\n  x: {{ .Values.a -}}\n  s",
        "spec:\n  x: {{ .Values.a }}{{ if .Values.b }}s{{ end }}\n",
        "spec:\n  x: {{ if .Values.b }}{{ .Values.a }}{{ end }}s\n",
        "spec:\n  x: {{ .Values.a | lower }}\n",
        "spec:\n  x: {{ and .Values.a .Values.b }}\n",
        'spec:\n  x: {{ printf "%s" .Values.a }}\n',
        "spec:\n  {{ .Values.a }}\n",
        "spec:\n  x: |\n    y: {{ .Values.a }}\n",
        "spec:\n  {{ .Release.Name }}:\n    x: {{ .Values.a }}\n",
    ],
)
def test_what_is_but_a_part_of_a_text_is_printed_nowhere(source: str) -> None:
    assert prints(reads(POD + source), "a") == set()


def test_what_is_printed_in_an_unknown_manifest_is_printed_nowhere() -> None:
    assert prints(reads("kind: {{ .Values.b }}\nspec:\n  x: {{ .Values.a }}\n"), "a") == set()


# --- what it is compared with ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('{{ if eq .Values.a "hard" }}x{{ else if eq "soft" .Values.a }}y{{ end }}', {"hard", "soft"}),
        ('{{ if ne .Values.a "hard" }}x{{ end }}', {"hard"}),
        ('{{ if eq (default "x" .Values.a) "hard" }}x{{ end }}', {"hard", "x"}),
        ('{{ if has .Values.a (list "hard" "soft") }}x{{ end }}', {"hard", "soft"}),
        ('{{ if eq (lower .Values.a) "hard" }}x{{ end }}', set()),
        ('{{ if eq (len .Values.a) 1 }}{{ if contains .Values.a "hard" }}x{{ end }}{{ end }}', set()),
    ],
)
def test_words_that_a_value_is_compared_with_are_known(source: str, expected: set[str]) -> None:
    below = reads(source).at(["a"])
    assert below is not None
    assert below.words == expected


def test_several_things_joined_may_be_a_list_or_text() -> None:
    assert paths(reads('x: {{ .Values.a | join "," }}')) == {"a!?"}


def test_what_is_read_is_the_same_after_it_was_kept() -> None:
    source = 'spec:\n  x: {{ .Values.a }}\n  y: {{ .Values.b | quote }}\n{{ if eq .Values.c "d" }}e{{ end }}'
    found = reads(f"{POD}{source}\n  z:\n{{{{ toYaml .Values.f | indent 4 }}}}")
    assert Reads.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_long_line_is_read_in_no_time() -> None:
    start = time.process_time()
    reads_in("a" + " " * 200_000 + "\nb: {{ .Values.a }}\n")
    assert time.process_time() - start < 1
