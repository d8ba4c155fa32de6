"""The pipeline where there is no Fluent Bit: our Lua in LuaJIT, our regular expressions in Python's `re`.

What Fluent Bit itself does is done over in few lines: putting lines together, JSON, the pod's metadata. Which
lines are one stack trace of Go or Java is not: the case says it by the times of its documents. A real
Fluent Bit has the last word (tests/charts/test_fluent_bit.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lupa.luajit21 import LuaRuntime, lua_type

from depin_helm import yamlio
from depin_helm.values import coalesce
from tests.logs.corpus import Case, instant

ROOT = Path(__file__).parent.parent.parent
CHART = ROOT / "charts/depin-platform"
FILES = CHART / "charts/depin-fluent-bit/files"
#: `buffer.line`, and the names of parsers that the pipeline tries.
LONGEST = 1024**2
_FORMATS = ("klog", "logfmt-line", "nginx-access", "nginx-error", "fluent-bit-own")


def chart_values() -> dict[str, Any]:
    """The chart's defaults with those of the corpus on top."""
    defaults = yamlio.load((CHART / "values.yaml").read_bytes())
    merged: dict[str, Any] = coalesce(
        yamlio.load((Path(__file__).parent / "values.yaml").read_bytes()), defaults
    )
    return merged


class Pipeline:
    """The files of a folder such as the chart's, with settings of `values`."""

    def __init__(self, files: Path = FILES, values: Mapping[str, Any] | None = None) -> None:
        merged = values or chart_values()
        section = merged["depin-fluent-bit"]
        parsers = yamlio.load((files / "parsers.yaml").read_bytes())
        self._parsers = {parser["name"]: parser for parser in (*parsers["parsers"], *section["parsers"])}
        (self._traces,) = parsers["multiline_parsers"]
        self._excluded = section["excludedNamespaces"]
        self.lua = LuaRuntime()
        self.lua.globals().package.loaded["settings"] = self.table(_settings(merged))
        self.lua.globals().dofile(str(files / "documents.lua"))

    def table(self, value: Any) -> Any:
        """Python's maps and lists as Lua's."""
        return self.lua.table_from(value, recursive=True)

    def module(self, name: str) -> Any:
        """One of the scripts' modules."""
        return self.lua.globals().require(name)

    def run(self, case: Case) -> list[tuple[datetime, dict[str, Any]]]:
        """What comes out of a container's log."""
        if case.namespace in self._excluded or case.annotations.get("fluentbit.io/exclude") == "true":
            return []
        found = []
        for time, record in _records(case, self._traces):
            stamp, record = self._parse(case, time, record)
            found.append(self.document(stamp, record))
        return found

    def document(self, time: datetime, record: Mapping[str, Any]) -> tuple[datetime, dict[str, Any]]:
        """What the script makes of one record."""
        seconds = int(time.timestamp())
        timestamp = self.table({"sec": seconds, "nsec": time.microsecond * 1000})
        _, stamp, document = self.lua.globals().document("kube.x", timestamp, self.table(record))
        return (
            datetime.fromtimestamp(stamp.sec, UTC).replace(microsecond=int(stamp.nsec) // 1000),
            python(document),
        )

    def _parse(self, case: Case, time: datetime, record: dict[str, Any]) -> tuple[datetime, dict[str, Any]]:
        text = record["log"].rstrip("\r\n")
        wanted = case.annotations.get("fluentbit.io/parser")
        if wanted:
            parts = self.parts(wanted, text)
            if parts is not None:
                parser = self._parsers[wanted]
                if "time_key" in parser:
                    stamp = datetime.strptime(parts.pop(parser["time_key"]), parser["time_format"])
                    time = stamp.replace(tzinfo=UTC)
                record["parsed"] = parts
        elif (parsed := _object(text)) is not None:
            record["parsed"] = parsed
        for name in _FORMATS:
            parts = self.parts(name, text)
            if parts is not None:
                return time, record | parts
        return time, record

    def parts(self, name: str, text: str) -> dict[str, str] | None:
        """What a parser takes out of a line, without empty parts, as Fluent Bit does; None if it does not."""
        pattern = re.sub(r"\(\?<(\w+)>", r"(?P<\1>", self._parsers[name]["regex"])
        match = re.search(pattern, text)
        return None if match is None else {key: value for key, value in match.groupdict().items() if value}


def python(value: Any) -> Any:
    """Lua's tables as Python's maps and lists, whole numbers of 64 bits as int."""
    if lua_type(value) == "table":
        keys = list(value)
        if keys and keys == list(range(1, len(keys) + 1)):
            return [python(value[key]) for key in keys]
        return {key: python(value[key]) for key in keys}
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**63
    return int(value) if whole else value


def _settings(merged: Mapping[str, Any]) -> dict[str, Any]:
    """As settings.lua.tpl."""
    section = merged["depin-fluent-bit"]
    patterns = section["masking"]["patterns"]
    return {
        "cluster": merged["global"]["platform"]["clusterName"],
        "message_bytes": section["limits"]["message"],
        "label_count": section["limits"]["labels"],
        "label_bytes": section["limits"]["label"],
        "masking": {
            "keys": dict(section["masking"]["keys"]),
            "patterns": [
                {"name": name, "contains": "", "replacement": "[masked]", **patterns[name]}
                for name in sorted(patterns)
                if patterns[name]
            ],
        },
    }


def _records(case: Case, traces: Mapping[str, Any]) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """Whole lines, and stack traces, with what Kubernetes knows."""
    lines = list(_lines(case.lines))
    if any("traces" in case.name and line["log"] for line in lines):
        lines = _joined(case, lines, traces)
    pod = case.metadata()
    for line in lines:
        record = line | {
            "kubernetes": {
                "namespace_name": case.namespace,
                "pod_name": case.pod,
                "pod_id": pod["metadata"]["uid"],
                "host": pod["spec"]["nodeName"],
                "container_name": case.container,
                "container_image": pod["spec"]["containers"][0]["image"],
                "labels": dict(case.labels),
            }
        }
        yield instant(line["time"]) if "time" in line else datetime.now(UTC), record


def _lines(raw: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The lines of a log file, put together as far as the buffer reaches."""
    text: list[str] = []
    first: dict[str, Any] | None = None
    for line in raw:
        if len(line) > LONGEST:
            yield {"log": line[:LONGEST]}
            continue
        if line.startswith('{"log"'):
            entry = json.loads(line)
            piece, last = entry["log"].removesuffix("\n"), entry["log"].endswith("\n")
        else:
            time, stream, mark, piece = line.split(" ", 3)
            entry, last = {"time": time, "stream": stream}, mark == "F"
        first = first or entry
        text.append(piece)
        if last:
            whole = "".join(text).encode(errors="surrogateescape")[:LONGEST]
            yield first | {"log": whole.decode(errors="ignore")}
            text, first = [], None


def _joined(case: Case, lines: list[dict[str, Any]], parser: Mapping[str, Any]) -> list[dict[str, Any]]:
    """By our own parser's rules where it begins anywhere; by the case's times for those of Fluent Bit."""
    starts = [instant(time) for time in case.times]
    ours = any(_next_state(parser, "start_state", line["log"]) for line in lines)
    state: str | None = None
    joined: list[dict[str, Any]] = []
    for line in lines:
        if ours:
            state = state and _next_state(parser, state, line["log"])
            whole = state is None
            state = state or _next_state(parser, "start_state", line["log"])
        else:
            whole = any(abs((instant(line["time"]) - start).total_seconds()) < 2e-6 for start in starts)
        if whole:
            joined.append(dict(line))
        else:
            joined[-1]["log"] += "\n" + line["log"]
    return joined


def _next_state(parser: Mapping[str, Any], state: str, text: str) -> str | None:
    for rule in parser["rules"]:
        if rule["state"] == state and re.search(rule["regex"].strip("/"), text):
            return str(rule["next_state"])
    return None


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return _given(value) if isinstance(value, dict) else None


def _given(value: Any) -> Any:
    """As `merge_log` has it: texts without the end of a line; null is nothing in Lua."""
    if isinstance(value, str):
        return value.removesuffix("\n")
    if isinstance(value, dict):
        return {key: _given(inner) for key, inner in value.items() if inner is not None}
    return [_given(item) for item in value] if isinstance(value, list) else value
