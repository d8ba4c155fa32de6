"""docs/network.md says what the matrix of flows says."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import pytest

from depin_helm import yamlio
from tests.tier import ROOT, UMBRELLA

MATRIX: dict[str, Any] = yamlio.load((UMBRELLA / "charts/depin-foundation/flows.yaml").read_bytes())


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The program that writes it; tools/ is no package."""
    spec = importlib.util.spec_from_file_location("network_doc", ROOT / "tools/network_doc.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_what_its_source_gives(generator: ModuleType) -> None:
    assert generator.generate() == (ROOT / "docs/network.md").read_text(), "run `make docs`"


def test_every_flow_has_known_ends_ports_and_a_reason() -> None:
    peers = MATRIX["peers"]
    for flow in MATRIX["flows"]:
        assert set(flow) - {"ports"} == {"from", "to", "why"}
        assert flow["from"] and flow["to"] and {*flow["from"], *flow["to"]} <= peers.keys()
        # Without ports: those of the values for a range, any for pods outside; never any for one of ours.
        if "ports" not in flow:
            assert all("outside" in peers[name] or "ranges" in peers[name] for name in flow["to"])


def test_every_peer_is_in_a_flow() -> None:
    used = {name for flow in MATRIX["flows"] for name in (*flow["from"], *flow["to"])}
    assert used == MATRIX["peers"].keys()


def test_the_closed_namespaces_are_those_that_the_platform_makes() -> None:
    values = yamlio.load((UMBRELLA / "values.yaml").read_bytes())
    assert set(MATRIX["namespaces"]) == set(values["depin-foundation"]["namespaces"])


def test_the_subcharts_own_defaults_are_the_documented_ones() -> None:
    documented = yamlio.load((UMBRELLA / "values.yaml").read_bytes())["depin-foundation"]["networkPolicies"]
    own = yamlio.load((UMBRELLA / "charts/depin-foundation/values.yaml").read_bytes())["networkPolicies"]
    assert own == documented
