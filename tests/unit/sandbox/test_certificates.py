"""When the simulated cert-manager writes a Secret, and what it writes."""

from __future__ import annotations

import base64
import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from depin_helm.sandbox import certificates, pki
from depin_helm.sandbox.certificates import Signer, fault, issue

NOW = datetime.now(UTC)


def certificate(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "secretName": "web-tls",
            "dnsNames": ["a.example"],
            "issuerRef": {"name": "internal", "kind": "ClusterIssuer"},
            "privateKey": {"algorithm": "ECDSA", "size": 256},
            **spec,
        },
    }


def authority(name: str = "root", above: pki.Authority | None = None) -> pki.Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return pki.Authority(key, pki.sign(key, subject, above, is_ca=True))


ROOT = authority()
SIGNER = Signer(ROOT, pki.pem(ROOT.certificate))


def data(secret: dict[str, Any], key: str) -> bytes:
    return base64.b64decode(secret["data"][key])


def reason(found: certificates.Fault | None) -> str:
    return found.reason if found else ""


def test_what_was_issued_is_right() -> None:
    wanted = certificate(
        commonName="web",
        ipAddresses=["10.0.0.1", "::1"],
        uris=["spiffe://a/b"],
        subject={"organizations": ["us"]},
    )
    assert fault(wanted, issue(wanted, SIGNER), NOW) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"dnsNames": ["b.example"]}, "SecretMismatch"),
        ({"dnsNames": ["a.example", "b.example"]}, "SecretMismatch"),
        ({"ipAddresses": ["10.0.0.1"]}, "SecretMismatch"),
        ({"commonName": "other"}, "SecretMismatch"),
        ({"isCA": True}, "SecretMismatch"),
        ({"privateKey": {"algorithm": "ECDSA", "size": 384}}, "SecretMismatch"),
        ({"privateKey": {}}, "SecretMismatch"),
        ({"issuerRef": {"name": "other", "kind": "ClusterIssuer"}}, "IncorrectIssuer"),
        ({"issuerRef": {"name": "internal"}}, "IncorrectIssuer"),
    ],
)
def test_a_certificate_that_asks_for_something_else_is_issued_again(change: dict[str, Any], why: str) -> None:
    issued = issue(certificate(), SIGNER)
    assert reason(fault(certificate(**change), issued, NOW)) == why


def test_a_secret_without_a_matching_key_pair_is_written_again() -> None:
    wanted = certificate()
    issued = issue(wanted, SIGNER)
    assert reason(fault(wanted, None, NOW)) == "DoesNotExist"
    for key in ("tls.crt", "tls.key"):
        missing = copy.deepcopy(issued)
        del missing["data"][key]
        assert reason(fault(wanted, missing, NOW)) == "MissingData"
        broken = copy.deepcopy(issued)
        broken["data"][key] = base64.b64encode(b"no PEM").decode()
        assert reason(fault(wanted, broken, NOW)) == "InvalidKeyPair"
        swapped = copy.deepcopy(issued)
        swapped["data"][key] = issue(wanted, SIGNER)["data"][key]
        assert reason(fault(wanted, swapped, NOW)) == "InvalidKeyPair"


def test_labels_and_keys_that_others_added_change_nothing() -> None:
    wanted = certificate()
    issued = issue(wanted, SIGNER)
    issued["metadata"]["labels"]["more"] = "yes"
    issued["data"]["other"] = "eA=="
    assert fault(wanted, issued, NOW) is None


@pytest.mark.parametrize(
    ("spec", "renewed_after"),
    [
        ({}, timedelta(days=60)),
        ({"duration": "24h"}, timedelta(hours=16)),
        ({"duration": "1h30m", "renewBefore": "10m"}, timedelta(minutes=80)),
    ],
)
def test_a_certificate_is_renewed_in_time(spec: dict[str, Any], renewed_after: timedelta) -> None:
    wanted = certificate(**spec)
    issued = issue(wanted, SIGNER)
    start = x509.load_pem_x509_certificate(data(issued, "tls.crt")).not_valid_before_utc
    assert fault(wanted, issued, start + renewed_after - timedelta(seconds=1)) is None
    assert reason(fault(wanted, issued, start + renewed_after)) == "Renewing"
    assert reason(fault(wanted, issued, start + timedelta(days=365))) == "Expired"


def test_the_chain_holds_intermediates_and_the_root_apart() -> None:
    middle = authority("middle", above=ROOT)
    secret: dict[str, Any] = {"data": {}, "metadata": {}}
    parts = {
        "tls.crt": pki.pem(middle.certificate),
        "tls.key": certificates._encode(middle.key, "PKCS8"),
        "ca.crt": pki.pem(ROOT.certificate),
    }
    secret["data"] = {name: base64.b64encode(value).decode() for name, value in parts.items()}
    issued = issue(certificate(), certificates.signer_from(secret))
    leaf, above = x509.load_pem_x509_certificates(data(issued, "tls.crt"))
    leaf.verify_directly_issued_by(above)
    above.verify_directly_issued_by(x509.load_pem_x509_certificate(data(issued, "ca.crt")))


def test_a_self_signed_certificate_is_its_own_authority() -> None:
    issued = issue(certificate(isCA=True), Signer())
    assert data(issued, "ca.crt") == data(issued, "tls.crt")
    found = x509.load_pem_x509_certificate(data(issued, "tls.crt"))
    found.verify_directly_issued_by(found)


def test_only_a_certificate_of_a_ca_can_sign() -> None:
    with pytest.raises(ValueError, match="not a CA"):
        certificates.signer_from(issue(certificate(), SIGNER))
    with pytest.raises(ValueError, match="no data"):
        certificates.signer_from({"metadata": {}, "data": {}})


@pytest.mark.parametrize(
    ("private", "begin"),
    [
        ({}, b"-----BEGIN RSA PRIVATE KEY-----"),
        ({"encoding": "PKCS8"}, b"-----BEGIN PRIVATE KEY-----"),
        ({"algorithm": "ECDSA"}, b"-----BEGIN EC PRIVATE KEY-----"),
        ({"algorithm": "Ed25519"}, b"-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_keys_have_the_algorithm_and_encoding_asked_for(private: dict[str, Any], begin: bytes) -> None:
    wanted = certificate(privateKey=private)
    issued = issue(wanted, SIGNER)
    assert data(issued, "tls.key").startswith(begin)
    assert fault(wanted, issued, NOW) is None


def test_usages_formats_labels_and_annotations_are_as_asked_for() -> None:
    issued = issue(
        certificate(
            usages=["digital signature", "server auth", "client auth"],
            additionalOutputFormats=[{"type": "CombinedPEM"}, {"type": "DER"}],
            secretTemplate={"labels": {"team": "a"}, "annotations": {"note": "b"}},
        ),
        SIGNER,
    )
    found = x509.load_pem_x509_certificate(data(issued, "tls.crt"))
    usages = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usages) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert data(issued, "tls-combined.pem") == data(issued, "tls.key") + b"\n" + data(issued, "tls.crt")
    assert load_der_private_key(data(issued, "key.der"), None).public_key() == found.public_key()
    assert issued["metadata"]["labels"]["team"] == "a"
    assert issued["metadata"]["annotations"]["note"] == "b"


@pytest.mark.parametrize(
    "nonsense",
    [
        {"ipAddresses": ["no address"]},
        {"duration": "ninety days"},
        {"privateKey": {"algorithm": "ECDSA", "size": 7}},
        {"privateKey": {"algorithm": "DSA"}},
    ],
)
def test_what_cannot_be_issued_is_an_error(nonsense: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        issue(certificate(**nonsense), SIGNER)
