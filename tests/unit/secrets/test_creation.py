"""What is checked and made on a cluster; the API server keeps objects in memory."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

import bcrypt
import pytest

from depin_helm import secrets
from depin_helm.cluster import Cluster
from depin_helm.errors import ClusterError
from depin_helm.secrets import SecretSpec, SecretState, generators
from tests.tier import UMBRELLA
from tests.unit.cluster.api import Api, kubeconfig, serve

NAMESPACES = ("logging", "monitoring", "node-agents")
SPECS = secrets.load(UMBRELLA)


@pytest.fixture(name="api")
def served_api() -> Iterator[Api]:
    with serve() as api:
        for namespace in NAMESPACES:
            api.put("Namespace", namespace)
        yield api


@pytest.fixture(name="cluster")
def connected(api: Api, tmp_path: Path) -> Iterator[Cluster]:
    with Cluster.connect(kubeconfig(tmp_path / "kubeconfig", api.address), environ={}) as cluster:
        yield cluster


def make(cluster: Cluster) -> tuple[SecretSpec, ...]:
    return secrets.create_missing(SPECS, cluster, {})


def value(api: Api, namespace: str, name: str, key: str) -> bytes:
    return base64.b64decode(api.get("Secret", name, namespace)["data"][key])


def provide(api: Api, namespace: str, name: str, data: Mapping[str, bytes], *, ours: bool = False) -> None:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    metadata = {"labels": dict(secrets.LABELS)} if ours else {}
    api.put("Secret", name, namespace, data=encoded, metadata=metadata)


def state(cluster: Cluster, name: str) -> SecretState:
    (found,) = (state for state in secrets.check(SPECS, cluster) if state.name == name)
    return found


def test_on_an_empty_cluster_all_are_absent_then_made_then_present(api: Api, cluster: Cluster) -> None:
    assert {state.summary for state in secrets.check(SPECS, cluster)} == {"absent"}
    assert make(cluster) == SPECS
    states = secrets.check(SPECS, cluster)
    assert {(state.summary, state.ours) for state in states} == {("present", True)}
    for spec in SPECS:
        labels = api.get("Secret", spec.name, spec.namespace)["metadata"]["labels"]
        assert labels == {
            "app.kubernetes.io/part-of": "depin-platform",
            "app.kubernetes.io/managed-by": "depin-helm",
        }


def test_making_them_again_changes_nothing(api: Api, cluster: Cluster) -> None:
    make(cluster)
    before = dict(api.objects)
    assert make(cluster) == ()
    assert api.objects == before


def test_passwords_are_long_and_never_the_same_twice(api: Api, cluster: Cluster) -> None:
    make(cluster)
    passwords = [
        value(api, namespace, name, key)
        for namespace, name, key in (
            ("logging", "elasticsearch-master-credentials", "password"),
            ("node-agents", "fluent-bit-elasticsearch", "password"),
            ("monitoring", "grafana-admin", "admin-password"),
            ("monitoring", "prometheus-basic-auth", "password"),
        )
    ]
    assert len(set(passwords)) == len(passwords)
    assert {len(password) for password in passwords} == {32}
    assert all(password.isalnum() for password in passwords)


def test_derived_values_go_with_what_was_made(api: Api, cluster: Cluster) -> None:
    make(cluster)
    line = value(api, "monitoring", "prometheus-basic-auth", "auth")
    password = value(api, "monitoring", "prometheus-basic-auth", "password")
    assert bcrypt.checkpw(password, line.removeprefix(b"admin:"))


def test_derived_values_go_with_what_an_operator_provided(api: Api, cluster: Cluster) -> None:
    provide(
        api,
        "node-agents",
        "fluent-bit-elasticsearch",
        {"username": b"fluent-bit", "password": b"from a vault"},
    )
    made = make(cluster)
    assert "fluent-bit-elasticsearch" not in {spec.name for spec in made}
    first, second, *_ = value(api, "logging", "elasticsearch-file-realm", "users").splitlines()
    assert bcrypt.checkpw(b"from a vault", first.removeprefix(b"fluent-bit:"))
    reader = value(api, "logging", "kibana-reader", "password")
    assert bcrypt.checkpw(reader, second.removeprefix(b"kibana-reader:"))
    assert value(api, "node-agents", "fluent-bit-elasticsearch", "password") == b"from a vault"


def test_a_provided_token_that_is_none_is_refused_without_repeating_it(api: Api, cluster: Cluster) -> None:
    provide(api, "logging", "kibana-es-token", {"token": b"hunter2"})
    with pytest.raises(ClusterError, match="logging/elasticsearch-service-tokens/service_tokens") as error:
        make(cluster)
    assert "hunter2" not in error.value.message


def test_a_provided_secret_that_lacks_keys_stops_everything_before_anything_is_made(
    api: Api, cluster: Cluster
) -> None:
    provide(api, "monitoring", "grafana-admin", {"admin-user": b"root"})
    before = dict(api.objects)
    with pytest.raises(ClusterError, match=r"monitoring/grafana-admin .*admin-password"):
        make(cluster)
    assert api.objects == before
    assert state(cluster, "grafana-admin").summary == "lacks admin-password"


def test_a_secret_made_here_gets_the_keys_that_a_newer_chart_wants(api: Api, cluster: Cluster) -> None:
    provide(api, "logging", "kibana-encryption", {"security": b"kept", "extra": b"too"}, ours=True)
    assert {spec.name for spec in make(cluster)} >= {"kibana-encryption"}
    assert value(api, "logging", "kibana-encryption", "security") == b"kept"
    assert value(api, "logging", "kibana-encryption", "extra") == b"too"
    assert len(value(api, "logging", "kibana-encryption", "reporting")) == 32


def test_a_missing_hash_is_made_of_the_password_that_is_there(api: Api, cluster: Cluster) -> None:
    there = {"username": b"admin", "password": b"kept"}
    provide(api, "monitoring", "prometheus-basic-auth", there, ours=True)
    make(cluster)
    line = value(api, "monitoring", "prometheus-basic-auth", "auth")
    assert bcrypt.checkpw(b"kept", line.removeprefix(b"admin:"))


@pytest.mark.parametrize(
    ("namespace", "name", "key", "derived"),
    [
        ("node-agents", "fluent-bit-elasticsearch", "password", "elasticsearch-file-realm"),
        ("logging", "kibana-reader", "password", "elasticsearch-file-realm"),
        ("logging", "kibana-es-token", "token", "elasticsearch-service-tokens"),
    ],
)
def test_a_hash_whose_secret_was_exchanged_is_found(
    api: Api, cluster: Cluster, namespace: str, name: str, key: str, derived: str
) -> None:
    make(cluster)
    other = {"password": b"another", "token": generators.service_token("elastic/kibana")}[key]
    data = api.get("Secret", name, namespace)["data"]
    data[key] = base64.b64encode(other).decode()
    assert "does not fit" in state(cluster, derived).summary
    with pytest.raises(ClusterError, match=f"logging/{derived}: .*delete this one"):
        make(cluster)


def test_a_lost_password_is_not_replaced_while_its_hash_is_still_there(api: Api, cluster: Cluster) -> None:
    make(cluster)
    del api.objects["/api/v1/namespaces/node-agents/secrets/fluent-bit-elasticsearch"]
    with pytest.raises(ClusterError, match="logging/elasticsearch-file-realm"):
        make(cluster)
    del api.objects["/api/v1/namespaces/logging/secrets/elasticsearch-file-realm"]
    assert {spec.name for spec in make(cluster)} == {"fluent-bit-elasticsearch", "elasticsearch-file-realm"}


@pytest.mark.parametrize(
    "users",
    [
        b"somebody-else:$2a$10$abcdefghijklmnopqrstuv",
        b"fluent-bit:{PBKDF2}10000$c2FsdHNhbHQ=$aGFzaA==",
        b"# no user here\n",
    ],
)
def test_a_provided_hash_that_cannot_be_checked_is_trusted(api: Api, cluster: Cluster, users: bytes) -> None:
    provide(
        api, "logging", "elasticsearch-file-realm", {"users": users, "users_roles": b"", "roles.yml": b""}
    )
    provide(api, "node-agents", "fluent-bit-elasticsearch", {"username": b"fluent-bit", "password": b"p"})
    for name in ("kibana-reader", "elasticsearch-exporter"):
        provide(api, "logging", name, {"username": name.encode(), "password": b"p"})
    assert state(cluster, "elasticsearch-file-realm").summary == "present"


#: As an earlier chart made it.
OLD_USERS = generators.htpasswd("fluent-bit", b"old") + b"\n# by hand\nmine:$2a$x\n"
OLD = {"users": OLD_USERS, "users_roles": b"writer:fluent-bit\n", "roles.yml": b"writer: {}\n"}
FLUENT_BIT = {"username": b"fluent-bit", "password": b"old"}


def test_a_file_realm_of_an_earlier_chart_gets_the_users_and_roles_of_this_one(
    api: Api, cluster: Cluster
) -> None:
    provide(api, "node-agents", "fluent-bit-elasticsearch", FLUENT_BIT, ours=True)
    provide(api, "logging", "elasticsearch-file-realm", OLD, ours=True)
    found = state(cluster, "elasticsearch-file-realm")
    assert found.outdated == ("users", "users_roles", "roles.yml")
    assert found.summary == "users, users_roles, roles.yml is of an earlier chart"
    make(cluster)
    users = value(api, "logging", "elasticsearch-file-realm", "users")
    assert users.startswith(OLD_USERS.rstrip())
    password = value(api, "logging", "elasticsearch-setup", "password")
    (line,) = [line for line in users.splitlines() if line.startswith(b"depin-setup:")]
    assert bcrypt.checkpw(password, line.removeprefix(b"depin-setup:"))
    roles = value(api, "logging", "elasticsearch-file-realm", "roles.yml")
    assert roles.startswith(b"depin_log_writer:")
    assert value(api, "node-agents", "fluent-bit-elasticsearch", "password") == b"old"
    assert state(cluster, "elasticsearch-file-realm").summary == "present"
    assert make(cluster) == ()


def test_a_file_realm_that_an_operator_provides_stays_as_it_is(api: Api, cluster: Cluster) -> None:
    provide(api, "node-agents", "fluent-bit-elasticsearch", FLUENT_BIT)
    provide(api, "logging", "elasticsearch-file-realm", OLD)
    make(cluster)
    assert value(api, "logging", "elasticsearch-file-realm", "users") == OLD_USERS
    assert value(api, "logging", "elasticsearch-file-realm", "roles.yml") == OLD["roles.yml"]


def test_a_namespace_that_nobody_is_going_to_own_is_asked_for(api: Api, cluster: Cluster) -> None:
    del api.objects["/api/v1/namespaces/monitoring"]
    before = dict(api.objects)
    with pytest.raises(ClusterError, match="no namespace monitoring"):
        make(cluster)
    assert api.objects == before


def test_no_value_is_in_a_state(api: Api, cluster: Cluster) -> None:
    make(cluster)
    shown = repr(secrets.check(SPECS, cluster))
    for spec in SPECS:
        data = api.get("Secret", spec.name, spec.namespace)["data"]
        assert not [text for text in data.values() if len(text) > 20 and text in shown]
