"""What a scalar without quotes is to Helm.

Helm reads through sigs.k8s.io/yaml, where go.yaml.in/yaml/v2 resolves scalars; this follows its resolve.go.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

Scalar = bool | int | float | str | None

_WORDS: Mapping[str, bool | float | None] = MappingProxyType(
    {
        **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
        **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
        **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
        **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
        **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
        **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    }
)
_SPECIAL = frozenset("yYnNtTfFoO~+-.0123456789")
_INTEGER = re.compile(r"[-+]?(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
# A number that begins with its point goes to Go's ParseFloat as it is, which takes `_` between digits.
_DOT_FLOAT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar: `on` is true, `0755` is 493, `1e3` is 1000.0, `12:30:45` is text.

    Dates stay text. Integers may have up to 64 bits; what is longer is a float.
    """
    if text and text[0] not in _SPECIAL:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] == ".":
        return _float(text) if _DOT_FLOAT.fullmatch(text) else text
    if text[0] not in "+-0123456789":
        return text
    digits = text.replace("_", "")
    integer = _integer(digits)
    if integer is not None:
        return integer
    number = _float(digits) if _FLOAT.fullmatch(digits) else text
    return text if isinstance(number, str) else number


def _integer(digits: str) -> int | None:
    """Go's ParseInt with base 0, or ParseUint; None for what has more than 64 bits."""
    match = _INTEGER.fullmatch(digits)
    if match is None:
        return None
    base, magnitude = next((b, m) for b, m in zip((16, 2, 8, 10), match.groups(), strict=True) if m)
    if len(magnitude) > 64:
        return None
    number = int(magnitude, base) * (-1 if digits[0] == "-" else 1)
    return number if -(2**63) <= number < 2**64 else None


def _float(digits: str) -> float | str:
    """Go's ParseFloat: too large a number is none."""
    number = float(digits)
    return digits if math.isinf(number) else number


def printed(value: bool | int | float) -> str:
    """What `{{ .Values.x }}` makes of it: Helm holds numbers as 64-bit floats, which Go's fmt prints.

    `8.10` comes out as 8.1, `0755` as 493, `on` as true, 1000000 as 1e+06.
    """
    if isinstance(value, bool):
        return str(value).lower()
    number = float(value)
    if number and not 1e-4 <= abs(number) < 1e21:
        return repr(number)
    if abs(number) < 1e6:
        return repr(number).removesuffix(".0")
    digits, exponent = f"{Decimal(repr(number)).normalize():e}".split("e")
    return f"{digits}e+{int(exponent):02d}"
