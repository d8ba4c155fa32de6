"""The rule about storage classes: the platform has two, and each volume the one that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.grammar import is_host
from depin_helm.yamlio import Path, format_path

_CLASSES = ("global", "platform", "storageClasses")
_KPS = "kube-prometheus-stack"
_CLAIM = ("volumeClaimTemplate", "spec", "storageClassName")
#: Whose class is whose; any other volume may have either.
_WANTED: Mapping[Path, str] = {
    ("elasticsearch", "volumeClaimTemplate", "storageClassName"): "fast",
    (_KPS, "prometheus", "prometheusSpec", "storageSpec", *_CLAIM): "fast",
    (_KPS, "alertmanager", "alertmanagerSpec", "storage", *_CLAIM): "standard",
    (_KPS, "grafana", "persistence", "storageClassName"): "standard",
}
#: Where the chart hands the text on without templating it.
_LITERAL = {
    ("elasticsearch", "volumeClaimTemplate", "storageClassName"),
    (_KPS, "grafana", "persistence", "storageClassName"),
}
#: Objects that people add as they are: the platform has no say in their volumes.
_FREE = {"extraObjects", "extraManifests"}


def _classes(facts: Facts) -> Iterator[Violation]:
    classes = {name: facts.text(*_CLASSES, name) or "" for name in ("fast", "standard")}
    if not all(map(is_host, classes.values())):
        # What is missing, or no name of an object, is the schema's to say.
        return
    for path, value in facts.live:
        if path[-1] != "storageClassName" or not isinstance(value, str) or not value:
            continue
        if not _FREE.isdisjoint(path) or _unused(facts, path):
            continue
        wanted = _WANTED.get(path)
        text = value if path in _LITERAL else facts.text(*path)
        if text is None or text == classes.get(wanted or "") or (not wanted and text in classes.values()):
            continue
        source = (*_CLASSES, wanted or "")
        hint = f"{classes[wanted]}, as {format_path(source)}" if wanted else " or ".join(classes.values())
        if "{{" in text:
            yield Violation((path,), "is taken as it is: the chart has no templates here", hint)
        elif wanted and text in classes.values():
            yield Violation((path, source), f"is not {format_path(source)}", hint)
        else:
            yield Violation(
                (path, source) if wanted else (path,), "is no storage class of the platform", hint
            )


def _unused(facts: Facts, path: Path) -> bool:
    """Whether no claim is made of it."""
    if path[0] == "elasticsearch":
        return facts.get("elasticsearch", "persistence", "enabled") is False
    return bool(facts.get(*path[:-1], "existingClaim"))


RULES = (
    Rule(
        "storage-class",
        "a volume has the storage class that global.platform.storageClasses names for it",
        "the volume is never made, or lies on the wrong kind of disk, and its class cannot be changed later",
        _classes,
    ),
)
