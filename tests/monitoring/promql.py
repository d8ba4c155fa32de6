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


@dataclass(frozen=True)
class Grouping:
    """An aggregation `by` labels, the series that are aggregated, and labels that functions within make."""

    labels: frozenset[str]
    names: frozenset[str]
    made: frozenset[str]


class Parser:
    """Parses with a running Prometheus, each expression once."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._trees: dict[str, Any] = {}

    def selectors(self, expression: str) -> list[Selector]:
        """Every selector in it.

        Raises:
            ValueError: It is no PromQL.
        """
        return list(_selectors(self.tree(expression)))

    def groupings(self, expression: str) -> list[Grouping]:
        """Every aggregation `by` labels in it; errors as of `selectors`."""
        return list(_groupings(self.tree(expression)))

    def tree(self, expression: str) -> Any:
        """Its syntax, as nested nodes.

        Raises:
            ValueError: It is no PromQL.
        """
        if expression not in self._trees:
            answer = self._server.get("/api/v1/parse_query", query=expression).json()
            if answer["status"] != "success":
                raise ValueError(f"{expression}: {answer['error']}")
            self._trees[expression] = answer["data"]
        return self._trees[expression]

    def names(self, expression: str) -> set[str]:
        """The names of all series that it asks for."""
        return {selector.name for selector in self.selectors(expression)}


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """A node of a parsed expression, and all below it."""
    if isinstance(node, list):
        for item in node:
            yield from _nodes(item)
    elif isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _nodes(value)


def _selectors(expression: Any) -> Iterator[Selector]:
    for node in _nodes(expression):
        if node.get("type") in ("vectorSelector", "matrixSelector"):
            matchers = {each["name"]: (each["type"], each["value"]) for each in node["matchers"]}
            _, name = matchers.pop("__name__", ("=", node["name"]))
            yield Selector(name, matchers)


def _groupings(expression: Any) -> Iterator[Grouping]:
    for node in _nodes(expression):
        if node.get("type") == "aggregation" and not node["without"]:
            names = frozenset(selector.name for selector in _selectors(node["expr"]))
            yield Grouping(frozenset(node["grouping"]), names, frozenset(_made(node["expr"])))


def _made(expression: Any) -> Iterator[str]:
    """Labels that `label_replace` and `label_join` make: their second argument."""
    for node in _nodes(expression):
        if node.get("type") == "call" and node["func"]["name"] in ("label_replace", "label_join"):
            yield node["args"][1]["val"]
