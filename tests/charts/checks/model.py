"""What one way of installing an environment puts into a cluster."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from depin_helm.plan import Plan

#: Kinds that live in no namespace.
CLUSTER_SCOPED = frozenset(
    {
        "ClusterIssuer",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "PriorityClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)


class Phase(IntEnum):
    """When Helm creates an object of a release."""

    BEFORE = 0  # pre-install and pre-upgrade hooks
    MAIN = 1
    AFTER = 2  # post-install and post-upgrade hooks
    LATER = 3  # hooks of an uninstall or a test


PHASES = {
    "pre-install": Phase.BEFORE,
    "pre-upgrade": Phase.BEFORE,
    "post-install": Phase.AFTER,
    "post-upgrade": Phase.AFTER,
}


@dataclass(frozen=True)
class Object:
    """A rendered object: the layer that makes it, the component that it comes from (empty: the umbrella
    itself), and its namespace (empty: cluster-scoped).
    """

    layer: str
    component: str
    namespace: str
    data: Mapping[str, Any] = field(repr=False)

    @property
    def kind(self) -> str:
        return str(self.data["kind"])

    @property
    def name(self) -> str:
        return str(self.data["metadata"]["name"])

    @property
    def id(self) -> tuple[str, str, str]:
        return self.kind, self.namespace, self.name

    @property
    def group(self) -> str:
        return str(self.data["apiVersion"]).rpartition("/")[0]

    @property
    def labels(self) -> Mapping[str, str]:
        return self.data["metadata"].get("labels") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        return self.data["metadata"].get("annotations") or {}

    @property
    def hooks(self) -> frozenset[str]:
        """The Helm events that it is a hook of."""
        return frozenset(filter(None, re.split(r"[,\s]+", self.annotations.get("helm.sh/hook", ""))))

    @property
    def step(self) -> tuple[Phase, int]:
        """When its release creates it for the first time; smaller is earlier."""
        if not self.hooks:
            return Phase.MAIN, 0
        first = min(PHASES.get(hook, Phase.LATER) for hook in self.hooks)
        return first, int(self.annotations.get("helm.sh/hook-weight", "0"))

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, eq=False)
class Platform:
    """All objects of one way to install.

    before: for each layer, the layers that are complete when it starts; a plain release is one layer
    values: what Helm rendered with, coalesced with the umbrella's own
    secrets: keys of the Secrets that `depin-helm secrets` makes ahead of all layers, by (namespace, name)
    namespaces: the namespace of each layer's release
    real: whether the upstream charts are the real ones
    upgraded: what is installed already
    """

    name: str
    objects: tuple[Object, ...]
    before: Mapping[str, frozenset[str]]
    values: Mapping[str, Any]
    secrets: Mapping[tuple[str, str], frozenset[str]]
    namespaces: Mapping[str, str]
    real: bool
    upgraded: Platform | None = None

    def __str__(self) -> str:
        return self.name

    @functools.cached_property
    def by_id(self) -> Mapping[tuple[str, str, str], Object]:
        return {obj.id: obj for obj in self.objects}

    def of_kind(self, *kinds: str) -> Iterator[Object]:
        return (obj for obj in self.objects if obj.kind in kinds)

    def namespace_labels(self, namespace: str) -> Mapping[str, str]:
        """Labels of a namespace: the rendered ones, and the one that the API server adds."""
        rendered = self.by_id.get(("Namespace", "", namespace))
        return {"kubernetes.io/metadata.name": namespace, **(rendered.labels if rendered else {})}

    def comes_before(self, maker: str, reader: str) -> bool:
        """Whether the layer `maker` is complete when `reader` starts, or is the same."""
        return maker == reader or maker in self.before[reader]


def closure(plan: Plan) -> dict[str, frozenset[str]]:
    """For each layer all that it waits for, directly or not."""
    before: dict[str, frozenset[str]] = {}
    for layer in plan.layers:  # in topological order
        before[layer.name] = frozenset(layer.after).union(*(before[name] for name in layer.after))
    return before


def place(
    documents: Iterable[Mapping[str, Any] | None], layer: str, component: str, namespace: str
) -> Iterator[Object]:
    """The objects in `documents`, each in its namespace or, by default, in the release's."""
    for data in documents:
        if data:
            own = "" if data["kind"] in CLUSTER_SCOPED else data["metadata"].get("namespace") or namespace
            yield Object(layer, component, own, data)


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector selects these labels; none at all selects nothing, an empty one everything."""
    if selector is None:
        return False
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for rule in selector.get("matchExpressions") or []:
        value, values = labels.get(rule["key"]), rule.get("values") or []
        fits = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }
        if not fits[rule["operator"]]:
            return False
    return True


def strings(node: Any) -> Iterator[str]:
    """Every text in `node`, at any depth; keys are none."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
