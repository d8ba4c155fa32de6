"""What a rule about values is, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from depin_helm.checks.facts import Facts
from depin_helm.yamlio import Path


@dataclass(frozen=True)
class Violation:
    """A rule that is broken. Neither text repeats a value that could be a secret.

    `paths` are the values that together are wrong; the first is the one to change. The finding stands at
    the one that was given last: an environment that halves a volume is to blame, not the default that no
    longer fits into it.
    """

    paths: tuple[Path, ...]
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Rule:
    """`title` says what is to be true; `why`, in one sentence without a full stop, what happens if not.

    `form`: what breaks it is not written as such a value is, so that other rules can make nothing of it.
    """

    id: str
    title: str
    why: str
    check: Callable[[Facts], Iterable[Violation]]
    form: bool = False
