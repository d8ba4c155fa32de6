"""Takes secrets and refused values out of text that others wrote, before it is logged or shown."""

from __future__ import annotations

import json
import re

_SECRETS = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S),
        "***",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w+/=.~-]{8,}"), r"\1 ***"),
    # A word that ends in password, token or the like, then its value: JSON, YAML, a flag or a query.
    (
        re.compile(
            r"(?i)((?:passw(?:or)?d|token|secret[-_]?key|api[-_]?key)[\"']?\s*[:=]\s*)"
            r"(\"[^\"]*\"|'[^']*'|[^\s,;}&]+)"
        ),
        r"\1***",
    ),
)

# Kubernetes quotes the value that it refuses: `spec.x: Invalid value: {"a":"b"}: field is immutable`.
_REFUSED = re.compile(r"\b(Invalid|Unsupported|Duplicate) value: ")


def redact(text: str) -> str:
    """The text without what looks like a secret and without refused values, fit for a log."""
    text = without_values(text)
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def without_values(text: str) -> str:
    """A message of the API server with each refused value taken out: `spec.x: field is immutable`.

    A value that cannot be told from what follows it is taken out together with the rest of its line.
    """
    kept, position = [], 0
    while found := _REFUSED.search(text, position):
        kept.append(text[position : found.start()])
        line_end = text.find("\n", found.end())
        line_end = len(text) if line_end < 0 else line_end
        try:
            _, end = json.JSONDecoder().raw_decode(text, found.end())
        except ValueError:
            end = text.rfind(": ", found.end(), line_end)
            end = line_end if end < 0 else end
        if text.startswith(": ", end):
            position = end + 2
        else:
            kept.append(f"{found[1].lower()} value")
            position = end
    return "".join(kept) + text[position:]
