"""Rules about lists and files of which a component needs what the platform itself has put there.

Helm replaces a list, and a text, as a whole: who adds an entry has to repeat the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from depin_helm import yamlio
from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.checks.rules.logs import AGENT, configured_here
from depin_helm.yamlio import Path

_VOLUMES, _MOUNTS = "extraVolumes", "extraVolumeMounts"
#: By what the entries are told apart: variables and volumes by their names, mounts by their places.
_KEYS = {"extraEnvs": "name", "env": "name", "secretMounts": "path", _MOUNTS: "mountPath", _VOLUMES: "name"}
_NAME = "elasticsearch"
FILE = (_NAME, "esConfig", "elasticsearch.yml")
_KIBANA = ("kibana", "kibanaConfig", "kibana.yml")
#: What only kibana.yml asks for, where it does.
_READER = "KIBANA_READER_"
#: Not needed for security, nor to start where the nodes are prepared.
_CHOICE = "node.store.allow_mmap"
_OF_FILES = re.compile(r"\.(key|certificate|certificate_authorities)$")


def _lost(facts: Facts) -> Iterator[Violation]:
    for component in filter(facts.enabled, facts.values):
        if component == AGENT and not configured_here(facts):
            continue  # what is missing was for the configuration of ours
        for key in _KEYS:
            path, value = (component, key), facts.get(component, key)
            if not facts.chosen(path) or not isinstance(value, list | None):
                continue
            kept = {_told(entry, key) for entry in value or ()}
            ours = _ours(facts, path)
            lacking = [
                str(_told(entry, key))
                for entry in (ours if isinstance(ours, list) else ())
                if _told(entry, key) not in kept and _is_needed(facts, component, key, entry)
            ]
            if lacking:
                message = f"replaces the platform's list and lacks its {', '.join(lacking)}"
                yield Violation((path,), message, "repeat its entries")


def _told(entry: Any, key: str) -> Any:
    found = entry.get(_KEYS[key]) if isinstance(entry, dict) else None
    return found if isinstance(found, str) else None


def _is_needed(facts: Facts, component: str, key: str, entry: Any) -> bool:
    """Whether the component does not do without the entry."""
    if _told(entry, key) is None:
        return False
    if key == _VOLUMES:
        mounts = facts.get(component, _MOUNTS)
        used = mounts if isinstance(mounts, list) else ()
        return any(isinstance(each, dict) and each.get("name") == entry["name"] for each in used)
    if _KEYS[key] != "name":
        return True
    if entry["name"].startswith(_READER) and f"${{{entry['name']}}}" not in str(facts.get(*_KIBANA)):
        return False
    # What is written there is a choice; what comes from a Secret may come from envFrom as well.
    return "valueFrom" in entry and not facts.get(component, "envFrom")


def _lines(facts: Facts) -> Iterator[Violation]:
    value = facts.get(*FILE)
    if not facts.enabled(_NAME) or not isinstance(value, str) or not facts.chosen(FILE):
        return
    given, ours = elastic_settings(facts), _settings(_ours(facts, FILE))
    if given is None or ours is None:
        return
    # Keys and certificates may be in one file of their own.
    stores = tuple(key.removesuffix("keystore.path") for key in given if key.endswith(".ssl.keystore.path"))
    lacking = [key for key in ours if key not in given and key != _CHOICE]
    lacking = [key for key in lacking if not (stores and key.startswith(stores) and _OF_FILES.search(key))]
    if lacking:
        yield Violation(
            (FILE,),
            f"replaces the platform's file and lacks its {', '.join(lacking)}",
            "repeat its lines; a single setting can be a variable in extraEnvs instead",
        )


def elastic_settings(facts: Facts) -> set[str] | None:
    """Names of what elasticsearch.yml and variables set; None if the file cannot be read, as a template."""
    found = _settings(facts.get(*FILE))
    variables = facts.get(_NAME, "extraEnvs")
    named = (_told(each, "extraEnvs") for each in (variables if isinstance(variables, list) else ()))
    return None if found is None else {*found, *filter(None, named)}


def _ours(facts: Facts, path: Path) -> Any:
    """What the umbrella's own files have there, the stronger one; None if neither has."""
    own = facts.environment.sources[:2]
    found = [each.value for each in facts.environment.origins.get(path, ()) if each.source in own]
    return found[-1] if found else None


def _settings(text: Any) -> list[str] | None:
    """The whole names of the settings of elasticsearch.yml; None if it cannot be read, as a template."""
    if not isinstance(text, str):
        return [] if text is None else None
    try:
        data = yamlio.load(text.encode())
    except yamlio.YAMLError:
        return None
    return list(_flat(data, "")) if isinstance(data, dict) else [] if data is None else None


def _flat(data: Any, prefix: str) -> Iterator[str]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


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
