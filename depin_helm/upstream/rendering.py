"""How the YAML that a pipeline makes comes out: at which column, and whether as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from depin_helm.upstream import functions
from depin_helm.upstream.syntax import Branch, Call, Function, Literal, Node, Operand, Output, Pipeline, Text


def _functions(pipeline: Pipeline) -> Iterator[tuple[Function, Sequence[Operand]]]:
    """All functions of a pipeline that comes out as text, with their arguments."""
    for command in pipeline.commands:
        if isinstance(command[0], Function):
            yield command[0], command[1:]
        for operand in command:
            if isinstance(operand, Pipeline):
                yield from _functions(operand)


def indentation(pipeline: Pipeline) -> tuple[int | None, bool]:
    """The column at which the pipeline's text is indented, and whether it begins with a new line."""
    for function, arguments in _functions(pipeline):
        if function.name in ("indent", "nindent") and arguments and isinstance(arguments[0], Literal):
            column = arguments[0].value
            if isinstance(column, int):
                return column, function.name == "nindent"
    return None, False


def quoted(pipeline: Pipeline) -> bool:
    """Whether the pipeline's text comes out in quotes."""
    return any(function.name in ("quote", "squote") for function, _ in _functions(pipeline))


#: Functions that make what becomes YAML text, not text themselves.
_MAKING = frozenset(
    {
        *("default", "coalesce", "ternary", "and", "or", "not", "eq", "empty"),
        *("concat", "append", "prepend", "uniq", "first", "last", "list", "tuple"),
        *("dict", "index", "get", "omit", "pick", "deepCopy"),
        *("merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"),
    }
)


def transparent(pipeline: Pipeline) -> bool:
    """Whether what the pipeline's YAML, or the template that it includes, writes comes out as it is."""
    names = [function.name for function, _ in _functions(pipeline)]
    return bool(functions.TRANSPARENT & set(names)) and functions.TRANSPARENT.union(_MAKING).issuperset(names)


def ended(after: Sequence[Node], quote: str, ends: bool) -> bool:
    """Whether a line, and the quote in it, ends where the nodes `after` begin; `ends`: after them it does."""
    for node in after:
        if isinstance(node, Text):
            rest = node.text.removeprefix(quote) if node.text.startswith(quote) else None
            return rest is not None and (rest[:1] in ("", "\n") or rest.lstrip(" ")[:1] in ("#", "\n"))
        if isinstance(node, Output) and node.pipeline.names:
            continue
        if isinstance(node, Output) or quote:
            return not quote and isinstance(node, Output) and indentation(node.pipeline)[1]
        if not isinstance(node, Branch) or not ended(node.body, quote, ends):
            return False
        if node.otherwise:
            return ended(node.otherwise, quote, ends)
    return ends and not quote


def included(node: Call) -> Pipeline:
    """The pipeline that writes the same as `{{ template … }}`."""
    context = (node.pipeline,) if node.pipeline else ()
    return Pipeline(((Function("include"), Literal(node.name), *context),))
