"""The rule about secrets: none is written as a value. Nothing here ever repeats one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.checks.rules.secret_names import (
    is_grafanas_secret,
    is_literal,
    is_outputs_secret,
    is_receivers_secret,
    is_secret,
)
from depin_helm.yamlio import Path

_KPS = "kube-prometheus-stack"
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY")
_IN_URL = re.compile(r"(?<=[a-zA-Z0-9])://[^\s/:@'\"]*:([^\s/@'\"]+)@[^\s@]")
#: Addresses that let anyone post who knows them.
_HOOKS = re.compile(
    r"https://(hooks\.slack\.com/(services|workflows|triggers)/\w|(\w+\.)?discord(app)?\.com/api/webhooks/\w"
    r"|[\w-]+\.webhook\.office\.com/webhook\w*/\w|api\.telegram\.org/bot\w|chat\.googleapis\.com/\S{1,200}[?&]token=\w)"
)
_HEADER = re.compile(r"authorization\W+(?:bearer|basic)\s+([^\s'\"]+)", re.IGNORECASE)
#: `key: value` and `key = value` of a configuration file.
_SETTING = re.compile(r"""(?:-\s+)?["']?([\w.\-/]+)["']?\s*[:=]\s*(\S.*)""")
#: Fluent Bit's: a key, spaces, a value.
_FLUENT_BIT = re.compile(r"([\w.\-]+)\s+(\S.*)")
#: A command's argument, as one word of others too: --key=value, -Dkey=value.
_ARGUMENT = re.compile(r"(?<!\S)--?([\w.\-]+)=(\S+)")

#: References to Secrets: `name` and `key` in them are names.
_REFERENCES = {"secretKeyRef", "configMapKeyRef", "secretRef", "valueFrom", "envValueFrom"}
#: Keys that stand beside a reference's `secretKey`.
_NAMES = {"secretName", "existingSecret", "secretRef", "secretKeyRef"}
#: Texts full of words that are no settings: programs, dashboards.
_PROSE = {"luaScripts", "dashboards", "lifecycle", "lifecycleHooks", "command"}

#: A key whose name is a file's: its value is that file.
_FILE = re.compile(r"[\w\-.]{1,200}\.(ya?ml|conf|ini|json|properties|toml|cfg)")
#: The section of a data source of Grafana with what nobody is to read.
_SECURE = "secureJsonData"

_ENV = "take it from a Secret: valueFrom.secretKeyRef"
_INSTEAD: Mapping[Path, str] = {
    (_KPS, "grafana", "adminPassword"): "name a Secret: grafana.admin.existingSecret",
    (_KPS, "grafana", "smtp"): "name a Secret: grafana.smtp.existingSecret",
    (_KPS, "grafana", "grafana.ini"): "$__file{…} of a Secret in grafana.extraSecretMounts",
    (_KPS, "grafana", "imageRenderer", "token"): "name a Secret: grafana.imageRenderer.existingSecret",
    (_KPS, "grafana", "ldap"): "name a Secret: grafana.ldap.existingSecret",
    **{
        (_KPS, "grafana", sources): "$NAME, with NAME from a Secret in grafana.envValueFrom"
        for sources in ("datasources", "additionalDataSources", "additionalDataSourcesString")
    },
    (_KPS, "alertmanager", "config"): "the same key with _file, of a Secret in alertmanagerSpec.secrets",
    (
        "elasticsearch",
        "secret",
    ): "name a Secret in extraEnvs; `depin-helm secrets` makes elasticsearch-master-credentials",
    ("elasticsearch", "esConfig"): "a Secret in keystore",
    ("kibana", "kibanaConfig"): "${NAME}, with NAME from a Secret in extraEnvs",
    ("fluent-bit", "config"): "${NAME}, with NAME from a Secret in env",
}


def _secrets(facts: Facts) -> Iterator[Violation]:
    for path, value in facts.live:
        if isinstance(value, str) and value:
            found = secret(facts, path, value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found = (
                "a password" if is_secret(str(path[-1])) and _names_a_secret(facts, path, str(value)) else ""
            )
        else:
            continue
        if found:
            yield Violation((path,), f"{found} stands here as it is", _instead(facts, path))


def secret(facts: Facts, path: Path, text: str) -> str:
    """What kind of secret the text at `path` is or holds; empty if none is seen."""
    if _KEY_BLOCK.search(text):
        return "a private key"
    if _HOOKS.search(text):
        return "an address that is a secret"
    if any(is_literal(match[1]) for match in _IN_URL.finditer(text)):
        return "a password in an address"
    if any(_in_header(line) or _in_argument(line) for line in _lines(text)):
        return "a password or token"
    if _SECURE in path[:-1]:
        return "a password or token" if is_grafanas_secret(str(path[-1]), text) else ""
    several = "\n" in text.strip()
    if several or _FILE.fullmatch(str(path[-1])) or _in_fluent_bit(path):
        if _in_lines(path, text):
            return "a password or token"
        if several:
            return ""
    return "a password or token" if _names_a_secret(facts, path, text) else ""


def _names_a_secret(facts: Facts, path: Path, text: str) -> bool:
    """Whether its key, or the name beside it in a list of variables, says that it is a secret."""
    key = str(path[-1])
    if not _REFERENCES.isdisjoint(path) or not is_literal(text):
        return False
    beside: Any = facts.get(*path[:-1])
    if key == "value" and isinstance(path[-2], int) and isinstance(beside, dict):
        return is_secret(str(beside.get("name", "")))
    if isinstance(beside, dict) and not _NAMES.isdisjoint(beside):
        return False
    if "extraSecret" in path[1:-1] and path[-2] == "data":
        return True
    return is_secret(key) or is_receivers_secret(key, path, text)


def _in_lines(path: Path, text: str) -> bool:
    if not _PROSE.isdisjoint(path):
        return False
    fluent_bit = _in_fluent_bit(path)
    patterns = [_SETTING, _FLUENT_BIT] if fluent_bit else [_SETTING]
    secure: int | None = None  # how far the line that begins Grafana's secrets is indented
    for line in _lines(text):
        content = line.strip().removesuffix(",")
        indent = len(line) - len(line.lstrip())
        if content:
            secure = (
                indent
                if content == f"{_SECURE}:"
                else secure
                if secure is not None and indent > secure
                else None
            )
        for pattern in patterns:
            match = pattern.match(content)
            if match is None:
                continue
            key, value = match[1], _unquoted(match[2])
            if secure is not None and is_grafanas_secret(key, value):
                return True
            if is_literal(value) and (is_secret(key) or (fluent_bit and is_outputs_secret(key, value))):
                return True
    return False


def _in_fluent_bit(path: Path) -> bool:
    return path[:2] == ("fluent-bit", "config")


def _lines(text: str) -> Iterator[str]:
    """The lines that are no comments."""
    return (line for line in text.splitlines() if not line.lstrip().startswith(("#", ";", "//")))


def _in_header(line: str) -> bool:
    match = _HEADER.search(line)
    return match is not None and is_literal(match[1])


def _in_argument(line: str) -> bool:
    return "=" in line and any(
        is_secret(match[1]) and is_literal(match[2]) for match in _ARGUMENT.finditer(line)
    )


def _unquoted(value: str) -> str:
    """The value without quotes and a comment; empty for a block that begins here, and for code."""
    if value[0] in "\"'":
        return value[1:].partition(value[0])[0]
    value = re.split(r"\s[#;]", value)[0].strip()
    return "" if value[0] in "|>&*!{[" or "(" in value else value


def _instead(facts: Facts, path: Path) -> str:
    if path[-1] == "value" and isinstance(path[-2], int):
        return _ENV
    longest = max((known for known in _INSTEAD if path[: len(known)] == known), key=len, default=None)
    return _INSTEAD[longest] if longest else "name a Secret that holds it"


RULES = (
    Rule(
        "secret-in-values",
        "no password, token or private key is written as a value",
        "everyone who may read the repository or the release's manifests has it",
        _secrets,
    ),
)
