"""A real Fluent Bit while it runs: it reads a changed configuration, and sends to whom it trusts."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from depin_helm import yamlio
from depin_helm.sandbox import pki
from tests.charts.rendering import Renderer
from tests.logs import agent
from tests.logs.corpus import cases

CASES = {case.name: case for case in cases()}


@pytest.fixture(scope="module")
def files(renderer: Renderer) -> dict[str, str]:
    """The ConfigMap's of `prod`."""
    (config,) = (each for each in renderer.layered("prod").of_kind("ConfigMap") if each.name == "fluent-bit")
    data: dict[str, str] = config.data["data"]
    return data


def changed(main: Path, **sections: Any) -> None:
    """Write the main file anew, with other service settings and outputs."""
    config = yamlio.load(main.read_bytes())
    config["service"] |= sections.get("service", {})
    if "output" in sections:
        config["pipeline"]["outputs"] = [sections["output"]]
    main.write_text(json.dumps(config))


#: What Elasticsearch answers for one record, beside its id and index.
TAKEN = {
    "_version": 1,
    "result": "created",
    "_shards": {"total": 2, "successful": 2, "failed": 0},
    "_seq_no": 123456,
    "_primary_term": 1,
    "status": 201,
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_a_changed_parser_is_read_and_a_broken_one_changes_nothing(
    files: dict[str, str], program: str, tmp_path: Path
) -> None:
    main = agent.configure(files, tmp_path / "agent", local=True)
    port = free_port()
    changed(main, service={"http_server": "on", "http_listen": "127.0.0.1", "http_port": port})
    case = CASES["cert-manager-klog"]
    log = agent.write(main, case)
    lines = log.read_text().splitlines()
    log.write_text(lines[0] + "\n")
    parsers = main.parent / "parsers.yaml"
    good = parsers.read_text()

    def reload(outcome: str) -> None:
        before = said.read_text().count(outcome)

        def done() -> bool:
            """Ask again: a request that comes while the last one is being ended is lost."""
            url = f"http://127.0.0.1:{port}/api/v2/reload"
            request = urllib.request.Request(url, data=b"{}", method="POST")
            urllib.request.urlopen(request, timeout=10).close()
            return agent.until(lambda: said.read_text().count(outcome) > before, 3)

        assert agent.until(done)

    def next_document(line: str) -> dict[str, Any]:
        count = len(agent.read(main).get(case.file, []))
        with log.open("a") as stream:
            stream.write(line + "\n")
        assert agent.until(lambda: len(agent.read(main)[case.file]) > count)
        assert len(agent.read(main)[case.file]) == count + 1
        return agent.read(main)[case.file][-1][1]

    with agent.running(program, main, "--enable-hot-reload") as said:
        assert agent.until(lambda: len(agent.read(main).get(case.file, [])) == 1)
        parsers.write_text(good.replace("[IWEF]", "[XYZ]"))
        reload("successful reload done")
        assert "log" not in next_document(lines[1])
        parsers.write_text(good.replace("format: regex", "format: nonsense"))
        reload("Reloading is halted")
        assert "log" not in next_document(lines[2])
        parsers.write_text(good)
        reload("successful reload done")
        assert next_document(lines[3])["log"]["level"] == "error"
    assert next(document for _, document in agent.read(main)[case.file])["log"]["level"] == "info"


@dataclass
class Elasticsearch:
    """What takes bulk requests on 127.0.0.1: what it got, and what it answers first."""

    folder: Path
    port: int = 0
    failures: list[int] = field(default_factory=list)
    requests: list[tuple[str, str, list[Any]]] = field(default_factory=list)

    @property
    def operations(self) -> list[list[dict[str, Any]]]:
        """Each request's actions and documents, in turn."""
        return [lines for _, _, lines in self.requests]


@pytest.fixture
def elasticsearch(tmp_path: Path) -> Iterator[Elasticsearch]:
    """One with a certificate for localhost."""
    folder = tmp_path / "pki"
    pki.write(folder)
    subject = Elasticsearch(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            lines = [json.loads(line) for line in body.splitlines()]
            subject.requests.append((self.path, self.headers.get("Authorization", ""), lines))
            status = subject.failures.pop(0) if subject.failures else 200
            answer = json.dumps(
                {"errors": False, "items": [{"create": {**TAKEN, **line["create"]}} for line in lines[::2]]}
                if status == 200
                else {"error": {"type": "unavailable"}, "status": status}
            ).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that does not trust the certificate hangs up."""

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    subject.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield subject
    server.shutdown()
    server.server_close()
    thread.join()


def sending(
    files: dict[str, str], subject: Elasticsearch, authority: str, folder: Path, **output: Any
) -> Path:
    """The chart's own output, to this Elasticsearch; quick to try again."""
    main = agent.configure(files, folder, local=True)
    (own,) = yamlio.load(files["fluent-bit.yaml"].encode())["pipeline"]["outputs"]
    own |= output | {
        "host": "localhost",
        "port": subject.port,
        "tls.ca_file": str(subject.folder / authority),
    }
    changed(main, service={"scheduler.base": 1, "scheduler.cap": 1}, output=own)
    return main


USER = {"ELASTICSEARCH_USERNAME": "fluent-bit", "ELASTICSEARCH_PASSWORD": "a b:c"}


def test_documents_arrive_once_with_credentials_and_nanoseconds_and_again_with_the_same_id(
    files: dict[str, str], program: str, elasticsearch: Elasticsearch, tmp_path: Path
) -> None:
    elasticsearch.failures = [503, 429]
    main = sending(files, elasticsearch, "ca.crt", tmp_path / "agent")
    case = CASES["depin-jobs"]
    agent.write(main, case)
    with agent.running(program, main, **USER):
        assert agent.until(lambda: len(elasticsearch.requests) >= 3)
    assert {path.partition("?")[0] for path, _, _ in elasticsearch.requests} == {"/_bulk"}
    expected = base64.b64encode(b"fluent-bit:a b:c").decode()
    assert {sent for _, sent, _ in elasticsearch.requests} == {f"Basic {expected}"}
    first, second, third = elasticsearch.operations[:3]
    assert first == second == third
    actions, documents = first[::2], first[1::2]
    assert [action["create"]["_index"] for action in actions] == ["depin-logs"] * len(case.documents)
    assert len({action["create"]["_id"] for action in actions}) == len(case.documents)
    assert "_type" not in actions[0]["create"]
    assert documents[0]["@timestamp"] == "2026-11-28T07:12:14.000000000Z"
    assert [document["message"] for document in documents] == [each["message"] for each in case.documents]
    assert documents[2]["depin"]["job"] == {"id": "job-2", "state": "failed", "duration": 3}


def test_nothing_is_sent_to_an_elasticsearch_of_another_authority(
    files: dict[str, str], program: str, elasticsearch: Elasticsearch, tmp_path: Path
) -> None:
    main = sending(files, elasticsearch, "certificates-ca.crt", tmp_path / "agent")
    agent.write(main, CASES["depin-jobs"])
    with agent.running(program, main, **USER) as log:
        assert agent.until(lambda: "certificate verify failed" in log.read_text())
    assert elasticsearch.requests == []


def test_what_is_given_up_after_all_retries_is_kept(
    files: dict[str, str], program: str, elasticsearch: Elasticsearch, tmp_path: Path
) -> None:
    elasticsearch.failures = [400] * 100
    main = sending(files, elasticsearch, "ca.crt", tmp_path / "agent", retry_limit=1)
    agent.write(main, CASES["depin-jobs"])
    rejected = main.parent.parent / "state" / "buffer" / "rejected"
    with agent.running(program, main, **USER):
        assert agent.until(
            lambda: any(b"CUDA out of memory" in file.read_bytes() for file in rejected.glob("*"))
        )
    assert len(elasticsearch.requests) == 2


def test_an_answer_for_many_records_is_read_whole(
    files: dict[str, str], program: str, elasticsearch: Elasticsearch, tmp_path: Path
) -> None:
    main = sending(files, elasticsearch, "ca.crt", tmp_path / "agent")
    case = CASES["text-levels"]
    lines = [f"2026-11-28T07:12:14.{number:09d}Z stdout F line {number}" for number in range(8000)]
    agent.write(main, dataclasses.replace(case, lines=tuple(lines)))
    with agent.running(program, main, **USER) as log:
        assert agent.until(lambda: sum(len(each) for each in elasticsearch.operations) >= 16_000)
        time.sleep(3)
    assert max(len(each) for each in elasticsearch.operations) > 5000
    assert sum(len(each) for each in elasticsearch.operations) == 16_000
    assert "cannot increase buffer" not in log.read_text()


@pytest.mark.parametrize("guarded", [True, False])
def test_records_that_the_script_breaks_on_go_nowhere(
    files: dict[str, str], program: str, tmp_path: Path, *, guarded: bool
) -> None:
    script = files["documents.lua"]
    broken = script.replace("return 1, time, built", 'return 1, "never", built')
    assert broken != script
    main = agent.configure(files | {"documents.lua": broken}, tmp_path / "agent", local=True)
    config = yamlio.load(main.read_bytes())
    if not guarded:
        config["pipeline"]["filters"] = [
            each for each in config["pipeline"]["filters"] if each["name"] != "grep"
        ]
    main.write_text(json.dumps(config))
    case = CASES["secrets-text"]
    agent.write(main, case)
    with agent.running(program, main) as log:
        assert agent.until(lambda: "invalid" in log.read_text() or "lua" in log.read_text())
        time.sleep(2)
    out = main.parent.parent / "out" / "all"
    assert (out.read_text() if out.exists() else "") == "" if guarded else "log" in out.read_text()
