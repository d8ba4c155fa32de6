"""Each alert fires when it should, and only then: the cases in `alerts/`, by promtool.

A file is one of promtool's (https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/),
without what is the same in all of them. What stands before the colon in a case's name is its kind.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from depin_helm import yamlio
from tests.charts.rendering import Renderer
from tests.monitoring.conftest import Promtool
from tests.monitoring.rules import COMPONENT, groups, names_in_files, with_settings, write

CASES = Path(__file__).parent / "alerts"
ALERTS = sorted(file.stem for file in CASES.glob("*.yaml"))
KINDS = {"firing", "not firing", "flapping", "missing series"}
#: Fires whatever happens.
ALWAYS = {"Watchdog"}

#: Settings with which nothing is ever bad enough, and with which everything is.
BLUNT: Mapping[str, Mapping[str, Any]] = {
    "DePINNodeDown": {"threshold": 10**9},
    "HighAIComputeLoad": {"threshold": 1},
    "EdgeNodeLatency": {"threshold": 1000},
    "VolumeFillingUp": {"threshold": 0, "full": 0},
    "CertificateExpiringSoon": {"threshold": 0},
    "IngressHighErrorRate": {"threshold": 1},
    "IngressHighLatency": {"threshold": 1000},
    "ElasticsearchDiskWatermark": {"threshold": 1},
    "FluentBitDroppingRecords": {"threshold": 10**9},
    "FluentBitRetrying": {"threshold": 10**9},
    "PrometheusStorageFailing": {"threshold": 10**9},
    "AlertmanagerFailingToNotify": {"threshold": 1},
}
SHARP: Mapping[str, Mapping[str, Any]] = {
    "DePINNodeDown": {"threshold": 1},
    "HighAIComputeLoad": {"threshold": 0.01},
    "EdgeNodeLatency": {"threshold": 0.001},
    "VolumeFillingUp": {"threshold": 1, "full": 1},
    "CertificateExpiringSoon": {"threshold": 1000},
    "IngressHighErrorRate": {"threshold": 0.001},
    "IngressHighLatency": {"threshold": 0.01},
    "ElasticsearchDiskWatermark": {"threshold": 0.01},
    "FluentBitRetrying": {"threshold": 0},
    "PrometheusStorageFailing": {"threshold": 0},
}


class Cases:
    """Runs an alert's cases against a set of rules."""

    def __init__(self, found: list[dict[str, Any]], promtool: Promtool, folder: Path) -> None:
        self._promtool = promtool
        self._folder = folder
        self._names = [group["name"] for group in found]
        write(_short(found), folder / "rules.yaml")

    def fail(self, alert: str) -> str:
        """What promtool has to say against them; nothing if all is as it should be."""
        cases = yamlio.load((CASES / f"{alert}.yaml").read_bytes())
        frame = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "group_eval_order": self._names}
        file = self._folder / f"{alert}.yaml"
        file.write_text(yamlio.dump({**frame, **cases}))
        tested = self._promtool("test", "rules", file, cwd=self._folder)
        return "" if tested.returncode == 0 else tested.stdout


def _short(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without links and descriptions, which every expected alert would have to repeat."""
    short = copy.deepcopy(found)
    for group in short:
        for rule in group["rules"]:
            if "annotations" in rule:
                rule["annotations"] = {"summary": rule["annotations"]["summary"]}
    return short


def cases_with(settings: Mapping[str, Any], renderer: Renderer, promtool: Promtool, folder: Path) -> Cases:
    platform = with_settings(renderer, {"alerts": settings})
    return Cases(groups(platform, COMPONENT), promtool, folder)


@pytest.fixture(scope="module")
def cases(renderer: Renderer, promtool: Promtool, tmp_path_factory: pytest.TempPathFactory) -> Cases:
    return cases_with({}, renderer, promtool, tmp_path_factory.mktemp("cases"))


@pytest.fixture(scope="module")
def blunt(renderer: Renderer, promtool: Promtool, tmp_path_factory: pytest.TempPathFactory) -> Cases:
    return cases_with(BLUNT, renderer, promtool, tmp_path_factory.mktemp("blunt"))


@pytest.fixture(scope="module")
def sharp(renderer: Renderer, promtool: Promtool, tmp_path_factory: pytest.TempPathFactory) -> Cases:
    return cases_with(SHARP, renderer, promtool, tmp_path_factory.mktemp("sharp"))


@pytest.fixture(scope="module")
def patient(renderer: Renderer, promtool: Promtool, tmp_path_factory: pytest.TempPathFactory) -> Cases:
    settings = {alert: {"for": "30h"} for alert in ALERTS}
    return cases_with(settings, renderer, promtool, tmp_path_factory.mktemp("patient"))


@pytest.fixture(scope="module")
def hasty(renderer: Renderer, promtool: Promtool, tmp_path_factory: pytest.TempPathFactory) -> Cases:
    settings = {alert: {"for": "0s"} for alert in ALERTS}
    return cases_with(settings, renderer, promtool, tmp_path_factory.mktemp("hasty"))


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_fires_when_it_should_and_only_then(cases: Cases, alert: str) -> None:
    assert cases.fail(alert) == ""


def test_every_alert_has_cases() -> None:
    assert set(ALERTS) == names_in_files()


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alerts_cases_are_of_every_kind_and_about_it(alert: str) -> None:
    tests = yamlio.load((CASES / f"{alert}.yaml").read_bytes())["tests"]
    kinds = {case["name"].partition(":")[0] for case in tests}
    assert kinds == (KINDS - {"not firing", "flapping"} if alert in ALWAYS else KINDS)
    asked = [test for case in tests for test in case["alert_rule_test"]]
    assert {test["alertname"] for test in asked} == {alert}
    for case in tests:
        if case["name"].startswith("firing"):
            assert case["alert_rule_test"][-1]["exp_alerts"], case["name"]
        if case["name"].startswith("not firing"):
            assert not any(test["exp_alerts"] for test in case["alert_rule_test"]), case["name"]


def test_every_threshold_is_turned_both_ways(renderer: Renderer) -> None:
    defaults = renderer.defaults[COMPONENT]["alerts"]
    with_threshold = {alert: settings for alert, settings in defaults.items() if "threshold" in settings}
    assert set(BLUNT) == set(with_threshold)
    # What is 0 already cannot be sharper, nor can one in a hundred be for what fails or does not.
    assert set(SHARP) == {alert for alert in with_threshold if with_threshold[alert]["threshold"] > 0.01}


@pytest.mark.parametrize("alert", sorted(BLUNT))
def test_a_threshold_that_is_too_high_is_found(blunt: Cases, alert: str) -> None:
    assert "FAILED" in blunt.fail(alert)


@pytest.mark.parametrize("alert", sorted(SHARP))
def test_a_threshold_that_is_too_low_is_found(sharp: Cases, alert: str) -> None:
    assert "FAILED" in sharp.fail(alert)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_that_comes_too_late_is_found(patient: Cases, alert: str) -> None:
    assert "FAILED" in patient.fail(alert)


@pytest.mark.parametrize("alert", sorted(set(ALERTS) - ALWAYS))
def test_an_alert_that_comes_too_soon_is_found(hasty: Cases, alert: str) -> None:
    assert "FAILED" in hasty.fail(alert)
