"""Finding Helm."""

from __future__ import annotations

from pathlib import Path

import pytest

from depin_helm.errors import HelmError
from depin_helm.helm import find_helm


def program(folder: Path, says: str, code: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "helm"
    file.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    file.chmod(0o755)
    return file


def test_the_environment_variable_goes_before_the_path(tmp_path: Path) -> None:
    chosen = program(tmp_path / "chosen", "v4.3.1")
    in_path = program(tmp_path / "path", "v4.2.0")
    environ = {"DEPIN_HELM_BIN": str(chosen), "PATH": str(in_path.parent)}
    assert find_helm(environ).path == chosen
    assert find_helm({"PATH": str(in_path.parent)}).version == (4, 2, 0)


def test_helm_is_built_only_where_there_is_none(tmp_path: Path) -> None:
    in_path = program(tmp_path / "path", "v4.2.0")
    built = program(tmp_path / "built", "v4.3.1")
    assert find_helm({"PATH": str(in_path.parent)}, lambda: built).path == in_path
    assert find_helm({"PATH": ""}, lambda: built).path == built
    with pytest.raises(HelmError, match="no helm in PATH") as caught:
        find_helm({"PATH": ""})
    assert "DEPIN_HELM_BIN" in caught.value.hint


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("v4.3.1", (4, 3, 1)),
        ("v4.3", (4, 3, 0)),
        ("v3.14.0", (3, 14, 0)),
        ("v3.22.0+g1234567", (3, 22, 0)),
        ("v4.0.0-rc.1", (4, 0, 0)),
    ],
)
def test_helm_3_and_4_are_supported(tmp_path: Path, says: str, version: tuple[int, int, int]) -> None:
    found = find_helm({"DEPIN_HELM_BIN": str(program(tmp_path, says))})
    assert found.version == version
    assert found.major == version[0]


@pytest.mark.parametrize(
    ("says", "code", "reason"),
    [
        ("v3.13.3", 0, "Helm 3.13.3, which is not supported"),
        ("v2.17.0", 0, "Helm 2.17.0, which is not supported"),
        ("v5.0.0", 0, "Helm 5.0.0, which is not supported"),
        ("Helm: a play in three acts", 0, "is not Helm"),
        ("v4.3.1", 1, "is not Helm"),
    ],
)
def test_another_program_or_version_is_refused_with_the_fix(
    tmp_path: Path, says: str, code: int, reason: str
) -> None:
    with pytest.raises(HelmError, match=reason) as caught:
        find_helm({"DEPIN_HELM_BIN": str(program(tmp_path, says, code))})
    assert "install Helm 4" in caught.value.hint


def test_what_cannot_be_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HelmError, match="is no file"):
        find_helm({"DEPIN_HELM_BIN": str(tmp_path / "missing")})
    file = tmp_path / "helm"
    file.write_bytes(b"\x7fELF but not really")
    file.chmod(0o755)
    with pytest.raises(HelmError, match="cannot be run"):
        find_helm({"DEPIN_HELM_BIN": str(file)})


def test_an_unchanged_helm_is_asked_for_its_version_once(tmp_path: Path) -> None:
    memory = tmp_path / "cache" / "version.json"
    asked = tmp_path / "asked"
    helm = program(tmp_path / "one", "v4.3.1")
    helm.write_text(f"#!/bin/sh\necho >>{asked}\necho v4.3.1\n")
    environ = {"DEPIN_HELM_BIN": str(helm)}
    assert [find_helm(environ, memory=memory).version for _ in range(3)] == [(4, 3, 1)] * 3
    assert asked.read_text() == "\n"

    helm.write_text("#!/bin/sh\necho v3.20.10\n")
    assert find_helm(environ, memory=memory).version == (3, 20, 10)
    memory.write_text("broken")
    assert find_helm(environ, memory=memory).version == (3, 20, 10)
    helm.write_text("#!/bin/sh\necho nothing\n")
    with pytest.raises(HelmError, match="gave no version"):
        find_helm(environ, memory=memory)
