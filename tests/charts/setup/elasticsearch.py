"""Elasticsearch as the setup Job meets it: refused is what it does not know, or a role does not allow."""

from __future__ import annotations

import fnmatch
import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema

from depin_helm import yamlio
from tests.charts.setup.serving import RefusedError, Request, Server
from tests.charts.setup.specification import Endpoint, endpoints

#: What an API needs (Elasticsearch 8.5 reference, "Security privileges", and each API's prerequisites).
CLUSTER_PRIVILEGES = {
    "cluster.health": "monitor",
    "ilm.put_lifecycle": "manage_ilm",
    "ingest.put_pipeline": "manage_pipeline",
    "cluster.put_component_template": "manage_index_templates",
    "indices.put_index_template": "manage_index_templates",
    "snapshot.create_repository": "cluster:admin/repository/put",
    "slm.put_lifecycle": "manage_slm",
    "slm.delete_lifecycle": "manage_slm",
}
#: The same, of the indices that the path names.
INDEX_PRIVILEGES = {"indices.create_data_stream": "manage", "indices.put_settings": "manage"}
#: Elasticsearch 8.5's own templates, with their priority.
BUILT_IN = {
    "logs-*-*": 100,
    "metrics-*-*": 100,
    "synthetics-*-*": 100,
    ".monitoring-es-8-*": 0,
    "ilm-history-5*": 2147483647,
    ".slm-history-5*": 2147483647,
}
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@functools.cache
def _specification() -> tuple[Endpoint, ...]:
    return endpoints()


@functools.cache
def _bodies() -> dict[str, jsonschema.Draft7Validator]:
    data = yamlio.load((Path(__file__).parent / "bodies.yaml").read_bytes())
    return {
        api: jsonschema.Draft7Validator({**body, "definitions": data["definitions"]})
        for api, body in data["apis"].items()
    }


@dataclass
class Elasticsearch(Server):
    """`roles` as in roles.yml, for the one user that it knows; `health` is the cluster's."""

    roles: Mapping[str, Any] = field(default_factory=dict)
    health: str = "green"
    #: By kind and name.
    state: dict[tuple[str, str], Any] = field(default_factory=dict)

    def answer(self, request: Request) -> tuple[int, Any]:
        if not request.user:
            raise RefusedError(401, "security_exception", "unable to authenticate user for REST request")
        endpoint = self._endpoint(request)
        if unknown := request.query.keys() - endpoint.query:
            raise RefusedError(
                400, "illegal_argument_exception", f"contains unrecognized parameter: {sorted(unknown)}"
            )
        name = request.path.rpartition("/")[2]
        self._authorize(endpoint, request)
        body = self._body(endpoint, request)
        handler = getattr(self, f"_{endpoint.api.replace('.', '_')}")
        status, answer = handler(name, request, body)
        return int(status), answer

    def _endpoint(self, request: Request) -> Endpoint:
        found = [each for each in _specification() if each.matches(request.path)]
        if not found:
            raise RefusedError(
                400, "illegal_argument_exception", f"no handler found for uri [{request.path}]"
            )
        right = [each for each in found if each.method == request.method]
        if not right:
            raise RefusedError(405, "method_not_allowed", f"Incorrect HTTP method for uri [{request.path}]")
        return right[0]

    def _authorize(self, endpoint: Endpoint, request: Request) -> None:
        roles = self.roles.values()
        wanted = CLUSTER_PRIVILEGES.get(endpoint.api)
        if wanted and any(wanted in (role.get("cluster") or []) for role in roles):
            return
        wanted = INDEX_PRIVILEGES.get(endpoint.api)
        grants = [grant for role in roles for grant in role.get("indices") or []]
        (names,) = re.findall(r"^/(?:_data_stream/)?([^/]+)", request.path) or [""]
        if wanted and all(
            any(
                wanted in grant["privileges"] and any(fnmatch.fnmatch(each, name) for name in grant["names"])
                for grant in grants
            )
            for each in names.split(",")
        ):
            return
        raise RefusedError(403, "security_exception", f"action [{endpoint.api}] is unauthorized")

    def _body(self, endpoint: Endpoint, request: Request) -> Any:
        if not request.body:
            if request.method == "PUT" and endpoint.api in _bodies():
                raise RefusedError(400, "parse_exception", "request body is required")
            return None
        if request.headers.get("content-type") != "application/json":
            raise RefusedError(406, "media_type_header_exception", "Content-Type header is not supported")
        try:
            body = json.loads(request.body, object_pairs_hook=_no_duplicates)
        except ValueError as error:
            raise RefusedError(400, "x_content_parse_exception", str(error)) from error
        unknown = body.keys() - endpoint.body if endpoint.body is not None else set()
        if unknown:
            raise RefusedError(400, "x_content_parse_exception", f"unknown field {sorted(unknown)}")
        if endpoint.api not in _bodies():
            raise RefusedError(400, "x_content_parse_exception", "takes no body")
        for problem in _bodies()[endpoint.api].iter_errors(body):
            raise RefusedError(400, "x_content_parse_exception", f"{problem.json_path}: {problem.message}")
        return body

    def _cluster_health(self, _: str, request: Request, __: Any) -> tuple[int, Any]:
        order = ("red", "yellow", "green")
        wanted = request.query.get("wait_for_status", "red")
        timed_out = order.index(self.health) < order.index(wanted)
        return 408 if timed_out else 200, {"status": self.health, "timed_out": timed_out}

    def _ilm_put_lifecycle(self, name: str, _: Request, body: Any) -> tuple[int, Any]:
        phases = body["policy"]["phases"]
        ages = [
            _seconds(phases[each].get("min_age", "0ms"))
            for each in ("hot", "warm", "delete")
            if each in phases
        ]
        if ages != sorted(ages):
            raise RefusedError(
                400, "illegal_argument_exception", "min_age of a phase is less than the one before"
            )
        return self._put("policy", name, body)

    def _ingest_put_pipeline(self, name: str, _: Request, body: Any) -> tuple[int, Any]:
        return self._put("pipeline", name, body)

    def _cluster_put_component_template(self, name: str, _: Request, body: Any) -> tuple[int, Any]:
        return self._put("component", name, body)

    def _indices_put_index_template(self, name: str, _: Request, body: Any) -> tuple[int, Any]:
        for component in body.get("composed_of", []):
            if ("component", component) not in self.state:
                raise RefusedError(
                    400, "invalid_index_template_exception", f"component template {component} is missing"
                )
        for pattern, priority in BUILT_IN.items():
            if body.get("priority", 0) == priority and any(
                _overlap(pattern, each) for each in body["index_patterns"]
            ):
                raise RefusedError(
                    400, "illegal_argument_exception", f"{name} would match what {pattern} matches"
                )
        answer = self._put("template", name, body)
        if "data_stream" in body and self._ignores_times(body["index_patterns"][0]):
            del self.state["template", name]
            raise RefusedError(
                400,
                "illegal_argument_exception",
                "data stream timestamp field [@timestamp] has disallowed [ignore_malformed] attribute",
            )
        return answer

    def _ignores_times(self, name: str) -> bool:
        """An index's own setting counts for fields that do not say (DataStreamTimestampFieldMapper)."""
        everywhere = self.settings(name).get("mapping", {}).get("ignore_malformed", False)
        time = self.mappings(name).get("properties", {}).get("@timestamp", {})
        return bool(time.get("ignore_malformed", everywhere))

    def _indices_create_data_stream(self, name: str, _: Request, __: Any) -> tuple[int, Any]:
        template = self.template(name)
        if template is None or "data_stream" not in template:
            raise RefusedError(
                400, "illegal_argument_exception", f"no matching index template for data stream [{name}]"
            )
        if ("stream", name) in self.state:
            raise RefusedError(
                400, "resource_already_exists_exception", f"data_stream [{name}] already exists"
            )
        settings = self.settings(name)
        # Elasticsearch would take these later too; until then it would write without them.
        for kind, key in (
            ("policy", settings["lifecycle"]["name"]),
            ("pipeline", settings.get("default_pipeline")),
        ):
            if key and (kind, key) not in self.state:
                raise RefusedError(400, "illegal_argument_exception", f"{kind} [{key}] does not exist")
        return self._put("stream", name, {"number_of_replicas": settings["number_of_replicas"]})

    def _indices_put_settings(self, _: str, request: Request, body: Any) -> tuple[int, Any]:
        for name in request.path.split("/")[1].split(","):
            if ("stream", name) not in self.state:
                raise RefusedError(404, "index_not_found_exception", f"no such index [{name}]")
            self.state["stream", name] = {**self.state["stream", name], **body["index"]}
        return 200, {"acknowledged": True}

    def _snapshot_create_repository(self, name: str, _: Request, body: Any) -> tuple[int, Any]:
        return self._put("repository", name, body)

    def _slm_put_lifecycle(self, name: str, _: Request, body: Any) -> tuple[int, Any]:
        if ("repository", body["repository"]) not in self.state:
            raise RefusedError(
                400, "illegal_argument_exception", f"no such repository [{body['repository']}]"
            )
        return self._put("snapshots", name, body)

    def _slm_delete_lifecycle(self, name: str, _: Request, __: Any) -> tuple[int, Any]:
        if self.state.pop(("snapshots", name), None) is None:
            raise RefusedError(
                404, "resource_not_found_exception", f"snapshot lifecycle policy not found: {name}"
            )
        return 200, {"acknowledged": True}

    def _put(self, kind: str, name: str, body: Any) -> tuple[int, Any]:
        self.state[kind, name] = body
        return 200, {"acknowledged": True}

    def template(self, name: str) -> Any:
        """The index template that counts for a new index."""
        found = [
            body
            for (kind, _), body in self.state.items()
            if kind == "template"
            and any(fnmatch.fnmatch(name, pattern) for pattern in body["index_patterns"])
        ]
        return max(found, key=lambda body: body.get("priority", 0), default=None)

    def settings(self, name: str) -> dict[str, Any]:
        """The settings that a new index gets."""
        return {
            key: value
            for part in self._parts(name)
            for key, value in part.get("settings", {}).get("index", {}).items()
        }

    def mappings(self, name: str) -> dict[str, Any]:
        """The mappings that it gets."""
        return {key: value for part in self._parts(name) for key, value in part.get("mappings", {}).items()}

    def _parts(self, name: str) -> list[dict[str, Any]]:
        template = self.template(name)
        components = [self.state["component", each]["template"] for each in template.get("composed_of", [])]
        return [*components, template.get("template", {})]


def _seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(\D*)", text).groups()  # type: ignore[union-attr]
    return float(number) * _SECONDS.get(unit, 0.0)


def _overlap(one: str, other: str) -> bool:
    return fnmatch.fnmatch(other, one) or fnmatch.fnmatch(one, other)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("duplicate field")
    return dict(pairs)
