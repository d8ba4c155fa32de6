"""Values files, which people write: what Helm makes of them, where each key stands, and what is wrong.

Helm reads more than it should without a word: the last of two equal keys wins, `on: x` becomes the key
`true`, several documents are merged. Everything of this kind is a finding here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as File
from types import MappingProxyType
from typing import Any

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from depin_helm.errors import Finding, UsageError, ValuesError
from depin_helm.yamlio.machine import STR, TAGS
from depin_helm.yamlio.nodes import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_VALUES,
    Mark,
    Path,
    Problem,
    UnreadableError,
    compose,
    decode,
    mark_of,
    refuse,
)
from depin_helm.yamlio.scalars import Scalar, plain, printed

#: Helm keeps numbers as 64-bit floats: integers beyond this lose digits.
MAX_INTEGER = 2**53


@dataclass(frozen=True)
class Document:
    """A values file as Helm reads it; `marks` has the place of each key and list item.

    `rewritten` are the paths of numbers and booleans that a template does not write as they stand in the
    file: `8.10`, `0755`, `on`.
    """

    file: str
    data: dict[str, Any] = field(repr=False)
    marks: Mapping[Path, Mark] = field(repr=False)
    rewritten: frozenset[Path] = frozenset()


def format_path(path: Sequence[str | int]) -> str:
    r"""A path as `helm --set` takes it: `grafana.grafana\.ini.server`, `env[0].name`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + re.sub(r"([\\.,=\[])", r"\\\1", part)
    return text


def parse_path(text: str) -> Path:
    r"""The path that `format_path` writes as `text`."""
    parts = re.findall(r"\[([0-9]+)\]|((?:\\.|[^.\[\\])+)", text)
    return tuple(int(index) if index else re.sub(r"\\(.)", r"\1", key) for index, key in parts)


def read_values(file: File, *, name: str | None = None) -> Document:
    """Read a values file; `name` is what findings call it.

    Raises:
        UsageError: the file cannot be read.
        ValuesError: it is refused; with all findings.
    """
    return parse_values(content(file), name or str(file))


def parse_values(text: bytes | str, name: str) -> Document:
    """The values in `text`, the content of a file called `name`.

    Raises:
        ValuesError: it is refused; with all findings.
    """
    document, findings = examine(text, name)
    if findings:
        raise ValuesError(findings)
    return document


def content(file: File) -> bytes:
    """The file's bytes, as many as `examine` needs to refuse it for its size.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error


def examine(text: bytes | str, name: str) -> tuple[Document, tuple[Finding, ...]]:
    """What can be read of `text`, and every finding in it; where it cannot be read at all, no values."""
    reading = _Reading()
    try:
        node = compose(decode(text))
        data = reading.value(node, ()) if node is not None else {}
        if data is not None and not isinstance(data, dict):
            refuse(
                node, "the top level is no mapping", "a values file consists of lines such as `key: value`"
            )
    except UnreadableError as error:
        reading.problems += error.problems
        data = None
    findings = (
        Finding(name, p.mark.line, p.mark.column, format_path(p.path), p.message, p.hint)
        for p in reading.problems
    )
    # Aliases bring the mistakes in their anchor with them, to other paths.
    unique = {(each.line, each.column, each.message): each for each in sorted(findings, reverse=True)}
    document = Document(name, data or {}, MappingProxyType(reading.marks), frozenset(reading.rewritten))
    return document, tuple(sorted(unique.values()))


_KINDS: Mapping[type, str] = MappingProxyType(
    {bool: "a boolean", int: "a number", float: "a number", type(None): "null"}
)
_TYPES: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {
        TAGS[bool]: (bool,),
        TAGS[int]: (int,),
        TAGS[float]: (int, float),
        TAGS[type(None)]: (type(None),),
    }
)
_COLLECTION_TAGS = (None, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class _Reading:
    """Turns nodes into values, noting where each stands and what is wrong with it."""

    def __init__(self) -> None:
        self.marks: dict[Path, Mark] = {}
        self.problems: list[Problem] = []
        self.rewritten: set[Path] = set()
        self._values = 0

    def value(self, node: Node, path: Path) -> Any:
        self._values += 1
        if self._values > MAX_VALUES or len(path) > MAX_DEPTH:
            refuse(node, f"more than {MAX_VALUES} values, or nested more than {MAX_DEPTH} deep")
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if node.tag not in _COLLECTION_TAGS:
            self._unknown_tag(node, path)
        if isinstance(node, SequenceNode):
            return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._mapping(node, path)

    def _item(self, node: Node, path: Path) -> Any:
        self.marks[path] = mark_of(node)
        return self.value(node, path)

    def _mapping(self, node: Node, path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        first: dict[str, Mark] = {}
        for key_node, value_node in zip(node.value[::2], node.value[1::2], strict=True):
            if _is_merge(key_node):
                # yaml/v2 lets a merge override what stands above it, against YAML's own rule.
                for merged in self._merged(value_node):
                    mapping.update(self.value(merged, path))
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            mark = mark_of(key_node)
            if key in first:
                self._problem(
                    mark,
                    (*path, key),
                    f"the key stands twice, first in line {first[key].line}; Helm takes the last one only",
                    "make one of them",
                )
            first.setdefault(key, mark)
            self.marks[*path, key] = mark
            mapping[key] = self.value(value_node, (*path, key))
        return mapping

    def _merged(self, node: Node) -> Iterator[Node]:
        """The mappings of a merge key's value, those that take precedence last."""
        nodes = node.value[::-1] if isinstance(node, SequenceNode) else [node]
        for each in nodes:
            if not isinstance(each, MappingNode):
                refuse(node, "`<<` merges mappings only", "write `<<: *anchor`, of a mapping")
            yield each

    def _key(self, node: Node, path: Path) -> str | None:
        """The key as text; None if it can be none."""
        if not isinstance(node, ScalarNode):
            self._problem(
                mark_of(node),
                path,
                "a list or mapping as key",
                "quote text that begins with `{{`, `{` or `[`",
            )
            return None
        key = self._resolve(node)
        # Ports as keys are usual, and the same text to Helm; 0755 or 1.0 would not be.
        if isinstance(key, str) or (type(key) is int and str(key) == node.value):
            return str(key)
        self._problem(
            mark_of(node),
            (*path, node.value),
            f"the key is {_KINDS[type(key)]} to Helm, not text",
            f'write "{node.value}":',
        )
        return str(node.value)

    def _scalar(self, node: ScalarNode, path: Path) -> Scalar:
        if node.tag not in (None, STR) and node.tag not in _TYPES:
            self._unknown_tag(node, path)
            return str(node.value)
        value = self._resolve(node)
        if isinstance(value, bool | int | float) and printed(value) != node.value:
            self.rewritten.add(path)
        if node.tag in _TYPES and not isinstance(value, _TYPES[node.tag]):
            self._problem(
                mark_of(node), path, f"the value is no !!{node.tag.rpartition(':')[2]}", "remove the tag"
            )
        if isinstance(value, float):
            if not math.isfinite(value):
                self._problem(
                    mark_of(node),
                    path,
                    "Helm has no infinite numbers and no `.nan`",
                    "quote it if it is text",
                )
                return None
            return int(value) if value.is_integer() and abs(value) <= MAX_INTEGER else value
        if isinstance(value, int) and abs(value) > MAX_INTEGER and int(float(value)) != value:
            self._problem(
                mark_of(node), path, "the number has more digits than Helm keeps", "quote it if it is text"
            )
        return value

    def _resolve(self, node: ScalarNode) -> Scalar:
        text = str(node.value)
        return text if node.tag == STR else plain(text)

    def _unknown_tag(self, node: Node, path: Path) -> None:
        # Its name is not repeated: it may be a password that begins with `!`.
        hint = "quote text that begins with `!`; else remove the tag"
        self._problem(mark_of(node), path, "a tag that means nothing to Helm", hint)

    def _problem(self, mark: Mark, path: Path, message: str, hint: str) -> None:
        self.problems.append(Problem(mark, message, hint, path))


def _is_merge(node: Node) -> bool:
    return (
        isinstance(node, ScalarNode) and node.value == "<<" and node.tag in (None, "tag:yaml.org,2002:merge")
    )
