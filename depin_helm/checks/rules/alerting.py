"""Rules about where alerts go (depin-monitoring.alerting)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from depin_helm.checks.alike import MAYBE, alike, listed
from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.yamlio import Path, format_path

_COMPONENT = "depin-monitoring"
_ALERTING: Path = (_COMPONENT, "alerting")
_SWITCH: Path = (*_ALERTING, "deadMansSwitch")
_ALERTMANAGER: Path = ("kube-prometheus-stack", "alertmanager")
_USED: Path = (*_ALERTMANAGER, "alertmanagerSpec", "alertmanagerConfiguration")
#: The name of our AlertmanagerConfig.
_NAME = "depin-alerting"

#: What each kind of receiver needs to be let in, or to reach anybody: of each group, one
#: (Alertmanager's configuration, `<receiver>`; the operator refuses the object otherwise).
_NEEDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "discordConfigs": (("apiURL",),),
    "emailConfigs": (("to",), ("from",), ("smarthost",)),
    "msteamsConfigs": (("webhookUrl",),),
    "msteamsv2Configs": (("webhookURL",),),
    "opsgenieConfigs": (("apiKey",),),
    "pagerdutyConfigs": (("routingKey", "serviceKey"),),
    "pushoverConfigs": (("userKey", "userKeyFile"), ("token", "tokenFile")),
    "slackConfigs": (("apiURL",),),
    "telegramConfigs": (("botToken", "botTokenFile"),),
    "victoropsConfigs": (("apiKey",),),
    "webhookConfigs": (("urlSecret", "url"),),
    "wechatConfigs": (("apiSecret",),),
}
#: What Alertmanager's own `global` may say for all receivers of a kind.
_GLOBAL: Mapping[tuple[str, str], Path] = {
    ("slackConfigs", "apiURL"): ("slackApiUrl",),
    ("opsgenieConfigs", "apiKey"): ("opsGenieApiKey",),
    ("emailConfigs", "from"): ("smtp", "from"),
    ("emailConfigs", "smarthost"): ("smtp", "smartHost"),
}


def _on(facts: Facts) -> bool:
    return facts.enabled(_COMPONENT) and facts.get(*_ALERTING, "enabled") is True


def _receivers(facts: Facts) -> dict[str, Mapping[str, Any]]:
    found = facts.get(*_ALERTING, "receivers")
    return {
        name: receiver
        for name, receiver in (found if isinstance(found, dict) else {}).items()
        if isinstance(receiver, dict)
    }


def _routes(facts: Facts) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every route and where it stands, in their order."""
    for part in ("depin", "all"):
        at: Path = (*_ALERTING, "routes", part)
        routes = facts.get(*at)
        for index, route in enumerate(routes if isinstance(routes, list) else ()):
            if isinstance(route, dict):
                yield (*at, index), route


def _unknown_receiver(facts: Facts) -> Iterator[Violation]:
    if not _on(facts):
        return
    named = [((*at, "receiver"), route.get("receiver")) for at, route in _routes(facts)]
    receivers = _receivers(facts)
    for at, name in [((*_ALERTING, "receiver"), facts.get(*_ALERTING, "receiver")), *named]:
        if isinstance(name, str) and name and name not in receivers:
            yield Violation((at,), "there is no receiver of that name", _instead(name, receivers))


def _instead(name: str, there: Mapping[str, Any]) -> str:
    meant = alike(name, there, MAYBE)
    return f"did you mean {meant}?" if meant else listed(there) or "none is defined"


def _unfinished(facts: Facts) -> Iterator[Violation]:
    if not _on(facts):
        return
    for name, receiver in _receivers(facts).items():
        at: Path = (*_ALERTING, "receivers", name)
        configs = [
            ((*at, kind, index), kind, config)
            for kind, items in receiver.items()
            for index, config in enumerate(items if isinstance(items, list) else ())
            if isinstance(config, dict)
        ]
        if not configs:
            yield Violation((at,), "has no integration", f"one of {', '.join(sorted(_NEEDS))}")
        for place, kind, config in configs:
            yield from _lacking(facts, place, kind, config)
    if facts.get(*_SWITCH, "enabled") is True and not _refers(facts.get(*_SWITCH, "urlSecret")):
        yield Violation(
            ((*_SWITCH, "urlSecret"), (*_SWITCH, "enabled")), "names no Secret", "{name: …, key: …}"
        )


def _lacking(facts: Facts, at: Path, kind: str, config: Mapping[str, Any]) -> Iterator[Violation]:
    for choice in _NEEDS.get(kind, ()):
        said = next((key for key in choice if config.get(key)), None)
        if said is None:
            if not any(facts.get(*_USED, "global", *_GLOBAL.get((kind, key), ("-",))) for key in choice):
                yield Violation((at,), f"has no {' or '.join(choice)}", _example(choice[0]))
        elif isinstance(config[said], dict) and not _refers(config[said]):
            yield Violation(((*at, said),), "names no Secret", "{name: …, key: …}")
    if kind == "emailConfigs" and config.get("authUsername"):
        yield from _without_password(at, config)


def _without_password(at: Path, config: Mapping[str, Any]) -> Iterator[Violation]:
    if not config.get("authPassword") and not config.get("authSecret"):
        yield Violation(((*at, "authUsername"),), "has no authPassword", _example("authPassword"))


def _example(key: str) -> str:
    plain = {
        "to": "to: someone@example.com",
        "from": "from: alerts@example.com",
        "smarthost": "smarthost: HOST:587",
    }
    return plain.get(key, f"{key}: {{name: …, key: …}}, a Secret in the namespace monitoring")


def _refers(reference: Any) -> bool:
    return isinstance(reference, dict) and bool(reference.get("name")) and bool(reference.get("key"))


def _unknown_interval(facts: Facts) -> Iterator[Violation]:
    if not _on(facts):
        return
    found = facts.get(*_ALERTING, "timeIntervals")
    there = {name: each for name, each in (found if isinstance(found, dict) else {}).items() if each}
    for at, route in _routes(facts):
        for key in ("muteTimeIntervals", "activeTimeIntervals"):
            names = route.get(key)
            for index, name in enumerate(names if isinstance(names, list) else ()):
                if name not in there:
                    yield Violation(
                        ((*at, key, index),),
                        "there is no time interval of that name",
                        _instead(str(name), there),
                    )


def _never_reached(facts: Facts) -> Iterator[Violation]:
    """Routes behind one that takes everything: of the same list, or of both if it is in the second."""
    if not _on(facts):
        return
    conditions = ("severity", "team", "component", "region", "matchers")
    taken: dict[Path, Path] = {}
    for at, route in _routes(facts):
        if first := taken.get(at[:-1]):
            yield Violation(
                (first, at), f"takes every alert, so that none gets to {format_path(at)}", "put it last"
            )
            return
        if not any(route.get(key) for key in conditions) and route.get("continue") is not True:
            taken[at[:-1]] = at


def _unused(facts: Facts) -> Iterator[Violation]:
    if not facts.enabled("kube-prometheus-stack") or facts.get(*_ALERTMANAGER, "enabled") is False:
        return
    used = facts.get(*_USED, "name") if isinstance(facts.get(*_USED), dict) else None
    if used == _NAME and not _on(facts):
        switch = (_COMPONENT, "enabled") if not facts.enabled(_COMPONENT) else (*_ALERTING, "enabled")
        yield Violation(
            (switch, _USED),
            f"Alertmanager waits for {_NAME}, which is not made",
            f"{format_path(_USED)}: null",
        )
    elif used != _NAME and _on(facts) and _receivers(facts):
        yield Violation(
            ((*_ALERTING, "receivers"), _USED),
            "Alertmanager does not use them",
            f"{format_path(_USED)}.name: {_NAME}",
        )
    if used:
        given = [path for path, _ in facts.walk(*_ALERTMANAGER, "config") if facts.chosen(path)]
        if given:
            yield Violation(
                (min(given, key=len), _USED),
                "is not read: Alertmanager has what depin-monitoring.alerting makes",
                f"say it there, or {format_path(_USED)}: null",
            )


RULES = (
    Rule(
        "alert-receiver",
        "a receiver that alerts are routed to is defined",
        "prometheus-operator refuses all of it, and Alertmanager keeps what it had before",
        _unknown_receiver,
    ),
    Rule(
        "receiver-credentials",
        "a receiver has an address, and what lets Alertmanager in, by a Secret",
        "nobody is told: prometheus-operator refuses all receivers for one that is not complete",
        _unfinished,
    ),
    Rule(
        "time-interval",
        "a time interval that a route mutes or is active in is defined",
        "prometheus-operator refuses all of it, and Alertmanager keeps what it had before",
        _unknown_interval,
    ),
    Rule(
        "unreachable-route",
        "a route that takes every alert is the last one",
        "the first that fits takes an alert, so that nobody behind it is ever told",
        _never_reached,
    ),
    Rule(
        "alerting-unused",
        "Alertmanager uses what depin-monitoring.alerting makes, and nothing else is configured",
        "alerts go elsewhere than it says, or Alertmanager does not start",
        _unused,
    ),
)
