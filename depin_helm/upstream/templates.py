"""A parser for Helm's templates: Go's text/template, after lex.go and parse.go in text/template/parse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from depin_helm.upstream import pipelines
from depin_helm.upstream.pipelines import WHITE, TemplateError, first_word, leading_text
from depin_helm.upstream.syntax import Branch, Call, Jump, Node, Output, Pipeline, Template, Text

__all__ = ["TemplateError", "parse"]

#: No chart nests deeper, and Python's own stack is limited.
_MAX_DEPTH = 100

_COMMENT = re.compile(r"\{\{(?:-[ \t\r\n])?/\*")
_COMMENT_END = re.compile(r"\*/([ \t\r\n]-)?\}\}")
#: All up to the delimiter; quotes may hold one.
_ACTION = re.compile(
    r"""\{\{(?P<left>-(?=[ \t\r\n]))?
    (?P<content>(?:[^"'`}]++|"(?:[^"\\\n]++|\\.)*+"|`[^`]*+`|'(?:[^'\\\n]++|\\.)*+'|\}(?!\}))*+)
    \}\}""",
    re.VERBOSE,
)


def parse(source: str) -> Template:
    """The template in `source`.

    Raises:
        TemplateError: it is none.
    """
    return _Parser(source).template()


class _Piece(NamedTuple):
    """Text (`action` is None) or the inside of an action."""

    start: int
    text: str
    action: str | None


def _pieces(source: str) -> Iterator[_Piece]:
    position, trim = 0, False
    while position <= len(source):
        start = source.find("{{", position)
        text = source[position:] if start < 0 else source[position:start]
        text = text.lstrip(WHITE) if trim else text
        if start < 0:
            yield _Piece(position, text, None)
            return
        comment = _COMMENT.match(source, start)
        left = source.startswith("-", start + 2) and source[start + 3 : start + 4] in tuple(WHITE)
        yield _Piece(position, text.rstrip(WHITE) if left else text, None)
        if comment:
            close = source.find("*/", comment.end())
            end = _COMMENT_END.match(source, close) if close >= 0 else None
            if end is None:
                raise TemplateError(
                    "a comment is not closed, or does not end its action", _line(source, start)
                )
            position, trim = end.end(), end[1] is not None
            continue
        action = _ACTION.match(source, start)
        if action is None:
            raise TemplateError("an action or a quote in it is not closed", _line(source, start))
        content = action["content"][1:] if left else action["content"]
        trim = content[-1:] == "-" and content[-2:-1] in tuple(WHITE)
        yield _Piece(start, "", content[:-1] if trim else content)
        position = action.end()


def _line(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1


class _Parser:
    """Puts actions together to blocks."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._pieces = _pieces(source)
        self._start = 0
        self._depth = 0
        self._loops = 0
        self._defines: dict[str, tuple[Node, ...]] = {}

    def template(self) -> Template:
        nodes, _ = self._list(("",))
        return Template(nodes, self._defines)

    def _list(self, ends: tuple[str, ...]) -> tuple[tuple[Node, ...], str]:
        """Nodes up to the action that begins with one of `ends`, and that action; "" is the file's end."""
        opened = self._start
        self._deeper()
        nodes: list[Node] = []
        for piece in self._pieces:
            if piece.action is None:
                if piece.text:
                    nodes.append(Text(piece.text))
                continue
            self._start = piece.start
            action = piece.action.strip(WHITE)
            word = first_word(action)
            if word in ("else", "end"):
                if word not in ends:
                    raise self._error(f"unexpected {{{{{word}}}}}")
                self._depth -= 1
                return tuple(nodes), action
            node = self._action(word, action)
            if node is not None:
                nodes.append(node)
        if "" not in ends:
            self._start = opened
            raise self._error("a block is not closed")
        return tuple(nodes), ""

    def _action(self, word: str, action: str) -> Node | None:
        rest = action[len(word) :]
        if word in ("if", "with", "range"):
            return self._branch(word, rest)
        if word == "define":
            self._define(rest)
            return None
        if word in ("block", "template"):
            name, pipeline = self._named(rest)
            if word == "block":
                self._define_as(name)
            return Call(name, pipeline)
        if word in ("break", "continue"):
            if rest or not self._loops:
                raise self._error(f"{word} outside of range" if not rest else f"unexpected text after {word}")
            return Jump(word)
        return Output(self._pipeline(action, variables=1))

    def _branch(self, word: str, rest: str) -> Branch:
        pipeline = self._pipeline(rest, variables=2 if word == "range" else 1)
        self._loops += word == "range"
        body, ended = self._list(("else", "end"))
        self._loops -= word == "range"
        otherwise: tuple[Node, ...] = ()
        if ended != "end":
            after = ended[len("else") :].strip(WHITE)
            again = first_word(after)
            if again in ("if", "with") and word in ("if", "with"):  # they share one {{end}}
                self._deeper()
                otherwise = (self._branch(again, after[len(again) :]),)
                self._depth -= 1
                return Branch(word, pipeline, body, otherwise)
            if after:
                raise self._error("unexpected text after else")
            otherwise, ended = self._list(("end",))
        if ended != "end":
            raise self._error("unexpected text after end")
        return Branch(word, pipeline, body, otherwise)

    def _define(self, rest: str) -> None:
        if self._depth > 1:
            raise self._error("unexpected {{define}}")
        name, pipeline = self._named(rest)
        if pipeline is not None:
            raise self._error("unexpected text after the name of a template")
        self._define_as(name)

    def _define_as(self, name: str) -> None:
        loops, self._loops = self._loops, 0
        body, ended = self._list(("end",))
        self._loops = loops
        if ended != "end":
            raise self._error("unexpected text after end")
        # As in Go, an empty definition does not replace another.
        if name not in self._defines or any(not isinstance(each, Text) or each.text.strip() for each in body):
            self._defines[name] = body

    def _named(self, rest: str) -> tuple[str, Pipeline | None]:
        name, after = leading_text(rest.strip(WHITE))
        if name is None:
            raise self._error("the name of a template must be quoted")
        return name, self._pipeline(after, variables=1) if after else None

    def _pipeline(self, text: str, variables: int) -> Pipeline:
        try:
            return pipelines.pipeline(text.strip(WHITE), variables)
        except TemplateError as error:
            raise self._error(error.message) from None

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._error("blocks are nested too deeply")

    def _error(self, message: str) -> TemplateError:
        return TemplateError(message, _line(self._source, self._start))
