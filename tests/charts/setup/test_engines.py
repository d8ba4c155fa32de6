"""What the setup Job sends, taken by Elasticsearch's own code, and documents of logs, stored by it.

The pipeline runs in OpenSearch, whose processors and Painless are the same for what we use; what it makes is
then stored by Elasticsearch. Two things are other than in a cluster: a type that is a module's, and that no
index names the pipeline.
"""

from __future__ import annotations

import copy
import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from depin_helm import yamlio
from tests.charts.checks.model import Platform
from tests.charts.rendering import Renderer
from tests.charts.setup.running import content
from tests.engines.engine import Engine, missing, use
from tests.logs import agent
from tests.logs.corpus import BEGIN, Case, cases, instant
from tests.logs.emulation import Pipeline
from tests.programs import cache

LOGS, DEAD = "depin-logs", "depin-logs-dead-letter"
TIME = "2026-11-28T07:12:14.123456789Z"
#: A type of the module mapper-extras, and what is like it.
LIKE = {"match_only_text": "text"}


@pytest.fixture(scope="module")
def elasticsearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    yield from use("elasticsearch", cache(), tmp_path_factory.mktemp("elasticsearch"))


@pytest.fixture(scope="module")
def opensearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    yield from use("opensearch", cache(), tmp_path_factory.mktemp("opensearch"))


def sent(platform: Platform, *kinds: str) -> dict[str, Any]:
    """Paths and bodies of the Job's requests whose path begins with one of `kinds`, in its order."""
    files = content(platform, "elasticsearch-setup")
    requests = [line.split() for line in files["requests"].splitlines()]
    return {
        path: json.loads(files[payload[0]])
        for _, path, _, *payload in requests
        if path.split("/")[1] in kinds
    }


def templates(platform: Platform) -> dict[str, Any]:
    """The templates, for an Elasticsearch without modules."""
    found: dict[str, Any] = _without_modules(sent(platform, "_component_template", "_index_template"))
    return found


def _without_modules(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    kind = node.get("type")
    replaced = {"type": LIKE[kind]} if isinstance(kind, str) and kind in LIKE else {}
    return {
        key: _without_modules(value) for key, value in (node | replaced).items() if key != "default_pipeline"
    }


@pytest.fixture(scope="module")
def stored(elasticsearch: Engine, renderer: Renderer) -> Engine:
    """Elasticsearch, set up."""
    for path, body in templates(renderer.layered("edge")).items():
        assert elasticsearch.ask("PUT", path, body) == (200, {"acknowledged": True})
    return elasticsearch


@pytest.fixture(scope="module")
def pipeline(opensearch: Engine, renderer: Renderer) -> Engine:
    """OpenSearch with the ingest pipeline."""
    put(opensearch, of(renderer))
    return opensearch


def of(renderer: Renderer) -> Any:
    (body,) = sent(renderer.layered("edge"), "_ingest").values()
    return body


def put(opensearch: Engine, pipeline: Any) -> None:
    known = {key: value for key, value in pipeline.items() if key != "_meta"}
    status, said = opensearch.ask("PUT", f"/_ingest/pipeline/{LOGS}", known)
    assert status == 200, json.dumps(said)


def piped(opensearch: Engine, documents: Sequence[Any]) -> list[tuple[str, Any]]:
    """Where the pipeline sends each document, and as what."""
    docs = [{"_index": LOGS, "_id": str(number), "_source": each} for number, each in enumerate(documents)]
    status, said = opensearch.ask("POST", f"/_ingest/pipeline/{LOGS}/_simulate", {"docs": docs})
    assert status == 200, said
    return [(each["doc"]["_index"], each["doc"]["_source"]) for each in said["docs"]]


def store(elasticsearch: Engine, documents: Sequence[tuple[str, Any]]) -> list[str]:
    """What Elasticsearch refuses of documents, each with its data stream: reasons."""
    lines = [part for index, each in documents for part in ({"create": {"_index": index}}, each)]
    status, said = elasticsearch.ask("POST", "/_bulk?refresh=true", lines)
    assert status == 200, said
    results = [item["create"] for item in said["items"]]
    assert len(results) == len(documents)
    return [
        f"{result['error']} of {json.dumps(each)[:500]}"
        for result, (_, each) in zip(results, documents, strict=True)
        if result["status"] != 201
    ]


def documents(written: Sequence[str]) -> list[Any]:
    """What Fluent Bit makes of lines of an application."""
    stamp = BEGIN.isoformat().replace("+00:00", "Z")
    case = Case("lines", tuple(f"{stamp} stdout F {line}" for line in written), (), (), "main", "apps")
    return [{"@timestamp": time.isoformat(), **document} for time, document in Pipeline().run(case)]


# --- What the Job sends --------------------------------------------------------------------------


def test_it_is_the_version_that_runs_in_the_cluster(elasticsearch: Engine, renderer: Renderer) -> None:
    _, said = elasticsearch.ask("GET", "/")
    (image,) = {
        container["image"]
        for container in renderer.layered("prod")
        .by_id["StatefulSet", "logging", "elasticsearch-master"]
        .data["spec"]["template"]["spec"]["containers"]
    }
    assert image.rpartition(":")[2] == said["version"]["number"]


def test_elasticsearch_takes_every_template(elasticsearch: Engine, layered: Platform) -> None:
    for path, body in templates(layered).items():
        assert elasticsearch.ask("PUT", path, body) == (200, {"acknowledged": True}), path


def test_it_refuses_a_template_that_ignores_times(elasticsearch: Engine, renderer: Renderer) -> None:
    found = copy.deepcopy(templates(renderer.layered("edge")))
    mappings = found["/_component_template/depin-logs-mappings"]["template"]["mappings"]
    del mappings["properties"]["@timestamp"]["ignore_malformed"]
    said = [
        elasticsearch.ask(
            "PUT", path.replace(LOGS, "other"), json.loads(json.dumps(body).replace(LOGS, "other"))
        )
        for path, body in found.items()
    ]
    assert [status for status, _ in said].count(400) == 1
    assert "disallowed [ignore_malformed]" in json.dumps(said)


def test_elasticsearch_knows_the_pipelines_own_fields(elasticsearch: Engine, renderer: Renderer) -> None:
    """Its processors are modules'."""
    own = {**of(renderer), "processors": []}
    del own["on_failure"]
    assert elasticsearch.ask("PUT", "/_ingest/pipeline/own", own)[0] == 200
    assert elasticsearch.ask("PUT", "/_ingest/pipeline/own", {**own, "meta": {}})[0] == 400


# --- What logs become ----------------------------------------------------------------------------


def test_every_document_of_the_corpus_is_stored(pipeline: Engine, stored: Engine) -> None:
    found = [
        {"@timestamp": time.isoformat(), **document}
        for case in cases()
        for time, document in Pipeline().run(case)
    ]
    assert len(found) > 60
    made = piped(pipeline, found)
    assert {index for index, _ in made} == {LOGS}
    for document, (_, after) in zip(found, made, strict=True):
        after["event"].pop("ingested")
        assert instant(after.pop("@timestamp")) == instant(document.pop("@timestamp"))
        assert after == document
    again = piped(pipeline, [{"@timestamp": TIME, **document} for document in found])
    assert store(stored, again) == []


def test_elasticsearch_takes_what_fluent_bit_sends(
    stored: Engine, renderer: Renderer, tmp_path: Path
) -> None:
    program = agent.program()
    (config,) = [obj for obj in renderer.layered("edge").of_kind("ConfigMap") if obj.name == "fluent-bit"]
    main = agent.configure(config.data["data"], tmp_path / "agent", local=True)
    own = yamlio.load(main.read_bytes())
    (output,) = yamlio.load(config.data["data"]["fluent-bit.yaml"].encode())["pipeline"]["outputs"]
    # This Elasticsearch has no TLS, and takes no compressed requests.
    plain = {key: value for key, value in output.items() if key != "compress" and not key.startswith("tls")}
    own["pipeline"]["outputs"] = [{**plain, "host": stored.host, "port": stored.port}]
    main.write_text(json.dumps(own))
    chosen = [case for case in cases() if case.name.startswith("depin-")]
    wanted = sum(len(case.documents) for case in chosen)
    for case in chosen:
        agent.write(main, case)

    def count() -> int:
        query = {"query": {"prefix": {"kubernetes.pod.name": "depin-"}}}
        stored.ask("POST", f"/{LOGS}/_refresh")
        return int(stored.ask("POST", f"/{LOGS}/_count", query)[1]["count"])

    before = count()
    with agent.running(program, main, ELASTICSEARCH_USERNAME="x", ELASTICSEARCH_PASSWORD="y"):
        assert agent.until(lambda: count() >= before + wanted)
        time.sleep(2)
    assert count() == before + wanted


#: Lines that are JSON, and each something that Elasticsearch refuses if nobody takes care of it.
LINES = [
    {"": "x"},
    {"": {"a": 1}},
    {"a": {"": 1, " ": 2, ".": 3}},
    {"a..b": 1, ".c": 2, "d. .e": 3, "...": 4},
    {"a\0b": "x", "c": "y\0z"},
    {"\u3000": {"a": 1}, "a.\u2003.b": 1, "c": {"\u2028": 1}, "\u1680": 1, "\x1f": 1, "\u205f\u2009": 1},
    {"event": {"dataset": "\n\n"}},
    {"k" * 40_000: "x"},
    {"a": "y" * 40_000, "msg": "m" * 40_000},
    {"ts": "0001-01-01T00:00:00Z", "msg": "Go's zero time"},
    {"ts": "9999-12-31T23:59:59Z", "msg": "for ever"},
    {"ts": -62135596800, "msg": "Go's zero time in seconds"},
    {"service": {"name": {"a": 1}}, "depin": {"job": "x", "node": [{"id": 1}]}},
    {
        "depin": {"job": {"duration": 1e300}},
        "http": {"response": {"status_code": 1e40}},
        "event": {"duration": -1e19},
    },
    {"source": {"ip": "999.1.1.1"}, "labels": "x", "kubernetes": "y", "event": 5},
    {"trace.id": "t" * 5000, "error": {"stack": "s" * 100_000}},
    {"_id": "x", "_index": "y", "_source": {"a": 1}},
]


@pytest.mark.parametrize(
    "line",
    [
        *map(json.dumps, LINES),
        '{"cut off": "' + "x" * 40_000,
        "{",
        "\ud83d".encode(errors="replace").decode(),
    ],
    ids=lambda line: line[:40],
)
def test_no_line_can_become_what_elasticsearch_refuses(pipeline: Engine, stored: Engine, line: str) -> None:
    made = piped(pipeline, documents([line]))
    assert [index for index, _ in made] == [LOGS]
    assert store(stored, made) == []


def test_nor_can_lines_at_random(pipeline: Engine, stored: Engine) -> None:
    chance = random.Random(7)
    names = [
        *FIELDS,
        "msg",
        "level",
        "error",
        "ts",
        "a",
        "",
        ".",
        " ",
        "b..c",
        "a\0",
        "\u3000",
        "\u2007",
        "\x1c",
    ]
    lines = [json.dumps(record(chance, names)) for _ in range(400)]
    made = piped(pipeline, documents(lines))
    assert {index for index, _ in made} == {LOGS}
    assert store(stored, made) == []


#: Parts of the contract's names.
FIELDS = (
    "service",
    "name",
    "depin",
    "job",
    "id",
    "http",
    "response",
    "status_code",
    "labels",
    "@timestamp",
    "source",
    "ip",
    "log",
)


def record(chance: random.Random, names: Sequence[str], depth: int = 0) -> dict[str, Any]:
    """An object with some of the names, of values of any kind."""

    def value() -> Any:
        kinds = [
            None,
            True,
            -1,
            2.5,
            1e300,
            "",
            "text",
            TIME,
            "1960-01-01T00:00:00Z",
            [],
            ["x", 1],
            [{"a": 1}],
        ]
        return (
            record(chance, names, depth + 1) if depth < 4 and chance.random() < 0.5 else chance.choice(kinds)
        )

    return {chance.choice(names): value() for _ in range(chance.randint(1, 5))}


# --- What others write ---------------------------------------------------------------------------

#: Documents that the pipeline sets right, and what they become.
MENDED = [
    ({"message": 5}, {"message": "5"}),
    ({"message": {"a": 1}}, {"message": "{a=1}"}),
    ({"log": {"level": "WARN"}}, {"log": {"level": "warn"}}),
    ({"depin": {"job": {"duration": 3.25}}}, {"event": {"duration": 3_250_000_000}}),
    ({"depin": {"job": {"duration": 3.25}}, "event": {"duration": 7}}, {"event": {"duration": 7}}),
    ({"@timestamp": "2026-11-28T08:12:14+01:00"}, {"@timestamp": "2026-11-28T07:12:14.000000000Z"}),
    ({"@timestamp": TIME}, {"@timestamp": TIME}),
    ({"@timestamp": 1795849934123}, {"@timestamp": "2026-11-28T07:12:14.123000000Z"}),
    ({"depin": {"job": [{"id": "a"}, {"id": "b"}]}}, {"depin": {"job": [{"id": "a"}, {"id": "b"}]}}),
    ({"source": {"ip": "none"}}, {"source": {"ip": "none"}}),
    ({"of nobody": {"a": [1]}}, {"of nobody": {"a": [1]}}),
    ({"of.nobody": 1, "b": {"": 1, "c.d": {}}}, {"of.nobody": 1}),
    ({"service": {"of.nobody": 1}}, {"service": {"of.nobody": 1}}),
    ({"log": {"level": 30}}, {"log": {"level": "30"}}),
    ({"event": None}, {}),
    ({"depin": [{"job": {"id": "a"}}]}, {"depin": [{"job": {"id": "a"}}]}),
    ({"labels": {"a": {"b": ["c"]}}}, {"labels": {"a": {"b": ["c"]}}}),
]


@pytest.mark.parametrize(("document", "part"), MENDED, ids=lambda each: json.dumps(each)[:60])
def test_the_pipeline_sets_right_what_it_can(
    pipeline: Engine, stored: Engine, document: dict[str, Any], part: dict[str, Any]
) -> None:
    made = piped(pipeline, [document])
    ((index, after),) = made
    assert index == LOGS
    for key, value in part.items():
        assert after[key] == value or value.items() <= after[key].items()
    assert "@timestamp" in after
    assert after["event"]["ingested"]
    assert store(stored, made) == []


def deep(levels: int) -> dict[str, Any]:
    """An object in an object in an object …"""
    return {"a": deep(levels - 1) if levels else 1}


#: Documents that the index would refuse, and the reason that stands in the dead letter.
REFUSED = [
    ({"@timestamp": "never"}, "could not be parsed"),
    ({"@timestamp": [TIME, TIME]}, "could not be parsed"),
    ({"@timestamp": "1969-12-31T23:59:59Z"}, "a time before 1970 or after 2262"),
    ({"@timestamp": "2262-04-11T23:47:17Z"}, "a time before 1970 or after 2262"),
    ({"@timestamp": "9999-12-31T23:59:59Z"}, "a time before 1970 or after 2262"),
    ({"error": "text"}, "error has to be an object and is a value"),
    ({"depin": {"job": "x"}}, "depin.job has to be an object and is a value"),
    ({"depin": {"job": [{"id": {"a": 1}}]}}, "depin.job.id has to be a value and is an object"),
    ({"service": {"name": {"a": 1}}}, "service.name has to be a value and is an object"),
    ({"service": {"name": ["a", {"b": 1}]}}, "service.name has to be a value and is an object"),
    ({"event": {"duration": {"a": 1}}}, "event.duration has to be a value and is an object"),
    ({"labels": "x"}, "labels has to be an object and is a value"),
    ({"service": {"name": [[{"a": 1}]]}}, "service.name has to be a value and is an object"),
    ({"service.name": {"a": 1}}, "service.name has to be written as objects"),
    ({"service": {"name.a": 1}}, "name.a has to be written as objects"),
    ({"depin.job": "x"}, "depin.job has to be written as objects"),
    ({"@timestamp.x": 1}, "@timestamp.x has to be written as objects"),
    ({"": 1}, "the record has a name that is blank"),
    ({" ": 1}, "the record has a name that is blank"),
    ({"a..b": 1}, "the record has a name that is blank"),
    ({".": 1}, "the record has a name that is blank"),
    ({"a.\u3000": 1}, "the record has a name that is blank"),
    ({"service": {"": 1}}, "service has a name that is blank"),
    ({"labels": {"": 1}}, "labels has a name that is blank, long or no text"),
    ({"labels": {"a\0b": 1}}, "labels has a name that is blank, long or no text"),
    ({"labels": {"k" * 40_000: 1}}, "labels has a name that is blank, long or no text"),
    ({"labels": {"a": [{"b": {"": 1}}]}}, "labels has a name that is blank, long or no text"),
    ({"labels": deep(25)}, "labels is too deep"),
    ({"kubernetes": {"labels": ["x"]}}, "kubernetes.labels has to be an object and is a value"),
]


@pytest.mark.parametrize(("document", "reason"), REFUSED, ids=lambda each: json.dumps(each)[:60])
def test_what_the_index_would_refuse_is_a_dead_letter(
    pipeline: Engine, stored: Engine, document: dict[str, Any], reason: str
) -> None:
    document = {"@timestamp": TIME, "message": "m", **document}
    assert store(stored, [(LOGS, document)]) != []
    made = piped(pipeline, [document])
    ((index, letter),) = made
    assert index == DEAD
    assert reason in letter["error"]["message"]
    assert letter["document"].keys() >= document.keys()
    assert store(stored, made) == []


def test_nothing_at_random_is_refused(pipeline: Engine, stored: Engine) -> None:
    chance = random.Random(8)
    odd = (*FIELDS, "service.name", "depin.job", "a.b", "event.", "", " ", "a..b", "labels.a", "@timestamp.a")
    made = piped(pipeline, [record(chance, odd) for _ in range(800)])
    assert {index for index, _ in made} == {LOGS, DEAD}
    assert store(stored, made) == []


def test_without_its_first_step_elasticsearch_would_refuse_some(
    opensearch: Engine, stored: Engine, renderer: Renderer
) -> None:
    whole = of(renderer)
    put(opensearch, {**whole, "processors": whole["processors"][1:]})
    try:
        chance = random.Random(8)
        assert store(stored, piped(opensearch, [record(chance, FIELDS) for _ in range(400)])) != []
    finally:
        put(opensearch, whole)


def test_a_dead_letter_is_found_by_its_reason(pipeline: Engine, stored: Engine) -> None:
    assert store(stored, piped(pipeline, [{"error": "a text of its own"}])) == []
    query = {"query": {"match_phrase": {"error.message": "has to be an object"}}, "size": 100}
    _, said = stored.ask("POST", f"/{DEAD}/_search", query)
    assert {"error": "a text of its own"} in [hit["_source"]["document"] for hit in said["hits"]["hits"]]


def test_the_same_document_is_stored_once(stored: Engine) -> None:
    line = [{"create": {"_id": "same"}}, {"@timestamp": TIME, "message": "once"}]
    statuses = [
        stored.ask("POST", f"/{LOGS}/_bulk", line)[1]["items"][0]["create"]["status"] for _ in range(2)
    ]
    assert statuses == [201, 409]


def test_an_engine_needs_java_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing() == "there is no java or javac or mvn on PATH"
    with pytest.raises(pytest.skip.Exception, match="Java 17 and Maven: there is no java"):
        next(use("opensearch", tmp_path, tmp_path))
