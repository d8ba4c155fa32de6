"""A server on 127.0.0.1 that answers as Elasticsearch or Kibana would, and remembers what it was asked."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """One request; `user` is "" for one without the right password."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    user: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class RefusedError(Exception):
    """An answer that is an error: its status, Elasticsearch's word for it and what it says."""

    def __init__(self, status: int, word: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.word = status, word

    @property
    def body(self) -> dict[str, Any]:
        """As Elasticsearch says it."""
        return {"error": {"type": self.word, "reason": str(self)}, "status": self.status}


@dataclass
class Server:
    """`passwords` by user; `faults` are answered first, one a request; `watch` is called while one waits."""

    passwords: dict[str, str]
    faults: deque[RefusedError] = field(default_factory=deque)
    #: Closes the connection instead of the next so many answers.
    silent: int = 0
    requests: list[Request] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    watch: Callable[[], None] = lambda: None
    url: str = ""

    def answer(self, request: Request) -> tuple[int, Any]:
        """Status and JSON."""
        raise NotImplementedError

    @property
    def asked(self) -> list[str]:
        """Method and path of each request so far."""
        return [str(request) for request in self.requests]

    def reply(self, request: Request) -> tuple[int, Any]:
        self.requests.append(request)
        self.watch()
        try:
            if self.faults:
                raise self.faults.popleft()
            status, body = self.answer(request)
        except RefusedError as refusal:
            status, body = refusal.status, refusal.body
        self.answers.append(status)
        return status, body

    def user(self, authorization: str) -> str:
        scheme, _, encoded = authorization.partition(" ")
        if scheme != "Basic":
            return ""
        name, _, password = base64.b64decode(encoded).decode().partition(":")
        return name if self.passwords.get(name) == password else ""


@contextlib.contextmanager
def serve(server: Server, pki: Path | None = None) -> Iterator[None]:
    """Answer on a free port until the end; by TLS with the server's certificate of `pki`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(
                self.command,
                url.path,
                dict(parse_qsl(url.query, keep_blank_values=True)),
                {key.lower(): value for key, value in self.headers.items()},
                body,
                server.user(self.headers.get("Authorization") or ""),
            )
            status, found = server.reply(request)
            if server.silent:
                server.silent -= 1
                self.close_connection = True
                return
            text = json.dumps(found, separators=(",", ":")).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that does not like our certificate

    with Quiet(("127.0.0.1", 0), Handler) as http:
        if pki:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pki / "server.crt", pki / "server.key")
            http.socket = context.wrap_socket(http.socket, server_side=True)
        server.url = f"{'https' if pki else 'http'}://localhost:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            http.shutdown()
            thread.join()
