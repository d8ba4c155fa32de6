"""Kinds of values: times, levels, numbers, lengths."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.logs.emulation import Pipeline

VALUES: Any = Pipeline().module("values")


def time(value: object) -> tuple[int, int] | None:
    found = VALUES.time(value)
    return None if found is None else (found.sec, found.nsec)


@given(
    st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30)),
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_a_time_of_any_zone_is_read(local: datetime, zone: timezone) -> None:
    moment = local.replace(tzinfo=zone)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    assert time(moment.isoformat()) == (since // timedelta(seconds=1), moment.microsecond * 1000)


@pytest.mark.parametrize(
    ("value", "seconds", "nanoseconds"),
    [
        ("2026-11-28T07:12:14.123456789Z", 1795849934, 123456789),
        ("2026-11-28 07:12:14,5+0100", 1795846334, 500000000),
        (1795849934, 1795849934, 0),
        ("1795849934.25", 1795849934, 250000000),
        (1795849934123, 1795849934, 123000000),
        (1795849934123456, 1795849934, 123456000),
        (1795849934123456789, 1795849934, 123457000),
    ],
)
def test_a_time_has_its_unit_from_its_size(value: object, seconds: int, nanoseconds: int) -> None:
    assert time(value) == (seconds, nanoseconds)


@pytest.mark.parametrize(
    "value", ["yesterday", "2026-11-28", "2026-13-28T07:12:14Z", "2026-11-28T07:12:14", 17, -1, ""]
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert time(value) is None


@pytest.mark.parametrize(
    ("value", "level"),
    [
        *(("INFO", "info"), ("Warning", "warn"), ("eror", "error"), ("CRIT", "fatal"), (" notice ", "info")),
        *((30, "info"), ("60", "fatal"), ("E", "error"), ("dpanic", "fatal"), ("TRACE", "trace")),
    ],
)
def test_levels_have_one_name(value: object, level: str) -> None:
    assert VALUES.level(value) == level


@pytest.mark.parametrize("value", ["loud", 35, 70, "", True])
def test_what_is_no_level_is_none(value: object) -> None:
    assert VALUES.level(value) is None


@given(st.text(), st.integers(0, 40))
def test_a_text_is_cut_between_characters(text: str, most: int) -> None:
    cut, shortened = VALUES.cut(text, most)
    assert text.startswith(cut)
    assert len(cut.encode()) <= most < len(cut.encode()) + 4 or not shortened
    assert shortened == (len(text.encode()) > most)


@given(st.integers(-(10**14), 10**14) | st.floats(-1e14, 1e14, allow_nan=False))
def test_a_number_is_printed_as_it_is(number: float) -> None:
    assert float(VALUES.printed(number)) == pytest.approx(number, rel=1e-13)


@pytest.mark.parametrize("value", ["192.0.2.1", "2001:db8::1", "::1", "::ffff:192.0.2.1"])
def test_an_address_is_taken(value: str) -> None:
    assert VALUES.ip(value) == value


@pytest.mark.parametrize("value", ["300.0.0.1", "1.2.3", "host", "12:30", "-"])
def test_what_is_no_address_is_none(value: str) -> None:
    assert VALUES.ip(value) is None
