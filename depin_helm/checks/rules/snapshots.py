"""Rules about snapshots: where they go, when, and how many are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.checks.rules.cron import is_elastic_schedule
from depin_helm.checks.rules.entries import FILE, elastic_settings

_NAME, _SETUP = "elasticsearch", "depin-elasticsearch"
_SNAPSHOTS = (_SETUP, "snapshots")
_POLICIES = ("depin-foundation", "networkPolicies")
#: What a repository of each type cannot be without.
_PLACE = {"s3": "bucket", "fs": "location"}


def _snapshots(facts: Facts) -> Iterator[Violation]:
    if not facts.enabled(_SETUP) or facts.get(*_SNAPSHOTS, "enabled") is not True:
        return
    kind = str(facts.get(*_SNAPSHOTS, "repository", "type"))
    settings = facts.get(*_SNAPSHOTS, "repository", "settings")
    place = _PLACE.get(kind)
    if place and isinstance(settings, dict) and not settings.get(place):
        yield Violation(
            ((*_SNAPSHOTS, "repository", "settings"), (*_SNAPSHOTS, "enabled")), f"names no {place}"
        )
    ranges = (*_POLICIES, "snapshots", "ranges")
    closed = facts.enabled(_POLICIES[0]) and facts.get(*_POLICIES, "enabled") is True
    if kind == "s3" and closed and facts.get(*ranges) == []:
        yield Violation(
            (ranges, (*_SNAPSHOTS, "enabled")),
            "no network policy lets Elasticsearch reach where snapshots go",
            'the addresses of the object storage; or 0.0.0.0/0 and "::/0"',
        )
    yield from _port(facts, settings, closed) if kind == "s3" else _shared(facts)


def _port(facts: Facts, settings: object, closed: bool) -> Iterator[Violation]:
    """Whether a port that the endpoint names is let through."""
    endpoint, ports = (*_SNAPSHOTS, "repository", "settings", "endpoint"), (*_POLICIES, "snapshots", "ports")
    found = re.search(r":(\d{1,5})/?$", str(facts.get(*endpoint)))
    allowed = facts.get(*ports)
    if closed and found and isinstance(allowed, list) and int(found[1]) not in allowed:
        yield Violation((ports, endpoint), f"lets nobody through to port {found[1]}", f"[{found[1]}]")


def _shared(facts: Facts) -> Iterator[Violation]:
    """Whether elasticsearch.yml lets a repository be in a folder at all."""
    given, place = elastic_settings(facts), (*_SNAPSHOTS, "repository", "type")
    if facts.enabled(_NAME) and facts.get(*FILE) and given is not None and "path.repo" not in given:
        yield Violation(
            (place, FILE),
            "elasticsearch.yml names no path.repo, below which such repositories are",
            "docs/elasticsearch.md: a volume that all nodes share",
        )


def _policy(facts: Facts) -> Iterator[Violation]:
    if not facts.enabled(_SETUP) or facts.get(*_SNAPSHOTS, "enabled") is not True:
        return
    schedule = (*_SNAPSHOTS, "schedule")
    text = facts.get(*schedule)
    if isinstance(text, str) and not is_elastic_schedule(text):
        yield Violation(
            (schedule,),
            "is no schedule of Elasticsearch: second, minute, hour, day, month, day of the week",
            "one of both days is ?, as in 0 30 1 * * ?",
        )
    least, most = ((*_SNAPSHOTS, "retention", key) for key in ("atLeast", "atMost"))
    few, many = facts.number(*least), facts.number(*most)
    if few and many and few > many:
        yield Violation((least, most), f"{few:g} are not at most {many:g}", f"at most {many:g}")


RULES = (
    Rule(
        "snapshot-storage",
        "snapshots have somewhere to go that Elasticsearch gets to",
        "Elasticsearch refuses the repository, and the layer fails",
        _snapshots,
    ),
    Rule(
        "snapshot-policy",
        "snapshots have a schedule and counts that Elasticsearch takes",
        "Elasticsearch refuses the policy, and the layer fails",
        _policy,
    ),
)
