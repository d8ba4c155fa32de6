"""Writes docs/network.md: who may talk to whom, from the matrix that the NetworkPolicies are made from.

Run by `make docs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from depin_helm import yamlio

ROOT = Path(__file__).parent.parent
FOUNDATION = ROOT / "charts/depin-platform/charts/depin-foundation"

_HEAD = """\
# Who may talk to whom

<!-- Written by `make docs` from charts/depin-platform/charts/depin-foundation/flows.yaml. -->

The platform's namespaces ({namespaces})
are closed in both directions. Open is what stands here, at both ends, and nothing else. The policies belong
to the layer `foundation`: they are there before the first pod.

- Policies work where the cluster's network enforces them (Calico, Cilium, …). Elsewhere they do nothing.
- They add up: a NetworkPolicy of your own beside them opens more, such as Prometheus' way to a remote write,
  or an application's to Elasticsearch. `depin-foundation.networkPolicies.enabled: false` takes all away.
- What a component needs that is off is there too, and harmless: it selects pods that do not exist.
- Pods on their node's own network (node-exporter) are out of any policy's reach, and known by its address.
- A kubelet always reaches its own pods (probes): networks see to that themselves.

## Addresses

What is no pod is known by addresses, given under `depin-foundation.networkPolicies`. By default these are all
that there are. As long as `apiServer` is not narrowed, whatever talks to the API server reaches its ports
anywhere.

- A network decides what address a policy sees. Behind a load balancer with `externalTrafficPolicy: Cluster` a
  client has a node's address; an API server that calls webhooks through a tunnel, that of the tunnel's end.
- Some networks never take a pod or a node for an address. On Cilium, set `policyCIDRMatchMode: [nodes]`; and
  where the API server's tunnel ends in a pod, open the webhooks to it with a policy of your own.

| peer | values | default |
|---|---|---|
"""


def main() -> None:
    """Write the file again."""
    (ROOT / "docs/network.md").write_text(generate(), encoding="utf-8")


def generate() -> str:
    """The text of docs/network.md."""
    matrix = yamlio.load((FOUNDATION / "flows.yaml").read_bytes())
    umbrella = yamlio.load((ROOT / "charts/depin-platform/values.yaml").read_bytes())
    values = umbrella["depin-foundation"]["networkPolicies"]
    peers = matrix["peers"]
    spaces = ", ".join(f"`{space}`" for space in (*matrix["namespaces"], matrix["withoutPods"]))
    lines = [_HEAD.format(namespaces=spaces).rstrip("\n")]
    for peer in peers.values():
        if key := peer.get("ranges"):
            ranges = ", ".join(f"`{each}`" for each in values[key]["ranges"]) or "none"
            lines.append(f"| {peer['title']} | `{key}.ranges` | {ranges} |")
    lines += ["", "## Flows", "", "| from | to | ports | why |", "|---|---|---|---|"]
    for flow in matrix["flows"]:
        sides = [", ".join(peers[name]["title"] for name in flow[side]) for side in ("from", "to")]
        lines.append(f"| {sides[0]} | {sides[1]} | {_ports(flow, peers, values)} | {flow['why']} |")
    lines += [
        "",
        "## Pods",
        "",
        "How policies know them. In a plain release the ones marked with `*` are in its namespace.",
        "",
    ]
    lines += ["| peer | namespace | labels |", "|---|---|---|"]
    for peer in peers.values():
        if "pods" in peer:
            mark = " `*`" if peer.get("followsRelease") else ""
            labels = " ".join(f"`{key}={value}`" for key, value in peer["pods"].items())
            lines.append(f"| {peer['title']} | {', '.join(peer['namespaces'])}{mark} | {labels} |")
    return "\n".join(lines) + "\n"


def _ports(flow: Mapping[str, Any], peers: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    if ports := flow.get("ports"):
        return ", ".join(str(port) for port in ports)
    key = peers[flow["to"][0]].get("ranges")
    if key is None:
        return "any"
    return f"{', '.join(str(port) for port in values[key]['ports'])} (`{key}.ports`)"


if __name__ == "__main__":
    main()
