"""Words that an upstream chart's templates compare a value with, none of which it is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Any

from depin_helm.upstream import Reads

ID = "unknown-word"

#: How alike a word must be to be taken for another.
_ALIKE = 0.8
#: What is no version, name or path.
_WORD = re.compile(r"[A-Za-z][A-Za-z_-]{0,62}")


def mistaken(value: Any, default: Any, reads: Sequence[Reads]) -> tuple[str, str] | None:
    """What to say of text that is surely meant to be one of the words, and the hint; else None."""
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        return None
    words = {word for each in reads for word in each.words if _WORD.fullmatch(word)}
    known = words | {default} if isinstance(default, str) and _WORD.fullmatch(default) else words
    if not words or value in known:
        return None
    choices = sorted(known)
    meant = [word for word in choices if word.casefold() == value.casefold()]
    meant = meant or difflib.get_close_matches(value, choices, 1, _ALIKE)
    if not meant:
        return None
    return f"templates compare it with {', '.join(sorted(words))}", f"did you mean {meant[0]}?"
