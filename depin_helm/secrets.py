"""The Secrets that the platform refers to by name: lists, checks, and makes those that are missing.

Which there are is data, `secrets.yaml` beside the umbrella's Chart.yaml; see there for its fields. Existing
keys are never overwritten, and no value leaves this module other than to the cluster.
"""

from __future__ import annotations

import base64
import graphlib
import hashlib
import re
import secrets as random
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depin_helm import releases, yamlio
from depin_helm.errors import ChartError, ClusterError, LockedError

if TYPE_CHECKING:
    from depin_helm.cluster import Cluster

#: Labels of every Secret that is made here; one that has them may be completed later.
LABELS: Mapping[str, str] = {
    "app.kubernetes.io/part-of": "depin-platform",
    "app.kubernetes.io/managed-by": "depin-helm",
}

#: Name of the Elasticsearch service account tokens that are made here.
TOKEN_NAME = "depin-helm"  # noqa: S105 - a name

#: Characters that a random value may have; more would not fit into what bcrypt looks at.
LENGTHS = range(16, 73)

_TOKEN_PREFIX = b"\x00\x01\x00\x01"
_PBKDF2_ROUNDS = 10_000


@dataclass(frozen=True, order=True)
class Source:
    """A key of a Secret, of which another key is derived."""

    namespace: str
    name: str
    key: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}/{self.key}"


@dataclass(frozen=True)
class Rule:
    """How a missing key is made: `make` gets the value of `source`, nothing where there is none.

    `fits` tells whether an existing value still goes with its source's; where it cannot tell, it says yes.
    """

    make: Callable[[bytes], bytes]
    source: Source | None = None
    fits: Callable[[bytes, bytes], bool] = lambda value, source: True


@dataclass(frozen=True)
class SecretSpec:
    """A Secret that the component `reader` refers to."""

    namespace: str
    name: str
    reader: str
    rules: Mapping[str, Rule]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def sources(self) -> frozenset[str]:
        """Other Secrets, as `namespace/name`, that its keys are derived from."""
        sources = (rule.source for rule in self.rules.values() if rule.source)
        return frozenset(f"{source.namespace}/{source.name}" for source in sources) - {str(self)}


@dataclass(frozen=True)
class SecretState:
    """What the cluster has of a needed Secret; never a value.

    `missing` are keys that an existing Secret lacks. `stale` are keys that do not fit what they were derived
    from, or whose source is gone. `ours` says that depin-helm made the Secret.
    """

    namespace: str
    name: str
    reader: str
    keys: tuple[str, ...]
    exists: bool
    missing: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    ours: bool = False

    @property
    def summary(self) -> str:
        """The state in a few words."""
        if not self.exists:
            return "absent"
        lacks = f"lacks {', '.join(self.missing)}" if self.missing else ""
        stale = f"{', '.join(self.stale)} does not fit what it was made from" if self.stale else ""
        return "; ".join(filter(None, (lacks, stale))) or "present"

    @property
    def problem(self) -> str:
        """What is wrong with the Secret that depin-helm must not mend, and what to do; empty if nothing."""
        name = f"Secret {self.namespace}/{self.name}"
        if self.stale:
            return (
                f"{name}: {', '.join(self.stale)} does not fit what it was made from; provide a Secret that"
                " does, or delete this one to have it made anew, then restart what reads it"
            )
        if self.missing and not self.ours:
            return (
                f"{name} exists and lacks {', '.join(self.missing)}; add them, or delete it to have it made"
            )
        return ""


def load(chart: Path) -> tuple[SecretSpec, ...]:
    """Read `secrets.yaml`; each Secret stands behind those that it is derived from.

    Raises:
        ChartError: it cannot be read, or does not say clearly what is to be made.
    """
    file = chart / "secrets.yaml"
    try:
        entries = yamlio.load(file.read_bytes())["secrets"]
        specs = {str(spec): spec for spec in map(_spec, entries)}
        if len(specs) != len(entries):
            raise ValueError("a Secret stands there twice")
        for spec in specs.values():
            _check_sources(spec, specs)
        order = graphlib.TopologicalSorter(
            {name: spec.sources for name, spec in specs.items()}
        ).static_order()
        return tuple(specs[name] for name in order)
    except graphlib.CycleError as error:
        raise ChartError(f"{file}: derived from each other: {' → '.join(error.args[1])}") from error
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ChartError(f"{file} cannot be read: {error}") from error


def needed(specs: Sequence[SecretSpec], values: Mapping[str, Any]) -> tuple[SecretSpec, ...]:
    """The Secrets whose readers `values` turn on, and all that these are derived from, in the same order."""
    wanted = {str(spec) for spec in specs if (values.get(spec.reader) or {}).get("enabled", True)}
    for spec in reversed(specs):  # whatever a Secret is derived from stands before it
        if str(spec) in wanted:
            wanted |= spec.sources
    return tuple(spec for spec in specs if str(spec) in wanted)


def check(specs: Sequence[SecretSpec], cluster: Cluster) -> tuple[SecretState, ...]:
    """Compare the needed Secrets with the cluster's.

    Raises:
        ClusterError: the cluster cannot be asked.
    """
    return _states(specs, _live(specs, cluster))


def create_missing(
    specs: Sequence[SecretSpec], cluster: Cluster, namespaces: Mapping[str, Mapping[str, Any]]
) -> tuple[SecretSpec, ...]:
    """Make the needed Secrets that are absent and the missing keys of those made here; returns these Secrets.

    `namespaces` are the Namespace objects that a layer is going to own, by name, with its release's marks
    (`releases.own`): whichever a Secret needs and the cluster lacks is made first, and Helm takes it over.

    Raises:
        ClusterError: an existing Secret lacks keys or does not fit another, or a namespace is missing;
            nothing has been made then.
    """
    live = _live(specs, cluster)
    states = _states(specs, live)
    if problems := [state.problem for state in states if state.problem]:
        raise ClusterError("\n".join(problems))
    todo = [spec for spec, state in zip(specs, states, strict=True) if not state.exists or state.missing]
    _create_namespaces({spec.namespace for spec in todo}, namespaces, cluster)
    known: dict[Source, bytes] = {}
    for spec in specs:
        known |= _known(spec, live[str(spec)])
    for spec in todo:
        _complete(spec, live[str(spec)], known, cluster)
    return tuple(todo)


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


def _spec(entry: Mapping[str, Any]) -> SecretSpec:
    unknown = entry.keys() - {"namespace", "name", "reader", "keys"}
    if unknown or not entry["keys"]:
        raise ValueError(f"{entry['name']}: {', '.join(unknown) or 'no keys'}")
    rules = {}
    for key, recipe in entry["keys"].items():
        try:
            rules[key] = _rule(recipe)
        except ValueError as error:
            raise ValueError(f"{entry['namespace']}/{entry['name']}/{key}: {error}") from error
    return SecretSpec(entry["namespace"], entry["name"], entry["reader"], rules)


def _rule(recipe: Mapping[str, Any]) -> Rule:
    if len(recipe) != 1:
        raise ValueError("says not in exactly one way how it is made")
    match recipe:
        case {"value": str(text)}:
            return Rule(lambda _: text.encode())
        case {"random": int(length)} if length in LENGTHS:
            return Rule(lambda _: _random_text(length).encode())
        case {"htpasswd": {"user": str(user), "password": str(source)}} if ":" not in user:
            return Rule(partial(htpasswd, user), _source(source), partial(_htpasswd_fits, user))
        case {"serviceToken": str(account)} if re.fullmatch(r"[\w-]+/[\w-]+", account):
            return Rule(lambda _: service_token(account))
        case {"serviceTokenHash": str(source)}:
            return Rule(service_token_line, _source(source), _service_token_fits)
    raise ValueError(f"{', '.join(recipe)} is unknown, or not used rightly")


def _source(text: str) -> Source:
    parts = text.split("/")
    if len(parts) != 3:
        raise ValueError(f"{text} is not of the form namespace/name/key")
    return Source(*parts)


def _check_sources(spec: SecretSpec, specs: Mapping[str, SecretSpec]) -> None:
    for key, rule in spec.rules.items():
        if rule.source is None:
            continue
        target = specs.get(f"{rule.source.namespace}/{rule.source.name}")
        if target is None or rule.source.key not in target.rules:
            raise ValueError(f"{spec}/{key}: there is no {rule.source}")
        if target is spec and spec.rules[rule.source.key].source is not None:
            raise ValueError(f"{spec}/{key}: {rule.source.key} is itself derived")


def _random_text(length: int) -> str:
    return "".join(random.choice(string.ascii_letters + string.digits) for _ in range(length))


def _htpasswd_fits(user: str, value: bytes, password: bytes) -> bool:
    import bcrypt

    for line in value.splitlines():
        name, _, digest = line.strip().partition(b":")
        if name == user.encode() and digest.startswith(b"$2"):
            try:
                return bcrypt.checkpw(password[:72], digest)
            except ValueError:
                return False
    return True


def _service_token_fits(value: bytes, token: bytes) -> bool:
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


def _live(specs: Sequence[SecretSpec], cluster: Cluster) -> dict[str, dict[str, Any] | None]:
    found = cluster.each(lambda spec: cluster.get("v1", "Secret", spec.name, spec.namespace), specs)
    return dict(zip(map(str, specs), found, strict=True))


def _data(secret: Mapping[str, Any] | None) -> dict[str, bytes]:
    data = (secret or {}).get("data") or {}
    return {key: base64.b64decode(value) for key, value in data.items()}


def _states(
    specs: Sequence[SecretSpec], live: Mapping[str, Mapping[str, Any] | None]
) -> tuple[SecretState, ...]:
    data = {name: _data(secret) for name, secret in live.items()}

    def stale(spec: SecretSpec, key: str, rule: Rule) -> bool:
        if rule.source is None or key not in data[str(spec)]:
            return False
        source = data[f"{rule.source.namespace}/{rule.source.name}"].get(rule.source.key)
        return source is None or not rule.fits(data[str(spec)][key], source)

    states = []
    for spec in specs:
        secret = live[str(spec)]
        labels = (secret or {}).get("metadata", {}).get("labels") or {}
        states.append(
            SecretState(
                namespace=spec.namespace,
                name=spec.name,
                reader=spec.reader,
                keys=tuple(spec.rules),
                exists=secret is not None,
                missing=tuple(key for key in spec.rules if secret is not None and key not in data[str(spec)]),
                stale=tuple(key for key, rule in spec.rules.items() if stale(spec, key, rule)),
                ours=LABELS.items() <= labels.items(),
            )
        )
    return tuple(states)


def _known(spec: SecretSpec, live: Mapping[str, Any] | None) -> dict[Source, bytes]:
    return {Source(spec.namespace, spec.name, key): value for key, value in _data(live).items()}


def _complete(
    spec: SecretSpec, live: Mapping[str, Any] | None, known: dict[Source, bytes], cluster: Cluster
) -> None:
    """Make the Secret, or its missing keys; adds what was made to `known`."""
    values = {}
    # Keys that are derived from another one of the same Secret come after it.
    for key, rule in sorted(spec.rules.items(), key=lambda item: item[1].source is not None):
        place = Source(spec.namespace, spec.name, key)
        if place not in known:
            known[place] = _make(place, rule, known)
        values[key] = known[place]
    if live is not None:
        encoded = {key: base64.b64encode(value).decode() for key, value in values.items()}
        cluster.replace({**live, "data": {**encoded, **(live.get("data") or {})}})
    elif not cluster.create_secret(spec.namespace, spec.name, values, labels=LABELS):
        raise LockedError(
            f"Secret {spec} was made by somebody else just now", hint="run the same command again"
        )


def _make(place: Source, rule: Rule, known: Mapping[Source, bytes]) -> bytes:
    if rule.source is None:
        return rule.make(b"")
    try:
        return rule.make(known[rule.source])
    except ValueError as error:
        raise ClusterError(f"Secret key {place} cannot be made of {rule.source}: {error}") from error


def _create_namespaces(
    wanted: Iterable[str], namespaces: Mapping[str, Mapping[str, Any]], cluster: Cluster
) -> None:
    absent = [name for name in sorted(wanted) if cluster.get("v1", "Namespace", name) is None]
    if unknown := [name for name in absent if name not in namespaces]:
        raise ClusterError(
            f"there is no namespace {', '.join(unknown)} for the platform's Secrets",
            hint="turn depin-foundation on, which makes it, or make it yourself",
        )
    for name in absent:
        # As Helm's own fields, or Helm could not change them later without a conflict.
        cluster.apply(namespaces[name], field_manager=releases.FIELD_MANAGER)
