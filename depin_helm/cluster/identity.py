"""Whose cluster it is, and whether it is the environment's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from depin_helm.errors import ClusterError

#: Label of a sandbox's kube-system namespace; its value is the sandbox's name.
SANDBOX_LABEL = "depin.ai/sandbox"


@dataclass(frozen=True)
class Identity:
    """A cluster: `id` is the uid of its kube-system namespace, `sandbox` the sandbox's name if it is one."""

    context: str
    server: str
    id: str
    sandbox: str | None = None


class Expected(Protocol):
    """The cluster that an environment names under `depinHelm.cluster`; None where it does not care."""

    @property
    def context(self) -> str | None:
        """Name of the kubeconfig's context."""
        ...

    @property
    def id(self) -> str | None:
        """Uid of the kube-system namespace."""
        ...

    @property
    def sandbox(self) -> bool:
        """Whether it must be a sandbox."""
        ...


def match(expected: Expected, identity: Identity) -> None:
    """See that `identity` is the environment's cluster.

    Raises:
        ClusterError: it is not, and nothing may be touched.
    """
    here = f"{identity.server} (context {identity.context or 'in-cluster'}, id {identity.id})"
    if expected.sandbox and identity.sandbox is None:
        raise ClusterError(
            f"refused: this environment is for a sandbox, and {here} is none",
            hint="`depin-helm sandbox up` starts one, `depin-helm sandbox env` selects it",
        )
    if expected.id is not None and expected.id != identity.id:
        raise ClusterError(
            f"refused: this environment belongs to the cluster with id {expected.id}, not to {here}",
            hint="choose its cluster with --context or --kubeconfig, or correct depinHelm.cluster.id",
        )
    if expected.context is not None and expected.context != identity.context:
        raise ClusterError(
            f"refused: this environment belongs to context {expected.context!r}, not to {here}",
            hint=f"pass --context {expected.context}, or correct depinHelm.cluster.context",
        )
