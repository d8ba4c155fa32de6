"""Certificates are renewed long before their end, those that upstream charts bring along too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from depin_helm.values.settings import duration
from tests.charts.checks.model import Object, Platform

_DAY = 86400.0
#: Seconds in which somebody has to see that renewals fail, and to mend it.
EARLY = 30 * _DAY
#: cert-manager's own, where a Certificate names none.
_DEFAULT = "2160h"


def late(platform: Platform) -> list[str]:
    """Certificates that are renewed late, and authorities whose certificates may outlive them."""
    return sorted(
        problem for each in platform.of_kind("Certificate") for problem in _problems(each, platform)
    )


def _problems(certificate: Object, platform: Platform) -> Iterator[str]:
    spec = certificate.data["spec"]
    before = _renewed_before(spec)
    if before < EARLY:
        yield f"{certificate} is renewed {before / _DAY:g} days before its end"
    if before >= _lifetime(spec):
        yield f"{certificate} is renewed without end"
    for signed in platform.of_kind("Certificate"):
        # The authority signs until it is renewed itself.
        if _authority(signed, platform) is certificate and _lifetime(signed.data["spec"]) > before:
            yield f"{signed} may outlive {certificate}, which signs it"


def _lifetime(spec: Mapping[str, Any]) -> float:
    return duration(spec.get("duration", _DEFAULT))


def _renewed_before(spec: Mapping[str, Any]) -> float:
    """How many seconds before its end: a third of its life if unsaid (pkg/util/pki/renewaltime.go)."""
    if "renewBefore" in spec:
        return duration(spec["renewBefore"])
    return _lifetime(spec) * float(spec.get("renewBeforePercentage", 100 / 3)) / 100


def _authority(signed: Object, platform: Platform) -> Object | None:
    """The Certificate whose key signs this one, if it is one of the platform's."""
    wanted = signed.data["spec"]["issuerRef"]
    kind = wanted.get("kind", "Issuer")
    namespace = "" if kind == "ClusterIssuer" else signed.namespace
    issuer = platform.by_id.get((kind, namespace, wanted["name"]))
    secret = issuer.data["spec"].get("ca", {}).get("secretName") if issuer else None
    home = namespace or "cert-manager"  # where ClusterIssuers' Secrets lie
    return next(
        (
            each
            for each in platform.of_kind("Certificate")
            if secret and each.namespace == home and each.data["spec"]["secretName"] == secret
        ),
        None,
    )
