"""Compute nodes, one by one."""

from __future__ import annotations

from tools.dashboards.board import REGION, Board, variable
from tools.dashboards.panels import BUSY, DOWN_UP, Column, Query, alerts, graph, listing, number

_OF = '{region=~"$region", node=~"$node"}'
_HOST = '{Hostname=~"$node"}'


def build() -> Board:
    """The dashboard."""
    board = Board(
        "depin-node",
        "DePIN / Node detail",
        "Heartbeats, capacity, utilisation and GPUs of compute nodes.",
        REGION,
        variable("node", "Node", 'label_values(node:depin_node_up:min{region=~"$region"}, node)'),
    )
    board.row(
        "Nodes",
        [
            listing(
                1,
                "Nodes",
                "Each node's state.",
                {"node": "Node", "region": "Region"},
                Column("Up", "bool_yes_no", f"node:depin_node_up:min{_OF}", DOWN_UP),
                Column(
                    "Since heartbeat",
                    "s",
                    f"node:depin_node_heartbeat_age_seconds:max{_OF}",
                    ((None, "green"), (60, "orange"), (120, "red")),
                ),
                Column("CPU", "percentunit", f"node:depin_node_cpu_utilization:ratio{_OF}", BUSY),
                Column("Memory", "percentunit", f"node:depin_node_memory_utilization:ratio{_OF}", BUSY),
                Column("GPUs", "percentunit", f"node:depin_node_gpu_utilization:ratio{_OF}", BUSY),
                Column("Cores", "none", f"max by (node, region) (depin_node_capacity_cpu_cores{_OF})"),
                Column(
                    "Memory offered",
                    "bytes",
                    f"max by (node, region) (depin_node_capacity_memory_bytes{_OF})",
                ),
                Column("GPUs offered", "none", f"max by (node, region) (depin_node_capacity_gpus{_OF})"),
                links={"node": "/d/depin-node?var-node=${__value.raw}"},
            ),
            graph(
                2,
                "Up",
                "1 while a node takes work and its heartbeat is fresh, else 0.",
                "none",
                Query(f"node:depin_node_up:min{_OF}", "{{node}}"),
                top=1,
            ),
            graph(
                3,
                "Since last heartbeat",
                "Seconds since the network heard of the node.",
                "s",
                Query(f"node:depin_node_heartbeat_age_seconds:max{_OF}", "{{node}}"),
            ),
            alerts(4, 'node=~"$node"'),
        ],
    )
    board.row(
        "Utilisation",
        [
            graph(
                10,
                "Busy",
                "How busy a node's CPU, memory and GPUs are.",
                "percentunit",
                Query(f"node_resource:depin_node_utilization:ratio{_OF}", "{{node}} {{resource}}"),
                width=24,
                top=1,
            ),
            graph(
                11,
                "CPU allocated",
                "Part of the node's cores that is given to jobs.",
                "percentunit",
                Query(
                    f"max by (node) (depin_node_allocated_cpu_cores{_OF}) / max by (node) (depin_node_capacity_cpu_cores{_OF})",
                    "{{node}}",
                ),
                width=8,
                top=1,
            ),
            graph(
                12,
                "Memory allocated",
                "Part of the node's memory that is given to jobs.",
                "percentunit",
                Query(
                    f"max by (node) (depin_node_allocated_memory_bytes{_OF}) / max by (node) (depin_node_capacity_memory_bytes{_OF})",
                    "{{node}}",
                ),
                width=8,
                top=1,
            ),
            graph(
                13,
                "GPUs allocated",
                "GPUs that are given to jobs.",
                "none",
                Query(f"max by (node) (depin_node_allocated_gpus{_OF})", "{{node}}"),
                width=8,
            ),
        ],
    )
    board.row(
        "GPUs",
        [
            graph(
                20,
                "GPU utilisation",
                "How busy each GPU is.",
                "percent",
                Query(f"max by (Hostname, gpu) (DCGM_FI_DEV_GPU_UTIL{_HOST})", "{{Hostname}} {{gpu}}"),
                width=8,
                top=100,
            ),
            graph(
                21,
                "GPU memory",
                "Part of each GPU's frame buffer in use.",
                "percentunit",
                Query(
                    f"max by (Hostname, gpu) (DCGM_FI_DEV_FB_USED{_HOST} / (DCGM_FI_DEV_FB_USED{_HOST} + DCGM_FI_DEV_FB_FREE{_HOST}))",
                    "{{Hostname}} {{gpu}}",
                ),
                width=8,
                top=1,
            ),
            graph(
                22,
                "GPU memory transfers",
                "How busy each GPU's memory controller is.",
                "percent",
                Query(f"max by (Hostname, gpu) (DCGM_FI_DEV_MEM_COPY_UTIL{_HOST})", "{{Hostname}} {{gpu}}"),
                width=8,
                top=100,
            ),
            graph(
                23,
                "GPU temperature",
                "Of each GPU.",
                "celsius",
                Query(f"max by (Hostname, gpu) (DCGM_FI_DEV_GPU_TEMP{_HOST})", "{{Hostname}} {{gpu}}"),
                width=8,
            ),
            graph(
                24,
                "GPU power",
                "What each GPU draws.",
                "watt",
                Query(f"max by (Hostname, gpu) (DCGM_FI_DEV_POWER_USAGE{_HOST})", "{{Hostname}} {{gpu}}"),
                width=8,
            ),
            number(
                25,
                "GPUs with errors",
                "GPUs whose driver reported an XID error; its number says which.",
                "none",
                Query(f"count(max by (Hostname, gpu) (DCGM_FI_DEV_XID_ERRORS{_HOST}) > 0) or vector(0)"),
                width=8,
                steps=((None, "green"), (1, "red")),
            ),
        ],
    )
    return board
