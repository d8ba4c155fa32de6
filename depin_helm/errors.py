"""The exceptions of depin-helm, drawn as a tree: one exit code per branch.

    DepinHelmError            1  a bug in depin-helm
    ├── UsageError            2  wrong usage
    ├── ValuesError           3  values rejected; carries every finding
    ├── ChartError            4  chart missing or damaged
    ├── HelmError             5  Helm failed
    ├── ClusterError          6  cluster unreachable or refused
    ├── UnhealthyError        7  the platform does not work
    └── LockedError           8  another operation is under way

A message says what failed and where; `hint` says what to do next. Neither may hold a secret value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class DepinHelmError(Exception):
    """Base of all errors; caught once, in `cli`, where it becomes an exit code and a message on stderr."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(DepinHelmError):
    """The command line or the project folder cannot be used as given."""

    exit_code = 2


@dataclass(frozen=True, order=True)
class Finding:
    """One thing wrong with a value. `line` and `column` count from 1; 0 where the value stands in no file.

    `rule` is the id of what was broken, as `validate --rules` lists them.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str = ""
    rule: str = "yaml"


class ValuesError(DepinHelmError):
    """The environment's values are rejected. `findings` holds all of them, in file order."""

    exit_code = 3

    def __init__(self, findings: Sequence[Finding], *, hint: str = "") -> None:
        count = len(findings)
        super().__init__(f"{count} finding{'s' if count != 1 else ''} in the values", hint=hint)
        self.findings = tuple(findings)


class ChartError(DepinHelmError):
    """An upstream chart is missing, damaged, or does not match `charts.lock`."""

    exit_code = 4


class HelmError(DepinHelmError):
    """Helm is missing, unusable, or failed; `causes` names the objects that are not ready and why."""

    exit_code = 5

    def __init__(self, message: str, *, hint: str = "", causes: Sequence[str] = ()) -> None:
        super().__init__(message, hint=hint)
        self.causes = tuple(causes)


class ClusterError(DepinHelmError):
    """The cluster cannot be reached, answers an error, or is not the environment's own."""

    exit_code = 6


class UnhealthyError(DepinHelmError):
    """The platform is there and does not work."""

    exit_code = 7


class LockedError(DepinHelmError):
    """Another depin-helm or Helm operation holds the release."""

    exit_code = 8
