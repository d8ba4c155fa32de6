"""Example environments: each folder of tests/examples/invalid has exactly its findings, of valid none.

A case is a folder: `values.yaml` is the environment's file; `more.yaml`, if there is one, stands for `-f`;
each line of `set.txt` for a `--set`. `expected.txt` holds the findings on the real charts, written anew by

    python -m tests.charts.values.test_examples

On the stand-ins, which read other keys, only what is said of YAML and by the schema is compared.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from depin_helm import project
from depin_helm.checks import listing
from depin_helm.errors import Finding
from tests.charts.values.checker import Checker
from tests.tier import ROOT, Tier

EXAMPLES = ROOT / "tests" / "examples"
INVALID = sorted((EXAMPLES / "invalid").iterdir())
VALID = sorted((EXAMPLES / "valid").iterdir())

#: Rules that need no upstream chart.
OF_FILES = ("yaml", "schema")


def lines(found: Iterable[Finding], tier: Tier) -> list[str]:
    return [_line(each) for each in found if tier.real or each.rule in OF_FILES]


def _line(each: Finding) -> str:
    hint = f" ({each.hint})" if each.hint else ""
    return f"{Path(each.file).name}:{each.line}:{each.column} {each.path}: {each.message}{hint} [{each.rule}]"


def expected(case: Path, tier: Tier) -> list[str]:
    return [
        line
        for line in (case / "expected.txt").read_text().splitlines()
        if tier.real or line.endswith(tuple(f"[{rule}]" for rule in OF_FILES))
    ]


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case.name)
def test_an_invalid_environment_has_exactly_its_findings(
    case: Path, tier: Tier, checker: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert lines(checker.example(case).findings, tier) == expected(case, tier)


@pytest.mark.parametrize("case", VALID, ids=lambda case: case.name)
def test_a_valid_environment_has_no_findings(
    case: Path, tier: Tier, checker: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert lines(checker.example(case).findings, tier) == []


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case.name)
def test_an_invalid_example_has_findings_and_none_repeats_what_might_be_a_secret(case: Path) -> None:
    text = (case / "expected.txt").read_text()
    assert text
    assert "hunter2" not in text


def test_every_rule_has_an_example() -> None:
    texts = [(case / "expected.txt").read_text() for case in INVALID]
    without = [rule.id for rule in listing() if not any(f"[{rule.id}]" in text for text in texts)]
    assert without == []


def main() -> None:
    """Write each invalid case's findings; to be read before they are committed."""
    tier = Tier(real=True, cache=project.cache_directory(os.environ.get("DEPIN_HELM_CACHE")), root=ROOT)
    with tempfile.TemporaryDirectory() as scratch:
        checker = Checker.load(tier, Path(scratch))
        for case in INVALID:
            result = checker.example(case)
            (case / "expected.txt").write_text("".join(f"{line}\n" for line in lines(result.findings, tier)))


if __name__ == "__main__":
    main()
