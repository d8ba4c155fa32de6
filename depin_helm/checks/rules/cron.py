"""How schedules are written.

A CronJob's as github.com/robfig/cron/v3's standard parser has it, which Kubernetes uses; Elasticsearch's as
org.elasticsearch.xpack.core.scheduler.Cron has it, which comes from Quartz.
"""

from __future__ import annotations

import re
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
    ends = _numbers(span, names)
    return len(ends) <= 2 and low <= ends[0] <= ends[-1] <= high


def _numbers(span: str, names: Mapping[str, int]) -> list[int]:
    """The ends of a range, -1 for what is none."""
    ends = span.lower().split("-")
    return [names.get(end, int(end) if end.isascii() and end.isdigit() else -1) for end in ends]


#: As above, of Elasticsearch: second, minute, hour, day, month, weekday from Sunday's 1, and a year.
_ELASTIC: tuple[tuple[int, int, Mapping[str, int]], ...] = (
    (0, 59, {}),
    *_FIELDS[:4],
    (1, 7, {name: number for number, name in enumerate(_DAYS, 1)}),
    (1970, 2199, {}),
)
#: The last of a month, the weekday next to a day; the last or the n-th of a weekday.
_DAY, _WEEKDAY = re.compile(r"L|LW|L-\d{1,2}|\d{1,2}W"), re.compile(r"L|([A-Z]{3}|[1-7])(L|#[1-5])")


def is_elastic_schedule(text: str) -> bool:
    """Whether it is six fields, or seven with a year, of which one of both days is `?`."""
    fields = text.upper().split()
    if len(text) > _LONGEST or len(fields) not in (6, 7) or (fields[3] == "?") == (fields[5] == "?"):
        return False
    special = {3: _DAY, 5: _WEEKDAY}
    return all(
        (number in special and (item == "?" or special[number].fullmatch(item))) or _is_span(item, *bounds)
        for number, (field, bounds) in enumerate(zip(fields, _ELASTIC, strict=False))
        for item in field.split(",")
    )


def _is_span(item: str, low: int, high: int, names: Mapping[str, int]) -> bool:
    """`*`, `5`, `22-4`, `*/15`, `/15`, `10/2` with all numbers within the bounds."""
    span, slash, step = item.partition("/")
    if slash and not (step.isascii() and step.isdigit() and 0 < int(step) <= high):
        return False
    if span == "*" or (slash and not span):
        return True
    ends = _numbers(span, names)
    return len(ends) <= 2 and all(low <= end <= high for end in ends)
