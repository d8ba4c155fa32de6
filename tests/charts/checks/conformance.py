"""JSON schemas as kubeconform takes them: strict, whole, of Kubernetes' own kinds and of custom resources."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Schema = Mapping[str, Any]

#: Where kubeconform finds the schema of a kind, in a folder; its core group is called as its version.
LOCATION = "{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}.json"

_KEPT = frozenset(
    {
        *("type", "required", "enum", "pattern", "minimum", "maximum", "multipleOf", "minLength"),
        *("maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
    }
)
#: Parts that say more of what stands around them: an unknown field is none of theirs.
_MORE = ("allOf", "anyOf", "oneOf")
_IDENTITY = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
_FORMATS: Mapping[str, list[str]] = {"quantity": ["string", "number"], "int-or-string": ["string", "integer"]}


def write(folder: Path, api: Schema, crds: Iterable[Schema]) -> None:
    """Schemas of all kinds of `api`, which schema/kubernetes.json holds, and of `crds`, into the folder."""
    for kind, name in api["kinds"].items():
        used = dict(sorted(_used(name, api["definitions"], {}).items()))
        whole = {**used[name], "definitions": used}
        *group, version, plain = kind.split("/")
        _put(folder, group[0] if group else version, version, plain, whole)
    for crd in crds:
        spec = crd["spec"]
        metadata = _used("meta.v1.ObjectMeta", api["definitions"], {})
        for version in (each for each in spec["versions"] if each["served"]):
            found = strict(version["schema"]["openAPIV3Schema"])
            found["properties"] = found.get("properties", {}) | {
                **_IDENTITY,
                "metadata": {"$ref": "#/definitions/meta.v1.ObjectMeta"},
            }
            _put(
                folder,
                spec["group"],
                version["name"],
                spec["names"]["kind"],
                {**found, "definitions": metadata},
            )


def strict(schema: Schema) -> dict[str, Any]:
    """A structure in which no field is but those that it names; what may be left out may be null."""
    if "$ref" in schema:
        return {"$ref": f"#/definitions/{schema['$ref']}"}
    found = {key: value for key, value in schema.items() if key in _KEPT}
    wanted = schema.get("required", ())
    if "properties" in schema:
        found["properties"] = {
            key: strict(inner) if key in wanted else _nullable(strict(inner))
            for key, inner in schema["properties"].items()
        }
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            found["additionalProperties"] = False
    if "additionalProperties" in schema:
        inner = schema["additionalProperties"]
        found["additionalProperties"] = strict(inner) if isinstance(inner, Mapping) else inner
    if "items" in schema:
        found["items"] = strict(schema["items"])
    found |= _partly({key: schema[key] for key in (*_MORE, "not") if key in schema})
    if schema.get("x-kubernetes-embedded-resource") and "properties" in found:
        found["properties"] = {**_IDENTITY, **found["properties"]}
    kinds = _FORMATS.get(
        "int-or-string" if schema.get("x-kubernetes-int-or-string") else schema.get("format", "")
    )
    if kinds:
        found["type"] = kinds
    return _nullable(found) if schema.get("nullable") else found


def _partly(schema: Schema) -> Iterator[tuple[str, Any]]:
    for key, value in schema.items():
        if key == "properties":
            yield key, {name: dict(_partly(inner)) for name, inner in value.items()}
        elif key in _MORE:
            yield key, [dict(_partly(each)) for each in value]
        elif key in ("items", "not"):
            yield key, dict(_partly(value))
        elif key in _KEPT:
            yield key, value


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "type" not in schema:
        return schema
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    more = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [*kinds, "null"], **more}


def _used(name: str, definitions: Mapping[str, Schema], found: dict[str, Any]) -> dict[str, Any]:
    """The definition and all that it refers to."""
    if name not in found:
        found[name] = strict(definitions[name])
        for other in _references(definitions[name]):
            _used(other, definitions, found)
    return found


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for inner in schema.values():
            yield from _references(inner)


def _put(folder: Path, group: str, version: str, kind: str, schema: Schema) -> None:
    (folder / f"{group}_{version}_{kind.lower()}.json").write_text(json.dumps(schema))
