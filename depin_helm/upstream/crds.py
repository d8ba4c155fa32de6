"""The structure of custom resources, from the CRDs in a chart's archive."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from depin_helm import yamlio

#: Most of a CRD is prose, and what tells the API server how to merge; without it the YAML is read in a third
#: of the time. A property of one of these names is a map: nothing follows on its line.
_PROSE = re.compile(
    r"^( *)(?:description|default|x-kubernetes-(?:list|map)-type): *(?=\S).*\n(?:(?:\1 +.*)?\n)*",
    re.MULTILINE,
)
_KIND = re.compile(r"\n    kind: *[\"']?(\w+)")
#: What says something of the structure.
_KEPT = frozenset(
    {
        *("type", "required", "enum", "pattern", "format", "nullable"),
        *("minimum", "maximum", "minLength", "minItems"),
        *("x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"),
        "x-kubernetes-embedded-resource",
    }
)


def schemas(files: Iterable[bytes], kinds: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """The openAPIV3Schema of the storage version of each of `kinds`, without prose and without `status`.

    What is no CRD, or cannot be read, is left out.
    """
    wanted, found = frozenset(kinds), dict[str, Mapping[str, Any]]()
    for content in files:
        text = content.decode("utf-8", "replace")
        if wanted.isdisjoint(_KIND.findall(text)):
            continue
        try:
            documents = yamlio.load_untagged(_PROSE.sub("", text))
        except yamlio.YAMLError:
            continue
        found |= {kind: schema for kind, schema in _of(documents) if kind in wanted}
    return dict(sorted(found.items()))


def _of(documents: Iterable[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for document in documents:
        try:
            if document["kind"] != "CustomResourceDefinition":
                continue
            stored = next(each for each in document["spec"]["versions"] if each["storage"])
            schema = dict(stored["schema"]["openAPIV3Schema"])
            schema["properties"] = {
                key: each for key, each in schema["properties"].items() if key != "status"
            }
            yield str(document["spec"]["names"]["kind"]), _structure(schema)
        except (TypeError, KeyError, StopIteration, AttributeError):
            continue


def _structure(schema: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            found[key] = {name: _structure(inner) for name, inner in value.items()}
        elif key in ("items", "additionalProperties"):
            found[key] = _structure(value) if isinstance(value, Mapping) else value
        elif key in _KEPT:
            found[key] = value
    return found
