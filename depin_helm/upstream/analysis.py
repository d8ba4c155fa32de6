"""From a chart's files to what it takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from depin_helm import yamlio
from depin_helm.charts import Contents
from depin_helm.upstream import crds
from depin_helm.upstream.abstract import BASE
from depin_helm.upstream.interface import Interface
from depin_helm.upstream.interpretation import interpret
from depin_helm.upstream.reads import WHOLE, Reads, Recorder, merged
from depin_helm.upstream.syntax import Node, Template
from depin_helm.upstream.templates import TemplateError, parse

_SUBCHART = re.compile(r"charts/([^/]+)/Chart\.yaml")
_KIND = re.compile(r"kind: *[\"']?(\w+)")
#: Of a chart's CRDs, kinds that templates of ours write, with what values say in full.
_OURS = frozenset({"AlertmanagerConfig", "ScrapeConfig"})
_VALUES = re.compile(r"\.Values((?:\.\w+)+)")
_TEMPLATED_CRD = re.compile(rb"^kind: *CustomResourceDefinition\s*$", re.MULTILINE)
#: What no template takes from `.Files`: other charts, documentation, what tests the chart.
_APART = re.compile(r"(charts|crds|ci|templates|tests?|unittests)/|(values|Chart)\.yaml$|.*\.(md|tgz)$")


def interface(contents: Contents) -> Interface:
    """What the chart in an archive takes."""
    chart = _Chart.of(contents.files)
    defines: dict[str, tuple[Node, ...]] = {}
    for each in chart.all():  # a parent's templates win over its subcharts'
        for template in each.templates.values():
            defines |= template.defines
    return _interface(chart, defines)


def reads_in(text: str) -> Reads:
    """What a template in a chart's values reads."""
    try:
        template = parse(text)
        return interpret([template.nodes], template.defines, alone=True)
    except (TemplateError, RecursionError):
        recorder = Recorder()
        for path in _VALUES.findall(text):
            recorder.read(tuple(path[1:].split(".")), whole=True)
        return recorder.reads()


@dataclass(frozen=True)
class _Chart:
    """A chart's files, parsed. `readable`: all of its templates are."""

    files: Mapping[str, bytes]
    metadata: Mapping[str, Any]
    templates: Mapping[str, Template]
    readable: bool
    subcharts: Mapping[str, _Chart]

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> _Chart:
        templates, readable = {}, True
        for path, content in files.items():
            if path.startswith("templates/"):
                try:
                    templates[path.removeprefix("templates/")] = parse(content.decode("utf-8-sig"))
                except (TemplateError, UnicodeError, RecursionError):
                    readable = False
        names = dict.fromkeys(match[1] for path in files if (match := _SUBCHART.fullmatch(path)))
        subcharts = {name: cls.of(_below(files, f"charts/{name}/")) for name in names}
        return cls(files, _metadata(files), templates, readable, subcharts)

    def all(self) -> Iterator[_Chart]:
        """The chart and all below it, the innermost first."""
        for subchart in self.subcharts.values():
            yield from subchart.all()
        yield self


def _below(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    return {path.removeprefix(folder): content for path, content in files.items() if path.startswith(folder)}


def _metadata(files: Mapping[str, bytes]) -> Mapping[str, Any]:
    """Chart.yaml, with the dependencies that charts of the first API version have in a file of their own."""
    found = _mapping(files.get("Chart.yaml", b""))
    return {**_mapping(files.get("requirements.yaml", b"")), **found}


def _mapping(content: bytes) -> dict[str, Any]:
    try:
        loaded = yamlio.load(content)
    except yamlio.YAMLError:
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _interface(chart: _Chart, defines: Mapping[str, tuple[Node, ...]]) -> Interface:
    dependencies = [each for each in chart.metadata.get("dependencies") or () if isinstance(each, dict)]
    subcharts: dict[str, Interface] = {}
    for folder, subchart in chart.subcharts.items():
        found = _interface(subchart, defines)
        named = [each for each in dependencies if each.get("name") == found.name]
        for each in named or [{}]:
            subcharts[str(each.get("alias") or found.name or folder)] = found
    document, _ = yamlio.examine(chart.files.get("values.yaml", b""), "values.yaml")
    return Interface(
        str(chart.metadata.get("name", "")),
        str(chart.metadata.get("version", "")),
        document.data,
        {path: (mark.line, mark.column) for path, mark in document.marks.items()},
        _schema(chart.files),
        merged([_reads(chart, defines), _by_helm(dependencies)]),
        subcharts,
        _crds(chart),
    )


def _reads(chart: _Chart, defines: Mapping[str, tuple[Node, ...]]) -> Reads:
    if not chart.readable:
        return WHOLE
    files = {f"{BASE}/{path}": template.nodes for path, template in chart.templates.items()}
    try:
        own = interpret(list(files.values()), {**defines, **files})
    except RecursionError:
        return WHOLE
    return merged([own, *(reads_in(text) for text in _files(chart))])


def _files(chart: _Chart) -> Iterator[str]:
    """What may be evaluated of the chart's other files: `tpl (.Files.Get …)`."""
    sources = [content for path, content in chart.files.items() if path.startswith("templates/")]
    if any(b".Files" in source and b"tpl" in source for source in sources):
        for path, content in chart.files.items():
            if b".Values" in content and not _APART.match(path):
                yield content.decode("utf-8", "replace")


def _by_helm(dependencies: list[dict[str, Any]]) -> Reads:
    """What Helm itself reads: which subcharts are enabled, and which of their values it takes over."""
    recorder = Recorder()
    for each in dependencies:
        for condition in str(each.get("condition") or "").split(","):
            if condition.strip():
                recorder.read(tuple(condition.strip().split(".")))
        for tag in each.get("tags") or ():
            recorder.read(("tags", str(tag)))
        name = str(each.get("alias") or each.get("name"))
        for imported in each.get("import-values") or ():
            if isinstance(imported, dict):
                recorder.read((name, *str(imported.get("child")).split(".")), whole=True)
            else:
                recorder.read((name, "exports", *str(imported).split(".")), whole=True)
    return recorder.reads()


def _schema(files: Mapping[str, bytes]) -> Mapping[str, Any] | None:
    try:
        schema = json.loads(files.get("values.schema.json", b"null"))
    except (ValueError, RecursionError):
        return None
    return schema if isinstance(schema, dict) else None


def _crds(chart: _Chart) -> Mapping[str, Mapping[str, Any]]:
    """Of all CRDs below the chart, those of kinds that its own templates write, or ours.

    A CRD that is a template itself is read without the lines of Go in it, which only concern its metadata.
    """
    files, kinds = [], set(_OURS)
    for path, content in chart.files.items():
        if re.search(r"(^|/)crds/[^/]+\.ya?ml$", path):
            files.append(content)
        elif path.startswith("templates/"):
            kinds.update(_KIND.findall(content.decode("utf-8", "replace")))
            if _TEMPLATED_CRD.search(content):
                files.append(b"".join(line for line in content.splitlines(True) if b"{{" not in line))
    return crds.schemas(files, kinds) if files else {}
