"""Writes schema/kubernetes.json: the structure of Kubernetes' API, of the module pinned in tools/kubernetes.

Run by `make schema`; needs go, and downloads the module if it is not at hand. Of the published swagger.json
stay the keys, types and references of what people hand to a cluster; descriptions and status go. It has no
enumerations: those come from the API server's own definitions, in Go. What is a count or a port, and what is
left to a default, neither says; it is added here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
MODULE = "k8s.io/kubernetes"
SWAGGER = "api/openapi-spec/swagger.json"
GENERATED = "pkg/generated/openapi/zz_generated.openapi.go"

#: What no chart holds: requests that are answered, records that the cluster keeps itself, and drafts.
_NOT_IN_CHARTS = re.compile(
    r"(authentication|authorization|internal\.apiserver|events|storagemigration)\.?\S*/.*"
    r"|\S*alpha\d\S*|v1/(API\w+|Status|Binding|ComponentStatus|Event)"
    r"|\S*/(\w+List|Eviction|Scale|CSINode|VolumeAttachment|ControllerRevision|\w*CertificateRequest|ResourceSlice"
    r"|LeaseCandidate)"
)

#: Filled in by the API server, and free to be there.
_FILLED_IN = {"status", "managedFields"}

#: Whole numbers that may be negative; all others are counts, sizes, ids or ports.
_SIGNED = {"PodSpec.priority", "PriorityClass.value", "Toleration.tolerationSeconds", "DeviceAttribute.int"}

#: Lists of words that only the description gives, or that are checked by hand: pkg/apis/*/validation.
_ENUMS = {"meta.v1.LabelSelectorRequirement": {"operator": ["DoesNotExist", "Exists", "In", "NotIn"]}}

#: Marked as required, with a default all the same: pkg/apis/*/v1/defaults.go, or Go's zero value.
_DEFAULTED = {"RoleRef": {"apiGroup"}, "PriorityClass": {"value"}}

_PREFIXES = re.compile(
    r"^io\.k8s\.(api|apimachinery|apiextensions-apiserver|kube-aggregator)\.(pkg\.)?(apis?\.)?"
)
_PORT = re.compile(r"(?i)port$")
_FUNCTION = re.compile(r"^func schema_(\w+)\(ref common", re.M)
_PROPERTY = re.compile(r'^\t{5}"([^"]+)": \{', re.M)
_ENUM = re.compile(r"^(\t+)Enum: +\[\]interface\{\}\{(.*)\},$", re.M)


def main() -> None:
    """Write the file again from the pinned module's source."""
    (ROOT / "schema/kubernetes.json").write_text(generate(source(download=True), version()))


def version() -> str:
    """The release that is pinned, such as `v1.35.4`."""
    pinned = re.search(rf"^\t{MODULE} (v\S+)", (ROOT / "tools/kubernetes/go.mod").read_text(), re.M)
    if pinned is None:
        raise SystemExit(f"tools/kubernetes/go.mod does not name {MODULE}")
    return pinned[1]


def source(*, download: bool) -> Path:
    """The folder of the pinned module's source.

    Raises:
        FileNotFoundError: go is missing, or the source is, and was not to be or could not be downloaded.
    """
    command = (
        ["go", "mod", "download", "-json", MODULE] if download else ["go", "list", "-m", "-json", MODULE]
    )
    found = subprocess.run(command, cwd=ROOT / "tools/kubernetes", text=True, capture_output=True)
    folder = json.loads(found.stdout).get("Dir") if found.returncode == 0 else None
    if not folder:
        raise FileNotFoundError(f"the source of {MODULE} {version()} is not at hand: {found.stderr.strip()}")
    return Path(folder)


def generate(module: Path, release: str) -> str:
    """The text of the schema, a line for each definition.

    `kinds` says which definition an `apiVersion/kind` has; `definitions` are JSON schemas whose `$ref` is a
    name, with formats `quantity` and `int-or-string`.
    """
    published = json.loads((module / SWAGGER).read_text())["definitions"]
    enums = {**dict(_enums((module / GENERATED).read_text())), **_ENUMS}
    kinds = dict(sorted(_kinds(published)))
    definitions: dict[str, Any] = {}
    waiting = sorted(set(kinds.values()))
    while waiting:
        name = waiting.pop()
        if _short(name) not in definitions:
            definitions[_short(name)] = _definition(
                name, published[name], enums.get(_short(name), {}), waiting
            )
    lines = [f"{_text(name)}:{_text(definitions[name])}" for name in sorted(definitions)]
    head = {"source": f"{MODULE} {release}", "kinds": {key: _short(name) for key, name in kinds.items()}}
    return "\n".join((_text(head)[:-1] + ',"definitions":{', ",\n".join(lines), "}}")) + "\n"


def _kinds(published: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, schema in published.items():
        groups = schema.get("x-kubernetes-group-version-kind", [])
        # More than one: options of requests, which have a kind in each group.
        if len(groups) == 1:
            parts = (groups[0][part] for part in ("group", "version", "kind"))
            kind = "/".join(part for part in parts if part)
            if not _NOT_IN_CHARTS.fullmatch(kind):
                yield kind, name


def _definition(
    name: str, schema: Mapping[str, Any], enums: Mapping[str, list[str]], waiting: list[str]
) -> dict[str, Any]:
    plain = name.rpartition(".")[2]
    if plain == "Quantity":
        return {"format": "quantity"}
    own = _structure(schema, waiting)
    for key, inner in own.get("properties", {}).items():
        if key in _FILLED_IN:
            inner.clear()
            continue
        leaf = inner.get("items", inner)
        if key in enums:
            # To the API server empty text is as good as nothing.
            leaf["enum"] = [*(value for value in enums[key] if value), ""]
        if leaf.get("type") == "integer" or leaf.get("format") == "int-or-string":
            if f"{plain}.{key}" not in _SIGNED:
                leaf["minimum"] = 0
            if _PORT.search(key) or f"{plain}.{key}" == "ServiceBackendPort.number":
                leaf["maximum"] = 65535
    required = [key for key in own.get("required", ()) if key not in _DEFAULTED.get(plain, ())]
    return {**own, "required": required} if required else {k: v for k, v in own.items() if k != "required"}


def _structure(schema: Mapping[str, Any], waiting: list[str]) -> dict[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/definitions/")
        if name.endswith(".IntOrString"):
            return {"format": "int-or-string"}
        waiting.append(name)
        return {"$ref": _short(name)}
    kept: dict[str, Any] = {key: schema[key] for key in ("type", "required") if key in schema}
    if "properties" in schema:
        kept["properties"] = {
            # A reference to what only the cluster fills in would bring all of it along.
            key: {} if key in _FILLED_IN else _structure(inner, waiting)
            for key, inner in schema["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if key in schema:
            kept[key] = _structure(schema[key], waiting)
    return kept


def _enums(go: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Each definition's enumerations by property, from functions like `schema_k8sio_api_core_v1_Pod`."""
    functions = list(_FUNCTION.finditer(go))
    for function, following in zip(functions, [*functions[1:], None], strict=True):
        body = go[function.end() : following.start() if following else len(go)]
        properties = list(_PROPERTY.finditer(body))
        found = {}
        for enum in _ENUM.finditer(body):
            owner = [each for each in properties if each.start() < enum.start()]
            if owner:
                found[owner[-1][1]] = json.loads(f"[{enum[2]}]")
        if found:
            name = re.sub(r"^(k8sio_api|pkg_apis|apimachinery_pkg_apis)_", "", function[1])
            yield name.replace("_", "."), found


def _short(name: str) -> str:
    return _PREFIXES.sub("", name)


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    try:
        main()
    except FileNotFoundError as error:
        sys.exit(str(error))
