"""Kibana as the setup Job meets it: its status, and the import of saved objects.

After Kibana 8.5's reference ("Get space API", "Import objects API", "Kibana privileges"), its saved objects'
service and x-pack/plugins/spaces/server: that a space exists is checked for its pages, not for its API.
"""

from __future__ import annotations

import email.parser
import email.policy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.charts.setup.serving import RefusedError, Request, Server

#: What Kibana 8.5.1 migrates objects to, as its own exports have it; it refuses what is newer.
NEWEST = {
    "core": "8.5.1",
    "index-pattern": "8.0.0",
    "search": "8.5.1",
    "visualization": "8.5.1",
    "dashboard": "8.5.1",
}
#: Kibana's privilege to write each kind.
PRIVILEGES = {
    "index-pattern": "feature_indexPatterns.all",
    "search": "feature_discover.all",
    "visualization": "feature_visualize.all",
    "dashboard": "feature_dashboard.all",
}


@dataclass
class Kibana(Server):
    """`roles` as in Elasticsearch's roles.yml, for the one user that it knows."""

    roles: Mapping[str, Any] = field(default_factory=dict)
    spaces: frozenset[str] = frozenset({"default"})
    #: By space, kind and id.
    objects: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    def answer(self, request: Request) -> tuple[int, Any]:
        if request.path == "/api/status" and request.method == "GET":
            return 200, {"status": {"overall": {"level": "available"}}}
        if not request.user:
            raise RefusedError(401, "Unauthorized", "unable to authenticate user")
        if request.method == "GET" and request.path.startswith("/api/spaces/space/"):
            return self._space(request.path.rpartition("/")[2])
        _, _, rest = request.path.partition("/s/")
        space, _, path = rest.partition("/")
        if path != "api/saved_objects/_import" or request.method != "POST":
            raise RefusedError(404, "Not Found", "Not Found")
        if "kbn-xsrf" not in request.headers:
            raise RefusedError(400, "Bad Request", "Request must contain a kbn-xsrf header.")
        if unknown := request.query.keys() - {"overwrite", "createNewCopies"}:
            raise RefusedError(
                400, "Bad Request", f"[request query.{sorted(unknown)}]: definition for this key is missing"
            )
        return 200, self._import(
            space, _uploaded(request), overwrite=request.query.get("overwrite") == "true"
        )

    def _space(self, name: str) -> tuple[int, Any]:
        granted = [grant for role in self.roles.values() for grant in role.get("applications") or []]
        if not any(f"space:{name}" in grant["resources"] for grant in granted):
            raise RefusedError(403, "Forbidden", f"Unauthorized to get {name} space")
        if name not in self.spaces:
            raise RefusedError(404, "Not Found", "Not Found")
        return 200, {"id": name}

    def _import(self, space: str, objects: list[dict[str, Any]], *, overwrite: bool) -> dict[str, Any]:
        errors = []
        known = {(each["type"], each["id"]) for each in objects}
        for each in objects:
            self._authorize(space, each["type"])
            _check_versions(each)
            missing = [
                reference
                for reference in each["references"]
                if (reference["type"], reference["id"]) not in known
                and (space, reference["type"], reference["id"]) not in self.objects
            ]
            place = (space, each["type"], each["id"])
            if missing:
                errors.append(
                    {"type": each["type"], "id": each["id"], "error": {"type": "missing_references"}}
                )
            elif place in self.objects and not overwrite:
                errors.append({"type": each["type"], "id": each["id"], "error": {"type": "conflict"}})
            else:
                self.objects[place] = each
        return {
            "success": not errors,
            "successCount": len(objects) - len(errors),
            **({"errors": errors} if errors else {}),
        }

    def _authorize(self, space: str, kind: str) -> None:
        for role in self.roles.values():
            for grant in role.get("applications") or []:
                if PRIVILEGES[kind] in grant["privileges"] and f"space:{space}" in grant["resources"]:
                    return
        raise RefusedError(403, "Forbidden", f"Unable to bulk_create {kind}")


def _uploaded(request: Request) -> list[dict[str, Any]]:
    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    parts = [
        part
        for part in message.iter_parts()
        if part.get_param("name", header="content-disposition") == "file"
    ]
    if len(parts) != 1 or not str(parts[0].get_filename()).endswith(".ndjson"):
        raise RefusedError(400, "Bad Request", "Invalid file extension")
    content = parts[0].get_payload(decode=True)
    assert isinstance(content, bytes)
    return [json.loads(line) for line in content.decode().splitlines()]


def _check_versions(found: Mapping[str, Any]) -> None:
    given = {"core": found["coreMigrationVersion"], **found["migrationVersion"]}
    for kind, version in given.items():
        if _number(version) > _number(NEWEST[kind]):
            raise RefusedError(
                422,
                "Unprocessable Entity",
                f"{found['id']} belongs to a more recent version of Kibana [{version}]",
            )


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
