"""The inside of an action of Go's text/template: text → pipeline, after lex.go and parse.go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from depin_helm.upstream.syntax import Dot, Field, Function, Literal, Operand, Pipeline, Variable

WHITE = " \t\r\n"
#: No chart nests deeper, and Python's own stack is limited.
_MAX_DEPTH = 100

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<string>"(?:[^"\\\n]|\\.)*")
    |(?P<raw>`[^`]*`)
    |(?P<rune>'(?:[^'\\\n]|\\[^\n]+?)')
    |(?P<number>[+-]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)i?)
    |(?P<field>\.[^\W\d]\w*)
    |(?P<variable>\$\w*)
    |(?P<word>[^\W\d]\w*)
    |(?P<sign>:=|[=|(),.])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{3}|[abfnrtv\\'\"])")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_WORDS = {"true": True, "false": False, "nil": None}
_KEYWORDS = frozenset(
    {"if", "else", "end", "range", "with", "define", "block", "template", "break", "continue"}
)


class TemplateError(ValueError):
    """A template that Go would refuse; `line` counts from 1. The message repeats nothing of it."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.message = message
        self.line = line


class _Token(NamedTuple):
    kind: str
    text: str
    joined: bool  # nothing stands between it and the one before


def first_word(action: str) -> str:
    """The keyword that the action begins with, "" for a pipeline."""
    token = _TOKEN.match(action)
    return token[0] if token and token.lastgroup == "word" and token[0] in _KEYWORDS else ""


def leading_text(action: str) -> tuple[str | None, str]:
    """The quoted text that the action begins with, if it does, and the rest."""
    token = _TOKEN.match(action)
    if token is None or token.lastgroup not in ("string", "raw"):
        return None, action
    return _unquoted(token[0]), action[token.end() :].strip(WHITE)


@lru_cache(20_000)  # charts repeat themselves
def pipeline(text: str, variables: int) -> Pipeline:
    """The pipeline in `text`, with up to so many variables that take its result.

    Raises:
        TemplateError: it is none; without a line.
    """
    return _Tokens(text).pipeline(variables, end="")


class _Tokens:
    """Puts the tokens of one action together to a pipeline."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0
        self._depth = 0

    def pipeline(self, variables: int, end: str) -> Pipeline:
        """A pipeline up to the sign `end`, with up to so many variables that take its result."""
        names, declares = self._names(variables) if variables else ((), True)
        commands: list[tuple[Operand, ...]] = []
        while True:
            command = tuple(self._operands())
            if not command:
                raise TemplateError("a value is missing")
            if commands and isinstance(command[0], Literal | Dot):
                raise TemplateError("what follows `|` must be a function")
            commands.append(command)
            sign = self._take()
            if sign == end:
                return Pipeline(tuple(commands), names, declares)
            if sign != "|":
                raise TemplateError("a parenthesis is not closed" if not sign else "an unexpected sign")

    def _names(self, most: int) -> tuple[tuple[str, ...], bool]:
        for count in range(1, most + 1):
            kinds = [token.kind for token in self._tokens[: 2 * count]]
            if kinds != (["variable", ","] * count)[:-1] + kinds[-1:] or kinds[-1] not in (":=", "="):
                continue
            names = tuple(token.text for token in self._tokens[: 2 * count : 2])
            self._next = 2 * count
            return names, kinds[-1] == ":="
        return (), True

    def _take(self) -> str:
        """The next sign; "" at the end."""
        if self._next == len(self._tokens):
            return ""
        self._next += 1
        return self._tokens[self._next - 1].kind

    def _operands(self) -> Iterator[Operand]:
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            if token.kind in ("|", ")", ",", "=", ":="):
                return
            self._next += 1
            operand = self._term(token)
            names: list[str] = [token.text] if token.kind == "field" else []
            while self._next < len(self._tokens) and self._tokens[self._next].joined:
                following = self._tokens[self._next]
                if following.kind != "field":
                    if following.kind in ("|", ")", ",", "=", ":="):
                        break
                    raise TemplateError("a space is missing")
                if isinstance(operand, Literal) or token.kind == ".":
                    raise TemplateError("an unexpected dot")
                names.append(following.text)
                self._next += 1
            yield Field(operand, tuple(names)) if names else operand

    def _term(self, token: _Token) -> Operand:
        if token.kind in ("string", "raw"):
            return Literal(_unquoted(token.text))
        if token.kind == "number":
            return Literal(_number(token.text))
        if token.kind == "rune":
            return Literal(ord(_unquoted(token.text)[0]))
        if token.kind in ("field", "."):
            return Dot()
        if token.kind == "variable":
            return Variable(token.text)
        if token.kind == "word":
            return Literal(_WORDS[token.text]) if token.text in _WORDS else Function(token.text)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise TemplateError("parentheses are nested too deeply")
        inner = self.pipeline(0, end=")")
        self._depth -= 1
        return inner


def _tokens(text: str) -> Iterator[_Token]:
    position, joined = 0, False
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise TemplateError("an unexpected character")
        position = match.end()
        kind = str(match.lastgroup)
        if kind == "space":
            joined = False
            continue
        content = match[0][1:] if kind == "field" else match[0]
        yield _Token(content if kind == "sign" else kind, content, joined)
        joined = True


def _unquoted(text: str) -> str:
    inner = text[1:-1]
    if text[0] == "`" or "\\" not in inner:
        return inner.replace("\r", "") if text[0] == "`" else inner
    if "\\" in _ESCAPE.sub("", inner):
        raise TemplateError("an unknown escape in quoted text")
    return _ESCAPE.sub(_escaped, inner)


def _escaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xuU":
        return chr(int(code[1:], 16))
    return chr(int(code, 8)) if code[0].isdigit() else _ESCAPES.get(code, code)


def _number(text: str) -> int | float:
    try:
        return int(text.replace("_", ""), 0)
    except ValueError:
        try:
            return int(text, 8) if re.fullmatch(r"[+-]?0[0-7]+", text) else float(text.replace("_", ""))
        except ValueError:
            raise TemplateError("a number that is none") from None
