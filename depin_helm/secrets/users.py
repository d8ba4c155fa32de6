"""Who on a cluster uses a Secret, and who must be started again to get new values of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from depin_helm.secrets.specs import SecretSpec

if TYPE_CHECKING:
    from depin_helm.cluster import Cluster

#: API version and kind of what runs pods, and where their template is; and whether it runs them all the time.
_WORKLOADS: Mapping[tuple[str, str], tuple[tuple[str, ...], bool]] = {
    ("apps/v1", "Deployment"): (("spec", "template"), True),
    ("apps/v1", "StatefulSet"): (("spec", "template"), True),
    ("apps/v1", "DaemonSet"): (("spec", "template"), True),
    # The next one reads it anew.
    ("batch/v1", "Job"): (("spec", "template"), False),
    ("batch/v1", "CronJob"): (("spec", "jobTemplate", "spec", "template"), False),
}
_INGRESS = ("networking.k8s.io/v1", "Ingress")
#: prometheus-operator copies what these select into a configuration of its own, whenever it changes.
_OPERATED = (("monitoring.coreos.com/v1", "Prometheus"), ("monitoring.coreos.com/v1", "Alertmanager"))
#: Their parts of pods, which are found in the StatefulSet that the operator makes of them.
_OF_PODS = {"containers", "initContainers", "volumes", "configMap"}


@dataclass(frozen=True, order=True)
class User:
    """An object that refers to a Secret; `containers` are those of its pods that do.

    `restart` says that its pods must be started again. What gets a Secret as files may read them again by
    itself, which cannot be told from outside.
    """

    namespace: str
    kind: str
    name: str
    containers: tuple[str, ...] = ()
    restart: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def users(specs: Sequence[SecretSpec], cluster: Cluster) -> dict[str, tuple[User, ...]]:
    """By namespace/name, the objects that refer to these Secrets. None can from another namespace.

    Raises:
        ClusterError: the cluster cannot be asked.
    """
    kinds = [kind for kind in (*_WORKLOADS, _INGRESS, *_OPERATED) if cluster.knows(*kind)]
    places = [(kind, namespace) for namespace in {spec.namespace for spec in specs} for kind in kinds]
    lists = cluster.each(lambda place: cluster.list(*place[0], place[1]), places)
    found = defaultdict(set)
    for (kind, namespace), objects in zip(places, lists, strict=True):
        for obj in objects:
            for secret, user in _of(kind, obj):
                found[f"{namespace}/{secret}"].add(user)
    return {str(spec): tuple(sorted(found[str(spec)])) for spec in specs}


def _of(kind: tuple[str, str], obj: Mapping[str, Any]) -> Iterator[tuple[str, User]]:
    """Names of the Secrets that an object refers to, each with it as their user."""
    metadata = obj["metadata"]
    place = (metadata["namespace"], kind[1], metadata["name"])
    if kind in _WORKLOADS:
        path, always = _WORKLOADS[kind]
        for secret, containers in _of_pod(_at(obj, *path, "spec")).items():
            yield secret, User(*place, tuple(containers), restart=always)
    elif kind == _INGRESS:
        for secret in _of_ingress(obj):
            yield secret, User(*place)
    else:
        for secret in _selected(obj.get("spec")):
            yield secret, User(*place)


def _of_pod(spec: Mapping[str, Any]) -> dict[str, list[str]]:
    """By name of a Secret, the containers that get it."""
    volumes = {volume["name"]: set(_of_volume(volume)) for volume in spec.get("volumes") or ()}
    found: dict[str, list[str]] = {}
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        names = set(_of_variables(container))
        for mount in container.get("volumeMounts") or ():
            names |= volumes.get(mount["name"], set())
        for name in names:
            found.setdefault(name, []).append(container["name"])
    return found


def _of_volume(volume: Mapping[str, Any]) -> Iterator[str]:
    if secret := volume.get("secret"):
        yield secret.get("secretName", "")
    for source in _at(volume, "projected").get("sources") or ():
        if secret := source.get("secret"):
            yield secret.get("name", "")


def _of_variables(container: Mapping[str, Any]) -> Iterator[str]:
    for variable in container.get("env") or ():
        yield _at(variable, "valueFrom", "secretKeyRef").get("name", "")
    for source in container.get("envFrom") or ():
        yield _at(source, "secretRef").get("name", "")


def _of_ingress(obj: Mapping[str, Any]) -> Iterator[str]:
    """Of ingress-nginx, which sees by itself when they change; by default it takes none from elsewhere."""
    for entry in _at(obj, "spec").get("tls") or ():
        yield entry.get("secretName", "")
    annotations = obj["metadata"].get("annotations") or {}
    for name in ("auth-secret", "auth-tls-secret", "proxy-ssl-secret"):
        namespace, _, secret = annotations.get(f"nginx.ingress.kubernetes.io/{name}", "").rpartition("/")
        if namespace in ("", obj["metadata"]["namespace"]):
            yield secret


def _selected(node: Any) -> Iterator[str]:
    """Names in all selectors of a Secret's key."""
    if isinstance(node, Mapping):
        if {"name", "key"} <= node.keys() <= {"name", "key", "optional"}:
            yield node["name"]
        else:
            yield from _selected_in(node[key] for key in node if key not in _OF_PODS)
    elif isinstance(node, list):
        yield from _selected_in(node)


def _selected_in(nodes: Iterable[Any]) -> Iterator[str]:
    for node in nodes:
        yield from _selected(node)


def _at(node: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The mapping at a path; empty where there is none."""
    for key in path:
        node = node.get(key) or {}
    return node
