"""Keeps the API server from calling out: the proxy that it has to ask for every connection into the cluster.

Pods are simulated and their addresses lead out of this machine, so only the simulated kubelet on the loopback
address is let through; everything else is refused at once instead of timing out somewhere on the network.
"""

from __future__ import annotations

import asyncio
import contextlib

SOCKET = "egress.sock"  # as in data/egress.yaml


async def serve(allowed: str) -> asyncio.Server:
    """Answer HTTP CONNECT on `SOCKET` in the working directory; only to `allowed` (host:port)."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split()
            if request[:2] == ["CONNECT", allowed]:
                host, _, port = allowed.rpartition(":")
                await _join(reader, writer, *await asyncio.open_connection(host, int(port)))
            else:
                writer.write(b"HTTP/1.1 403 the sandbox calls nothing outside of this machine\r\n\r\n")
                await writer.drain()
        writer.close()

    return await asyncio.start_unix_server(answer, path=SOCKET)


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far_reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
) -> None:
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()
