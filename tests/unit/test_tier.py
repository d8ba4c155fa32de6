"""Real charts or stand-ins: never mistaken for each other, never mixed."""

from __future__ import annotations

from pathlib import Path

import pytest

from depin_helm.charts import Cache
from depin_helm.errors import ChartError
from tests.tier import CHOICE, ROOT, chart_tier, pack, upstream


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the user's."""
    monkeypatch.setenv("DEPIN_HELM_CACHE", str(tmp_path / "own"))
    monkeypatch.delenv(CHOICE, raising=False)
    return tmp_path / "own"


def test_an_empty_cache_gives_stand_ins_and_stays_empty(own: Path, tmp_path: Path) -> None:
    tier = chart_tier(tmp_path / "scratch")
    assert not tier.real
    assert "kibana 8.5.1" in tier.why
    assert tier.root != ROOT
    for chart in upstream():
        assert Cache(tier.cache).get(chart.name, chart.version)
        with pytest.raises(ChartError):
            Cache(own).get(chart.name, chart.version)


def test_a_cache_with_every_chart_is_used_as_it_is(own: Path, tmp_path: Path) -> None:
    Cache(own).import_(pack(chart, tmp_path) for chart in upstream())
    tier = chart_tier(tmp_path / "scratch")
    assert (tier.real, tier.cache, tier.root) == (True, own, ROOT)


def test_one_missing_chart_is_enough_for_stand_ins(own: Path, tmp_path: Path) -> None:
    Cache(own).import_(pack(chart, tmp_path) for chart in upstream() if chart.name != "fluent-bit")
    tier = chart_tier(tmp_path / "scratch")
    assert not tier.real
    assert "fluent-bit" in tier.why
    assert "kibana" not in tier.why


def test_stand_ins_can_be_asked_for(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Cache(own).import_(pack(chart, tmp_path) for chart in upstream())
    monkeypatch.setenv(CHOICE, "stand-ins")
    assert not chart_tier(tmp_path / "scratch").real


def test_the_cache_of_stand_ins_is_not_taken_for_the_users(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = chart_tier(tmp_path / "scratch")
    monkeypatch.setenv("DEPIN_HELM_CACHE", str(first.cache))
    again = chart_tier(tmp_path / "scratch")
    assert again == first
    assert str(own) in again.why


def test_a_stand_in_packed_twice_has_the_same_bytes(tmp_path: Path) -> None:
    for chart in upstream():
        (tmp_path / chart.name).mkdir()
        assert pack(chart, tmp_path).read_bytes() == pack(chart, tmp_path / chart.name).read_bytes()
