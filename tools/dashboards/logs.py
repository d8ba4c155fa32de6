"""The logging pipeline: Fluent Bit on the nodes, Elasticsearch, Kibana."""

from __future__ import annotations

from tools.dashboards.board import Board
from tools.dashboards.panels import BAD_ABOVE_0, Column, Query, alerts, graph, listing, number


def build() -> Board:
    """The dashboard."""
    board = Board(
        "depin-logging",
        "DePIN / Logging pipeline",
        "From the nodes' log files through Fluent Bit into Elasticsearch.",
    )
    health = 'max(color:elasticsearch_cluster_health_status:max{color="%s"})'
    board.row(
        "Now",
        [
            number(
                1,
                "Elasticsearch",
                "Green: all is there twice. Yellow: some only once. Red: some is missing.",
                "none",
                Query(
                    f"({health % 'green'} == 1) * 0 or ({health % 'yellow'} == 1) * 1 or ({health % 'red'} == 1) * 2"
                ),
                steps=((None, "green"), (1, "yellow"), (2, "red")),
                empty="no answer",
            ),
            number(
                2,
                "Nodes",
                "Elasticsearch nodes in the cluster.",
                "none",
                Query("max(elasticsearch_cluster_health_number_of_nodes)"),
            ),
            number(
                3,
                "Unassigned shards",
                "Copies of data that have no node.",
                "none",
                Query("max(elasticsearch_cluster_health_unassigned_shards)"),
                steps=BAD_ABOVE_0,
            ),
            number(
                4,
                "Delivered",
                "Log records a second that Fluent Bit has delivered.",
                "cps",
                Query("sum(namespace_pod:fluentbit_output_proc_records:rate5m)"),
            ),
            number(
                5,
                "Lost",
                "Log records a second that Fluent Bit gave up.",
                "cps",
                Query("sum(namespace_pod:fluentbit_dropped_records:rate5m)"),
                steps=((None, "green"), (0.001, "red")),
            ),
            number(
                6,
                "Retries",
                "Deliveries a second that had to be tried again.",
                "cps",
                Query("sum(namespace_pod:fluentbit_output_retries:rate5m)"),
                steps=((None, "green"), (0.1, "orange")),
            ),
            alerts(7, 'component=~"elasticsearch|fluent-bit|kibana"'),
        ],
    )
    board.row(
        "Fluent Bit",
        [
            graph(
                10,
                "Read and delivered",
                "Log records that Fluent Bit reads from files, and that Elasticsearch took.",
                "cps",
                Query("sum(rate(fluentbit_input_records_total[$__rate_interval]))", "read"),
                Query("sum(namespace_pod:fluentbit_output_proc_records:rate5m)", "delivered"),
            ),
            graph(
                11,
                "Lost records",
                "Records that were given up, by pod.",
                "cps",
                Query("namespace_pod:fluentbit_dropped_records:rate5m", "{{pod}}"),
            ),
            graph(
                12,
                "Retries by pod",
                "Deliveries that had to be tried again.",
                "cps",
                Query("namespace_pod:fluentbit_output_retries:rate5m", "{{pod}}"),
            ),
            graph(
                13,
                "Errors",
                "Errors of the output, by pod.",
                "cps",
                Query("sum by (pod) (rate(fluentbit_output_errors_total[$__rate_interval]))", "{{pod}}"),
            ),
            graph(
                14,
                "Delivered volume",
                "What is sent to Elasticsearch, by pod.",
                "Bps",
                Query("sum by (pod) (rate(fluentbit_output_proc_bytes_total[$__rate_interval]))", "{{pod}}"),
                stacked=True,
            ),
            graph(
                15,
                "Buffered chunks",
                "Pieces of logs that wait on the node's disk.",
                "none",
                Query("sum by (pod) (fluentbit_storage_fs_chunks)", "{{pod}}"),
            ),
        ],
    )
    board.row(
        "Elasticsearch",
        [
            graph(
                20,
                "Cluster state",
                "1 for the colour that the cluster has.",
                "none",
                Query("color:elasticsearch_cluster_health_status:max", "{{color}}"),
                width=8,
                top=1,
            ),
            graph(
                21,
                "Disk in use",
                "By node. Above 85 % it gets no new shards, above 95 % nothing can be written.",
                "percentunit",
                Query("name:elasticsearch_filesystem_data_used:ratio", "{{name}}"),
                width=8,
                top=1,
            ),
            graph(
                22,
                "Heap in use",
                "By node; garbage collection holds it below 75 % in good times.",
                "percentunit",
                Query(
                    'max by (name) (elasticsearch_jvm_memory_used_bytes{area="heap"} / elasticsearch_jvm_memory_max_bytes{area="heap"})',
                    "{{name}}",
                ),
                width=8,
                top=1,
            ),
            graph(
                23,
                "Indexed",
                "Documents a second that are written.",
                "wps",
                Query("sum(rate(elasticsearch_indices_indexing_index_total[$__rate_interval]))", "documents"),
                width=8,
            ),
            graph(
                24,
                "Searches",
                "Queries a second.",
                "rps",
                Query("sum(rate(elasticsearch_indices_search_query_total[$__rate_interval]))", "queries"),
                width=8,
            ),
            graph(
                25,
                "Rejected",
                "Requests that full queues turned away, by kind.",
                "rps",
                Query(
                    "sum by (type) (rate(elasticsearch_thread_pool_rejected_count[$__rate_interval])) > 0",
                    "{{type}}",
                ),
                width=8,
            ),
            listing(
                26,
                "Nodes",
                "Elasticsearch's nodes.",
                {"name": "Node"},
                Column("Documents", "short", "max by (name) (elasticsearch_indices_docs)"),
                Column("Data", "bytes", "max by (name) (elasticsearch_indices_store_size_bytes)"),
                Column("Disk free", "bytes", "min by (name) (elasticsearch_filesystem_data_available_bytes)"),
                Column("CPU", "percent", "max by (name) (elasticsearch_process_cpu_percent)"),
            ),
        ],
    )
    return board
