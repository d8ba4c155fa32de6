"""`depinHelm`, the one key that is for the tool."""

from __future__ import annotations

from typing import Any

import pytest

from depin_helm.values import ClusterMatch, Settings, Timeouts, Waiver, duration, settings


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("1h0m0s", 3600),
        ("1500ms", 1.5),
        ("1m1m", 120),
        ("2us", 2e-6),
        ("2µs", 2e-6),
        ("3ns", 3e-9),
    ],
)
def test_a_duration_is_in_gos_syntax(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "10", "m", "10 m", "1d", "-1m", "+1m", "0s", "0", "1h,", "1e3s", "10m\n"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration(text)


@pytest.mark.parametrize(
    "data", [None, {}, {"cluster": None, "timeouts": {"default": None, "layers": {"routes": None}}}]
)
def test_nothing_said_means_the_defaults(data: Any) -> None:
    assert settings.read(data) == Settings(
        cluster=ClusterMatch(context=None, id=None, sandbox=False),
        timeouts=Timeouts(default=600.0, layers={}),
        on_failure="keep",
        create_secrets=False,
        parallel=4,
    )


def test_every_setting_is_read() -> None:
    data = {
        "cluster": {"context": "prod-eu-1", "id": "0e1a6f0c", "sandbox": True},
        "timeouts": {"default": "15m", "layers": {"elasticsearch": "20m"}},
        "onFailure": "rollback",
        "secrets": {"create": True},
        "parallel": 2,
        "waivers": [
            {"rule": "voting-nodes", "path": "elasticsearch.replicas", "reason": "two racks only"},
            {"rule": "image-tag", "reason": "a mirror"},
        ],
    }
    assert settings.read(data) == Settings(
        cluster=ClusterMatch(context="prod-eu-1", id="0e1a6f0c", sandbox=True),
        timeouts=Timeouts(default=900.0, layers={"elasticsearch": 1200.0}),
        on_failure="rollback",
        create_secrets=True,
        parallel=2,
        waivers=(
            Waiver("voting-nodes", "two racks only", "elasticsearch.replicas"),
            Waiver("image-tag", "a mirror"),
        ),
    )


def test_a_layer_without_a_timeout_of_its_own_has_the_default() -> None:
    timeouts = Timeouts(default=60.0, layers={"elasticsearch": 120.0})
    assert (timeouts.of("elasticsearch"), timeouts.of("kibana")) == (120.0, 60.0)


WRONG = [
    ("text", ()),
    ({"clusters": {}}, ("clusters",)),
    ({"cluster": "prod"}, ("cluster",)),
    ({"cluster": {"contxt": "prod"}}, ("cluster", "contxt")),
    ({"cluster": {"context": 1}}, ("cluster", "context")),
    ({"cluster": {"id": True}}, ("cluster", "id")),
    ({"cluster": {"sandbox": "true"}}, ("cluster", "sandbox")),
    ({"timeouts": {"defaults": "1m"}}, ("timeouts", "defaults")),
    ({"timeouts": {"default": 10}}, ("timeouts", "default")),
    ({"timeouts": {"default": "10"}}, ("timeouts", "default")),
    ({"timeouts": {"layers": ["routes"]}}, ("timeouts", "layers")),
    ({"timeouts": {"layers": {"routes": "soon"}}}, ("timeouts", "layers", "routes")),
    ({"onFailure": "rolback"}, ("onFailure",)),
    ({"onFailure": True}, ("onFailure",)),
    ({"secrets": True}, ("secrets",)),
    ({"secrets": {"create": "yes"}}, ("secrets", "create")),
    ({"parallel": 0}, ("parallel",)),
    ({"parallel": 1.5}, ("parallel",)),
    ({"parallel": True}, ("parallel",)),
    ({"waivers": {"rule": "x"}}, ("waivers",)),
    ({"waivers": ["x"]}, ("waivers", 0)),
    ({"waivers": [{"reason": "because"}]}, ("waivers", 0, "rule")),
    ({"waivers": [{"rule": "x"}]}, ("waivers", 0, "reason")),
    ({"waivers": [{"rule": "x", "reason": " "}]}, ("waivers", 0, "reason")),
    ({"waivers": [{"rule": "x", "reason": "y", "why": "z"}]}, ("waivers", 0, "why")),
]


@pytest.mark.parametrize(("data", "path"), WRONG)
def test_a_wrong_setting_is_an_error_at_its_path(data: Any, path: tuple[str, ...]) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.read(data)
    assert caught.value.path == path
