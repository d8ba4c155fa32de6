"""The key that was probably meant, for hints."""

from __future__ import annotations

import difflib
from collections.abc import Collection

#: How alike a key and one beside it are that is surely meant, and one that may be. Between the two comes a
#: key of the same name at another place.
SURE, MAYBE = 0.9, 0.6
#: The shortest word that a longer one may begin with, as `expression` does with `expr`.
_WORD = 4
#: As many known keys are listed where nothing is similar.
_LISTED = 12


def alike(key: str, known: Collection[str], cutoff: float) -> str:
    """The known key that is most like `key`, the same in another case before all; empty if none is."""
    folded = [each for each in sorted(known) if each.casefold() == key.casefold()]
    similar = folded or difflib.get_close_matches(key, sorted(known), 1, cutoff)
    if not similar and cutoff == MAYBE:
        similar = [each for each in known if min(len(each), len(key)) >= _WORD and _begins(each, key)]
        similar = similar if len(similar) == 1 else []
    return next(iter(similar), "")


def _begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def listed(known: Collection[str]) -> str:
    """A hint that lists what is known, if it is not too much."""
    return f"known: {', '.join(sorted(known))}" if 0 < len(known) <= _LISTED else ""
