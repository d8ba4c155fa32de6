"""What was found right is not checked again, and is as soon as anything changes."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from depin_helm.charts import CachedChart
from depin_helm.checks import Verdict, verdict
from depin_helm.errors import Finding
from depin_helm.values import Environment

CHART = CachedChart("web", "1", "sha256:1", Path("web.tgz"))
ENVIRONMENT = Environment("prod", {"a": 1}, {"a": 1}, {}, ("values.yaml",))


@pytest.fixture
def passed(tmp_path: Path) -> Verdict:
    schema = tmp_path / "schema.yaml"
    schema.write_text("type: object\n")
    kept = Verdict(tmp_path / "cache", ENVIRONMENT, schema, {"web": CHART})
    assert not kept.passed()
    kept.keep()
    return kept


def test_the_same_values_have_the_same_verdict(passed: Verdict) -> None:
    assert dataclasses.replace(passed).passed()


def test_other_values_have_none(passed: Verdict) -> None:
    environment = dataclasses.replace(ENVIRONMENT, overrides={"a": 2})
    assert not dataclasses.replace(passed, environment=environment).passed()


def test_other_charts_have_none(passed: Verdict) -> None:
    charts = {"web": dataclasses.replace(CHART, digest="sha256:2")}
    assert not dataclasses.replace(passed, charts=charts).passed()


def test_another_schema_has_none(passed: Verdict) -> None:
    passed.schema.write_text("type: array\n")
    assert not dataclasses.replace(passed).passed()


def test_other_code_has_none(passed: Verdict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in verdict.CODE:
        (tmp_path / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "code" / name).touch()
    monkeypatch.setattr(verdict, "PACKAGE", tmp_path / "code")
    assert not dataclasses.replace(passed).passed()
    passed.keep()
    assert dataclasses.replace(passed).passed()
    os.utime(tmp_path / "code" / "schema.py", (1, 1))
    assert not dataclasses.replace(passed).passed()


def test_a_file_that_is_wrong_in_itself_is_never_passed(passed: Verdict) -> None:
    environment = dataclasses.replace(ENVIRONMENT, findings=(Finding("a", 1, 1, "", "broken"),))
    assert not dataclasses.replace(passed, environment=environment).passed()


def test_a_cache_that_cannot_be_written_is_no_error(passed: Verdict, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    unwritable = dataclasses.replace(passed, cache=tmp_path / "file")
    unwritable.keep()
    assert not unwritable.passed()
