"""AI workloads: their queues, their jobs, and what these use."""

from __future__ import annotations

from tools.dashboards.board import Board, variable
from tools.dashboards.panels import Column, Query, alerts, graph, listing, number

_OF = '{workload=~"$workload"}'


def build() -> Board:
    """The dashboard."""
    board = Board(
        "depin-workloads",
        "DePIN / AI workloads",
        "Queues, jobs, failures and what the pods of each workload use.",
        variable("workload", "Workload", "label_values(workload:depin_workload_running_jobs:sum, workload)"),
    )
    board.row(
        "Now",
        [
            number(
                1,
                "Running",
                "Jobs that run now.",
                "none",
                Query(f"sum(workload:depin_workload_running_jobs:sum{_OF})"),
                width=6,
            ),
            number(
                2,
                "Queued",
                "Jobs that wait for a node.",
                "none",
                Query(f"sum(workload:depin_workload_queued_jobs:sum{_OF})"),
                width=6,
            ),
            number(
                3,
                "Failing",
                "Part of the jobs ending now that failed.",
                "percentunit",
                Query(
                    f'sum(workload_result:depin_workload_jobs:rate5m{{workload=~"$workload", result="failed"}})'
                    f" / sum(workload_result:depin_workload_jobs:rate5m{_OF})"
                ),
                width=6,
            ),
            number(
                4,
                "GPUs in use",
                "GPUs that pods of these workloads have.",
                "none",
                Query(f"sum(workload:depin_gpus:count{_OF})"),
                width=6,
            ),
            listing(
                5,
                "Workloads",
                "Each workload's jobs, and what they wait and take.",
                {"workload": "Workload"},
                Column("Queued", "none", f"workload:depin_workload_queued_jobs:sum{_OF}"),
                Column("Running", "none", f"workload:depin_workload_running_jobs:sum{_OF}"),
                Column("Wait (95 %)", "s", f"workload:depin_workload_queue_duration_seconds:p95_5m{_OF}"),
                Column("Duration (95 %)", "s", f"workload:depin_workload_job_duration_seconds:p95_5m{_OF}"),
                Column(
                    "Failures",
                    "percentunit",
                    f"workload:depin_workload_job_failures:ratio_rate5m{_OF}",
                    ((None, "green"), (0.05, "orange"), (0.2, "red")),
                ),
                Column("CPU", "none", f"workload:container_cpu_usage_cores:sum_rate5m{_OF}"),
                Column("Memory", "bytes", f"workload:container_memory_working_set_bytes:sum{_OF}"),
                Column("GPU", "percentunit", f"workload:depin_gpu_utilization:avg_ratio{_OF}"),
                links={"workload": "/d/depin-workloads?var-workload=${__value.raw}"},
            ),
            alerts(6, 'team="depin"'),
        ],
    )
    board.row(
        "Jobs",
        [
            graph(
                10,
                "Queue",
                "Jobs that wait, by workload.",
                "none",
                Query(f"workload:depin_workload_queued_jobs:sum{_OF}", "{{workload}}"),
                stacked=True,
            ),
            graph(
                11,
                "Running",
                "Jobs that run, by workload.",
                "none",
                Query(f"workload:depin_workload_running_jobs:sum{_OF}", "{{workload}}"),
                stacked=True,
            ),
            graph(
                12,
                "Job duration",
                "How long jobs take: half of them, and 95 %.",
                "s",
                Query(f"workload:depin_workload_job_duration_seconds:p50_5m{_OF}", "{{workload}} 50 %"),
                Query(f"workload:depin_workload_job_duration_seconds:p95_5m{_OF}", "{{workload}} 95 %"),
            ),
            graph(
                13,
                "Wait",
                "How long 95 % of the jobs wait at most until they run.",
                "s",
                Query(f"workload:depin_workload_queue_duration_seconds:p95_5m{_OF}", "{{workload}}"),
            ),
            graph(
                14,
                "Ended jobs",
                "Jobs that end, by result.",
                "ops",
                Query(f"sum by (result) (workload_result:depin_workload_jobs:rate5m{_OF})", "{{result}}"),
                stacked=True,
            ),
            graph(
                15,
                "Failures by reason",
                "Why jobs fail.",
                "ops",
                Query(
                    f"sum by (reason) (workload_reason:depin_workload_job_failures:rate5m{_OF})", "{{reason}}"
                ),
                stacked=True,
            ),
        ],
    )
    board.row(
        "Resources",
        [
            graph(
                20,
                "CPU",
                "Cores that the workload's pods use.",
                "none",
                Query(f"workload:container_cpu_usage_cores:sum_rate5m{_OF}", "{{workload}}"),
                width=6,
                stacked=True,
            ),
            graph(
                21,
                "Memory",
                "Working set of the workload's pods.",
                "bytes",
                Query(f"workload:container_memory_working_set_bytes:sum{_OF}", "{{workload}}"),
                width=6,
                stacked=True,
            ),
            graph(
                22,
                "GPU utilisation",
                "How busy the GPUs of the workload's pods are.",
                "percentunit",
                Query(f"workload:depin_gpu_utilization:avg_ratio{_OF}", "{{workload}}"),
                width=6,
                top=1,
            ),
            graph(
                23,
                "GPU memory",
                "Frame buffer that the workload's pods use.",
                "bytes",
                Query(f"workload:depin_gpu_memory_used_bytes:sum{_OF}", "{{workload}}"),
                width=6,
                stacked=True,
            ),
        ],
    )
    return board
