"""No dangling reference: to Secrets and ConfigMaps with their keys, accounts, roles, claims, classes, …"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.charts.checks.model import Platform
from tests.charts.checks.references import dangling
from tests.charts.mutants import Change, broken, container, mount, pod, variable, volume, without

PROMETHEUS = "kube-prometheus-stack-prometheus"
ELASTICSEARCH = "StatefulSet logging/elasticsearch-master"


def test_everything_that_is_referred_to_exists_in_time(platform: Platform) -> None:
    assert dangling(platform) == []


NOBODY = "which nothing makes"

MUTANTS: dict[str, tuple[str, str, Change, str]] = {
    "a key that the Secret lacks": (
        "StatefulSet",
        "elasticsearch-master",
        lambda data: variable(data, "ELASTIC_PASSWORD")["valueFrom"]["secretKeyRef"].update(key="passwort"),
        f"{ELASTICSEARCH}: variable ELASTIC_PASSWORD of elasticsearch refers to Secret "
        "logging/elasticsearch-master-credentials key passwort, which only has password, username",
    ),
    "a Secret that nobody makes": (
        "DaemonSet",
        "fluent-bit",
        lambda data: volume(data, "elasticsearch-ca")["secret"].update(
            secretName="elasticsearch-master-certs"
        ),
        "DaemonSet node-agents/fluent-bit: volume elasticsearch-ca refers to Secret "
        "node-agents/elasticsearch-master-certs key ca.crt, which nothing makes",
    ),
    "an item of a volume": (
        "Deployment",
        "ingress-nginx-controller",
        lambda data: volume(data, "webhook-cert")["secret"]["items"][0].update(key="cert"),
        "Deployment ingress-nginx/ingress-nginx-controller: volume webhook-cert refers to Secret "
        "ingress-nginx/ingress-nginx-admission key cert, which only has ca.crt, tls.crt, tls.key",
    ),
    "a file that an argument names": (
        "Deployment",
        "kube-prometheus-stack-operator",
        lambda data: container(data)["args"].append("--web.client-ca-file=/cert/clients.crt"),
        "Deployment monitoring/kube-prometheus-stack-operator: volume tls-secret refers to Secret "
        "monitoring/kube-prometheus-stack-admission key clients.crt, which only has ca.crt, tls.crt, tls.key",
    ),
    "a subPath": (
        "StatefulSet",
        "elasticsearch-master",
        lambda data: mount(data, "service-tokens").update(subPath="tokens"),
        f"{ELASTICSEARCH}: volume service-tokens refers to Secret logging/elasticsearch-service-tokens key "
        "tokens, which only has service_tokens",
    ),
    "a ConfigMap": (
        "DaemonSet",
        "fluent-bit",
        lambda data: volume(data, "config")["configMap"].update(name="fluentbit"),
        "DaemonSet node-agents/fluent-bit: volume config refers to ConfigMap node-agents/fluentbit "
        "key fluent-bit.yaml, which nothing makes",
    ),
    "an envFrom": (
        "Deployment",
        "kibana",
        lambda data: container(data).update(envFrom=[{"secretRef": {"name": "extra"}}]),
        "Deployment logging/kibana: envFrom of kibana refers to Secret logging/extra, which nothing makes",
    ),
    "a pull secret": (
        "Deployment",
        "grafana",
        lambda data: pod(data).update(imagePullSecrets=[{"name": "grafana-admin"}]),
        "Deployment monitoring/grafana: imagePullSecrets refers to Secret monitoring/grafana-admin "
        "key .dockerconfigjson, which only has admin-password, admin-user",
    ),
    "a service account": (
        "Prometheus",
        PROMETHEUS,
        lambda data: data["spec"].update(serviceAccountName="prometheus"),
        f"Prometheus monitoring/{PROMETHEUS}: serviceAccountName refers to ServiceAccount "
        "monitoring/prometheus, which nothing makes",
    ),
    "a claim": (
        "Deployment",
        "grafana",
        lambda data: volume(data, "storage")["persistentVolumeClaim"].update(claimName="grafana-data"),
        "Deployment monitoring/grafana: volume storage refers to PersistentVolumeClaim "
        "monitoring/grafana-data, which nothing makes",
    ),
    "a storage class": (
        "PersistentVolumeClaim",
        "grafana",
        lambda data: data["spec"].update(storageClassName="standard"),
        "PersistentVolumeClaim monitoring/grafana: storageClassName refers to StorageClass standard, "
        "which nothing makes",
    ),
    "the cluster's default storage class": (
        "StatefulSet",
        "elasticsearch-master",
        lambda data: data["spec"]["volumeClaimTemplates"][0]["spec"].pop("storageClassName"),
        f"{ELASTICSEARCH}: storageClassName refers to StorageClass (the cluster's default), {NOBODY}",
    ),
    "a priority class": (
        "DaemonSet",
        "fluent-bit",
        lambda data: pod(data).update(priorityClassName="high"),
        f"DaemonSet node-agents/fluent-bit: priorityClassName refers to PriorityClass high, {NOBODY}",
    ),
    "a role": (
        "RoleBinding",
        "ingress-nginx",
        lambda data: data["roleRef"].update(name="nginx"),
        "RoleBinding ingress-nginx/ingress-nginx: roleRef refers to Role ingress-nginx/nginx, "
        "which nothing makes",
    ),
    "a binding's subject": (
        "ClusterRoleBinding",
        "depin-fluent-bit",
        lambda data: data["subjects"][0].update(namespace="logging"),
        "ClusterRoleBinding depin-fluent-bit: subjects refers to ServiceAccount logging/fluent-bit, "
        f"{NOBODY}",
    ),
    "an ingress class": (
        "Ingress",
        "grafana",
        lambda data: data["spec"].update(ingressClassName="traefik"),
        "Ingress monitoring/grafana: ingressClassName refers to IngressClass traefik, which nothing makes",
    ),
    "a backend's port": (
        "Ingress",
        "grafana",
        lambda data: data["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"].update(
            number=81
        ),
        "Ingress monitoring/grafana: backend refers to Service monitoring/grafana key 81, "
        "which only has 80, http-web",
    ),
    "a login file": (
        "Ingress",
        "prometheus",
        lambda data: data["metadata"]["annotations"].update(
            {"nginx.ingress.kubernetes.io/auth-secret": "logins/prometheus-basic-auth"}
        ),
        "Ingress monitoring/prometheus: auth-secret refers to Secret logins/prometheus-basic-auth key auth, "
        "which nothing makes",
    ),
    "an issuer": (
        "Certificate",
        "grafana-tls",
        lambda data: data["spec"]["issuerRef"].update(name="letsencrypt"),
        f"Certificate monitoring/grafana-tls: issuerRef refers to ClusterIssuer letsencrypt, {NOBODY}",
    ),
    "an authority from an ACME issuer": (
        "Certificate",
        "elasticsearch-client-ca",
        lambda data: data["spec"]["issuerRef"].update(name="letsencrypt-prod"),
        "DaemonSet node-agents/fluent-bit: volume elasticsearch-ca refers to Secret "
        "node-agents/elasticsearch-client-ca key ca.crt, which only has tls.crt, tls.key",
    ),
    "a webhook's service": (
        "ValidatingWebhookConfiguration",
        "ingress-nginx-admission",
        lambda data: data["webhooks"][0]["clientConfig"]["service"].update(port=8443),
        "ValidatingWebhookConfiguration ingress-nginx-admission: webhook validate.nginx.ingress.kubernetes.io"
        " refers to Service ingress-nginx/ingress-nginx-controller-admission key 8443, which only has 443, "
        "https-webhook",
    ),
    "the certificate that a webhook trusts": (
        "MutatingWebhookConfiguration",
        "kube-prometheus-stack-admission",
        lambda data: data["metadata"]["annotations"].update(
            {"cert-manager.io/inject-ca-from": "monitoring/admission"}
        ),
        "MutatingWebhookConfiguration kube-prometheus-stack-admission: inject-ca-from refers to Certificate "
        "monitoring/admission, which nothing makes",
    ),
    "a monitor's authority": (
        "ServiceMonitor",
        "kube-prometheus-stack-operator",
        lambda data: data["spec"]["endpoints"][0]["tlsConfig"]["ca"]["secret"].update(key="ca"),
        "ServiceMonitor monitoring/kube-prometheus-stack-operator: spec.endpoints[0].tlsConfig.ca.secret "
        "refers to Secret monitoring/kube-prometheus-stack-admission key ca, which only has ca.crt, tls.crt, "
        "tls.key",
    ),
    "a Prometheus' extra scrape configuration": (
        "Prometheus",
        PROMETHEUS,
        lambda data: data["spec"].update(additionalScrapeConfigs={"name": "scrapes", "key": "all.yaml"}),
        f"Prometheus monitoring/{PROMETHEUS}: spec.additionalScrapeConfigs refers to Secret "
        "monitoring/scrapes key all.yaml, which nothing makes",
    ),
    "a Prometheus' Alertmanager": (
        "Prometheus",
        PROMETHEUS,
        lambda data: data["spec"]["alerting"]["alertmanagers"][0].update(port="web"),
        f"Prometheus monitoring/{PROMETHEUS}: alerting refers to Service "
        "monitoring/kube-prometheus-stack-alertmanager key web, which only has 8080, 9093, http-web, "
        "reloader-web",
    ),
    "an Alertmanager's configuration": (
        "Alertmanager",
        "kube-prometheus-stack-alertmanager",
        lambda data: data["spec"].update(configSecret="alerting"),
        "Alertmanager monitoring/kube-prometheus-stack-alertmanager: configSecret refers to Secret "
        "monitoring/alerting key alertmanager.yaml, which nothing makes",
    ),
    "a namespace": (
        "ServiceMonitor",
        "grafana",
        lambda data: data["metadata"].update(namespace="dashboards"),
        f"ServiceMonitor dashboards/grafana: metadata.namespace refers to Namespace dashboards, {NOBODY}",
    ),
    "the controller's configuration": (
        "Deployment",
        "ingress-nginx-controller",
        lambda data: container(data)["args"].append("--tcp-services-configmap=$(POD_NAMESPACE)/tcp"),
        "Deployment ingress-nginx/ingress-nginx-controller: --tcp-services-configmap refers to ConfigMap "
        "ingress-nginx/tcp, which nothing makes",
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_reference_is_found(prod: Platform, mutant: str) -> None:
    kind, name, change, problem = MUTANTS[mutant]
    assert dangling(broken(prod, kind, name, change)) == [problem]


def test_both_keys_of_a_renamed_certificate_are_missed(prod: Platform) -> None:
    mutant = broken(
        prod, "Certificate", "grafana-tls", lambda data: data["spec"].update(secretName="grafana")
    )
    assert dangling(mutant) == [
        f"Ingress monitoring/grafana: tls refers to Secret monitoring/grafana-tls key {key}, {NOBODY}"
        for key in ("tls.crt", "tls.key")
    ]


def test_a_key_that_no_one_lists_is_found(prod: Platform) -> None:
    secrets = {**prod.secrets, ("logging", "kibana-es-token"): frozenset[str]()}
    assert dangling(replace(prod, secrets=secrets)) == [
        "Deployment logging/kibana: variable ELASTICSEARCH_SERVICEACCOUNTTOKEN of kibana refers to Secret "
        "logging/kibana-es-token key token, which only has no keys"
    ]


def test_a_layer_that_does_not_wait_for_what_it_refers_to_is_found(prod: Platform) -> None:
    before = {**prod.before, "fluent-bit": prod.before["elasticsearch"]}
    assert dangling(replace(prod, before=before)) == [
        "DaemonSet node-agents/fluent-bit: volume elasticsearch-ca refers to Secret "
        "node-agents/elasticsearch-client-ca key ca.crt, which layer elasticsearch makes, for which layer "
        "fluent-bit does not wait"
    ]


def test_what_an_operator_would_have_made_is_missed_without_it(prod: Platform) -> None:
    mutant = without(prod, "Deployment", "cert-manager-webhook")
    problems = dangling(mutant)
    assert problems == [
        f"{kind}WebhookConfiguration cert-manager-webhook: inject-ca-from-secret refers to Secret "
        "cert-manager/cert-manager-webhook-ca, which nothing makes"
        for kind in ("Mutating", "Validating")
    ]


@pytest.mark.usefixtures("real_charts")
def test_a_hook_that_comes_before_what_it_needs_is_found(plain: Platform) -> None:
    def as_ordinary_object(data: dict[str, Any]) -> None:
        del data["metadata"]["annotations"]["helm.sh/hook"]

    problems = dangling(broken(plain, "Namespace", "ingress-nginx", as_ordinary_object))
    assert [problem.split(":")[0] for problem in problems] == [
        f"{kind} ingress-nginx/ingress-nginx-admission{suffix}"
        for kind, suffix in (("Job", "-create"), ("Role", ""), ("RoleBinding", ""), ("ServiceAccount", ""))
    ]
    assert {problem.rpartition(", ")[2] for problem in problems} == {
        "which the same release makes only later"
    }
