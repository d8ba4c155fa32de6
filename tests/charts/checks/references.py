"""Everything that an object refers to by name exists, with the key that is asked for, when it is needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tests.charts.checks import cluster
from tests.charts.checks.model import Object, Phase, Platform
from tests.charts.checks.referring import Needed, Reference, references


@dataclass(frozen=True)
class Maker:
    """Who makes an object, when, and with which keys; None stands for any."""

    layer: str
    step: tuple[Phase, int]
    keys: frozenset[str] | None = None


#: Made before the first layer, or there from the start.
GIVEN = Maker("", (Phase.BEFORE, -(2**31)))


def dangling(platform: Platform) -> list[str]:
    """References to what nothing makes, or makes without the key, or makes too late."""
    made = makers(platform)
    problems = []
    for reference in references(platform):
        found = made.get((reference.kind, reference.namespace, reference.name), [])
        if problem := _problem(reference, found, platform):
            problems.append(f"{reference}, {problem}")
    return sorted(set(problems))


def _problem(reference: Reference, found: list[Maker], platform: Platform) -> str:
    if not found:
        return "which nothing makes"
    with_key = [
        maker for maker in found if not reference.key or maker.keys is None or reference.key in maker.keys
    ]
    if not with_key:
        keys = sorted({key for maker in found for key in maker.keys or ()})
        return f"which only has {', '.join(keys) or 'no keys'}"
    layer, needed = reference.reader.layer, reference.needed
    if needed is Needed.EVER:
        return ""
    earlier = [maker for maker in with_key if not maker.layer or platform.comes_before(maker.layer, layer)]
    if not earlier:
        return f"which layer {with_key[0].layer} makes, for which layer {layer} does not wait"
    if needed is Needed.START and all(
        maker.layer == layer and maker.step > reference.reader.step for maker in earlier
    ):
        return "which the same release makes only later"
    return ""


def makers(platform: Platform) -> Mapping[tuple[str, str, str], list[Maker]]:
    """Who makes what, by kind, namespace and name."""
    made: defaultdict[tuple[str, str, str], list[Maker]] = defaultdict(list)
    for obj in platform.objects:
        made[obj.id].append(Maker(obj.layer, obj.step, _keys(obj)))
        if obj.kind == "Certificate":
            keys = _certificate_keys(obj, platform)
            made["Secret", obj.namespace, obj.data["spec"]["secretName"]].append(
                Maker(obj.layer, obj.step, keys)
            )
    for entry in cluster.MADE:
        if by := platform.by_id.get(entry.by):
            made[entry.id].append(Maker(by.layer, by.step, entry.keys))
    for (namespace, name), keys in platform.secrets.items():
        made["Secret", namespace, name].append(replace(GIVEN, keys=keys))
    for given in _given(platform):
        made[given].append(GIVEN)
    if platform.upgraded:
        for found, earlier in makers(platform.upgraded).items():
            made[found] += [replace(GIVEN, keys=maker.keys) for maker in earlier]
    return made


def _given(platform: Platform) -> Iterator[tuple[str, str, str]]:
    """What is there before anything is installed."""
    for kind, names in (
        ("StorageClass", cluster.STORAGE_CLASSES),
        ("PriorityClass", cluster.PRIORITY_CLASSES),
        ("ClusterRole", cluster.CLUSTER_ROLES),
        ("Namespace", cluster.NAMESPACES.union(platform.namespaces.values())),  # `--create-namespace`
    ):
        yield from ((kind, "", name) for name in names)
    for namespace in {obj.namespace for obj in platform.objects}:
        yield from (("ServiceAccount", namespace, name) for name in cluster.SERVICE_ACCOUNTS)


def _keys(obj: Object) -> frozenset[str] | None:
    if obj.kind == "Service":
        ports = obj.data["spec"].get("ports") or []
        return frozenset(str(value) for port in ports for value in (port["port"], port.get("name")) if value)
    if obj.kind in ("Secret", "ConfigMap"):
        sections = ("data", "stringData", "binaryData")
        return frozenset(key for section in sections for key in obj.data.get(section) or {})
    return None


def _certificate_keys(certificate: Object, platform: Platform) -> frozenset[str]:
    """An ACME issuer hands out no authority, and so cert-manager writes no ca.crt."""
    issuer = certificate.data["spec"]["issuerRef"]
    found = [
        obj
        for obj in platform.of_kind(issuer.get("kind", "Issuer"))
        if obj.name == issuer["name"] and obj.namespace in ("", certificate.namespace)
    ]
    keys = frozenset({"tls.crt", "tls.key"})
    return keys if any("acme" in obj.data["spec"] for obj in found) else keys | {"ca.crt"}
