"""A rendered manifest taken apart, and set beside what Helm installed."""

from __future__ import annotations

from depin_helm import releases
from depin_helm.diff import preview
from depin_helm.helm import Record
from depin_helm.plan import Layer

LAYER = Layer("monitoring", "monitoring", ())


def config(name: str, value: str = "one", *, annotation: str = "") -> str:
    annotations = f"\n  annotations: {{{annotation}}}" if annotation else ""
    return f"""---
# Source: depin-platform/templates/{name}.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}{annotations}
data:
  key: {value}
"""


def record(revision: int, status: str, manifest: str) -> Record:
    return Record(LAYER.release, LAYER.namespace, revision, status, "", "", "", "", {}, manifest, ())


def read(manifest: str, *history: Record) -> preview.Desired:
    found = releases.grouped(history).get((LAYER.namespace, LAYER.release))
    return preview.read(LAYER, manifest, found, lambda api_version, kind: kind != "Namespace")


def names(objects: tuple[preview.Wanted, ...]) -> list[str]:
    return [one.obj["metadata"]["name"] for one in objects]


def test_an_object_gets_its_releases_namespace_and_marks() -> None:
    (one,) = read(config("a")).objects
    assert one.obj["metadata"]["namespace"] == "monitoring"
    assert releases.owner(one.obj) == ("monitoring", "depin-monitoring")


def test_an_object_keeps_the_namespace_that_it_names() -> None:
    (one,) = read(config("a").replace("name: a\n", "name: a\n  namespace: kube-system\n")).objects
    assert one.obj["metadata"]["namespace"] == "kube-system"


def test_a_kind_without_namespaces_gets_none() -> None:
    (one,) = read("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: logging\n  namespace: x\n").objects
    assert "namespace" not in one.obj["metadata"]


def test_hooks_and_empty_documents_are_no_objects() -> None:
    hook = config("h", annotation="helm.sh/hook: pre-install")
    assert names(read(f"---\n# nothing\n{config('a')}{hook}---\n").objects) == ["a"]


def test_a_list_is_its_items() -> None:
    item = "  - {apiVersion: v1, kind: ConfigMap, metadata: {name: %s}}\n"
    text = "apiVersion: v1\nkind: ConfigMapList\nitems:\n" + item % "a" + item % "b"
    assert names(read(text).objects) == ["a", "b"]


def test_dashes_inside_a_text_do_not_end_a_document() -> None:
    text = config("a").replace("key: one", "key: |\n    ---\n    two")
    (one,) = read(text).objects
    assert one.obj["data"] == {"key": "---\ntwo\n"}


def test_what_helm_applied_last_is_known_to_be_installed() -> None:
    old = config("a") + config("b")
    desired = read(config("a") + config("b", "two"), record(1, "deployed", old))
    assert {one.obj["metadata"]["name"]: one.installed for one in desired.objects} == {"a": True, "b": False}


def test_nothing_is_known_to_be_installed_where_a_newer_revision_failed() -> None:
    history = (record(1, "deployed", config("a")), record(2, "failed", config("a", "two")))
    assert [one.installed for one in read(config("a"), *history).objects] == [False]


def test_nothing_is_known_to_be_installed_where_only_an_attempt_failed() -> None:
    assert [one.installed for one in read(config("a"), record(1, "failed", config("a"))).objects] == [False]


def test_what_is_no_longer_rendered_is_removed() -> None:
    desired = read(config("a"), record(1, "deployed", config("a") + config("b")))
    assert names(desired.removed) == ["b"]


def test_an_object_of_another_version_is_the_same_one() -> None:
    old = config("a").replace("apiVersion: v1", "apiVersion: example.com/v1beta1")
    new = config("a").replace("apiVersion: v1", "apiVersion: example.com/v1")
    assert read(new, record(1, "deployed", old)).removed == ()


def test_what_a_failed_revision_alone_had_is_not_helms_to_remove() -> None:
    history = (record(1, "deployed", config("a")), record(2, "failed", config("a") + config("b")))
    assert read(config("a"), *history).removed == ()


def test_what_the_release_has_had_is_its_own() -> None:
    old = config("a") + config("b") + config("c")
    desired = read(config("a") + config("b", "two") + config("new"), record(1, "deployed", old))
    assert {name for *_, name in desired.owned} == {"a", "b", "c"}


def test_an_object_whose_name_has_another_digest_takes_the_place_of_the_one_before() -> None:
    def predecessors(new: str, old: str) -> dict[str, str]:
        found = read(new, record(1, "deployed", old)).predecessors()
        return {name[-1]: one.key[-1] for name, one in found.items()}

    old = config("setup-0123456789") + config("other-0123456789")
    assert predecessors(config("setup-abcdef0123", "two"), old) == {"setup-abcdef0123": "setup-0123456789"}
    assert predecessors(config("third-abcdef0123"), old) == predecessors(config("setup-abc"), old) == {}
    job = config("setup-abcdef0123").replace("ConfigMap", "Job")
    assert predecessors(job, old) == {}
