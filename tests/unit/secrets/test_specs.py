"""secrets.yaml: what may stand there, and which Secrets an environment needs."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from depin_helm import plan, secrets, yamlio
from depin_helm.errors import ChartError, UsageError
from tests.tier import UMBRELLA


def write(folder: Path, *entries: dict[str, Any]) -> Path:
    (folder / "secrets.yaml").write_text(yamlio.dump({"secrets": list(entries)}))
    return folder


def secret(name: str, reader: str = "kibana", **keys: Any) -> dict[str, Any]:
    return {"name": name, "namespace": "logging", "reader": reader, "keys": keys}


def names(specs: tuple[secrets.SecretSpec, ...]) -> list[str]:
    return [spec.name for spec in specs]


def test_the_charts_own_file_is_read_and_its_readers_are_components() -> None:
    specs = secrets.load(UMBRELLA)
    components = {name for layer in plan.load(UMBRELLA).layers for name in layer.components}
    assert {spec.reader for spec in specs} <= components


def test_a_secret_stands_behind_what_it_is_derived_from() -> None:
    order = names(secrets.load(UMBRELLA))
    assert order.index("elasticsearch-file-realm") > order.index("fluent-bit-elasticsearch")
    assert order.index("elasticsearch-service-tokens") > order.index("kibana-es-token")


def test_nodes_start_again_with_other_users_or_roles() -> None:
    # Elasticsearch reads them when it starts; another annotation gives its pods another template.
    listed = yamlio.load((UMBRELLA / "secrets.yaml").read_bytes())["secrets"]
    (realm,) = [entry["keys"] for entry in listed if entry["name"] == "elasticsearch-file-realm"]
    digest = hashlib.sha256(json.dumps(realm, sort_keys=True).encode()).hexdigest()[:10]
    values = yamlio.load((UMBRELLA / "values.yaml").read_bytes())
    assert values["elasticsearch"]["podAnnotations"]["depin-helm/users"] == digest


def test_who_writes_and_who_reads_logs_may_do_just_that() -> None:
    (spec,) = [each for each in secrets.load(UMBRELLA) if each.name == "elasticsearch-file-realm"]
    roles = yamlio.load(spec.rules["roles.yml"].make())
    logs = ["depin-logs*"]
    assert roles["depin_log_writer"] == {"indices": [{"names": logs, "privileges": ["create_doc"]}]}
    assert roles["depin_monitor"] == {"cluster": ["monitor"]}
    reader = roles["depin_log_reader"]
    assert reader["indices"] == [{"names": logs, "privileges": ["read", "view_index_metadata"]}]
    assert reader.keys() == {"indices", "applications"}
    (kibana,) = reader["applications"]
    assert all(privilege.endswith(".read") for privilege in kibana["privileges"])
    assert spec.rules["users_roles"].make().decode().splitlines() == [
        "depin_log_writer:fluent-bit",
        "depin_log_reader:kibana-reader",
        "depin_monitor:elasticsearch-exporter",
        "depin_setup:depin-setup",
    ]


def test_a_secret_is_needed_where_its_reader_is_on() -> None:
    specs = secrets.load(UMBRELLA)
    everything = secrets.needed(specs, {})
    assert everything == specs
    without = secrets.needed(specs, {"depin-routes": {"enabled": False}, "kibana": {"enabled": False}})
    assert "prometheus-basic-auth" not in names(without)
    assert "kibana-encryption" not in names(without)


def test_what_a_needed_secret_is_derived_from_is_needed_too() -> None:
    off = {name: {"enabled": False} for name in ("kibana", "fluent-bit")}
    found = names(secrets.needed(secrets.load(UMBRELLA), off))
    assert {"kibana-es-token", "fluent-bit-elasticsearch"} <= set(found)
    alone = {**off, "elasticsearch": {"enabled": False}}
    assert not {"kibana-es-token", "fluent-bit-elasticsearch"} & set(
        names(secrets.needed(secrets.load(UMBRELLA), alone))
    )


def test_needs_are_followed_through_several_steps(tmp_path: Path) -> None:
    chart = write(
        tmp_path,
        secret("last", reader="on", line={"serviceTokenHash": "logging/middle/token"}),
        secret(
            "middle",
            reader="off",
            token={"serviceToken": "elastic/kibana"},
            auth={"htpasswd": {"user": "a", "password": "logging/first/password"}},
        ),
        secret("first", reader="off", password={"random": 32}),
    )
    assert names(secrets.needed(secrets.load(chart), {"off": {"enabled": False}})) == [
        "first",
        "middle",
        "last",
    ]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (secret("x", key={"random": 8}), "random"),
        (secret("x", key={"random": 73}), "random"),
        (secret("x", key={"random": "32"}), "random"),
        (secret("x", key={"guess": 1}), "guess"),
        (secret("x", key={"value": 1}), "value"),
        (secret("x", key={}), "exactly one"),
        (secret("x", key={"value": "a", "random": 32}), "exactly one"),
        (secret("x", key={"serviceToken": "kibana"}), "serviceToken"),
        (secret("x", key={"serviceTokenHash": "logging/x"}), "namespace/name/key"),
        (secret("x", key={"serviceTokenHash": "logging/y/token"}), "there is no logging/y/token"),
        (secret("x", key={"serviceTokenHash": "logging/x/other"}), "there is no logging/x/other"),
        (secret("x", key={"htpasswd": {"user": "a:b", "password": "logging/x/key"}}), "htpasswd"),
        (secret("x", key={"htpasswd": {"user": "a"}}), "htpasswd"),
        (secret("x", key={"htpasswd": []}), "htpasswd"),
        (secret("x", key={"htpasswd": [{"user": "a"}]}), "htpasswd"),
        (
            secret("x", key={"htpasswd": [{"user": "a", "password": "logging/x/k", "realm": "b"}]}),
            "htpasswd",
        ),
        (secret("x"), "no keys"),
        ({**secret("x", key={"random": 32}), "namspace": "y"}, "namspace"),
        ({"name": "x", "keys": {"key": {"random": 32}}}, "namespace"),
        (secret("x", key={"serviceTokenHash": "logging/x/key"}), "itself derived"),
        ({**secret("x", key={"random": 32}), "rotation": {"refused": "y"}}, "refused"),
        ({**secret("x", key={"random": 32}), "rotation": {"after": {"command": "y"}}}, "container"),
        ({**secret("x", key={"random": 32}), "rotation": {"keep": {"other": "y"}}}, "other would not change"),
        ({**secret("x", key={"value": "y"}), "rotation": {"keep": {"key": "y"}}}, "key would not change"),
    ],
)
def test_nonsense_is_refused_by_name(tmp_path: Path, entry: dict[str, Any], said: str) -> None:
    with pytest.raises(ChartError, match=re.escape(said)):
        secrets.load(write(tmp_path, entry))


def test_secrets_derived_from_each_other_are_refused(tmp_path: Path) -> None:
    entries = [
        secret(
            one, line={"serviceTokenHash": f"logging/{other}/token"}, token={"serviceToken": "elastic/kibana"}
        )
        for one, other in (("a", "b"), ("b", "a"))
    ]
    with pytest.raises(ChartError, match="derived from each other"):
        secrets.load(write(tmp_path, *entries))


def test_a_secret_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ChartError, match="twice"):
        secrets.load(write(tmp_path, secret("x", key={"random": 32}), secret("x", key={"random": 32})))


def test_a_missing_file_is_a_damaged_chart(tmp_path: Path) -> None:
    with pytest.raises(ChartError, match=r"secrets\.yaml"):
        secrets.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("grafana-admin", ""),
        ("monitoring/grafana-admin", ""),
        ("grafana-admin/admin-password", "admin-password"),
        ("monitoring/grafana-admin/admin-password", "admin-password"),
    ],
)
def test_a_secret_is_found_by_its_name_with_or_without_namespace_and_key(text: str, key: str) -> None:
    spec, found = secrets.find(secrets.load(UMBRELLA), text)
    assert (str(spec), found) == ("monitoring/grafana-admin", key)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("grafana-admn", "did you mean grafana-admin?"),
        ("grafana-admin/password", "did you mean grafana-admin/admin-password?"),
        ("logging/grafana-admin", "did you mean monitoring/grafana-admin?"),
        ("0", "there are "),
    ],
)
def test_a_name_that_there_is_not_is_answered_with_the_nearest(text: str, hint: str) -> None:
    with pytest.raises(UsageError, match=text) as error:
        secrets.find(secrets.load(UMBRELLA), text)
    assert hint in error.value.hint


def test_a_name_that_two_have_needs_its_namespace(tmp_path: Path) -> None:
    twice = [{**secret("x", key={"random": 32}), "namespace": name} for name in ("a", "b")]
    specs = secrets.load(write(tmp_path, *twice))
    with pytest.raises(UsageError, match="a/x, b/x"):
        secrets.find(specs, "x")
    assert str(secrets.find(specs, "b/x")[0]) == "b/x"
