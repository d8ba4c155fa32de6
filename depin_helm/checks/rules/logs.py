"""Rules about Fluent Bit: whose its configuration is, depin-fluent-bit's or the environment's, and rights."""

from __future__ import annotations

from collections.abc import Iterator

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.yamlio import Path

AGENT, OURS = "fluent-bit", "depin-fluent-bit"
#: The ConfigMap that depin-fluent-bit makes, the file in it that Fluent Bit is told to read, and its port.
CONFIG_MAP, _FILE, _PORT = "fluent-bit", "fluent-bit.yaml", 2020
_SWITCH: Path = (AGENT, "existingConfigMap")


def configured_here(facts: Facts) -> bool:
    """Whether Fluent Bit is on and reads what depin-fluent-bit makes."""
    return facts.enabled(AGENT) and facts.get(*_SWITCH) == CONFIG_MAP


def _unread(facts: Facts) -> Iterator[Violation]:
    if not facts.enabled(AGENT):
        return
    if facts.get(*_SWITCH):
        for path in _of_the_chart(facts):
            yield Violation(
                (path, _SWITCH), "is read by nothing: Fluent Bit gets another ConfigMap", _ONE_OF_TWO
            )
        if configured_here(facts) and facts.get(AGENT, "hotReload", "enabled") is False:
            yield Violation(
                ((AGENT, "hotReload", "enabled"), _SWITCH),
                f"what changes under {OURS} does not reach pods that run: nothing restarts them",
                "true",
            )
        port = facts.get(AGENT, "metricsPort")
        if configured_here(facts) and port not in (None, _PORT):
            yield Violation(
                ((AGENT, "metricsPort"),),
                f"Fluent Bit listens on port {_PORT} all the same",
                f"leave it {_PORT}",
            )
        return
    if facts.enabled(OURS) and facts.get(AGENT, "fullnameOverride") == CONFIG_MAP:
        yield Violation(
            (_SWITCH, (OURS, "enabled")), f"{OURS} makes a ConfigMap of the same name", _ONE_OF_TWO
        )
    files = facts.get(AGENT, "config", "extraFiles")
    arguments = facts.get(AGENT, "args")
    told = (
        any(str(each).endswith(f"/{_FILE}") for each in arguments) if isinstance(arguments, list) else False
    )
    if told and not (isinstance(files, dict) and _FILE in files):
        yield Violation(
            ((AGENT, "args"), _SWITCH),
            f"Fluent Bit is told to read {_FILE}, which its chart does not make",
            "--config=/fluent-bit/etc/conf/fluent-bit.conf",
        )


def _without_rights(facts: Facts) -> Iterator[Violation]:
    account: Path = (AGENT, "serviceAccount")
    if not facts.enabled(AGENT) or facts.get(AGENT, "rbac", "create") is not False:
        return
    if facts.enabled(OURS):
        if facts.get(*account, "name") not in (None, "", CONFIG_MAP):
            yield Violation(
                ((*account, "name"),), f"{OURS} lets the account {CONFIG_MAP} ask for pods", _RIGHTS
            )
    elif facts.get(*account, "create") is not False:  # else somebody else's, with rights of theirs
        yield Violation(
            ((OURS, "enabled"), (AGENT, "rbac", "create")),
            f"with {OURS} go the rights to ask for the pods that logs are of",
            _RIGHTS,
        )


def _of_the_chart(facts: Facts) -> Iterator[Path]:
    """The settings of which the chart would make a ConfigMap of its own."""
    section = facts.get(AGENT, "config")
    keys: list[Path] = [(AGENT, "config", key) for key in section] if isinstance(section, dict) else []
    yield from (path for path in (*keys, (AGENT, "logLevel"), (AGENT, "flush")) if facts.given(path))


_RIGHTS = f"{AGENT}.rbac.create: true"
_ONE_OF_TWO = (
    'under depin-fluent-bit; or existingConfigMap: "" and depin-fluent-bit.enabled: false '
    "for a configuration of your own"
)

RULES = (
    Rule(
        "fluent-bit-configuration",
        "Fluent Bit's configuration stands where Fluent Bit reads it",
        "it does something else than the values say, or nothing at all",
        _unread,
    ),
    Rule(
        "fluent-bit-rights",
        "Fluent Bit may ask the API server for pods",
        "records come without the names and labels of their pods",
        _without_rights,
    ),
)
