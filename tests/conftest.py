"""For all tests: the charts that they run on, and what the run's last lines say about them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.tier import Tier, chart_tier

# The same examples in every run, however busy the machine is; `--hypothesis-profile=explore` looks for
# new ones.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", _PATIENT, derandomize=True)
settings.register_profile("explore", _PATIENT, derandomize=False, print_blob=True)
settings.load_profile("repeatable")

#: What to call the charts, and whether they are the real ones.
TIER = pytest.StashKey[tuple[str, bool]]()


@pytest.fixture(scope="session")
def tier(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Tier:
    """The upstream charts of this run: the real ones if the chart cache holds them, else the stand-ins."""
    found = chart_tier(tmp_path_factory.mktemp("tier"))
    pytestconfig.stash[TIER] = str(found), found.real
    if hasattr(pytestconfig, "workeroutput"):  # one of several processes: the first of them tells the user
        pytestconfig.workeroutput["tier"] = pytestconfig.stash[TIER]
    return found


def pytest_configure() -> None:
    """End as after Ctrl-C when told to end: fixtures then stop the sandboxes that they started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


#: Where several processes test, those that are ready; each ends the sandboxes that it started.
_others: list[Any] = []


@pytest.hookimpl(optionalhook=True)
def pytest_testnodeready(node: Any) -> None:
    """Remember a process of several."""
    _others.append(node)


def pytest_keyboard_interrupt() -> None:
    """Tell the others to end, and wait for it: what ends them otherwise does not let them clean up."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split() if _others else ()
    for process in map(int, children):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not all(hasattr(node, "workeroutput") for node in _others):
        time.sleep(0.1)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of several has found out about the charts."""
    if "tier" in getattr(node, "workeroutput", {}):
        name, real = node.workeroutput["tier"]
        node.config.stash[TIER] = name, real


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which charts the tests ran on."""
    tier = config.stash.get(TIER, None)
    if tier is not None:
        name, real = tier
        terminalreporter.section("upstream charts")
        terminalreporter.line(f"Tested on {name}.", yellow=not real, green=real)
        if not real:
            terminalreporter.line(
                "For the real ones: `depin-helm charts pull`, or `charts import`, then again."
            )
