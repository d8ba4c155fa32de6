"""Assembly of a small umbrella chart: what comes out, from what, and what never gets in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from depin_helm import assemble, plan, yamlio
from depin_helm.charts import CachedChart, content_digest
from depin_helm.errors import ChartError, HelmError
from depin_helm.project import Project
from tests.unit.charts import packing

DEPENDENCIES = """
- {name: upstream, version: 1.0.0, repository: "https://example.org", condition: upstream.enabled}
- {name: other, version: 2.0.0, repository: "https://example.org"}
- {name: own, version: 0.1.0, condition: own.enabled}
- {name: plain, version: 0.1.0}
"""

FILES: Mapping[str, str] = {
    "Chart.yaml": "apiVersion: v2\nname: depin-platform\nversion: 0.1.0\ndependencies:" + DEPENDENCIES,
    "layers.yaml": """
layers:
  - {name: first, namespace: one, components: [own]}
  - {name: second, namespace: two, components: [upstream, other], after: [first]}
plainOnly: [plain]
""",
    "values.yaml": "global: {a: 1}\nown: {b: 2}\nupstream: {c: 3}\nplain: {d: 4}\n",
    ".helmignore": "# comment\n*~\n.*.swp\n__pycache__/\n*.tmp\n",
    "templates/_labels.tpl": "{{/* shared */}}",
    "templates/guard.yaml": "{{- /* for the whole chart */}}",
    "charts/own/Chart.yaml": "apiVersion: v2\nname: own\nversion: 0.1.0\n",
    "charts/own/templates/a.yaml": "a: {{ .Values.b }}\n",
    "charts/plain/Chart.yaml": "apiVersion: v2\nname: plain\nversion: 0.1.0\n",
}

SCHEMA = (
    "type: object\ndefinitions:\n  text: {type: string}\nproperties:\n  own: {$ref: '#/definitions/text'}\n"
    "  global: {type: object}\n  upstream: {type: object}\n"
)

CRD = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: {name}
  labels: {{app.kubernetes.io/instance: crds, helm.sh/chart: upstream-1.0.0}}
  annotations: {{helm.sh/resource-policy: keep, controller-gen.kubebuilder.io/version: v1}}
spec: {{group: example.org, names: {{kind: Thing}}, versions: [{{name: v1}}, {{name: v2}}]}}
"""
MENTION = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {b: 'kind: CustomResourceDefinition'}\n"
)


def render(archive: Path, overrides: Mapping[str, Any]) -> str:
    """What Helm prints for the archives: CRDs among other objects, for one of them."""
    assert overrides == {"crds": {"enabled": True}}
    documents = [MENTION, CRD.format(name="zebras.example.org"), CRD.format(name="apes.example.org")]
    shown = documents if archive.name.startswith("upstream") else [MENTION]
    return "".join(f"---\n# Source: x/templates/y.yaml\n{document}" for document in shown)


def broken(archive: Path, overrides: Mapping[str, Any]) -> str:
    raise HelmError("it cannot be rendered")


@dataclass(frozen=True)
class Made:
    """A project and the upstream charts' archives, in a folder of their own."""

    folder: Path
    charts: tuple[CachedChart, ...]

    @property
    def project(self) -> Project:
        return Project(self.folder / "project")

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def assemble(self, render: assemble.Render = render) -> assemble.Assembly:
        layers = plan.load(self.project.chart)
        return assemble.assemble(self.project, self.charts, layers, render, self.cache)

    def checkout(self) -> dict[PurePosixPath, bytes]:
        return assemble.checkout(self.project, self.charts, render)

    def digest(self) -> str:
        return assemble.digest(self.project, self.charts)

    def write(self, path: str, content: str) -> None:
        file = self.project.chart / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


def make(folder: Path, order: Sequence[str] = tuple(FILES)) -> Made:
    folder.mkdir(exist_ok=True)
    charts = []
    for name, version in (("upstream", "1.0.0"), ("other", "2.0.0")):
        archive = folder / f"{name}.tgz"
        archive.write_bytes(packing.chart({"templates/x.yaml": b"x: 1\n"}, name, version))
        charts.append(CachedChart(name, version, content_digest(archive), archive))
    made = Made(folder, tuple(charts))
    for path in order:
        made.write(path, FILES[path])
    made.project.schema_source.parent.mkdir()
    made.project.schema_source.write_text(SCHEMA)
    return made


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return make(tmp_path / "made")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_each_layer_is_the_umbrella_with_its_own_components_alone(made: Made) -> None:
    assembly = made.assemble()
    assert set(contents(assembly.directory / "layers")) == {
        "first/Chart.yaml",
        "first/values.yaml",
        "first/values.schema.json",
        "first/templates/_labels.tpl",
        "first/charts/own/Chart.yaml",
        "first/charts/own/templates/a.yaml",
        "second/Chart.yaml",
        "second/values.yaml",
        "second/values.schema.json",
        "second/templates/_labels.tpl",
        "second/charts/upstream/Chart.yaml",
        "second/charts/upstream/templates/x.yaml",
        "second/charts/other/Chart.yaml",
        "second/charts/other/templates/x.yaml",
    }
    chart = assembly.layer_chart(plan.load(made.project.chart)["second"])
    metadata = yamlio.load((chart / "Chart.yaml").read_bytes())
    assert (metadata["name"], metadata["version"]) == ("depin-platform", "0.1.0")
    assert metadata["annotations"] == {assemble.DIGEST_ANNOTATION: assembly.digest}
    assert metadata["dependencies"] == [
        {"name": "upstream", "version": "1.0.0", "condition": "upstream.enabled"},
        {"name": "other", "version": "2.0.0"},
    ]
    assert yamlio.load((chart / "values.yaml").read_bytes()) == {"global": {"a": 1}, "upstream": {"c": 3}}
    assert json.loads((chart / "values.schema.json").read_text()) == {
        "type": "object",
        "properties": {"global": {"type": "object"}, "upstream": {"type": "object"}},
    }


def test_crds_are_those_of_the_archives_without_anything_of_a_release(made: Made) -> None:
    crds = made.assemble().crds()
    assert [crd["metadata"] for crd in crds] == [
        {"name": name, "annotations": {"controller-gen.kubebuilder.io/version": "v1"}}
        for name in ("apes.example.org", "zebras.example.org")
    ]
    assert made.assemble().api_versions() == [
        *("example.org/v1", "example.org/v1/Thing", "example.org/v2", "example.org/v2/Thing")
    ]


def test_the_same_input_gives_the_same_bytes_in_any_folder(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one"), make(tmp_path / "two", tuple(reversed(list(FILES))))
    assert one.digest() == two.digest()
    assert contents(one.assemble().directory) == contents(two.assemble().directory)
    assert one.checkout() == two.checkout()


def test_what_is_assembled_already_is_not_rendered_again(made: Made) -> None:
    first = made.assemble()
    assert made.assemble(broken) == first


def _changed(path: str, content: str) -> Callable[[Made], Made]:
    def change(made: Made) -> Made:
        made.write(path, content)
        return made

    return change


def _other_schema(made: Made) -> Made:
    made.project.schema_source.write_text(SCHEMA.replace("string", "integer"))
    return made


def _other_archive(made: Made) -> Made:
    return replace(made, charts=(replace(made.charts[0], digest="sha256:" + "0" * 64), made.charts[1]))


@pytest.mark.parametrize(
    "change",
    [
        *(_changed(path, text + "\n# more\n") for path, text in FILES.items()),
        _changed("charts/own/templates/b.yaml", "new: file\n"),
        _changed("templates/.hidden", "Helm reads it\n"),
        _other_schema,
        _other_archive,
    ],
)
def test_the_digest_changes_with_all_that_goes_in(made: Made, change: Callable[[Made], Made]) -> None:
    before = made.digest()
    changed = change(made)
    assert changed.digest() != before
    assert changed.assemble().digest != before


@pytest.mark.parametrize(
    "path",
    [
        *("values.yaml~", "templates/.guard.yaml.swp", "charts/own/__pycache__/a.pyc", "charts/.x.tgz.tmp"),
        *("Chart.lock", "values.schema.json", "charts/old-1.0.0.tgz", "charts/depin-crds/crds/old.yaml"),
    ],
)
def test_what_is_ignored_or_generated_changes_nothing(made: Made, path: str, tmp_path: Path) -> None:
    clean = make(tmp_path / "clean")
    made.write(path, "left behind")
    assert made.digest() == clean.digest()
    assert contents(made.assemble().directory) == contents(clean.assemble().directory)
    assemble.copy_own_files(made.project, tmp_path / "copy")
    assert set(contents(tmp_path / "copy")) == set(FILES)


def test_a_failed_assembly_leaves_nothing(made: Made) -> None:
    with pytest.raises(HelmError):
        made.assemble(broken)
    made.charts[1].archive.write_bytes(b"no archive")
    with pytest.raises(ChartError):
        made.assemble()
    assert contents(made.cache) == {}
    assert list((made.cache / "assembled").iterdir()) == []


def test_an_assembly_that_another_process_finished_first_is_taken(made: Made) -> None:
    def slow(archive: Path, overrides: Mapping[str, Any]) -> str:
        made.assemble()
        return render(archive, overrides)

    assembly = made.assemble(slow)
    assert list((made.cache / "assembled").iterdir()) == [assembly.directory]
    assert [crd["metadata"]["name"] for crd in assembly.crds()] == ["apes.example.org", "zebras.example.org"]


def test_a_layer_whose_chart_is_missing_is_named(made: Made) -> None:
    shutil.rmtree(made.project.chart / "charts/own")
    with pytest.raises(ChartError, match="no charts/own, which layer first is made of"):
        made.assemble()


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nothing in the folder be written; root may all the same, so see that nothing was."""
    before = contents(folder)
    paths = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(modes[path] & ~0o222)
    try:
        yield
        assert contents(folder) == before
    finally:
        for path in paths:
            path.chmod(modes[path])


def test_an_installed_project_that_nobody_may_write_to_is_assembled_in_the_cache(made: Made) -> None:
    with read_only(made.project.root):
        assembly = made.assemble()
        assert assembly.directory.is_relative_to(made.cache)
        copy = made.folder / "copy"
        assemble.copy_own_files(made.project, copy)
        assemble.write(copy, made.checkout())
        assert assemble.check(copy, made.checkout()) == ()


def test_a_checkout_is_completed_and_what_is_stale_goes(made: Made) -> None:
    chart = made.project.chart
    made.write("charts/upstream-0.9.0.tgz", "an older version")
    made.write("charts/depin-crds/crds/gone.example.org.yaml", "a CRD that is no more")
    assemble.write(chart, made.checkout())
    assert set(contents(chart)) - set(FILES) == {
        "values.schema.json",
        "charts/upstream-1.0.0.tgz",
        "charts/other-2.0.0.tgz",
        "charts/depin-crds/crds/apes.example.org.yaml",
        "charts/depin-crds/crds/zebras.example.org.yaml",
    }
    assert assemble.check(chart, made.checkout()) == ()


def test_a_complete_checkout_is_not_touched(made: Made) -> None:
    assemble.write(made.project.chart, made.checkout())
    before = {file: file.stat().st_mtime_ns for file in made.project.chart.rglob("*")}
    assemble.write(made.project.chart, made.checkout())
    assert {file: file.stat().st_mtime_ns for file in made.project.chart.rglob("*")} == before


def test_checking_names_every_difference_and_changes_nothing(made: Made) -> None:
    chart = made.project.chart
    assemble.write(chart, made.checkout())
    (chart / "charts/upstream-1.0.0.tgz").unlink()
    made.write("values.schema.json", "{}")
    made.write("charts/depin-crds/crds/apes.example.org.yaml", "edited by hand")
    made.write("charts/depin-crds/crds/gone.example.org.yaml", "stale")
    made.write("charts/upstream-0.9.0.tgz", "stale")
    before = contents(chart)
    assert assemble.check(chart, made.checkout()) == (
        "charts/depin-crds/crds/apes.example.org.yaml differs",
        "charts/depin-crds/crds/gone.example.org.yaml is not generated any more",
        "charts/upstream-0.9.0.tgz is not generated any more",
        "charts/upstream-1.0.0.tgz is missing",
        "values.schema.json differs",
    )
    assert contents(chart) == before
