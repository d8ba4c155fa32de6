"""Which kinds the API server knows, and under which paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from depin_helm.errors import ClusterError

#: Aggregated discovery: everything in two requests. v2 since Kubernetes 1.30, v2beta1 since 1.27.
ACCEPT = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    for version in ("v2", "v2beta1")
)


@dataclass(frozen=True)
class Resource:
    """A kind of object; `api_version` as in its manifests."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """The path of one object, or of all of a namespace or of the cluster."""
        parts = ["/apis" if "/" in self.api_version else "/api", self.api_version]
        parts += ["namespaces", namespace] if self.namespaced and namespace else []
        parts += [self.plural] + ([name] if name else [])
        return "/".join(parts)


@dataclass(frozen=True)
class Discovery:
    """All kinds; `api_versions` is what Helm has in `.Capabilities.APIVersions`."""

    resources: Mapping[tuple[str, str], Resource]
    api_versions: tuple[str, ...]


def read(answers: Iterable[Mapping[str, Any]]) -> Discovery:
    """Put together what `/api` and `/apis` answered.

    Raises:
        ClusterError: the server is too old for aggregated discovery.
    """
    resources: dict[tuple[str, str], Resource] = {}
    names: set[str] = set()
    for answer in answers:
        if answer.get("kind") != "APIGroupDiscoveryList":
            raise ClusterError("the API server is too old", hint="Kubernetes 1.27 or newer is needed")
        for group in answer["items"]:
            prefix = group.get("metadata", {}).get("name", "")
            for version in group["versions"]:
                api_version = f"{prefix}/{version['version']}" if prefix else version["version"]
                names.add(api_version)
                for entry in version.get("resources", ()):
                    kind = entry["responseKind"]["kind"]
                    names.add(f"{api_version}/{kind}")
                    resources[api_version, kind] = Resource(
                        api_version=api_version,
                        kind=kind,
                        plural=entry["resource"],
                        namespaced=entry["scope"] == "Namespaced",
                        verbs=frozenset(entry["verbs"]),
                    )
    return Discovery(resources, tuple(sorted(names)))
