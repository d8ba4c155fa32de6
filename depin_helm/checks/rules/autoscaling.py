"""The rule about autoscalers: the least number of pods is not above the largest."""

from __future__ import annotations

from collections.abc import Iterator

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation

_LEAST, _MOST = "minReplicas", "maxReplicas"


def _bounds(facts: Facts) -> Iterator[Violation]:
    for path, section in facts.live:
        if not isinstance(section, dict) or not {_LEAST, _MOST} <= section.keys():
            continue
        # Charts make no autoscaler for pods of a DaemonSet: there is one on each node.
        if section.get("enabled") is False or facts.get(*path[:-1], "kind") == "DaemonSet":
            continue
        least, most = facts.number(*path, _LEAST), facts.number(*path, _MOST)
        if least is not None and most is not None and least > most:
            yield Violation(
                ((*path, _LEAST), (*path, _MOST)),
                f"{_LEAST} {least:g} is above {_MOST} {most:g}",
                f"at most {most:g}, or a larger {_MOST}",
            )


RULES = (
    Rule(
        "autoscaling",
        "an autoscaler's least number of pods is not above the largest",
        "the API server refuses the autoscaler",
        _bounds,
    ),
)
