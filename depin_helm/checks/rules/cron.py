"""How a CronJob's schedule is written: github.com/robfig/cron/v3's standard parser, which Kubernetes uses."""

from __future__ import annotations

from collections.abc import Mapping

from depin_helm.grammar import is_go_duration

#: Longer than any that is written by hand.
_LONGEST = 1000

_MACROS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
#: Smallest and largest number of each field, and names for numbers. Sunday is 0 and never 7.
_FIELDS: tuple[tuple[int, int, Mapping[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    (0, 6, {name: number for number, name in enumerate(_DAYS)}),
)


def is_schedule(text: str) -> bool:
    """Whether it is five fields or one of the macros; Kubernetes wants no time zone in it."""
    if text.startswith("@every "):
        return is_go_duration(text.removeprefix("@every "))
    if len(text) > _LONGEST:
        return False
    if text.startswith("@"):
        return text in _MACROS
    fields = text.split()
    return len(fields) == len(_FIELDS) and all(
        _is_range(item, *bounds)
        for field, bounds in zip(fields, _FIELDS, strict=True)
        for item in field.split(",")
    )


def _is_range(item: str, low: int, high: int, names: Mapping[str, int]) -> bool:
    """`*`, `5`, `1-5`, `*/15`, `10-20/2` within the bounds."""
    span, slash, step = item.partition("/")
    if slash and not (step.isascii() and step.isdigit() and int(step) > 0):
        return False
    if span in ("*", "?"):
        return True
    ends = [
        names.get(end.lower(), int(end) if end.isascii() and end.isdigit() else -1) for end in span.split("-")
    ]
    return len(ends) <= 2 and low <= ends[0] <= ends[-1] <= high
