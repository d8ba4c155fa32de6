"""The parser takes what Go's text/template takes, and says in which line it does not."""

from __future__ import annotations

import pytest

from depin_helm.upstream.syntax import (
    Branch,
    Call,
    Dot,
    Field,
    Function,
    Jump,
    Literal,
    Node,
    Operand,
    Output,
    Pipeline,
    Text,
    Variable,
)
from depin_helm.upstream.templates import TemplateError, parse


def nodes(source: str) -> tuple[Node, ...]:
    return parse(source).nodes


def pipeline(source: str) -> Pipeline:
    (node,) = nodes("{{ " + source + " }}")
    assert isinstance(node, Output)
    return node.pipeline


def operand(source: str) -> Operand:
    ((found,),) = pipeline(source).commands
    return found


def test_text_without_actions_is_itself() -> None:
    assert nodes("a: {b: }}\n") == (Text("a: {b: }}\n"),)
    assert nodes("") == ()


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("a \n{{ .x }}\n b", ["a \n", "\n b"]),
        ("a \n{{- .x }}\n b", ["a", "\n b"]),
        ("a \n{{ .x -}}\n b", ["a \n", "b"]),
        ("a \n{{- .x -}}\n b", ["a", "b"]),
        ("a\n{{-\n.x\n-}}\nb", ["a", "b"]),
        ("a\n{{- /* {{ .y }} */ -}}\nb", ["a", "b"]),
        ("a\n{{/* a */}}\nb", ["a\n", "\nb"]),
    ],
)
def test_trim_markers_take_white_space_away(source: str, texts: list[str]) -> None:
    assert [node.text for node in nodes(source) if isinstance(node, Text)] == texts


def test_a_minus_without_a_space_is_a_number() -> None:
    assert operand("(-3)") == Pipeline(((Literal(-3),),))
    assert nodes("a {{-3}}") == (Text("a "), Output(Pipeline(((Literal(-3),),))))


@pytest.mark.parametrize(
    ("source", "value"),
    [
        (r'"a\n\"b\" \u00e4 \x41 \101 }}"', 'a\n"b" ä A A }}'),
        (r"`a\n}} {{ " "`", r"a\n}} {{ "),
        ("'a'", 97),
        (r"'\n'", 10),
        ("12", 12),
        ("1_000", 1000),
        ("0x1F", 31),
        ("0755", 493),
        ("0b11", 3),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("true", True),
        ("false", False),
        ("nil", None),
    ],
)
def test_literals_are_what_they_are_in_go(source: str, value: object) -> None:
    found = operand(source)
    assert isinstance(found, Literal)
    assert (found.value, type(found.value)) == (value, type(value))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (".", Dot()),
        ("$", Variable("$")),
        ("$x", Variable("$x")),
        (".a.b", Field(Dot(), ("a", "b"))),
        ("$.a.b", Field(Variable("$"), ("a", "b"))),
        ("$x.a", Field(Variable("$x"), ("a",))),
        ("(f .a).b.c", Field(Pipeline(((Function("f"), Field(Dot(), ("a",))),)), ("b", "c"))),
        ("now", Function("now")),
    ],
)
def test_operands(source: str, expected: Operand) -> None:
    assert operand(source) == expected


def test_a_pipeline_is_commands_of_operands() -> None:
    found = pipeline('.a | default "x" | indent 2')
    assert found.commands == (
        (Field(Dot(), ("a",)),),
        (Function("default"), Literal("x")),
        (Function("indent"), Literal(2)),
    )


def test_variables_are_declared_or_get_another_value() -> None:
    assert (pipeline("$x := 1").names, pipeline("$x := 1").declares) == (("$x",), True)
    assert (pipeline("$x = 1").names, pipeline("$x = 1").declares) == (("$x",), False)
    (loop,) = nodes("{{ range $k, $v := .a }}{{ end }}")
    assert isinstance(loop, Branch)
    assert loop.pipeline.names == ("$k", "$v")


def test_blocks_nest() -> None:
    (found,) = nodes("{{ if .a }}1{{ with .b }}2{{ end }}{{ else }}3{{ end }}")
    assert found == Branch(
        "if",
        Pipeline(((Field(Dot(), ("a",)),),)),
        (Text("1"), Branch("with", Pipeline(((Field(Dot(), ("b",)),),)), (Text("2"),))),
        (Text("3"),),
    )


def test_else_if_shares_the_end() -> None:
    (found,) = nodes("{{ if .a }}1{{ else if .b }}2{{ else }}3{{ end }}")
    assert isinstance(found, Branch)
    (inner,) = found.otherwise
    assert isinstance(inner, Branch)
    assert (inner.word, inner.body, inner.otherwise) == ("if", (Text("2"),), (Text("3"),))


def test_loops_may_be_left() -> None:
    (found,) = nodes("{{ range .a }}{{ if . }}{{ break }}{{ end }}{{ continue }}{{ end }}")
    assert isinstance(found, Branch)
    assert found.body[1] == Jump("continue")


def test_templates_are_defined_and_called() -> None:
    found = parse(
        '{{ define "a" }}x{{ end }}{{ template "a" .b }}{{ block `c` . }}y{{ end }}{{ template "d" }}'
    )
    assert found.defines == {"a": (Text("x"),), "c": (Text("y"),)}
    assert found.nodes == (
        Call("a", Pipeline(((Field(Dot(), ("b",)),),))),
        Call("c", Pipeline(((Dot(),),))),
        Call("d", None),
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ .a", "not closed"),
        ('{{ "a }}', "not closed"),
        ("{{ `a }}", "not closed"),
        ("{{/* a }}", "a comment is not closed"),
        ("{{/* a */ .b }}", "does not end its action"),
        ("{{ }}", "a value is missing"),
        ("{{ .a | }}", "a value is missing"),
        ("{{ (.a }}", "a parenthesis is not closed"),
        ("{{ .a) }}", "unexpected sign"),
        ("{{ if }}{{ end }}", "a value is missing"),
        ("{{ if .a }}", "a block is not closed"),
        ("{{ end }}", "unexpected {{end}}"),
        ("{{ else }}", "unexpected {{else}}"),
        ("{{ if .a }}{{ else }}{{ else }}{{ end }}", "unexpected {{else}}"),
        ("{{ range .a }}{{ else if .b }}{{ end }}{{ end }}", "unexpected text after else"),
        ("{{ break }}", "break outside of range"),
        ("{{ if .a }}{{ define `b` }}{{ end }}{{ end }}", "unexpected {{define}}"),
        ("{{ define b }}{{ end }}", "must be quoted"),
        ("{{ template .b }}", "must be quoted"),
        ("{{ .a | 3 }}", "must be a function"),
        ("{{ .a & .b }}", "unexpected character"),
        (r'{{ "\q" }}', "unknown escape"),
        ("{{ 3.a }}", "a space is missing"),
        ('{{ "a".b }}', "unexpected dot"),
        ('{{ "a"b }}', "a space is missing"),
        ("{{ 'ab' }}", "unexpected character"),
    ],
)
def test_what_go_refuses_is_refused_with_its_line(source: str, message: str) -> None:
    with pytest.raises(TemplateError) as error:
        parse("a\n\n" + source)
    assert message in error.value.message
    assert error.value.line == 3


def test_a_template_nested_too_deeply_is_refused() -> None:
    with pytest.raises(TemplateError):
        parse("{{ if .a }}" * 5000 + "{{ end }}" * 5000)
    with pytest.raises(TemplateError):
        parse("{{ " + "(" * 5000 + ".a" + ")" * 5000 + " }}")
    with pytest.raises(TemplateError):
        parse("{{ if .a }}" + "{{ else if .b }}" * 5000 + "{{ end }}")


def test_no_message_repeats_what_the_template_holds() -> None:
    with pytest.raises(TemplateError) as error:
        parse('{{ if eq .a "hunter2" }}')
    assert "hunter2" not in str(error.value)
