"""Elasticsearch's API as the official client of the chart's version has it: paths, parameters and bodies.

The client is generated from Elasticsearch's specification. Each of its methods is called with marks for
values; a mark then turns up in the path, the query or the body.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

#: The parts of the API that setup requests are of.
NAMESPACES = ("cluster", "ilm", "indices", "ingest", "slm", "snapshot")
#: Of every request.
COMMON = frozenset({"error_trace", "filter_path", "human", "pretty"})


@dataclass(frozen=True)
class Endpoint:
    """One way to call an API; `body` has the fields that its body may have, None for a body of any kind."""

    api: str
    method: str
    path: str
    query: frozenset[str]
    body: frozenset[str] | None

    def matches(self, path: str) -> bool:
        """Whether this is its path; `{}` stands for a name, or several with commas between."""
        pattern = re.sub(r"\\{\\}", "[^/_][^/]*", re.escape(self.path))
        return re.fullmatch(pattern, path) is not None


class _Recorder(Elasticsearch):
    """Sends nothing."""

    sent: tuple[str, str, Mapping[str, Any], Any]

    def perform_request(self, method: str, path: str, **sent: Any) -> Any:
        self.sent = method, path, sent.get("params") or {}, sent.get("body")
        return {}


def endpoints() -> tuple[Endpoint, ...]:
    """All of them."""
    client = _Recorder("http://127.0.0.1:9")
    found = []
    for namespace in NAMESPACES:
        part = getattr(client, namespace)
        for name, method in inspect.getmembers(part, inspect.ismethod):
            if not name.startswith("_") and name != "perform_request":
                found += list(_endpoints(client, f"{namespace}.{name}", method))
    return tuple(found)


def _mark(parameter: str) -> str:
    return f"mark{parameter.replace('_', '')}"


def _endpoints(client: _Recorder, api: str, method: Any) -> Iterator[Endpoint]:
    parameters = inspect.signature(method).parameters.values()
    required = [each.name for each in parameters if each.default is each.empty and each.name != "self"]
    optional = [each.name for each in parameters if each.default is not each.empty]

    def call(*names: str) -> tuple[str, str, Mapping[str, Any], Any]:
        method(**{name: _mark(name) for name in dict.fromkeys((*required, *names))})
        return client.sent

    bare = call()[1]
    in_path: list[str] = []
    query: set[str] = set()
    fields: set[str] = set()
    whole = isinstance(call()[3], str)
    for name in optional:
        _, path, params, body = call(name)
        if path != bare:
            in_path.append(name)
        query |= params.keys()
        if isinstance(body, Mapping):
            fields |= body.keys()
        elif body is not None:
            whole = True
    _, _, params, body = call()
    query |= params.keys()
    fields |= body.keys() if isinstance(body, Mapping) else set()
    for count in range(len(in_path) + 1):
        for chosen in itertools.combinations(in_path, count):
            verb, path, _, _ = call(*chosen)
            for name in (*required, *chosen):
                path = path.replace(_mark(name), "{}")
            yield Endpoint(api, verb, path, frozenset(query | COMMON), None if whole else frozenset(fields))
