"""Where alerts go: whoever is named is there, can be reached, and gets what is meant for them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.building import said

AT = "depin-monitoring.alerting"
USED = "kube-prometheus-stack.alertmanager.alertmanagerSpec.alertmanagerConfiguration"
HOOK = {"webhookConfigs": [{"urlSecret": {"name": "hook", "key": "url"}}]}
REFERENCE = {"name": "a", "key": "b"}
MAIL = {"to": "a@example.com", "from": "b@example.com", "smarthost": "c.example.com:587"}


def found(rule: str, alerting: dict[str, Any], use: Any = "depin-alerting", **stack: Any) -> list[str]:
    used = {"alertmanagerSpec": {"alertmanagerConfiguration": {"name": use} if isinstance(use, str) else use}}
    return said(
        rule,
        {
            "depin-monitoring": {"alerting": {"enabled": True, **alerting}},
            "kube-prometheus-stack": {"alertmanager": {**used, **stack}},
        },
    )


def test_a_route_and_the_rest_lead_to_receivers_that_there_are() -> None:
    alerting: dict[str, Any] = {
        "receiver": "team",
        "receivers": {"team": HOOK, "gone": None},
        "routes": {"depin": [{"receiver": "team"}, {"receiver": "gone"}], "all": [{"receiver": "tem"}]},
    }
    wrong = [f"{AT}.routes.depin[1].receiver", f"{AT}.routes.all[0].receiver"]
    assert found("alert-receiver", alerting) == wrong
    assert found("alert-receiver", {**alerting, "receiver": "nobody"}) == [f"{AT}.receiver", *wrong]
    assert found("alert-receiver", {**alerting, "receiver": "", "enabled": False}) == []


@pytest.mark.parametrize(
    ("kind", "config", "wrong"),
    [
        ("slackConfigs", {"channel": "#a"}, ""),
        ("slackConfigs", {"apiURL": REFERENCE}, None),
        ("slackConfigs", {"apiURL": {"name": "", "key": "b"}}, "apiURL"),
        ("slackConfigs", {"apiURL": {"key": "b"}}, "apiURL"),
        ("pagerdutyConfigs", {"serviceKey": REFERENCE}, None),
        ("pagerdutyConfigs", {}, ""),
        ("webhookConfigs", {"url": "https://example.com"}, None),
        ("webhookConfigs", {"maxAlerts": 3}, ""),
        ("emailConfigs", MAIL, None),
        ("emailConfigs", {**MAIL, "authUsername": "a"}, "authUsername"),
        ("emailConfigs", {**MAIL, "authUsername": "a", "authPassword": REFERENCE}, None),
        ("emailConfigs", {"to": "a@example.com", "from": "b@example.com"}, ""),
        ("telegramConfigs", {"chatID": 1}, ""),
        ("snsConfigs", {"topicARN": "a"}, None),
    ],
)
def test_a_receiver_has_what_it_needs(kind: str, config: dict[str, Any], wrong: str | None) -> None:
    at = f"{AT}.receivers.a.{kind}[0]"
    expected = [] if wrong is None else [f"{at}.{wrong}" if wrong else at]
    assert found("receiver-credentials", {"receivers": {"a": {kind: [config]}}}) == expected


def test_what_alertmanager_says_for_all_need_not_be_said_again() -> None:
    use = {
        "name": "depin-alerting",
        "global": {"slackApiUrl": REFERENCE, "smtp": {"from": "a", "smartHost": {}}},
    }
    assert found("receiver-credentials", {"receivers": {"a": {"slackConfigs": [{}]}}}, use) == []
    mail = {"emailConfigs": [{"to": "a@example.com", "smarthost": "c:587"}]}
    assert found("receiver-credentials", {"receivers": {"a": mail}}, use) == []


def test_a_receiver_tells_somebody_and_the_switch_has_an_address() -> None:
    assert found("receiver-credentials", {"receivers": {"a": {}}}) == [f"{AT}.receivers.a"]
    switch = {"enabled": True, "urlSecret": {"name": "", "key": "url"}}
    assert found("receiver-credentials", {"deadMansSwitch": switch}) == [f"{AT}.deadMansSwitch.urlSecret"]
    assert found("receiver-credentials", {"deadMansSwitch": {**switch, "enabled": False}}) == []


def test_times_that_routes_name_are_defined() -> None:
    route = {"receiver": "a", "muteTimeIntervals": ["weekends", "nights"], "activeTimeIntervals": ["gone"]}
    alerting = {"routes": {"all": [route]}, "timeIntervals": {"weekends": [{}], "gone": None}}
    at = f"{AT}.routes.all[0]"
    assert found("time-interval", alerting) == [f"{at}.muteTimeIntervals[1]", f"{at}.activeTimeIntervals[0]"]


@pytest.mark.parametrize(
    ("depin", "others", "wrong"),
    [
        ([{"receiver": "a"}], [{"receiver": "b"}], None),
        ([{"receiver": "a"}, {"receiver": "b"}], [], "depin[0]"),
        ([{"receiver": "a", "continue": True}, {"receiver": "b"}], [], None),
        ([{"receiver": "a", "severity": "critical"}, {"receiver": "b"}], [], None),
        ([{"receiver": "a", "matchers": []}, {"receiver": "b"}], [], "depin[0]"),
        ([], [{"receiver": "a"}, {"receiver": "b", "team": "c"}, {"receiver": "d"}], "all[0]"),
    ],
)
def test_nothing_stands_behind_a_route_that_takes_everything(
    depin: Any, others: Any, wrong: str | None
) -> None:
    expected = [f"{AT}.routes.{wrong}"] if wrong else []
    assert found("unreachable-route", {"routes": {"depin": depin, "all": others}}) == expected


def test_alertmanager_uses_what_is_made_and_nothing_is_made_in_vain() -> None:
    receivers = {"receivers": {"a": HOOK}}
    assert found("alerting-unused", receivers) == []
    assert found("alerting-unused", receivers, None) == [f"{AT}.receivers"]
    assert found("alerting-unused", receivers, "another") == [f"{AT}.receivers"]
    assert found("alerting-unused", {}, None) == []
    assert found("alerting-unused", {"enabled": False}) == [f"{AT}.enabled"]
    assert found("alerting-unused", {"enabled": False}, None) == []
    assert found("alerting-unused", {"enabled": False}, enabled=False) == []
