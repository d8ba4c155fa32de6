"""New values for a Secret that is there, and for all that is derived from it."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from depin_helm.errors import ClusterError, LockedError, UsageError
from depin_helm.secrets import generators, state
from depin_helm.secrets.specs import SecretSpec, Source
from depin_helm.secrets.users import User

if TYPE_CHECKING:
    from depin_helm.cluster import Cluster


@dataclass(frozen=True)
class Rotation:
    """What gets a new value: by Secret the keys, what others are derived from first. Never a value."""

    keys: tuple[tuple[SecretSpec, tuple[str, ...]], ...]

    @property
    def kept(self) -> Mapping[str, str]:
        """The keys that keep theirs, and why."""
        return self.keys[0][0].renewal.keep


@dataclass(frozen=True)
class Step:
    """What somebody has to do after a rotation; `command` is for a shell."""

    why: str
    command: str


def plan(specs: Sequence[SecretSpec], spec: SecretSpec, cluster: Cluster) -> Rotation:
    """What new values for `spec` change, of all Secrets that there are.

    Raises:
        UsageError: there are to be none, or the Secret is not there.
        ClusterError: somebody else made the Secret, or one that is derived from it.
    """
    return _plan(specs, spec, state.read(specs, cluster))


def rotate(specs: Sequence[SecretSpec], spec: SecretSpec, cluster: Cluster) -> Rotation:
    """Put new values into the Secret and into what is derived from it; the caller holds the cluster's lock.

    Raises:
        UsageError, ClusterError: as in `plan`; nothing is changed then.
        LockedError: somebody has changed a Secret in between.
    """
    live = state.read(specs, cluster)
    rotation = _plan(specs, spec, live)
    known: dict[Source, bytes] = {}
    for each in specs:
        known |= state.known_of(each, live[str(each)])
    for each, keys in rotation.keys:
        secret = live[str(each)] or {}
        data = dict(secret.get("data") or {})
        for key in keys:
            place, rule = Source(each.namespace, each.name, key), each.rules[key]
            value = state.make(place, rule, known)
            if rule.sources:  # an operator may have added users of their own
                value = functools.reduce(generators.with_line, value.splitlines(), known.get(place, b""))
            known[place] = value
            data[key] = base64.b64encode(known[place]).decode()
        try:
            cluster.replace({**secret, "data": data})
        except LockedError as error:
            error.hint = "somebody else is at work on it; run the same command again"
            raise
    return rotation


def steps(
    rotation: Rotation, users: Mapping[str, Sequence[User]], kubectl: Sequence[str]
) -> tuple[Step, ...]:
    """What has to be done, in this order, until the new values are in use everywhere.

    Whoever checks a password comes before whoever sends it: `kubectl` is that command with its options.
    """
    import shlex

    done: set[User] = set()
    found = []

    def add(why: str, namespace: str, *command: str) -> None:
        found.append(Step(why, shlex.join((*kubectl, "-n", namespace, *command))))

    for spec, _ in reversed(rotation.keys):
        for user in users[str(spec)]:
            target = f"{user.kind.lower()}/{user.name}"
            if user.restart and user not in done:
                add(f"it reads {spec} when it starts", user.namespace, "rollout", "restart", target)
                add("wait for it", user.namespace, "rollout", "status", target)
                done.add(user)
            after = spec.renewal.after
            if after and after.container in user.containers:
                shell = ("exec", target, "-c", after.container, "--", "sh", "-c", after.command)
                add(after.why, user.namespace, *shell)
    return tuple(found)


def _plan(
    specs: Sequence[SecretSpec], spec: SecretSpec, live: Mapping[str, Mapping[str, Any] | None]
) -> Rotation:
    if spec.renewal.refuse:
        raise UsageError(f"{spec} cannot be rotated from here", hint=spec.renewal.refuse)
    fresh = [key for key, rule in spec.rules.items() if rule.random and key not in spec.renewal.keep]
    if not fresh:
        sources = ", ".join(sorted(spec.sources)) or "nothing"
        raise UsageError(
            f"{spec} has no random values of its own, it is made of {sources}", hint="rotate that instead"
        )
    if live[str(spec)] is None:
        raise UsageError(f"there is no {spec} on the cluster", hint="--create makes what is missing")
    changed = {Source(spec.namespace, spec.name, key) for key in fresh}
    found = []
    for each in specs:  # in the order in which they are derived
        keys = []
        for key, rule in each.derived_last():
            place = Source(each.namespace, each.name, key)
            if place in changed or not changed.isdisjoint(rule.sources):
                changed.add(place)
                keys.append(key)
        if keys and live[str(each)] is not None:  # what is not there is made of the new values later
            found.append((each, tuple(keys)))
    if foreign := [str(each) for each, _ in found if not state.is_ours(live[str(each)])]:
        raise ClusterError(
            f"depin-helm did not make {', '.join(foreign)}, and changes nothing in it",
            hint="put new values where that Secret comes from, then start again what reads it",
        )
    return Rotation(tuple(found))
