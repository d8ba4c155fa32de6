"""schema/kubernetes.json says what the pinned Kubernetes says."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from tests.tier import ROOT

FILE = ROOT / "schema/kubernetes.json"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The program that writes it; tools/ is no package."""
    spec = importlib.util.spec_from_file_location("kubernetes_schema", ROOT / "tools/kubernetes_schema.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def source(generator: ModuleType) -> Path:
    """The pinned module's source: building the sandbox's API server has left it in Go's cache."""
    try:
        found: Path = generator.source(download=False)
    except FileNotFoundError as error:
        pytest.skip(f"{error}; `make schema` downloads it")
    return found


def test_it_is_of_the_release_that_the_sandbox_runs(generator: ModuleType) -> None:
    source = json.loads(FILE.read_text())["source"]
    assert source == f"k8s.io/kubernetes {generator.version()}", "run `make schema`"


def test_it_is_what_its_source_gives(generator: ModuleType, source: Path) -> None:
    assert generator.generate(source, generator.version()) == FILE.read_text(), "run `make schema`"


def test_it_has_the_words_that_the_published_file_lacks() -> None:
    definitions = json.loads(FILE.read_text())["definitions"]
    assert definitions["core.v1.Toleration"]["properties"]["effect"]["enum"] == [
        *("NoExecute", "NoSchedule", "PreferNoSchedule", "")
    ]
