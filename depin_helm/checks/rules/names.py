"""The rule about Elasticsearch's name: those who use it ask for it by the name that its service has."""

from __future__ import annotations

from collections.abc import Iterator

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.checks.rules.needs import SERVICE, users
from depin_helm.yamlio import Path

_NAME = "elasticsearch"


def _renamed(facts: Facts) -> Iterator[Violation]:
    used_by = users(facts)
    if not used_by or not facts.enabled(_NAME) or facts.get(_NAME, "masterService") == SERVICE:
        return
    name, given_by = _service(facts)
    if name not in (None, SERVICE):
        yield Violation(
            (*given_by, *(place for _, place in used_by)),
            f"Elasticsearch's service is no longer {SERVICE}, which "
            f"{' and '.join(component for component, _ in used_by)} ask{'s' * (len(used_by) == 1)} for",
            "leave the name to the chart, or give the new one to those who ask",
        )


def _service(facts: Facts) -> tuple[str | None, list[Path]]:
    """The name of its service as the chart makes it, and the values that it is made of; None if unknown."""
    keys = ("masterService", "fullnameOverride", "nameOverride", "clusterName", "nodeGroup")
    given = {key: facts.text(_NAME, key) or "" for key in keys}
    if any(isinstance(facts.get(_NAME, key), dict | list) for key in keys):
        return None, []
    master = given["nodeGroup"] in ("", "master")
    if given["masterService"] and master:
        return given["masterService"], [(_NAME, "masterService")]
    if given["fullnameOverride"]:
        return given["fullnameOverride"], [(_NAME, "fullnameOverride")]
    base = next((key for key in ("nameOverride", "clusterName") if given[key]), "")
    group = given["nodeGroup"] or "master"
    changed: list[Path] = [(_NAME, base)] if base and given[base] != _NAME else []
    changed += [] if master else [(_NAME, "nodeGroup")]
    return f"{given[base] if base else _NAME}-{group}", changed


RULES = (
    Rule(
        "elasticsearch-name",
        "Elasticsearch is asked for by the name of its service",
        "no such name is found, so no log arrives and Kibana never becomes ready",
        _renamed,
    ),
)
