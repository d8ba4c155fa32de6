"""Kibana's setup Job: its script and objects, as rendered, against a server as strict as the real one."""

from __future__ import annotations

import copy
import json
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from tests.charts.checks.model import Platform
from tests.charts.rendering import Renderer
from tests.charts.setup.kibana import Kibana
from tests.charts.setup.running import Run, content, run, variables
from tests.charts.setup.serving import RefusedError, serve
from tests.charts.setup.test_elasticsearch_setup import LOGIN, roles

NAME = "kibana-setup"


@pytest.fixture(scope="module", name="files")
def of_prod(renderer: Renderer) -> dict[str, str]:
    return content(renderer.layered("prod"), NAME)


def imported(server: Kibana, files: dict[str, str], folder: Path, **options: Any) -> Run:
    login = options.pop("login", LOGIN)
    with serve(server):
        return run(files, folder, server.url, login, **options)


def kibana() -> Kibana:
    return Kibana({LOGIN[0]: LOGIN[1]}, roles=roles())


def test_an_empty_kibana_gets_all_objects_and_again_the_same(layered: Platform, tmp_path: Path) -> None:
    server, files = kibana(), content(layered, NAME)
    done = imported(server, files, tmp_path)
    assert (done.code, done.last) == (0, "done: 3 requests"), done.log
    before = copy.deepcopy(server.objects)
    assert len(before) == len(files["objects.ndjson"].splitlines())
    assert imported(server, files, tmp_path).code == 0
    assert server.objects == before


def test_what_somebody_changed_in_an_object_of_ours_is_undone(files: dict[str, str], tmp_path: Path) -> None:
    server = kibana()
    imported(server, files, tmp_path)
    before = copy.deepcopy(server.objects)
    server.objects["default", "dashboard", "depin-node-logs"] = {}
    server.objects["default", "dashboard", "mine"] = {}
    assert imported(server, files, tmp_path).code == 0
    assert server.objects == {**before, ("default", "dashboard", "mine"): {}}


def test_it_waits_for_kibana(files: dict[str, str], tmp_path: Path) -> None:
    server = kibana()
    server.faults = deque([RefusedError(503, "Service Unavailable", "Kibana server is not ready yet")] * 2)
    assert imported(server, files, tmp_path).code == 0
    assert server.answers == [503, 503, 200, 200, 200]


def test_an_import_that_fails_in_part_fails(files: dict[str, str], tmp_path: Path) -> None:
    lines = files["objects.ndjson"].splitlines()
    without = "\n".join(line for line in lines if json.loads(line)["type"] != "index-pattern")
    done = imported(kibana(), {**files, "objects.ndjson": without}, tmp_path)
    assert done.code == 1
    assert "missing_references" in done.last
    assert "/_import?overwrite=true: 200 " in done.last


def test_objects_of_a_newer_kibana_are_refused(files: dict[str, str], tmp_path: Path) -> None:
    newer = files["objects.ndjson"].replace(
        '"coreMigrationVersion": "8.5.0"', '"coreMigrationVersion": "8.8.0"'
    )
    done = imported(kibana(), {**files, "objects.ndjson": newer}, tmp_path)
    assert done.code == 1
    assert "422" in done.last


@pytest.mark.parametrize("lost", roles()["depin_setup"]["applications"][0]["privileges"])
def test_each_right_of_the_user_is_needed(files: dict[str, str], tmp_path: Path, lost: str) -> None:
    role = copy.deepcopy(roles()["depin_setup"])
    role["applications"][0]["privileges"].remove(lost)
    done = imported(Kibana({LOGIN[0]: LOGIN[1]}, roles={"depin_setup": role}), files, tmp_path)
    assert done.code == 1
    assert "403" in done.last


def test_another_space_gets_them_once_it_is_there(renderer: Renderer, tmp_path: Path) -> None:
    files = content(
        renderer.in_layers(
            "space", {"depin-kibana": {"enabled": True, "space": "depin"}, "kibana": {"enabled": True}}
        ),
        NAME,
    )
    server = kibana()
    done = imported(server, files, tmp_path)
    assert done.code == 1
    assert "GET /api/spaces/space/depin: 404" in done.last
    assert server.objects == {}
    server.spaces = frozenset({"default", "depin"})
    assert imported(server, files, tmp_path).code == 0
    assert {space for space, _, _ in server.objects} == {"depin"}


def test_the_pod_reaches_kibana_by_its_service(layered: Platform) -> None:
    assert variables(layered, NAME)["URL"] == "http://kibana.logging.svc:5601"
