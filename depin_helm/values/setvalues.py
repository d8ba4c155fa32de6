"""`--set`, with Helm's grammar and all its corners: pkg/strvals/parser.go of helm.sh/helm/v4.

Different is one thing: an assignment that Helm drops without a word, such as `a[0]` or `a..b=c`, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from depin_helm.errors import UsageError
from depin_helm.yamlio import Path, format_path

MAX_INDEX = 65536
MAX_NESTING = 30

_INTEGER = re.compile(r"[-+]?[0-9]+")
_WORDS = {"true": True, "false": False, "null": None, "0": 0}


def apply(text: str, values: dict[str, Any]) -> Iterator[Path]:
    """Do in `values` what `text` says, `a.b=c,list[0]=x,other={y,z}`; yields each path once it is set.

    Raises:
        UsageError: Helm refuses it, or ignores it. No value is repeated.
    """
    parser = _Parser(text)
    while parser.more():
        path = parser.assign(values)
        if path is None or not _holds(values, path):
            raise _wrong(path or (text.partition("=")[0],), "sets nothing")
        yield path


class _Parser:
    """Reads one `--set` argument. Methods return whether the text is at its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._assigned: Path | None = None
        self._previous: Path | None = None

    def more(self) -> bool:
        return self._position < len(self._text)

    def assign(self, values: dict[str, Any]) -> Path | None:
        """Read and do one assignment. Returns its path, None if there was none."""
        self._previous, self._assigned = self._assigned, None
        self._key(values, (), 0)
        return self._assigned

    def _key(self, values: dict[str, Any], path: Path, nesting: int) -> bool:
        name, stop = self._until("=[,.")
        here = (*path, name)
        if stop == "":
            if name:
                raise self._no_value(here)
            return True
        if stop == "[":
            index = self._index(here)
            items, ended = self._item(_existing(values, name, list, here), index, here, nesting)
            self._set(values, name, items)
            return ended
        if stop == "=":
            value, ended = self._value(here)
            self._set(values, name, value)
            self._assigned = here
            return ended
        if stop == ".":
            if nesting == MAX_NESTING:
                raise _wrong(here, f"is nested more than {MAX_NESTING} deep")
            inner = _existing(values, name, dict, here)
            ended = self._key(inner, here, nesting + 1)
            if not ended and not inner:
                raise _wrong(here, "has no value")
            if inner:
                self._set(values, name, inner)
            return ended
        raise self._no_value(here)

    def _no_value(self, path: Path) -> UsageError:
        """The error for a key without `=`; after a `,` it may be the rest of a password, and is not named."""
        if self._previous is None:
            return _wrong(path, "has no value")
        return _wrong(self._previous, r"is followed by a `,` but no KEY=VALUE: a comma that is meant is `\,`")

    def _item(self, items: list[Any], index: int, path: Path, nesting: int) -> tuple[list[Any], bool]:
        """What follows `[index]`: the list with that item set, and whether the text is at its end."""
        here = (*path, index)
        if not 0 <= index <= MAX_INDEX:
            raise _wrong(path, f"has an index outside of 0 to {MAX_INDEX}")
        surplus, stop = self._until("[.=")
        if surplus:
            raise _wrong(here, "is followed by something other than `=`, `.` or `[`")
        if stop == "":
            return items, True
        present = items[index] if index < len(items) else None
        if stop == "=":
            value, _ = self._value(here)
            self._assigned = here
            return _with_item(items, index, value), False
        if stop == "[":
            if not isinstance(present, list | None):
                raise _wrong(here, "is not a list")
            inner_items, ended = self._item(present or [], self._index(here), here, nesting)
            return (items, True) if ended else (_with_item(items, index, inner_items), False)
        inner = present if isinstance(present, dict) else {}
        if index < len(items):
            items[index] = inner
        ended = self._key(inner, here, nesting)
        return (items, True) if ended else (_with_item(items, index, inner), False)

    def _value(self, path: Path) -> tuple[Any, bool]:
        """A scalar or a `{list}`; the end counts only where there is no value at all, as in Helm."""
        if self._position == len(self._text):
            return "", True
        if self._text[self._position] != "{":
            return _typed(self._until(",")[0]), False
        self._position += 1
        items = []
        while True:
            item, stop = self._until(",}")
            if stop == "":
                raise _wrong(path, "has a list that does not end with `}`")
            items.append(_typed(item))
            if stop == "}":
                if self._text[self._position : self._position + 1] == ",":
                    self._position += 1
                return items, False

    def _index(self, path: Path) -> int:
        text, stop = self._until("]")
        if stop == "" or not _INTEGER.fullmatch(text):
            raise _wrong(path, "has an index that is no number")
        return int(text[:20])

    def _until(self, stops: str) -> tuple[str, str]:
        r"""The text, unescaped, up to one of `stops`, and that one, which is skipped; "" for the end."""
        text = ""
        while self._position < len(self._text):
            sign = self._text[self._position]
            self._position += 1
            if sign in stops:
                return text, sign
            if sign == "\\":
                if self._position == len(self._text):
                    break
                sign = self._text[self._position]
                self._position += 1
            text += sign
        return text, ""

    @staticmethod
    def _set(values: dict[str, Any], name: str, value: Any) -> None:
        if name:
            values[name] = value


def _holds(values: Any, path: Path) -> bool:
    """Whether `path` leads anywhere."""
    for part in path:
        try:
            values = values[part]
        except (KeyError, IndexError):
            return False
    return True


def _existing(values: dict[str, Any], name: str, kind: type[Any], path: Path) -> Any:
    """What stands at `name` already, or an empty one of its kind."""
    present = values.get(name, kind())
    if not isinstance(present, kind):
        raise _wrong(path, f"is not a {'map' if kind is dict else 'list'}")
    return present


def _with_item(items: list[Any], index: int, value: Any) -> list[Any]:
    longer = items + [None] * (index + 1 - len(items))
    longer[index] = value
    return longer


def _typed(text: str) -> Any:
    if text.casefold() in _WORDS:
        return _WORDS[text.casefold()]
    if not text.startswith("0") and len(text) <= 20 and _INTEGER.fullmatch(text):
        number = int(text)
        if -(2**63) <= number < 2**63:
            return number
    return text


def _wrong(path: Path, problem: str) -> UsageError:
    return UsageError(
        f"--set: {format_path(path)} {problem}",
        hint=r"as in Helm: --set a.b=c,list[0]=x,other={y,z}, with `\,` and `\.` for signs that are meant",
    )
