"""What a PromQL expression asks for, as Prometheus' own parser reads it (its API's `parse_query`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.monitoring.servers import Server


@dataclass(frozen=True)
class Selector:
    """Series that an expression selects: a metric's name (empty: any), and label → (operator, value)."""

    name: str
    matchers: Mapping[str, tuple[str, str]]


class Parser:
    """Parses with a running Prometheus."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def selectors(self, expression: str) -> list[Selector]:
        """Every selector in it.

        Raises:
            ValueError: It is no PromQL.
        """
        answer = self._server.get("/api/v1/parse_query", query=expression).json()
        if answer["status"] != "success":
            raise ValueError(f"{expression}: {answer['error']}")
        return list(_selectors(answer["data"]))

    def names(self, expression: str) -> set[str]:
        """The names of all series that it asks for."""
        return {selector.name for selector in self.selectors(expression)}


def _selectors(node: Any) -> Iterator[Selector]:
    if isinstance(node, list):
        for item in node:
            yield from _selectors(item)
    elif isinstance(node, dict):
        if node.get("type") in ("vectorSelector", "matrixSelector"):
            matchers = {each["name"]: (each["type"], each["value"]) for each in node["matchers"]}
            _, name = matchers.pop("__name__", ("=", node["name"]))
            yield Selector(name, matchers)
        for value in node.values():
            yield from _selectors(value)
