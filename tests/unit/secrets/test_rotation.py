"""New values for a Secret: which, what goes along, what is left alone, and what is to be done afterwards."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bcrypt
import pytest

from depin_helm import secrets
from depin_helm.cluster import Cluster
from depin_helm.errors import ClusterError, LockedError, UsageError
from depin_helm.secrets import Rotation, SecretSpec, User, generators
from tests.tier import UMBRELLA
from tests.unit.cluster.api import Api, kubeconfig, refusal, serve

SPECS = secrets.load(UMBRELLA)
KUBECTL = ("kubectl", "--context", "here")


@pytest.fixture(name="api")
def served_api() -> Iterator[Api]:
    """A cluster with all Secrets as depin-helm makes them."""
    with serve() as api:
        for namespace in ("logging", "monitoring", "node-agents"):
            api.put("Namespace", namespace)
        yield api


@pytest.fixture(name="cluster")
def connected(api: Api, tmp_path: Path) -> Iterator[Cluster]:
    with Cluster.connect(kubeconfig(tmp_path / "kubeconfig", api.address), environ={}) as cluster:
        secrets.create_missing(SPECS, cluster, {})
        yield cluster


def spec(name: str) -> SecretSpec:
    return secrets.find(SPECS, name)[0]


def rotate(cluster: Cluster, name: str) -> Rotation:
    return secrets.rotate(SPECS, spec(name), cluster)


def values(api: Api) -> dict[str, bytes]:
    """All values by namespace/name/key."""
    return {
        f"{each}/{key}": base64.b64decode(text)
        for each in SPECS
        for key, text in api.get("Secret", each.name, each.namespace)["data"].items()
    }


def edit(api: Api, name: str, key: str, value: bytes) -> None:
    found = spec(name)
    api.get("Secret", name, found.namespace)["data"][key] = base64.b64encode(value).decode()


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}


@pytest.mark.parametrize(
    ("name", "new"),
    [
        (
            "fluent-bit-elasticsearch",
            {"node-agents/fluent-bit-elasticsearch/password", "logging/elasticsearch-file-realm/users"},
        ),
        (
            "kibana-es-token",
            {"logging/kibana-es-token/token", "logging/elasticsearch-service-tokens/service_tokens"},
        ),
        (
            "prometheus-basic-auth",
            {"monitoring/prometheus-basic-auth/password", "monitoring/prometheus-basic-auth/auth"},
        ),
        ("kibana-encryption", {"logging/kibana-encryption/security", "logging/kibana-encryption/reporting"}),
        ("grafana-admin", {"monitoring/grafana-admin/admin-password"}),
    ],
)
def test_exactly_the_random_keys_and_what_is_made_of_them_change(
    api: Api, cluster: Cluster, name: str, new: set[str]
) -> None:
    before = values(api)
    rotation = rotate(cluster, name)
    after = values(api)
    assert changed(before, after) == new
    assert {f"{each}/{key}" for each, keys in rotation.keys for key in keys} == new
    assert {state.summary for state in secrets.check(SPECS, cluster)} == {"present"}
    assert all(len(after[key]) == len(before[key]) for key in new)


def test_every_secret_can_be_rotated_or_says_what_to_do_instead(cluster: Cluster) -> None:
    refused = {}
    for each in SPECS:
        try:
            rotate(cluster, each.name)
        except UsageError as error:
            refused[each.name] = error.hint
    assert refused.keys() == {
        "elasticsearch-master-credentials",
        "elasticsearch-file-realm",
        "elasticsearch-service-tokens",
    }
    assert all(refused.values())


def test_a_plan_is_what_the_rotation_then_does_and_changes_nothing(api: Api, cluster: Cluster) -> None:
    before = values(api)
    planned = secrets.plan(SPECS, spec("kibana-encryption"), cluster)
    assert values(api) == before
    assert rotate(cluster, "kibana-encryption") == planned
    assert set(planned.kept) == {"encryptedSavedObjects"}


def test_other_users_in_a_file_stay(api: Api, cluster: Cluster) -> None:
    line = values(api)["logging/elasticsearch-file-realm/users"]
    edit(api, "elasticsearch-file-realm", "users", b"first:$2a$x\n" + line + b"\nlast:$2a$y\n")
    rotate(cluster, "fluent-bit-elasticsearch")
    after = values(api)
    lines = after["logging/elasticsearch-file-realm/users"].split(b"\n")
    assert [lines[0], *lines[5:]] == [b"first:$2a$x", b"last:$2a$y", b""]
    assert lines[2].startswith(b"kibana-reader:")
    password = after["node-agents/fluent-bit-elasticsearch/password"]
    assert bcrypt.checkpw(password, lines[1].removeprefix(b"fluent-bit:"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", b"a:2"),
        (b"a:1", b"a:2"),
        (b"a:1\n", b"a:2\n"),
        (b"b:1\n a:1\nb:2\na:3\n", b"b:1\na:2\nb:2\n"),
        (b"ab:1\n# a:1\n", b"ab:1\n# a:1\na:2"),
    ],
)
def test_a_line_takes_the_place_of_the_one_of_its_name(value: bytes, expected: bytes) -> None:
    assert generators.with_line(value, b"a:2") == expected


@pytest.mark.parametrize("foreign", ["fluent-bit-elasticsearch", "elasticsearch-file-realm"])
def test_nothing_is_changed_where_somebody_else_made_a_part_of_it(
    api: Api, cluster: Cluster, foreign: str
) -> None:
    api.get("Secret", foreign, spec(foreign).namespace)["metadata"]["labels"] = {"made-by": "vault"}
    before = values(api)
    with pytest.raises(ClusterError, match=f"did not make .*{foreign}"):
        rotate(cluster, "fluent-bit-elasticsearch")
    assert values(api) == before


def test_what_is_not_there_is_not_rotated_and_not_made(api: Api, cluster: Cluster) -> None:
    del api.objects["/api/v1/namespaces/logging/secrets/elasticsearch-file-realm"]
    assert [each.name for each, _ in rotate(cluster, "fluent-bit-elasticsearch").keys] == [
        "fluent-bit-elasticsearch"
    ]
    assert "/api/v1/namespaces/logging/secrets/elasticsearch-file-realm" not in api.objects
    del api.objects["/api/v1/namespaces/monitoring/secrets/grafana-admin"]
    with pytest.raises(UsageError, match="no monitoring/grafana-admin on the cluster"):
        rotate(cluster, "grafana-admin")


def test_a_rotation_that_was_interrupted_is_mended_by_the_next(api: Api, cluster: Cluster) -> None:
    edit(api, "fluent-bit-elasticsearch", "password", b"only the first of the two was written")
    states = {f"{each.namespace}/{each.name}": each.summary for each in secrets.check(SPECS, cluster)}
    assert states["logging/elasticsearch-file-realm"] != "present"
    rotate(cluster, "fluent-bit-elasticsearch")
    assert {state.summary for state in secrets.check(SPECS, cluster)} == {"present"}


def test_somebody_elses_change_in_between_is_not_overwritten(api: Api, cluster: Cluster) -> None:
    answer = api.answer

    def meddle(request: object) -> object:
        if getattr(request, "method", "") == "PUT":
            return refusal(409, "Conflict", "the object has been modified")
        return answer(request)  # type: ignore[arg-type]

    api.answer = meddle  # type: ignore[assignment, method-assign]
    before = values(api)
    with pytest.raises(LockedError) as error:
        rotate(cluster, "grafana-admin")
    assert "same command again" in error.value.hint
    assert values(api) == before


def test_no_value_is_in_a_rotation_or_its_steps(api: Api, cluster: Cluster) -> None:
    for name in ("fluent-bit-elasticsearch", "grafana-admin"):
        rotation = rotate(cluster, name)
        users = secrets.users([each for each, _ in rotation.keys], cluster)
        said = repr((rotation, secrets.steps(rotation, users, KUBECTL)))
        assert not [key for key, value in values(api).items() if len(value) > 20 and repr(value) in said]


def test_whoever_checks_a_password_starts_again_before_whoever_sends_it(api: Api, cluster: Cluster) -> None:
    rotation = secrets.plan(SPECS, spec("fluent-bit-elasticsearch"), cluster)
    users = {
        "node-agents/fluent-bit-elasticsearch": (
            User("node-agents", "DaemonSet", "fluent-bit", ("fluent-bit",), restart=True),
        ),
        "logging/elasticsearch-file-realm": (
            User("logging", "StatefulSet", "elasticsearch-master", ("elasticsearch",), restart=True),
            User("logging", "Ingress", "a"),
        ),
    }
    assert [step.command for step in secrets.steps(rotation, users, KUBECTL)] == [
        "kubectl --context here -n logging rollout restart statefulset/elasticsearch-master",
        "kubectl --context here -n logging rollout status statefulset/elasticsearch-master",
        "kubectl --context here -n node-agents rollout restart daemonset/fluent-bit",
        "kubectl --context here -n node-agents rollout status daemonset/fluent-bit",
    ]


def test_grafana_is_told_the_password_from_its_own_environment_after_its_restart(cluster: Cluster) -> None:
    rotation = secrets.plan(SPECS, spec("grafana-admin"), cluster)
    user = User("monitoring", "Deployment", "grafana", ("grafana-sc-dashboard", "grafana"), restart=True)
    *_, last = secrets.steps(rotation, {"monitoring/grafana-admin": (user,)}, KUBECTL)
    assert shlex.split(last.command)[3:-1] == (
        ["-n", "monitoring", "exec", "deployment/grafana", "-c", "grafana", "--", "sh", "-c"]
    )
    assert "reset-admin-password --password-from-stdin" in shlex.split(last.command)[-1]


def test_a_workload_that_uses_two_of_them_starts_again_once() -> None:
    one, two = (replace(spec("grafana-admin"), name=name) for name in ("one", "two"))
    user = User("monitoring", "Deployment", "grafana", restart=True)
    users = {"monitoring/one": (user,), "monitoring/two": (user,)}
    rotation = Rotation(((one, ("k",)), (two, ("k",))))
    assert [step.command.split()[5] for step in secrets.steps(rotation, users, KUBECTL)] == [
        "rollout",
        "rollout",
    ]
