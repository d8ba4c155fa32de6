"""From a values file's bytes to YAML nodes, within limits; what the nodes mean is for `document`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NoReturn

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import Reader

from depin_helm.yamlio.machine import STR, events
from depin_helm.yamlio.scalars import plain

#: The largest upstream values.yaml has 230 KiB, 2,000 values and a depth of 10.
MAX_BYTES = 1024 * 1024
MAX_VALUES = 50_000
MAX_DEPTH = 100

#: Where a value stands in a document: keys and list indices, from the top.
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Mark:
    """A place in a text; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Problem:
    """What is wrong at a place; a file without lines has line 0."""

    mark: Mark
    message: str
    hint: str = ""
    path: Path = ()


class UnreadableError(Exception):
    """The text ends here for us."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__()
        self.problems = problems


def refuse(where: Any, message: str, hint: str = "") -> NoReturn:
    """Read no further than `where`, which `mark_of` takes."""
    raise UnreadableError(Problem(mark_of(where), message, hint))


def mark_of(where: Any) -> Mark:
    """The place of a node, an event, or one of PyYAML's marks, which count from 0."""
    mark = getattr(where, "start_mark", where)
    return Mark(mark.line + 1, mark.column + 1)


def _mark_at(text: str, index: int) -> Mark:
    start = text.rfind("\n", 0, index) + 1
    return Mark(text.count("\n", 0, index) + 1, index - start + 1)


# --- bytes to text -----------------------------------------------------------------------------

_CONFLICT = re.compile(r"<{7}(?: |\r?$)")


def decode(raw: bytes | str) -> str:
    """The file's text, without byte order mark.

    Raises:
        UnreadableError: it is too large, not in UTF-8, binary, or an unresolved merge.
    """
    raw = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    if len(raw) > MAX_BYTES:
        raise UnreadableError(Problem(Mark(0, 0), f"the file is larger than {MAX_BYTES // 1024} KiB"))
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableError(Problem(Mark(0, 0), "the file is encoded in UTF-16", "save it as UTF-8"))
    if b"\0" in raw:
        raise UnreadableError(Problem(Mark(0, 0), "the file is binary, not text"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        mark = _mark_at(before, len(before))
        raise UnreadableError(Problem(mark, "not encoded in UTF-8", "save the file as UTF-8")) from None
    if found := Reader.NON_PRINTABLE.search(text):
        message = f"the control character U+{ord(found[0]):04X}"
        raise UnreadableError(Problem(_mark_at(text, found.start()), message, "remove it"))
    marked = (number for number, line in enumerate(text.split("\n"), 1) if _CONFLICT.match(line))
    conflicts = list(itertools.islice(marked, 100))
    if conflicts:
        message, hint = "a merge conflict that is not resolved", "keep one side and delete the markers"
        raise UnreadableError(*(Problem(Mark(number, 1), message, hint) for number in conflicts))
    return text


# --- text to nodes -----------------------------------------------------------------------------


def compose(text: str) -> Node | None:
    """The root of the only document; None if it is empty. In mappings' nodes keys and values alternate.

    Unquoted scalars have no tag.

    From PyYAML's events, because its composer recurses in C and crashes on deep nesting, which also takes
    its parser quadratic time.
    """
    composer = _Composer()
    try:
        for event in events(text):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        raise UnreadableError(_syntax(error, text)) from None
    return composer.root


class _Composer:
    """Makes nodes of events."""

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
                refuse(event, f"more than {MAX_VALUES} values, or nested more than {MAX_DEPTH} deep")

    def _place(self, node: Node) -> None:
        if self._open:
            self._open[-1].value.append(node)
        elif self.root is None and not _empty(node):
            self.root = node
        elif not _empty(node):
            hint = "a values file holds one; remove the `---`"
            refuse(self._document, "a second YAML document begins here", hint)

    def _alias(self, event: Any) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            refuse(
                event,
                "an alias that refers to nothing",
                "quote text that begins with `*`; an alias's anchor stands before it",
            )
        if node in self._open:
            refuse(event, "an alias stands inside what it refers to")
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
        if event.anchor and _empty(node) and not event.value:
            refuse(event, "an anchor without a value", "quote text that begins with `&`")
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
        "did not find expected node content": (
            "a value is missing here, or a list or mapping is not closed",
            "look for an open `[` or `{`",
        ),
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


def _syntax(error: yaml.MarkedYAMLError, text: str) -> Problem:
    """A syntax error in words; PyYAML's own repeat the line, which may hold a secret."""
    problem, place = error.problem or "no YAML", error.problem_mark or error.context_mark
    if problem in _OPENING and error.context_mark is not None:
        place = error.context_mark
    if place is None:
        return Problem(Mark(0, 0), problem)
    lines = text.splitlines()
    line = lines[place.line] if place.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return Problem(
            Mark(place.line + 1, line.index("\t") + 1), "a tab in the indentation", "indent with spaces"
        )
    return Problem(mark_of(place), *_SYNTAX.get(problem, (problem, "")))
