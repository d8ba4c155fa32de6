"""Which keys of a chart's values its templates read, and where in a manifest those land."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

#: Any key of a map or index of a list; at the end of a Place, one item of the list there.
ANY = "*"

#: Where something stands in the values; ANY for what stands below each key.
Keys = tuple[str, ...]


class Place(NamedTuple):
    """Where in a manifest a value is rendered whole.

    kind  the manifest's, "" where it is not known
    path  the literal keys that it stands below, outermost first; list items are no part of it
    """

    kind: str
    path: tuple[str, ...]

    @property
    def text(self) -> str:
        """As it is kept in a file; a key with a `|` in it is none of Kubernetes'."""
        return "|".join((self.kind, *self.path))


@lru_cache(8192)  # many values stand at the same places
def _place(text: str) -> Place:
    kind, *path = text.split("|")
    return Place(kind, tuple(path))


class Print(NamedTuple):
    """Where in a manifest a value is all that stands there, printed as it is.

    quoted  whether the template quotes it, so that it is text whatever it looks like
    """

    place: Place
    quoted: bool


@lru_cache(8192)
def _print(text: str) -> Print:
    return Print(_place(text[1:]), text[0] == "1")


@dataclass(frozen=True)
class Reads:
    """What is read of a value.

    children  what is read of the keys or items below it; under ANY, of each of them
    whole     everything below it is read
    omitted   but these keys
    kinds     templates ask for its kind: values of several kinds are fine
    places    where it is rendered whole
    prints    where it is printed
    words     literal text that it is compared with
    """

    children: Mapping[str, Reads] = field(default_factory=lambda: MappingProxyType({}))
    whole: bool = False
    kinds: bool = False
    places: frozenset[Place] = frozenset()
    prints: frozenset[Print] = frozenset()
    words: frozenset[str] = frozenset()
    omitted: frozenset[str] = frozenset()

    def at(self, path: Iterable[str | int]) -> Reads | None:
        """What is read of the value at `path` below; None if nothing is."""
        nodes = [self]
        for part in path:
            if any(node.whole and part not in node.omitted for node in nodes):
                # Some template may also read single keys there, but what that adds is not known to be all.
                nodes = [*_below(nodes, str(part)), WHOLE]
            else:
                nodes = _below(nodes, str(part))
            if not nodes:
                return None
        return nodes[0] if len(nodes) == 1 else merged(nodes)

    def to_json(self) -> Any:
        """As `from_json` takes it."""
        children = {key: child.to_json() for key, child in sorted(self.children.items())}
        flags = self.whole + 2 * self.kinds
        data = [
            flags,
            children,
            sorted(place.text for place in self.places),
            sorted(f"{each.quoted:d}{each.place.text}" for each in self.prints),
            sorted(self.words),
            sorted(self.omitted),
        ]
        while data and not data[-1]:
            data.pop()
        return data if len(data) > 1 else flags

    @classmethod
    def from_json(cls, data: Any) -> Reads:
        """What `to_json` gave."""
        if isinstance(data, int):
            return _LEAVES[data]
        flags, children, places, prints, words, omitted = (*data, (), (), (), ())[:_PARTS]
        return cls(
            {key: cls.from_json(child) for key, child in children.items()} if children else _NO_CHILDREN,
            bool(flags & 1),
            bool(flags & 2),
            frozenset(map(_place, places)) if places else _NO_PLACES,
            frozenset(map(_print, prints)) if prints else _NO_PRINTS,
            frozenset(words) if words else _NO_WORDS,
            frozenset(omitted) if omitted else _NO_WORDS,
        )


#: How many parts a node in a file has at most; what many nodes do not have.
_PARTS = 6
_NO_CHILDREN: Mapping[str, Reads] = MappingProxyType({})
_NO_PLACES: frozenset[Place] = frozenset()
_NO_PRINTS: frozenset[Print] = frozenset()
_NO_WORDS: frozenset[str] = frozenset()
WHOLE = Reads(whole=True)
_LEAVES = (Reads(), WHOLE, Reads(kinds=True), Reads(whole=True, kinds=True))


def merged(nodes: Iterable[Reads]) -> Reads:
    """What is read by any of `nodes`, of one value."""
    nodes = list(nodes)
    if len(nodes) == 1:
        return nodes[0]
    keys = {key for node in nodes for key in node.children}
    omitted = [node.omitted for node in nodes if node.whole]
    return Reads(
        {key: merged(node.children[key] for node in nodes if key in node.children) for key in keys},
        any(node.whole for node in nodes),
        any(node.kinds for node in nodes),
        frozenset(place for node in nodes for place in node.places),
        frozenset(each for node in nodes for each in node.prints),
        frozenset(word for node in nodes for word in node.words),
        frozenset.intersection(*omitted) if omitted else _NO_WORDS,
    )


def _below(nodes: Iterable[Reads], part: str) -> list[Reads]:
    parts = (part, ANY) if part != ANY else (ANY,)
    return [node.children[key] for node in nodes for key in parts if key in node.children]


class Recorder:
    """Collects what is read."""

    def __init__(self) -> None:
        self._children: dict[str, Recorder] = {}
        self._whole = False
        self._omitted: frozenset[str] = frozenset()
        self._written = False
        self._kinds = False
        self._places: set[Place] = set()
        self._prints: set[Print] = set()
        self._words: set[str] = set()

    def read(
        self, path: Keys, *, whole: bool = False, kinds: bool = False, without: frozenset[str] = _NO_WORDS
    ) -> None:
        """Note that the value at `path` is read, all that is below it, `without` some keys, if `whole`."""
        node = self._at(path)
        if whole:
            node._omitted = node._omitted & without if node._whole else without
        node._whole |= whole
        node._kinds |= kinds

    def write(self, path: Keys) -> None:
        """Note that the value at `path` is written as text, or handed to what works on text.

        Of a map with keys that are read by name nothing else is then read: that is for values of other kinds.
        """
        self._at(path)._written = True

    def place(self, path: Keys, place: Place) -> None:
        """Note where the value at `path` is rendered."""
        self._at(path)._places.add(place)

    def printed(self, path: Keys, where: Print) -> None:
        """Note where the value at `path` is printed."""
        self._at(path)._prints.add(where)

    def compare(self, path: Keys, words: Iterable[str]) -> None:
        """Note what the value at `path` is compared with."""
        self._at(path)._words.update(words)

    def reads(self) -> Reads:
        """All that was noted."""
        children = {key: child.reads() for key, child in self._children.items()}
        written = self._written and children.keys() <= {ANY}
        whole = self._whole or written
        return Reads(
            children,
            whole,
            self._kinds,
            frozenset(self._places),
            frozenset(self._prints),
            frozenset(self._words),
            _NO_WORDS if written else self._omitted,
        )

    def _at(self, path: Keys) -> Recorder:
        node = self
        for part in path:
            inner = node._children.get(part)
            if inner is None:
                inner = node._children[part] = Recorder()
            node = inner
        return node
