"""What is only to be known is said where it concerns someone, and is no finding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from depin_helm import checks, workspace
from depin_helm.project import Project
from tests.tier import ROOT


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"ingress-nginx": {}}, ["ingress-nginx-retired"]),
        ({"ingress-nginx": {"enabled": True}}, ["ingress-nginx-retired"]),
        ({"ingress-nginx": {"enabled": False}}, []),
        ({"ingress-nginx": None}, []),
        ({}, []),
    ],
)
def test_a_retired_controller_is_named_where_it_is_used(values: dict[str, Any], said: list[str]) -> None:
    assert [notice.id for notice in checks.notices(values)] == said


def test_it_is_said_of_an_environment_and_is_nothing_wrong(tmp_path: Path) -> None:
    _, result = workspace.examine(Project(ROOT), tmp_path, "prod", (), ())
    assert [notice.id for notice in result.notices] == ["ingress-nginx-retired"]
    assert result.findings == ()
    _, without = workspace.examine(Project(ROOT), tmp_path, "prod", (), ["ingress-nginx.enabled=false"])
    assert without.notices == ()


def test_a_result_with_notices_alone_is_flawless() -> None:
    assert checks.Result((), notices=tuple(checks.notices({"ingress-nginx": {}}))).flawless
    assert not checks.Result((), skipped=(checks.Skipped("kibana", "not there"),)).flawless
