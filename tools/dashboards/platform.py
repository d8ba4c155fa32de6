"""The platform's own health: all eight services, and what they run on."""

from __future__ import annotations

from tools.dashboards.board import Board, variable
from tools.dashboards.panels import Column, Query, alerts, graph, listing, number, states

_IN = '{namespace=~"$namespace"}'


def build() -> Board:
    """The dashboard."""
    board = Board(
        "depin-platform",
        "DePIN / Platform health",
        "cert-manager, ingress-nginx, Prometheus, Grafana, Alertmanager, Elasticsearch, Fluent Bit and Kibana.",
        variable("namespace", "Namespace", "label_values(namespace_pod_node:kube_pod_info:max, namespace)"),
    )
    board.row(
        "Services",
        [
            states(
                1,
                "Services",
                "A service is up when each of its parts has a pod that is ready; Fluent Bit, on every node.",
                Query(_deployment("cert-manager", "cert-manager(-webhook|-cainjector)?"), "cert-manager"),
                Query(_deployment("ingress-nginx", "ingress-nginx-controller"), "ingress-nginx"),
                Query(_stateful("monitoring", "prometheus-kube-prometheus-stack-prometheus"), "Prometheus"),
                Query(_deployment("monitoring", "grafana"), "Grafana"),
                Query(
                    _stateful("monitoring", "alertmanager-kube-prometheus-stack-alertmanager"), "Alertmanager"
                ),
                Query(_stateful("logging", "elasticsearch-master"), "Elasticsearch"),
                Query(_everywhere("fluent-bit"), "Fluent Bit"),
                Query(_deployment("logging", "kibana"), "Kibana"),
            ),
            alerts(2, 'team!="depin"'),
        ],
    )
    board.row(
        "Pods",
        [
            graph(
                10,
                "Restarts",
                "Containers that started again in the last hour, by pod; those alone that did.",
                "none",
                Query(
                    f"sum by (namespace, pod) (increase(kube_pod_container_status_restarts_total{_IN}[1h])) > 0",
                    "{{namespace}}/{{pod}}",
                ),
            ),
            graph(
                11,
                "Not ready",
                "Pods that run and are not ready.",
                "none",
                Query(
                    'count by (namespace) (max by (namespace, pod) (kube_pod_status_ready{namespace=~"$namespace", condition="true"} == 0)'
                    ' unless on (namespace, pod) max by (namespace, pod) (kube_pod_status_phase{namespace=~"$namespace", phase="Succeeded"} == 1))',
                    "{{namespace}}",
                ),
                stacked=True,
            ),
            graph(
                12,
                "CPU",
                "Cores in use, by namespace.",
                "none",
                Query(
                    'sum by (namespace) (rate(container_cpu_usage_seconds_total{namespace=~"$namespace", container!=""}[$__rate_interval]))',
                    "{{namespace}}",
                ),
                width=8,
                stacked=True,
            ),
            graph(
                13,
                "Memory",
                "Working set, by namespace.",
                "bytes",
                Query(
                    'sum by (namespace) (container_memory_working_set_bytes{namespace=~"$namespace", container!=""})',
                    "{{namespace}}",
                ),
                width=8,
                stacked=True,
            ),
            graph(
                14,
                "Volumes",
                "Part of each volume that is free.",
                "percentunit",
                Query(
                    f"namespace_persistentvolumeclaim:kubelet_volume_stats_available:ratio{_IN}",
                    "{{namespace}}/{{persistentvolumeclaim}}",
                ),
                width=8,
                top=1,
            ),
            listing(
                15,
                "Crash loops",
                "Containers that wait because they crashed again and again.",
                {"namespace": "Namespace", "pod": "Pod", "container": "Container"},
                Column(
                    "Waiting",
                    "none",
                    'max by (namespace, pod, container) (kube_pod_container_status_waiting_reason{namespace=~"$namespace", reason="CrashLoopBackOff"}) > 0',
                ),
                height=6,
            ).no_value("None."),
        ],
    )
    board.row(
        "Prometheus and Alertmanager",
        [
            number(
                20,
                "Targets down",
                "What Prometheus should scrape and cannot.",
                "none",
                Query("count(up == 0) or vector(0)"),
                steps=((None, "green"), (1, "orange")),
            ),
            number(
                21,
                "Series",
                "Time series that Prometheus holds now.",
                "short",
                Query("sum(prometheus_tsdb_head_series)"),
            ),
            number(
                22,
                "Failing rules",
                "Evaluations of rules a second that fail.",
                "cps",
                Query("sum(rate(prometheus_rule_evaluation_failures_total[$__rate_interval]))"),
                steps=((None, "green"), (0.001, "red")),
            ),
            number(
                23,
                "Alertmanagers",
                "Alertmanagers that see each other; the fewest that one of them sees.",
                "none",
                Query("min(alertmanager_cluster_members)"),
            ),
            number(
                24,
                "Configuration",
                "Whether Prometheus and Alertmanager took their last configuration.",
                "bool_yes_no",
                Query("min(prometheus_config_last_reload_successful)", "Prometheus"),
                Query("min(alertmanager_config_last_reload_successful)", "Alertmanager"),
                width=8,
                steps=((None, "red"), (1, "green")),
            ),
            graph(
                25,
                "Samples",
                "Samples a second that Prometheus takes in.",
                "cps",
                Query(
                    "sum by (pod) (rate(prometheus_tsdb_head_samples_appended_total[$__rate_interval]))",
                    "{{pod}}",
                ),
                width=8,
            ),
            graph(
                26,
                "Storage failures",
                "Of Prometheus' storage, in the last hour.",
                "none",
                Query("namespace_pod:prometheus_tsdb_failures:increase1h", "{{pod}}"),
                width=8,
            ),
            graph(
                27,
                "Failing notifications",
                "Part of the notifications that do not reach their receiver.",
                "percentunit",
                Query(
                    "namespace_pod_integration:alertmanager_notifications_failed:ratio_rate5m",
                    "{{integration}} {{pod}}",
                ),
                width=8,
                top=1,
            ),
            graph(
                28,
                "Notifications",
                "Sent by Alertmanager, by integration.",
                "ops",
                Query(
                    "sum by (integration) (rate(alertmanager_notifications_total[$__rate_interval]))",
                    "{{integration}}",
                ),
                width=8,
            ),
            graph(
                29,
                "Failing targets",
                "Targets that cannot be scraped, by job.",
                "none",
                Query("count by (job) (up == 0)", "{{job}}"),
                width=8,
                stacked=True,
            ),
            graph(
                30,
                "Grafana",
                "Requests to Grafana, by status.",
                "reqps",
                Query(
                    "sum by (status_code) (rate(grafana_http_request_duration_seconds_count[$__rate_interval]))",
                    "{{status_code}}",
                ),
                width=8,
                stacked=True,
            ),
        ],
    )
    board.row(
        "cert-manager, ingress-nginx, Elasticsearch and Fluent Bit",
        [
            number(
                40,
                "Certificates not ready",
                "More under Certificates and ingress.",
                "none",
                Query("count(namespace_name:certmanager_certificate_ready_status:max == 0) or vector(0)"),
                width=6,
                steps=((None, "green"), (1, "red")),
            ),
            number(
                41,
                "Server errors",
                "Part of the requests answered with 5xx.",
                "percentunit",
                Query(
                    'sum(namespace_ingress_status:nginx_ingress_controller_requests:rate5m{status=~"5.."})'
                    " / sum(namespace_ingress_status:nginx_ingress_controller_requests:rate5m)"
                ),
                width=6,
                steps=((None, "green"), (0.01, "orange"), (0.05, "red")),
                empty="0",
            ),
            number(
                42,
                "Unassigned shards",
                "Copies of Elasticsearch's data that have no node.",
                "none",
                Query("max(elasticsearch_cluster_health_unassigned_shards)"),
                width=6,
                steps=((None, "green"), (1, "orange")),
            ),
            number(
                43,
                "Lost log records",
                "A second; more under Logging pipeline.",
                "cps",
                Query("sum(namespace_pod:fluentbit_dropped_records:rate5m)"),
                width=6,
                steps=((None, "green"), (0.001, "red")),
            ),
        ],
    )
    return board


def _deployment(namespace: str, names: str) -> str:
    where = f'namespace="{namespace}", deployment=~"{names}"'
    return f"min(kube_deployment_status_replicas_available{{{where}}} >= bool 1)"


def _stateful(namespace: str, name: str) -> str:
    where = f'namespace="{namespace}", statefulset="{name}"'
    return f"min(kube_statefulset_status_replicas_ready{{{where}}} >= bool 1)"


def _everywhere(name: str) -> str:
    # In layers it has a namespace of its own; in a plain release it is in that of the release.
    where = f'namespace=~"node-agents|logging", daemonset="{name}"'
    wanted = f"kube_daemonset_status_desired_number_scheduled{{{where}}}"
    return f"min(kube_daemonset_status_number_ready{{{where}}} >= bool {wanted})"
