"""Every certificate is renewed in time, and none outlives the authority that signs it."""

from __future__ import annotations

import pytest

from tests.charts.checks.certificates import late
from tests.charts.checks.model import Platform
from tests.charts.mutants import Change, broken
from tests.charts.rendering import Renderer
from tests.charts.test_routes import WILDCARD


def test_every_certificate_is_renewed_long_before_its_end(platform: Platform) -> None:
    assert list(platform.of_kind("Certificate"))
    assert late(platform) == []


def test_a_wildcard_is_renewed_long_before_its_end(renderer: Renderer) -> None:
    assert late(renderer.one_layer("routes", WILDCARD, "depin-routes")) == []


@pytest.mark.usefixtures("real_charts")
def test_webhooks_take_their_certificates_from_cert_manager_without_hook_jobs(layered: Platform) -> None:
    made = {(each.namespace, each.name) for each in layered.of_kind("Certificate")}
    assert {
        ("ingress-nginx", "ingress-nginx-admission"),
        ("monitoring", "kube-prometheus-stack-admission"),
    } <= made
    for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for each in layered.of_kind(kind):
            if each.name != "cert-manager-webhook":  # which makes its own
                assert tuple(each.annotations["cert-manager.io/inject-ca-from"].split("/")) in made
    # It looks whether cert-manager's own webhook answers.
    hooks = [each.name for each in layered.of_kind("Job") if "helm.sh/hook" in each.annotations]
    assert hooks == ["cert-manager-startupapicheck"]


def in_spec(**fields: object) -> Change:
    return lambda data: data["spec"].update(fields)


MUTANTS: dict[str, tuple[str, Change, list[str]]] = {
    "a day before": (
        "grafana-tls",
        in_spec(renewBefore="24h"),
        ["Certificate monitoring/grafana-tls is renewed 1 days before its end"],
    ),
    "a short life": (
        "ingress-nginx-admission",
        in_spec(duration="72h"),
        ["Certificate ingress-nginx/ingress-nginx-admission is renewed 1 days before its end"],
    ),
    "a small part of its life": (
        "kube-prometheus-stack-admission",
        in_spec(renewBeforePercentage=5),
        ["Certificate monitoring/kube-prometheus-stack-admission is renewed 18.25 days before its end"],
    ),
    "longer than its life": (
        "kibana-tls",
        in_spec(renewBefore="2160h"),
        ["Certificate logging/kibana-tls is renewed without end"],
    ),
    "longer than the authority's rest": (
        "elasticsearch-master-certs",
        in_spec(duration="87600h"),
        [
            "Certificate logging/elasticsearch-master-certs may outlive "
            "Certificate cert-manager/depin-internal-ca, which signs it"
        ],
    ),
    "an authority's rest that is shorter": (
        "ingress-nginx-root-cert",
        in_spec(renewBefore="720h"),
        [
            "Certificate ingress-nginx/ingress-nginx-admission may outlive "
            "Certificate ingress-nginx/ingress-nginx-root-cert, which signs it"
        ],
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_certificate_that_ends_too_early_is_found(prod: Platform, mutant: str) -> None:
    name, change, problems = MUTANTS[mutant]
    assert late(broken(prod, "Certificate", name, change)) == problems
