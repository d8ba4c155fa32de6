"""The supervisor's own small client of its API server: raw JSON, no kubeconfig, no proxy."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2

Object = dict[str, Any]

METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_RECONNECT = 0.5  # seconds


class Api:
    """Requests to one API server as its administrator. Every failed request raises httpx2.HTTPError."""

    def __init__(self, server: str, pki: Path) -> None:
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        limits = httpx2.Limits(max_connections=None)
        self._client = httpx2.AsyncClient(
            base_url=server, verify=context, trust_env=False, timeout=10, limits=limits
        )

    async def get(self, path: str) -> Object | None:
        """Read an object or list; None if there is none, or no such kind."""
        response = await self._client.get(path)
        return None if response.status_code == 404 else _json(response)

    async def ready(self) -> bool:
        """Whether the API server answers and calls itself ready."""
        try:
            return (await self._client.get("/readyz", timeout=1)).status_code == 200
        except httpx2.TransportError:
            return False

    async def create(self, path: str, body: Object) -> None:
        """Create an object in the collection `path`; one that exists already is left alone."""
        response = await self._client.post(path, json=body)
        if response.status_code != 409:
            _json(response)

    async def merge(self, path: str, body: Object) -> None:
        """Change fields of an object by a merge patch (RFC 7386)."""
        headers = {"Content-Type": "application/merge-patch+json"}
        _json(await self._client.patch(path, json=body, headers=headers))

    async def apply(self, path: str, body: Object, manager: str) -> None:
        """Create or change an object by server-side apply, taking over fields of others."""
        headers = {"Content-Type": "application/apply-patch+yaml"}
        params = {"fieldManager": manager, "force": "true"}
        _json(await self._client.patch(path, content=json.dumps(body), headers=headers, params=params))

    async def watch(
        self, path: str, accept: str = "application/json", **params: str
    ) -> AsyncIterator[Object]:
        """Yield watch events for ever: at first, and after every break, one ADDED for each object there is.

        An event of type RESTART, without object, precedes these. While the kind is unknown to the API server,
        nothing is yielded.
        """
        query = {"watch": "true", **params}
        while True:
            try:
                async with self._client.stream(
                    "GET", path, params=query, headers={"Accept": accept}, timeout=None
                ) as response:
                    if response.status_code == 200:
                        yield {"type": "RESTART"}
                        async for line in response.aiter_lines():
                            event: Object = json.loads(line)
                            if event["type"] == "ERROR":
                                break
                            yield event
            except httpx2.TransportError:
                pass  # the API server closes watches now and then
            await asyncio.sleep(_RECONNECT)


def _json(response: httpx2.Response) -> Object:
    response.raise_for_status()
    body: Object = response.json()
    return body
