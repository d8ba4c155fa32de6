"""What cert-manager decides about one Certificate: is its Secret as it should be, and if not, a new key pair.

Pure: Kubernetes objects in, Secret data out. The rules and their reasons are those of cert-manager's
`internal/controller/certificates/policies`; keystores (PKCS#12, JKS) are not made.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from depin_helm.sandbox import pki

Object = Mapping[str, Any]

LIFETIME = timedelta(days=90)
_CURVES: Mapping[int, type[ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1]] = {
    256: ec.SECP256R1,
    384: ec.SECP384R1,
    521: ec.SECP521R1,
}
_USAGES = {
    "server auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "ocsp signing": ExtendedKeyUsageOID.OCSP_SIGNING,
}
_SUBJECT = {
    "organizations": NameOID.ORGANIZATION_NAME,
    "organizationalUnits": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "countries": NameOID.COUNTRY_NAME,
    "provinces": NameOID.STATE_OR_PROVINCE_NAME,
    "localities": NameOID.LOCALITY_NAME,
}


@dataclass(frozen=True)
class Signer:
    """An Issuer that is ready: its authority and the root to hand out as ca.crt; neither for self-signed."""

    authority: pki.Authority | None = None
    root: bytes = b""


@dataclass(frozen=True)
class Fault:
    """Why a Secret has to be written, in cert-manager's words."""

    reason: str
    message: str


def issuer_reference(certificate: Object) -> tuple[str, str, str]:
    """Kind, name and API group of the issuer that a Certificate asks for."""
    reference = certificate["spec"]["issuerRef"]
    return (
        reference.get("kind") or "Issuer",
        reference["name"],
        reference.get("group") or "cert-manager.io",
    )


def fault(certificate: Object, secret: Object | None, now: datetime) -> Fault | None:
    """Say what is wrong with `secret` as the Secret of `certificate`; None if nothing is."""
    if secret is None:
        return Fault("DoesNotExist", "Issuing certificate as Secret does not exist")
    data = secret.get("data") or {}
    if not data.get("tls.crt") or not data.get("tls.key"):
        return Fault("MissingData", "Issuing certificate as Secret does not contain a key pair")
    try:
        pair = pki.Authority.load(base64.b64decode(data["tls.crt"]), base64.b64decode(data["tls.key"]))
    except ValueError:
        return Fault("InvalidKeyPair", "Issuing certificate as Secret contains an invalid key pair")
    if pair.key.public_key() != pair.certificate.public_key():
        return Fault("InvalidKeyPair", "Issuing certificate as key and certificate do not belong together")
    if _issuer_annotations(certificate).items() - _annotations(secret).items():
        return Fault(
            "IncorrectIssuer", "Issuing certificate as Secret was previously issued by another issuer"
        )
    if not _meets(pair, certificate["spec"]):
        return Fault("SecretMismatch", "Existing issued Secret is not up to date for spec")
    if now >= pair.certificate.not_valid_after_utc:
        return Fault("Expired", "Renewing certificate as it has expired")
    if now >= renewal_time(pair.certificate, certificate["spec"]):
        return Fault("Renewing", "Renewing certificate as renewal was scheduled")
    return None


def renewal_time(certificate: x509.Certificate, spec: Object) -> datetime:
    """When to renew: `renewBefore` the end, else after two thirds of the lifetime."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return end - (_duration(spec["renewBefore"]) if spec.get("renewBefore") else (end - start) / 3)


def status(certificate: Object, secret: Object) -> dict[str, Any]:
    """Everything but the conditions of a Certificate's status, of its valid Secret."""
    issued = x509.load_pem_x509_certificate(base64.b64decode(secret["data"]["tls.crt"]))
    times = {
        "notBefore": issued.not_valid_before_utc,
        "notAfter": issued.not_valid_after_utc,
        "renewalTime": renewal_time(issued, certificate["spec"]),
    }
    return {name: time.strftime("%Y-%m-%dT%H:%M:%SZ") for name, time in times.items()}


def issue(certificate: Object, signer: Signer) -> dict[str, Any]:
    """Make a new key pair and return the Secret that holds it, ready for server-side apply.

    Raises:
        ValueError: the Certificate's spec asks for what cannot be.
    """
    spec = certificate["spec"]
    key = _new_key(spec.get("privateKey") or {})
    issued = pki.sign(
        key,
        _subject(spec),
        signer.authority,
        names=_names(spec),
        usages=[_USAGES[usage] for usage in spec.get("usages") or () if usage in _USAGES],
        is_ca=bool(spec.get("isCA")),
        lifetime=_duration(spec["duration"]) if spec.get("duration") else LIFETIME,
    )
    chain = pki.pem(issued)
    if signer.authority and not _self_signed(signer.authority.certificate):
        chain += pki.pem(signer.authority.certificate)
    private = _encode(key, (spec.get("privateKey") or {}).get("encoding", "PKCS1"))
    data = {"tls.crt": chain, "tls.key": private, "ca.crt": signer.root or pki.pem(issued)}
    for extra in spec.get("additionalOutputFormats") or ():
        if extra["type"] == "CombinedPEM":
            data["tls-combined.pem"] = private + b"\n" + chain
        elif extra["type"] == "DER":
            data["key.der"] = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    template = spec.get("secretTemplate") or {}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": spec["secretName"],
            "namespace": certificate["metadata"]["namespace"],
            "labels": {**(template.get("labels") or {}), "controller.cert-manager.io/fao": "true"},
            "annotations": {
                **(template.get("annotations") or {}),
                **_issuer_annotations(certificate),
                "cert-manager.io/certificate-name": certificate["metadata"]["name"],
                "cert-manager.io/common-name": spec.get("commonName", ""),
                "cert-manager.io/alt-names": ",".join(spec.get("dnsNames") or ()),
                "cert-manager.io/ip-sans": ",".join(spec.get("ipAddresses") or ()),
                "cert-manager.io/uri-sans": ",".join(spec.get("uris") or ()),
            },
        },
        "type": "kubernetes.io/tls",
        "data": {name: base64.b64encode(value).decode() for name, value in data.items()},
    }


def signer_from(secret: Object) -> Signer:
    """Build the signer of a CA issuer out of its Secret.

    Raises:
        ValueError: the Secret holds no key pair of a CA.
    """
    data = {name: base64.b64decode(value) for name, value in (secret.get("data") or {}).items()}
    if "tls.crt" not in data or "tls.key" not in data:
        raise ValueError("no data for tls.crt and tls.key in the Secret")
    authority = pki.Authority.load(data["tls.crt"], data["tls.key"])
    try:
        is_ca = authority.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_ca = False
    if not is_ca:
        raise ValueError("signing certificate is not a CA")
    if _self_signed(authority.certificate):
        return Signer(authority, pki.pem(authority.certificate))
    return Signer(authority, data.get("ca.crt") or pki.pem(authority.certificate))


def new_account_key() -> bytes:
    """Make the private key of an ACME account, as PEM."""
    return _encode(_new_key({}), "PKCS1")


def _annotations(secret: Object) -> Mapping[str, str]:
    return secret["metadata"].get("annotations") or {}


def _issuer_annotations(certificate: Object) -> dict[str, str]:
    kind, name, group = issuer_reference(certificate)
    prefix = "cert-manager.io/issuer-"
    return {f"{prefix}kind": kind, f"{prefix}name": name, f"{prefix}group": group}


def _meets(pair: pki.Authority, spec: Object) -> bool:
    """Whether key and certificate are what `spec` asks for."""
    extensions = pair.certificate.extensions
    try:
        names = set(extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = set()
    constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
    return (
        pair.certificate.subject == _subject(spec)
        and names == set(_names(spec))
        and constraints.ca == bool(spec.get("isCA"))
        and _kind_of(pair.key) == _wanted_key(spec.get("privateKey") or {})
    )


def _subject(spec: Object) -> x509.Name:
    attributes = [
        x509.NameAttribute(oid, value)
        for field, oid in _SUBJECT.items()
        for value in (spec.get("subject") or {}).get(field) or ()
    ]
    if spec.get("commonName"):
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, spec["commonName"]))
    return x509.Name(attributes)


def _names(spec: Object) -> list[x509.GeneralName]:
    return [
        *(x509.DNSName(name) for name in spec.get("dnsNames") or ()),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in spec.get("ipAddresses") or ()),
        *(x509.UniformResourceIdentifier(uri) for uri in spec.get("uris") or ()),
        *(x509.RFC822Name(address) for address in spec.get("emailAddresses") or ()),
    ]


def _wanted_key(private: Object) -> tuple[str, int]:
    algorithm = private.get("algorithm") or "RSA"
    return algorithm, private.get("size") or {"RSA": 2048, "ECDSA": 256}.get(algorithm, 0)


def _kind_of(key: pki.PrivateKey) -> tuple[str, int]:
    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA", key.key_size
    return ("ECDSA", key.curve.key_size) if isinstance(key, ec.EllipticCurvePrivateKey) else ("Ed25519", 0)


def _new_key(private: Object) -> pki.PrivateKey:
    algorithm, size = _wanted_key(private)
    if algorithm == "RSA":
        return rsa.generate_private_key(65537, size)
    if algorithm == "ECDSA" and size in _CURVES:
        return ec.generate_private_key(_CURVES[size]())
    if algorithm == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    raise ValueError(f"no private key of algorithm {algorithm} and size {size}")


def _encode(key: pki.PrivateKey, encoding: str) -> bytes:
    plain = encoding == "PKCS8" or isinstance(key, ed25519.Ed25519PrivateKey)
    form = PrivateFormat.PKCS8 if plain else PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


def _self_signed(certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, InvalidSignature):
        return False
    return True


def _duration(text: str) -> timedelta:
    """Read a duration as Go writes it, `2160h0m0s`."""
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    if not text or parts is None:
        raise ValueError(f"{text!r} is no duration")
    hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
