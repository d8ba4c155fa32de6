"""values.schema.json in Helm's hands: it takes and refuses the same environments as `validate` does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from depin_helm import schema, yamlio
from depin_helm.project import Project
from depin_helm.values import Defaults, read_environment
from tests.charts.values.conftest import Probe
from tests.tier import ROOT

PROJECT = Project(ROOT)
EXAMPLES = ROOT / "tests" / "examples"

#: What is wrong with these is the text; Helm, without our reader, takes most of them.
ABOUT_YAML = {case.name for case in (EXAMPLES / "invalid").iterdir()} - {
    case.name
    for case in (EXAMPLES / "invalid").iterdir()
    if not yamlio.examine((case / "values.yaml").read_bytes(), case.name)[1]
    and not (case / "more.yaml").exists()
}


def umbrella() -> Defaults:
    """Our chart's defaults; of the upstream charts none, as `validate` has it."""
    subcharts: Mapping[str, Defaults] = {
        dependency["name"]: Defaults(_values(PROJECT.chart / "charts" / dependency["name"] / "values.yaml"))
        for dependency in yamlio.load((PROJECT.chart / "Chart.yaml").read_bytes())["dependencies"]
    }
    return Defaults(_values(PROJECT.chart / "values.yaml"), subcharts)


def _values(file: Path) -> dict[str, object]:
    return yamlio.read_values(file).data if file.is_file() else {}


def helm_accepts(probe: Probe, case: Path) -> bool:
    files = [PROJECT.chart / "values-layered.yaml", case / "values.yaml", *case.glob("more.yaml")]
    sets = [line for file in case.glob("set.txt") for line in file.read_text().splitlines()]
    result = probe.run(
        *(file.read_bytes() for file in files),
        sets=sets,
        chart=umbrella(),
        schema=schema.build(PROJECT.schema_source),
    )
    assert result.returncode == 0 or "schema" in result.stderr or "type mismatch" in result.stderr, (
        result.stderr
    )
    return result.returncode == 0


@pytest.mark.parametrize("name", PROJECT.environments())
def test_plain_helm_takes_an_environments_file_with_the_tools_own_key(probe: Probe, name: str) -> None:
    text = PROJECT.environment_file(name).read_text()
    assert "depinHelm:" in text
    probe.values(text, chart=umbrella(), schema=schema.build(PROJECT.schema_source))


@pytest.mark.parametrize("case", sorted((EXAMPLES / "valid").iterdir()), ids=lambda case: case.name)
def test_helm_takes_what_is_valid(probe: Probe, case: Path) -> None:
    assert helm_accepts(probe, case)


@pytest.mark.parametrize(
    "case",
    sorted(case for case in (EXAMPLES / "invalid").iterdir() if case.name not in ABOUT_YAML),
    ids=lambda case: case.name,
)
def test_helm_refuses_what_the_schema_finds_and_passes_over_the_rest(probe: Probe, case: Path) -> None:
    assert helm_accepts(probe, case) == ("[schema]" not in (case / "expected.txt").read_text())


def test_checked_values_are_those_that_helm_checks(probe: Probe) -> None:
    """Upstream defaults aside, and the globals that Helm copies into every section."""
    chart = umbrella()
    overlay = (PROJECT.chart / "values-layered.yaml").read_bytes()
    for name in PROJECT.environments():
        seen = probe.values(overlay, PROJECT.environment_file(name).read_bytes(), chart=chart)
        for component in chart.subcharts:
            seen[component].pop("global")
        assert seen == read_environment(PROJECT, name).values
