"""Facts from small mappings: what an environment gives, over what upstream charts default to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Violation
from depin_helm.checks.rules import RULES
from depin_helm.values import Environment, Origin
from depin_helm.values.merging import Defaults, coalesce
from depin_helm.yamlio import Path, format_path


def facts(
    given: Mapping[str, Any],
    upstream: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    source: str = "values/test.yaml",
    **platform: Any,
) -> Facts:
    """`given` stands in the environment's file, or in `source`; `platform` is put below `global.platform`."""
    given = {"global": {"platform": platform}, **given} if platform else dict(given)
    charts = upstream or {}
    environment = Environment(
        name="test",
        overrides=given,
        values=given,
        origins={path: (Origin(source, 1, 1, value),) for path, value in _walk(given, ())},
        sources=("values.yaml", "values-layered.yaml", "values/test.yaml"),
        defaults=Defaults({"depin-issuers": {"internalCA": {"name": "depin-internal-ca"}}}),
    )
    # Every section is a subchart's, and gets the globals.
    defaults = {name: Defaults(charts.get(name, {})) for name in {*given, *charts} - {"global"}}
    return Facts(environment, coalesce(given, {}, defaults), charts)


def violations(rule: str, seen: Facts) -> list[Violation]:
    """What the rule of this id says of given values."""
    (found,) = [each for each in RULES if each.id == rule]
    return [each for each in found.check(seen) if any(map(seen.given, each.paths))]


def said(
    rule: str,
    given: Mapping[str, Any],
    upstream: Mapping[str, Mapping[str, Any]] | None = None,
    **platform: Any,
) -> list[str]:
    """The places, as text, that the rule finds wrong: of each violation the first."""
    return [format_path(each.paths[0]) for each in violations(rule, facts(given, upstream, **platform))]


def nested(path: str, value: Any) -> dict[str, Any]:
    """`value` at a path such as `a.b.c`; no part may have a dot in it."""
    for part in reversed(path.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if path:
        yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, (*path, index))
