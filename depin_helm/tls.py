"""What connections of several threads over TLS have in common."""

from __future__ import annotations

import ssl


def shared(context: ssl.SSLContext) -> ssl.SSLContext:
    """Make the context offer HTTP/1.1, once for all connections.

    The HTTP library sets that for each of them, which frees what OpenSSL is copying into a connection that
    another thread opens at the same time: the server is offered rubbish, and refuses with "decode error".
    """
    context.set_alpn_protocols(["http/1.1"])
    context.set_alpn_protocols = lambda alpn_protocols: None  # type: ignore[method-assign]
    return context
