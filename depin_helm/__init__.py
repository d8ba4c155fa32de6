"""Run a Kubernetes platform for decentralised AI compute from one values file."""
