"""A single value against a Kubernetes type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from depin_helm.checks.alike import MAYBE, alike
from depin_helm.schema import KINDS, WANTED
from depin_helm.yamlio import Path, plain

#: k8s.io/apimachinery, pkg/api/resource/quantity.go; CRDs write it as a pattern.
_QUANTITY = re.compile(
    r"([-+]?)([0-9]+(\.[0-9]*)?|\.[0-9]+)(n|u|m|k|[KMGTPE]i|[MGTPE]|[eE][-+]?[0-9]+(\.[0-9]*)?)?"
)
_UNITS = "units are m, k, M, G, T, P, E and Ki, Mi, Gi, Ti, Pi, Ei"

#: What is said of text that is no duration, or no quantity.
DURATION = "must be a duration, such as 30s or 1h30m"
QUANTITY = "must be a quantity, such as 500m or 2Gi"

#: What well-known patterns of CRDs ask for; others are shown as they are.
_PATTERNS = {
    "([0-9]+)ms)?": DURATION,
    "i?)?B)": "must be a size in bytes, such as 500MB or 10GiB",
    "://": "must be a URL",
}

#: No quantity is longer.
_LONG = 64
#: Text that a CRD's pattern is not held against: some would take their time.
_TOO_LONG = 1024


@dataclass(frozen=True)
class Problem:
    """What is wrong at `path`, counted from the value that was checked; no text repeats a value."""

    path: Path
    message: str
    hint: str = ""


def _whole_number(value: Any) -> bool:
    return not isinstance(value, bool) and (
        isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    )


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


IS: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": _whole_number,
    "number": _number,
    "int-or-string": lambda value: isinstance(value, str) or _whole_number(value),
    "quantity": lambda value: isinstance(value, str) or _number(value),
}
_WANTED = {
    **WANTED,
    "int-or-string": "a whole number or text",
    "quantity": QUANTITY.removeprefix("must be "),
}


def wrong_kind(value: Any, kind: str, path: Path) -> Problem:
    """What to say of a value that is none of the wanted kind, a key of `IS`."""
    hint = ""
    if kind == "string" and isinstance(value, bool | int | float):
        hint = "quote it"
    elif isinstance(value, str) and kind not in ("string", "object", "array") and IS[kind](plain(value)):
        hint = "remove the quotes"
    elif kind == "array":
        hint = "begin each item with `- `"
    elif kind == "object" or isinstance(value, dict | list):
        hint = "check the indentation"
    return Problem(path, f"must be {_WANTED[kind]}, not {KINDS.get(type(value), 'something else')}", hint)


def scalar(value: Any, kind: str, schema: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    """What is wrong with a value of the right kind: an unknown word, no quantity, too little."""
    choices = [str(choice) for choice in schema.get("enum") or () if choice not in (None, "")]
    if choices and str(value) not in choices and value not in schema["enum"]:
        hint = did_you_mean(alike(str(value), choices, MAYBE))
        # prometheus-operator takes some words in two ways of writing.
        shown = {choice.casefold(): choice for choice in reversed(choices)}.values()
        yield Problem(path, f"must be one of: {', '.join(reversed(list(shown)))}", hint)
    elif kind == "quantity":
        yield from _quantity(value, path)
    elif isinstance(value, str):
        if value == "" and schema.get("minLength", 0) > 0:
            yield Problem(path, "must not be empty")
        elif kind == "string" and not _matches(schema.get("pattern"), value):
            pattern = schema["pattern"]
            said = (text for part, text in _PATTERNS.items() if part in pattern)
            yield Problem(path, next(said, f"must match {pattern}"))
    elif value < schema.get("minimum", value):
        least = schema["minimum"]
        yield Problem(path, "must not be negative" if least == 0 else f"must be at least {least}")
    elif value > schema.get("maximum", value):
        yield Problem(path, f"must be at most {schema['maximum']}")


def _quantity(value: Any, path: Path) -> Iterator[Problem]:
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) and len(value) <= _LONG else None
    if isinstance(value, str) and match is None:
        yield Problem(path, QUANTITY, _UNITS)
    elif match[1] == "-" if match else value < 0:
        yield Problem(path, "must not be negative")


@lru_cache(512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """A CRD's pattern, in Go's dialect; None for what is none in Python's."""
    try:
        # In Python `$` would match before a last line break too.
        return re.compile(re.sub(r"(?<!\\)\$", r"\\Z", pattern))
    except re.error:
        return None


def _matches(pattern: Any, value: str) -> bool:
    expression = _compiled(pattern) if isinstance(pattern, str) else None
    return expression is None or len(value) > _TOO_LONG or bool(expression.search(value))


def did_you_mean(meant: str) -> str:
    """A hint that names what was meant, if anything."""
    return f"did you mean {meant}?" if meant else ""
