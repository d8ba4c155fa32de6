"""The simulated cert-manager of a sandbox, on stand-in CRDs."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.sandbox.kubectl import Kubectl, conditions, eventually
from tests.sandbox.standins import CERT_MANAGER


@pytest.fixture(scope="module", autouse=True)
def crds(kubectl: Kubectl) -> Iterator[None]:
    kubectl.apply(*CERT_MANAGER)
    for crd in CERT_MANAGER:
        kubectl.run("wait", "--for=condition=Established", "crd", crd["metadata"]["name"])
    yield
    kubectl.run("delete", "crd", *(crd["metadata"]["name"] for crd in CERT_MANAGER))


def issuer(namespace: str, name: str, **spec: Any) -> Any:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": metadata, "spec": spec}


def certificate(namespace: str, name: str, issued_by: str, **spec: Any) -> Any:
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "secretName": f"{name}-tls",
            "issuerRef": {"name": issued_by},
            "privateKey": {"algorithm": "ECDSA", "size": 256},
            **spec,
        },
    }


def ready(kubectl: Kubectl, kind: str, namespace: str, name: str) -> str:
    return conditions(kubectl.get(kind, name, f"--namespace={namespace}")).get("Ready", "")


def secret(kubectl: Kubectl, namespace: str, name: str) -> Any:
    return kubectl.get("secret", name, f"--namespace={namespace}")


def data(item: Any, key: str) -> bytes:
    return base64.b64decode(item["data"][key])


def test_a_certificate_becomes_ready_with_a_secret_as_cert_manager_makes_it(
    kubectl: Kubectl, namespace: str
) -> None:
    kubectl.apply(
        issuer(namespace, "acme", acme={"privateKeySecretRef": {"name": "account"}}),
        certificate(
            namespace, "web", "acme", dnsNames=["a.example", "*.b.example"], ipAddresses=["10.0.0.1"]
        ),
    )
    eventually(lambda: ready(kubectl, "certificate", namespace, "web") == "True")
    found = secret(kubectl, namespace, "web-tls")
    assert found["type"] == "kubernetes.io/tls"
    assert found["metadata"]["annotations"]["cert-manager.io/certificate-name"] == "web"
    issued = x509.load_pem_x509_certificate(data(found, "tls.crt"))
    names = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.example", "*.b.example"]
    assert load_pem_private_key(data(found, "tls.key"), None).public_key() == issued.public_key()
    issued.verify_directly_issued_by(x509.load_pem_x509_certificate(data(found, "ca.crt")))
    state = kubectl.get("certificate", "web", f"--namespace={namespace}")
    assert state["status"]["conditions"][0]["observedGeneration"] == state["metadata"]["generation"]
    assert state["status"]["notAfter"] > state["status"]["renewalTime"] > state["status"]["notBefore"]
    assert data(secret(kubectl, namespace, "account"), "tls.key")


def test_a_ca_issuer_signs_with_the_certificate_in_its_secret(kubectl: Kubectl, namespace: str) -> None:
    # in the order that needs most patience: everything before what it depends on
    kubectl.apply(
        certificate(namespace, "leaf", "internal", dnsNames=["leaf.example"]),
        issuer(namespace, "internal", ca={"secretName": "root-tls"}),
        certificate(namespace, "root", "self", commonName="root", isCA=True),
        issuer(namespace, "self", selfSigned={}),
    )
    eventually(lambda: ready(kubectl, "certificate", namespace, "leaf") == "True")
    root, leaf = (secret(kubectl, namespace, name) for name in ("root-tls", "leaf-tls"))
    assert data(leaf, "ca.crt") == data(root, "tls.crt")
    certificates = [x509.load_pem_x509_certificate(data(item, "tls.crt")) for item in (leaf, root)]
    certificates[0].verify_directly_issued_by(certificates[1])
    assert ready(kubectl, "issuer", namespace, "internal") == "True"


def test_an_issuer_or_secret_that_is_missing_is_named(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(
        certificate(namespace, "lost", "nobody", dnsNames=["a.example"]),
        issuer(namespace, "empty", ca={"secretName": "nothing"}),
    )
    eventually(lambda: ready(kubectl, "certificate", namespace, "lost") == "False")
    eventually(lambda: ready(kubectl, "issuer", namespace, "empty") == "False")
    lost = kubectl.get("certificate", "lost", f"--namespace={namespace}")
    assert "nobody" in lost["status"]["conditions"][0]["message"]
    empty = kubectl.get("issuer", "empty", f"--namespace={namespace}")
    assert "nothing" in empty["status"]["conditions"][0]["message"]
    assert secret(kubectl, namespace, "lost-tls") is None


def test_a_deleted_secret_is_made_again_and_no_other_is_touched(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(
        issuer(namespace, "self", selfSigned={}),
        certificate(namespace, "one", "self", dnsNames=["one.example"]),
        certificate(namespace, "two", "self", dnsNames=["two.example"]),
    )
    eventually(
        lambda: {ready(kubectl, "certificate", namespace, name) for name in ("one", "two")} == {"True"}
    )
    one, two = (secret(kubectl, namespace, name) for name in ("one-tls", "two-tls"))
    before = [kubectl.get("certificate", name, f"--namespace={namespace}") for name in ("one", "two")]
    kubectl.run("delete", "secret", "one-tls", f"--namespace={namespace}")
    again = eventually(lambda: secret(kubectl, namespace, "one-tls"))
    assert data(again, "tls.key") != data(one, "tls.key")
    # whatever else happens, nothing that is right is written again
    kubectl.run("annotate", "certificate", "two", "a=b", f"--namespace={namespace}")
    kubectl.apply(issuer(namespace, "another", selfSigned={}))
    eventually(lambda: ready(kubectl, "issuer", namespace, "another") == "True")
    time.sleep(1)
    versions = [item["metadata"]["resourceVersion"] for item in (again, two)]
    now = [secret(kubectl, namespace, name)["metadata"]["resourceVersion"] for name in ("one-tls", "two-tls")]
    assert now == versions
    after = [kubectl.get("certificate", name, f"--namespace={namespace}") for name in ("one", "two")]
    assert after[1]["status"] == before[1]["status"]


def test_a_certificate_that_asks_for_other_names_gets_them(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(
        issuer(namespace, "self", selfSigned={}),
        certificate(namespace, "web", "self", dnsNames=["old.example"]),
    )
    eventually(lambda: ready(kubectl, "certificate", namespace, "web") == "True")
    kubectl.apply(certificate(namespace, "web", "self", dnsNames=["new.example"]))

    def names() -> list[str]:
        issued = x509.load_pem_x509_certificate(data(secret(kubectl, namespace, "web-tls"), "tls.crt"))
        found = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return found.get_values_for_type(x509.DNSName)

    eventually(lambda: names() == ["new.example"])


def test_two_certificates_for_one_secret_do_not_fight(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(
        issuer(namespace, "self", selfSigned={}),
        certificate(namespace, "one", "self", dnsNames=["one.example"], secretName="same"),
    )
    eventually(lambda: ready(kubectl, "certificate", namespace, "one") == "True")
    before = secret(kubectl, namespace, "same")
    kubectl.apply(certificate(namespace, "two", "self", dnsNames=["two.example"], secretName="same"))
    eventually(lambda: ready(kubectl, "certificate", namespace, "two") == "False")
    assert secret(kubectl, namespace, "same") == before


def test_a_certificate_that_makes_no_sense_does_not_keep_others_from_being_issued(
    kubectl: Kubectl, namespace: str
) -> None:
    nonsense = certificate(namespace, "nonsense", "self", ipAddresses=["no address"])
    empty = certificate(namespace, "empty", "self")
    empty["spec"] = {}
    kubectl.apply(
        issuer(namespace, "self", selfSigned={}),
        nonsense,
        empty,
        certificate(namespace, "right", "self", dnsNames=["a.example"]),
    )
    eventually(lambda: ready(kubectl, "certificate", namespace, "right") == "True")
    eventually(lambda: ready(kubectl, "certificate", namespace, "nonsense") == "False")
