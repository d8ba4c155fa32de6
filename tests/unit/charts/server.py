"""A Helm repository on a loopback address, with answers that real ones give on bad days."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers each path with the next of its `answers`, the last one for ever; `seen` counts requests."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.answers: defaultdict[str, list[Answer]] = defaultdict(lambda: [status(404)])
        self.seen: Counter[str] = Counter()
        self.headers: dict[str, dict[str, str]] = {}
        self.over = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path  # a proxy is asked for a whole address
                owner.seen[path] += 1
                owner.headers[path] = dict(self.headers)
                answers = owner.answers[path]
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                try:
                    answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Keep quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.http.socket = context.wrap_socket(
                self.http.socket, server_side=True, do_handshake_on_connect=False
            )
            self.scheme = "https"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Server:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return f"{self.scheme}://127.0.0.1:{self.http.server_port}"


def certificate(folder: Path) -> Path:
    """A file with a key and a self-signed certificate for 127.0.0.1, made once in each folder."""
    file = folder / "certificate.pem"
    if not file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        now = datetime.now(UTC)
        signed = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(address, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        plain = serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return file


def body(data: bytes, before: Callable[[], object] = lambda: None, **headers: str) -> Answer:
    """Answer with `data`, after `before` has returned."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        before()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def status(code: int) -> Answer:
    """Answer with an error."""
    return lambda handler: handler.send_error(code)


def redirect(location: str) -> Answer:
    """Answer with another address."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def cut(data: bytes, length: int | None = None) -> Answer:
    """Promise `length` bytes (twice as many as there are), send `data` and hang up."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(length or 2 * len(data)))
        handler.end_headers()
        handler.wfile.write(data)
        handler.close_connection = True

    return answer


def trickle(server: Server, pause: float) -> Answer:
    """Send a byte every `pause` seconds, for ever."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not server.over.wait(pause):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    return answer


def offered_protocols(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What TLS contexts are told to offer from now on, each time that they are."""
    offered: list[list[str]] = []
    change = ssl.SSLContext.set_alpn_protocols

    def record(context: ssl.SSLContext, protocols: list[str]) -> None:
        offered.append(protocols)
        change(context, protocols)

    monkeypatch.setattr(ssl.SSLContext, "set_alpn_protocols", record)
    return offered
