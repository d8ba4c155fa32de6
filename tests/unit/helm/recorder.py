"""A runner that runs nothing: it notes what it is asked for, and answers what the test says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from depin_helm.helm import Binary, Completed, Helm


@dataclass(frozen=True)
class Call:
    """One command; `arguments` stand after the program's name."""

    arguments: list[str]
    environ: Mapping[str, str]
    grace: float | None

    def value(self, flag: str) -> str:
        """What follows a flag."""
        return self.arguments[self.arguments.index(flag) + 1]


@dataclass
class Recorder:
    """Answers each command with what `answer` says to its arguments: standard output, or an error's text."""

    answer: Callable[[list[str]], str | Exception] = lambda arguments: ""
    calls: list[Call] = field(default_factory=list)

    async def __call__(
        self, argv: Sequence[str], *, environ: Mapping[str, str], grace: float | None
    ) -> Completed:
        arguments = list(argv[1:])
        self.calls.append(Call(arguments, environ, grace))
        answer = self.answer(arguments)
        if isinstance(answer, Exception):
            return Completed(1, b"", str(answer).encode())
        return Completed(0, answer.encode(), b"")

    @property
    def call(self) -> Call:
        """The only command there was."""
        (call,) = self.calls
        return call


def helm(
    recorder: Recorder,
    home: Path,
    version: tuple[int, int, int] = (4, 3, 1),
    environ: Mapping[str, str] | None = None,
    kubeconfig: Path | None = None,
    context: str | None = None,
) -> Helm:
    """A Helm that runs nothing."""
    program = home / "helm"
    program.touch(mode=0o755)
    return Helm(
        Binary(program, version),
        environ=environ or {},
        home=home,
        kubeconfig=kubeconfig,
        context=context,
        runner=recorder,
    )
