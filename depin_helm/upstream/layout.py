"""Where in a YAML manifest an action of its template stands, by the indentation of the text before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from depin_helm.upstream.lines import FAR, OUTPUT, Line, Lines, line_of, parsed
from depin_helm.upstream.reads import ANY, Place

#: A kind that is said further up, if at all.
_UNKNOWN = "?"
_NONE = "-"

_EMPTY = re.compile(r"(?:[&!]\S*\s*)?(?:#.*)?$")
_BLANK = re.compile(r"[ ]*((?:-[ ]+)*)$")


class Spot(NamedTuple):
    """A place in a manifest, or in a template that is included in one.

    kind  of the manifest; None where nothing says it before
    keys  the literal keys above, outermost first
    item  whether what stands there is one item of a list
    printed  BARE or QUOTED if one value is printed there; "" for YAML
    """

    kind: str | None
    keys: tuple[str, ...]
    item: bool = False
    printed: str = ""

    def place(self) -> Place | None:
        """It as a place in a manifest; None where it is in none, or at its root."""
        kind, path = self.kind, self.keys
        if kind is not None and kind.endswith("List") and path[:1] == ("items",):
            kind, path = kind.removesuffix("List"), path[1:]
            if not kind:  # its items may be anything
                return None
        if kind is None or not path:
            return None
        return Place(kind, (*path, ANY) if self.item else path)


BARE, QUOTED = "bare", "quoted"


#: What may be above the value that stands at the column `limit`; plain numbers: states are hashed a lot.
_OPEN = 0  # nothing was seen yet: a key right above it may stand at the same column, if this is a list
_MAYBE = 1  # only other output at the same column was seen
_AFTER = 2  # deeper lines were seen: a key at the same column has a value of its own
_LIST = 3  # it is an item of a list
_STRICT = 4  # it is one of several keys


class _State(NamedTuple):
    """What is known of a spot, going up from it; `keys` are innermost first.

    `object` is the kind of the whole object that one item of a List is, as far as `keys` stand in it; _NONE
    where there is no List.
    """

    limit: int
    mode: int
    keys: tuple[str, ...] = ()
    item: bool = False
    kind: str | None = None
    done: bool = False
    object: str = ""


@dataclass
class _Block:
    """What was written, a piece after the other.

    `kinds` has for the first 0, 1, 2 … pieces what the manifest's kind may be after them: _UNKNOWN where they
    do not say, None where a document has begun since.
    """

    pieces: list[Lines | _Fork] = field(default_factory=list)
    least: int = FAR
    objects: bool = False
    kinds: list[frozenset[str | None]] = field(default_factory=lambda: [frozenset((_UNKNOWN,))])

    def add(self, piece: Lines | _Fork) -> None:
        before = self.kinds[-1]
        if isinstance(piece, _Fork):
            after = frozenset[str | None]().union(*(branch.kinds[-1] for branch in piece.branches))
            self.kinds.append((after - {_UNKNOWN}) | before if _UNKNOWN in after else after)
        elif piece.kind is not None:
            self.kinds.append(frozenset() if OUTPUT in piece.kind else frozenset((piece.kind,)))
        else:
            self.kinds.append(frozenset((None,)) if piece.starts else before)
        self.pieces.append(piece)
        self.least = min(self.least, piece.least)
        self.objects |= piece.objects


@dataclass(frozen=True)
class _Fork:
    """What each branch of a block writes; `least` and `objects` as of Lines."""

    branches: tuple[_Block, ...]
    least: int
    objects: bool


class Layout:
    """Follows what a template writes."""

    def __init__(self) -> None:
        self._blocks = [_Block()]
        self._partial = ""
        self._lists = False  # there is a `kind: List`

    def text(self, text: str) -> None:
        """Literal text was written."""
        whole = self._partial + text if self._partial else text
        lines, newline, self._partial = whole.rpartition("\n")
        if newline:
            piece = parsed(lines)
            self._lists |= piece.kind == "List"
            self._blocks[-1].add(piece)

    def output(self, indent: int | None, newline: bool) -> None:
        """An action has written what is not known, each line at column `indent` if it is given."""
        if newline:
            self.text("\n")
        if indent is not None and not self._partial.strip():
            self._partial = " " * indent
        self._partial += OUTPUT

    def branches(self, count: int) -> Iterator[None]:
        """Let `count` branches of a block write, one after the other, each from where the block begins."""
        entry, written, ends = self._partial, list[_Block](), list[str]()
        for _ in range(count):
            self._partial = entry
            self._blocks.append(_Block())
            yield
            written.append(self._blocks.pop())
            ends.append(self._partial)
        changed = [end for end in ends if end != entry]
        begun = [end for end in changed if end.strip()]
        if len(begun) > 1:  # each branch has begun a line of its own
            for branch, end in zip(written, ends, strict=True):
                if end in begun:
                    branch.add(parsed(end))
            changed = [begun[0][: len(begun[0]) - len(begun[0].lstrip())] + OUTPUT]
        self._partial = (begun if len(begun) == 1 else changed or [entry])[0]
        branches = tuple(branch for branch in written if branch.pieces)
        if branches:
            least = min(branch.least for branch in branches)
            fork = _Fork(branches, least, any(branch.objects for branch in branches))
            self._blocks[-1].add(fork)

    def opened(self) -> str | None:
        """The quote that the line has opened after its key or dash, if anything; None if more was written."""
        partial = self._partial
        if partial[-1:] not in (" ", '"', "'") or OUTPUT in partial:
            return None
        text = partial[:-1] if partial[-1] != " " else partial
        return partial[len(text) :] if text.rstrip(" ")[-1:] in (":", "-") else None

    def scalar_spots(self, quoted: bool) -> frozenset[Spot]:
        """Where a value would stand that is printed now, after `opened`."""
        whole = self._partial
        self._partial = whole.rstrip("\"'")
        printed = QUOTED if quoted or whole != self._partial else BARE
        spots = self.spots(None, False)
        self._partial = whole
        return frozenset(spot._replace(printed=printed) for spot in spots)

    def spots(self, indent: int | None, newline: bool) -> frozenset[Spot]:
        """Where a YAML value would stand that is written now; nothing if that cannot be said."""
        start = self._start(indent, newline)
        if start and not self._lists:
            start = start._replace(object=_NONE)
        states = {start} if start else set[_State]()
        for block in reversed(self._blocks):
            states = _up(block, states)
        return frozenset(_spot(state) for state in states)

    def _start(self, indent: int | None, newline: bool) -> _State | None:
        if newline and indent is not None:
            line = line_of(self._partial)
            start = _State(indent, _OPEN)
            return start if line is None else _above(start, line)
        blank = _BLANK.match(self._partial)
        if blank:
            if blank[1]:
                return _State(blank.start(1), _LIST, item=True)
            column = len(self._partial) if self._partial or indent is None else indent
            return _State(column, _OPEN)
        line = line_of(self._partial)
        if line is None or line.key is None or line.value.strip() or OUTPUT in line.key:
            return None
        return _above(_State(line.indent + 1, _STRICT), line)


def _spot(state: _State) -> Spot:
    kind, keys = state.kind, state.keys[::-1]
    if kind == "List" and keys[:1] == ("items",) and len(keys) > 1:
        return Spot(state.object, keys[1:], state.item)
    return Spot(kind, keys, state.item)


def _up(block: _Block, states: set[_State]) -> set[_State]:
    """What is known after looking at the block, from its end."""
    found: set[_State] = set()
    waiting = [(len(block.pieces), state) for state in states]
    seen = set(waiting)
    while waiting:
        index, state = waiting.pop()
        while index and not state.done:
            if state.limit == 0 and state.mode == _STRICT:
                kinds = block.kinds[index]
                found.update(state._replace(kind=kind, done=True) for kind in kinds if kind != _UNKNOWN)
                if _UNKNOWN in kinds:
                    found.add(state)
                break
            index -= 1
            piece = block.pieces[index]
            if (
                state.mode >= _AFTER
                and piece.least > state.limit - (state.mode == _STRICT)
                and not (piece.objects and state.keys and not state.object)
            ):
                continue  # nothing in it is above
            if isinstance(piece, _Fork):
                ways = {(index, way) for branch in piece.branches for way in _up(branch, {state})}
                waiting += ways - seen
                seen |= ways
                break
            after = _through(piece, state)
            if after is None:
                break
            state = after
        else:
            found.add(state)
    return found


def _through(lines: Lines, state: _State) -> _State | None:
    if state.done:
        return state
    for line in lines.tail:
        found = _above(state, line)
        if found is None:
            return None
        state = found
        if state.limit == 0 and state.mode == _STRICT:
            break
    if lines.kind is not None:
        return None if OUTPUT in lines.kind else state._replace(kind=lines.kind, done=True)
    return state._replace(done=True) if lines.starts else state


def _above(state: _State, line: Line) -> _State | None:
    """What is known after seeing one more line above; None where YAML would not be what it seems."""
    limit, mode = state.limit, state.mode
    direct = mode in (_OPEN, _MAYBE)
    column = line.dash if line.dash >= 0 else line.indent
    if line.key == "kind" and 0 < line.indent == limit and mode == _STRICT and not state.object:
        state = state._replace(object=line.value.strip("\"' "))
    if line.key is not None:
        empty = _EMPTY.match(line.value) is not None
        level = line.indent == limit and empty and (direct or mode == _LIST)
        if line.indent < limit or level:
            if not empty or OUTPUT in line.key:
                return None
            keys = (*state.keys, line.key.strip("\"'"))
            below = _LIST if line.dash >= 0 else _STRICT
            return _State(column, below, keys, state.item, state.kind, state.done, state.object)
    if line.dash >= 0 and (line.dash < limit or (line.key is not None and line.indent == limit)):
        item = state.item or not state.keys
        return _State(line.dash, _LIST, state.keys, item, state.kind, state.done, state.object)
    if mode == _LIST or column < limit:
        return state
    if column == limit and line.dash >= 0:
        return state if mode == _STRICT else _with(state, _LIST)
    if column == limit and line.key is not None:
        return _with(state, _STRICT)
    if direct:
        return _with(state, _MAYBE if column == limit else _AFTER)
    return state


def _with(state: _State, mode: int) -> _State:
    """The state in another mode; the same object if it is in it, as most are."""
    if state.mode == mode:
        return state
    return _State(state.limit, mode, state.keys, state.item, state.kind, state.done, state.object)
