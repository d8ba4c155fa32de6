"""The contract's metrics as `prometheus_client` declares them: what a service of the network would write."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

NODE = ("node", "region")
GPU = ("gpu", "UUID", "modelName", "Hostname")
WORKLOAD = ("workload", "region")
EDGE = ("edge", "region")
REGION = ("region",)


class Exporter:
    """All metrics, in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, labels: tuple[str, ...]) -> Gauge:
            return Gauge(name, text, labels, registry=registry)

        def counter(name: str, text: str, labels: tuple[str, ...]) -> Counter:
            return Counter(name, text, labels, registry=registry)

        def histogram(name: str, text: str, labels: tuple[str, ...], buckets: tuple[float, ...]) -> Histogram:
            return Histogram(name, text, labels, buckets=buckets, registry=registry)

        self.node_up = gauge("depin_node_up", "Whether the node takes work (1) or not (0).", NODE)
        self.node_heartbeat = gauge(
            "depin_node_last_heartbeat_timestamp_seconds",
            "Time of the node's last heartbeat, since the epoch.",
            NODE,
        )
        self.node_info = gauge("depin_node_info", "Always 1; what is known of the node.", (*NODE, "version"))
        self.capacity_cpu = gauge(
            "depin_node_capacity_cpu_cores", "CPU cores that the node offers to the network.", NODE
        )
        self.capacity_memory = gauge(
            "depin_node_capacity_memory_bytes", "Memory that the node offers to the network.", NODE
        )
        self.capacity_gpus = gauge(
            "depin_node_capacity_gpus", "GPUs that the node offers to the network.", NODE
        )
        self.allocated_cpu = gauge(
            "depin_node_allocated_cpu_cores", "CPU cores that are given to jobs.", NODE
        )
        self.allocated_memory = gauge(
            "depin_node_allocated_memory_bytes", "Memory that is given to jobs.", NODE
        )
        self.allocated_gpus = gauge("depin_node_allocated_gpus", "GPUs that are given to jobs.", NODE)
        self.cpu_utilization = gauge(
            "depin_node_cpu_utilization_ratio",
            "Part of the node's offered CPU that is busy, from 0 to 1.",
            NODE,
        )
        self.memory_utilization = gauge(
            "depin_node_memory_utilization_ratio",
            "Part of the node's offered memory that is in use, from 0 to 1.",
            NODE,
        )

        # dcgm-exporter's, which a real network takes from there.
        self.gpu_utilization = gauge("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", GPU)
        self.gpu_memory_utilization = gauge("DCGM_FI_DEV_MEM_COPY_UTIL", "Memory utilization (in %).", GPU)
        self.gpu_memory_used = gauge("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", GPU)
        self.gpu_memory_free = gauge("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", GPU)
        self.gpu_temperature = gauge("DCGM_FI_DEV_GPU_TEMP", "GPU temperature (in C).", GPU)
        self.gpu_power = gauge("DCGM_FI_DEV_POWER_USAGE", "Power draw (in W).", GPU)
        self.gpu_errors = gauge("DCGM_FI_DEV_XID_ERRORS", "Value of the last XID error encountered.", GPU)

        self.queued_jobs = gauge("depin_workload_queued_jobs", "Jobs that wait for a node.", WORKLOAD)
        self.running_jobs = gauge("depin_workload_running_jobs", "Jobs that run now.", WORKLOAD)
        self.queue_duration = histogram(
            "depin_workload_queue_duration_seconds",
            "How long jobs waited until they ran.",
            WORKLOAD,
            (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600),
        )
        self.job_duration = histogram(
            "depin_workload_job_duration_seconds",
            "How long jobs ran until they ended, and how.",
            (*WORKLOAD, "result"),
            (1, 5, 15, 60, 300, 900, 3600, 14400, 86400),
        )
        self.job_failures = counter(
            "depin_workload_job_failures_total", "Jobs that failed, by reason.", (*WORKLOAD, "reason")
        )

        self.edge_up = gauge(
            "depin_edge_up", "Whether the edge node is connected to the network (1) or not (0).", EDGE
        )
        self.edge_latency = histogram(
            "depin_edge_latency_seconds",
            "Round trips between the edge node and the nodes of its region.",
            EDGE,
            (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5),
        )
        self.edge_loss = histogram(
            "depin_edge_packet_loss_ratio",
            "Part of a probe's packets that were lost, from 0 to 1.",
            EDGE,
            (0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1),
        )
        self.edge_received = counter(
            "depin_edge_receive_bytes_total", "Bytes that the edge node received for the network.", EDGE
        )
        self.edge_sent = counter(
            "depin_edge_transmit_bytes_total", "Bytes that the edge node sent for the network.", EDGE
        )

        self.peers = gauge("depin_network_peers", "Peers that are connected now.", REGION)
        self.jobs_submitted = counter(
            "depin_network_jobs_submitted_total", "Jobs that were offered to the network.", REGION
        )
        self.jobs_matched = counter(
            "depin_network_jobs_matched_total", "Jobs for which a node was found.", REGION
        )
        self.stake = gauge("depin_network_stake_tokens", "Tokens that are staked now.", REGION)
        self.rewards = counter(
            "depin_network_rewards_tokens_total", "Tokens that were paid as rewards.", REGION
        )
        self.slashed = counter(
            "depin_network_slashed_tokens_total",
            "Tokens that were taken from stakes as a penalty.",
            REGION,
        )
