"""The parts that a template of Go's text/template consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Union


@dataclass(frozen=True)
class Literal:
    """Quoted text, a number, a boolean, or None for `nil`."""

    value: str | int | float | bool | None


@dataclass(frozen=True)
class Variable:
    """`$x`; `$` has the name "$"."""

    name: str


@dataclass(frozen=True)
class Function:
    """The name of a function, as `toYaml`."""

    name: str


@dataclass(frozen=True)
class Dot:
    """`.`, the value that a template works on."""


@dataclass(frozen=True)
class Field:
    """`names` of `base`, one in the other: `.a.b` of Dot, `$x.a`, `(index .a 0).b`."""

    base: Operand
    names: tuple[str, ...]


@dataclass(frozen=True)
class Pipeline:
    """Commands, each the operands of one; its result is the last operand of the next.

    `names` are the variables that take the result: declared by `:=`, or given a new value by `=`.
    """

    commands: tuple[tuple[Operand, ...], ...]
    names: tuple[str, ...] = ()
    declares: bool = True


Operand = Union[Literal, Variable, Function, Dot, Field, Pipeline]  # noqa: UP007 (evaluated early)


@dataclass(frozen=True)
class Text:
    """What is written as it stands, without what trim markers take away."""

    text: str


@dataclass(frozen=True)
class Output:
    """An action that writes the pipeline's result, or sets variables."""

    pipeline: Pipeline


@dataclass(frozen=True)
class Branch:
    """`if`, `with` or `range`, with what follows `else`."""

    word: str
    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Call:
    """`{{ template "name" context }}`, and what remains of a block; without a context, `None`."""

    name: str
    pipeline: Pipeline | None


@dataclass(frozen=True)
class Jump:
    """`break` or `continue`."""

    word: str


Node = Union[Text, Output, Branch, Call, Jump]  # noqa: UP007


@dataclass(frozen=True)
class Template:
    """A template file: what it writes, and the templates that it defines."""

    nodes: tuple[Node, ...]
    defines: Mapping[str, tuple[Node, ...]]
