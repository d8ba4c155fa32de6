"""For all tests: the charts that they run on, and what the run's last lines say about them."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

from tests.tier import Tier, chart_tier

# The same examples in every run; `--hypothesis-profile=explore` looks for new ones.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore", derandomize=False, print_blob=True)
settings.load_profile("repeatable")

TIER = pytest.StashKey[Tier]()


@pytest.fixture(scope="session")
def tier(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Tier:
    """The upstream charts of this run: the real ones if the chart cache holds them, else the stand-ins."""
    pytestconfig.stash[TIER] = chart_tier(tmp_path_factory.mktemp("tier"))
    return pytestconfig.stash[TIER]


def pytest_configure() -> None:
    """End as after Ctrl-C when told to end: fixtures then stop the sandboxes that they started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which charts the tests ran on."""
    tier = config.stash.get(TIER, None)
    if tier is not None:
        terminalreporter.section("upstream charts")
        terminalreporter.line(f"Tested on {tier}.", yellow=not tier.real, green=tier.real)
        if not tier.real:
            terminalreporter.line(
                "For the real ones: `depin-helm charts pull`, or `charts import`, then again."
            )
