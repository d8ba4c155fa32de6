"""Environment-independent assembly: the umbrella's files and the upstream charts become chart folders.

Two products, both deterministic and both written whole or not at all:

- `checkout`: what a checkout lacks to be a chart that plain Helm installs (upstream archives, CRDs,
  `values.schema.json`);
- `assemble`: in the cache, under the digest of all that goes in, the CRDs and one chart folder per layer,
  pruned to its own components so that Helm loads and stores less. Same name and version as the umbrella.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from depin_helm import schema, yamlio
from depin_helm.charts import CachedChart, extract
from depin_helm.errors import ChartError
from depin_helm.plan import Layer, Plan
from depin_helm.project import Project

#: Renders an upstream archive with values, its CRDs included; in the product, `helm template`.
Render = Callable[[Path, Mapping[str, Any]], str]

CRD_FOLDER = PurePosixPath("charts/depin-crds/crds")
SCHEMA_FILE = PurePosixPath("values.schema.json")

#: In a layer's Chart.yaml, and so in its release record: what the release was made from.
DIGEST_ANNOTATION = "depin.ai/content-digest"

#: Part of the key in the cache; to be raised when the same input is to give other files.
FORMAT = 3


@dataclass(frozen=True)
class Assembly:
    """The charts of all layers, ready for Helm, in the cache."""

    directory: Path
    digest: str
    charts: tuple[CachedChart, ...]

    def layer_chart(self, layer: Layer) -> Path:
        """The chart folder of one layer."""
        return self.directory / "layers" / layer.name

    def size(self, layer: Layer) -> int:
        """How many files the chart of a layer has."""
        return sum(1 for _ in self.layer_chart(layer).rglob("*"))

    def crds(self) -> list[dict[str, Any]]:
        """The upstream charts' CustomResourceDefinitions, by name."""
        crds: list[dict[str, Any]] = json.loads((self.directory / "crds.json").read_bytes())
        return crds

    def api_versions(self) -> list[str]:
        """What the CRDs add to `.Capabilities.APIVersions`: group/version and group/version/kind."""
        versions: list[str] = json.loads((self.directory / "api-versions.json").read_bytes())
        return versions


def checkout(project: Project, charts: Sequence[CachedChart], render: Render) -> dict[PurePosixPath, bytes]:
    """The generated files of a complete umbrella chart, by path within its folder."""
    files = {SCHEMA_FILE: schema.build(project.schema_source).encode()}
    for chart in charts:
        files[PurePosixPath("charts") / f"{chart.name}-{chart.version}.tgz"] = chart.archive.read_bytes()
    for crd in _extract_crds(charts, render):
        files[CRD_FOLDER / f"{crd['metadata']['name']}.yaml"] = yamlio.dump(crd).encode()
    return files


def check(chart: Path, files: Mapping[PurePosixPath, bytes]) -> tuple[str, ...]:
    """What differs between the folder `chart` and the generated `files`, one sentence each."""
    missing = [f"{path} is missing" for path in files if not (chart / path).is_file()]
    changed = [
        f"{path} differs" for path, content in files.items() if _read(chart / path) not in (None, content)
    ]
    left_over = [f"{path} is not generated any more" for path in _generated(chart) if path not in files]
    return tuple(sorted(missing + changed + left_over))


def copy_own_files(project: Project, chart: Path) -> None:
    """Copy the umbrella's committed files into the folder `chart`, which need not exist."""
    for path in _own_files(project.chart):
        _replace(chart / path, (project.chart / path).read_bytes())


def write(chart: Path, files: Mapping[PurePosixPath, bytes]) -> None:
    """Put the generated `files` into the folder `chart` and take those away that are not generated any more.

    Each file is replaced in one step, and only when its content differs.
    """
    for path in _generated(chart):
        if path not in files:
            (chart / path).unlink()
    for path, content in files.items():
        if _read(chart / path) != content:
            _replace(chart / path, content)


def assemble(
    project: Project, charts: Sequence[CachedChart], plan: Plan, render: Render, cache: Path
) -> Assembly:
    """Build every layer's chart and the CRDs in the folder `cache`, or take those that lie there already.

    Raises:
        ChartError: an archive cannot be unpacked or holds no chart of its name.
    """
    key = digest(project, charts)
    directory = cache / "assembled" / key.removeprefix("sha256:")[:32]
    if not directory.is_dir():
        directory.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=directory.parent))
        try:
            crds = _extract_crds(charts, render)
            (scratch / "crds.json").write_text(json.dumps(crds))
            # Apart from the megabytes of the CRDs, since every rendering needs them.
            (scratch / "api-versions.json").write_text(json.dumps(sorted(_api_versions(crds))))
            for layer in plan.layers:
                _write_layer(project, charts, layer, key, scratch / "layers" / layer.name)
            scratch.chmod(0o755)
            _rename_folder(scratch, directory)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return Assembly(directory, key, tuple(charts))


def digest(project: Project, charts: Sequence[CachedChart]) -> str:
    """What names an assembly: a digest of all that goes into it."""
    total = hashlib.sha256(f"format {FORMAT}\n".encode())
    for path in _own_files(project.chart):
        content = hashlib.sha256((project.chart / path).read_bytes()).hexdigest()
        total.update(f"{path} {content}\n".encode())
    total.update(project.schema_source.read_bytes())
    for chart in charts:
        total.update(f"{chart.name} {chart.version} {chart.digest}\n".encode())
    return f"sha256:{total.hexdigest()}"


def _own_files(chart: Path) -> list[PurePosixPath]:
    """The umbrella's committed files, sorted: neither generated nor such as Helm ignores."""
    paths = (PurePosixPath(file.relative_to(chart)) for file in chart.rglob("*") if file.is_file())
    generated = set(_generated(chart)) | {SCHEMA_FILE, PurePosixPath("Chart.lock")}
    lines = (_read(chart / ".helmignore") or b"").decode().splitlines()
    ignored = [line.rstrip("/") for line in lines if line and not line.startswith("#")]
    return sorted(
        path
        for path in paths
        if path not in generated
        and not any(fnmatch.fnmatchcase(part, pattern) for part in path.parts for pattern in ignored)
    )


def _generated(chart: Path) -> list[PurePosixPath]:
    """Files in `chart` that earlier assemblies generated, the schema aside."""
    files = [*chart.glob("charts/*.tgz"), *(chart / CRD_FOLDER).glob("*.yaml")]
    return [PurePosixPath(file.relative_to(chart)) for file in files]


def _extract_crds(charts: Sequence[CachedChart], render: Render) -> list[dict[str, Any]]:
    """The CRDs of all archives, sorted by name, without the labels of the release that rendered them."""
    crds: dict[str, dict[str, Any]] = {}
    for chart in charts:
        # cert-manager templates its CRDs, kube-prometheus-stack has them in a subchart: both behind this key.
        manifest = render(chart.archive, {"crds": {"enabled": True}})
        for document in manifest.split("\n---"):
            if "kind: CustomResourceDefinition" not in document:  # spares parsing most of them
                continue
            crd = yamlio.load(document)
            if crd["kind"] != "CustomResourceDefinition":
                continue
            metadata = crd["metadata"]
            metadata.pop("labels", None)
            annotations = metadata.pop("annotations", None) or {}
            kept = {key: text for key, text in annotations.items() if not key.startswith("helm.sh/")}
            if kept:
                metadata["annotations"] = kept
            crds[metadata["name"]] = crd
    return [crds[name] for name in sorted(crds)]


def _api_versions(crds: Sequence[Mapping[str, Any]]) -> set[str]:
    found = set()
    for crd in crds:
        spec = crd["spec"]
        for version in spec["versions"]:
            name = f"{spec['group']}/{version['name']}"
            found |= {name, f"{name}/{spec['names']['kind']}"}
    return found


def _write_layer(
    project: Project, charts: Sequence[CachedChart], layer: Layer, key: str, directory: Path
) -> None:
    """Write the umbrella pruned to one layer's components, with `key` in its annotations."""
    metadata = yamlio.load((project.chart / "Chart.yaml").read_bytes())
    declared = [entry for entry in metadata["dependencies"] if entry["name"] in layer.components]
    metadata["dependencies"] = [{k: v for k, v in entry.items() if k != "repository"} for entry in declared]
    metadata["annotations"] = {**(metadata.get("annotations") or {}), DIGEST_ANNOTATION: key}
    _replace(directory / "Chart.yaml", yamlio.dump(metadata).encode())
    values = yamlio.load((project.chart / "values.yaml").read_bytes())
    _replace(directory / "values.yaml", yamlio.dump(layer.prune(values)).encode())
    # Helm reads it at every rendering, and stores it in every release record.
    whole = schema.load(project.schema_source)
    part = {**whole, "properties": layer.prune(whole["properties"])}
    _replace(directory / SCHEMA_FILE, schema.text(part).encode())
    own = _own_files(project.chart)
    # Named templates that our subcharts use; notes and guards are for the whole chart.
    wanted = [path for path in own if path.parts[0] == "templates" and path.suffix == ".tpl"]
    archives = {chart.name: chart for chart in charts}
    for name in layer.components:
        files = [path for path in own if path.parts[:2] == ("charts", name)]
        if name in archives:
            extract(archives[name].archive, directory / "charts" / name)
        elif not files:
            raise ChartError(f"the umbrella chart has no charts/{name}, which layer {layer.name} is made of")
        else:
            wanted += files
    for path in wanted:
        _replace(directory / path, (project.chart / path).read_bytes())


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _rename_folder(scratch: Path, target: Path) -> None:
    """Rename, unless another process was faster: what it put there is the same."""
    try:
        scratch.rename(target)
    except OSError:
        if not target.is_dir():
            raise
