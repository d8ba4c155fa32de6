"""The rule about texts that charts hand to `tpl`: Helm must be able to read them as templates."""

from __future__ import annotations

from collections.abc import Iterator

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.yamlio import Path

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
    (_KPS, "prometheus", "prometheusSpec", "additionalScrapeConfigs"),
    (_KPS, "prometheus", "prometheusSpec", "additionalConfigString"),
    (_KPS, "prometheus", "ingress", "hosts", _ANY),
    (_KPS, "alertmanager", "alertmanagerSpec", "externalUrl"),
    (_KPS, "alertmanager", "ingress", "hosts", _ANY),
    (_KPS, "thanosRuler", "ingress", "hosts", _ANY),
)
#: The same, where only `tplConfig` asks for it: the texts may hold templates of Alertmanager's own.
_ALERTMANAGER = (_KPS, "alertmanager")


def _unreadable(facts: Facts) -> Iterator[Violation]:
    for path, text in facts.live:
        if isinstance(text, str) and "{{" in text and _is_evaluated(facts, path):
            wrong = _error(text)
            if wrong is not None:
                message, hint = wrong
                yield Violation((path,), message, hint)


def _is_evaluated(facts: Facts, path: Path) -> bool:
    if path in ((*_ALERTMANAGER, "stringConfig"), (*_ALERTMANAGER, "config")):
        return facts.get(*_ALERTMANAGER, "tplConfig") is True
    return any(
        len(known) == len(path) and all(part in (_ANY, each) for part, each in zip(known, path, strict=True))
        for known in _EVALUATED
    )


def _error(text: str) -> tuple[str, str] | None:
    """What is wrong with a template, and what may help; None if nothing is."""
    from depin_helm.upstream.templates import TemplateError, parse

    try:
        parse(text)
    except (TemplateError, RecursionError) as error:
        line = f" in line {error.line}" if isinstance(error, TemplateError) and "\n" in text else ""
        reason = error.message if isinstance(error, TemplateError) else "it is nested too deeply"
        return f"is no template that Helm can read: {reason}{line}", _AS_TEXT
    return None


_AS_TEXT = "braces that are meant as text: {{ `{{` }}"

RULES = (
    Rule(
        "template",
        "a text that a chart evaluates is a template that Helm can read",
        "nothing is rendered at all",
        _unreadable,
    ),
)
