"""The Secrets that the platform refers to by name: lists, checks, and makes those that are missing.

Existing keys are never overwritten, and no value leaves here other than to the cluster. `generators` makes
values, `specs` reads which Secrets there are, `state` compares them with the cluster and completes them.
"""

from depin_helm.secrets.specs import SecretSpec, load, needed
from depin_helm.secrets.state import LABELS, SecretState, check, create_missing

__all__ = ["LABELS", "SecretSpec", "SecretState", "check", "create_missing", "load", "needed"]
