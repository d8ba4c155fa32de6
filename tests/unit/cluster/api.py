"""An API server that keeps objects in memory: real HTTP on a loopback address, no Kubernetes behind it."""

from __future__ import annotations

import contextlib
import email.utils
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from depin_helm import yamlio
from depin_helm.cluster import Cluster

#: Kind → its API version, plural and whether it has a namespace.
KINDS: Mapping[str, tuple[str, str, bool]] = {
    "Namespace": ("v1", "namespaces", False),
    "Secret": ("v1", "secrets", True),
    "Pod": ("v1", "pods", True),
    "PersistentVolumeClaim": ("v1", "persistentvolumeclaims", True),
    "Event": ("v1", "events", True),
    "Deployment": ("apps/v1", "deployments", True),
    "StatefulSet": ("apps/v1", "statefulsets", True),
    "DaemonSet": ("apps/v1", "daemonsets", True),
    "ReplicaSet": ("apps/v1", "replicasets", True),
    "Job": ("batch/v1", "jobs", True),
    "CronJob": ("batch/v1", "cronjobs", True),
    "Ingress": ("networking.k8s.io/v1", "ingresses", True),
    "Lease": ("coordination.k8s.io/v1", "leases", True),
    "Certificate": ("cert-manager.io/v1", "certificates", True),
    "Issuer": ("cert-manager.io/v1", "issuers", True),
    "ClusterIssuer": ("cert-manager.io/v1", "clusterissuers", False),
    "Prometheus": ("monitoring.coreos.com/v1", "prometheuses", True),
    "Alertmanager": ("monitoring.coreos.com/v1", "alertmanagers", True),
}


class Connect(Protocol):
    """Cluster.connect, for a test."""

    def __call__(
        self,
        file: Path | None = None,
        context: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Cluster: ...


@dataclass
class Request:
    """One request, as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass
class Api:
    """What the server holds, and what it was asked.

    `objects` stand under their paths. `replies` are given first: a status with a body and headers of its own.
    `ahead` is how much its clock is ahead of ours.
    """

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    replies: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    ahead: timedelta = timedelta()
    version: int = 0
    address: str = ""

    def put(self, kind: str, name: str, namespace: str = "", **content: Any) -> dict[str, Any]:
        """Have an object; what `metadata` holds beyond its name comes from `content`."""
        api_version, _, namespaced = KINDS[kind]
        metadata = {"name": name, "uid": f"{kind}-{namespace}-{name}", **content.pop("metadata", {})}
        if namespaced:
            metadata["namespace"] = namespace
        return self.store(
            path_of(kind, namespace, name),
            {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content},
        )

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        """The object as it is."""
        return self.objects[path_of(kind, namespace, name)]

    def store(self, path: str, obj: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self.objects[path] = obj
        return obj

    def answer(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        """What the request gets, and what it changes."""
        if self.replies:
            return self.replies.pop(0)
        return self._read(request) if request.method == "GET" else self._write(request)

    def _read(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        if request.path == "/version":
            return 200, {"gitVersion": "v1.35.4"}, {}
        if request.path in ("/api", "/apis"):
            return 200, discovery(core=request.path == "/api"), {}
        if request.path.rpartition("/")[2] in {plural for _, plural, _ in KINDS.values()}:
            return 200, {"items": list(self._items(request))}, {}
        if request.path in self.objects:
            return 200, self.objects[request.path], {}
        return refusal(404, "NotFound", f"{request.path} not found")

    def _write(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        if request.method == "POST":
            path = f"{request.path}/{request.body['metadata']['name']}"
            if path in self.objects:
                return refusal(409, "AlreadyExists", f"{path} already exists")
            return 201, self.store(path, request.body), {}
        if request.path not in self.objects:
            return refusal(404, "NotFound", f"{request.path} not found")
        if request.method == "DELETE":
            del self.objects[request.path]
            return 200, {"status": "Success"}, {}
        sent = request.body["metadata"].get("resourceVersion")
        if sent != self.objects[request.path]["metadata"]["resourceVersion"]:
            return refusal(409, "Conflict", "the object has been modified")
        return 200, self.store(request.path, request.body), {}

    def _items(self, request: Request) -> Iterator[dict[str, Any]]:
        prefix, _, plural = request.path.rpartition("/")
        parts = [part for part in request.query.get("labelSelector", "").split(",") if part]
        wanted = dict(part.split("=") for part in parts if "!=" not in part)
        unwanted = dict(part.split("!=") for part in parts if "!=" in part)
        for path, obj in self.objects.items():
            place = path.split("/")
            labels = obj["metadata"].get("labels") or {}
            if (
                place[-2] == plural
                and (path.startswith(f"{prefix}/{plural}/") or "/namespaces/" not in prefix)
                and wanted.items() <= labels.items()
                and unwanted.items().isdisjoint(labels.items())
            ):
                yield {key: value for key, value in obj.items() if key not in ("apiVersion", "kind")}


def path_of(kind: str, namespace: str, name: str) -> str:
    api_version, plural, namespaced = KINDS[kind]
    prefix = f"/{'apis' if '/' in api_version else 'api'}/{api_version}"
    return f"{prefix}/namespaces/{namespace}/{plural}/{name}" if namespaced else f"{prefix}/{plural}/{name}"


def refusal(status: int, reason: str, message: str, **details: Any) -> tuple[int, Any, dict[str, str]]:
    """What Kubernetes answers when it refuses."""
    return status, {"kind": "Status", "reason": reason, "message": message, "details": details}, {}


def discovery(*, core: bool) -> dict[str, Any]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for kind, (api_version, plural, namespaced) in KINDS.items():
        if ("/" not in api_version) is core:
            groups.setdefault(api_version, []).append(
                {
                    "resource": plural,
                    "responseKind": {"kind": kind},
                    "scope": "Namespaced" if namespaced else "Cluster",
                    "verbs": ["get", "list"],
                }
            )
    items = [
        {
            "metadata": {"name": "" if core else api_version.split("/")[0]},
            "versions": [{"version": api_version.rpartition("/")[2], "resources": resources}],
        }
        for api_version, resources in groups.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "items": items}


@contextlib.contextmanager
def serve() -> Iterator[Api]:
    """An API server with a kube-system namespace, until the block ends."""
    api = Api()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer in one piece: in two, the second waits for the first's acknowledgement

        def handle_one_request(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().handle_one_request()

        def reply(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            request = Request(self.command, url.path, query, dict(self.headers.items()), body)
            with lock:
                api.requests.append(request)
                status, answer, headers = api.answer(request)
            content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = reply  # noqa: N815 - the library's names

        def date_time_string(self, timestamp: float | None = None) -> str:
            return email.utils.format_datetime(datetime.now(UTC) + api.ahead, usegmt=True)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        api.address = f"http://127.0.0.1:{server.server_port}"
        api.put("Namespace", "kube-system", metadata={"uid": "1234"})
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()


def kubeconfig(
    file: Path, server: str, name: str = "here", *, authority: Path | str | None = None, **user: Any
) -> Path:
    """A kubeconfig of one context; `authority` is a file with the certificate that vouches for the server."""
    cluster = {"server": server, **({"certificate-authority": str(authority)} if authority else {})}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        yamlio.dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": name,
                "clusters": [{"name": name, "cluster": cluster}],
                "users": [{"name": name, "user": user}],
                "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            }
        )
    )
    return file
