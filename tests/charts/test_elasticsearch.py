"""Elasticsearch can start, encrypts, and lets its users in: what a simulated kubelet does not notice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts.checks.elasticsearch import HOME, insecure
from tests.charts.checks.model import Platform
from tests.charts.mutants import Change, broken, container, mount, variable


@pytest.mark.usefixtures("real_charts")
def test_elasticsearch_has_password_encryption_and_users(platform: Platform) -> None:
    assert insecure(platform) == []


@pytest.mark.usefixtures("real_charts")
def test_kibana_has_its_encryption_keys_from_a_secret(layered: Platform) -> None:
    (kibana,) = [obj for obj in layered.of_kind("Deployment") if obj.name == "kibana"]
    keys = {
        each["name"]: each["valueFrom"]["secretKeyRef"]
        for each in container(dict(kibana.data))["env"]
        if each["name"].endswith("_ENCRYPTIONKEY")
    }
    assert {name: ref["key"] for name, ref in keys.items()} == {
        "XPACK_SECURITY_ENCRYPTIONKEY": "security",
        "XPACK_ENCRYPTEDSAVEDOBJECTS_ENCRYPTIONKEY": "encryptedSavedObjects",
        "XPACK_REPORTING_ENCRYPTIONKEY": "reporting",
    }
    assert {ref["name"] for ref in keys.values()} == {"kibana-encryption"}


@pytest.mark.usefixtures("real_charts")
def test_elasticsearch_runs_on_any_node_and_sizes_its_own_heap(platform: Platform) -> None:
    config = platform.by_id["ConfigMap", "logging", "elasticsearch-master-config"].data["data"]
    assert "node.store.allow_mmap: false" in config["elasticsearch.yml"]
    (nodes,) = [obj for obj in platform.of_kind("StatefulSet") if obj.name == "elasticsearch-master"]
    found = container(dict(nodes.data))
    assert "ES_JAVA_OPTS" not in {each["name"] for each in found["env"]}
    assert found["resources"]["limits"]["memory"]


def without_variable(name: str) -> Change:
    return lambda data: container(data)["env"].remove(variable(data, name))


def without_mount(name: str) -> Change:
    return lambda data: container(data)["volumeMounts"].remove(mount(data, name))


def without_setting(line: str) -> Change:
    def change(data: dict[str, Any]) -> None:
        assert line in data["data"]["elasticsearch.yml"]
        data["data"]["elasticsearch.yml"] = data["data"]["elasticsearch.yml"].replace(line, "")

    return change


def unmounted(interface: str, folder: str) -> list[str]:
    return [
        f"xpack.security.{interface}.ssl.{setting}: no mount gives {HOME}/{folder}/{file}"
        for setting, file in (
            ("certificate", "tls.crt"),
            ("certificate_authorities", "ca.crt"),
            ("key", "tls.key"),
        )
    ]


LAYERED: dict[str, tuple[str, str, Change, list[str]]] = {
    "no password": (
        "StatefulSet",
        "elasticsearch-master",
        without_variable("ELASTIC_PASSWORD"),
        ["no ELASTIC_PASSWORD from a Secret: its readiness probe never succeeds"],
    ),
    "security off": (
        "ConfigMap",
        "elasticsearch-master-config",
        without_setting("xpack.security.enabled: true"),
        ["xpack.security.enabled is None"],
    ),
    "no encryption between nodes": (
        "ConfigMap",
        "elasticsearch-master-config",
        without_setting("xpack.security.transport.ssl.enabled: true"),
        ["xpack.security.transport.ssl.enabled is None"],
    ),
    "no key": (
        "ConfigMap",
        "elasticsearch-master-config",
        without_setting("xpack.security.http.ssl.key: certs/tls.key"),
        ["xpack.security.http.ssl.key is missing"],
    ),
    "no certificate for clients": (
        "StatefulSet",
        "elasticsearch-master",
        without_mount("elasticsearch-certs"),
        unmounted("http", "certs"),
    ),
    "no certificate for nodes": (
        "StatefulSet",
        "elasticsearch-master",
        without_mount("elasticsearch-transport-certs"),
        unmounted("transport", "transport-certs"),
    ),
    "nodes under the authority of all": (
        "Certificate",
        "elasticsearch-transport-certs",
        lambda data: data["spec"]["issuerRef"].update(kind="ClusterIssuer", name="depin-internal-ca"),
        [
            "its nodes trust Certificate logging/elasticsearch-master-certs",
            "its nodes trust every certificate of ClusterIssuer depin-internal-ca",
        ],
    ),
    "another certificate of the nodes' authority": (
        "Certificate",
        "elasticsearch-master-certs",
        lambda data: data["spec"]["issuerRef"].update(kind="Issuer", name="elasticsearch-transport"),
        ["its nodes trust Certificate logging/elasticsearch-master-certs"],
    ),
    "no users": (
        "StatefulSet",
        "elasticsearch-master",
        without_mount("file-realm-users"),
        ["no mount gives users of the file realm"],
    ),
    "no service tokens mount": (
        "StatefulSet",
        "elasticsearch-master",
        without_mount("service-tokens"),
        ["no mount gives service_tokens for Kibana to log in"],
    ),
}


@pytest.mark.parametrize("mutant", LAYERED)
def test_an_elasticsearch_that_would_not_work_is_found(prod: Platform, mutant: str) -> None:
    kind, name, change, problems = LAYERED[mutant]
    found = insecure(broken(prod, kind, name, change))
    assert found == [f"StatefulSet logging/elasticsearch-master: {problem}" for problem in problems]


@pytest.mark.usefixtures("real_charts")
def test_a_plain_elasticsearch_that_would_not_encrypt_is_found(plain: Platform) -> None:
    setting = "xpack.security.http.ssl.enabled"
    mutant = broken(plain, "StatefulSet", "elasticsearch-master", without_variable(setting))
    assert insecure(mutant) == [f"StatefulSet logging/elasticsearch-master: {setting} is None"]
