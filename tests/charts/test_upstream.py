"""What is found out from the upstream charts, held against what a reader of them finds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from depin_helm import upstream, yamlio
from depin_helm.charts import Cache, Contents, Lock, dependencies, read_file
from depin_helm.project import Project
from depin_helm.upstream import Interface, Place, Reads
from depin_helm.upstream.templates import parse
from depin_helm.yamlio import Path as Keys
from depin_helm.yamlio import format_path, parse_path
from tests.tier import Tier

_EXAMPLE = re.compile(r"((?:charts/[^/]+/)*)(?:ci/[^/]+|examples/[^/]+/values)\.yaml")
UNREAD = Path(__file__).parent / "unread.yaml"


@pytest.fixture(scope="module")
def archives(tier: Tier) -> dict[str, Contents]:
    project = Project(tier.root)
    charts = Cache(tier.cache).resolve(Lock(project.lock, dependencies(project.chart)))
    return {chart.name: read_file(chart.archive) for chart in charts}


@pytest.fixture(scope="module")
def interfaces(archives: dict[str, Contents]) -> dict[str, Interface]:
    return {name: upstream.interface(contents) for name, contents in archives.items()}


def charts_of(chart: Interface) -> Iterator[Interface]:
    yield chart
    for subchart in chart.subcharts.values():
        yield from charts_of(subchart)


def reads(chart: Interface, path: Keys) -> list[Reads]:
    """What the chart and its subcharts read at `path` of its section."""
    found = [chart.reads.at(path)]
    for name, subchart in chart.subcharts.items():
        if path[0] == "global":
            found += reads(subchart, path)
        elif path == (name,):
            found.append(subchart.reads)
        elif path[0] == name:
            found += reads(subchart, path[1:])
    return [each for each in found if each is not None]


def unread(chart: Interface, values: Any, path: Keys = ()) -> Iterator[str]:
    """The topmost keys of `values` that nothing reads."""
    items = (
        values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    )
    for key, value in items:
        below = (*path, key)
        if reads(chart, below):
            yield from unread(chart, value, below)
        else:
            yield format_path(below)


def texts(value: Any) -> Iterator[str]:
    """The templates in values."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from texts(each)
    if isinstance(value, str) and "{{" in value:
        yield value


def test_every_template_can_be_parsed(archives: dict[str, Contents]) -> None:
    parsed = [
        parse(content.decode())
        for contents in archives.values()
        for path, content in contents.files.items()
        if re.match(r"(charts/[^/]+/)*templates/", path)
    ]
    assert len(parsed) >= len(archives)
    assert any(template.nodes for template in parsed)


@pytest.mark.usefixtures("real_charts")
def test_no_chart_is_beyond_understanding(interfaces: dict[str, Interface]) -> None:
    assert [each.name for chart in interfaces.values() for each in charts_of(chart) if each.reads.whole] == []


def test_each_chart_reads_and_has_defaults(interfaces: dict[str, Interface]) -> None:
    for chart in interfaces.values():
        assert chart.reads.children
        assert chart.defaults
        assert set(chart.lines) >= {(key,) for key in chart.defaults}


@pytest.mark.usefixtures("real_charts")
def test_the_defaults_that_nothing_reads_are_known(interfaces: dict[str, Interface]) -> None:
    """Each was searched for in the archive; tests/charts/unread.yaml says what was found."""
    found = {
        each.name: sorted(unread(each, each.defaults))
        for chart in interfaces.values()
        for each in charts_of(chart)
    }
    known = yamlio.load(UNREAD.read_text())
    assert {name: keys for name, keys in found.items() if keys} == known


@pytest.mark.usefixtures("real_charts")
def test_the_charts_own_examples_are_read(
    archives: dict[str, Contents], interfaces: dict[str, Interface]
) -> None:
    found: dict[str, list[str]] = {}
    seen = 0
    for name, contents in archives.items():
        for path, content in contents.files.items():
            match = _EXAMPLE.fullmatch(path)
            values = yamlio.load(content) if match else None
            if match and values:
                chart = interfaces[name]
                for subchart in re.findall(r"charts/([^/]+)/", match[1]):
                    chart = chart.subcharts[subchart]
                seen += 1
                used = [upstream.reads_in(text) for text in (*texts(chart.defaults), *texts(values))]
                dead = [
                    key for key in unread(chart, values) if not any(each.at(parse_path(key)) for each in used)
                ]
                if dead:
                    found[path] = dead
    assert seen > 20
    # Kept from an older chart; nothing in the archive but this file has the word.
    assert found == {"examples/networkpolicy/values.yaml": ["networkPolicy.transport.allowExternal"]}


@pytest.mark.usefixtures("real_charts")
@pytest.mark.parametrize(
    "path",
    [
        "cert-manager.webhook.networkPolicy.egress[0].to",
        "cert-manager.global.leaderElection.namespace",
        "cert-manager.config.apiVersion",
        "cert-manager.acmesolver.image.digest",
        "cert-manager.prometheus.servicemonitor.labels.team",
        "cert-manager.nodeSelector.disk",
        "ingress-nginx.controller.config.use-gzip",
        "ingress-nginx.controller.extraArgs.update-status",
        "ingress-nginx.controller.service.nodePorts.tcp.8080",
        "ingress-nginx.controller.admissionWebhooks.patch.image.digest",
        "ingress-nginx.controller.service.internal.loadBalancerSourceRanges[0]",
        "ingress-nginx.controller.extraModules[0].image.distroless",
        "ingress-nginx.global.image.registry",
        "ingress-nginx.tcp.9000",
        "elasticsearch.esConfig.elasticsearch\\.yml",
        "elasticsearch.volumeClaimTemplate.resources.requests.storage",
        "elasticsearch.secretMounts[0].subPath",
        "elasticsearch.ingress.hosts[0].paths[0].path",
        "elasticsearch.healthNameOverride",
        "kibana.kibanaConfig.kibana\\.yml",
        "kibana.extraEnvs[0].valueFrom.secretKeyRef.name",
        "fluent-bit.config.outputs",
        "fluent-bit.dashboards.deterministicUid",
        "fluent-bit.luaScripts.any\\.lua",
        "fluent-bit.autoscaling.vpa.updatePolicy.updateMode",
        "fluent-bit.daemonSetVolumes[0].hostPath.path",
        "kube-prometheus-stack.prometheus.prometheusSpec.storageSpec.volumeClaimTemplate.spec",
        "kube-prometheus-stack.prometheus.prometheusSpec.thanos.objectStorageConfig.secret",
        "kube-prometheus-stack.prometheus.additionalServiceMonitors[0].endpoints[0].port",
        "kube-prometheus-stack.defaultRules.disabled.KubeProxyDown",
        "kube-prometheus-stack.customRules.etcdMembersDown.for",
        "kube-prometheus-stack.alertmanager.config.route.receiver",
        "kube-prometheus-stack.kubelet.serviceMonitor.sampleLimit",
        "kube-prometheus-stack.global.imagePullSecrets[0].name",
        "kube-prometheus-stack.crds.enabled",
        "kube-prometheus-stack.windowsMonitoring.enabled",
        "kube-prometheus-stack.nodeExporter.enabled",
        "kube-prometheus-stack.grafana.sidecar.dashboards.multicluster.etcd.enabled",
        "kube-prometheus-stack.grafana.grafana\\.ini.server.root_url",
        "kube-prometheus-stack.grafana.dashboards.default.mine.gnetId",
        "kube-prometheus-stack.grafana.persistence.inMemory.sizeLimit",
        "kube-prometheus-stack.grafana.env.GF_ANYTHING",
        "kube-prometheus-stack.kube-state-metrics.kubeRBACProxy.enabled",
        "kube-prometheus-stack.kube-state-metrics.customResourceState.config.spec",
        "kube-prometheus-stack.prometheus-node-exporter.sidecars[0].name",
        "kube-prometheus-stack.prometheus-node-exporter.affinity.nodeAffinity",
    ],
)
def test_what_a_reader_finds_read_is_read(interfaces: dict[str, Interface], path: str) -> None:
    chart, *below = parse_path(path)
    assert reads(interfaces[str(chart)], tuple(below))


@pytest.mark.usefixtures("real_charts")
@pytest.mark.parametrize(
    "path",
    [
        "elasticsearch.minimumMasterNodes",
        "elasticsearch.replica",
        "elasticsearch.secretMounts[0].subpath",
        "elasticsearch.persistence.labels.enable",
        "elasticsearch.ingress.hosts[0].paths[0].serviceport",
        "kibana.service.ports",
        "fluent-bit.flush",
        "fluent-bit.extraPorts[0].targetPort",
        "fluent-bit.image.pullpolicy",
        "ingress-nginx.controller.service.port.http",
        "ingress-nginx.controller.image.tags",
        "ingress-nginx.controller.admissionWebhooks.enable",
        "ingress-nginx.controller.livenesProbe",
        "cert-manager.webhook.replicas",
        "cert-manager.image.repo",
        "cert-manager.prometheus.servicemonitor.intervall",
        "kube-prometheus-stack.prometheus.prometheusSpec.retensionSize",
        "kube-prometheus-stack.prometheus.prometheusSpec.storageSpecs",
        "kube-prometheus-stack.prometheus.prometheusSpec.image.tags",
        "kube-prometheus-stack.prometheus.retention",
        "kube-prometheus-stack.alertmanager.alertmanagerSpec.replica",
        "kube-prometheus-stack.defaultRules.rules.etcdd",
        "kube-prometheus-stack.kubelet.serviceMonitor.sampelLimit",
        "kube-prometheus-stack.grafana.persistance",
        "kube-prometheus-stack.grafana.sidecar.dashboards.searchNamespaces",
        "kube-prometheus-stack.grafana.dashboards.default.mine.gnetID",
        "kube-prometheus-stack.grafana.extraSecretMounts[0].mountpath",
        "kube-prometheus-stack.kube-state-metrics.replica",
        "kube-prometheus-stack.prometheus-node-exporter.prometheus.monitor.intervals",
    ],
)
def test_what_a_reader_does_not_find_read_is_not(interfaces: dict[str, Interface], path: str) -> None:
    chart, *below = parse_path(path)
    assert reads(interfaces[str(chart)], tuple(below)) == []
    assert reads(interfaces[str(chart)], tuple(below[:1])) or len(below) == 1


@pytest.mark.usefixtures("real_charts")
@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("elasticsearch.volumeClaimTemplate", {"StatefulSet:spec.volumeClaimTemplates.spec"}),
        ("elasticsearch.extraContainers", {"StatefulSet:spec.template.spec.containers"}),
        ("kibana.tolerations", {"Deployment:spec.template.spec.tolerations"}),
        (
            "fluent-bit.extraVolumes",
            {"DaemonSet:spec.template.spec.volumes", "Deployment:spec.template.spec.volumes"},
        ),
        ("ingress-nginx.controller.service.ipFamilies", {"Service:spec.ipFamilies"}),
        ("cert-manager.webhook.affinity", {"Deployment:spec.template.spec.affinity"}),
        (
            "kube-prometheus-stack.prometheus.prometheusSpec.storageSpec",
            {"Prometheus:spec.storage", "PrometheusAgent:spec.storage"},
        ),
        (
            "kube-prometheus-stack.grafana.resources",
            {
                "Deployment:spec.template.spec.containers.resources",
                "StatefulSet:spec.template.spec.containers.resources",
            },
        ),
        ("kube-prometheus-stack.prometheus.podDisruptionBudget", {"PodDisruptionBudget:spec"}),
        (
            "kube-prometheus-stack.prometheus.additionalServiceMonitors[0].endpoints",
            {"ServiceMonitor:spec.endpoints"},
        ),
        (
            "kube-prometheus-stack.prometheus.additionalPodMonitors[0].podMetricsEndpoints",
            {"PodMonitor:spec.podMetricsEndpoints"},
        ),
        ("fluent-bit.config", set()),
    ],
)
def test_a_value_lands_where_a_reader_finds_it(
    interfaces: dict[str, Interface], path: str, places: set[str]
) -> None:
    chart, *below = parse_path(path)
    found = {place for each in reads(interfaces[str(chart)], tuple(below)) for place in each.places}
    assert {f"{place.kind}:{'.'.join(place.path)}" for place in found} == places
    assert all(isinstance(place, Place) for place in found)


@pytest.mark.usefixtures("real_charts")
@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("elasticsearch.podManagementPolicy", {"StatefulSet:spec.podManagementPolicy"}),
        (
            "kube-prometheus-stack.prometheus.prometheusSpec.logLevel",
            {'Prometheus:spec.logLevel "', 'PrometheusAgent:spec.logLevel "'},
        ),
        ("elasticsearch.replicas", {"StatefulSet:spec.replicas"}),
        (
            "fluent-bit.dnsPolicy",
            {f"{kind}:spec.template.spec.dnsPolicy" for kind in ("DaemonSet", "Deployment")},
        ),
        ("kibana.service.type", {"Service:spec.type"}),
        ("kube-prometheus-stack.prometheus.ingress.pathType", {"Ingress:spec.rules.http.paths.pathType"}),
        ("elasticsearch.image", set()),
    ],
)
def test_a_value_is_printed_where_a_reader_finds_it(
    interfaces: dict[str, Interface], path: str, places: set[str]
) -> None:
    chart, *below = parse_path(path)
    found = {each for reads_ in reads(interfaces[str(chart)], tuple(below)) for each in reads_.prints}
    assert {f"{each.place.kind}:{'.'.join(each.place.path)}" + ' "' * each.quoted for each in found} == places


@pytest.mark.usefixtures("real_charts")
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("fluent-bit.kind", {"DaemonSet", "Deployment"}),
        ("elasticsearch.antiAffinity", {"hard", "soft"}),
        ("kube-prometheus-stack.prometheus.prometheusSpec.podAntiAffinity", {"hard", "soft"}),
        ("kube-prometheus-stack.grafana.persistence.type", {"StatefulSet", "pvc", "statefulset", "sts"}),
        ("kibana.service.type", set()),
    ],
)
def test_a_value_is_compared_with_what_a_reader_finds(
    interfaces: dict[str, Interface], path: str, words: set[str]
) -> None:
    chart, *below = parse_path(path)
    found = reads(interfaces[str(chart)], tuple(below))
    assert {word for each in found for word in each.words} == words


@pytest.mark.usefixtures("real_charts")
def test_the_custom_resources_that_a_chart_writes_are_known(interfaces: dict[str, Interface]) -> None:
    crds = interfaces["kube-prometheus-stack"].crds
    assert set(crds) == {
        *("Alertmanager", "Prometheus", "PrometheusAgent", "ThanosRuler"),
        *("PodMonitor", "PrometheusRule", "ServiceMonitor"),
        *("AlertmanagerConfig", "ScrapeConfig"),  # which templates of ours write
    }
    storage = crds["Prometheus"]["properties"]["spec"]["properties"]["storage"]
    assert "volumeClaimTemplate" in storage["properties"]
    assert "description" not in storage
