"""Kubernetes' own types and those of CRDs: what may stand at a place of a manifest, and what fits it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as File
from types import MappingProxyType
from typing import Any

from depin_helm.checks.scalars import Problem
from depin_helm.checks.structure import Schema, Structure, problems

__all__ = ["ITEM", "Api", "Problem", "Schema"]

#: A part of a path that stands for the items of a list, or the values of a map with any keys.
ITEM = "*"

_METADATA: Schema = MappingProxyType({"$ref": "meta.v1.ObjectMeta"})
_NO_CRDS: Mapping[str, Schema] = MappingProxyType({})

#: Too rare for a value of a manifest whose kind nobody knows.
_RARE = (
    "resource.",
    "flowcontrol.",
    "admissionregistration.",
    "apiextensions.",
    "apiregistration.",
    "certificates.",
)
#: What alone says nothing: every kind has a `spec` of its own, and there are more kinds than are known here.
_VAGUE = frozenset({"spec", "data", "stringData", "binaryData"})
#: Groups of the API with other versions of what is known; a kind in them is no CRD's.
_GONE = frozenset({"extensions"})
#: Kinds of the API's own groups that no chart holds; nothing is known of their structure.
_OTHERS = frozenset(
    {
        *("Binding", "CSINode", "CertificateRequest", "ComponentStatus", "ControllerRevision", "Event"),
        *("Eviction", "LeaseCandidate", "PodCertificateRequest", "ResourceSlice", "Scale", "Status"),
        "VolumeAttachment",
    }
)

_Index = Mapping[str, Sequence[Schema]]


@dataclass(frozen=True)
class Api:
    """The types of one Kubernetes release.

    release      such as 1.35
    kinds        definition's name by `group/version/Kind`, `v1/Kind` in the core group
    definitions  structures by the names that `$ref` has
    """

    release: str
    kinds: Mapping[str, str] = field(repr=False)
    definitions: Mapping[str, Schema] = field(repr=False)
    _indexes: dict[Any, tuple[object, _Index]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, file: File) -> Api:
        """The types in schema/kubernetes.json, which tools/kubernetes_schema.py writes.

        Raises:
            OSError, ValueError: there is no such file, or it is damaged.
        """
        content = json.loads(file.read_bytes())
        release = content["source"].rpartition(" v")[2].rpartition(".")[0]
        return cls(release, content["kinds"], content["definitions"])

    def object(self, api_version: str, kind: str) -> Schema | None:
        """The structure of a whole object; None for a kind that the API does not have in that version."""
        name = self.kinds.get(f"{api_version}/{kind}")
        return None if name is None else self.definitions[name]

    def exact(
        self, kind: str, path: tuple[str, ...], crds: Mapping[str, Schema] = _NO_CRDS
    ) -> tuple[Schema, ...]:
        """Structures of what stands at `path`, from the root of a known kind; none: nobody knows."""
        roots = [root for root in self._roots(kind, crds) if path[0] in self._properties(root)]
        return _distinct(self._of_pods(found, path) for root in roots for found in self._walk(root, path))

    def kinds_at(self, kind: str, path: tuple[str, ...], crds: Mapping[str, Schema]) -> set[str]:
        """What `exact` wants there: types of JSON schemas, `quantity`, `int-or-string`."""
        return {Structure(each, self.definitions).kind for each in self.exact(kind, path, crds)}

    def candidates(
        self, kind: str, path: tuple[str, ...], crds: Mapping[str, Schema] = _NO_CRDS
    ) -> tuple[Schema, ...]:
        """Structures of what may stand at `path` of an object of `kind` ("": unknown); none: nobody knows.

        `path` are the literal keys of the manifest, innermost last. Items of lists are no part of it; at its
        end `ITEM` says that the place is one item's. Where the kind is known and the path begins at its root,
        the answer is exact; else it is everything whose chain of keys ends so.
        """
        roots = self._roots(kind, crds) if kind else ()
        if not path:
            return ()
        if kind and not roots:  # still, all kinds have the same metadata
            return tuple(self._walk(_METADATA, path[1:])) if path[0] == "metadata" else ()
        if any(path[0] in self._properties(root) for root in roots):
            return self.exact(kind, path, crds)
        # A key with a dot is a file's name, and what is below the file's content.
        if any("." in part for part in path) or (len(path) == 1 and path[0] in _VAGUE):
            return ()
        indexes = [self._index(root) for root in roots or (None,)]
        if not kind and not any(path[0] in part for part in self._pod_parts()):
            indexes += (self._index(self._crd(schema)) for schema in crds.values())
        for start in range(len(path)):
            # Of a longer chain one common word, such as `labels`, is no evidence.
            if start and len(path) - start < (3 if path[-1] == ITEM else 2):
                break
            found = _distinct(
                found
                for index in indexes
                for first in index.get(path[start], ())
                for found in self._walk(first, path[start + 1 :])
            )
            if found:
                return found
        return ()

    def check(self, value: Any, candidates: Sequence[Schema]) -> tuple[Problem, ...]:
        """What is wrong with a value that a template hands on; nothing if it fits one of the candidates.

        Else what is wrong by the candidate that comes closest. The template may write more keys beside
        those of the value, write a map into text, and leave out what is empty, zero or false.
        """
        if not value:
            return ()
        closest: tuple[tuple[bool, int, int], tuple[Problem, ...]] | None = None
        for schema in candidates:
            structure = Structure(schema, self.definitions)
            if isinstance(value, dict | list) and structure.kind == "string":
                return ()
            found = problems(value, structure, whole=False)
            if not found:
                return ()
            known = len(structure.properties.keys() & value.keys()) if isinstance(value, dict) else 0
            score = (any(not each.path for each in found), len(found), -known)
            if closest is None or score < closest[0]:
                closest = (score, found)
        return closest[1] if closest else ()

    def check_object(self, value: Any, crds: Mapping[str, Schema] = _NO_CRDS) -> tuple[Problem, ...]:
        """What is wrong with a whole object; of one that nobody knows, only what its kind must be."""
        if not isinstance(value, dict):
            return problems(value, Structure({"type": "object"}, {}), whole=True)
        unnamed = tuple(Problem((key,), "is missing") for key in ("apiVersion", "kind") if not value.get(key))
        version, kind = value.get("apiVersion"), value.get("kind")
        if unnamed or not isinstance(version, str) or not isinstance(kind, str) or "{{" in version + kind:
            named = {key: {"type": "string"} for key in ("apiVersion", "kind")}
            wrong = problems(
                {key: value.get(key) for key in named},
                Structure({"type": "object", "properties": named}, {}),
                whole=True,
            )
            return unnamed + wrong
        schema = self.object(version, kind)
        if schema is None and self._own(version):
            return tuple(self._unknown(version, kind))
        if schema is None and kind in crds:
            schema = self._crd(crds[kind])
        return problems(value, Structure(schema or {}, self.definitions), whole=True)

    def _pod_parts(self) -> tuple[Mapping[str, Schema], ...]:
        """The keys of a pod, which CRDs take over as they are."""
        return tuple(
            self.definitions[name]["properties"] for name in ("core.v1.PodSpec", "core.v1.Container")
        )

    def _of_pods(self, schema: Schema, path: Sequence[str]) -> Schema:
        """The API's own structure for a CRD's copy of it, which lacks what the words may be.

        Where the copy has more keys, the API's own are its own still.
        """
        own = self._item(schema)
        for part in (part[path[-1]] for part in self._pod_parts() if path[-1] in part):
            known = self._item(part)
            if own is None or known is None or not known.keys() <= own.keys():
                continue
            if known.keys() == own.keys():
                return part
            items, whole = schema.get("items"), {**schema, "properties": {**own, **known}}
            return (
                {**schema, "items": {**items, "properties": {**own, **known}}}
                if isinstance(items, Mapping)
                else whole
            )
        return schema

    def _item(self, schema: Schema) -> Mapping[str, Any] | None:
        """The keys of a map, or of a list's items; None if there are none."""
        structure = Structure(schema, self.definitions)
        return structure.at(structure.schema.get("items", structure.schema)).properties or None

    def _properties(self, schema: Schema) -> Mapping[str, Any]:
        return Structure(schema, self.definitions).properties

    def _own(self, version: str) -> bool:
        """Whether no CRD can be in this group."""
        group = _group(version)
        return group in _GONE or any(_group(known.rpartition("/")[0]) == group for known in self.kinds)

    def _unknown(self, version: str, kind: str) -> Iterator[Problem]:
        """What is wrong with a kind of the API's own groups. Not all of their kinds are known."""
        versions = [known.rpartition("/")[0] for known in self.kinds if known.rpartition("/")[2] == kind]
        here = [known.rpartition("/")[2] for known in self.kinds if known.rpartition("/")[0] == version]
        if versions and "alpha" not in version:
            hint = f"known: {', '.join(versions)}"
            yield Problem(
                ("apiVersion",), f"Kubernetes {self.release} has no such version of this kind", hint
            )
        elif kind not in _OTHERS and not kind.endswith("List") and "alpha" not in version and here:
            similar = difflib.get_close_matches(kind[:64], here, 1, 0.8)
            yield Problem(("kind",), "unknown kind", f"did you mean {similar[0]}?" if similar else "")

    def _roots(self, kind: str, crds: Mapping[str, Schema]) -> tuple[Schema, ...]:
        own = [
            self.definitions[name] for known, name in self.kinds.items() if known.rpartition("/")[2] == kind
        ]
        return (*own, *([self._crd(crds[kind])] if kind in crds else []))

    def _crd(self, schema: Schema) -> Schema:
        """A CRD's structure with what it leaves to the API server: the metadata."""
        known = self._indexes.get(("crd", id(schema)))
        if known is None or known[0] is not schema:
            metadata = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": _METADATA}
            whole = {**schema, "properties": {**schema.get("properties", {}), **metadata, "status": {}}}
            known = self._indexes["crd", id(schema)] = (schema, whole)
        return known[1]

    def _walk(self, schema: Schema, path: Sequence[str]) -> Iterator[Schema]:
        """What stands at `path` below; nothing where there is no such key."""
        for part in path:
            structure = Structure(schema, self.definitions)
            while structure.kind == "array" and part != ITEM:
                structure = structure.at(structure.schema.get("items"))
            others = structure.schema.get("items" if structure.kind == "array" else "additionalProperties")
            inner = structure.properties.get(part, others)
            if not isinstance(inner, Mapping):
                return
            schema = inner
        yield schema

    def _index(self, root: Schema | None) -> _Index:
        """Every key with its structures, in the tree of `root` or in the API's common types."""
        known = self._indexes.get(id(root))
        if known is None or known[0] is not root:
            found: dict[str, list[Schema]] = {}
            common = [self.definitions[name] for name in self.kinds.values() if not name.startswith(_RARE)]
            self._collect([root] if root is not None else common, found)
            known = self._indexes[id(root)] = (root, found)
        return known[1]

    def _collect(self, waiting: list[Schema], found: dict[str, list[Schema]]) -> None:
        seen: set[str] = set()
        while waiting:
            schema = waiting.pop()
            reference = schema.get("$ref")
            if reference is not None:
                if reference not in seen:
                    seen.add(reference)
                    waiting.append(self.definitions[reference])
                continue
            for key, inner in (schema.get("properties") or {}).items():
                found.setdefault(key, []).append(inner)
                waiting.append(inner)
            waiting.extend(
                schema[key]
                for key in ("items", "additionalProperties")
                if isinstance(schema.get(key), Mapping)
            )


def _group(version: str) -> str:
    return version.rpartition("/")[0]


def _distinct(schemas: Iterable[Schema]) -> tuple[Schema, ...]:
    found: list[Schema] = []
    for schema in schemas:
        if schema not in found:
            found.append(schema)
    return tuple(found)
