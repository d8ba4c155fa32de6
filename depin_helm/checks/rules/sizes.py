"""Rules about amounts that must fit into each other: requests, limits, heaps, volumes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.grammar import java_bytes, prometheus_bytes, quantity
from depin_helm.yamlio import Path

_ELASTICSEARCH, _KIBANA = "elasticsearch", "kibana"
_SPEC = ("kube-prometheus-stack", "prometheus", "prometheusSpec")
#: Where a volume's size stands below `storageSpec`: a claim, one that dies with its pod, the node's disk.
_VOLUMES = (
    ("volumeClaimTemplate", "spec", "resources", "requests", "storage"),
    ("ephemeral", "volumeClaimTemplate", "spec", "resources", "requests", "storage"),
    ("emptyDir", "sizeLimit"),
)
_OLD_SPACE = re.compile(r"--max[-_]old[-_]space[-_]size[= ]([0-9]{1,15})(?!\S)")
#: A line of a file with options of Java that counts for nothing, and the versions that one counts for.
_COMMENT = re.compile(r"^\s*(?:#.*$|\d+(?:-\d*)?:)", re.MULTILINE)
#: Other options that say how large the heap is.
_FLAG = re.compile(r"-XX:(?:Max|Min|Initial)HeapSize=")


def _limits(facts: Facts) -> Iterator[Violation]:
    for path, value in facts.live:
        if not isinstance(value, dict):
            continue
        requests, limits = value.get("requests"), value.get("limits")
        if not isinstance(requests, dict) or not isinstance(limits, dict):
            continue
        for name in sorted(requests.keys() & limits.keys(), key=str):
            request, limit = quantity(requests[name]), quantity(limits[name])
            if request is not None and limit is not None and limit < request:
                yield Violation(
                    ((*path, "limits", name), (*path, "requests", name)),
                    f"limit {limits[name]} is below the request {requests[name]}",
                    f"at least {requests[name]}, or request less",
                )


def _heap(facts: Facts) -> Iterator[Violation]:
    if facts.enabled(_ELASTICSEARCH):
        yield from _java_heap(facts)
    if facts.enabled(_KIBANA):
        yield from _node_heap(facts)


def _java_heap(facts: Facts) -> Iterator[Violation]:
    options = list(_java_options(facts))
    largest, smallest = _last(options, "-Xmx"), _last(options, "-Xms")
    flagged = any(_FLAG.search(text) for _, text in options)
    limit_path, limit = _memory_limit(facts, _ELASTICSEARCH)
    if largest is None and smallest is None:
        # Elasticsearch sizes its heap by itself then (8.5, …/server/cli/MachineDependentHeap.java).
        if facts.get(*limit_path) is None and not flagged:
            yield Violation(
                (limit_path,),
                "without a limit, Elasticsearch takes half of the node's memory as its heap",
                "a memory limit, half of which it takes then, or -Xms and -Xmx in esJavaOpts",
            )
        return
    given = [each for each in (largest, smallest) if each]
    for path, text, size in given:
        if size is None:
            yield Violation((path,), f"{text} is no size that Java takes", "such as -Xms1g -Xmx1g")
            return
    if largest and largest[2] and limit is not None and largest[2] >= limit:
        yield Violation(
            (largest[0], limit_path),
            f"{largest[1]} is not below the memory limit {facts.get(*limit_path)}",
            "half of the limit: the other half is the file system cache's",
        )
    elif flagged:
        return
    # Elasticsearch's own check of its heap, on every interface but loopback.
    elif len(given) < 2 or given[0][2] != given[1][2]:
        yield Violation(
            tuple(dict.fromkeys(path for path, _, _ in given)),
            f"{' and '.join(text for _, text, _ in given)} {'differ' if len(given) > 1 else 'is alone'}",
            "the same size for -Xms and -Xmx",
        )


def _java_options(facts: Facts) -> Iterator[tuple[Path, str]]:
    """Texts with options of Java; a later one is stronger."""
    files = facts.get(_ELASTICSEARCH, "esJvmOptions")
    for name in files if isinstance(files, dict) else ():
        for path, text in _text(facts, (_ELASTICSEARCH, "esJvmOptions", name)):
            yield path, _COMMENT.sub("", text)
    env = list(_env(facts, _ELASTICSEARCH, "ES_JAVA_OPTS"))
    # The same variable twice in a container: the last one counts.
    yield from env[-1:] or _text(facts, (_ELASTICSEARCH, "esJavaOpts"))


def _last(options: list[tuple[Path, str]], flag: str) -> tuple[Path, str, int | None] | None:
    """Where the option that counts stands, its text, and the bytes that it says; None if there is none."""
    for path, text in reversed(options):
        for word in reversed(text.split()):
            if word.startswith(flag):
                return path, word, java_bytes(word.removeprefix(flag))
    return None


def _node_heap(facts: Facts) -> Iterator[Violation]:
    limit_path, limit = _memory_limit(facts, _KIBANA)
    for path, text in list(_env(facts, _KIBANA, "NODE_OPTIONS"))[-1:]:
        megabytes = _OLD_SPACE.findall(text)
        if megabytes and limit is not None and int(megabytes[-1]) * 1024**2 >= limit:
            yield Violation(
                (path, limit_path),
                f"a heap of {int(megabytes[-1])} MiB is not below the memory limit {facts.get(*limit_path)}",
                "about two thirds of the limit",
            )


def _memory_limit(facts: Facts, component: str) -> tuple[Path, Decimal | None]:
    path = (component, "resources", "limits", "memory")
    return path, quantity(facts.get(*path))


def _env(facts: Facts, component: str, name: str) -> Iterator[tuple[Path, str]]:
    items: Any = facts.get(component, "extraEnvs")
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict) and item.get("name") == name:
            yield from _text(facts, (component, "extraEnvs", index, "value"))


def _text(facts: Facts, path: Path) -> Iterator[tuple[Path, str]]:
    text = facts.get(*path)
    if isinstance(text, str) and text:
        yield path, text


def _retention(facts: Facts) -> Iterator[Violation]:
    kept = (*_SPEC, "retentionSize")
    size = prometheus_bytes(facts.get(*kept))
    if not size or not facts.enabled(_SPEC[0]) or facts.get(*_SPEC[:2], "enabled") is False:
        return
    for inner in _VOLUMES:
        path = (*_SPEC, "storageSpec", *inner)
        volume = quantity(facts.get(*path))
        if volume is not None and size >= volume:
            yield Violation(
                (kept, path),
                f"{facts.get(*kept)} is not below the volume's {facts.get(*path)}",
                "leave a fifth of the volume free",
            )


RULES = (
    Rule(
        "limits-below-requests",
        "a container's limits are not below its requests",
        "the API server refuses such a pod",
        _limits,
    ),
    Rule(
        "heap-above-memory",
        "the heap of Elasticsearch and Kibana is below their memory limit, and Elasticsearch's of one size",
        "the process does not start, or is killed as soon as it uses what it was promised",
        _heap,
    ),
    Rule(
        "retention-above-volume",
        "Prometheus deletes its oldest data before its volume is full",
        "the volume fills up before anything is deleted, and Prometheus stops; its GB are 1024^3 bytes",
        _retention,
    ),
)
