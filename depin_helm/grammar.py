"""How sizes, durations, networks, host names and addresses are written, wherever they stand."""

from __future__ import annotations

import ipaddress
import re
from decimal import Decimal
from typing import Any

#: Nothing longer is a number with a unit, or an address; matching it would take long.
_LONGEST = 100
_LONGEST_URL = 10_000

_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_QUANTITY = re.compile(rf"([+-]?{_NUMBER})(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{{1,3}}))?")
_UNITS = {
    **dict(zip("num", (Decimal(10) ** -9, Decimal(10) ** -6, Decimal(10) ** -3), strict=True)),
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("", *"kMGTPE"))},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}
_BYTES = re.compile(r"((?:[0-9]*\.)?[0-9]+)(?:([KMGTPE])i?)?B")
_JAVA = re.compile(r"([0-9]+)([kKmMgGtT]?)")
_FLUENT_BIT, _ELASTIC = re.compile(r"([0-9]{1,15})([kKmMgG]?)"), re.compile(r"([0-9]{1,9})([kmgt])b")

_GO = re.compile(rf"[+-]?(?:0|(?:{_NUMBER}(?:ns|us|µs|μs|ms|s|m|h))+)")
_PROMETHEUS = re.compile(
    r"0|(?=.)(?:[0-9]+y)?(?:[0-9]+w)?(?:[0-9]+d)?(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?(?:[0-9]+ms)?"
)
_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#]+(?:[/?#]\S*)?")


def quantity(value: Any) -> Decimal | None:
    """The amount of a Kubernetes quantity: `500m` is 0.5, `1Ki` 1024; None if it is none.

    Exact, unlike a float. The grammar is that of k8s.io/apimachinery/pkg/api/resource.Quantity; exponents of
    more than three digits, which it caps, are taken for none.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    match = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return None
    number, unit, exponent = match.groups()
    return Decimal(number) * (Decimal(10) ** int(exponent) if exponent else _UNITS[unit or ""])


def is_in_thousandths(text: str) -> bool:
    """Whether a quantity of bytes is written with the `m` of CPUs, such as `512m`: half a byte.

    What comes to a kilobyte or more was computed, as autoscalers do.
    """
    amount = quantity(text) if text.endswith("m") else None
    return amount is not None and 0 < amount < 1024


def prometheus_bytes(value: Any) -> Decimal | None:
    """Bytes of a size as Prometheus takes it, where `10GB` and `10GiB` are the same; None if it is none."""
    match = _BYTES.fullmatch(value) if isinstance(value, str) and len(value) <= _LONGEST else None
    return None if match is None else Decimal(match[1]) * Decimal(1024) ** " KMGTPE".index(match[2] or " ")


def java_bytes(text: str) -> int | None:
    """Bytes of a size as `java -Xmx` takes it: `512m`, `1G`, plain bytes; None if it is none."""
    match = _JAVA.fullmatch(text) if len(text) <= _LONGEST else None
    return None if match is None else int(match[1]) * 1024 ** " kmgt".index(match[2].lower() or " ")


def fluent_bit_bytes(text: Any) -> int | None:
    """Bytes of a size as Fluent Bit takes it, in which `K` is 1000: `64K`, `1G`; None if it is none."""
    match = _FLUENT_BIT.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST else None
    return None if match is None else int(match[1]) * 1000 ** " kmg".index(match[2].lower() or " ")


def elastic_bytes(text: Any) -> int | None:
    """Bytes of a size as Elasticsearch takes it, in which `kb` is 1024: `25gb`; None if it is none."""
    match = _ELASTIC.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST else None
    return None if match is None else int(match[1]) * 1024 ** " kmgt".index(match[2])


def is_go_duration(text: str) -> bool:
    """Whether Go's time.ParseDuration takes it: `90s`, `1h30m`, `1.5h`; no days."""
    return len(text) <= _LONGEST and _GO.fullmatch(text) is not None


def is_prometheus_duration(text: str) -> bool:
    """Whether Prometheus takes it: `30s`, `1h30m`, `2w`; whole numbers, the largest unit first."""
    return len(text) <= _LONGEST and _PROMETHEUS.fullmatch(text) is not None


def is_network(text: str) -> bool:
    """Whether it is a CIDR: an address, `/` and the length of its prefix. Bits beyond that may be set."""
    address, slash, prefix = text.partition("/")
    if not slash or len(text) > _LONGEST or not (prefix.isascii() and prefix.isdigit()):
        return False
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "%" not in address


def is_address(text: str) -> bool:
    """Whether it is an IP address."""
    if len(text) > _LONGEST:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_host(text: str) -> bool:
    """Whether an Ingress may have it as its host: lower-case DNS labels, the first may be `*`; no address."""
    return len(text) <= 253 and _HOST.fullmatch(text) is not None and not is_address(text)


def is_url(text: str) -> bool:
    """Whether it has a scheme and a host."""
    return len(text) <= _LONGEST_URL and _URL.fullmatch(text) is not None
