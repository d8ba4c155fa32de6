"""Values against the schema: every mistake becomes one finding, and no value is ever repeated.

The schema's source is commented YAML; `build` makes the values.schema.json of it that Helm enforces. Helm
resolves a relative `$ref` against its working directory, so none is left.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from depin_helm import yamlio
from depin_helm.errors import Finding, ValuesError
from depin_helm.values import SET, Environment
from depin_helm.yamlio import Document, Path, format_path, plain

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_DEFINITIONS = "definitions"

UNKNOWN = "unknown key"
#: As many places are offered where a key could belong.
MAX_OFFERED = 3

#: Longer text fits no pattern: nobody's name, amount or time is, and Python's patterns would take their time.
MAX_MATCHED = 512


def build(source: File) -> str:
    """The text of values.schema.json; the same source gives the same text.

    Raises:
        ValuesError: the source is no YAML, or names a definition that it does not have.
    """
    return text(load(source))


def text(schema: Mapping[str, Any]) -> str:
    """A schema as the text of a file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def load(source: File) -> dict[str, Any]:
    """The schema with every `$ref` replaced by what it names, the keys beside it on top.

    Raises:
        ValuesError: as for `build`.
    """
    schema: dict[str, Any] = _inlined(yamlio.read_values(source), ())
    schema.pop(_DEFINITIONS, None)
    return schema


def check(environment: Environment, schema: Mapping[str, Any]) -> tuple[Finding, ...]:
    """All findings: those of reading the files, and what the schema does not allow; one per mistake.

    In the order of the files (the environment's own before those on top of it), then of their lines. A
    finding stands where the value comes from; one about something missing, where its section does.
    """
    found: dict[Path, _Said] = {}
    for error in _errors(environment.values, schema):
        for said in _explain(error, schema):
            found.setdefault(said.path, said)
    # What is missing because it is misspelt, and what could not even be read, is said once.
    settled = {said.meant for said in found.values()}
    unread = [(finding.file, finding.path) for finding in environment.findings if finding.path]
    findings = [_finding(environment, said) for said in found.values() if said.path not in settled]
    findings = [finding for finding in findings if not _unread(finding, unread)]
    rank = {source: number for number, source in enumerate(environment.sources)}
    return tuple(
        sorted((*environment.findings, *findings), key=lambda finding: (rank.get(finding.file, -1), finding))
    )


def explain(values: Any, schema: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
    """What is wrong with values by another schema: path, message and hint, which repeat no value."""
    for error in _errors(values, schema):
        for said in _explain(error, schema):
            yield said.path, said.message, said.hint


def _finding(environment: Environment, said: _Said) -> Finding:
    finding = environment.finding(said.path, said.message, said.hint, rule="schema", place=said.place)
    if finding.file == SET and said.hint == _UNQUOTE:
        return replace(finding, hint="write it into a file: --set takes it for text")
    if finding.file == SET and said.message == UNKNOWN and len(said.path) == 1 and "mean" not in said.hint:
        # `--set password=a,b=c`: what stands after the comma may be the rest of a password.
        hint = rf"{said.hint}; a comma that is meant is `\,`"
        return replace(finding, path="", message="a key that nobody knows", hint=hint)
    return finding


def _unread(finding: Finding, unread: Sequence[tuple[str, str]]) -> bool:
    """Whether what the finding is about, or what that stands in, could not be read."""
    return any(
        finding.file == file and (finding.path == path or finding.path.startswith((f"{path}.", f"{path}[")))
        for file, path in unread
    )


def _inlined(document: Document, path: Path) -> Any:
    """What stands at `path`, with references replaced."""
    node: Any = document.data
    for part in path:
        node = node[part]
    if isinstance(node, list):
        return [_inlined(document, (*path, index)) for index in range(len(node))]
    if not isinstance(node, dict):
        return node
    own = {key: _inlined(document, (*path, key)) for key in node if key != "$ref"}
    if "$ref" not in node:
        return own
    name = node["$ref"].removeprefix(f"#/{_DEFINITIONS}/")
    if name not in document.data.get(_DEFINITIONS, {}):
        mark, where = document.marks[*path, "$ref"], format_path((*path, "$ref"))
        raise ValuesError([Finding(document.file, mark.line, mark.column, where, f"no definition {name}")])
    return {**_inlined(document, (_DEFINITIONS, name)), **own}


# --- errors ------------------------------------------------------------------------------------


def _errors(values: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    from jsonschema import Draft7Validator, validators
    from jsonschema.exceptions import best_match

    extend: Any = validators.extend
    for error in extend(Draft7Validator, {"pattern": _pattern})(schema).iter_errors(values):
        # Of alternatives that all failed, the one that came closest.
        yield best_match([error])


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """`pattern` as Helm's validator has it: in Python, `$` would match before a last line break too."""
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, str) and (
        len(instance) > MAX_MATCHED or not re.search(pattern.replace("$", r"\Z"), instance)
    ):
        yield ValidationError("does not match")


# --- what to say of them -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Said:
    """`meant` is the path that an unknown key was to have; `place`, if not `path`, is what to blame."""

    path: Path
    message: str
    hint: str = ""
    meant: Path | None = None
    place: Path = ()


def _explain(error: Any, schema: Mapping[str, Any]) -> Iterator[_Said]:
    path: Path = tuple(error.absolute_path)
    rule, instance = error.validator_value, error.instance
    title = error.schema.get("title") if isinstance(error.schema, dict) else None
    if "propertyNames" in error.absolute_schema_path:
        yield _Said((*path, instance), f"the key must be {title}")
    elif error.validator == "additionalProperties":
        yield from _unknown_keys(instance, error.schema, path, schema)
    elif error.validator == "required":
        yield from (_Said((*path, key), "is missing") for key in rule if key not in instance)
    elif error.validator == "type":
        kinds = [rule] if isinstance(rule, str) else rule
        wanted = title or " or ".join(WANTED[kind] for kind in kinds if kind != "null")
        yield _Said(
            path,
            f"must be {wanted}, not {KINDS[type(instance)]}",
            _type_hint(kinds, error.schema.get("pattern", ""), instance),
        )
    elif error.validator == "enum":
        known = [choice for choice in rule if choice]
        similar = difflib.get_close_matches(str(instance), known, 1, 0.75)
        hint = f"did you mean {similar[0]}?" if similar else ""
        yield _Said(
            path,
            f"must be one of: {', '.join(known)}",
            "quote it" if instance is False and "off" in known else hint,
        )
    else:
        limit = _LIMITS.get(str(error.validator), "breaks the schema's rule {rule}").format(rule=rule)
        # A condition is for whoever turned it on: the section, not the default that now is too little.
        place = path[:-1] if "then" in error.absolute_schema_path else ()
        yield _Said(path, f"must be {title}" if title else limit, place=place)


WANTED = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
KINDS = {
    dict: "a mapping",
    list: "a list",
    str: "text",
    int: "a number",
    float: "a fraction",
    bool: "a boolean",
    type(None): "null",
}
_UNQUOTE = "remove the quotes"
_LIMITS = {
    "minimum": "must be at least {rule}",
    "maximum": "must be at most {rule}",
    "minLength": "must not be empty",
    "maxLength": "must have at most {rule} characters",
}


def _type_hint(kinds: Sequence[str], pattern: str, instance: Any) -> str:
    if instance is None:
        return "delete the line to keep the default"
    if "string" in kinds and isinstance(instance, bool | int | float):
        return "quote it" if re.search(pattern, str(instance)) else ""
    if isinstance(instance, str) and isinstance(plain(instance), bool | int | float):
        return _UNQUOTE
    if "object" in kinds or isinstance(instance, dict):
        return "check the indentation"
    return ""


def _unknown_keys(
    instance: Mapping[str, Any], closed: Mapping[str, Any], path: Path, schema: Mapping[str, Any]
) -> Iterator[_Said]:
    known = closed.get("properties", {})
    for key in instance:
        if key in known:
            continue
        # In the same section; for one at the top, a part of a component.
        near = [other for other in _paths(schema) if not path or other[0] == path[0]]
        elsewhere = [other for other in near if other[-1] == key]
        if not path:
            elsewhere = [other for other in elsewhere if len(other) == min(map(len, elsewhere))]
        similar = difflib.get_close_matches(key, known, 1)
        if 0 < len(elsewhere) <= MAX_OFFERED:
            offered = " or ".join(map(format_path, elsewhere))
            yield _Said((*path, key), UNKNOWN, f"did you mean {offered}?")
        elif similar:
            yield _Said((*path, key), UNKNOWN, f"did you mean {similar[0]}?", (*path, similar[0]))
        else:
            yield _Said((*path, key), UNKNOWN, f"known: {', '.join(key for key in known if key != 'global')}")


def _paths(schema: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    """The paths of all keys that the schema knows by name."""
    for key, inner in schema.get("properties", {}).items():
        yield (*path, key)
        yield from _paths(inner, (*path, key))
