"""Which keys hold a secret, and which texts are one rather than a reference to it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from depin_helm.yamlio import Path

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
#: Last words of a key whose value is a secret.
_LAST = {
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "token",
    "credentials",
    "apikey",
    "secretkey",
    "privatekey",
    "encryptionkey",
}
#: The same, of two words.
_PAIRS = {
    *(
        (first, "key")
        for first in (
            "access",
            "account",
            "api",
            "encryption",
            "license",
            "private",
            "secret",
            "shared",
            "signing",
        )
    ),
    *((first, "secret") for first in ("api", "app", "client", "shared", "signing", "webhook")),
}
#: First words of keys that switch something, or name where a secret is.
_NOT = {"allow", "automount", "create", "disable", "enable", "existing", "generate", "has", "is", "use"}

#: Keys that are secrets of some receivers only: addresses of webhooks, keys that are names elsewhere.
_OF_RECEIVERS: Mapping[str | int, set[str]] = {
    "discord_configs": {"webhook_url"},
    "msteams_configs": {"webhook_url"},
    "msteamsv2_configs": {"webhook_url"},
    "pagerduty_configs": {"routing_key", "service_key"},
    "pushover_configs": {"user_key"},
}

#: Filled in later: by Helm, the shell, Kubernetes, Grafana, grafana.ini; or a placeholder.
_REFERENCE = re.compile(r"\{\{|\$\{|\$\(|\$__|%\(|^\$\w+$|^<[^>]*>$")
#: What Grafana fills in, also within a longer text; `$$` is a dollar.
_VARIABLE = re.compile(r"(?<!\$)\$[A-Za-z_]")
_SWITCH = {"true", "false", "on", "off", "yes", "no", "null", "none", "nil", "~"}


def is_secret(key: str) -> bool:
    """Whether a key's value is a secret: `adminPassword`, `smtp_auth_password`, `HTTP_Passwd`, `a.token`.

    Not `passwordKey`, `tokenFile`, `existingSecret`, `secretName`, which say where one is.
    """
    words = [word.lower() for word in _WORD.findall(key)]
    if not words or words[0] in _NOT:
        return False
    pair = tuple(words[-2:])
    if pair == ("access", "key"):
        # The key's id, which is none, has the same name in many places.
        return "secret" in words
    return words[-1] in _LAST or pair in _PAIRS


def is_receivers_secret(key: str, path: Path, text: str) -> bool:
    """Whether the text under a key is a secret because of the receiver of Alertmanager that it belongs to."""
    if key == "slack_api_url" or (key == "api_url" and "slack_configs" in path):
        # Slack's API proper wants a token beside it; any other address is a webhook's, and a secret itself.
        return "slack.com/api/" not in text
    return any(key in _OF_RECEIVERS[part] for part in path if part in _OF_RECEIVERS)


def is_outputs_secret(key: str, text: str) -> bool:
    """Whether the text under a key of Fluent Bit is a secret, whatever the words of the key are."""
    return key.lower() == "cloud_auth" and ":" in text


def is_grafanas_secret(key: str, text: str) -> bool:
    """Whether the text is a secret in `secureJsonData`: all there are but certificates, which are public."""
    return not key.lower().endswith("cert") and is_literal(text) and _VARIABLE.search(text) is None


def is_literal(text: str) -> bool:
    """Whether the text is a value itself, no reference, switch or placeholder."""
    return (
        any(letter.isalnum() for letter in text)
        and text.strip().lower() not in _SWITCH
        and _REFERENCE.search(text) is None
    )
