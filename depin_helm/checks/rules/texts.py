"""The rule about texts that charts hand to `tpl`: Helm must be able to read them as templates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.yamlio import Path

if TYPE_CHECKING:
    from depin_helm.upstream.syntax import Node, Operand

_KPS = "kube-prometheus-stack"
_ANY = "*"
#: Values that a chart evaluates one by one, as the text that they are; found in the charts' templates.
_EVALUATED: tuple[Path, ...] = (
    *(("fluent-bit", "config", key) for key in ("service", "inputs", "filters", "outputs", "customParsers")),
    ("fluent-bit", "config", "upstream", _ANY),
    ("fluent-bit", "config", "extraFiles", _ANY),
    ("fluent-bit", "luaScripts", _ANY),
    ("kibana", "kibanaConfig", _ANY),
    *(
        (component, key)
        for component in ("elasticsearch", "kibana")
        for key in ("extraContainers", "extraInitContainers")
    ),
    ("elasticsearch", "extraVolumes"),
    ("elasticsearch", "extraVolumeMounts"),
    (_KPS, "grafana", "grafana.ini", _ANY),
    (_KPS, "grafana", "grafana.ini", _ANY, _ANY),
    (_KPS, "grafana", "env", _ANY),
    (_KPS, "grafana", "envRenderSecret", _ANY),
    (_KPS, "grafana", "ingress", "hosts", _ANY),
    (_KPS, "grafana", "ingress", "annotations", _ANY),
    (_KPS, "grafana", "admin", "existingSecret"),
    (_KPS, "grafana", "additionalDataSourcesString"),
    (_KPS, "prometheus", "prometheusSpec", "externalUrl"),
    (_KPS, "prometheus", "prometheusSpec", "additionalConfigString"),
    (_KPS, "prometheus", "ingress", "hosts", _ANY),
    (_KPS, "alertmanager", "alertmanagerSpec", "externalUrl"),
    (_KPS, "alertmanager", "ingress", "hosts", _ANY),
    (_KPS, "thanosRuler", "ingress", "hosts", _ANY),
)
#: The same, as text or as the YAML of everything in them.
_WHOLE: tuple[Path, ...] = (
    (_KPS, "extraManifests"),
    (_KPS, "kube-state-metrics", "extraManifests"),
    (_KPS, "grafana", "extraObjects"),
    (_KPS, "grafana", "additionalDataSources"),
    (_KPS, "prometheus", "prometheusSpec", "additionalScrapeConfigs"),
)
#: The same again, if `tplConfig` asks for it: else what is in there may be Alertmanager's own templates.
_ALERTMANAGER = (_KPS, "alertmanager")
_CONFIGURED: tuple[Path, ...] = ((*_ALERTMANAGER, "stringConfig"), (*_ALERTMANAGER, "config"))


def _unreadable(facts: Facts) -> Iterator[Violation]:
    for path, value in facts.live:
        whole = path in _WHOLE or (path in _CONFIGURED and facts.get(*_ALERTMANAGER, "tplConfig") is True)
        if not whole and not (isinstance(value, str) and any(_fits(path, known) for known in _EVALUATED)):
            continue
        texts = list(_texts(path, value))
        reason = _reason("\n".join(text for _, text in texts))
        if reason is None:
            continue
        # A block may begin in one text and end in the next: what is wrong in itself is to blame.
        place, reason = next(((at, own) for at, text in texts if (own := _reason(text))), (path, reason))
        yield Violation((place,), f"is no template that Helm can read: {reason}", _AS_TEXT)


def _fits(path: Path, known: Path) -> bool:
    return len(known) == len(path) and all(map(lambda part, each: part in (_ANY, each), known, path))


def _texts(path: Path, value: object) -> Iterator[tuple[Path, str]]:
    """The texts with actions at and below `path`, in the order of `toYaml`."""
    if isinstance(value, str):
        if "{{" in value:
            yield path, value
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            yield from _texts((*path, key), value[key])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts((*path, index), item)


def _reason(text: str) -> str | None:
    """What is wrong with a template; None if nothing is."""
    if "{{" not in text:
        return None
    from depin_helm.upstream.templates import TemplateError, parse

    try:
        template = parse(text)
    except TemplateError as error:
        return f"{error.message} in line {error.line}" if "\n" in text.strip() else error.message
    except RecursionError:
        return "it is nested too deeply"
    unset = any(_has_unset(nodes, _ALWAYS) for nodes in (template.nodes, *template.defines.values()))
    return "a variable is not set" if unset else None


#: `$`, what the template works on.
_ALWAYS = frozenset({"$"})


def _has_unset(nodes: Iterable[Node], known: frozenset[str]) -> bool:
    """Whether a variable is used that nothing set before, such as an alert's `$labels`: Go refuses that."""
    from depin_helm.upstream.syntax import Branch, Call, Output

    for node in nodes:
        if not isinstance(node, Branch | Call | Output) or node.pipeline is None:
            continue
        names = frozenset(node.pipeline.names)
        if (not node.pipeline.declares and not names <= known) or not _used(node.pipeline) <= known | names:
            return True
        if isinstance(node, Branch):
            if _has_unset(node.body, known | names) or _has_unset(node.otherwise, known | names):
                return True
        else:
            known |= names
    return False


def _used(operand: Operand) -> frozenset[str]:
    from depin_helm.upstream.syntax import Field, Pipeline, Variable

    if isinstance(operand, Variable):
        return frozenset({operand.name})
    if isinstance(operand, Field):
        return _used(operand.base)
    if isinstance(operand, Pipeline):
        return frozenset().union(*(_used(each) for command in operand.commands for each in command))
    return frozenset()


_AS_TEXT = "braces that are meant as text: {{ `{{` }}"

RULES = (
    Rule(
        "template",
        "a text that a chart evaluates is a template that Helm can read",
        "nothing is rendered at all",
        _unreadable,
    ),
)
