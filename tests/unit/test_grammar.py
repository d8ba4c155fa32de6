"""How durations, schedules, networks, host names and URLs are written."""

from __future__ import annotations

import time

import pytest

from depin_helm import grammar
from depin_helm.checks.rules.cron import is_elastic_schedule, is_schedule


@pytest.mark.parametrize("text", ["1", "1.", "10.0.0.0/8,", "a.", "::", "@", "-Xmx", " ", "h://"])
def test_a_long_text_takes_no_time_and_is_nothing(text: str) -> None:
    long = text * 50_000
    begun = time.process_time()
    assert grammar.quantity(long) is None
    assert grammar.prometheus_bytes(f"{long}B") is None
    assert grammar.java_bytes(long) is None
    assert not grammar.is_go_duration(f"{long}s")
    assert not grammar.is_prometheus_duration(f"{long}s")
    assert not grammar.is_network(f"{long}/8")
    assert not grammar.is_address(long)
    assert not grammar.is_host(long)
    assert not grammar.is_url(long)
    assert not is_schedule(long)
    assert not is_elastic_schedule(long)
    assert time.process_time() - begun < 0.2


@pytest.mark.parametrize("text", ["0", "90s", "1h30m", "1.5h", "100ms", "43800h0m0s", "-5m", ".5s"])
def test_gos_durations(text: str) -> None:
    assert grammar.is_go_duration(text)


@pytest.mark.parametrize("text", ["", "90", "1d", "2w", "1 h", "h", "1H", "10min", "five", "1h\n"])
def test_what_go_takes_for_no_duration(text: str) -> None:
    assert not grammar.is_go_duration(text)


@pytest.mark.parametrize("text", ["0", "30s", "1h30m", "30d", "2w", "1y2w3d", "500ms"])
def test_prometheus_durations(text: str) -> None:
    assert grammar.is_prometheus_duration(text)


@pytest.mark.parametrize("text", ["", "30", "1.5h", "30m1h", "30 s", "1us", "30sec", "-5m", "1h1h"])
def test_what_prometheus_takes_for_no_duration(text: str) -> None:
    assert not grammar.is_prometheus_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "0 3 * * *",
        "*/15 0-6 1,15 * 1-5",
        "0 0 1 JAN sun",
        "0 0 1 jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec sun,mon,tue,wed,thu,fri,sat",
        "5/20 * ? * *",
        "@daily",
        "@every 1h30m",
        "0 0 * * mon-fri/2",
    ],
)
def test_schedules(text: str) -> None:
    assert is_schedule(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "0 0 3 * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 7",
        "5-1 * * * *",
        "*/0 * * * *",
        "1-2-3 * * * *",
        "every day",
        "@fortnightly",
        "@every day",
        "TZ=UTC 0 3 * * *",
        "0 3 * * x",
        "0 3 * monday *",
    ],
)
def test_what_is_no_schedule(text: str) -> None:
    assert not is_schedule(text)


@pytest.mark.parametrize(
    "text",
    [
        "0 30 1 * * ?",
        "0 0/15 8-20 ? * MON-FRI",
        "0 0 22-4 ? jan sun,sat 2026-2030",
        "*/30 */5 /2 1,15 * ?",
        "0 0 0 L * ?",
        "0 0 0 L-3 * ?",
        "0 0 0 15W * ?",
        "0 0 0 ? * 6#3",
        "0 0 0 ? * FRIL",
    ],
)
def test_schedules_of_elasticsearch(text: str) -> None:
    assert is_elastic_schedule(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "30 1 * * *",
        "0 30 1 * * *",
        "0 30 1 ? * ?",
        "0 90 1 * * ?",
        "60 0 1 * * ?",
        "0 0 24 * * ?",
        "0 0 0 32 * ?",
        "0 0 0 1 13 ?",
        "0 0 0 ? * 0",
        "0 0 0 ? * 8",
        "0 0 0 1 * ? 1900",
        "0 0 0 1 * ? 2026 1",
        "0 */0 0 1 * ?",
        "0 1-2-3 0 1 * ?",
        "? 0 0 1 * ?",
        "0 0 L 1 * ?",
        "0 0 0 1 * x",
        "@daily",
    ],
)
def test_what_is_no_schedule_of_elasticsearch(text: str) -> None:
    assert not is_elastic_schedule(text)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "192.0.2.1/32", "10.1.2.3/8", "2001:db8::/32", "0.0.0.0/0"])
def test_networks(text: str) -> None:
    assert grammar.is_network(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.0.1",
        "10.0.0.0/33",
        "10.0.0.0/255.0.0.0",
        "10.0.0/8",
        "10.0.0.256/32",
        "/8",
        "10.0.0.0/",
        "010.0.0.0/8",
        "x/8",
        "fe80::1%eth0/64",
    ],
)
def test_what_is_no_network(text: str) -> None:
    assert not grammar.is_network(text)


@pytest.mark.parametrize(
    "text", ["localhost", "grafana.example.com", "*.example.com", "a-1.b", "1e100.net", "xn--bcher-kva.ch"]
)
def test_host_names(text: str) -> None:
    assert grammar.is_host(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Grafana.example.com",
        "https://grafana.example.com",
        "grafana.example.com/path",
        "grafana.example.com:443",
        "grafana_1.example.com",
        "-a.example.com",
        "a-.example.com",
        "a..b",
        "example.com.",
        "a.*.com",
        "*",
        "10.0.0.1",
        "x" * 64 + ".com",
        "a b.com",
        ".".join(["a" * 60] * 5),
    ],
)
def test_what_is_no_host_name(text: str) -> None:
    assert not grammar.is_host(text)


@pytest.mark.parametrize(
    "text", ["https://a", "http://a:9090/b?c#d", "mysql://a/b", "http://[2001:db8::1]:80/", "https://a?b=c"]
)
def test_urls(text: str) -> None:
    assert grammar.is_url(text)


@pytest.mark.parametrize(
    "text",
    ["", "a.example.com", "https:/a", "https://", "https:///a", "//a", "http://a b", "://a", "http//a"],
)
def test_what_is_no_url(text: str) -> None:
    assert not grammar.is_url(text)
