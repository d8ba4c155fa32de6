"""All checks of one environment, put together: one finding for one mistake, in the order of the files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from depin_helm import schema as own_schema
from depin_helm import upstream as charts_module
from depin_helm.checks import keys, objects, types, waivers
from depin_helm.checks.facts import Facts
from depin_helm.checks.known import Chart, section
from depin_helm.checks.kubernetes import Api
from depin_helm.checks.listing import listing
from depin_helm.checks.notices import Notice, notices
from depin_helm.checks.rule import Rule, Violation
from depin_helm.checks.rules import RULES
from depin_helm.checks.waivers import Waived
from depin_helm.errors import Finding, ValuesError
from depin_helm.upstream import Interface, Reads
from depin_helm.values import Environment, Waiver, coalesce
from depin_helm.yamlio import Path, parse_path

#: What cannot be looked at without an upstream chart.
NEEDS_CHART = "dead keys, types, Kubernetes objects"


@dataclass(frozen=True)
class Skipped:
    """Checks of a component's section that could not be made, and why."""

    component: str
    reason: str
    checks: str = NEEDS_CHART


@dataclass(frozen=True)
class Result:
    """What is wrong; what would be, but is waived; what could not be looked at; what is only to be known."""

    findings: tuple[Finding, ...]
    waived: tuple[Waived, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def flawless(self) -> bool:
        """Whether all was looked at and nothing is wrong, not even with a reason."""
        return not (self.findings or self.waived or self.skipped)


def check(
    environment: Environment,
    schema: Mapping[str, Any],
    upstream: Mapping[str, Interface],
    missing: Mapping[str, str],
    api: Api,
    *,
    off: Collection[str] = (),
) -> Result:
    """Everything that is wrong with the environment.

    `upstream` are the charts of its components, as far as they are at hand; `missing` says why others are
    not; `off` are ids of rules to leave out. A finding stands where the value comes from.
    """
    defaults = {name: charts_module.as_defaults(chart) for name, chart in upstream.items()}
    facts = Facts(
        environment,
        environment.over(defaults),
        {name: coalesce({}, each.values, each.subcharts) for name, each in defaults.items()},
    )
    charts = {
        name: Chart(chart, facts.upstream[name], tuple(_used(facts, name, chart)))
        for name, chart in upstream.items()
    }
    found = _Found(own_schema.check(environment, schema))
    for made in (
        keys.check(environment, charts, schema),
        types.check(facts, charts, api),
        objects.check(facts, charts, api),
    ):
        found.add(each for each in made if each.rule not in off)
    for rule in (rule for rule in RULES if rule.id not in off):
        for violation in rule.check(facts):
            if any(facts.given(path) for path in violation.paths):
                found.add([_finding(environment, rule, violation)], about=violation.paths, sure=rule.form)
    skipped = tuple(Skipped(component, reason) for component, reason in missing.items())
    given = _waivers(environment)
    waivable = [rule.id for rule in listing() if rule.waivable]
    kept, waived, needed = waivers.apply(found.findings, [each for each in given if each.rule in waivable])
    if waivers.ID not in off:
        kept += waivers.check(environment, given, None if skipped else needed, waivable)
    rank = {source: number for number, source in enumerate(environment.sources)}
    kept.sort(key=lambda finding: (rank.get(finding.file, -1), finding))
    return Result(tuple(kept), tuple(waived), skipped, tuple(notices(environment.values)))


class _Found:
    """Findings, the surest first: about a value that something is wrong with already, no more is said."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = list(findings)
        self._paths = {parse_path(finding.path) for finding in self.findings}

    def add(self, findings: Iterable[Finding], *, about: Sequence[Path] = (), sure: bool = False) -> None:
        """Take what is new. A rule's finding is `about` values of which none may be wrong in itself.

        `sure`: they now are.
        """
        for finding in findings:
            path = parse_path(finding.path)
            if any(map(self._known, about or [path])):
                continue
            self.findings.append(finding)
            if sure or not about:
                self._paths.add(path)

    def _known(self, path: Path) -> bool:
        return any(path[:end] in self._paths for end in range(1, len(path) + 1))


def _finding(environment: Environment, rule: Rule, violation: Violation) -> Finding:
    """The finding stands at the value that was given last, of all that together are wrong."""
    rank = {source: number for number, source in enumerate(environment.sources)}

    def strength(path: Path) -> int:
        origin = environment.origins[path][-1] if path in environment.origins else None
        return rank.get(origin.source, -1) if origin else -2

    place = max(violation.paths, key=strength)
    message = f"{violation.message}; {rule.why}"
    return environment.finding(violation.paths[0], message, violation.hint, rule=rule.id, place=place)


def _used(facts: Facts, component: str, chart: Interface) -> Iterator[tuple[Path, Reads]]:
    """What templates inside of a component's values read, and of which subchart's values."""
    for path, value in facts.walk(component, off=True):
        if isinstance(value, str) and "{{" in value and ".Values" in value:
            yield section(chart, path[1:]), charts_module.reads_in(value)


def _waivers(environment: Environment) -> Sequence[Waiver]:
    try:
        return environment.settings.waivers
    except ValuesError:  # said by the schema
        return ()
