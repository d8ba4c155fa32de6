"""A value against a Kubernetes type: what the API server would refuse, or drop without a word.

A structure is a JSON schema as Kubernetes writes them: keys that are not listed are unknown, unless the
type keeps them. `null` deletes a default and text with `{{` is a template: both fit everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from depin_helm.checks.alike import MAYBE, SURE, alike, listed
from depin_helm.checks.scalars import IS, Problem, did_you_mean, scalar, wrong_kind
from depin_helm.schema import WANTED
from depin_helm.yamlio import Path, format_path

Schema = Mapping[str, Any]

_QUANTITY_PATTERN = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)"
#: As many places are named that a key could belong to.
_PLACES = 3
#: The shortest key that can be the end of a longer one; how alike the short names of resources must be.
_WORD, _LOOSE = 4, 0.5
#: k8s.io/kubernetes, pkg/apis/core/helper: other resources have a domain in their name.
_OF_CONTAINERS = ("cpu", "ephemeral-storage", "memory")
_OF_CLAIMS = ("storage",)


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
#: A key of a Secret or ConfigMap, and what is said of text in its place, which may well be a secret.
_SELECTOR = {"name", "key", "optional"}
_BY_NAME, _SELECT = "must name a key of a Secret or ConfigMap, not be text", "{name: …, key: …}"
#: What is said of a key that the type does not have.
UNKNOWN = "unknown key"


def _problems(
    value: Any, structure: Structure, path: Path, above: tuple[Structure, ...]
) -> Iterator[Problem]:
    kind = structure.kind
    if value is None or not kind or (isinstance(value, str) and "{{" in value):
        return
    if not IS[kind](value):
        selects = isinstance(value, str) and structure.properties.keys() == _SELECTOR
        yield Problem(path, _BY_NAME, _SELECT) if selects else wrong_kind(value, kind, path)
    elif isinstance(value, dict):
        yield from _map(value, structure, path, above)
    elif isinstance(value, list):
        if len(value) < structure.schema.get("minItems", 0):
            yield Problem(path, "must not be empty")
        items = structure.at(structure.schema.get("items"))
        for index, item in enumerate(value):
            yield from _problems(item, items, (*path, index), above)
    else:
        yield from scalar(value, kind, structure.schema, path)


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
    yield from _resources(value, structure, path, above)
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


def _resources(
    value: Mapping[str, Any], structure: Structure, path: Path, above: tuple[Structure, ...]
) -> Iterator[Problem]:
    """Amounts of what Kubernetes does not have, in a container's or a claim's requests or limits."""
    if path[-1:] not in (("requests",), ("limits",)) or not above:
        return
    if structure.at(structure.schema.get("additionalProperties")).kind != "quantity":
        return
    # Only a container has claims, of devices.
    known = _OF_CONTAINERS if "claims" in above[0].properties else _OF_CLAIMS
    for key in value:
        if key not in known and "/" not in key and "{{" not in key and not key.startswith("hugepages-"):
            yield Problem(
                (*path, key), "no such resource", did_you_mean(alike(key, known, _LOOSE)) or listed(known)
            )


# --- what an unknown key was to be -------------------------------------------------------------


def _meant(key: str, structure: Structure, above: tuple[Structure, ...]) -> tuple[str, str]:
    """The known key beside it that an unknown one was to be, if any, and the hint."""
    known = sorted(structure.properties)
    # A secret's volume has a `secretName` where all others have a `name`.
    longer = [each for each in known if len(key) >= _WORD and each.endswith(key[0].upper() + key[1:])]
    sure = alike(key, known, SURE) or (longer[0] if len(longer) == 1 else "")
    if sure:
        return sure, did_you_mean(sure)
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
        return maybe, did_you_mean(maybe)
    return "", listed(known)


def _below(key: str, structure: Structure, depth: int = 2) -> Iterator[tuple[str, ...]]:
    """Where the key stands at most `depth` maps further in, nearest first."""
    maps = {name: structure.at(inner) for name, inner in structure.properties.items()}
    found = [(name, key) for name, inner in maps.items() if key in inner.properties]
    if found or depth == 1:
        yield from found
        return
    for name, inner in maps.items():
        yield from ((name, *path) for path in _below(key, inner, depth - 1))
