"""Helm's release records: what a killed Helm left is marked as failed, and nothing else is."""

from __future__ import annotations

import base64
import copy
import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from depin_helm.errors import LockedError
from depin_helm.helm import records

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def secret(revision: int, status: str, age: timedelta = timedelta(seconds=20)) -> dict[str, Any]:
    """A release Secret as Helm writes it."""
    payload = {
        "name": "r",
        "namespace": "n",
        "version": revision,
        "info": {
            "status": status,
            "last_deployed": (NOW - age).isoformat(),
            "first_deployed": NOW.isoformat(),
            "description": "Initial install underway",
        },
        "chart": {"metadata": {"name": "probe", "version": "0.1.0", "annotations": {"a": "b"}}},
        "config": {"kept": True},
        "manifest": "---\nkind: ConfigMap\n",
        "hooks": [{"name": "h", "manifest": "kind: Job\n"}],
        "apply_method": "ssa",
    }
    packed = base64.b64encode(gzip.compress(json.dumps(payload).encode()))
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {
            "name": f"sh.helm.release.v1.r.v{revision}",
            "namespace": "n",
            "labels": {"owner": "helm", "name": "r", "status": status, "version": str(revision), "mine": "x"},
        },
        "data": {"release": base64.b64encode(packed).decode()},
    }


class Store:
    """A cluster that holds these Secrets."""

    def __init__(self, *secrets: dict[str, Any]) -> None:
        self.secrets = {each["metadata"]["name"]: each for each in secrets}
        self.written: list[str] = []

    def list_metadata(
        self, api_version: str, kind: str, namespace: str | None = None, *, label_selector: str = ""
    ) -> list[dict[str, Any]]:
        assert (api_version, kind, namespace, label_selector) == ("v1", "Secret", "n", "owner=helm,name=r")
        return [{"metadata": each["metadata"]} for each in self.secrets.values()]

    def get(
        self, api_version: str, kind: str, name: str, namespace: str | None = None
    ) -> dict[str, Any] | None:
        return copy.deepcopy(self.secrets.get(name))

    def replace(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        self.written.append(obj["metadata"]["name"])
        self.secrets[obj["metadata"]["name"]] = dict(obj)
        return dict(obj)

    def now(self) -> datetime:
        return NOW


def test_a_record_is_read() -> None:
    assert records.read(secret(3, "deployed")) == records.Record(
        release="r",
        namespace="n",
        revision=3,
        status="deployed",
        updated=(NOW - timedelta(seconds=20)).isoformat(),
        description="Initial install underway",
        chart="probe",
        version="0.1.0",
        annotations={"a": "b"},
        manifest="---\nkind: ConfigMap\n",
        hooks=("kind: Job\n",),
    )


def test_the_newest_revision_is_found_by_number() -> None:
    store = Store(secret(9, "superseded"), secret(10, "deployed"), secret(2, "superseded"))
    newest = records.newest(store, "r", "n")
    assert newest is not None
    assert newest.revision == 10
    assert records.newest(Store(), "r", "n") is None


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback", "uninstalling"])
def test_what_was_left_in_the_middle_becomes_failed_and_keeps_all_else(status: str) -> None:
    store = Store(secret(1, "deployed"), secret(2, status))
    before = copy.deepcopy(store.secrets)
    marked = records.recover(store, "r", "n", abandoned=True)
    assert marked is not None
    assert (marked.revision, marked.status) == (2, status)
    assert store.written == ["sh.helm.release.v1.r.v2"]
    left = store.secrets["sh.helm.release.v1.r.v2"]
    assert left["metadata"]["labels"] == {
        **before["sh.helm.release.v1.r.v2"]["metadata"]["labels"],
        "status": "failed",
    }
    record = records.read(left)
    assert record.status == "failed"
    assert status in record.description
    payload, original = (
        json.loads(gzip.decompress(base64.b64decode(base64.b64decode(each["data"]["release"]))))
        for each in (left, before["sh.helm.release.v1.r.v2"])
    )
    for changed in ("status", "description"):
        del payload["info"][changed], original["info"][changed]
    assert payload == original


@pytest.mark.parametrize("status", ["deployed", "failed", "superseded", "uninstalled"])
def test_what_has_ended_is_left_alone(status: str) -> None:
    store = Store(secret(1, "pending-install"), secret(2, status))
    assert records.recover(store, "r", "n", abandoned=True) is None
    assert records.recover(Store(), "r", "n", abandoned=True) is None
    assert store.written == []


def test_somebody_elses_helm_is_not_disturbed() -> None:
    store = Store(secret(1, "pending-install", timedelta(seconds=20)))
    with pytest.raises(LockedError, match=r"pending-install.*20 s ago") as caught:
        records.recover(store, "r", "n", abandoned=False)
    assert "unlock" in caught.value.hint
    with pytest.raises(LockedError, match="29 min ago"):
        records.recover(Store(secret(1, "pending-install", timedelta(minutes=29))), "r", "n", abandoned=False)
    assert store.written == []


def test_a_helm_that_ends_by_itself_meanwhile_is_left_alone() -> None:
    class Ending(Store):
        def replace(self, obj: Mapping[str, Any]) -> dict[str, Any]:
            self.secrets[obj["metadata"]["name"]] = secret(1, "deployed")
            raise LockedError("somebody has changed it")

    store = Ending(secret(1, "pending-install"))
    assert records.recover(store, "r", "n", abandoned=True) is None


def test_a_helm_that_goes_on_writing_is_not_fought_with() -> None:
    class Alive(Store):
        def replace(self, obj: Mapping[str, Any]) -> dict[str, Any]:
            self.written.append(obj["metadata"]["name"])
            raise LockedError("somebody has changed it")

    store = Alive(secret(1, "pending-install"))
    with pytest.raises(LockedError, match="somebody has changed it"):
        records.recover(store, "r", "n", abandoned=True)
    assert len(store.written) == 3


def test_an_operation_that_nobody_would_wait_for_any_more_counts_as_dead() -> None:
    store = Store(secret(1, "pending-install", timedelta(minutes=31)))
    assert records.recover(store, "r", "n", abandoned=False) is not None
