"""The corpus: files of cases, each with what one container writes and the documents that are to become of it.

A case's `write` are the application's lines, which are wrapped as the `runtime` does it (cri, docker), and
`raw` the very lines of a log file. `documents` hold no more than what comes from the lines; what
Kubernetes knows is added here. `times` are given where they are not the runtime's own. A text of the form
{"repeat": "x", "times": 9}, or {"join": [...]}, is what it says, so that files stay readable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from depin_helm import yamlio

FOLDER = Path(__file__).parent / "corpus"
#: When the first line was written, and how much later each other one.
BEGIN, STEP = datetime(2026, 11, 28, 7, 12, 14, 123456, UTC), timedelta(milliseconds=1)
#: What a container's log lines look like, cut as the kubelet's runtime cuts them.
PIECE = 16 * 1024
NODE = "worker-1"


@dataclass(frozen=True)
class Case:
    """One container."""

    name: str
    lines: tuple[str, ...]
    documents: tuple[Mapping[str, Any], ...]
    times: tuple[str, ...]
    container: str
    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def pod(self) -> str:
        """Named after the case: so documents are found again."""
        return self.name

    @property
    def file(self) -> str:
        """The name that the kubelet gives the container's log."""
        return f"{self.pod}_{self.namespace}_{self.container}-{'0' * 64}.log"

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The whole documents."""
        return [{**document, **self._place(document)} for document in self.documents]

    def metadata(self) -> dict[str, Any]:
        """The pod as the API server shows it."""
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": self.pod,
                "namespace": self.namespace,
                "uid": f"uid-{self.name}",
                "labels": dict(self.labels),
                "annotations": dict(self.annotations),
            },
            "spec": {
                "nodeName": NODE,
                "containers": [{"name": self.container, "image": f"registry.example/{self.container}:1.0"}],
            },
            "status": {
                "podIP": "10.0.0.1",
                "containerStatuses": [
                    {
                        "name": self.container,
                        "image": f"registry.example/{self.container}:1.0",
                        "imageID": "",
                        "containerID": f"containerd://{'0' * 64}",
                    }
                ],
            },
        }

    def _place(self, document: Mapping[str, Any]) -> dict[str, Any]:
        named = self.labels.get("app.kubernetes.io/name") or self.labels.get("app") or self.container
        kubernetes: dict[str, Any] = {
            "namespace": self.namespace,
            "pod": {"name": self.pod, "uid": f"uid-{self.name}"},
            "container": {"name": self.container},
            "node": {"name": NODE},
        }
        if self.labels:
            kubernetes["labels"] = dict(self.labels)
        return {
            "service": {"name": named, **document.get("service", {})},
            "event": {"dataset": "kubernetes.container", **document.get("event", {})},
            "kubernetes": kubernetes,
            "container": {"image": {"name": f"registry.example/{self.container}:1.0"}},
            "host": {"name": NODE},
            "orchestrator": {"cluster": {"name": "depin-test"}},
        }


def cases() -> list[Case]:
    """All of them."""
    return [
        _case(path.stem, data)
        for path in sorted(FOLDER.glob("*.yaml"))
        for data in yamlio.load(path.read_bytes())["cases"]
    ]


def instant(stamp: str) -> datetime:
    """A time of a log line; nanoseconds are more than Python knows."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", stamp).replace("Z", "+00:00"))


def _case(folder: str, data: Mapping[str, Any]) -> Case:
    written = _texts(data.get("write", []))
    lines = [_expand(line) for line in data["raw"]] if "raw" in data else []
    times = []
    for index, text in enumerate(written):
        time = BEGIN + index * STEP
        wrap = _docker if data.get("runtime") == "docker" else _cri
        lines += wrap(text, _stamp(time), data.get("stream", "stdout"))
        times.append(_stamp(time))
    documents = tuple(_expand(document) for document in data["documents"])
    return Case(
        name=f"{folder}-{data['name']}",
        lines=tuple(lines),
        documents=documents,
        times=tuple(data.get("times", times)),
        container=data.get("container", "main"),
        namespace=data.get("namespace", "apps"),
        labels=data.get("labels", {}),
        annotations=data.get("annotations", {}),
    )


def _texts(written: Any) -> list[str]:
    """One text of several lines, or a list of lines."""
    return (
        written.rstrip("\n").split("\n") if isinstance(written, str) else [_expand(line) for line in written]
    )


def _expand(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"repeat", "times"}:
            return value["repeat"] * value["times"]
        if set(value) == {"join"}:
            return "".join(_expand(part) for part in value["join"])
        return {key: _expand(inner) for key, inner in value.items()}
    return [_expand(item) for item in value] if isinstance(value, list) else value


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f") + "789Z"


def _cri(text: str, time: str, stream: str) -> list[str]:
    data = text.encode()
    pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)] or [b""]
    return [
        f"{time} {stream} {'F' if last else 'P'} {piece.decode(errors='surrogateescape')}"
        for piece, last in ((piece, piece is pieces[-1]) for piece in pieces)
    ]


def _docker(text: str, time: str, stream: str) -> list[str]:
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)] or [""]
    return [
        json.dumps(
            {"log": piece + ("\n" if piece is pieces[-1] else ""), "stream": stream, "time": time},
            ensure_ascii=False,
        )
        for piece in pieces
    ]
