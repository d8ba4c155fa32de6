"""What becomes of volumes, told from what is there and what is rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from depin_helm import volumes, yamlio
from depin_helm.cluster import Cluster
from depin_helm.plan import Layer

LAYER = Layer("search", "logging", ("search",), (), hooks=True)


@dataclass
class FakeCluster:
    """Holds one StatefulSet, its claims and a storage class."""

    live: Mapping[str, Any]
    claims: Mapping[str, str]
    expandable: bool = True
    asked: list[str] = field(default_factory=list)

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Any:
        self.asked.append(f"{kind} {name}")
        if kind == "StorageClass":
            return {"allowVolumeExpansion": True} if self.expandable else {}
        return self.live if name == self.live["metadata"]["name"] else None

    def list(self, api_version: str, kind: str, namespace: str) -> Any:
        return [
            {
                "metadata": {"name": name},
                "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": size}}},
            }
            for name, size in self.claims.items()
        ]


def template(size: str = "10Gi", storage_class: str = "fast", name: str = "data", **spec: Any) -> Any:
    resources = {"requests": {"storage": size}}
    return {
        "metadata": {"name": name},
        "spec": {"storageClassName": storage_class, "resources": resources, **spec},
    }


def stateful_set(*templates: Any, name: str = "db", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": "logging", **metadata},
        "spec": {"volumeClaimTemplates": list(templates)},
    }


def planned(live: Any, wanted: Any, claims: Mapping[str, str], **cluster: Any) -> tuple[volumes.Growth, ...]:
    fake = FakeCluster(live, claims, **cluster)
    return volumes.planned([(LAYER, f"---\n{yamlio.dump(wanted)}")], cast(Cluster, fake))


CLAIMS = {"data-db-0": "10Gi", "data-db-1": "20Gi", "data-db-x": "10Gi", "data-other-db-0": "10Gi"}


def test_claims_of_the_set_that_are_smaller_grow_whatever_unit_they_are_in() -> None:
    (growth,) = planned(stateful_set(template()), stateful_set(template("20480Mi")), CLAIMS)
    assert growth.claims == (volumes.Claim("data-db-0", "10Gi", "20480Mi"),)
    assert growth.anew


def test_the_same_size_in_another_unit_is_no_growth() -> None:
    assert planned(stateful_set(template()), stateful_set(template("10240Mi")), CLAIMS) == ()


def test_a_set_is_made_anew_though_its_claims_have_grown_already() -> None:
    (growth,) = planned(stateful_set(template()), stateful_set(template("20Gi")), {"data-db-0": "20Gi"})
    assert (growth.claims, growth.anew) == ((), True)
    assert str(growth) == (
        "StatefulSet logging/db: its claims have grown; it is made anew around its pods, which run on"
    )


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ([template("5Gi")], "its volumes cannot become smaller: 10Gi → 5Gi"),
        ([template(storage_class="slow")], "storageClassName of its volumes cannot change: fast → slow"),
        (
            [template(accessModes=["ReadWriteMany"])],
            "accessModes of its volumes cannot change: (none) → ReadWriteMany",
        ),
        ([template(name="store")], "its volumes are data and cannot become store"),
        ([], "its volumes are data and cannot become none"),
    ],
)
def test_what_no_volume_can_do_is_said(wanted: Any, problem: str) -> None:
    (growth,) = planned(stateful_set(template()), stateful_set(*wanted), CLAIMS)
    assert growth.problem == problem
    assert growth.claims == ()


def nodes(before: int | None, after: int, layer: str = "elasticsearch") -> list[str]:
    live, wanted = (stateful_set(template()) for _ in range(2))
    live["spec"] |= {} if before is None else {"replicas": before}
    wanted["spec"] |= {"replicas": after}
    rendered = [(replace(LAYER, name=layer), f"---\n{yamlio.dump(wanted)}")]
    found = volumes.planned(rendered, cast(Cluster, FakeCluster(live, CLAIMS)))
    return [growth.problem for growth in found]


def test_elasticsearch_loses_no_more_nodes_at_once_than_it_can() -> None:
    for before, after in ((3, 3), (3, 5), (1, 3), (None, 1), (3, 2), (5, 4)):
        assert nodes(before, after) == []
    for before, after in ((3, 1), (2, 1), (5, 3), (3, 0), (None, 0)):
        (problem,) = nodes(before, after)
        assert f"cannot go from {before or 1} to {after} at once" in problem
    assert nodes(3, 1, "monitoring") == []


def test_a_class_without_expansion_is_named() -> None:
    live, wanted = stateful_set(template()), stateful_set(template("20Gi"))
    (growth,) = planned(live, wanted, CLAIMS, expandable=False)
    assert growth.problem == "its volumes cannot grow: storage class fast has no allowVolumeExpansion: true"


@pytest.mark.parametrize("named", [{}, {"metadata": {"name": "store"}}])
def test_an_operators_set_is_found_by_the_names_that_it_gives(named: Mapping[str, Any]) -> None:
    claim = "store" if named else "prometheus-main-db"
    live = stateful_set(
        template(name=claim), name="prometheus-main", ownerReferences=[{"controller": True, "uid": "1"}]
    )
    wanted = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "Prometheus",
        "metadata": {"name": "main"},
        "spec": {"storage": {"volumeClaimTemplate": {**named, "spec": template("20Gi")["spec"]}}},
    }
    (growth,) = planned(live, wanted, {f"{claim}-prometheus-main-0": "10Gi"})
    assert [each.name for each in growth.claims] == [f"{claim}-prometheus-main-0"]
    assert not growth.anew


def test_claims_that_an_uninstallation_kept_grow_before_they_are_taken_over() -> None:
    (growth,) = planned(stateful_set(name="another"), stateful_set(template("20Gi")), CLAIMS)
    assert [claim.name for claim in growth.claims] == ["data-db-0"]
    assert not growth.anew


def test_what_is_not_there_yet_has_nothing_to_grow() -> None:
    assert planned(stateful_set(name="another"), stateful_set(template("20Gi")), {}) == ()


def test_claims_that_never_could_grow_are_no_problem_while_nothing_changes() -> None:
    same = stateful_set(template("20Gi"))
    assert planned(same, same, CLAIMS, expandable=False) == ()
    (growth,) = planned(same, same, CLAIMS)
    assert growth.claims and not growth.anew
