"""What `pip install depin-helm` gives: a program that works away from any checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from depin_helm import project
from tests.tier import ROOT, UMBRELLA

INSIDE = f"depin_helm/project/charts/{project.CHART_NAME}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True, stdout=subprocess.DEVNULL
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def depin_helm(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, installed into a virtual environment that held nothing."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=True)
    pip: list[str | Path] = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--constraint", ROOT / "constraints.txt", wheel], check=True)
    return folder / "bin" / "depin-helm"


def run(program: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it in a foreign folder, without any setting of this run's."""
    environ = {"PATH": os.defpath, "HOME": str(folder), "DEPIN_HELM_CACHE": str(folder / "cache")}
    return subprocess.run([program, *arguments], cwd=folder, env=environ, text=True, capture_output=True)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--version"], "depin-helm "),
        (["--help"], "install"),
        (["validate", "--env", "prod"], ""),
        (["values", "--env", "prod"], "clusterName: depin-prod"),
        (["values", "--env", "prod", "global.platform.domain"], "prod.yaml"),
        (["charts", "list"], ""),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_the_installed_program_works_in_a_foreign_folder(
    depin_helm: Path, tmp_path: Path, arguments: list[str], shown: str
) -> None:
    result = run(depin_helm, *arguments, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert shown in result.stdout
    assert "Traceback" not in result.stderr


def test_the_installed_program_refuses_wrong_values_with_its_own_schema(
    depin_helm: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("global:\n  platform:\n    domain: 7\n")
    result = run(depin_helm, "validate", "--env", "prod", "-f", str(wrong), folder=tmp_path)
    assert result.returncode == 3, result.stderr
    assert "global.platform.domain" in result.stdout


def test_the_wheel_carries_chart_schema_environments_and_pinned_tools(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    committed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", UMBRELLA, "values", "schema", "tools"], text=True, capture_output=True
    ).stdout.split()
    assert len(committed) > 30 or not (ROOT / ".git").exists()
    assert [name for name in committed if f"depin_helm/project/{name}" not in names] == []
    assert {"depin_helm/py.typed", "depin_helm/project/tools/helm/go.sum", f"{INSIDE}/layers.yaml"} <= names


def test_neither_wheel_nor_sdist_carries_upstream_archives_or_generated_crds(
    built: Path, wheel: Path
) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        names = [*zipfile.ZipFile(wheel).namelist(), *sdist.getnames()]
    assert [name for name in names if name.endswith(".tgz") or "/depin-crds/crds" in name] == []


def test_archives_and_crds_of_an_assembled_checkout_stay_out_of_the_wheel(tmp_path: Path) -> None:
    """As `depin-helm assemble` leaves a checkout, in a copy that git does not know."""
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ("depin_helm", "charts", "values", "schema", "tools"):
        shutil.copytree(ROOT / name, copy / name)
    chart = copy / "charts" / project.CHART_NAME
    (chart / "charts" / "kibana-8.5.1.tgz").write_bytes(b"")
    (chart / "charts/depin-crds/crds").mkdir(exist_ok=True)
    (chart / "charts/depin-crds/crds/one.yaml").write_text("a: 1\n")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(copy)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert f"{INSIDE}/Chart.yaml" in names
    assert [name for name in names if name.endswith(".tgz") or "/depin-crds/crds" in name] == []


def test_the_sdist_holds_what_building_and_testing_need(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"Makefile", "pyproject.toml", "constraints.txt", "LICENSE", "tests/tier.py", "ct.yaml"} <= names
    assert not any(name.startswith((".venv", ".git/", "dist")) for name in names)
