"""No object needs the answer of an admission webhook that may not be there yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.charts.checks.model import Object, Phase, Platform, matches

#: In a plain release: the hook that ends only when the webhook configuration's service admits objects.
READY_AFTER = {"cert-manager-webhook": "cert-manager-startupapicheck"}


def unanswered(platform: Platform) -> list[str]:
    """Objects that a webhook with failurePolicy Fail sees although they do not come after it."""
    problems = set()
    for configuration, webhook, obj in _seen(platform):
        asks = f"{obj} passes {webhook['name']}"
        if obj.layer != configuration.layer:
            if not platform.comes_before(configuration.layer, obj.layer):
                problems.add(f"{asks} of layer {configuration.layer}, for which {obj.layer} does not wait")
        elif not _after_in_release(configuration, obj, platform):
            problems.add(f"{asks} of its own release {obj.layer}")
    return sorted(problems)


def edges(platform: Platform) -> set[tuple[str, str]]:
    """(the webhook's layer, the layer that has to come after it) for all objects that a webhook sees."""
    return {(configuration.layer, obj.layer) for configuration, _, obj in _seen(platform)}


def _seen(platform: Platform) -> Iterator[tuple[Object, Mapping[str, Any], Object]]:
    for configuration in platform.of_kind("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for webhook in configuration.data["webhooks"]:
            if webhook.get("failurePolicy", "Fail") == "Fail":
                for obj in platform.objects:
                    if sees(webhook, obj, platform):
                        yield configuration, webhook, obj


def sees(webhook: Mapping[str, Any], obj: Object, platform: Platform) -> bool:
    """Whether the API server asks `webhook` when `obj` is made."""
    if not any(_covers(rule, obj) for rule in webhook.get("rules") or []):
        return False
    labels = platform.namespace_labels(obj.namespace) if obj.namespace else {}
    if obj.namespace and not matches(webhook.get("namespaceSelector") or {}, labels):
        return False
    return matches(webhook.get("objectSelector") or {}, obj.labels)


def _covers(rule: Mapping[str, Any], obj: Object) -> bool:
    version = str(obj.data["apiVersion"]).rpartition("/")[2]
    resources = [resource.partition("/")[0] for resource in rule["resources"]]
    return (
        not {"CREATE", "*"}.isdisjoint(rule["operations"])
        and not {obj.group, "*"}.isdisjoint(rule["apiGroups"])
        and not {version, "*"}.isdisjoint(rule["apiVersions"])
        and not {_plural(obj.kind), "*"}.isdisjoint(resources)
    )


def _plural(kind: str) -> str:
    name = kind.lower()
    if name.endswith("s"):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def _after_in_release(configuration: Object, obj: Object, platform: Platform) -> bool:
    """Whether Helm makes `obj` before the configuration or after its webhook answers.

    A layer is not to rely on that order; in a plain release there is no other.
    """
    if len(platform.before) > 1:
        return False
    if obj.step[0] is Phase.MAIN:
        # Helm makes built-in kinds, then webhook configurations, then custom resources. When an upgrade
        # changes them, the webhook answers already.
        return "." not in obj.group or obj.group.endswith(".k8s.io")
    checks = [job for job in platform.of_kind("Job") if job.name == READY_AFTER.get(configuration.name)]
    return any(check.step < obj.step for check in checks)
