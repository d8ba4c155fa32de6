"""Example environments: each folder of tests/examples/invalid has exactly its findings, of valid none.

A case is a folder: `values.yaml` is the environment's file; `more.yaml`, if there is one, stands for `-f`;
each line of `set.txt` for a `--set`. `expected.txt` holds the findings, written anew by

    python -m tests.unit.test_examples
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from depin_helm import schema
from depin_helm.errors import Finding
from depin_helm.project import Project
from depin_helm.values import read_environment
from tests.tier import ROOT

EXAMPLES = ROOT / "tests" / "examples"
INVALID = sorted((EXAMPLES / "invalid").iterdir())
VALID = sorted((EXAMPLES / "valid").iterdir())


def findings(case: Path, scratch: Path) -> tuple[Finding, ...]:
    """All that is wrong with the case, in a project with our chart and schema."""
    (scratch / "values").mkdir()
    shutil.copyfile(case / "values.yaml", scratch / "values" / "example.yaml")
    for name in ("charts", "schema"):
        (scratch / name).symlink_to(ROOT / name)
    project = Project(scratch)
    more = [file.relative_to(ROOT) for file in case.glob("more.yaml")]
    sets = [line for file in case.glob("set.txt") for line in file.read_text().splitlines()]
    environment = read_environment(project, "example", more, sets)
    return schema.check(environment, schema.load(project.schema_source))


def lines(found: tuple[Finding, ...]) -> str:
    return "".join(
        f"{Path(each.file).name}:{each.line}:{each.column} {each.path}: {each.message}"
        + (f" ({each.hint})\n" if each.hint else "\n")
        for each in found
    )


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case.name)
def test_an_invalid_environment_has_exactly_its_findings(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    expected = (case / "expected.txt").read_text()
    assert expected
    assert lines(findings(case, tmp_path)) == expected


@pytest.mark.parametrize("case", VALID, ids=lambda case: case.name)
def test_a_valid_environment_has_no_findings(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert lines(findings(case, tmp_path)) == ""


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case.name)
def test_no_finding_repeats_what_might_be_a_secret(case: Path) -> None:
    assert "hunter2" not in (case / "expected.txt").read_text()


def main() -> None:
    """Write each invalid case's findings; to be read before they are committed."""
    for case in INVALID:
        with tempfile.TemporaryDirectory() as scratch:
            (case / "expected.txt").write_text(lines(findings(case, Path(scratch))))


if __name__ == "__main__":
    main()
