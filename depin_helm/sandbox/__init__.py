"""A throwaway Kubernetes control plane on this machine, real except for nodes, pods and cert-manager."""

from depin_helm.sandbox.controlplane import (
    SIMULATED,
    Sandbox,
    Status,
    down,
    environment,
    sandboxes,
    status,
    up,
)

__all__ = ["SIMULATED", "Sandbox", "Status", "down", "environment", "sandboxes", "status", "up"]
