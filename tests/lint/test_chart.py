"""What chart-testing lints (`ct lint --config ct.yaml --all`), each step with a chart that it must refuse."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import pytest
import yamale
import yamllint.linter
from yamllint.config import YamlLintConfig

from depin_helm import yamlio
from depin_helm.values import merge
from tests.lint.conftest import Helm
from tests.tier import ROOT, UMBRELLA

CI_FILES = sorted((UMBRELLA / "ci").glob("*-values.yaml"))


def yaml_findings(files: Iterable[Path]) -> list[str]:
    rules = YamlLintConfig(file=str(ROOT / "lintconf.yaml"))
    found = ((file, problem) for file in files for problem in yamllint.linter.run(file.read_text(), rules))
    return [f"{file}:{problem.line}: {problem.desc}" for file, problem in found]


def metadata_findings(chart: Path) -> list[str]:
    schema = yamale.make_schema(ROOT / "chart_schema.yaml")
    results = (
        yamale.validate(schema, yamale.make_data(file), _raise_error=False)
        for file in [chart / "Chart.yaml", *chart.glob("charts/*/Chart.yaml")]
    )
    return [error for result in itertools.chain(*results) for error in result.errors]


def own_yaml(chart: Path) -> list[Path]:
    """Chart.yaml and values of the umbrella and of our subcharts, and what lies beside them."""
    return [*chart.glob("*.yaml"), *chart.glob("ci/*.yaml"), *chart.glob("charts/*/*.yaml")]


def test_our_yaml_follows_chart_testings_rules() -> None:
    assert len(own_yaml(UMBRELLA)) > 15
    assert yaml_findings(own_yaml(UMBRELLA)) == []


@pytest.mark.parametrize(
    "text",
    [
        "a: { b: 1 }\n",
        "a: 1 # too near\n",
        "a: 1\na: 2\n",
        "a: yes\n",
        "a:  1\n",
        "a: 1",
        "a: 1 \n",
        "- a\n-  b\n",
    ],
)
def test_yaml_that_breaks_a_rule_is_found(tmp_path: Path, text: str) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(text)
    assert yaml_findings([file])


def test_each_chart_yaml_is_as_its_schema_says() -> None:
    assert metadata_findings(UMBRELLA) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("version: 0.1.0\n", ""),
        ("version: 0.1.0\n", "version: new\n"),
        ("apiVersion: v2\n", "apiVersion: v1\n"),
        ("name: depin-platform\n", "name: depin-platform\ncolour: blue\n"),
        ("    condition: kibana.enabled\n", ""),
        ("  - monitoring\n", "  - 8.10\n"),
    ],
)
def test_a_chart_yaml_that_breaks_its_schema_is_found(tmp_path: Path, right: str, wrong: str) -> None:
    text = (UMBRELLA / "Chart.yaml").read_text()
    assert right in text
    (tmp_path / "Chart.yaml").write_text(text.replace(right, wrong, 1))
    assert metadata_findings(tmp_path)


def helm_findings(helm: Helm, chart: Path, *arguments: str | Path) -> list[str]:
    """What Helm says against the chart. Its lint does not read what subcharts render to; rendering does."""
    commands = (["lint", "--strict", chart], ["template", chart])
    results = [helm(*command, *arguments, "--namespace", "logging") for command in commands]
    return [result.stdout for result in results if result.returncode != 0]


@pytest.mark.parametrize("values", CI_FILES, ids=lambda file: file.stem)
def test_helm_has_nothing_against_the_chart(helm: Helm, complete_chart: Path, values: Path) -> None:
    assert helm_findings(helm, complete_chart, "--values", values) == []


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("templates/NOTES.txt", "{{- end }}", "{{- end }}{{ if }}"),
        ("templates/guard.yaml", "{{- end }}", "{{- end }}\nkind: ConfigMap\n bad: indentation\n"),
        ("charts/depin-routes/templates/routes.yaml", "kind: Ingress", "kind: Ingress\n bad: indentation"),
        ("Chart.yaml", "version: 0.1.0", "version: new"),
    ],
)
def test_a_broken_chart_is_found(helm: Helm, chart: Path, file: str, right: str, wrong: str) -> None:
    text = (chart / file).read_text()
    assert right in text
    (chart / file).write_text(text.replace(right, wrong, 1))
    assert helm_findings(helm, chart)


def test_a_chart_without_its_upstream_archives_is_found(helm: Helm, chart: Path) -> None:
    next(chart.glob("charts/kibana-*.tgz")).unlink()
    assert helm_findings(helm, chart)


def test_the_ci_values_turn_every_component_on_and_the_optional_ones_off() -> None:
    """A component that no file turns on is looked at by no lint."""
    defaults = yamlio.load((UMBRELLA / "values.yaml").read_bytes())
    merged = [merge(defaults, yamlio.load(file.read_bytes())) for file in CI_FILES]
    conditions = [
        entry["name"] for entry in yamlio.load((UMBRELLA / "Chart.yaml").read_bytes())["dependencies"]
    ]
    everything = next(
        values for values, file in zip(merged, CI_FILES, strict=True) if "everything" in file.name
    )
    assert [name for name in conditions if not everything[name]["enabled"]] == []
    assert any(not values["kibana"]["enabled"] for values in merged)
    assert everything["depin-issuers"]["letsencrypt"]["enabled"]
    assert all(route["enabled"] for route in everything["depin-routes"]["routes"].values())
