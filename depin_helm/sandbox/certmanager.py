"""A simulated cert-manager: makes issuers and Certificates Ready and keeps each Certificate's Secret.

cert-manager itself would run in a pod, and pods are simulated. Self-signed and CA issuers do what they say;
all others (ACME, Vault …) are played by one CA of the sandbox. There are no CertificateRequests, orders or
challenges, no Certificates for annotated Ingresses, and nothing puts CA bundles into other objects.

The state of the world is compared as a whole after every change: a handful of objects in a sandbox.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from depin_helm.sandbox import api, certificates, pki
from depin_helm.sandbox.api import Api, Object

GROUP = "/apis/cert-manager.io/v1"
MANAGER = "cert-manager-certificates-issuing"
_KINDS = {"Certificate": "certificates", "Issuer": "issuers", "ClusterIssuer": "clusterissuers"}
_SETTLE = 0.05  # seconds in which changes that belong together arrive
_RETRY, _RECHECK = 2, 300  # seconds: while something is not Ready, and for renewals

log = logging.getLogger(__name__)


class CertManager:
    """Reconciles everything of cert-manager.io/v1 in one cluster, for as long as `run` runs."""

    def __init__(self, client: Api, authority: pki.Authority) -> None:
        self._api = client
        self._played = certificates.Signer(authority, pki.pem(authority.certificate))
        self._objects: dict[str, dict[tuple[str, str], Object]] = {kind: {} for kind in _KINDS}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Watch and reconcile until cancelled; kinds whose CRD is missing are waited for."""
        async with asyncio.TaskGroup() as tasks:
            for kind in _KINDS:
                tasks.create_task(self._follow(kind))
            tasks.create_task(self._follow_secrets())
            tasks.create_task(self._reconcile_changes())

    async def _follow(self, kind: str) -> None:
        objects = self._objects[kind]
        async for event in self._api.watch(f"{GROUP}/{_KINDS[kind]}"):
            if event["type"] == "RESTART":
                objects.clear()
                continue
            item = event["object"]
            item["metadata"].pop("managedFields", None)
            key = (item["metadata"].get("namespace", ""), item["metadata"]["name"])
            if event["type"] == "DELETED":
                objects.pop(key, None)
            else:
                objects[key] = item
            self._changed.set()

    async def _follow_secrets(self) -> None:
        """Wake up when a Secret that may be a Certificate's or a CA's changes; their content is not sent."""
        selector = "type=kubernetes.io/tls"
        async for _ in self._api.watch("/api/v1/secrets", api.METADATA_ONLY, fieldSelector=selector):
            self._changed.set()

    async def _reconcile_changes(self) -> None:
        while True:
            done = await self._reconcile()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), _RECHECK if done else _RETRY)
            await asyncio.sleep(_SETTLE)
            self._changed.clear()

    async def _reconcile(self) -> bool:
        """Bring every object up to date; return whether all are Ready."""
        done = True
        for kind in ("Issuer", "ClusterIssuer", "Certificate"):
            for key, item in list(self._objects[kind].items()):
                try:
                    if kind == "Certificate":
                        done &= await self._certificate(item)
                    else:
                        done &= await self._issuer(kind, item)
                except httpx2.HTTPError as error:  # changed or deleted meanwhile: the next round sees it
                    log.warning("%s %s: %s", kind, "/".join(key), error)
                    done = False
                except Exception:  # one object that cannot be read is no reason to leave the others alone
                    log.exception("%s %s", kind, "/".join(key))
                    done = False
        return done

    async def _issuer(self, kind: str, issuer: Object) -> bool:
        status: Object = {}
        try:
            await self._signer(kind, issuer)
            ready, reason, message = True, "IsReady", f"{kind} is ready"
            if acme := issuer["spec"].get("acme"):
                await self._account_key(kind, issuer, acme["privateKeySecretRef"]["name"])
                reason, message = "ACMEAccountRegistered", "The ACME account was registered (simulated)"
                status["acme"] = {"uri": "https://acme.invalid/account/1"}
            elif "ca" in issuer["spec"]:
                reason, message = "KeyPairVerified", "Signing CA verified"
        except ValueError as error:
            ready, reason, message = False, "ErrGetKeyPair", f"Error getting keypair for CA issuer: {error}"
        await self._report(kind, issuer, ready, reason, message, status)
        return ready

    async def _certificate(self, certificate: Object) -> bool:
        name, namespace = certificate["metadata"]["name"], certificate["metadata"]["namespace"]
        path = f"/api/v1/namespaces/{namespace}/secrets/{certificate['spec']['secretName']}"
        secret = await self._api.get(path)
        try:
            fault = self._foreign(certificate, secret)
            if fault is None:
                fault = certificates.fault(certificate, secret, datetime.now(UTC))
                if fault is not None:
                    kind, issuer, _ = certificates.issuer_reference(certificate)
                    signer = await self._signer(kind, self._find_issuer(kind, namespace, issuer))
                    secret = certificates.issue(certificate, signer)
                    await self._api.apply(path, secret, MANAGER)
                    log.info("issued %s/%s: %s", namespace, name, fault.reason)
                    fault = None
        except ValueError as error:
            fault = certificates.Fault("DoesNotExist", str(error))
        if fault is not None:
            await self._report("Certificate", certificate, False, fault.reason, fault.message)
            return False
        assert secret is not None  # noqa: S101 - a Secret without fault exists
        status = {**certificates.status(certificate, secret), "revision": 1}
        message = "Certificate is up to date and has not expired"
        await self._report("Certificate", certificate, True, "Ready", message, status)
        return True

    def _foreign(self, certificate: Object, secret: Object | None) -> certificates.Fault | None:
        """Say so if the Secret is another Certificate's: two would overwrite each other for ever."""
        metadata = certificate["metadata"]
        annotations = ((secret or {}).get("metadata") or {}).get("annotations") or {}
        owner = annotations.get("cert-manager.io/certificate-name", metadata["name"])
        other = self._objects["Certificate"].get((metadata["namespace"], owner))
        if owner == metadata["name"] or other is None:
            return None
        if other["spec"]["secretName"] != certificate["spec"]["secretName"]:
            return None
        return certificates.Fault(
            "IncorrectCertificate",
            f"Secret was issued for {owner!r}. If this message is not transient, "
            "you might have two conflicting Certificates pointing to the same secret.",
        )

    def _find_issuer(self, kind: str, namespace: str, name: str) -> Object:
        found = self._objects.get(kind, {}).get((namespace if kind == "Issuer" else "", name))
        if found is None:
            raise ValueError(f"Referenced {kind!r} not found: {name}")
        return found

    async def _signer(self, kind: str, issuer: Object) -> certificates.Signer:
        """Find who signs for `issuer`.

        Raises:
            ValueError: it is a CA issuer without a usable Secret.
        """
        if "selfSigned" in issuer["spec"]:
            return certificates.Signer()
        if "ca" not in issuer["spec"]:
            return self._played
        namespace = await self._namespace(kind, issuer)
        name = issuer["spec"]["ca"]["secretName"]
        secret = await self._api.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        if secret is None:
            raise ValueError(f"secrets {name!r} not found in namespace {namespace}")
        return certificates.signer_from(secret)

    async def _namespace(self, kind: str, issuer: Object) -> str:
        """Name the namespace of an issuer's Secrets: a ClusterIssuer's are where cert-manager runs."""
        if kind == "Issuer":
            return str(issuer["metadata"]["namespace"])
        labels = "app.kubernetes.io/name%3Dcert-manager,app.kubernetes.io/component%3Dcontroller"
        found = await self._api.get(f"/apis/apps/v1/deployments?labelSelector={labels}")
        items = (found or {}).get("items") or [{"metadata": {"namespace": "cert-manager"}}]
        return str(items[0]["metadata"]["namespace"])

    async def _account_key(self, kind: str, issuer: Object, name: str) -> None:
        """Make the Secret that an ACME issuer keeps its account's key in, as cert-manager does."""
        path = f"/api/v1/namespaces/{await self._namespace(kind, issuer)}/secrets"
        if await self._api.get(f"{path}/{name}") is None:
            key = base64.b64encode(certificates.new_account_key()).decode()
            secret = {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name},
                "data": {"tls.key": key},
            }
            await self._api.create(path, secret)

    async def _report(
        self, kind: str, item: Object, ready: bool, reason: str, message: str, more: Object | None = None
    ) -> None:
        """Write `item`'s Ready condition, unless it says so already."""
        old: list[Object] = (item.get("status") or {}).get("conditions") or []
        before = next((condition for condition in old if condition["type"] == "Ready"), {})
        condition: dict[str, Any] = {
            "type": "Ready",
            "status": str(ready),
            "reason": reason,
            "message": message,
            "observedGeneration": item["metadata"].get("generation", 1),
        }
        known = {**(item.get("status") or {}), **(more or {})} == (item.get("status") or {})
        if known and condition.items() <= before.items():
            return
        changed = before.get("status") != condition["status"]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition["lastTransitionTime"] = now if changed else before["lastTransitionTime"]
        others = [condition for condition in old if condition["type"] != "Ready"]
        metadata = item["metadata"]
        scope = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
        path = f"{GROUP}{scope}/{_KINDS[kind]}/{metadata['name']}/status"
        await self._api.merge(path, {"status": {**(more or {}), "conditions": [*others, condition]}})


def load_authority(folder: Path) -> pki.Authority:
    """Read the CA that the sandbox made for its certificates (see `pki.write`)."""
    certificate, key = (folder / f"certificates-ca.{end}" for end in ("crt", "key"))
    return pki.Authority.load(certificate.read_bytes(), key.read_bytes())
