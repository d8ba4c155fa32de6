"""What an upgrade would change: `changes` compares and hides secrets, `preview` asks the cluster."""

from depin_helm.diff.changes import Action, Change, FieldChange
from depin_helm.diff.preview import CRDS, diff

__all__ = ["CRDS", "Action", "Change", "FieldChange", "diff"]
