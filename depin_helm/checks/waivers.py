"""What an environment may break, and says why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from depin_helm.errors import Finding
from depin_helm.values import Environment, Waiver
from depin_helm.values.settings import KEY
from depin_helm.yamlio import Path, parse_path

ID = "waiver"


@dataclass(frozen=True)
class Waived:
    """A finding that does not count, and the environment's reason."""

    finding: Finding
    reason: str


def apply(
    findings: Iterable[Finding], waivers: Sequence[Waiver]
) -> tuple[list[Finding], list[Waived], frozenset[Waiver]]:
    """The findings that count, those that do not, and the waivers that were needed."""
    kept, waived, needed = [], [], set[Waiver]()
    for finding in findings:
        waiver = next((each for each in waivers if _covers(each, finding)), None)
        if waiver is None:
            kept.append(finding)
        else:
            needed.add(waiver)
            waived.append(Waived(finding, waiver.reason))
    return kept, waived, frozenset(needed)


def check(
    environment: Environment,
    waivers: Sequence[Waiver],
    needed: frozenset[Waiver] | None,
    waivable: Sequence[str],
) -> Iterator[Finding]:
    """A finding for each waiver of no rule, and of nothing; `needed` is None where not all was looked at."""
    for index, waiver in enumerate(waivers):
        path: Path = (KEY, "waivers", index)
        if waiver.rule not in waivable:
            hint = "depin-helm validate --rules lists them"
            yield environment.finding((*path, "rule"), "there is no such rule to waive", hint, rule=ID)
        elif needed is not None and waiver not in needed:
            yield environment.finding(path, "waives nothing: no value breaks that rule", "delete it", rule=ID)


def _covers(waiver: Waiver, finding: Finding) -> bool:
    wanted = parse_path(waiver.path)
    return waiver.rule == finding.rule and parse_path(finding.path)[: len(wanted)] == wanted
