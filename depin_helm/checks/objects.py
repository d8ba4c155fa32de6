"""Kubernetes objects within values, which templates hand on as they are: an upstream chart's, or our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from depin_helm.checks.facts import Facts
from depin_helm.checks.known import Chart
from depin_helm.checks.kubernetes import Api, Problem
from depin_helm.checks.structure import UNKNOWN
from depin_helm.errors import Finding
from depin_helm.upstream import Place, Reads
from depin_helm.yamlio import Path

ID = "kubernetes-object"

#: What tells a whole object, if one of these may be misspelt.
_OBJECT = {"apiVersion", "kind", "metadata"}
#: Where our own sections hold such parts: of which kind, and what path in it.
_OWN: Mapping[Path, Place] = {
    ("depin-issuers", "letsencrypt", "solvers"): Place("ClusterIssuer", ("spec", "acme", "solvers")),
}


def check(facts: Facts, charts: Mapping[str, Chart], api: Api) -> Iterator[Finding]:
    """A finding for each given key or value that the API server would refuse or drop.

    Objects are checked with the chart's defaults in them; what is wrong with those alone is not said.
    """
    environment, inside = facts.environment, set[Path]()
    crds = {kind: schema for chart in charts.values() for kind, schema in chart.crds().items()}
    for path in environment.origins:
        chart = charts.get(str(path[0]))
        if chart is None or len(path) < 2 or any(path[:end] in inside for end in range(2, len(path))):
            continue
        problems = _problems(facts.get(*path), chart.reads(path[1:]), api, crds)
        if problems is None:
            continue
        inside.add(path)
        yield from _findings(facts, path, problems)
    for path, place in _OWN.items():
        candidates = api.candidates(place.kind, place.path, crds)
        yield from _findings(facts, path, api.check(facts.get(*path), candidates))


def _findings(facts: Facts, path: Path, problems: Sequence[Problem]) -> Iterator[Finding]:
    """Those of the problems with the value at `path` that a file, or `--set`, is to blame for."""
    for problem in problems:
        wrong = (*path, *problem.path)
        if facts.given(wrong if wrong in facts.environment.origins else wrong[:-1]):
            yield facts.environment.finding(wrong, problem.message, problem.hint, rule=ID)


def _problems(
    value: Any, reads: Sequence[Reads], api: Api, crds: Mapping[str, Any]
) -> Sequence[Problem] | None:
    """What is wrong with a value that templates hand on; None if they do not, or nobody knows to where."""
    if not any(each.whole for each in reads):
        return None
    if isinstance(value, dict) and len(_OBJECT & value.keys()) >= 2:
        return api.check_object(value, crds)
    places = sorted({place for each in reads for place in each.places})
    if not places:
        return None
    candidates = [schema for place in places for schema in api.candidates(place.kind, place.path, crds)]
    # What a template reads by name as well, it may leave out of the object: `omit .Values.x "enabled"`.
    apart = {key for each in reads for key in each.children}
    return [
        problem
        for problem in api.check(value, candidates)
        if not (len(problem.path) == 1 and problem.path[0] in apart and problem.message == UNKNOWN)
    ]
