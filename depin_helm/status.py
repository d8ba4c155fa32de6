"""What is installed: each layer's release and its pods, beside what the plan wants."""

from __future__ import annotations

from dataclasses import dataclass

from depin_helm.assemble import DIGEST_ANNOTATION
from depin_helm.cluster import Cluster, Identity
from depin_helm.plan import Plan
from depin_helm.releases import newest


@dataclass(frozen=True)
class LayerStatus:
    """One layer: `state` is Helm's word for its newest revision, or "not installed" or "disabled".

    `digest` names the assembly that the release was made from, `pods` counts (ready, wanted), and `causes`
    say why the rest is not ready.
    """

    layer: str
    namespace: str
    state: str
    revision: int = 0
    chart: str = ""
    digest: str = ""
    updated: str = ""
    pods: tuple[int, int] = (0, 0)
    note: str = ""
    causes: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether the layer is as the plan wants it."""
        if self.state == "disabled":
            return True
        return self.state == "deployed" and self.pods[0] == self.pods[1]


@dataclass(frozen=True)
class PlatformStatus:
    """All layers of an environment on a cluster; `digest` is what an upgrade would install now."""

    environment: str
    cluster: Identity
    digest: str
    layers: tuple[LayerStatus, ...]

    @property
    def healthy(self) -> bool:
        """Whether every layer is as the plan wants it."""
        return all(layer.healthy for layer in self.layers)


def read(environment: str, plan: Plan, enabled: Plan, digest: str, cluster: Cluster) -> PlatformStatus:
    """Ask the cluster; `enabled` is the part of the `plan` that the environment turns on.

    Raises:
        ClusterError: the cluster cannot be asked.
    """
    releases = newest(cluster)
    pods = cluster.release_pods()
    wanted = {layer.name for layer in enabled.layers}
    layers = []
    for layer in plan.layers:
        release = releases.get((layer.namespace, layer.release))
        if release is None:
            state = "not installed" if layer.name in wanted else "disabled"
            layers.append(LayerStatus(layer.name, layer.namespace, state))
            continue
        installed = release.annotations.get(DIGEST_ANNOTATION, "")
        notes = []
        if layer.name not in wanted:
            notes.append("turned off in the environment, and still installed")
        elif installed != digest:
            notes.append("an upgrade would install other charts")
        counts = pods.get(layer.release, (0, 0))
        if layer.release in pods and not counts[1]:
            notes.append("its workloads want no pods: no node is selected, or there are 0 replicas")
        missing = counts[0] < counts[1]
        objects = cluster.release_objects(layer.release, layer.namespace) if missing else ()
        layers.append(
            LayerStatus(
                layer=layer.name,
                namespace=layer.namespace,
                state=release.status,
                revision=release.revision,
                chart=f"{release.chart} {release.version}",
                digest=installed,
                updated=release.updated,
                pods=counts,
                note="; ".join(notes),
                causes=cluster.why_not_ready(objects),
            )
        )
    return PlatformStatus(environment, cluster.identity(), digest, tuple(layers))
