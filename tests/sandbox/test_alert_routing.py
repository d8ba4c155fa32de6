"""Alerts get to whom the values say: by what the real operator makes of them, and Alertmanager's own tool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from depin_helm import yamlio
from tests.charts.conftest import ENVIRONMENTS, renderer
from tests.charts.rendering import Renderer
from tests.monitoring.rules import alerts, with_settings
from tests.sandbox.alertmanagers import Alertmanagers, amtool, operated, read, receivers

__all__ = ["renderer"]

CASE: Mapping[str, Any] = yamlio.load((Path(__file__).parent / "routing/teams.yaml").read_bytes())


@pytest.fixture(scope="module")
def alertmanagers(cache: Path, binaries: dict[str, Path], renderer: Renderer) -> Iterator[Alertmanagers]:
    """An operator of these tests' own."""
    if not renderer.real:
        pytest.skip("the stand-ins have no Alertmanager of the real chart")
    with operated("routing", cache, binaries["kubectl"], renderer) as found:
        yield found


@pytest.fixture(scope="module")
def teams(alertmanagers: Alertmanagers, renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration that comes of the case's values."""
    platform = with_settings(renderer, CASE["values"])
    file: Path = tmp_path_factory.mktemp("teams") / "alertmanager.yaml"
    file.write_text(alertmanagers.configuration(platform, "teams", CASE["secrets"]))
    assert alertmanagers.warnings("teams") == []
    return file


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_environments_alertmanager_has_a_configuration_that_sends_nothing_yet(
    environment: str, alertmanagers: Alertmanagers, renderer: Renderer, tmp_path: Path
) -> None:
    file = tmp_path / "alertmanager.yaml"
    file.write_text(alertmanagers.configuration(renderer.layered(environment), environment))
    assert "SUCCESS" in amtool("check-config", file)
    assert read(file.read_text())["receivers"] == [{"name": f"{environment}/depin-alerting/nobody"}]
    assert receivers(file, {"alertname": "DePINNodeDown", "severity": "critical"}) == ["nobody"]
    assert alertmanagers.warnings(environment) == []


def test_alertmanager_takes_what_comes_of_every_kind_of_receiver(teams: Path) -> None:
    assert f"{1 + len(CASE['values']['alerting']['receivers']) + 1} receivers" in amtool(
        "check-config", teams
    )


@pytest.mark.parametrize(
    ("labels", "whom"),
    CASE["routes"],
    ids=lambda value: value.get("alertname") if isinstance(value, dict) else None,
)
def test_an_alert_gets_to_whom_the_table_says(labels: dict[str, str], whom: list[str], teams: Path) -> None:
    assert receivers(teams, labels) == whom


def test_a_table_that_is_wrong_is_found(teams: Path) -> None:
    labels, whom = CASE["routes"][0]
    assert receivers(teams, {**labels, "team": "platform"}) != whom


def test_the_operator_says_which_secret_is_missing(alertmanagers: Alertmanagers, renderer: Renderer) -> None:
    said = alertmanagers.refused(with_settings(renderer, CASE["values"]), "bare")
    assert any(f'"{name}"' in said for name in CASE["secrets"]), said


def test_no_route_is_confined_to_a_namespace(teams: Path) -> None:
    assert "namespace=" not in teams.read_text()


def test_settings_of_a_route_and_of_all_arrive(teams: Path) -> None:
    root = read(teams.read_text())["route"]
    assert (root["group_wait"], root["group_interval"], root["repeat_interval"]) == ("30s", "5m", "4h")
    assert root["group_by"] == ["alertname", "region", "namespace"]
    route = next(each for each in root["routes"] if each["receiver"].endswith("/automation"))
    assert route["group_by"] == ["alertname", "pod"]
    assert (route["group_wait"], route["group_interval"], route["repeat_interval"]) == ("1m", "10m", "12h")
    assert [name.rpartition("/")[2] for name in route["mute_time_intervals"]] == ["weekends"]


def test_the_watchdog_goes_out_again_and_again_and_is_never_resolved(teams: Path) -> None:
    configuration = read(teams.read_text())
    first = configuration["route"]["routes"][0]
    assert (first["group_wait"], first["group_interval"], first["repeat_interval"]) == ("0s", "1m", "1s")
    (switch,) = (each for each in configuration["receivers"] if each["name"].endswith("/dead-mans-switch"))
    assert [config["send_resolved"] for config in switch["webhook_configs"]] == [False]


def test_alerts_that_inhibit_each_other_exist_and_have_the_labels_for_it(
    teams: Path, renderer: Renderer
) -> None:
    ours = alerts(with_settings(renderer, {}))
    rules = read(teams.read_text())["inhibit_rules"]
    assert any(
        'alertname=~"DePINNodeDown' in matcher for rule in rules for matcher in rule["source_matchers"]
    )
    assert "group_left (node)" in ours["KubernetesPodNotReady"]["expr"]
    assert "group_left (node)" in ours["KubernetesPodCrashLooping"]["expr"]


def test_production_has_alertmanagers_enough_to_lose_one(
    renderer: Renderer, alertmanagers: Alertmanagers
) -> None:
    (alertmanager,) = renderer.layered("prod").of_kind("Alertmanager")
    assert alertmanager.data["spec"]["replicas"] >= 2
