"""A value against a Kubernetes type: what the API server would refuse, or drop without a word.

A structure is a JSON schema as Kubernetes writes them: keys that are not listed are unknown, unless the
type keeps them. `null` deletes a default and text with `{{` is a template: both fit everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from depin_helm.checks.alike import MAYBE, SURE, alike, listed
from depin_helm.schema import KINDS, WANTED
from depin_helm.yamlio import Path, format_path, plain

Schema = Mapping[str, Any]

#: k8s.io/apimachinery, pkg/api/resource/quantity.go; CRDs write it as a pattern.
_QUANTITY = re.compile(
    r"([-+]?)([0-9]+(\.[0-9]*)?|\.[0-9]+)(n|u|m|k|[KMGTPE]i|[MGTPE]|[eE][-+]?[0-9]+(\.[0-9]*)?)?"
)
_QUANTITY_PATTERN = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)"
_UNITS = "units are m, k, M, G, T, P, E and Ki, Mi, Gi, Ti, Pi, Ei"

#: What well-known patterns of CRDs ask for; others are shown as they are.
_PATTERNS = {
    "([0-9]+)ms)?": "must be a duration, such as 30s or 1h30m",
    "i?)?B)": "must be a size in bytes, such as 500MB or 10GiB",
    "://": "must be a URL",
}

#: As many places are named that a key could belong to.
_PLACES = 3


@dataclass(frozen=True)
class Problem:
    """What is wrong at `path`, counted from the value that was checked; no text repeats a value."""

    path: Path
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Structure:
    """A schema, with those that its references name."""

    schema: Schema
    definitions: Mapping[str, Schema] = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "schema", resolved(self.schema, self.definitions))

    def at(self, schema: Any) -> Structure:
        """Another schema with the same definitions."""
        return Structure(schema if isinstance(schema, Mapping) else {}, self.definitions)

    @property
    def properties(self) -> Mapping[str, Any]:
        """The keys that are known by name."""
        return self.schema.get("properties") or {}

    @property
    def kind(self) -> str:
        """What is wanted: a type of JSON schemas, `quantity` or `int-or-string`; "" for anything."""
        pattern = self.schema.get("pattern", "")
        if self.schema.get("format") == "quantity" or str(pattern).startswith(_QUANTITY_PATTERN):
            return "quantity"
        if self.schema.get("format") == "int-or-string" or self.schema.get("x-kubernetes-int-or-string"):
            return "int-or-string"
        kind = self.schema.get("type", "object" if self.properties else "")
        return kind if kind in WANTED else ""


def resolved(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """What a reference stands for; anything goes where it names nothing that is known."""
    for _ in range(10):
        if "$ref" not in schema:
            break
        schema = definitions.get(schema["$ref"], {})
    return schema


def problems(value: Any, structure: Structure, *, whole: bool) -> tuple[Problem, ...]:
    """All that is wrong with a value.

    A value that is not the `whole` object may lack keys that the template writes beside it, and may be
    text that the template takes apart.
    """
    if isinstance(value, str) and "\n" in value and structure.kind in ("object", "array") and not whole:
        return ()
    found = tuple(_problems(value, structure, (), ()))
    return (
        found if whole else tuple(each for each in found if len(each.path) != 1 or each.message != _MISSING)
    )


_MISSING = "is missing"
#: What is said of a key that the type does not have.
UNKNOWN = "unknown key"


def _problems(
    value: Any, structure: Structure, path: Path, above: tuple[Structure, ...]
) -> Iterator[Problem]:
    kind = structure.kind
    if value is None or not kind or (isinstance(value, str) and "{{" in value):
        return
    if not _IS[kind](value):
        yield _wrong_kind(value, kind, path)
    elif isinstance(value, dict):
        yield from _map(value, structure, path, above)
    elif isinstance(value, list):
        if len(value) < structure.schema.get("minItems", 0):
            yield Problem(path, "must not be empty")
        items = structure.at(structure.schema.get("items"))
        for index, item in enumerate(value):
            yield from _problems(item, items, (*path, index), above)
    else:
        yield from _scalar(value, kind, structure.schema, path)


def _map(
    value: Mapping[str, Any], structure: Structure, path: Path, above: tuple[Structure, ...]
) -> Iterator[Problem]:
    known, schema = structure.properties, structure.schema
    others = schema.get("additionalProperties")
    free = (
        schema.get("x-kubernetes-preserve-unknown-fields")
        or schema.get("x-kubernetes-embedded-resource")
        or (not known and not isinstance(others, Mapping))
        or others is True
    )
    meant: set[str] = set()
    for key, inner in value.items():
        if key in known:
            yield from _problems(inner, structure.at(known[key]), (*path, key), (structure, *above))
        elif isinstance(others, Mapping):
            yield from _problems(inner, structure.at(others), (*path, key), (structure, *above))
        elif not free:
            similar, hint = _meant(key, structure, above)
            meant.add(similar)
            yield Problem((*path, key), UNKNOWN, hint)
    # What is missing because it is misspelt is said once.
    for key in schema.get("required", ()):
        if value.get(key) is None and key not in meant:
            yield Problem((*path, key), _MISSING)


# --- kinds of values ---------------------------------------------------------------------------


def _whole_number(value: Any) -> bool:
    return not isinstance(value, bool) and (
        isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    )


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_IS: Mapping[str, Callable[[Any], bool]] = {
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
    "quantity": "a quantity, such as 500m or 2Gi",
}


def _wrong_kind(value: Any, kind: str, path: Path) -> Problem:
    hint = ""
    if kind == "string" and isinstance(value, bool | int | float):
        hint = "quote it"
    elif isinstance(value, str) and kind not in ("string", "object", "array") and _IS[kind](plain(value)):
        hint = "remove the quotes"
    elif kind == "array":
        hint = "begin each item with `- `"
    elif kind == "object" or isinstance(value, dict | list):
        hint = "check the indentation"
    return Problem(path, f"must be {_WANTED[kind]}, not {KINDS.get(type(value), 'something else')}", hint)


def _scalar(value: Any, kind: str, schema: Schema, path: Path) -> Iterator[Problem]:
    choices = [str(choice) for choice in schema.get("enum") or () if choice not in (None, "")]
    if choices and str(value) not in choices and value not in schema["enum"]:
        hint = _hint(alike(str(value), choices, MAYBE))
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
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if isinstance(value, str) and match is None:
        yield Problem(path, f"must be {_WANTED['quantity']}", _UNITS)
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
    return expression is None or bool(expression.search(value))


# --- what an unknown key was to be -------------------------------------------------------------


def _meant(key: str, structure: Structure, above: tuple[Structure, ...]) -> tuple[str, str]:
    """The known key beside it that an unknown one was to be, if any, and the hint."""
    known = sorted(structure.properties)
    sure = alike(key, known, SURE)
    if sure:
        return sure, _hint(sure)
    below = [format_path(path) for path in _below(key, structure)]
    if 0 < len(below) <= _PLACES:
        return "", f"did you mean {' or '.join(below)}?"
    if above:
        if key in above[0].properties:
            return "", "it belongs one level up"
        beside = [format_path(path) for path in _below(key, above[0], depth=1)]
        if len(beside) == 1:
            return "", f"did you mean {beside[0]}, beside the map that it is in?"
    maybe = alike(key, known, MAYBE)
    if maybe:
        return maybe, _hint(maybe)
    return "", listed(known)


def _hint(meant: str) -> str:
    return f"did you mean {meant}?" if meant else ""


def _below(key: str, structure: Structure, depth: int = 2) -> Iterator[tuple[str, ...]]:
    """Where the key stands at most `depth` maps further in, nearest first."""
    maps = {name: structure.at(inner) for name, inner in structure.properties.items()}
    found = [(name, key) for name, inner in maps.items() if key in inner.properties]
    if found or depth == 1:
        yield from found
        return
    for name, inner in maps.items():
        yield from ((name, *path) for path in _below(key, inner, depth - 1))
