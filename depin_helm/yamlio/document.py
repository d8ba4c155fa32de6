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
from typing import Any, NoReturn

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import Reader

from depin_helm.errors import Finding, UsageError, ValuesError
from depin_helm.yamlio.machine import STR, TAGS, events
from depin_helm.yamlio.scalars import Scalar, plain

#: The largest upstream values.yaml has 230 KiB, 2,000 values and a depth of 10.
MAX_BYTES = 1024 * 1024
MAX_VALUES = 50_000
MAX_DEPTH = 100

#: Helm keeps numbers as 64-bit floats: integers beyond this lose digits.
MAX_INTEGER = 2**53

#: Where a value stands in a document: keys and list indices, from the top.
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Mark:
    """A place in a text; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """A values file as Helm reads it; `marks` has the place of each key and list item."""

    file: str
    data: dict[str, Any] = field(repr=False)
    marks: Mapping[Path, Mark] = field(repr=False)


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
        node = _compose(_decode(text))
        data = reading.value(node, ()) if node is not None else {}
        if data is not None and not isinstance(data, dict):
            _refuse(
                node, "the top level is no mapping", "a values file consists of lines such as `key: value`"
            )
    except _UnreadableError as error:
        reading.problems += error.problems
        data = None
    findings = (
        Finding(name, p.mark.line, p.mark.column, format_path(p.path), p.message, p.hint)
        for p in reading.problems
    )
    return Document(name, data or {}, MappingProxyType(reading.marks)), tuple(sorted(set(findings)))


@dataclass(frozen=True)
class _Problem:
    mark: Mark
    message: str
    hint: str = ""
    path: Path = ()


class _UnreadableError(Exception):
    """The text ends here for us."""

    def __init__(self, *problems: _Problem) -> None:
        super().__init__()
        self.problems = problems


def _refuse(where: Any, message: str, hint: str = "") -> NoReturn:
    raise _UnreadableError(_Problem(_mark(where), message, hint))


def _mark(where: Any) -> Mark:
    """The place of a node, an event, or one of PyYAML's marks, which count from 0."""
    mark = getattr(where, "start_mark", where)
    return Mark(mark.line + 1, mark.column + 1)


def _mark_at(text: str, index: int) -> Mark:
    start = text.rfind("\n", 0, index) + 1
    return Mark(text.count("\n", 0, index) + 1, index - start + 1)


# --- bytes to text -----------------------------------------------------------------------------

_CONFLICT = re.compile(r"<{7}(?: |\r?$)")


def _decode(raw: bytes | str) -> str:
    raw = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    if len(raw) > MAX_BYTES:
        raise _UnreadableError(_Problem(Mark(0, 0), f"the file is larger than {MAX_BYTES // 1024} KiB"))
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _UnreadableError(_Problem(Mark(0, 0), "the file is encoded in UTF-16", "save it as UTF-8"))
    if b"\0" in raw:
        raise _UnreadableError(_Problem(Mark(0, 0), "the file is binary, not text"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        mark = _mark_at(before, len(before))
        raise _UnreadableError(_Problem(mark, "not encoded in UTF-8", "save the file as UTF-8")) from None
    if found := Reader.NON_PRINTABLE.search(text):
        message = f"the control character U+{ord(found[0]):04X}"
        raise _UnreadableError(_Problem(_mark_at(text, found.start()), message, "remove it"))
    conflicts = [number for number, line in enumerate(text.split("\n"), 1) if _CONFLICT.match(line)]
    if conflicts:
        message, hint = "a merge conflict that is not resolved", "keep one side and delete the markers"
        raise _UnreadableError(*(_Problem(Mark(number, 1), message, hint) for number in conflicts))
    return text


# --- text to nodes -----------------------------------------------------------------------------


def _compose(text: str) -> Node | None:
    """The document's root, None for an empty one.

    From PyYAML's events, because its composer recurses in C and crashes on deep nesting, which also takes
    its parser quadratic time.
    """
    composer = _Composer()
    try:
        for event in events(text):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        raise _UnreadableError(_syntax(error, text)) from None
    return composer.root


class _Composer:
    """Makes nodes of events, within limits; the children of a mapping's node alternate: key, value."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._document: Any = None
        self._anchors: dict[str, Node] = {}
        self._open: list[Any] = []
        self._count = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._document = event
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.NodeEvent):
            node = self._alias(event) if isinstance(event, yaml.AliasEvent) else self._node(event)
            self._place(node)
            if isinstance(event, yaml.CollectionStartEvent):
                self._open.append(node)
            self._count += 1
            if self._count > 2 * MAX_VALUES or len(self._open) > MAX_DEPTH:
                _refuse(event, f"more than {MAX_VALUES} values, or nested more than {MAX_DEPTH} deep")

    def _place(self, node: Node) -> None:
        if self._open:
            self._open[-1].value.append(node)
        elif self.root is None and not _empty(node):
            self.root = node
        elif not _empty(node):
            hint = "a values file holds one; remove the `---`"
            _refuse(self._document, "a second YAML document begins here", hint)

    def _alias(self, event: Any) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            _refuse(
                event,
                f"the alias *{event.anchor} refers to nothing",
                f"no `&{event.anchor}` stands before it",
            )
        if node in self._open:
            _refuse(event, f"the alias *{event.anchor} stands inside what it refers to")
        return node

    def _node(self, event: Any) -> Node:
        node: Node
        tag: Any = event.tag
        place = (event.start_mark, event.end_mark)
        if type(event) is yaml.ScalarEvent:
            # Without a tag: unquoted, to be resolved.
            tag = tag or (None if event.implicit[0] else STR)
            node = ScalarNode(tag, event.value, *place)
        elif type(event) is yaml.MappingStartEvent:
            node = MappingNode(tag, [], *place)
        else:
            node = SequenceNode(tag, [], *place)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node


def _empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag is None and plain(node.value) is None


#: PyYAML's problem → our message and hint, for what people do most.
_SYNTAX: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "mapping values are not allowed in this context": (
            "a `:` where none may stand",
            "quote the text that holds it, or check this line's indentation",
        ),
        "could not find expected ':'": (
            "a line without `key: value`",
            "check the lines around for a missing `:` or quote",
        ),
        "found character that cannot start any token": (
            "a value begins with a character that YAML reserves",
            "quote the value",
        ),
        "did not find expected key": (
            "the line does not fit the one before",
            "check its indentation, and quote text that holds quotes",
        ),
        "did not find expected '-' indicator": (
            "a key where the next list item is expected",
            "check the indentation of this line and of the list",
        ),
        "found unexpected end of stream": ("the quotes that open here never close", "close them"),
        "did not find expected ',' or ']'": ("the list that opens here never closes", "close it with `]`"),
        "did not find expected ',' or '}'": ("the mapping that opens here never closes", "close it with `}`"),
        "found unknown escape character": (
            "an escape that YAML does not know",
            r"in double quotes write \\ for a backslash, or use single quotes",
        ),
    }
)
_OPENING = (
    "found unexpected end of stream",
    "did not find expected ',' or ']'",
    "did not find expected ',' or '}'",
)


def _syntax(error: yaml.MarkedYAMLError, text: str) -> _Problem:
    """A syntax error in words; PyYAML's own repeat the line, which may hold a secret."""
    problem, place = error.problem or "no YAML", error.problem_mark or error.context_mark
    if problem in _OPENING and error.context_mark is not None:
        place = error.context_mark
    if place is None:
        return _Problem(Mark(0, 0), problem)
    lines = text.splitlines()
    line = lines[place.line] if place.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return _Problem(
            Mark(place.line + 1, line.index("\t") + 1), "a tab in the indentation", "indent with spaces"
        )
    return _Problem(_mark(place), *_SYNTAX.get(problem, (problem, "")))


# --- nodes to values ---------------------------------------------------------------------------

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
        self.problems: list[_Problem] = []
        self._values = 0

    def value(self, node: Node, path: Path) -> Any:
        self._values += 1
        if self._values > MAX_VALUES or len(path) > MAX_DEPTH:
            _refuse(node, f"more than {MAX_VALUES} values, or nested more than {MAX_DEPTH} deep")
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if node.tag not in _COLLECTION_TAGS:
            self._unknown_tag(node, path)
        if isinstance(node, SequenceNode):
            return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._mapping(node, path)

    def _item(self, node: Node, path: Path) -> Any:
        self.marks[path] = _mark(node)
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
            mark = _mark(key_node)
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
                _refuse(node, "`<<` merges mappings only", "write `<<: *anchor`, of a mapping")
            yield each

    def _key(self, node: Node, path: Path) -> str | None:
        """The key as text; None if it can be none."""
        if not isinstance(node, ScalarNode):
            self._problem(
                _mark(node), path, "a list or mapping as key", "quote text that begins with `{{`, `{` or `[`"
            )
            return None
        key = self._resolve(node)
        if isinstance(key, str):
            return key
        self._problem(
            _mark(node),
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
        if node.tag in _TYPES and not isinstance(value, _TYPES[node.tag]):
            self._problem(
                _mark(node), path, f"the value is no !!{node.tag.rpartition(':')[2]}", "remove the tag"
            )
        if isinstance(value, float):
            if not math.isfinite(value):
                self._problem(
                    _mark(node), path, "Helm has no infinite numbers and no `.nan`", "quote it if it is text"
                )
                return None
            return int(value) if value.is_integer() and abs(value) <= MAX_INTEGER else value
        if isinstance(value, int) and abs(value) > MAX_INTEGER and int(float(value)) != value:
            self._problem(
                _mark(node), path, "the number has more digits than Helm keeps", "quote it if it is text"
            )
        return value

    def _resolve(self, node: ScalarNode) -> Scalar:
        text = str(node.value)
        return text if node.tag == STR else plain(text)

    def _unknown_tag(self, node: Node, path: Path) -> None:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        self._problem(_mark(node), path, f"the tag {tag} means nothing to Helm", "remove it")

    def _problem(self, mark: Mark, path: Path, message: str, hint: str) -> None:
        self.problems.append(_Problem(mark, message, hint, path))


def _is_merge(node: Node) -> bool:
    return (
        isinstance(node, ScalarNode) and node.value == "<<" and node.tag in (None, "tag:yaml.org,2002:merge")
    )
