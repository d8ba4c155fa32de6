"""Rules about disruption budgets: a node's pods must be able to leave it, but not all of one kind at once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.yamlio import Path, format_path

_PERCENTAGE = re.compile(r"([0-9]{1,9})%")
_COUNT = re.compile(r"[0-9]{1,9}")
_KPS = "kube-prometheus-stack"
_WEBHOOK = (_KPS, "prometheusOperator", "admissionWebhooks", "deployment")
_ONE = "one of them; null takes a default away"


@dataclass(frozen=True)
class _Budget:
    """Where a chart has a budget, and how its template makes one.

    at        the section with minAvailable and maxUnavailable
    replicas  where their number stands; () where the chart makes one
    parts     sections that must not be off
    switch    whether the budget is made only with `enabled`
    least     minAvailable if neither is given
    zero      whether a 0 gets into the budget; else the template drops it
    scaled    the section with `enabled` and maxReplicas of an autoscaler
    times     a number by which replicas are multiplied
    replaces  whether the template drops minAvailable where there is a maxUnavailable
    only      the keys that the template reads
    made      what else must be true for a budget to be made
    """

    at: Path
    replicas: Path
    parts: tuple[Path, ...] = ()
    switch: bool = True
    least: int | None = None
    zero: bool = True
    scaled: Path = ()
    times: Path = ()
    replaces: bool = False
    only: tuple[str, ...] = ("maxUnavailable", "minAvailable")
    made: Callable[[Facts], bool] = lambda facts: True


def _several(facts: Facts) -> bool:
    """ingress-nginx has a budget for a Deployment of more than one replica."""
    controller = ("ingress-nginx", "controller")
    if facts.get(*controller, "kind") not in (None, "Deployment"):
        return False
    return _count(facts, (*controller, "replicaCount"), (*controller, "autoscaling"), "minReplicas") > 1


def _several_backends(facts: Facts) -> bool:
    backend = ("ingress-nginx", "defaultBackend")
    replicas = _count(facts, (*backend, "replicaCount"), (*backend, "autoscaling"), "minReplicas")
    return facts.get(*backend, "enabled") is True and replicas > 1


_NGINX = (
    _Budget(
        ("ingress-nginx", part),
        ("ingress-nginx", part, "replicaCount"),
        switch=False,
        zero=False,
        scaled=("ingress-nginx", part, "autoscaling"),
        replaces=True,
        made=made,
    )
    for part, made in (("controller", _several), ("defaultBackend", _several_backends))
)
_CERT_MANAGER = (
    _Budget(
        ("cert-manager", *part, "podDisruptionBudget"),
        ("cert-manager", *part, "replicaCount"),
        parts=(("cert-manager", *part),),
        least=1,
    )
    for part in ((), ("webhook",), ("cainjector",))
)
_OPERATED = (
    _Budget(
        (_KPS, part, "podDisruptionBudget"),
        (_KPS, part, f"{part}Spec", "replicas"),
        parts=((_KPS, part),),
        times=(_KPS, part, f"{part}Spec", "shards"),
    )
    for part in ("prometheus", "alertmanager", "thanosRuler")
)
_BUDGETS = (
    *_CERT_MANAGER,
    *_NGINX,
    *_OPERATED,
    _Budget((_KPS, "prometheusOperator", "podDisruptionBudget"), (), parts=((_KPS, "prometheusOperator"),)),
    _Budget(
        (*_WEBHOOK, "podDisruptionBudget"),
        (*_WEBHOOK, "replicas"),
        parts=((_KPS, "prometheusOperator"), _WEBHOOK),
        made=lambda facts: facts.get(*_WEBHOOK, "enabled") is True,
    ),
    _Budget(
        (_KPS, "grafana", "podDisruptionBudget"),
        (_KPS, "grafana", "replicas"),
        parts=((_KPS, "grafana"),),
        switch=False,
        zero=False,
        scaled=(_KPS, "grafana", "autoscaling"),
    ),
    _Budget(
        (_KPS, "kube-state-metrics", "podDisruptionBudget"),
        (_KPS, "kube-state-metrics", "replicas"),
        parts=((_KPS, "kubeStateMetrics"),),
        switch=False,
    ),
    _Budget(
        ("elasticsearch",), ("elasticsearch", "replicas"), switch=False, zero=False, only=("maxUnavailable",)
    ),
    _Budget(
        ("fluent-bit", "podDisruptionBudget"),
        ("fluent-bit", "replicaCount"),
        scaled=("fluent-bit", "autoscaling"),
        only=("maxUnavailable",),
        made=lambda facts: facts.get("fluent-bit", "kind") == "Deployment",
    ),
)


def _forbidden(facts: Facts) -> Iterator[Violation]:
    for budget, section in _applicable(facts):
        given = _given(budget, section)
        if _is_made(budget, section) and len(given) < 2:  # with both, it is refused
            yield from _check(facts, budget, given)


def _check(facts: Facts, budget: _Budget, given: dict[str, Any]) -> Iterator[Violation]:
    replicas = _count(facts, budget.replicas, budget.scaled, "maxReplicas") if budget.replicas else 1
    if budget.times:
        replicas *= _count(facts, budget.times)
    if replicas < 1:
        return
    switch = (*budget.at, "enabled")
    if "maxUnavailable" in given:
        if _amount(given["maxUnavailable"], replicas) == 0:
            yield Violation(
                ((*budget.at, "maxUnavailable"), switch), "lets no pod leave", "maxUnavailable: 1"
            )
        return
    wanted = _amount(given.get("minAvailable", budget.least), replicas)
    if wanted is not None and wanted >= replicas:
        place = (*budget.at, "minAvailable") if "minAvailable" in given else switch
        yield Violation(
            (place, switch, *filter(None, [budget.replicas])),
            f"all of {replicas} pods must stay" if replicas > 1 else "the only pod must stay",
            "maxUnavailable: 1, or more replicas"
            if budget.replicas
            else "leave it off: there is only one pod",
        )


def _doubled(facts: Facts) -> Iterator[Violation]:
    for budget, section in _applicable(facts):
        if _is_made(budget, section) and len(_given(budget, section)) > 1:
            yield Violation(
                tuple((*budget.at, key) for key in reversed(budget.only)),
                f"{' and '.join(reversed(budget.only))} exclude each other",
                _ONE,
            )
        least, most = ((*budget.at, key) for key in ("minAvailable", "maxUnavailable"))
        if budget.replaces and facts.chosen(least) and None not in (facts.get(*least), facts.get(*most)):
            yield Violation((least, most), "the chart drops minAvailable beside a maxUnavailable", _ONE)


def _missing(facts: Facts) -> Iterator[Violation]:
    for budget, section in _applicable(facts):
        least = (*budget.scaled, "minReplicas")
        scaled = bool(budget.scaled) and facts.get(*budget.scaled, "enabled") is True
        replicas = _count(facts, budget.replicas, budget.scaled, "minReplicas") if budget.replicas else 1
        if replicas > 1 and not _is_made(budget, section):
            switch = (*budget.at, "enabled" if budget.switch else "maxUnavailable")
            number = least if scaled else budget.replicas
            yield Violation(
                # A 0 that the template drops is the mistake; else the number is.
                (switch, number)
                if not budget.switch and section.get("maxUnavailable") == 0
                else (number, switch),
                f"{replicas} pods have no disruption budget",
                f"{format_path(switch)}: {'true' if budget.switch else 1}",
            )


def _applicable(facts: Facts) -> Iterator[tuple[_Budget, dict[str, Any]]]:
    """Budgets of what is turned on, with their sections."""
    for budget in _BUDGETS:
        section = facts.get(*budget.at)
        if not isinstance(section, dict) or not facts.enabled(str(budget.at[0])) or not budget.made(facts):
            continue
        if not any(facts.get(*part, "enabled") is False for part in budget.parts):
            yield budget, section


def _is_made(budget: _Budget, section: dict[str, Any]) -> bool:
    return section.get("enabled") is True if budget.switch else bool(_given(budget, section))


def _given(budget: _Budget, section: dict[str, Any]) -> dict[str, Any]:
    """The limits that get into the budget."""
    given = {key: section[key] for key in budget.only if section.get(key) is not None}
    if budget.replaces and "maxUnavailable" in given:
        given.pop("minAvailable", None)
    return {key: value for key, value in given.items() if budget.zero or value != 0}


def _count(facts: Facts, replicas: Path, scaled: Path = (), limit: str = "") -> int:
    """How many pods there are; with an autoscaler, its `limit`; 1 where nothing is said."""
    if scaled and facts.get(*scaled, "enabled") is True:
        replicas = (*scaled, limit)
    number = facts.number(*replicas)
    if facts.get(*replicas) is None:
        return 1
    return int(number) if number is not None and math.isfinite(number) else 0


def _amount(value: Any, replicas: int) -> int | None:
    """A number of pods, or a percentage of them, which Kubernetes rounds up; None if it is neither."""
    match = _PERCENTAGE.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        return math.ceil(int(match[1]) * replicas / 100)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return value if isinstance(value, int) else int(value) if _COUNT.fullmatch(value) else None


RULES = (
    Rule(
        "disruption-budget",
        "a disruption budget lets pods be evicted one after the other",
        "a node with such a pod cannot be drained, and so not be upgraded",
        _forbidden,
    ),
    Rule(
        "budget-with-two-limits",
        "a disruption budget has minAvailable or maxUnavailable, not both",
        "the API server refuses it, or it has another limit than the values say",
        _doubled,
    ),
    Rule(
        "no-disruption-budget",
        "what runs in several pods has a disruption budget",
        "when nodes are drained, all of them may go at once",
        _missing,
    ),
)
