"""Certificates, and the requests that come in."""

from __future__ import annotations

from tools.dashboards.board import Board, variable
from tools.dashboards.panels import DOWN_UP, Column, Query, alerts, graph, listing, number

_IN = '{namespace=~"$namespace"}'


def build() -> Board:
    """The dashboard."""
    board = Board(
        "depin-ingress",
        "DePIN / Certificates and ingress",
        "cert-manager's certificates, and the requests through ingress-nginx.",
        variable(
            "namespace",
            "Namespace",
            "label_values(namespace_name:certmanager_certificate_ready_status:max, namespace)",
        ),
    )
    left = f"namespace_name:certmanager_certificate_expiration_timestamp_seconds:max{_IN} - time()"
    board.row(
        "Now",
        [
            number(
                1,
                "Requests",
                "Requests a second.",
                "reqps",
                Query(f"sum(namespace_ingress:nginx_ingress_controller_requests:rate5m{_IN})"),
            ),
            number(
                2,
                "Server errors",
                "Part of the requests answered with 5xx.",
                "percentunit",
                Query(
                    'sum(namespace_ingress_status:nginx_ingress_controller_requests:rate5m{namespace=~"$namespace", status=~"5.."})'
                    f" / sum(namespace_ingress_status:nginx_ingress_controller_requests:rate5m{_IN})"
                ),
                steps=((None, "green"), (0.01, "orange"), (0.05, "red")),
                empty="0",
            ),
            number(
                3,
                "Configuration",
                "Whether the controller took its last configuration.",
                "bool_yes_no",
                Query("min(nginx_ingress_controller_config_last_reload_successful)"),
                steps=DOWN_UP,
            ),
            number(
                4,
                "Certificates",
                "Certificates that cert-manager looks after.",
                "none",
                Query(f"count(namespace_name:certmanager_certificate_ready_status:max{_IN})"),
            ),
            number(
                5,
                "Not ready",
                "Certificates that were not issued, or are no longer valid.",
                "none",
                Query(
                    f"count(namespace_name:certmanager_certificate_ready_status:max{_IN} == 0) or vector(0)"
                ),
                steps=((None, "green"), (1, "red")),
            ),
            number(
                6,
                "Next expiry",
                "Time until the first certificate ends.",
                "s",
                Query(f"min({left})"),
                steps=((None, "red"), (86400 * 7, "orange"), (86400 * 14, "green")),
            ),
            alerts(7, 'component=~"cert-manager|ingress-nginx"'),
        ],
    )
    board.row(
        "Certificates",
        [
            listing(
                10,
                "Certificates",
                "Each certificate: whether it is ready, and when it ends.",
                {"namespace": "Namespace", "name": "Certificate"},
                Column(
                    "Ready",
                    "bool_yes_no",
                    f"namespace_name:certmanager_certificate_ready_status:max{_IN}",
                    DOWN_UP,
                ),
                Column("Ends in", "s", left, ((None, "red"), (86400 * 7, "orange"), (86400 * 14, "green"))),
                Column(
                    "Renewed in",
                    "s",
                    f"namespace_name:certmanager_certificate_renewal_timestamp_seconds:max{_IN} - time()",
                ),
            ),
            graph(
                11,
                "Ready",
                "1 while a certificate is ready.",
                "none",
                Query(
                    f"namespace_name:certmanager_certificate_ready_status:max{_IN}", "{{namespace}}/{{name}}"
                ),
                top=1,
            ),
            graph(
                12, "Time left", "Until each certificate ends.", "s", Query(left, "{{namespace}}/{{name}}")
            ),
        ],
    )
    board.row(
        "Ingress",
        [
            graph(
                20,
                "Requests by Ingress",
                "Requests a second.",
                "reqps",
                Query(
                    f"namespace_ingress:nginx_ingress_controller_requests:rate5m{_IN}",
                    "{{namespace}}/{{ingress}}",
                ),
                stacked=True,
            ),
            graph(
                21,
                "Server errors by Ingress",
                "Part of the requests answered with 5xx.",
                "percentunit",
                Query(
                    f"namespace_ingress:nginx_ingress_controller_requests_5xx:ratio_rate5m{_IN}",
                    "{{namespace}}/{{ingress}}",
                ),
                top=1,
            ),
            graph(
                22,
                "Latency by Ingress",
                "What 95 % of the requests stay below.",
                "s",
                Query(
                    f"namespace_ingress:nginx_ingress_controller_request_duration_seconds:p95_5m{_IN}",
                    "{{namespace}}/{{ingress}}",
                ),
            ),
            graph(
                23,
                "Status",
                "Requests by the status of their answer.",
                "reqps",
                Query(
                    f"sum by (status) (namespace_ingress_status:nginx_ingress_controller_requests:rate5m{_IN})",
                    "{{status}}",
                ),
                stacked=True,
            ),
            graph(
                24,
                "Connections",
                "Connections to the controller, by state.",
                "none",
                Query("sum by (state) (nginx_ingress_controller_nginx_process_connections)", "{{state}}"),
            ),
            graph(
                25,
                "Memory",
                "Of the controller's processes.",
                "bytes",
                Query(
                    "sum by (controller_pod) (nginx_ingress_controller_nginx_process_resident_memory_bytes)",
                    "{{controller_pod}}",
                ),
            ),
        ],
    )
    return board
