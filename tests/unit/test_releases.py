"""Helm's records put together, and its marks."""

from __future__ import annotations

from depin_helm import releases
from depin_helm.helm import Record


def record(revision: int, status: str, release: str = "depin-routes") -> Record:
    return Record(
        release=release,
        namespace="depin-system",
        revision=revision,
        status=status,
        updated="",
        description="",
        chart="depin-platform",
        version="0.1.0",
        annotations={},
        manifest="",
        hooks=(),
    )


def revisions(*statuses: str) -> tuple[int, int]:
    """The newest revision and the one that Helm goes on from, where these came one after the other."""
    found = releases.grouped(record(number, status) for number, status in enumerate(statuses, start=1))
    release = found["depin-system", "depin-routes"]
    return release.newest.revision, release.base.revision


def test_helm_goes_on_from_the_deployed_revision() -> None:
    assert revisions("deployed") == (1, 1)


def test_after_a_failed_upgrade_helm_goes_on_from_what_was_deployed_before() -> None:
    assert revisions("deployed", "failed", "failed") == (3, 1)


def test_after_a_failed_installation_helm_goes_on_from_that() -> None:
    assert revisions("failed", "failed") == (2, 2)


def test_revisions_are_ordered_by_number_not_by_name() -> None:
    found = releases.grouped(record(number, "failed") for number in (10, 9, 2))
    assert found["depin-system", "depin-routes"].newest.revision == 10


def test_releases_are_kept_apart() -> None:
    found = releases.grouped([record(1, "deployed"), record(4, "deployed", "depin-issuers")])
    assert {name: release.newest.revision for (_, name), release in found.items()} == {
        "depin-routes": 1,
        "depin-issuers": 4,
    }


def test_helms_marks_name_the_release_and_keep_what_is_there() -> None:
    obj = {"kind": "Namespace", "metadata": {"name": "x", "labels": {"a": "b"}, "annotations": None}}
    marked = releases.own(obj, "depin-foundation", "depin-system")
    assert marked["metadata"] == {
        "name": "x",
        "labels": {"a": "b", "app.kubernetes.io/managed-by": "Helm"},
        "annotations": {
            "meta.helm.sh/release-name": "depin-foundation",
            "meta.helm.sh/release-namespace": "depin-system",
        },
    }
    assert obj["metadata"] == {"name": "x", "labels": {"a": "b"}, "annotations": None}
    assert releases.owner(marked) == ("depin-system", "depin-foundation")


def test_an_object_without_the_marks_belongs_to_no_release() -> None:
    marked = releases.own({"metadata": {"name": "x"}}, "depin-foundation", "depin-system")
    marked["metadata"]["labels"] = {}
    assert releases.owner(marked) is None
    assert releases.owner({"metadata": {"name": "x"}}) is None
