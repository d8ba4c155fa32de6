"""What a template's use of values is told to."""

from __future__ import annotations

from typing import Protocol

from depin_helm.upstream.abstract import Value


class Reader(Protocol):
    """Notes what is read."""

    def node(self, value: Value, *, kinds: bool = False) -> None:
        """Of `value` is read whether it is there, empty or of some kind, and nothing below it."""

    def whole(self, value: Value) -> None:
        """All of `value` is read."""

    def written(self, value: Value) -> None:
        """`value` becomes text; of what was made of parts of the values, they are read whole."""

    def compared(self, value: Value, words: frozenset[str]) -> None:
        """`value` is compared with literal text."""

    def include(self, name: Value, context: Value) -> Value:
        """What a named template writes."""

    def evaluated(self, source: Value, context: Value) -> Value:
        """What the template in the text `source` writes."""
