"""Rules about lists and files of which a component needs what the platform itself has put there.

Helm replaces a list, and a text, as a whole: who adds an entry has to repeat the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from depin_helm import yamlio
from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.checks.rules.logs import AGENT, configured_here
from depin_helm.yamlio import Path

#: What containers get: variables, mounts, and the volumes for them.
_KEYS = {"extraEnvs", "env", "secretMounts", "extraVolumes", "extraVolumeMounts"}
_FILE = ("elasticsearch", "esConfig", "elasticsearch.yml")


def _lost(facts: Facts) -> Iterator[Violation]:
    for path, value in facts.live:
        if path[-1] not in _KEYS or not isinstance(value, list) or not facts.chosen(path):
            continue
        if path[0] == AGENT and not configured_here(facts):
            continue  # what is missing was for the configuration of ours
        kept = set(_names(value))
        if missing := ", ".join(name for name in _names(_ours(facts, path)) if name not in kept):
            yield Violation(
                (path,), f"replaces the platform's list and lacks its {missing}", "repeat its entries"
            )


def _lines(facts: Facts) -> Iterator[Violation]:
    value = facts.get(*_FILE)
    if not facts.enabled(_FILE[0]) or not isinstance(value, str) or not facts.chosen(_FILE):
        return
    given, ours = _settings(value), _settings(_ours(facts, _FILE))
    if given is None or ours is None:
        return
    missing = ", ".join(key for key in ours if key not in given)
    if missing:
        yield Violation(
            (_FILE,),
            f"replaces the platform's file and lacks its {missing}",
            "repeat its lines; a single setting can be a variable in extraEnvs instead",
        )


def _ours(facts: Facts, path: Path) -> Any:
    """What the umbrella's own files have there, the stronger one; None if neither has."""
    own = facts.environment.sources[:2]
    found = [each.value for each in facts.environment.origins.get(path, ()) if each.source in own]
    return found[-1] if found else None


def _names(entries: Any) -> Iterator[str]:
    for each in entries if isinstance(entries, list) else ():
        if isinstance(each, dict) and isinstance(each.get("name"), str):
            yield each["name"]


def _settings(text: Any) -> dict[str, Any] | None:
    """The settings of elasticsearch.yml by their whole names; None if it cannot be read, as a template."""
    if not isinstance(text, str):
        return None
    try:
        data = yamlio.load(text.encode())
    except yamlio.YAMLError:
        return None
    return dict(_flat(data, "")) if isinstance(data, dict) else {} if data is None else None


def _flat(data: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


RULES = (
    Rule(
        "lost-entries",
        "a list of variables or mounts that replaces the platform's has its entries too",
        "a password, certificate or folder is missing that the component needs, and it does not start",
        _lost,
    ),
    Rule(
        "lost-settings",
        "an elasticsearch.yml that replaces the platform's has its settings too",
        "security and encryption are off or half on, and its nodes do not start or do not find each other",
        _lines,
    ),
)
