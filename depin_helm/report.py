"""Results as text or JSON: the only writer to stdout. What is said to a person goes to stderr."""

from __future__ import annotations

import base64
import difflib
import json
import os
import re
import signal
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TextIO

from depin_helm.errors import DepinHelmError, Finding, HelmError, ValuesError

if TYPE_CHECKING:  # rich takes 50 ms to import and is not needed for JSON, help or errors
    from rich.console import Console
    from rich.table import Table

    from depin_helm.charts import CachedChart, Imported, Verified
    from depin_helm.checks import Listed, Result
    from depin_helm.cluster import Identity
    from depin_helm.diff import Change
    from depin_helm.preparation import Prepared
    from depin_helm.removal import Leftovers
    from depin_helm.rollout import Observer, Progress
    from depin_helm.sandbox import Sandbox
    from depin_helm.sandbox import Status as SandboxStatus
    from depin_helm.secrets import Rotation, SecretSpec, SecretState, User
    from depin_helm.secrets import Step as RotationStep
    from depin_helm.status import PlatformStatus
    from depin_helm.tools import Step
    from depin_helm.values import Origin


@dataclass(frozen=True)
class Report:
    """Where results go (`out`), where people are spoken to (`err`), and in which form."""

    out: TextIO
    err: TextIO
    as_json: bool = False

    # --- to a person ---------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Tell a person something that is not a result; nobody has to listen."""
        _write(self.err, _printable(text) + "\n")

    def say_error(self, error: DepinHelmError) -> None:
        """Tell a person what failed, why, and what to do next."""
        for finding in _findings(error):
            self.say(_line(finding))
        self.say(f"Error: {error.message}")
        for cause in _causes(error):
            self.say(f"  - {cause}")
        if error.hint:
            self.say(f"  {error.hint}")

    # --- results -------------------------------------------------------------------------------

    def raw(self, text: str) -> None:
        """Write a result that is a document of its own: a manifest, values."""
        if not _write(self.out, text if text.endswith("\n") or not text else text + "\n"):
            sys.exit(128 + signal.SIGPIPE)

    def json(self, data: object) -> None:
        """Write a result as JSON: fields of dataclasses in camelCase, keys that are names as they are."""
        self.raw(json.dumps(data, indent=2, default=_encoded))

    def error(self, error: DepinHelmError) -> None:
        """What failed, as the result of a command that has no other."""
        self.say_error(error)
        if self.as_json:
            self.json(
                {
                    "error": {
                        "message": error.message,
                        "hint": error.hint,
                        "exitCode": error.exit_code,
                        "causes": _causes(error),
                        "findings": _findings(error),
                    }
                }
            )

    def verdict(self, environment: str, result: Result) -> None:
        """What is wrong with the values: one line each. What was waived, skipped or noted is for a person."""
        if self.as_json:
            self.json(result)
            return
        for finding in result.findings:
            self.raw(_line(finding))
        for waived in result.waived:
            self.say(f"waived: {_line(waived.finding)}\n  because: {waived.reason}")
        for skipped in result.skipped:
            self.say(f"not checked: {skipped.checks} of {skipped.component}: {skipped.reason}")
        if result.skipped:
            self.say("  `depin-helm charts pull`, or `charts import`, brings the charts")
        for notice in result.notices:
            self.say(f"note: {notice.message}\n  {notice.hint}")
        count = len(result.findings)
        if count:
            self.say(f"{environment}: {count} finding{'s' if count != 1 else ''} in the values")
        else:
            self.say(f"{environment}: the values are valid{', as far as checked' if result.skipped else ''}")

    def rules(self, rules: Sequence[Listed]) -> None:
        """All rules about values."""
        if self.as_json:
            self.json(rules)
            return
        for rule in rules:
            waivable = "" if rule.waivable else " (cannot be waived)"
            self.raw(f"{rule.id}: {rule.title}{waivable}\n    else: {rule.why}")

    def origins(self, origins: Mapping[str, tuple[Origin, ...]]) -> None:
        """Where each leaf of a value came from, and what it overrode."""
        if self.as_json:
            self.json(origins)
            return
        for key, chain in origins.items():
            *overridden, last = chain
            self.raw(f"{key}:{_value(last.value)}\n    from {_place(last)}")
            for origin in reversed(overridden):
                self.raw(f"    overrides what {_place(origin)} gives:{_value(origin.value)}")

    def charts(self, charts: Sequence[CachedChart]) -> None:
        """The charts in the cache."""
        if self.as_json:
            self.json(charts)
            return
        rows = ((c.name, c.version, c.digest, c.damage) for c in charts)
        self._table(("CHART", "VERSION", "CONTENT DIGEST", ""), rows)

    def imported(self, imported: Sequence[Imported]) -> None:
        """What came into the cache."""
        if self.as_json:
            self.json(imported)
            return
        rows = ((e.chart.name, e.chart.version, e.chart.digest, e.change) for e in imported)
        self._table(("CHART", "VERSION", "CONTENT DIGEST", ""), rows)

    def verified(self, verified: Sequence[Verified]) -> None:
        """The cache beside charts.lock."""
        if self.as_json:
            self.json(verified)
            return
        rows = ((e.dependency.name, e.dependency.version, e.state, e.detail) for e in verified)
        self._table(("CHART", "VERSION", "STATE", ""), rows)

    def secrets(self, states: Sequence[SecretState]) -> None:
        """The Secrets that an environment needs, and whether they are there; never a value."""
        if self.as_json:
            self.json(states)
            return
        rows = (
            (s.namespace, s.name, ", ".join(s.keys), s.reader, ", ".join(map(str, s.used_by)), s.summary)
            for s in states
        )
        self._table(("NAMESPACE", "SECRET", "KEYS", "READ BY", "USED BY", "STATE"), rows)

    def secret(self, spec: SecretSpec, key: str, content: Mapping[str, bytes]) -> None:
        """The values of a Secret, or of one key of it, for somebody who asked to see them."""
        binary = [name for name, value in content.items() if not _is_text(value)]
        values = {
            name: base64.b64encode(value).decode() if name in binary else value.decode()
            for name, value in content.items()
        }
        if self.as_json:
            self.json({"namespace": spec.namespace, "name": spec.name, "values": values, "base64": binary})
            return
        if binary:
            self.say(f"no text, and therefore in base64: {', '.join(binary)}")
        if key:
            self.raw(values[key])
            return
        from depin_helm import yamlio

        self.raw(yamlio.dump(values))

    def rotated(
        self, rotation: Rotation, users: Mapping[str, Sequence[User]], steps: Sequence[RotationStep]
    ) -> None:
        """What got new values, and what somebody has to do until they are in use; never a value."""
        used = sorted({user for each in users.values() for user in each})
        if self.as_json:
            rotated = [
                {"namespace": spec.namespace, "name": spec.name, "keys": keys} for spec, keys in rotation.keys
            ]
            self.json({"rotated": rotated, "kept": rotation.kept, "usedBy": used, "steps": steps})
            return
        self.raw("\n".join(f"# new: {spec}: {', '.join(keys)}" for spec, keys in rotation.keys))
        for user in used:
            if not user.restart:
                self.raw(f"# takes it by itself: {user} in {user.namespace}")
        if not steps:
            self.raw("# Nothing has to be started again.")
        for step in steps:
            self.raw(f"# {step.why}:\n{step.command}")

    def crds(self, results: Mapping[str, str], *, applied: bool = True) -> None:
        """Each CRD and what became of it, or would if it were `applied`."""
        if self.as_json:
            self.json(results)
            return
        self._table(("CRD", "STATE" if applied else "WOULD BE"), results.items())

    def changes(self, changes: Sequence[Change]) -> None:
        """What an upgrade would change, as unified diffs; nothing when nothing would."""
        if self.as_json:
            self.json(changes)
            return
        for change in changes:
            name = f"{change.kind}/{change.name}" + (f" in {change.namespace}" if change.namespace else "")
            self.raw(f"{change.action} {name} (layer {change.layer})")
            if change.problem:
                self.raw(f"    ! {change.problem}")
            old, new = change.old_yaml.splitlines(), change.new_yaml.splitlines()
            for line in list(difflib.unified_diff(old, new, lineterm="", n=3))[2:]:
                self.raw(f"    {line}")
        if changes:
            actions = [change.action for change in changes]
            counts = ", ".join(f"{actions.count(action)} to {action}" for action in dict.fromkeys(actions))
            self.say(f"{len(changes)} change{'s' if len(changes) != 1 else ''}: {counts}")
        else:
            self.say("No changes.")

    def prepared(self, prepared: Prepared) -> None:
        """What was done before the first layer."""
        states = list(prepared.crds.values())
        counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
        self.say(f"CRDs: {counts}")
        if prepared.secrets:
            self.say("Secrets made:\n" + "\n".join(f"  {spec}" for spec in prepared.secrets))
        if prepared.growths:
            self.say("Volumes:\n" + "\n".join(f"  {growth}" for growth in prepared.growths))

    def rollout(self, ends: Sequence[Progress], leftovers: Leftovers | None = None) -> None:
        """How each layer ended; after an uninstallation, what it kept and what it deleted."""
        if self.as_json:
            layers = [
                {
                    "layer": end.layer,
                    "state": end.state,
                    "seconds": round(end.seconds, 1),
                    "error": end.error.message if end.error else "",
                    "causes": _causes(end.error),
                    "blockedBy": end.blocked_by,
                }
                for end in ends
            ]
            self.json({"layers": layers, **(_encoded(leftovers) if leftovers else {})})
            return
        rows = ((e.layer, e.state, f"{e.seconds:.1f} s" if e.seconds else "", _why(e)) for e in ends)
        self._table(("LAYER", "STATE", "TIME", ""), rows)
        for title, names in (("deleted", leftovers.deleted), ("kept", leftovers.kept)) if leftovers else ():
            if names:
                self.say("\n  ".join((f"{title}:", *names)))

    def status(self, status: PlatformStatus) -> None:
        """What is installed."""
        if self.as_json:
            self.json({**_encoded(status), "healthy": status.healthy})
            return
        self.say(f"{status.environment} on {describe(status.cluster)}")
        rows = (
            (
                layer.layer,
                layer.namespace,
                layer.state,
                str(layer.revision or ""),
                layer.chart,
                f"{layer.pods[0]}/{layer.pods[1]}" if layer.revision else "",
                layer.digest.removeprefix("sha256:")[:12],
                layer.note,
            )
            for layer in status.layers
        )
        self._table(("LAYER", "NAMESPACE", "STATE", "REVISION", "CHART", "PODS", "CONTENT", ""), rows)
        for layer in status.layers:
            for cause in layer.causes:
                self.raw(f"{layer.layer}: {cause}")

    def sandbox(self, sandbox: Sandbox) -> None:
        """A sandbox that was started, and what in it is not real."""
        if self.as_json:
            self.json(sandbox)
            return
        self.say(f"sandbox {sandbox.name} runs at {sandbox.server}. Simulated there:")
        for sentence in sandbox.simulated:
            self.say(f"  - {sentence}")
        self.raw(f"export KUBECONFIG={sandbox.kubeconfig}")

    def sandboxes(self, found: Sequence[SandboxStatus]) -> None:
        """The sandboxes on this machine."""
        if self.as_json:
            self.json(
                [
                    {
                        "name": status.name,
                        "state": status.state,
                        "problem": status.problem,
                        "memory": status.memory,
                        "sandbox": status.sandbox,
                    }
                    for status in found
                ]
            )
            return
        rows = (
            (
                status.name,
                status.state,
                f"{status.memory / 2**20:.0f} MiB",
                str(status.sandbox.kubeconfig) if status.sandbox else "",
                status.problem,
            )
            for status in found
        )
        self._table(("SANDBOX", "STATE", "MEMORY", "KUBECONFIG", ""), rows)

    # --- live ----------------------------------------------------------------------------------

    @contextmanager
    def rollout_progress(self, layers: Sequence[str]) -> Iterator[Observer]:
        """Show a rollout while it runs: a live table on a terminal, else a line per change of state."""
        if not self.err.isatty():
            yield self._say_progress
            return
        from rich.live import Live

        latest: dict[str, Progress] = {}
        with Live(console=self._console(), refresh_per_second=8, transient=True) as live:

            def observe(progress: Progress) -> None:
                latest[progress.layer] = progress
                live.update(_live_table(layers, latest))

            yield observe

    @contextmanager
    def steps(self) -> Iterator[Callable[[Step], None]]:
        """Show steps that take long while they are taken: a spinner on a terminal, else a line per step."""
        if not self.err.isatty():
            said = set()

            def say_once(step: Step) -> None:
                if (step.number, step.message) not in said:
                    said.add((step.number, step.message))
                    self.say(f"[{step.number}/{step.total}] {step.message}")

            yield say_once
            return
        from rich.text import Text

        with self._console().status("") as spinner:
            yield lambda step: spinner.update(
                Text(f"[{step.number}/{step.total}] {step.message} ({step.elapsed:.0f} s)")
            )

    @contextmanager
    def downloads(self) -> Iterator[Any]:
        """Show downloads while they run: a bar per chart on a terminal, else nothing."""
        if not self.err.isatty():
            yield lambda name, done, total: None
            return
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
        from rich.progress import Progress as Bars

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Bars(*columns, console=self._console()) as bars:
            tasks: dict[str, Any] = {}

            def advance(name: str, done: int, total: int | None) -> None:
                if name not in tasks:
                    tasks[name] = bars.add_task(name, total=total)
                bars.update(tasks[name], completed=done, total=total)

            yield advance

    def _say_progress(self, progress: Progress) -> None:
        if progress.state == "waiting" or (progress.state == "running" and progress.seconds):
            return
        took = f" after {progress.seconds:.1f} s" if progress.seconds else ""
        why = _why(progress)
        self.say(f"{progress.layer}: {progress.state}{took}{': ' + why if why else ''}")

    def _table(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        lines = [[_printable(str(cell)).replace("\n", " ") for cell in row] for row in (header, *rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self.raw("  ".join(cells).rstrip())

    def _console(self) -> Console:
        from rich.console import Console

        return Console(file=self.err, highlight=False)


def standard(*, as_json: bool = False) -> Report:
    """The report of a command: results to stdout, the rest to stderr."""
    return Report(sys.stdout, sys.stderr, as_json)


def describe(cluster: Identity) -> str:
    """A cluster in words."""
    kind = f"sandbox {cluster.sandbox}" if cluster.sandbox else "cluster"
    return f"{kind} {cluster.server} (context {cluster.context})"


def _is_text(value: bytes) -> bool:
    try:
        return value.decode() is not None
    except UnicodeDecodeError:
        return False


def _value(value: Any) -> str:
    """A value as YAML: in the same line, or indented below."""
    if isinstance(value, str) and "\n" in value:
        return " |\n" + textwrap.indent(value.rstrip(), " " * 6)
    if not value or not isinstance(value, (dict, list)):
        return " " + json.dumps(value, ensure_ascii=False)
    from depin_helm import yamlio

    return "\n" + textwrap.indent(yamlio.dump(value).rstrip(), " " * 6)


def _place(origin: Origin) -> str:
    return f"{origin.source}:{origin.line}:{origin.column}" if origin.line else origin.source


def _why(end: Progress) -> str:
    if end.blocked_by:
        return f"waits for {', '.join(end.blocked_by)}"
    if end.error is None:
        return ""
    return next(iter(_causes(end.error)), end.error.message)


def _causes(error: DepinHelmError | None) -> tuple[str, ...]:
    return error.causes if isinstance(error, HelmError) else ()


def _findings(error: DepinHelmError) -> tuple[Finding, ...]:
    return error.findings if isinstance(error, ValuesError) else ()


def _line(finding: Finding) -> str:
    """A finding as `FILE:LINE:COLUMN PATH : MESSAGE (HINT) [RULE]`; what it does not have is left out."""
    place = ":".join(str(part) for part in (finding.file, finding.line, finding.column) if part)
    hint = f" ({finding.hint})" if finding.hint else ""
    said = f": {finding.message}{hint} [{finding.rule}]"
    line = " ".join(part for part in (place, finding.path, said) if part)
    return _printable(line.replace("\n", "\\n"))


def _printable(text: str) -> str:
    """Text for a terminal, which others may have written: nothing in it can steer the terminal."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)


def _encoded(data: Any) -> Any:
    """What JSON does not know: dataclasses, and paths and the like as text."""
    if isinstance(data, Mapping):
        return dict(data)
    if not is_dataclass(data):
        return str(data)
    names = (each.name for each in fields(data))
    return {re.sub("_([a-z])", lambda found: found[1].upper(), name): getattr(data, name) for name in names}


def _write(file: TextIO, text: str) -> bool:
    """Write now; False if nobody reads on. What follows, also at the interpreter's end, then goes nowhere."""
    try:
        file.write(text)
        file.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, file.fileno())
        os.close(nowhere)
        return False
    return True


_SIGNS = {
    "waiting": "[dim]·[/]",
    "running": "[cyan]↻[/]",
    "deployed": "[green]✓[/]",
    "removed": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "blocked": "[yellow]-[/]",
}


def _live_table(layers: Sequence[str], latest: Mapping[str, Progress]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for name in layers:
        progress = latest.get(name)
        if progress is None:
            continue
        pods = f"{progress.pods[0]}/{progress.pods[1]} pods" if progress.pods else ""
        seconds = f"{progress.seconds:.0f} s" if progress.seconds else ""
        table.add_row(_SIGNS[progress.state], name, progress.state, pods, seconds, Text(_why(progress)))
    return table
