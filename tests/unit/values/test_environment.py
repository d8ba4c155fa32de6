"""Environments: which file wins, where each value comes from, what Helm gets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from depin_helm import yamlio
from depin_helm.errors import UsageError, ValuesError
from depin_helm.project import Project
from depin_helm.values import (
    Environment,
    Origin,
    load_environment,
    origins_of,
    read_environment,
    write_for_helm,
)

CHART = "charts/depin-platform/values.yaml"
LAYERED = "charts/depin-platform/values-layered.yaml"
SUBCHART = "charts/depin-platform/charts/sub/values.yaml"
PROD = "values/prod.yaml"

FILES = {
    "charts/depin-platform/Chart.yaml": "dependencies: [{name: sub}, {name: upstream}]\n",
    CHART: "layered: false\nsub:\n  size: 1\n  list: [a, b]\nupstream: {replicas: 1, nested: {a: 1, b: 2}}\n",
    LAYERED: "layered: true\n",
    SUBCHART: "size: 0\nonly: here\n",
    PROD: "depinHelm:\n  parallel: 2\nsub:\n  size: 2\nupstream:\n  replicas: 3\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return written(tmp_path, FILES)


def written(root: Path, files: Mapping[str, str]) -> Project:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Project(root)


def sources(environment: Environment, key: str) -> list[tuple[str, int]]:
    """Source and line of each place that gives the one leaf `key`."""
    (chain,) = origins_of(environment, key).values()
    return [(origin.source, origin.line) for origin in chain]


def test_the_environment_stands_over_the_overlay_and_that_over_the_chart(project: Project) -> None:
    values = load_environment(project, "prod").values
    assert values["layered"] is True
    assert values["sub"] == {"size": 2, "list": ["a", "b"], "only": "here"}
    assert values["upstream"] == {"replicas": 3, "nested": {"a": 1, "b": 2}}


def test_further_files_and_set_stand_over_the_environment_in_their_order(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "one.yaml").write_text("sub: {size: 3, a: 1}\n")
    (tmp_path / "two.yaml").write_text("sub: {size: 4}\n")
    files = [tmp_path / "one.yaml", tmp_path / "two.yaml"]
    assert load_environment(project, "prod", files).values["sub"]["size"] == 4
    assert load_environment(project, "prod", files, ["sub.size=5", "sub.size=6"]).values["sub"]["size"] == 6


def test_helm_gets_all_that_is_not_the_charts_own(project: Project) -> None:
    environment = load_environment(project, "prod", sets=["sub.new=1"])
    assert environment.overrides == {
        "layered": True,
        "sub": {"size": 2, "new": 1},
        "upstream": {"replicas": 3},
    }


def test_globals_show_in_a_section_only_where_they_are_set_there(project: Project) -> None:
    environment = load_environment(project, "prod", sets=["global.a=1,upstream.global.b=2"])
    assert "global" not in environment.values["sub"]
    assert environment.values["upstream"]["global"] == {"a": 1, "b": 2}


def test_helm_gets_null_to_delete_a_default(project: Project) -> None:
    environment = load_environment(project, "prod", sets=["upstream.nested.a=null", "sub.size=null"])
    assert environment.overrides["upstream"]["nested"] == {"a": None}
    # The upstream chart's own default is not known here, and may be what is deleted.
    assert environment.values["upstream"]["nested"] == {"a": None, "b": 2}
    assert "size" not in environment.values["sub"]


def test_the_tools_own_key_is_typed_and_kept_from_helm(project: Project) -> None:
    environment = load_environment(project, "prod", sets=["depinHelm.timeouts.default=90s"])
    assert environment.settings.parallel == 2
    assert environment.settings.timeouts.default == 90
    assert "depinHelm" not in environment.overrides
    assert environment.values["depinHelm"] == {"parallel": 2, "timeouts": {"default": "90s"}}


def test_a_value_has_all_its_origins_the_one_in_effect_last(project: Project) -> None:
    environment = load_environment(project, "prod", sets=["sub.size=9"])
    assert sources(environment, "sub.size") == [(SUBCHART, 1), (CHART, 3), (PROD, 4), ("--set", 0)]
    assert [origin.value for origin in origins_of(environment, "sub.size")["sub.size"]] == [0, 1, 2, 9]
    assert sources(environment, "sub.only") == [(SUBCHART, 2)]
    assert sources(environment, "layered") == [(CHART, 1), (LAYERED, 1)]


def test_a_section_lists_each_leaf_below_it(project: Project) -> None:
    environment = load_environment(project, "prod")
    assert list(origins_of(environment, "upstream")) == [
        "upstream.replicas",
        "upstream.nested.a",
        "upstream.nested.b",
    ]
    assert list(origins_of(environment, "sub.list")) == ["sub.list"]
    assert list(origins_of(environment, "sub.list[1]")) == ["sub.list[1]"]


def test_a_list_that_replaces_another_takes_the_origins_of_its_items_along(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "more.yaml").write_text("sub:\n  list: [c]\n")
    environment = load_environment(project, "prod", [tmp_path / "more.yaml"])
    more = str((tmp_path / "more.yaml").relative_to(project.root))
    assert sources(environment, "sub.list") == [(CHART, 4), (more, 2)]
    assert environment.origins["sub", "list", 0] == (Origin(more, 2, 10, "c"),)
    assert ("sub", "list", 1) not in environment.origins


def test_a_scalar_that_replaces_a_map_takes_the_origins_below_along(project: Project) -> None:
    environment = load_environment(project, "prod", sets=["upstream.nested=gone"])
    assert sources(environment, "upstream.nested") == [(CHART, 5), ("--set", 0)]
    assert ("upstream", "nested", "a") not in environment.origins


def test_a_map_that_set_puts_in_the_place_of_a_scalar_is_its_origin(project: Project) -> None:
    environment = load_environment(project, "prod", sets=["sub.only.a=1"])
    assert environment.values["sub"]["only"] == {"a": 1}
    assert sources(environment, "sub.only.a") == [("--set", 0)]
    assert [origin.source for origin in environment.origins["sub", "only"]] == [SUBCHART, "--set"]


def test_set_of_one_item_replaces_the_charts_whole_list_as_in_helm(project: Project) -> None:
    environment = load_environment(project, "prod", sets=["sub.list[1]=x"])
    assert environment.values["sub"]["list"] == [None, "x"]
    assert sources(environment, "sub.list[1]") == [("--set", 0)]
    assert [origin.source for origin in environment.origins["sub", "list"]] == [CHART, "--set"]


def test_set_of_one_item_of_a_files_list_leaves_the_others_to_the_file(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "more.yaml").write_text("sub:\n  list:\n    - c\n    - d\n")
    environment = load_environment(project, "prod", [tmp_path / "more.yaml"], ["sub.list[1]=x"])
    assert environment.values["sub"]["list"] == ["c", "x"]
    assert list(origins_of(environment, "sub.list")) == ["sub.list", "sub.list[1]"]
    assert environment.origins["sub", "list"][-1].value == ["c", "d"]
    assert environment.origin(("sub", "list", 0)) == Origin("more.yaml", 3, 7, "c")
    assert environment.origin(("sub", "list", 1)) == Origin("--set", 0, 0, "x")


def test_what_one_set_overrides_of_another_stays_an_origin(project: Project) -> None:
    environment = load_environment(project, "prod", sets=["new.a=1,new.a=2", "new=3", "list={a},list[0]=b"])
    assert [origin.value for origin in environment.origins["new",]] == [{"a": 1}, 3]
    assert [origin.value for origin in environment.origins["list", 0]] == ["a", "b"]
    assert [origin.value for origin in environment.origins["list",]] == [["a"]]


def test_what_set_changes_is_unchanged_at_its_earlier_origins(project: Project) -> None:
    environment = load_environment(project, "prod", sets=["sub.new=1", "items[0].a=1,items[0].a=2"])
    assert environment.origins["sub",][-1] == Origin(PROD, 3, 1, {"size": 2})
    assert environment.origins["items",] == (Origin("--set", 0, 0, [{"a": 1}]),)


def test_a_missing_value_comes_from_where_its_section_does(project: Project) -> None:
    environment = load_environment(project, "prod")
    finding = environment.finding(("sub", "missing"), "is missing", rule="schema")
    assert (finding.file, finding.line, finding.path) == (PROD, 3, "sub.missing")


def test_an_unknown_key_is_wrong_usage_with_a_suggestion(project: Project) -> None:
    with pytest.raises(UsageError) as caught:
        origins_of(load_environment(project, "prod"), "upstream.replica")
    assert caught.value.hint == "did you mean upstream.replicas?"


def test_the_findings_of_all_files_come_together(project: Project, tmp_path: Path) -> None:
    written(tmp_path, {PROD: "a: 1\na: 2\n", "more.yaml": "b: [\n"})
    with pytest.raises(ValuesError) as caught:
        load_environment(project, "prod", [tmp_path / "more.yaml"])
    assert [finding.file for finding in caught.value.findings] == [PROD, "more.yaml"]
    assert read_environment(project, "prod", [tmp_path / "more.yaml"]).findings == caught.value.findings


def test_no_command_goes_on_with_a_misspelt_setting(project: Project, tmp_path: Path) -> None:
    written(tmp_path, {PROD: "depinHelm:\n  cluster:\n    contxt: prod\n"})
    with pytest.raises(ValuesError) as caught:
        load_environment(project, "prod")
    (finding,) = caught.value.findings
    assert (finding.file, finding.line, finding.column, finding.path) == (
        PROD,
        3,
        5,
        "depinHelm.cluster.contxt",
    )
    with pytest.raises(ValuesError):
        _ = read_environment(project, "prod").settings


@pytest.mark.parametrize("sets", [["a"], ["a[x]=hunter2"], ["a={hunter2"], ["a[0]"], ["layered.x=hunter2"]])
def test_a_set_that_helm_would_refuse_or_ignore_is_wrong_usage(project: Project, sets: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        load_environment(project, "prod", sets=sets)
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_an_unknown_environment_or_file_is_wrong_usage(project: Project, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no environment"):
        load_environment(project, "test")
    with pytest.raises(UsageError, match="cannot be read"):
        load_environment(project, "prod", [tmp_path / "missing.yaml"])


def test_no_value_shows_in_a_traceback(project: Project) -> None:
    environment = load_environment(project, "prod", sets=["sub.password=hunter2"])
    assert "hunter2" not in repr(environment) + repr(environment.origins)


def test_helms_file_is_for_its_owner_only_and_gone_afterwards(tmp_path: Path) -> None:
    data = {"a": {"on": "on", "n": [1, None, "0755"]}}
    with write_for_helm(data, tmp_path) as file:
        assert file.parent == tmp_path
        assert file.stat().st_mode & 0o777 == 0o600
        assert yamlio.load(file.read_bytes()) == data
    assert list(tmp_path.iterdir()) == []


def test_helms_file_is_gone_after_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), write_for_helm({"a": 1}, tmp_path):
        raise KeyboardInterrupt
    with pytest.raises(Exception, match="represent"), write_for_helm({"a": object()}, tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rest", ["hunter2", "hunter2.x"])
def test_the_rest_of_a_password_with_a_comma_is_not_repeated(project: Project, rest: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_environment(project, "prod", (), [f"sub.size=a,{rest}"])
    said = f"{caught.value.message} {caught.value.hint}"
    assert "hunter2" not in said
    assert r"sub.size is followed by a `,`" in said
