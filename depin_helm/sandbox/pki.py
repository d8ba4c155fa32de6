"""Keys, certificates and the kubeconfig of one sandbox."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from depin_helm import yamlio

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
YEAR = timedelta(days=365)

_SERVICE = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True)
class Authority:
    """Who signs: a CA's key and certificate."""

    key: PrivateKey
    certificate: x509.Certificate

    @classmethod
    def load(cls, certificate: bytes, key: bytes) -> Authority:
        """Read both from PEM; only the first certificate of a chain counts.

        Raises:
            ValueError: either is no PEM of its kind.
        """
        return cls(private_key(key), x509.load_pem_x509_certificate(certificate))


def private_key(pem: bytes) -> PrivateKey:
    """Read an unencrypted private key.

    Raises:
        ValueError: `pem` is no such key, or of a kind that certificates here do not use.
    """
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, PrivateKey):
        raise ValueError(f"a {type(key).__name__} is no key for a certificate")
    return key


def sign(
    key: PrivateKey,
    subject: x509.Name,
    issuer: Authority | None,
    *,
    names: Sequence[x509.GeneralName] = (),
    usages: Iterable[x509.ObjectIdentifier] = (),
    is_ca: bool = False,
    lifetime: timedelta = YEAR,
) -> x509.Certificate:
    """Make a certificate for `key`, signed by `issuer` or, without one, by itself."""
    now = datetime.now(UTC).replace(microsecond=0)
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + lifetime)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_encipherment=isinstance(key, rsa.RSAPrivateKey),
                key_cert_sign=is_ca,
                crl_sign=is_ca,
                content_commitment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if names:
        empty = len(list(subject)) == 0  # RFC 5280, 4.2.1.6
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=empty)
    if usages := list(usages):
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def write(directory: Path) -> None:
    """Make everything that the control plane needs in `directory`.

    `ca`, `server` (API server, etcd, simulated kubelet), `admin` (in group system:masters) and
    `service-accounts`; apart from these `certificates-ca`, which signs for the simulated cert-manager and
    which the API server does not trust.
    """
    directory.mkdir(mode=0o700)
    ca = _authority("depin-helm sandbox")
    _write(directory, "ca", ca.key, ca.certificate)
    signer = _authority("depin-helm sandbox certificates")
    _write(directory, "certificates-ca", signer.key, signer.certificate)
    _write(directory, "service-accounts", ec.generate_private_key(ec.SECP256R1()))

    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "10.96.0.1")]
    key = ec.generate_private_key(ec.SECP256R1())
    names = [*(x509.DNSName(name) for name in ("localhost", *_SERVICE)), *addresses]
    _write(directory, "server", key, sign(key, _name("sandbox"), ca, names=names, usages=both))

    key = ec.generate_private_key(ec.SECP256R1())
    admin = _name("depin-sandbox-admin", "system:masters")
    _write(directory, "admin", key, sign(key, admin, ca, usages=[ExtendedKeyUsageOID.CLIENT_AUTH]))


def write_kubeconfig(file: Path, pki: Path, server: str, context: str) -> None:
    """Write a kubeconfig (mode 0600) whose one context, `context`, is the administrator of `server`."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": context,
                "cluster": {"server": server, "certificate-authority": str(pki / "ca.crt")},
            }
        ],
        "users": [
            {
                "name": context,
                "user": {
                    "client-certificate": str(pki / "admin.crt"),
                    "client-key": str(pki / "admin.key"),
                },
            }
        ],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        "current-context": context,
    }
    file.touch(mode=0o600)
    file.write_text(yamlio.dump(config))


def pem(certificate: x509.Certificate) -> bytes:
    """Encode a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def _authority(name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    return Authority(key, sign(key, _name(name), None, is_ca=True))


def _name(common_name: str, organization: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _write(directory: Path, name: str, key: PrivateKey, certificate: x509.Certificate | None = None) -> None:
    file = directory / f"{name}.key"
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,  # the API server reads no other
            serialization.NoEncryption(),
        )
    )
    if certificate is not None:
        (directory / f"{name}.crt").write_bytes(pem(certificate))
