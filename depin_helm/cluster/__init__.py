"""The Kubernetes cluster: its API server over HTTP, with plain JSON objects in and out.

`client` has the Cluster that everyone uses. Below it: `kubeconfig` chooses the context, `connection` makes
requests, `discovery` knows the kinds, `objects` reads and writes them, `identity` tells whose cluster it is,
`crds` brings CRDs up to date, `workloads` and `causes` say what is ready and why the rest is not, and `lock`
keeps two of us apart. Only the first two know lightkube.
"""

from depin_helm.cluster.client import Cluster
from depin_helm.cluster.connection import ApiError
from depin_helm.cluster.crds import CrdState
from depin_helm.cluster.identity import Identity, match
from depin_helm.cluster.lock import Lock

__all__ = ["ApiError", "Cluster", "CrdState", "Identity", "Lock", "match"]
