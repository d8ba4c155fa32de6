"""Secrets that the values name and that people provide: credentials of those who are told of alerts.

They are listed beside the others, and never made: nobody but their owner knows what is in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from depin_helm.secrets.specs import Rule, SecretSpec

_READER, _NAMESPACE = "depin-monitoring", "monitoring"


def provided(values: Mapping[str, Any]) -> tuple[SecretSpec, ...]:
    """Each Secret that `depin-monitoring.alerting` refers to, with the keys that it must have, by name."""
    section = values.get(_READER) or {}
    alerting = section.get("alerting") or {}
    if not (section.get("enabled", True) and alerting.get("enabled")):
        return ()
    switch = alerting.get("deadMansSwitch") or {}
    keys: dict[str, set[str]] = {}
    for name, key in _references([alerting.get("receivers"), switch if switch.get("enabled") else None]):
        keys.setdefault(name, set()).add(key)
    return tuple(
        SecretSpec(_NAMESPACE, name, _READER, {key: Rule(_nobody) for key in sorted(keys[name])})
        for name in sorted(keys)
    )


def _references(value: Any) -> Iterator[tuple[str, str]]:
    """Names and keys of key selectors, wherever they stand; a ConfigMap's are none."""
    if isinstance(value, Mapping):
        name, key = value.get("name"), value.get("key")
        if value.keys() - {"optional"} == {"name", "key"} and isinstance(name, str) and isinstance(key, str):
            if name and not value.get("optional"):
                yield name, key
            return
        for part, inner in value.items():
            if part != "configMap":
                yield from _references(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _nobody() -> bytes:
    raise AssertionError("a Secret that people provide is never made")
