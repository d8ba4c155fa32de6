"""Fast reading and writing of YAML between machines: manifests, CRDs, Chart.yaml, values for Helm."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import yaml
from yaml import ScalarNode

from depin_helm.yamlio.scalars import plain

try:
    from yaml import CBaseLoader as _Untagged
    from yaml import CSafeDumper as _Dumper
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML built without libyaml: about seven times slower, and its errors read differently
    from yaml import BaseLoader as _Untagged  # type: ignore[assignment]
    from yaml import SafeDumper as _Dumper  # type: ignore[assignment]
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

_PREFIX = "tag:yaml.org,2002:"
STR = _PREFIX + "str"
TAGS: Mapping[type, str] = MappingProxyType(
    {
        bool: _PREFIX + "bool",
        int: _PREFIX + "int",
        float: _PREFIX + "float",
        type(None): _PREFIX + "null",
        str: STR,
    }
)
MERGE = _PREFIX + "merge"

#: No manifest is nested deeper. PyYAML recurses in C and ends the process at about 20,000.
MAX_DEPTH = 1000


class YAMLError(ValueError):
    """Text that is no YAML; names line and column, never the text itself."""


def load(text: str | bytes) -> Any:
    """The one document in `text`, with scalars as Helm reads them and text as keys.

    Raises:
        YAMLError: `text` is no YAML, holds several documents, or is nested too deeply.
    """
    documents = load_all(text)
    if len(documents) > 1:
        raise YAMLError("several documents where one is expected")
    return documents[0] if documents else None


def load_all(text: str | bytes) -> list[Any]:
    """All documents in `text`, empty ones as None; otherwise like `load`."""
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        _refuse_depth(decoded)
        return list(yaml.load_all(decoded, Loader=_HelmLoader))
    except (yaml.YAMLError, UnicodeError) as error:
        raise YAMLError(describe(error)) from None


def load_untagged(text: str) -> list[Any]:
    """As `load_all`, in two thirds of the time, for text without tags and anchors, such as CRDs.

    Raises:
        YAMLError: `text` is no YAML, has an anchor, or is nested too deeply.
    """
    _refuse_depth(text)
    if "&" in text and any(getattr(event, "anchor", None) for event in events(text)):
        raise YAMLError("an anchor where none is expected")
    try:
        return [_untagged(node) for node in yaml.compose_all(text, Loader=_Untagged)]
    except yaml.YAMLError as error:
        raise YAMLError(describe(error)) from None


def _untagged(node: Any) -> Any:
    kind = node.id
    if kind == "scalar":
        return node.value if node.style else plain(node.value)  # C leaves an empty style, Python none
    if kind == "mapping":
        return {key.value: _untagged(value) for key, value in node.value}
    return [_untagged(item) for item in node.value]


def dump(data: Any) -> str:
    """`data` as YAML in block style, keys in the given order; the same data gives the same text."""
    return str(yaml.dump(data, Dumper=_HelmDumper, sort_keys=False, allow_unicode=True, width=2**16))


def events(text: str) -> Iterator[Any]:
    """PyYAML's parser events: they come one by one, however large or deep the text is."""
    return iter(yaml.parse(text, Loader=_Loader))


def describe(error: Exception) -> str:
    """What is wrong and where; PyYAML's own text repeats the line, which may hold a secret."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return "no text in UTF-8, or one with control characters"


def plain_tag(text: str) -> str:
    """The tag of an unquoted scalar."""
    return MERGE if text == "<<" else TAGS[type(plain(text))]


class _HelmLoader(_Loader):
    """PyYAML's safe loader with Helm's scalars, and text as keys."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is ScalarNode and implicit[0]:
            return plain_tag(value)
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        if all(type(key) is str for key in mapping):
            return mapping
        return {key if type(key) is str else json.dumps(key): value for key, value in mapping.items()}


def _construct_plain(loader: Any, node: Any) -> Any:
    return plain(loader.construct_scalar(node))


def _construct_unknown(loader: Any, node: Any) -> Any:
    """What has a tag of its own, without it; Helm takes no notice of tags."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else node.value


_HelmLoader.add_constructor(None, _construct_unknown)
for _tag in TAGS.values():
    if _tag != STR:
        _HelmLoader.add_constructor(_tag, _construct_plain)


class _HelmDumper(_Dumper):
    """PyYAML's safe dumper; quotes what Helm or any other reader would not take for text."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is ScalarNode and implicit[0]:
            tag = plain_tag(value)
            if tag != STR:
                return tag
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar(STR, text, style="|" if "\n" in text else None)


_HelmDumper.add_representer(str, _represent_text)


def _refuse_depth(text: str) -> None:
    """Count the depth of a text with enough opening signs to be too deep."""
    if sum(text.count(sign) for sign in ("[", "{", "- -", "? ?")) < MAX_DEPTH:
        return
    depth = 0
    for event in events(text):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise YAMLError(f"line {event.start_mark.line + 1}: nested more than {MAX_DEPTH} deep")
