"""Values of secret keys: how they are made, and whether one goes with what it was made of."""

from __future__ import annotations

import base64
import hashlib
import secrets as random
import string

#: Name of the Elasticsearch service account tokens that are made here.
TOKEN_NAME = "depin-helm"  # noqa: S105 - a name

_TOKEN_PREFIX = b"\x00\x01\x00\x01"
_PBKDF2_ROUNDS = 10_000


def htpasswd(user: str, password: bytes) -> bytes:
    """A line of an htpasswd file, or of Elasticsearch's config/users.

    The hash is a bcrypt `$2a$`, which both readers take: musl's crypt(), which the ingress controller's
    NGINX calls, knows 2a, 2b, 2x and 2y (musl, src/crypt/crypt_blowfish.c, flags_by_subtype); Elasticsearch
    writes 2a itself and knows a, b and y (its BCrypt.java, gensalt and valid_minor).
    """
    import bcrypt

    # All of them look at 72 bytes; only this library insists.
    digest = bcrypt.hashpw(password[:72], bcrypt.gensalt(rounds=10, prefix=b"2a"))
    return user.encode() + b":" + digest


def service_token(account: str) -> bytes:
    """A token of an Elasticsearch service account, such as `elastic/kibana`, as its bearer sends it.

    Base64 without padding of the bytes 0 1 0 1 and `account/name:secret`, the secret being 16 random bytes
    in 22 URL-safe characters (Elasticsearch 8.5, x-pack/plugin/security/…/authc/service/
    ServiceAccountToken.java, PREFIX, asBearerString and newToken).
    """
    text = f"{account}/{TOKEN_NAME}:{random.token_urlsafe(16)}"
    return base64.b64encode(_TOKEN_PREFIX + text.encode()).rstrip(b"=")


def service_token_line(token: bytes, salt: bytes = b"") -> bytes:
    """The line of Elasticsearch's config/service_tokens that lets `token` in; `salt` is random by default.

    `account/name:{PBKDF2_STRETCH}10000$salt$hash`, salt and hash in base64: 32 bytes of PBKDF2 with
    HMAC-SHA-512 over the hexadecimal text of the secret's SHA-512 (Elasticsearch 8.5,
    x-pack/plugin/core/…/authc/support/Hasher.java, PBKDF2_STRETCH and verifyPbkdf2Hash).

    Raises:
        ValueError: `token` is no service account token; the message does not repeat it.
    """
    name, secret = _parse_token(token)
    salt = salt or random.token_bytes(32)
    stretched = hashlib.sha512(secret).hexdigest().encode()
    digest = hashlib.pbkdf2_hmac("sha512", stretched, salt, _PBKDF2_ROUNDS, dklen=32)
    parts = (b"{PBKDF2_STRETCH}%d" % _PBKDF2_ROUNDS, base64.b64encode(salt), base64.b64encode(digest))
    return name + b":" + b"$".join(parts)


def has_line(value: bytes, name: str) -> bool:
    """Whether the file `value` has a line of that name."""
    return any(line.strip().partition(b":")[0] == name.encode() for line in value.splitlines())


def with_line(value: bytes, line: bytes) -> bytes:
    """The file `value`, with `line` instead of the one of the same name: all others stay as they are."""
    name = line.partition(b":")[0]
    lines = value.splitlines()
    same = [old.strip().partition(b":")[0] == name for old in lines]
    if not any(same):
        return b"\n".join([*lines, line]) if lines else line
    first = same.index(True)
    kept = [
        line if number == first else old
        for number, old in enumerate(lines)
        if number == first or not same[number]
    ]
    return b"\n".join(kept) + (b"\n" if value.endswith(b"\n") else b"")


def text(length: int) -> bytes:
    """Random letters and digits."""
    return "".join(random.choice(string.ascii_letters + string.digits) for _ in range(length)).encode()


def htpasswd_fits(user: str, value: bytes, password: bytes) -> bool:
    """Whether the file `value` lets the user in with this password; yes where that cannot be told."""
    import bcrypt

    for line in value.splitlines():
        name, _, digest = line.strip().partition(b":")
        if name == user.encode() and digest.startswith(b"$2"):
            try:
                return bcrypt.checkpw(password[:72], digest)
            except ValueError:
                return False
    return True


def service_token_fits(value: bytes, token: bytes) -> bool:
    """Whether the file `value` lets this token in; yes where that cannot be told."""
    try:
        name, _ = _parse_token(token)
        for line in value.splitlines():
            if line.startswith(name + b":{PBKDF2_STRETCH}%d$" % _PBKDF2_ROUNDS):
                salt = base64.b64decode(line.split(b"$")[1], validate=True)
                return random.compare_digest(service_token_line(token, salt), line.strip())
    except (ValueError, IndexError):
        return False
    return True


def _parse_token(token: bytes) -> tuple[bytes, bytes]:
    """Qualified name and secret of a service account token."""
    try:
        text = base64.b64decode(token + b"=" * (-len(token) % 4), validate=True)
    except ValueError:
        text = b""
    name, colon, secret = text.removeprefix(_TOKEN_PREFIX).partition(b":")
    if not text.startswith(_TOKEN_PREFIX) or not colon or name.count(b"/") != 2:
        raise ValueError("it is no Elasticsearch service account token")
    return name, secret
