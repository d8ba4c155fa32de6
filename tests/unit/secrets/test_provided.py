"""Secrets that people provide are told from the values that name them."""

from __future__ import annotations

from typing import Any

import pytest

from depin_helm import secrets


def found(alerting: dict[str, Any], **section: Any) -> dict[str, list[str]]:
    values = {"depin-monitoring": {"alerting": {"enabled": True, **alerting}, **section}}
    return {str(spec): list(spec.rules) for spec in secrets.provided(values)}


RECEIVERS: dict[str, Any] = {
    "on-call": {"pagerdutyConfigs": [{"routingKey": {"name": "pagerduty", "key": "routing-key"}}]},
    "team": {
        "slackConfigs": [{"apiURL": {"name": "slack", "key": "url"}, "channel": "#a"}],
        "emailConfigs": [
            {
                "authPassword": {"name": "smtp", "key": "password"},
                "headers": [{"key": "Subject", "value": "a"}],
                "tlsConfig": {
                    "ca": {"configMap": {"name": "authority", "key": "ca.crt"}},
                    "cert": {"secret": {"name": "smtp", "key": "tls.crt"}},
                    "keySecret": {"name": "smtp-key", "key": "tls.key", "optional": True},
                },
            }
        ],
    },
}


def test_every_secret_of_a_receiver_is_listed_with_its_keys() -> None:
    assert found({"receivers": RECEIVERS}) == {
        "monitoring/pagerduty": ["routing-key"],
        "monitoring/slack": ["url"],
        "monitoring/smtp": ["password", "tls.crt"],
    }


@pytest.mark.parametrize("enabled", [True, False])
def test_the_dead_mans_switch_has_one_while_it_is_on(enabled: bool) -> None:
    switch = {"enabled": enabled, "urlSecret": {"name": "switch", "key": "url"}}
    assert found({"deadMansSwitch": switch}) == ({"monitoring/switch": ["url"]} if enabled else {})


def test_none_is_needed_where_alerts_are_not_routed_here() -> None:
    assert found({"receivers": RECEIVERS, "enabled": False}) == {}
    assert found({"receivers": RECEIVERS}, enabled=False) == {}
    assert secrets.provided({}) == ()


@pytest.mark.parametrize(
    "receivers", [None, {"a": None}, {"a": {"slackConfigs": None}}, {"a": {"slackConfigs": ["b"]}}]
)
def test_what_is_not_finished_has_none(receivers: Any) -> None:
    assert found({"receivers": receivers}) == {}
