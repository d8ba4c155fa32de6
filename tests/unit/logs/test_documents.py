"""What becomes of log lines, without Fluent Bit: every case of the corpus, and mutants of the files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.logs.corpus import Case, cases, instant
from tests.logs.emulation import FILES, Pipeline

CORPUS = cases()


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


def wrong(pipeline: Pipeline, corpus: Iterable[Case] = CORPUS) -> list[str]:
    """The cases that become something else than they should."""
    return [case.name for case in corpus if not as_expected(pipeline.run(case), case)]


def as_expected(found: list[tuple[datetime, dict[str, Any]]], case: Case) -> bool:
    return [document for _, document in found] == case.expected and all(
        near(time, stamp) for (time, _), stamp in zip(found, case.times, strict=False)
    )


def near(time: datetime, stamp: str) -> bool:
    return abs(time - instant(stamp)) < timedelta(microseconds=3)


@pytest.mark.parametrize("case", CORPUS, ids=[case.name for case in CORPUS])
def test_lines_become_the_documents_of_the_corpus(pipeline: Pipeline, case: Case) -> None:
    found = pipeline.run(case)
    assert [document for _, document in found] == case.expected
    if case.documents:
        assert [near(time, stamp) for (time, _), stamp in zip(found, case.times, strict=True)] == [
            True
        ] * len(found)


def test_the_corpus_is_as_large_as_it_says() -> None:
    lines = [line for case in CORPUS for line in case.lines]
    assert len([line for line in lines if len(line) < 16_000]) >= 60
    assert any(len(line) > 1_000_000 for line in lines)
    assert {case.container for case in CORPUS} >= {
        "cert-manager-controller",
        "controller",
        "prometheus",
        "grafana",
        "alertmanager",
        "elasticsearch",
        "fluent-bit",
        "kibana",
    }


#: A change of one file, and a case that it breaks.
MUTANTS: dict[str, tuple[str, str, str, str]] = {
    "klog's levels": ("parsers.yaml", "[IWEF]", "[IWE]", "cert-manager-klog"),
    "logfmt's beginning": ("parsers.yaml", "ts|time|t|level|logger|caller", "ts|time", "grafana-logfmt"),
    "requests that are none": ("parsers.yaml", '|(?<access_request>[^"]*)', "", "ingress-nginx-access"),
    "addresses of IPv6": ("parsers.yaml", "[0-9a-fA-F.:]+", "[0-9.]+", "ingress-nginx-access"),
    "NGINX's errors": ("parsers.yaml", r"\d+#\d+", r"\d+", "ingress-nginx-error"),
    "Fluent Bit's own time": ("parsers.yaml", r"(?:\.\d+)?\] \[ *", r"\.\d+\] \[ *", "fluent-bit-own"),
    "a trace's frames": ("parsers.yaml", r"^[\t ]+\S", r"^[\t]+\S", "traces-python"),
    "a trace without a message": (
        "parsers.yaml",
        r"(?::.*)?\s*$/'",
        r"(?::.*)\s*$/'",
        "traces-python-without-message",
    ),
    "traces that follow from each other": (
        "parsers.yaml",
        "During handling",
        "In handling",
        "traces-python-chained",
    ),
    "a name of the level": ("fields.lua", '"severity", ', "", "depin-node"),
    "pino's errors": ("fields.lua", '"err.type", ', "", "depin-other-json"),
    "traceparent": ("documents.lua", "#trace == 32", "#trace == 31", "depin-jobs"),
    "broken JSON": ("documents.lua", "tags.parse_failure = true", "", "text-broken"),
    "where a record comes from": (
        "documents.lua",
        "  place(document, kubernetes)\n  for",
        "  for",
        "text-levels",
    ),
    "long messages": (
        "documents.lua",
        "settings.message_bytes)\n            tags",
        "1e9)\n            tags",
        "text-long",
    ),
    "deep objects": ("documents.lua", "DEEPEST = 512, 8", "DEEPEST = 512, 99", "depin-other-json"),
    "durations": ("documents.lua", "job.duration * 1e9", "job.duration * 1e6", "depin-jobs"),
    "Kibana's dataset": ("documents.lua", '"kibana.log"', '"x"', "kibana-json"),
    "zones of times": ("values.lua", " - offset", "", "grafana-logfmt"),
    "numbers of pino": ("values.lua", "number % 10 == 0", "number % 10 == 1", "depin-other-json"),
    "names of secrets": ("masking.lua", "if on then", "if false then", "secrets-fields"),
    "quoted secrets": (
        "masking.lua",
        "closing_quote(text, opening + 1, first) - 1",
        "opening + 1",
        "secrets-text",
    ),
    "secrets in traces": (
        "masking.lua",
        "masked = masked:gsub(pattern",
        "local _ = masked:gsub(pattern",
        "traces-secret-in-a-trace",
    ),
    "chained exceptions": (
        "traces.lua",
        "local line = last_line(text)",
        'local line = text:match("\\n(%S[^\\n]*)")',
        "traces-python-chained",
    ),
    "Go's panics": ("traces.lua", '"fatal"', '"error"', "traces-go"),
    "Java's frames": ("traces.lua", "]+at ", "]+from ", "traces-java"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_corpus_finds_what_is_broken(tmp_path: Path, mutant: str) -> None:
    name, old, new, case = MUTANTS[mutant]
    shutil.copytree(FILES, tmp_path / "files")
    file = tmp_path / "files" / name
    text = file.read_text()
    assert old in text, "the mutant is out of date"
    file.write_text(text.replace(old, new, 1))
    assert case in wrong(Pipeline(tmp_path / "files"), [each for each in CORPUS if each.name == case])


@pytest.mark.parametrize(
    "parser", re.findall(r"(?m)^  - name: (\S+)\n    format", (FILES / "parsers.yaml").read_text())
)
def test_every_parser_is_needed_by_the_corpus(tmp_path: Path, parser: str) -> None:
    shutil.copytree(FILES, tmp_path / "files")
    file = tmp_path / "files" / "parsers.yaml"
    file.write_text(re.sub(rf"(name: {parser}\n.*\n    regex: ')", r"\1(?!)", file.read_text()))
    assert wrong(Pipeline(tmp_path / "files")) != []
