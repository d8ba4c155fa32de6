"""Rules about images: which one runs is said, stays the same, and can be pulled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from depin_helm.checks.facts import Facts, lookup
from depin_helm.checks.rule import Rule, Violation
from depin_helm.yamlio import Path

_LATEST = "is latest"
_NONE = "has no tag"
_HINT = "the version that was tested, or a digest"

_RELEASE = re.compile(r"v?(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?=$|[@-])")
_HEX = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
#: Charts put `sha256:` before a `sha` themselves; this one's templates don't.
_BARE = ("kube-prometheus-stack", "kube-state-metrics")


def _tags(facts: Facts) -> Iterator[Violation]:
    for path, value in facts.live:
        key = str(path[-1])
        if (
            isinstance(value, dict)
            and "image" in key.casefold()
            and ("repository" in value or "tag" in value)
        ):
            yield from _section(facts, path, value)
        elif isinstance(value, dict) and isinstance(value.get("image"), str):
            yield from _tag(facts, (*path, "imageTag"), value.get("imageTag"))
        elif key == "image" and isinstance(value, str) and _is_container(facts, path):
            yield from _reference(path, value)


def _section(facts: Facts, path: Path, section: dict[str, Any]) -> Iterator[Violation]:
    if not any(section.get(key) for key in ("digest", "sha")):
        yield from _tag(facts, (*path, "tag"), section.get("tag"))


def _tag(facts: Facts, path: Path, tag: Any) -> Iterator[Violation]:
    if tag == "latest":
        yield Violation((path,), _LATEST, _HINT)
    elif tag in (None, "") and lookup(facts.upstream, path):
        # Where a chart falls back to its own version, the default is empty.
        yield Violation((path,), _NONE, _HINT)


def _is_container(facts: Facts, path: Path) -> bool:
    """Whether it is the whole reference of a container in a list, not a part of one."""
    return len(path) > 2 and isinstance(path[-2], int) and "name" in (facts.get(*path[:-1]) or ())


def _reference(path: Path, text: str) -> Iterator[Violation]:
    if "{{" in text or "@" in text or not text:
        return
    _, colon, tag = text.rpartition("/")[2].partition(":")
    if not colon or tag in ("", "latest"):
        yield Violation((path,), _LATEST if tag == "latest" else _NONE, _HINT)


def _digests(facts: Facts) -> Iterator[Violation]:
    for path, value in facts.live:
        key = str(path[-1])
        if not isinstance(value, str) or len(path) < 2:
            continue
        if key in ("tag", "imageTag"):
            _, at, value = value.partition("@")
            pattern = _DIGEST if at else None
        elif "image" not in str(path[-2]).casefold():
            pattern = None
        elif key == "sha" and path[:2] != _BARE:
            pattern = _HEX
        else:
            pattern = _DIGEST if key in ("sha", "digest", "digestChroot") else None
        if value and pattern and not pattern.fullmatch(value):
            prefix = (
                "64 hexadecimal digits, without sha256:"
                if pattern is _HEX
                else "sha256: and 64 hexadecimal digits"
            )
            yield Violation((path,), "is no digest as this chart takes it", prefix)


def _kibana(facts: Facts) -> Iterator[Violation]:
    """Kibana's own check: its minor version is not newer than Elasticsearch's, and its major one the same."""
    places = (("kibana", "imageTag"), ("elasticsearch", "imageTag"))
    if not all(facts.enabled(place[0]) for place in places):
        return
    versions = [_RELEASE.match(str(facts.get(*place))) for place in places]
    kibana, elasticsearch = (tuple(map(int, each.groups())) if each else () for each in versions)
    if kibana and elasticsearch and (kibana[:2] > elasticsearch[:2] or kibana[0] != elasticsearch[0]):
        yield Violation(
            places, f"does not work with Elasticsearch {facts.get(*places[1])}", "the same version for both"
        )


RULES = (
    Rule(
        "image-tag",
        "an image has a tag of its own, or a digest",
        "what runs changes whenever a pod starts anew, and no rollback brings the old one back",
        _tags,
    ),
    Rule(
        "image-digest",
        "an image's digest is whole, and written as its chart takes it",
        "the image has a name that cannot be pulled, and no pod starts",
        _digests,
    ),
    Rule(
        "kibana-version",
        "Kibana is of Elasticsearch's major version and of no newer minor one",
        "it does not start",
        _kibana,
    ),
)
