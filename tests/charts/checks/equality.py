"""Installed in layers or as one release, the objects are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.charts.checks.model import Object, Platform

#: Labels whose value is the name of the release.
RELEASE_LABELS = frozenset({"app.kubernetes.io/instance", "release"})
#: Grafana's monitor names the label that becomes the scrape job after the release. No object has such a
#: label, so that Prometheus takes the Service's name instead.
RELEASE_FIELDS = frozenset({"jobLabel"})
#: Digests of manifests that hold the labels above.
CHECKSUMS = re.compile(r"configchecksum|checksum/.*")

#: Components whose charts cannot name their namespace: they follow their release.
FOLLOWING = frozenset({"elasticsearch", "kibana", "fluent-bit", "depin-fluent-bit"})
#: Components whose layer runs no hooks.
HOOKLESS = frozenset({"kibana"})

Id = tuple[str, str, str]


def differences(layered: Platform, single: Platform, release: str) -> list[str]:
    """How the layers' objects differ from those of the single release called `release`.

    Left out, because it has to differ (docs/architecture.md): labels with the release's name; hooks where a
    layer runs none; the namespace of charts that follow their release; the Namespace of the single release.
    """
    (home,) = single.namespaces.values()
    moved = [_moved(obj, layered.namespaces[obj.layer], home) for obj in layered.objects]
    ours = {
        obj.id: normal(obj.data, f"depin-{obj.layer}") for obj in moved if obj.id != ("Namespace", "", home)
    }
    theirs = {
        obj.id: normal(obj.data, release)
        for obj in single.objects
        if not (obj.hooks and obj.component in HOOKLESS)
    }
    problems = [f"only in layers: {_text(key)}" for key in ours.keys() - theirs.keys()]
    problems += [f"only in one release: {_text(key)}" for key in theirs.keys() - ours.keys()]
    for key in ours.keys() & theirs.keys():
        problems += [f"{_text(key)}: {path}" for path in unequal(ours[key], theirs[key])]
    return sorted(problems)


def renamed(one: Platform, other: Platform, releases: tuple[str, str]) -> list[str]:
    """What else depends on a release's name: differences between two renderings that differ in it alone."""
    first, second = (
        {obj.id: normal(obj.data, release) for obj in platform.objects}
        for platform, release in zip((one, other), releases, strict=True)
    )
    problems = [f"named after the release: {_text(key)}" for key in first.keys() ^ second.keys()]
    for key in first.keys() & second.keys():
        problems += [f"{_text(key)}: {path}" for path in unequal(first[key], second[key])]
    return sorted(problems)


def normal(node: Any, release: str, key: str = "") -> Any:
    """`node` with the release's name taken out of where it has to stand."""
    if isinstance(node, Mapping):
        if node.get("key") in RELEASE_LABELS and release in (node.get("values") or []):  # a match expression
            return {
                **node,
                "values": ["<release>" if value == release else value for value in node["values"]],
            }
        return {name: normal(value, release, name) for name, value in node.items()}
    if isinstance(node, list):
        return [normal(value, release) for value in node]
    if key in RELEASE_LABELS | RELEASE_FIELDS and node == release:
        return "<release>"
    return "<checksum>" if CHECKSUMS.fullmatch(key) else node


def unequal(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Paths at which two values differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted(one.keys() | other.keys()):
            inside = f"{path}.{key}" if path else str(key)
            if key in one and key in other:
                yield from unequal(one[key], other[key], inside)
            else:
                yield inside
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from unequal(left, right, f"{path}[{number}]")
    elif one != other:
        yield path


def _moved(obj: Object, namespace: str, home: str) -> Object:
    """`obj` as it would be in a release in the namespace `home` instead of `namespace`."""
    if obj.component not in FOLLOWING or obj.namespace not in ("", namespace):
        return obj

    def move(node: Any, key: str = "") -> Any:
        if isinstance(node, Mapping):
            return {name: move(value, name) for name, value in node.items()}
        if isinstance(node, list):
            return [move(value, key) for value in node]
        return home if key in ("namespace", "matchNames") and node == namespace else node

    return replace(obj, namespace=obj.namespace and home, data=move(obj.data))


def _text(key: Id) -> str:
    kind, namespace, name = key
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
