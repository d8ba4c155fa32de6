"""`helm install` of the chart with its own defaults."""

from __future__ import annotations

import pytest

from depin_helm.errors import HelmError
from tests.charts.checks.model import Phase, Platform
from tests.charts.rendering import PLAIN_NAMESPACE, Renderer


def test_it_renders_into_one_release_without_kibana(plain: Platform) -> None:
    components = {obj.component for obj in plain.objects}
    assert "kibana" not in components
    assert components >= {
        "cert-manager",
        "elasticsearch",
        "fluent-bit",
        "ingress-nginx",
        "kube-prometheus-stack",
    }
    assert not any(obj.name == "kibana" for obj in plain.of_kind("Ingress"))


def test_its_second_command_adds_kibana_and_its_route(plain_with_kibana: Platform) -> None:
    assert plain_with_kibana.by_id.keys() >= {
        ("Deployment", PLAIN_NAMESPACE, "kibana"),
        ("Ingress", PLAIN_NAMESPACE, "kibana"),
    }


def test_it_makes_the_secrets_that_depin_helm_would(plain: Platform, renderer: Renderer) -> None:
    rendered = {
        obj.name: frozenset(obj.data["stringData"])
        for obj in plain.of_kind("Secret")
        if obj.component == "depin-secrets"
    }
    listed = {name: keys for (_, name), keys in renderer.layered("prod").secrets.items()}
    # Kibana's chart makes its token itself there.
    assert rendered == {
        name: keys
        for name, keys in listed.items()
        if name not in ("kibana-es-token", "elasticsearch-service-tokens")
    }


def test_its_passwords_and_namespaces_outlive_it(plain: Platform) -> None:
    own = [obj for obj in plain.objects if obj.component in ("depin-secrets", "depin-foundation")]
    kept = [obj for obj in own if obj.kind in ("Secret", "Namespace")]
    assert {obj.kind for obj in kept} == {"Secret", "Namespace"}
    assert all(obj.annotations["helm.sh/resource-policy"] == "keep" for obj in kept)


@pytest.mark.usefixtures("real_charts")
def test_issuers_and_certificates_are_hooks_after_cert_managers_own_check(plain: Platform) -> None:
    check = plain.by_id["Job", "cert-manager", "cert-manager-startupapicheck"]
    custom = [obj for obj in plain.objects if obj.group == "cert-manager.io"]
    assert {obj.name for obj in custom} == {
        "depin-internal-ca",
        "depin-internal-ca-root",
        "alertmanager-tls",
        "grafana-tls",
        "prometheus-tls",
    }
    for obj in custom:
        assert obj.hooks == {"post-install", "post-upgrade"}, obj
        assert obj.step > check.step, obj


def test_its_namespaces_are_there_before_any_other_hook(plain: Platform) -> None:
    namespaces = list(plain.of_kind("Namespace"))
    assert {obj.name for obj in namespaces} == {"cert-manager", "ingress-nginx", "monitoring", "node-agents"}
    others = min(obj.step for obj in plain.objects if obj.kind != "Namespace")
    for obj in namespaces:
        assert obj.step < others
        assert obj.step[0] is Phase.BEFORE
        # Helm's default would delete the namespace of an earlier release and all in it.
        assert obj.annotations["helm.sh/hook-delete-policy"] == "hook-failed"


def test_another_namespace_than_its_own_is_refused(renderer: Renderer) -> None:
    with pytest.raises(HelmError, match="namespace logging, not default"):
        renderer.as_one("mutant", {}, PLAIN_NAMESPACE, namespace="default")
