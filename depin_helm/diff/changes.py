"""What differs between two states of a Kubernetes object, fit to be shown: secrets stay hidden."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from depin_helm import yamlio
from depin_helm.helm.redaction import redact

Object = Mapping[str, Any]

MASK = "(masked)"
MASK_CHANGED = "(masked, changed)"

#: Names of environment variables, and of other fields, whose value is hidden wherever it stands.
_SENSITIVE_VARIABLE = re.compile(
    r"passw(or)?d|passphrase|token|secret|credential|(api|access|private)_?key", re.I
)
_SENSITIVE_FIELD = re.compile(r"(passw(or)?d|passphrase|token|(api|secret|private)[-_]?key)$", re.I)

#: A password in a configuration file without a sign before it, as Fluent Bit has it; `$` begins a reference.
_PASSWORD_LINE = re.compile(r"^(\s*[\w.-]*passw(?:or)?d[ \t]+)[^\s$]\S*", re.I | re.M)

#: What the API server writes by itself at every change, and what others report about an object.
_VOLATILE = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
_GENERATION = "deprecated.daemonset.template.generation"

#: By one of these, items of a list are told apart.
_ITEM_KEYS = ("name", "key", "containerPort", "port", "mountPath", "ip", "uid")


class Action(enum.StrEnum):
    """What becomes of an object.

    To replace it means that it has to be deleted first, or that another one takes its place whose name ends
    in another digest.
    """

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"


@dataclass(frozen=True)
class FieldChange:
    """One field: `path` as in `spec.containers[name=app].image`; None where it is absent before or after."""

    path: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Change:
    """One object that differs from what is wanted.

    `fields` is empty for objects that are created or deleted. `old_yaml` and `new_yaml` are the object before
    and after, empty where there is none. `problem` says why the change cannot be made as it stands.
    """

    action: Action
    layer: str
    api_version: str
    kind: str
    namespace: str
    name: str
    fields: tuple[FieldChange, ...]
    old_yaml: str
    new_yaml: str
    problem: str = ""


def change(
    action: Action,
    layer: str,
    old: Object | None,
    new: Object | None,
    *,
    problem: str = "",
) -> Change:
    """Describe how `old` becomes `new`; either is None where the object is absent."""
    subject = new or old or {}
    before, after = (masked(stable(obj)) if obj else {} for obj in (old, new))
    fields = compare(before, after) if old and new else ()
    return Change(
        action=action,
        layer=layer,
        api_version=subject["apiVersion"],
        kind=subject["kind"],
        namespace=subject["metadata"].get("namespace", ""),
        name=subject["metadata"]["name"],
        fields=tuple(FieldChange(field.path, _plain(field.old), _plain(field.new)) for field in fields),
        old_yaml=yamlio.dump(_plain(before)) if old else "",
        new_yaml=yamlio.dump(_plain(after)) if new else "",
        problem=problem,
    )


def stable(obj: Object) -> dict[str, Any]:
    """The object without its status and what the API server counts and signs."""
    metadata = {key: value for key, value in obj.get("metadata", {}).items() if key not in _VOLATILE}
    if _GENERATION in (metadata.get("annotations") or {}):
        metadata["annotations"] = {k: v for k, v in metadata["annotations"].items() if k != _GENERATION}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def compare(old: Any, new: Any) -> tuple[FieldChange, ...]:
    """The fields in which two objects differ, in the order of `old`, then of `new`.

    Items of a list are told apart by their names where all have one, else by their places where their number
    is the same; otherwise, or if they were reordered, the list counts as one field.
    """
    return tuple(_compare(old, new, ""))


def contains(whole: Any, part: Any) -> bool:
    """Whether every field of `part` has the same value in `whole`; the lengths of lists count."""
    if isinstance(part, Mapping):
        return isinstance(whole, Mapping) and all(
            key in whole and contains(whole[key], value) for key, value in part.items()
        )
    if isinstance(part, list):
        return isinstance(whole, list) and len(whole) == len(part) and all(map(contains, whole, part))
    return type(whole) is type(part) and bool(whole == part)


class _Hidden:
    """A value that is compared as what it is and shown as `text`."""

    def __init__(self, value: Any, text: str = MASK) -> None:
        self.value, self.text = value, text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hidden) and self.value == other.value

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return self.text


def masked(obj: Object) -> dict[str, Any]:
    """The object with a stand-in for every value that is, or may be, a secret."""
    result = {key: _masked(value, key) for key, value in obj.items()}
    if obj.get("kind") == "Secret":
        for part in ("data", "stringData"):
            if obj.get(part):
                result[part] = {key: _Hidden(value) for key, value in obj[part].items()}
        annotations = result.get("metadata", {}).get("annotations") or {}
        for key in annotations:
            if key.endswith("/last-applied-configuration"):
                annotations[key] = _Hidden(annotations[key])
    return result


def _masked(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        hide = isinstance(value.get("name"), str) and _SENSITIVE_VARIABLE.search(value["name"])
        return {
            key: _Hidden(item) if hide and key == "value" else _masked(item, key)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_masked(item, name) for item in value]
    if not isinstance(value, str):
        return value
    if _SENSITIVE_FIELD.search(name):
        return _Hidden(value)
    shown = _PASSWORD_LINE.sub(r"\1***", redact(value))
    return value if shown == value else _Hidden(value, shown)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value)}  # the API server has an order of its own
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.text if isinstance(value, _Hidden) else value


def _compare(old: Any, new: Any, path: str) -> Iterator[FieldChange]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from _compare(old.get(key), new.get(key), _join(path, key))
    elif isinstance(old, list) and isinstance(new, list) and (pairs := _pairs(old, new)) is not None:
        for place, before, after in pairs:
            yield from _compare(before, after, f"{path}[{place}]")
    elif old != new or type(old) is not type(new):
        if isinstance(old, _Hidden) and isinstance(new, _Hidden) and old.text == new.text:
            new.text = MASK_CHANGED if new.text == MASK else f"{new.text} {MASK_CHANGED}"
        yield FieldChange(path, old, new)


def _pairs(old: Sequence[Any], new: Sequence[Any]) -> list[tuple[str, Any, Any]] | None:
    """Items that belong together, with what tells them apart; None if nothing does."""
    for key in _ITEM_KEYS:
        before, after = _by(old, key), _by(new, key)
        if before is not None and after is not None:
            if [name for name in before if name in after] != [name for name in after if name in before]:
                return None
            names = dict.fromkeys((*before, *after))
            return [(f"{key}={name}", before.get(name), after.get(name)) for name in names]
    if len(old) != len(new):
        return None
    return [(str(place), *items) for place, items in enumerate(zip(old, new, strict=True))]


def _by(items: Sequence[Any], key: str) -> dict[Any, Any] | None:
    named = {
        item[key]: item
        for item in items
        if isinstance(item, Mapping) and isinstance(item.get(key), str | int)
    }
    return named if len(named) == len(items) else None


def _join(path: str, key: str) -> str:
    if re.fullmatch(r"[\w-]+", key):
        return f"{path}.{key}" if path else key
    return f"{path}[{key}]"
