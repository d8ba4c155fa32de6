"""What rules look at: the values that templates will see, and where each came from."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from depin_helm.values import Environment
from depin_helm.yamlio import Path, plain

_REFERENCE = re.compile(r"\{\{-?\s*\.Values((?:\.\w+)+)\s*-?\}\}")

#: Subcharts of an upstream chart, and the section whose `enabled` is their condition in its Chart.yaml.
SWITCHES: Mapping[Path, Path] = {
    ("kube-prometheus-stack", "kube-state-metrics"): ("kube-prometheus-stack", "kubeStateMetrics"),
    ("kube-prometheus-stack", "prometheus-node-exporter"): ("kube-prometheus-stack", "nodeExporter"),
    ("kube-prometheus-stack", "prometheus-windows-exporter"): ("kube-prometheus-stack", "windowsMonitoring"),
}


@dataclass(frozen=True)
class Facts:
    """An environment's values over all defaults, those of the upstream charts too where they are at hand.

    environment  the files' own values with their origins
    values       what templates see, each subchart's section with its globals
    upstream     the upstream charts' defaults by component, without anything on top; a component that is not
                 in it could not be read
    """

    environment: Environment
    values: Mapping[str, Any] = field(repr=False)
    upstream: Mapping[str, Mapping[str, Any]] = field(repr=False)

    def get(self, *path: str | int) -> Any:
        """The value at `path`; None where there is none."""
        return lookup(self.values, path)

    def enabled(self, component: str) -> bool:
        """Whether the component is turned on."""
        return self.get(component, "enabled") is not False and isinstance(self.get(component), dict)

    def components(self) -> Iterator[str]:
        """The upstream components that are turned on."""
        yield from (name for name in self.upstream if self.enabled(name))

    def walk(self, *prefix: str | int, off: bool = False) -> Iterator[tuple[Path, Any]]:
        """Every value below `prefix`, maps and lists before what they hold; below () only what is turned on.

        Parts of a component that are turned off (`enabled: false`) are left out, unless `off`.
        """
        if prefix:
            yield from _walk(self.get(*prefix), prefix, off=off)
            return
        for name, section in self.values.items():
            if name != "depinHelm" and not _off(section):
                yield from _walk(section, (name,))

    @cached_property
    def live(self) -> tuple[tuple[Path, Any], ...]:
        """`walk()` without the subcharts that another section's switch turns off; read once for all rules."""
        off = {part for part, switch in SWITCHES.items() if self.get(*switch, "enabled") is False}
        return tuple((path, value) for path, value in self.walk() if path[:2] not in off)

    def given(self, path: Path) -> bool:
        """Whether a file or `--set` gives the value at `path`, other than the upstream default."""
        chain = self.environment.origins.get(path)
        return chain is not None and chain[-1].value != lookup(self.upstream, path)

    def chosen(self, path: Path) -> bool:
        """Whether the environment, a `-f` file or `--set` gives the value, not the umbrella's own files."""
        chain = self.environment.origins.get(path)
        return chain is not None and chain[-1].source in self.environment.sources[2:]

    def text(self, *path: str | int) -> str | None:
        """The text at `path`, `{{ .Values.a.b }}` replaced; None if there is none, or a larger template."""
        value = self.get(*path)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None

        def replaced(match: re.Match[str]) -> str:
            found = self.get(path[0], *match[1][1:].split("."))
            return str(found) if isinstance(found, str | int) else match[0]

        text = _REFERENCE.sub(replaced, str(value))
        return None if "{{" in text else text

    def number(self, *path: str | int) -> float | None:
        """The number at `path`, also one that is written as text; None if there is none."""
        value = self.get(*path)
        value = plain(value) if isinstance(value, str) else value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return value if math.isfinite(value) else None


def lookup(values: Any, path: Path) -> Any:
    """The value at `path` of nested maps and lists; None where there is none."""
    for part in path:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return None
    return values


def _off(section: Any) -> bool:
    return isinstance(section, dict) and section.get("enabled") is False


def _walk(value: Any, path: Path, *, off: bool = False) -> Iterator[tuple[Path, Any]]:
    yield path, value
    if isinstance(value, dict) and (off or not _off(value)):
        for key, inner in value.items():
            # A chart's section and its subcharts' get the globals; deeper down it is a key like any other.
            if key != "global" or len(path) not in (1, 2):
                yield from _walk(inner, (*path, key), off=off)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, (*path, index), off=off)
