"""Results as text or JSON: the only writer to stdout. What is said to a person goes to stderr."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TextIO

from depin_helm.errors import DepinHelmError, Finding, HelmError, ValuesError

if TYPE_CHECKING:  # rich takes 50 ms to import and is not needed for JSON, help or errors
    from rich.console import Console
    from rich.table import Table

    from depin_helm.charts import CachedChart, Imported, Verified
    from depin_helm.cluster import Identity
    from depin_helm.diff import Change
    from depin_helm.rollout import Leftovers, Observer, Prepared, Progress
    from depin_helm.sandbox import Sandbox
    from depin_helm.sandbox import Status as SandboxStatus
    from depin_helm.secrets import SecretState
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
        """Tell a person something that is not a result."""
        print(text, file=self.err, flush=True)

    def error(self, error: DepinHelmError) -> None:
        """Say what failed, why, and what to do next."""
        if isinstance(error, ValuesError) and not self.as_json:
            self.findings(error.findings)
        self.say(f"Error: {error.message}")
        if isinstance(error, HelmError):
            for cause in error.causes:
                self.say(f"  - {cause}")
        if error.hint:
            self.say(f"  {error.hint}")

    # --- results -------------------------------------------------------------------------------

    def raw(self, text: str) -> None:
        """Write a result that is a document of its own: a manifest, values."""
        self.out.write(text if text.endswith("\n") or not text else text + "\n")
        self.out.flush()

    def json(self, data: object) -> None:
        """Write a result as JSON."""
        self.raw(json.dumps(data, indent=2, default=str))

    def findings(self, findings: Sequence[Finding]) -> None:
        """What is wrong with the values: one line each."""
        if self.as_json:
            self.json({"findings": [asdict(finding) for finding in findings]})
            return
        for finding in findings:
            where = ":".join(str(part) for part in (finding.file, finding.line, finding.column) if part)
            hint = f" ({finding.hint})" if finding.hint else ""
            self.raw(" ".join(part for part in (where, finding.path, f": {finding.message}{hint}") if part))

    def origins(self, origins: Mapping[str, tuple[Origin, ...]]) -> None:
        """Where each leaf of a value came from, and what it overrode."""
        if self.as_json:
            self.json({key: [asdict(origin) for origin in chain] for key, chain in origins.items()})
            return
        for key, chain in origins.items():
            *overridden, last = chain
            self.raw(f"{key}: {json.dumps(last.value)}\n    from {_place(last)}")
            for origin in reversed(overridden):
                self.raw(f"    overrides {json.dumps(origin.value)} from {_place(origin)}")

    def charts(self, charts: Sequence[CachedChart]) -> None:
        """The charts in the cache."""
        if self.as_json:
            self.json([asdict(chart) for chart in charts])
            return
        rows = ((c.name, c.version, c.digest, c.damage) for c in charts)
        self._table(("CHART", "VERSION", "CONTENT DIGEST", ""), rows)

    def imported(self, imported: Sequence[Imported]) -> None:
        """What came into the cache."""
        if self.as_json:
            self.json([asdict(entry) for entry in imported])
            return
        rows = ((e.chart.name, e.chart.version, e.chart.digest, e.change) for e in imported)
        self._table(("CHART", "VERSION", "CONTENT DIGEST", ""), rows)

    def verified(self, verified: Sequence[Verified]) -> None:
        """The cache beside charts.lock."""
        if self.as_json:
            self.json([asdict(entry) for entry in verified])
            return
        rows = ((e.dependency.name, e.dependency.version, e.state, e.detail) for e in verified)
        self._table(("CHART", "VERSION", "STATE", ""), rows)

    def secrets(self, states: Sequence[SecretState]) -> None:
        """The Secrets that an environment needs, and whether they are there; never a value."""
        if self.as_json:
            self.json([asdict(state) for state in states])
            return
        rows = ((s.namespace, s.name, ", ".join(s.keys), s.reader, s.summary) for s in states)
        self._table(("NAMESPACE", "SECRET", "KEYS", "READ BY", "STATE"), rows)

    def crds(self, results: Mapping[str, str]) -> None:
        """Each CRD and what became of it."""
        if self.as_json:
            self.json(dict(results))
            return
        self._table(("CRD", "STATE"), results.items())

    def changes(self, changes: Sequence[Change]) -> None:
        """What an upgrade would change, as unified diffs; nothing when nothing would."""
        if self.as_json:
            self.json([asdict(change) for change in changes])
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
            self.say(f"Secrets made: {', '.join(str(spec) for spec in prepared.secrets)}")

    def leftovers(self, leftovers: Leftovers) -> None:
        """What an uninstallation kept, and what it deleted."""
        if self.as_json:
            return
        for title, names in (("deleted", leftovers.deleted), ("kept", leftovers.kept)):
            if names:
                self.say(f"{title}:")
            for name in names:
                self.say(f"  {name}")

    def rollout(self, ends: Sequence[Progress]) -> None:
        """How each layer ended, and in full what went wrong."""
        if self.as_json:
            self.json(
                [
                    {
                        "layer": end.layer,
                        "state": end.state,
                        "seconds": round(end.seconds, 1),
                        "error": end.error.message if end.error else "",
                        "causes": list(end.error.causes) if isinstance(end.error, HelmError) else [],
                        "blockedBy": list(end.blocked_by),
                    }
                    for end in ends
                ]
            )
            return
        rows = ((e.layer, e.state, f"{e.seconds:.1f} s" if e.seconds else "", _why(e)) for e in ends)
        self._table(("LAYER", "STATE", "TIME", ""), rows)

    def status(self, status: PlatformStatus) -> None:
        """What is installed."""
        if self.as_json:
            self.json({**asdict(status), "healthy": status.healthy})
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

    def sandbox(self, sandbox: Sandbox) -> None:
        """A sandbox that was started, and what in it is not real."""
        if self.as_json:
            self.json(asdict(sandbox))
            return
        self.say(f"sandbox {sandbox.name} runs at {sandbox.server}. Simulated there:")
        for sentence in sandbox.simulated:
            self.say(f"  - {sentence}")
        self.raw(f"export KUBECONFIG={sandbox.kubeconfig}")

    def sandboxes(self, found: Sequence[SandboxStatus]) -> None:
        """The sandboxes on this machine."""
        if self.as_json:
            self.json([{**asdict(status), "memory": status.memory} for status in found])
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
        console = self._console(self.err)
        with Live(console=console, refresh_per_second=8, transient=True) as live:

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
        with self._console(self.err).status("") as spinner:
            yield lambda step: spinner.update(
                f"[{step.number}/{step.total}] {step.message} ({step.elapsed:.0f} s)"
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
        with Bars(*columns, console=self._console(self.err)) as bars:
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
        from rich.table import Table
        from rich.text import Text

        table = Table(*header, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*(Text(str(cell)) for cell in row))
        self._console(self.out).print(table)

    def _console(self, file: TextIO) -> Console:
        from rich.console import Console

        # Not a terminal: nobody reads it in 80 columns.
        return Console(file=file, width=None if file.isatty() else 500, highlight=False, soft_wrap=False)


def standard(*, as_json: bool = False) -> Report:
    """The report of a command: results to stdout, the rest to stderr."""
    return Report(sys.stdout, sys.stderr, as_json)


def describe(cluster: Identity) -> str:
    """A cluster in words."""
    kind = f"sandbox {cluster.sandbox}" if cluster.sandbox else "cluster"
    return f"{kind} {cluster.server} (context {cluster.context})"


def _place(origin: Origin) -> str:
    return f"{origin.source}:{origin.line}:{origin.column}" if origin.line else origin.source


def _why(end: Progress) -> str:
    if end.blocked_by:
        return f"waits for {', '.join(end.blocked_by)}"
    if end.error is None:
        return ""
    causes = end.error.causes if isinstance(end.error, HelmError) else ()
    return causes[0] if causes else end.error.message


_SIGNS = {
    "waiting": "[dim]·[/]",
    "running": "[cyan]↻[/]",
    "deployed": "[green]✓[/]",
    "removed": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "blocked": "[yellow]–[/]",
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
