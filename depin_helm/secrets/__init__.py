"""The Secrets that the platform refers to by name: lists, checks, makes those that are missing, renews them.

Existing keys are never overwritten but by a rotation that somebody asked for, and no value leaves here but
to the cluster, or to somebody who asked to see it. `generators` makes values, `specs` reads which Secrets
there are, `provided` finds those that somebody else has to make, `users` finds who refers to them, `state`
compares them with the cluster and completes them, `rotation` gives them new values.
"""

from depin_helm.secrets.provided import provided
from depin_helm.secrets.rotation import Rotation, Step, plan, rotate, steps
from depin_helm.secrets.specs import SecretSpec, find, load, needed
from depin_helm.secrets.state import (
    LABELS,
    SecretState,
    check,
    content,
    create_missing,
    create_namespaces,
    read,
)
from depin_helm.secrets.users import User, users

__all__ = [
    "LABELS",
    "Rotation",
    "SecretSpec",
    "SecretState",
    "Step",
    "User",
    "check",
    "content",
    "create_missing",
    "create_namespaces",
    "find",
    "load",
    "needed",
    "plan",
    "provided",
    "read",
    "rotate",
    "steps",
    "users",
]
