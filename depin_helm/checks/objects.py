"""Kubernetes objects and single values that templates hand on: those of upstream charts, and our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from depin_helm.checks import words
from depin_helm.checks.facts import Facts, lookup
from depin_helm.checks.known import Chart
from depin_helm.checks.kubernetes import ITEM, Api
from depin_helm.checks.scalars import DURATION, QUANTITY, Problem
from depin_helm.checks.structure import UNKNOWN, Structure, problems
from depin_helm.errors import Finding
from depin_helm.upstream import Place, Print, Reads
from depin_helm.yamlio import Path, plain

ID = "kubernetes-object"

#: What tells a whole object, if one of these may be misspelt.
_OBJECT = {"apiVersion", "kind", "metadata"}
#: Where our own sections hold such parts, `ITEM` for each value of a map: of which kind, and what path in it.
_OWN: Mapping[Path, Place] = {
    ("depin-monitoring", "externalEdges", ITEM): Place("ScrapeConfig", ("spec",)),
    ("depin-monitoring", "alerting", "inhibition", ITEM): Place(
        "AlertmanagerConfig", ("spec", "inhibitRules", ITEM)
    ),
    ("depin-monitoring", "alerting", "receivers", ITEM): Place(
        "AlertmanagerConfig", ("spec", "receivers", ITEM)
    ),
    ("depin-monitoring", "alerting", "timeIntervals", ITEM): Place(
        "AlertmanagerConfig", ("spec", "muteTimeIntervals", "timeIntervals")
    ),
    ("depin-issuers", "letsencrypt", "solvers"): Place("ClusterIssuer", ("spec", "acme", "solvers")),
}


def check(facts: Facts, charts: Mapping[str, Chart], api: Api) -> Iterator[Finding]:
    """A finding for each given key or value that the API server would refuse or drop.

    Objects are checked with the chart's defaults in them; what is wrong with those alone is not said. So is
    text that templates only compare with other words.
    """
    environment, inside = facts.environment, set[Path]()
    crds = {kind: schema for chart in charts.values() for kind, schema in chart.crds().items()}
    for path in environment.origins:
        chart = charts.get(str(path[0]))
        if chart is None or len(path) < 2 or any(path[:end] in inside for end in range(2, len(path))):
            continue
        value, reads = facts.get(*path), chart.reads(path[1:])
        found = _problems(value, reads, api, crds)
        if found is None:
            found = _printed(value, reads, api, crds)
            if not found and facts.given(path):
                mistaken = words.mistaken(value, lookup(chart.defaults, path[1:]), reads)
                if mistaken is not None:
                    yield environment.finding(path, *mistaken, rule=words.ID)
        elif isinstance(value, dict | list):
            inside.add(path)
        yield from _findings(facts, path, found)
    for where, place in _OWN.items():
        candidates = api.candidates(place.kind, place.path, crds)
        for path in _places(facts, where):
            yield from _findings(facts, path, api.check(facts.get(*path), candidates))


def _places(facts: Facts, where: Path) -> list[Path]:
    if where[-1] != ITEM:
        return [where]
    values = facts.get(*where[:-1])
    return [(*where[:-1], name) for name in values] if isinstance(values, dict) else []


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


# --- single values -----------------------------------------------------------------------------

#: What is said of text that is none to the API server, as nobody quotes it.
_BARE = "comes out as something else than text, which it must be"
_QUOTES = "the template does not quote it: write it in two pairs of quotes, '\"…\"'"


def _printed(value: Any, reads: Sequence[Reads], api: Api, crds: Mapping[str, Any]) -> Sequence[Problem]:
    """What is wrong with a value that templates print where Kubernetes wants one of some kind."""
    if value is None or value in ("", [], {}) or (isinstance(value, str) and "{{" in value):
        return ()
    # A word that templates know has its own meaning, and of a map they may print a part.
    if any(each.kinds or each.children or value in tuple(each.words) for each in reads):
        return ()
    for where in sorted({where for each in reads for where in each.prints}):
        schemas = api.exact(where.place.kind, where.place.path, crds)
        found = [tuple(_of(value, where, Structure(schema, api.definitions))) for schema in schemas]
        if found and all(found):
            closest = min(found, key=len)
            # Rules know more of these, such as which units there are.
            return [each for each in closest if each.message not in (DURATION, QUANTITY)]
    return ()


def _of(value: Any, where: Print, structure: Structure) -> Iterator[Problem]:
    kind = structure.kind
    if kind in ("", "object", "array"):  # the template writes brackets, or knows better
        return
    if isinstance(value, dict | list):
        yield from problems(value, structure, whole=True)
    elif where.quoted:
        if kind not in ("string", "quantity", "int-or-string"):
            return
        yield from problems(str(value), structure, whole=True)
    else:
        comes_out = plain(value) if isinstance(value, str) else value
        if comes_out is not None and kind == "string" and not isinstance(comes_out, str):
            yield Problem((), _BARE, _QUOTES)
        else:
            yield from problems(comes_out, structure, whole=True)
