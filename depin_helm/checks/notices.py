"""What an environment's owner should know though no value is wrong: no findings, and nothing fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Notice:
    """`id` names it for programs; `hint` says what can be done."""

    id: str
    message: str
    hint: str


#: https://kubernetes.io/blog/2025/11/11/ingress-nginx-retirement/
_RETIRED = Notice(
    "ingress-nginx-retired",
    "ingress-nginx is retired upstream: since March 2026 nobody mends its security",
    "another controller serves the web interfaces where global.platform.ingressClass names its class; their"
    " limits, allow-lists and passwords are annotations of ingress-nginx, and have to be given to it anew",
)


def notices(values: Mapping[str, Any]) -> Iterator[Notice]:
    """The notices for an environment's merged values."""
    section = values.get("ingress-nginx")
    if isinstance(section, Mapping) and section.get("enabled") is not False:
        yield _RETIRED
