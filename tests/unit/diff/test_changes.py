"""The pure part of a diff: what differs, and what must not be shown."""

from __future__ import annotations

from typing import Any

import pytest

from depin_helm.diff.changes import Action, Change, change, compare, contains


def deployment(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "grafana", "namespace": "monitoring"},
        "spec": spec,
    }


def secret(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, "data": data}


def update(old: dict[str, Any], new: dict[str, Any]) -> Change:
    return change(Action.UPDATE, "monitoring", old, new)


def paths(old: Any, new: Any) -> dict[str, tuple[Any, Any]]:
    return {field.path: (field.old, field.new) for field in compare(old, new)}


def test_a_field_is_named_by_its_path_with_both_values() -> None:
    assert paths({"spec": {"replicas": 3}}, {"spec": {"replicas": 1}}) == {"spec.replicas": (3, 1)}


def test_equal_objects_differ_nowhere_whatever_the_order_of_their_keys() -> None:
    assert paths({"a": 1, "b": {"c": [1, 2]}}, {"b": {"c": [1, 2]}, "a": 1}) == {}


def test_a_field_that_comes_or_goes_has_no_value_on_one_side() -> None:
    assert paths({"a": 1}, {"b": 2}) == {"a": (1, None), "b": (None, 2)}


def test_a_key_that_is_no_word_stands_in_brackets() -> None:
    old, new = ({"annotations": {"meta.helm.sh/release-name": name}} for name in ("a", "b"))
    assert list(paths(old, new)) == ["annotations[meta.helm.sh/release-name]"]


def test_items_of_a_list_are_told_apart_by_name() -> None:
    old = {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}
    new = {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "z"}]}
    assert paths(old, new) == {"containers[name=b].image": ("y", "z")}


def test_an_item_in_the_middle_that_goes_is_the_only_change() -> None:
    old = [{"name": name} for name in "abc"]
    new = [{"name": name} for name in "ac"]
    assert paths({"env": old}, {"env": new}) == {"env[name=b]": ({"name": "b"}, None)}


def test_items_without_names_are_told_apart_by_their_places() -> None:
    assert paths({"args": ["a", "b"]}, {"args": ["a", "c"]}) == {"args[1]": ("b", "c")}


def test_a_list_of_another_length_is_one_change() -> None:
    assert paths({"args": ["a"]}, {"args": ["a", "b"]}) == {"args": (["a"], ["a", "b"])}


def test_a_reordered_list_is_a_change() -> None:
    first, second = {"name": "a", "image": "x"}, {"name": "b", "image": "y"}
    assert list(paths({"init": [first, second]}, {"init": [second, first]})) == ["init"]


@pytest.mark.parametrize(("old", "new"), [(1, True), (0, False), ("1", 1), (None, "")])
def test_values_of_different_types_differ(old: Any, new: Any) -> None:
    assert list(paths({"a": old}, {"a": new})) == ["a"]


@pytest.mark.parametrize(
    ("whole", "part", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"b": 1}, False),
        ({"a": 1}, {"a": None}, False),
        ({"a": "1"}, {"a": "1000m"}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": [{"n": 1, "x": 2}]}, {"a": [{"n": 1}]}, True),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({}, {"a": {}}, False),
    ],
)
def test_an_object_contains_another_when_every_named_field_is_the_same(
    whole: Any, part: Any, expected: bool
) -> None:
    assert contains(whole, part) is expected


def test_what_the_server_counts_and_reports_is_no_change() -> None:
    old, new = deployment(replicas=1), deployment(replicas=1)
    new["status"] = {"readyReplicas": 1}
    new["metadata"] |= {"resourceVersion": "7", "generation": 3, "uid": "u", "managedFields": []}
    new["metadata"]["annotations"] = {"deprecated.daemonset.template.generation": "2"}
    old["metadata"]["annotations"] = {"deprecated.daemonset.template.generation": "1"}
    assert update(old, new).fields == ()
    assert update(old, new).old_yaml == update(old, new).new_yaml


def test_a_change_says_what_it_is_about() -> None:
    found = update(deployment(replicas=1), deployment(replicas=2))
    assert (found.action, found.layer, found.api_version) == ("update", "monitoring", "apps/v1")
    assert (found.kind, found.namespace, found.name) == ("Deployment", "monitoring", "grafana")
    assert "replicas: 1" in found.old_yaml
    assert "replicas: 2" in found.new_yaml


def test_an_object_that_comes_has_no_old_text_and_one_that_goes_no_new_one() -> None:
    created = change(Action.CREATE, "monitoring", None, deployment(replicas=1))
    deleted = change(Action.DELETE, "monitoring", deployment(replicas=1), None)
    assert (created.old_yaml, deleted.new_yaml) == ("", "")
    assert "replicas: 1" in created.new_yaml
    assert created.new_yaml == deleted.old_yaml
    assert created.fields == deleted.fields == ()


def test_a_secrets_values_are_masked_and_the_changed_one_is_named() -> None:
    found = update(secret(user="YWRtaW4=", password="b2xk"), secret(user="YWRtaW4=", password="bmV3"))
    assert [(field.path, field.old, field.new) for field in found.fields] == [
        ("data.password", "(masked)", "(masked, changed)")
    ]
    assert "password: (masked, changed)" in found.new_yaml
    assert "user: (masked)" in found.new_yaml
    assert not [text for text in ("YWRtaW4", "b2xk", "bmV3") if text in repr(found)]


@pytest.mark.parametrize("part", ["data", "stringData"])
def test_a_new_secret_is_masked_too(part: str) -> None:
    new = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, part: {"user": "hunter2"}}
    assert "hunter2" not in repr(change(Action.CREATE, "l", None, new))


def test_what_kubectl_remembers_of_a_secret_is_masked() -> None:
    old = secret(a="eA==")
    old["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": '{"data":"aHVudGVyMg=="}'
    }
    assert "aHVudGVyMg" not in repr(change(Action.DELETE, "l", old, None))


@pytest.mark.parametrize(
    "spec",
    [
        {"env": [{"name": "ADMIN_PASSWORD", "value": "hunter2"}]},
        {"env": [{"name": "github_token_v2", "value": "hunter2"}]},
        {"env": [{"name": "AWS_SECRET_ACCESS_KEY", "value": "hunter2"}]},
        {"basicAuth": {"password": "hunter2"}},
        {"bearerToken": "hunter2"},
        {"args": ["--admin-password=hunter2"]},
        {"args": ["--url=x", "--header", "Authorization: Bearer hunter2hunter2"]},
        {"config": "[smtp]\npassword = hunter2\n"},
        {"config": "[OUTPUT]\n    HTTP_User fluent-bit\n    HTTP_Passwd hunter2\n"},
    ],
)
def test_what_looks_like_a_secret_is_masked_wherever_it_stands(spec: dict[str, Any]) -> None:
    new = deployment(**spec)
    for found in (
        change(Action.CREATE, "l", None, new),
        update(deployment(), new),
        update(new, deployment()),
    ):
        assert "hunter2" not in repr(found)


def test_that_a_masked_text_changed_can_be_seen() -> None:
    old, new = (deployment(config=f"user: x\npassword: {word}\n") for word in ("hunter2", "hunter3"))
    found = update(old, new)
    assert [field.path for field in found.fields] == ["spec.config"]
    assert found.old_yaml != found.new_yaml
    assert "hunter" not in repr(found)


@pytest.mark.parametrize(
    "spec",
    [
        {"automountServiceAccountToken": False},
        {"secretName": "grafana-admin"},
        {"env": [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "x", "key": "password"}}}]},
        {"config": "HTTP_Passwd ${ELASTICSEARCH_PASSWORD}\n"},
    ],
)
def test_references_to_secrets_are_shown(spec: dict[str, Any]) -> None:
    assert "***" not in (text := repr(change(Action.CREATE, "l", None, deployment(**spec))))
    assert "(masked)" not in text
