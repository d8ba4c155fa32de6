"""An environment: the chart's defaults, values-layered.yaml, its own file, `-f` files and `--set`."""

from __future__ import annotations

import contextlib
import copy
import difflib
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as File
from types import MappingProxyType
from typing import Any

from depin_helm.errors import Finding, UsageError, ValuesError
from depin_helm.project import Project
from depin_helm.values import settings, setvalues
from depin_helm.values.merging import Defaults, coalesce, merge
from depin_helm.values.settings import Settings, SettingsError
from depin_helm.yamlio import Document, Path, content, dump, examine, format_path, load, parse_path

#: The source of what `--set` gave; it has no line.
SET = "--set"


@dataclass(frozen=True)
class Origin:
    """Where a value was given: a file's name with line and column from 1, or `--set` with neither.

    `rewritten`: it is a number or boolean that a template does not write as it stands there.
    """

    source: str
    line: int
    column: int
    value: Any = field(repr=False)
    rewritten: bool = False


@dataclass(frozen=True)
class Environment:
    """The values of one environment.

    overrides  what Helm gets as its one `-f` file: all but the chart's own defaults, without `depinHelm`
    values     overrides over the defaults of the umbrella and its own subcharts, as Helm coalesces them, and
               `depinHelm`; upstream defaults, and globals inside of subcharts' sections, are not in it
    origins    of each key and list item, all places that give it, the one in effect last; a place whose list
               or scalar replaced a whole section stands at that section's path only
    sources    names of the places, the weakest first
    findings   what is wrong with the files; where one cannot be read, its values are not in the rest
    defaults   of the umbrella and its own subcharts
    """

    name: str
    overrides: dict[str, Any] = field(repr=False)
    values: dict[str, Any] = field(repr=False)
    origins: Mapping[Path, tuple[Origin, ...]] = field(repr=False)
    sources: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    defaults: Defaults = field(default_factory=lambda: Defaults({}), repr=False)

    def over(self, upstream: Mapping[str, Defaults]) -> dict[str, Any]:
        """The values that templates see: `overrides` over our defaults and those of the `upstream` charts."""
        subcharts = {**self.defaults.subcharts, **upstream}
        return coalesce(self.overrides, self.defaults.values, subcharts)

    @property
    def settings(self) -> Settings:
        """What `depinHelm` says.

        Raises:
            ValuesError: it is wrong.
        """
        try:
            return settings.read(self.values.get(settings.KEY))
        except SettingsError as error:
            raise ValuesError(
                [self.finding((settings.KEY, *error.path), error.message, rule="schema")]
            ) from None

    def origin(self, path: Path) -> Origin | None:
        """Where the value at `path` comes from; for one that nobody gave, where its section does."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.origins:
                return self.origins[path[:end]][-1]
        return None

    def finding(self, path: Path, message: str, hint: str = "", *, rule: str, place: Path = ()) -> Finding:
        """A finding about the value at `path`, at the place that gives it, or the value at `place`."""
        origin = self.origin(place or path) or Origin(self.sources[-1], 0, 0, None)
        return Finding(origin.source, origin.line, origin.column, format_path(path), message, hint, rule)


def load_environment(
    project: Project,
    name: str,
    files: Sequence[File] = (),
    sets: Sequence[str] = (),
    upstream: Sequence[tuple[Path, Document]] = (),
) -> Environment:
    """The environment `name` with further values files and `--set` arguments on top.

    `upstream` are values of upstream charts and where they belong, the weakest first: for the origins alone.

    Raises:
        UsageError: there is no such environment or file, or `--set` cannot be parsed.
        ValuesError: a file is refused, or `depinHelm` is wrong. Whether the values are right is for
            `schema.check` to say.
    """
    environment = read_environment(project, name, files, sets, upstream)
    if environment.findings:
        raise ValuesError(environment.findings, hint=f"depin-helm validate --env {name}")
    _ = environment.settings
    return environment


def read_environment(
    project: Project,
    name: str,
    files: Sequence[File] = (),
    sets: Sequence[str] = (),
    upstream: Sequence[tuple[Path, Document]] = (),
) -> Environment:
    """As much of the environment as can be read, for `schema.check` to report everything at once.

    Raises:
        UsageError: as for `load_environment`.
    """
    own = [
        project.chart / "values.yaml",
        project.chart / "values-layered.yaml",
        project.environment_file(name),
    ]
    read = [examine(content(file), _name(project, file)) for file in (*own, *files)]
    defaults, *layers = (document for document, _ in read)
    charts = _subcharts(project)
    origins = _Origins()
    for prefix, document in upstream:
        origins.add(document, prefix=prefix)
    for subchart, document in charts.items():
        origins.add(document, prefix=(subchart,))
    overrides: dict[str, Any] = {}
    for document in (defaults, *layers):
        origins.add(document)
    for document in layers:
        overrides = merge(overrides, document.data)
    overrides = copy.deepcopy(overrides)
    weaker = {defaults.file, *(document.file for document in charts.values())}
    for text in sets:
        for path in setvalues.apply(text, overrides):
            origins.set(path, overrides, weaker)
    return Environment(
        name=name,
        overrides={key: value for key, value in overrides.items() if key != settings.KEY},
        values=_coalesced(overrides, defaults.data, charts),
        origins=origins.frozen(),
        sources=(*dict.fromkeys(document.file for document, _ in read), SET),
        findings=tuple(finding for _, findings in read for finding in findings),
        defaults=Defaults(
            defaults.data, {name: Defaults(document.data) for name, document in charts.items()}
        ),
    )


def origins_of(environment: Environment, key: str) -> dict[str, tuple[Origin, ...]]:
    """For each leaf at or below `key` (`a.b`, `a[0].b`), the places that give it, the one in effect last.

    A list counts as one leaf, apart from items that were set on their own.

    Raises:
        UsageError: there is no such key.
    """
    wanted = parse_path(key)
    found = {
        path: chain
        for path, chain in environment.origins.items()
        if path[: len(wanted)] == wanted
        and not (chain[-1].value and isinstance(chain[-1].value, dict))
        and (chain[-1].source == SET or not any(isinstance(part, int) for part in path[len(wanted) :]))
    }
    if not found:
        known = [format_path(path) for path in environment.origins]
        similar = difflib.get_close_matches(key, known, 1)
        hint = f"did you mean {similar[0]}?" if similar else r"write `\.` for a dot in a key: grafana\.ini"
        raise UsageError(f"no key {key} in environment {environment.name}", hint=hint)
    return {format_path(path): chain for path, chain in found.items()}


@contextlib.contextmanager
def write_for_helm(data: Mapping[str, Any], directory: File | None = None) -> Iterator[File]:
    """A values file with `data` for Helm: in `directory` or the system's, mode 0600, gone afterwards."""
    handle, name = tempfile.mkstemp(prefix="depin-helm-", suffix=".yaml", dir=directory)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(dump(dict(data)))
        yield File(name)
    finally:
        File(name).unlink(missing_ok=True)


class _Origins:
    """Collects origins, the weakest source first."""

    def __init__(self) -> None:
        self._chains: dict[Path, list[Origin]] = {}

    def add(self, document: Document, *, prefix: Path = ()) -> None:
        for key, value in document.data.items():
            self._add((*prefix, key), value, document, len(prefix))

    def set(self, path: Path, overrides: Any, weaker: Collection[str]) -> None:
        """Note what `--set` put at `path` of `overrides`, which hold nothing of the sources `weaker`."""
        value = overrides
        for end, part in enumerate(path, 1):
            value = value[part]
            last = self._last(path[:end])
            if isinstance(value, list) and (last is None or last.source in weaker):
                # One item makes a list of its own, which replaces the chart's.
                self._add_set(path[:end], value)
                return
            if isinstance(value, dict) and not (last and isinstance(last.value, dict)):
                self._append(path[:end], Origin(SET, 0, 0, copy.deepcopy(value)))
        self._add_set(path, value)

    def frozen(self) -> Mapping[Path, tuple[Origin, ...]]:
        return MappingProxyType({path: tuple(chain) for path, chain in self._chains.items()})

    def _add(self, path: Path, value: Any, document: Document, skip: int) -> None:
        mark = document.marks[path[skip:]]
        rewritten = path[skip:] in document.rewritten
        self._append(path, Origin(document.file, mark.line, mark.column, value, rewritten))
        for part, inner in _children(value):
            self._add((*path, part), inner, document, skip)

    def _add_set(self, path: Path, value: Any) -> None:
        self._append(path, Origin(SET, 0, 0, copy.deepcopy(value)))
        for part, inner in _children(value):
            self._add_set((*path, part), inner)

    def _append(self, path: Path, origin: Origin) -> None:
        last = self._last(path)
        below = last.value if last else None
        if isinstance(below, list) or (isinstance(below, dict) and not isinstance(origin.value, dict)):
            for other in [other for other in self._chains if other[: len(path)] == path and other != path]:
                del self._chains[other]
        self._chains.setdefault(path, []).append(origin)

    def _last(self, path: Path) -> Origin | None:
        return self._chains[path][-1] if path in self._chains else None


def _children(value: Any) -> Iterator[tuple[str | int, Any]]:
    """The keys and values of a map, the indices and items of a list."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _name(project: Project, file: File) -> str:
    """How messages call a file: one of the project's by its path in there."""
    return str(file.relative_to(project.root)) if file.is_relative_to(project.root) else str(file)


def _subcharts(project: Project) -> dict[str, Document]:
    """The values of all dependencies, in Chart.yaml's order; of upstream charts none: archives stay shut."""
    declared = load((project.chart / "Chart.yaml").read_bytes()).get("dependencies") or []
    documents = {}
    for name in (dependency.get("alias") or dependency["name"] for dependency in declared):
        file = project.chart / "charts" / name / "values.yaml"
        raw = content(file) if file.is_file() else b""
        documents[name] = examine(raw, _name(project, file))[0]
    return documents


def _coalesced(
    overrides: Mapping[str, Any], defaults: Mapping[str, Any], charts: Mapping[str, Document]
) -> dict[str, Any]:
    subcharts = {name: Defaults(document.data) for name, document in charts.items()}
    values = coalesce(overrides, defaults, subcharts)
    for name in charts:
        given = [source[name] for source in (overrides, defaults) if isinstance(source.get(name), dict)]
        if isinstance(values[name], dict) and not any("global" in section for section in given):
            values[name].pop("global", None)
    return values
