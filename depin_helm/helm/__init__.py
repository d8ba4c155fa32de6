"""Helm, run as a program: the only package that knows its flags, its messages and its release records.

`binary` finds it, `runner` runs it and reaches it with signals, `client` gives its verbs typed arguments
and results, `failures` turns what it says into our errors, `records` reads and mends the Secrets it keeps
releases in. `listing` alone imports pyhelm3, and only once a verb needs it: rendering does without that.
"""

from depin_helm.helm.binary import Binary, find_helm
from depin_helm.helm.client import Helm, Release, Revision
from depin_helm.helm.failures import ReleaseNotFoundError, WebhookError
from depin_helm.helm.records import Record
from depin_helm.helm.runner import Completed, Runner, SubprocessRunner

__all__ = [
    "Binary",
    "Completed",
    "Helm",
    "Record",
    "Release",
    "ReleaseNotFoundError",
    "Revision",
    "Runner",
    "SubprocessRunner",
    "WebhookError",
    "find_helm",
]
