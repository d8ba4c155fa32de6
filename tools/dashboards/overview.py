"""What an operator opens first: the whole network on one page."""

from __future__ import annotations

from tools.dashboards.board import REGION, Board
from tools.dashboards.panels import (
    BAD_ABOVE_0,
    BUSY,
    Column,
    Query,
    alerts,
    graph,
    listing,
    number,
)

_IN = '{region=~"$region"}'


def build() -> Board:
    """The dashboard."""
    board = Board(
        "depin-overview",
        "DePIN / Overview",
        "Compute nodes, edges, AI jobs and the network as a whole.",
        REGION,
    )
    down = f"(count(node:depin_node_up:min{_IN} == 0) or vector(0))"
    cut_off = f"(count(edge:depin_edge_up:min{_IN} == 0) or vector(0))"
    board.row(
        "Now",
        [
            number(
                1,
                "Nodes up",
                "Compute nodes that take work and send heartbeats.",
                "none",
                Query(f"sum(region:depin_node_up:sum{_IN})"),
            ),
            number(
                2,
                "Nodes down",
                "Compute nodes that take no work, or send no heartbeat.",
                "none",
                Query(down),
                steps=BAD_ABOVE_0,
            ),
            number(
                3,
                "Edges up",
                "Edge nodes that are connected to the network.",
                "none",
                Query(f"sum(region:depin_edge_up:sum{_IN})"),
            ),
            number(
                4,
                "Edges down",
                "Edge nodes that are not connected.",
                "none",
                Query(cut_off),
                steps=BAD_ABOVE_0,
            ),
            number(
                5,
                "Running jobs",
                "AI jobs that run now, of all workloads.",
                "none",
                Query(f"sum(depin_workload_running_jobs{_IN})"),
            ),
            number(
                6,
                "Queued jobs",
                "AI jobs that wait for a node.",
                "none",
                Query(f"sum(depin_workload_queued_jobs{_IN})"),
            ),
            alerts(7, ""),
        ],
    )
    board.row(
        "Regions",
        [
            listing(
                10,
                "Regions",
                "What each region has, and how busy it is.",
                {"region": "Region"},
                Column("Nodes", "none", f"region:depin_node_up:count{_IN}"),
                Column("Nodes up", "none", f"region:depin_node_up:sum{_IN}"),
                Column("Edges", "none", f"region:depin_edge_up:count{_IN}"),
                Column("Edges up", "none", f"region:depin_edge_up:sum{_IN}"),
                Column("GPUs", "none", f"region:depin_node_capacity_gpus:sum{_IN}"),
                Column("GPUs allocated", "percentunit", f"region:depin_node_gpu_allocation:ratio{_IN}", BUSY),
                Column("CPU allocated", "percentunit", f"region:depin_node_cpu_allocation:ratio{_IN}", BUSY),
                Column("Edge latency (95 %)", "s", f"region:depin_edge_latency_seconds:p95_5m{_IN}"),
                links={"region": "/d/depin-edge?var-region=${__value.raw}"},
            ),
            graph(
                11,
                "Utilisation",
                "How busy the nodes' CPUs, memory and GPUs are, on average.",
                "percentunit",
                Query(f"avg by (resource) (region_resource:depin_node_utilization:avg{_IN})", "{{resource}}"),
                top=1,
            ),
            graph(
                12,
                "Allocated",
                "Part of what the nodes offer that is given to jobs.",
                "percentunit",
                Query(
                    f"sum(region:depin_node_allocated_cpu_cores:sum{_IN})"
                    f" / sum(region:depin_node_capacity_cpu_cores:sum{_IN})",
                    "CPU",
                ),
                Query(
                    f"sum(region:depin_node_allocated_memory_bytes:sum{_IN})"
                    f" / sum(region:depin_node_capacity_memory_bytes:sum{_IN})",
                    "memory",
                ),
                Query(
                    f"sum(region:depin_node_allocated_gpus:sum{_IN})"
                    f" / sum(region:depin_node_capacity_gpus:sum{_IN})",
                    "GPUs",
                ),
                top=1,
            ),
        ],
    )
    board.row(
        "Network",
        [
            graph(
                20,
                "Jobs",
                "Jobs that were offered to the network, and for which a node was found.",
                "ops",
                Query(f"sum(region:depin_network_jobs_submitted:rate5m{_IN})", "submitted"),
                Query(f"sum(region:depin_network_jobs_matched:rate5m{_IN})", "matched"),
                width=8,
            ),
            graph(
                21,
                "Peers",
                "Peers that are connected, by region.",
                "none",
                Query(f"region:depin_network_peers:max{_IN}", "{{region}}"),
                width=8,
                stacked=True,
            ),
            graph(
                22,
                "Rewards and penalties",
                "Tokens in the last hour.",
                "none",
                Query(f"sum(region:depin_network_rewards_tokens:increase1h{_IN})", "rewards"),
                Query(f"sum(region:depin_network_slashed_tokens:increase1h{_IN})", "slashed"),
                width=8,
            ),
            number(
                23,
                "Matched",
                "Part of the submitted jobs for which a node was found.",
                "percentunit",
                Query(
                    f"sum(region:depin_network_jobs_matched:rate5m{_IN})"
                    f" / sum(region:depin_network_jobs_submitted:rate5m{_IN})"
                ),
                width=12,
            ),
            number(
                24,
                "Stake",
                "Tokens that are staked now.",
                "short",
                Query(f"sum(region:depin_network_stake_tokens:max{_IN})"),
                width=12,
            ),
        ],
    )
    return board
