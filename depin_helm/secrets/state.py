"""The needed Secrets on a cluster: which are missing or do not fit, and making those that are missing."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from depin_helm import releases
from depin_helm.errors import ClusterError, LockedError
from depin_helm.secrets.specs import Rule, SecretSpec, Source
from depin_helm.secrets.users import User

if TYPE_CHECKING:
    from depin_helm.cluster import Cluster

#: Labels of every Secret that is made here; one that has them may be completed later.
LABELS: Mapping[str, str] = {
    "app.kubernetes.io/part-of": "depin-platform",
    "app.kubernetes.io/managed-by": "depin-helm",
}


@dataclass(frozen=True)
class SecretState:
    """What the cluster has of a needed Secret; never a value.

    `missing` are keys that an existing Secret lacks. `stale` are keys that do not fit what they were derived
    from, or whose source is gone. `outdated` are keys that depin-helm made for an earlier chart, which had
    other users or roles. `ours` says that depin-helm made the Secret, `provided` that it cannot. `used_by` is
    who refers to it on the cluster.
    """

    namespace: str
    name: str
    reader: str
    keys: tuple[str, ...]
    exists: bool
    missing: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    ours: bool = False
    provided: bool = False
    used_by: tuple[User, ...] = ()
    outdated: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The state in a few words."""
        if not self.exists:
            return "absent; yours to provide" if self.provided else "absent"
        lacks = f"lacks {', '.join(self.missing)}" if self.missing else ""
        stale = f"{', '.join(self.stale)} does not fit what it was made from" if self.stale else ""
        outdated = f"{', '.join(self.outdated)} is of an earlier chart" if self.outdated else ""
        return "; ".join(filter(None, (lacks, stale, outdated))) or "present"

    @property
    def incomplete(self) -> bool:
        """Whether something is to be made, here or by whoever provides it."""
        return not self.exists or bool(self.missing or self.outdated)

    @property
    def problem(self) -> str:
        """What is wrong with the Secret that depin-helm must not mend, and what to do; empty if nothing."""
        name = f"Secret {self.namespace}/{self.name}"
        if self.provided:
            if self.exists and not self.missing:
                return ""
            lacking = ", ".join(self.missing if self.exists else self.keys)
            keys = f", with {lacking}" if lacking else ""
            return f"{name} is yours to provide{keys}: {self.reader} reads it"
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


def check(
    specs: Sequence[SecretSpec], cluster: Cluster, users: Mapping[str, tuple[User, ...]] | None = None
) -> tuple[SecretState, ...]:
    """Compare the needed Secrets with the cluster's; `users` are put beside them, if they were looked for.

    Raises:
        ClusterError: the cluster cannot be asked.
    """
    return _states(specs, read(specs, cluster), users or {})


def create_missing(
    specs: Sequence[SecretSpec], cluster: Cluster, namespaces: Mapping[str, Mapping[str, Any]]
) -> tuple[SecretSpec, ...]:
    """Make the needed Secrets that are absent, and complete those made here; returns these Secrets.

    Those get the keys that they lack; and of keys that were made for an earlier chart, the users and roles.
    `namespaces` are the Namespace objects that a layer is going to own, by name, with its release's marks
    (`releases.own`): whichever a Secret needs and the cluster lacks is made first, and Helm takes it over.

    Raises:
        ClusterError: an existing Secret lacks keys or does not fit another, or a namespace is missing;
            nothing has been made then.
    """
    live = read(specs, cluster)
    states = _states(specs, live, {})
    if problems := [state.problem for state in states if state.problem]:
        raise ClusterError("\n".join(problems))
    todo = [spec for spec, state in zip(specs, states, strict=True) if state.incomplete]
    create_namespaces({spec.namespace for spec in todo}, namespaces, cluster)
    known: dict[Source, bytes] = {}
    for spec in specs:
        known |= known_of(spec, live[str(spec)])
    for spec in todo:
        _complete(spec, live[str(spec)], known, cluster)
    return tuple(todo)


def read(specs: Sequence[SecretSpec], cluster: Cluster) -> dict[str, dict[str, Any] | None]:
    """The Secrets as the cluster has them, by namespace/name; None for one that is not there."""
    found = cluster.each(lambda spec: cluster.get("v1", "Secret", spec.name, spec.namespace), specs)
    return dict(zip(map(str, specs), found, strict=True))


def content(secret: Mapping[str, Any] | None) -> dict[str, bytes]:
    """What is in a Secret, by key."""
    data = (secret or {}).get("data") or {}
    return {key: base64.b64decode(value) for key, value in data.items()}


def is_ours(secret: Mapping[str, Any] | None) -> bool:
    """Whether depin-helm made the Secret."""
    return LABELS.items() <= ((secret or {}).get("metadata", {}).get("labels") or {}).items()


def _states(
    specs: Sequence[SecretSpec],
    live: Mapping[str, Mapping[str, Any] | None],
    users: Mapping[str, tuple[User, ...]],
) -> tuple[SecretState, ...]:
    data = {name: content(secret) for name, secret in live.items()}

    def stale(spec: SecretSpec, key: str, rule: Rule) -> bool:
        if not rule.sources or key not in data[str(spec)]:
            return False
        return not rule.fits(data[str(spec)][key], *sources(rule))

    def sources(rule: Rule) -> list[bytes | None]:
        return [data[f"{each.namespace}/{each.name}"].get(each.key) for each in rule.sources]

    def outdated(spec: SecretSpec, key: str, rule: Rule) -> bool:
        value = data[str(spec)].get(key)
        return value is not None and rule.renewed(value, *(each or b"" for each in sources(rule))) != value

    states = []
    for spec in specs:
        secret = live[str(spec)]
        states.append(
            SecretState(
                namespace=spec.namespace,
                name=spec.name,
                reader=spec.reader,
                keys=tuple(spec.rules),
                exists=secret is not None,
                missing=tuple(key for key in spec.rules if secret is not None and key not in data[str(spec)]),
                stale=tuple(key for key, rule in spec.rules.items() if stale(spec, key, rule)),
                ours=is_ours(secret),
                provided=spec.provided,
                used_by=users.get(str(spec), ()),
                outdated=tuple(
                    key for key, rule in spec.rules.items() if is_ours(secret) and outdated(spec, key, rule)
                ),
            )
        )
    return tuple(states)


def known_of(spec: SecretSpec, live: Mapping[str, Any] | None) -> dict[Source, bytes]:
    """What is in a Secret, by place."""
    return {Source(spec.namespace, spec.name, key): value for key, value in content(live).items()}


def _complete(
    spec: SecretSpec, live: Mapping[str, Any] | None, known: dict[Source, bytes], cluster: Cluster
) -> None:
    """Make the Secret, or what is missing of it; adds what was made to `known`."""
    values = {}
    for key, rule in spec.derived_last():
        place = Source(spec.namespace, spec.name, key)
        if place not in known:
            known[place] = make(place, rule, known)
        else:
            known[place] = rule.renewed(known[place], *(known[source] for source in rule.sources))
        values[key] = known[place]
    if live is not None:
        encoded = {key: base64.b64encode(value).decode() for key, value in values.items()}
        cluster.replace({**live, "data": {**(live.get("data") or {}), **encoded}})
    elif not cluster.create_secret(spec.namespace, spec.name, values, labels=LABELS):
        raise LockedError(
            f"Secret {spec} was made by somebody else just now", hint="run the same command again"
        )


def make(place: Source, rule: Rule, known: Mapping[Source, bytes]) -> bytes:
    """A new value for the key; `known` has what it is derived from.

    Raises:
        ClusterError: it cannot be made of that.
    """
    try:
        return rule.make(*(known[source] for source in rule.sources))
    except ValueError as error:
        sources = " and ".join(map(str, rule.sources))
        raise ClusterError(f"Secret key {place} cannot be made of {sources}: {error}") from error


def create_namespaces(
    wanted: Iterable[str], namespaces: Mapping[str, Mapping[str, Any]], cluster: Cluster
) -> None:
    """Make those of the wanted namespaces that the cluster lacks, as `create_missing` does.

    Raises:
        ClusterError: no layer is going to own one of them; nothing has been made then.
    """
    absent = [name for name in sorted(wanted) if cluster.get("v1", "Namespace", name) is None]
    if unknown := [name for name in absent if name not in namespaces]:
        raise ClusterError(
            f"there is no namespace {', '.join(unknown)} for the platform's Secrets",
            hint="turn depin-foundation on, which makes it, or make it yourself",
        )
    for name in absent:
        # As Helm's own fields, or Helm could not change them later without a conflict.
        cluster.apply(namespaces[name], field_manager=releases.FIELD_MANAGER)
