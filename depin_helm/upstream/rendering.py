"""How the YAML that a pipeline makes comes out: at which column, and whether as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from depin_helm.upstream import functions
from depin_helm.upstream.syntax import Function, Literal, Operand, Pipeline


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
