"""The checks of values on the real charts: what is misspelt is found, what is right is let through."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from depin_helm import values, workspace, yamlio
from depin_helm.checks import listing
from depin_helm.project import Project
from depin_helm.yamlio import Path as Keys
from depin_helm.yamlio import format_path
from tests.charts.values.checker import Checker
from tests.charts.values.conftest import Probe
from tests.charts.values.test_examples import INVALID
from tests.tier import ROOT, Tier

PROD = ROOT / "values" / "prod.yaml"


@pytest.fixture
def real(checker: Checker) -> Checker:
    if not checker.tier.real:
        pytest.skip("says something of the real charts")
    return checker


# --- no false alarm ----------------------------------------------------------------------------


#: Mistakes that upstream's own examples hold: nothing reads this.
UPSTREAM_MISTAKES = {
    "elasticsearch/examples/networkpolicy/values.yaml": [
        "elasticsearch.networkPolicy.transport.allowExternal"
    ],
}
#: Rules about the keys themselves. Others know our platform: an example names a storage class of its own.
OF_KEYS = ("yaml", "schema", "dead-key", "type", "kubernetes-object")
#: About upstream's own defaults beside ours, which keep clients' addresses for Kibana's list of networks.
#: And its Fluent Bit reads a configuration of ours, with volumes of ours.
OF_PLATFORM = ("hidden-addresses", "traffic-policy", "fluent-bit-configuration", "lost-entries")


def values_files(archive: Path) -> Iterator[tuple[Keys, str, str]]:
    """Section, name and text of the values that a chart and its subcharts come and are tested with."""
    pattern = re.compile(r"[^/]+/((?:charts/[^/]+/)*)(values\.yaml|ci/[^/]*\.yaml|examples/.*values.*\.yaml)")
    with tarfile.open(archive) as tar:
        for member in tar:
            match = pattern.fullmatch(member.name)
            content = tar.extractfile(member) if match else None
            if match and content:
                yield tuple(re.findall("charts/([^/]+)/", match[1])), member.name, content.read().decode()


def test_all_values_that_upstream_charts_come_with_are_right_as_a_section(checker: Checker) -> None:
    wrong, checked = {}, 0
    for component, chart in checker.found.items():
        for section, name, text in values_files(chart.archive):
            data = yamlio.load(text) or {}
            for key in (*section[::-1], component):
                data = {key: data}
            found = [
                each.path
                for each in checker.findings(yamlio.dump(data))
                if each.rule not in OF_PLATFORM and ("/examples/" not in name or each.rule in OF_KEYS)
            ]
            checked += 1
            if found:
                wrong[name] = found
    assert wrong == (UPSTREAM_MISTAKES if checker.tier.real else {})
    assert checked >= (40 if checker.tier.real else 6)


@pytest.mark.parametrize("name", ["dev", "edge", "prod", "sandbox", "staging"])
def test_our_environments_are_right(checker: Checker, name: str) -> None:
    assert checker.findings((ROOT / "values" / f"{name}.yaml").read_text()) == ()


def test_a_notice_is_said_again_of_values_that_were_found_right_before(tier: Tier) -> None:
    results = [workspace.examine(Project(tier.root), tier.cache, "prod", (), ())[1] for _ in range(2)]
    assert results[0] == results[1]
    assert [notice.id for notice in results[1].notices] == ["ingress-nginx-retired"]


# --- every misspelt key ------------------------------------------------------------------------

#: Below these, keys are names that people choose.
FREE = tuple(
    re.compile(pattern)
    for pattern in (
        r"depin-foundation\.(namespaces|nodeAgents\.serviceAccounts)\.[^.]+",
        r"depin-routes\.routes\.[^.]+",
        r"ingress-nginx\.controller\.(config|addHeaders)\..*",
        r"kube-prometheus-stack\.prometheus\.prometheusSpec\.externalLabels\..*",
        r"kube-prometheus-stack\.grafana\.grafana\\\.ini\..*",
        r"kube-prometheus-stack\.grafana\.(persistence|sidecar\.dashboards)\.annotations\..*",
        r"depin-monitoring\.alerting\.inhibition\.[^.]+",
        r"depin-fluent-bit\.masking\.(keys|patterns)\.[^.]+",
        r"elasticsearch\.podAnnotations\..*",
        r"(elasticsearch\.esConfig|kibana\.kibanaConfig)\..*",
        r".*\.topologySpreadConstraints\[\d\]\.labelSelector\.matchLabels\..*",
        r".*\.resources\.(requests|limits)\.[^.]+",
    )
)


def keys(data: Any, path: Keys = ()) -> Iterator[Keys]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        if isinstance(key, str):
            yield (*path, key)
        yield from keys(value, (*path, key))


def renamed(data: Any, path: Keys, name: str) -> Any:
    """The data with the key at `path` called otherwise, in its place."""
    if not path:
        return data
    if isinstance(data, list):
        return [
            renamed(item, path[1:], name) if index == path[0] else item for index, item in enumerate(data)
        ]
    if len(path) == 1:
        return {name if key == path[0] else key: value for key, value in data.items()}
    return {key: renamed(value, path[1:], name) if key == path[0] else value for key, value in data.items()}


def misspelt(key: str) -> str:
    return f"{key[:-1]}{'x' if key[-1] != 'x' else 'y'}"


def unrelated(paths: Iterable[Keys]) -> list[list[Keys]]:
    """The paths in groups, to be misspelt at once: none lies in a section that holds another of its group."""
    groups: list[list[Keys]] = []
    for path in paths:
        group = next((group for group in groups if not any(_related(path, each) for each in group)), None)
        if group is None:
            groups.append(group := [])
        group.append(path)
    return groups


def _related(one: Keys, other: Keys) -> bool:
    return one[: len(other) - 1] == other[:-1] or other[: len(one) - 1] == one[:-1]


def test_every_key_that_the_platform_sets_is_missed_when_it_is_misspelt(real: Checker) -> None:
    everything: dict[str, Any] = {}
    for name in ("values/prod", "charts/depin-platform/values-layered", "charts/depin-platform/values"):
        everything = values.merge(yamlio.load((ROOT / f"{name}.yaml").read_bytes()), everything)
    paths = [path for path in keys(everything) if not any(each.fullmatch(format_path(path)) for each in FREE)]
    unnoticed = []
    for group in unrelated(paths):
        data = everything
        for path in group:
            data = renamed(data, path, misspelt(str(path[-1])))
        found = {each.path for each in real.findings(yamlio.dump(data))}
        for path in group:
            # An object without its kind is not known to be one: then the kind is missing.
            expected = {format_path((*path[:-1], misspelt(str(path[-1])))), format_path(path)}
            if not expected & found:
                unnoticed.append(format_path(path))
    assert len(paths) > 250
    assert unnoticed == []


# --- random edits ------------------------------------------------------------------------------

NAMES = st.text("abcdefghijklmnopqrstuvwxyzABC-_", min_size=1, max_size=12)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**9),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text("abc019 {}.:-", max_size=8),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(NAMES, st.integers(0, 3), max_size=2),
)


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, Keys, Keys, dict[str, Any]]:
    """What was done to prod.yaml: the kind of edit, the key before and after, the data."""
    data = yamlio.load(PROD.read_bytes())
    path = draw(st.sampled_from(list(keys(data))))
    kind = draw(st.sampled_from(["rename", "move", "change", "delete"]))
    section = data
    for part in path[:-1]:
        section = section[part]
    value = section[path[-1]]
    after = path
    if kind == "rename":
        name = draw(NAMES.filter(lambda name: name not in section))
        after = (*path[:-1], name)
        data = renamed(data, path, name)
    elif kind == "change":
        section[path[-1]] = draw(VALUES)
    else:
        del section[path[-1]]
        if kind == "move":
            target = draw(st.sampled_from([(), *(key for key in keys(data))]))
            place = data
            for part in target:
                if not isinstance(place[part], dict):
                    place[part] = {}
                place = place[part]
            place[path[-1]] = value
            after = (*target, path[-1])
    return kind, path, after, data


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(edit=edits())
def test_whatever_is_done_to_an_environment_it_is_checked_and_a_renamed_key_is_found(
    checker: Checker, edit: tuple[str, Keys, Keys, dict[str, Any]]
) -> None:
    kind, _, after, data = edit
    found = checker.findings(yamlio.dump(data))
    if kind == "rename" and checker.tier.real:
        known = {key for chart in checker.charts.values() for key in chart.defaults}
        assert any(each.path == format_path(after) for each in found) or after[-1] in known


@pytest.mark.parametrize("number", range(len(PROD.read_text().splitlines())))
def test_an_environment_with_any_line_missing_is_checked(checker: Checker, number: int) -> None:
    lines = PROD.read_text().splitlines(keepends=True)
    found = checker.findings("".join(lines[:number] + lines[number + 1 :]))
    assert all(each.line <= len(lines) and each.message for each in found)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(edit=edits())
def test_whatever_is_done_to_an_environment_it_is_merged_as_by_helm(
    probe: Probe, checker: Checker, edit: tuple[str, Keys, Keys, dict[str, Any]]
) -> None:
    data = edit[3]
    (checker.project.values / "example.yaml").write_text(yamlio.dump(data))
    environment = values.read_environment(checker.project, "example")
    chart = values.Defaults(environment.defaults.values)
    layered = (ROOT / "charts/depin-platform/values-layered.yaml").read_text()
    own = yamlio.dump({key: value for key, value in data.items() if key != "depinHelm"})
    merged = values.coalesce(environment.overrides, chart.values)
    assert merged == probe.values(layered, own, chart=chart)


# --- each rule counts --------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [rule.id for rule in listing() if rule.id not in ("yaml", "schema")])
def test_a_rule_that_is_switched_off_is_missed_by_an_example(
    real: Checker, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    cases = [case for case in INVALID if f"[{rule}]" in (case / "expected.txt").read_text()]
    assert cases
    for case in cases:
        result = real.example(case, off=[rule])
        assert not any(each.rule == rule for each in result.findings)
