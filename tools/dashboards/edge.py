"""The edge network: who is connected, how fast and how well."""

from __future__ import annotations

from tools.dashboards.board import REGION, Board, variable
from tools.dashboards.panels import DOWN_UP, Column, Query, alerts, graph, listing, number

_IN = '{region=~"$region"}'
_OF = '{region=~"$region", edge=~"$edge"}'


def build() -> Board:
    """The dashboard."""
    board = Board(
        "depin-edge",
        "DePIN / Edge network",
        "Latency, loss and traffic of edge nodes by region.",
        REGION,
        variable("edge", "Edge node", 'label_values(edge:depin_edge_up:min{region=~"$region"}, edge)'),
    )
    board.row(
        "Now",
        [
            number(
                1,
                "Connected",
                "Edge nodes that are connected to the network.",
                "none",
                Query(f"sum(region:depin_edge_up:sum{_IN})"),
                width=6,
            ),
            number(
                2,
                "Known",
                "Edge nodes that are exposed at all.",
                "none",
                Query(f"sum(region:depin_edge_up:count{_IN})"),
                width=6,
            ),
            number(
                3,
                "Worst latency",
                "The highest of the regions' 95th percentiles.",
                "s",
                Query(f"max(region:depin_edge_latency_seconds:p95_5m{_IN})"),
                width=6,
            ),
            number(
                4,
                "Worst loss",
                "The highest of the regions' mean losses.",
                "percentunit",
                Query(f"max(region:depin_edge_packet_loss_ratio:mean5m{_IN})"),
                width=6,
            ),
            alerts(5, 'component="edge", region=~"$region"'),
        ],
    )
    board.row(
        "Regions",
        [
            graph(
                10,
                "Latency",
                "Round trips between edge nodes and the nodes of their region: half of them, 95 % and 99 %.",
                "s",
                Query(f"region:depin_edge_latency_seconds:p50_5m{_IN}", "{{region}} 50 %"),
                Query(f"region:depin_edge_latency_seconds:p95_5m{_IN}", "{{region}} 95 %"),
                Query(f"region:depin_edge_latency_seconds:p99_5m{_IN}", "{{region}} 99 %"),
            ),
            graph(
                11,
                "Packet loss",
                "Part of the packets that get lost: the mean of all probes, and what 95 % of them stay below.",
                "percentunit",
                Query(f"region:depin_edge_packet_loss_ratio:mean5m{_IN}", "{{region}} mean"),
                Query(f"region:depin_edge_packet_loss_ratio:p95_5m{_IN}", "{{region}} 95 %"),
            ),
            graph(
                12,
                "Received",
                "What edge nodes receive for the network.",
                "Bps",
                Query(f"region:depin_edge_receive_bytes:rate5m{_IN}", "{{region}}"),
                stacked=True,
            ),
            graph(
                13,
                "Sent",
                "What edge nodes send for the network.",
                "Bps",
                Query(f"region:depin_edge_transmit_bytes:rate5m{_IN}", "{{region}}"),
                stacked=True,
            ),
        ],
    )
    board.row(
        "Edge nodes",
        [
            graph(
                20,
                "Latency by edge node",
                "What 95 % of an edge node's round trips stay below.",
                "s",
                Query(f"edge:depin_edge_latency_seconds:p95_5m{_OF}", "{{edge}}"),
            ),
            graph(
                21,
                "Packet loss by edge node",
                "Mean part of an edge node's packets that get lost.",
                "percentunit",
                Query(f"edge:depin_edge_packet_loss_ratio:mean5m{_OF}", "{{edge}}"),
            ),
            listing(
                22,
                "Edge nodes",
                "Each edge node's state.",
                {"edge": "Edge node", "region": "Region"},
                Column("Connected", "bool_yes_no", f"edge:depin_edge_up:min{_OF}", DOWN_UP),
                Column("Latency (95 %)", "s", f"edge:depin_edge_latency_seconds:p95_5m{_OF}"),
                Column("Loss", "percentunit", f"edge:depin_edge_packet_loss_ratio:mean5m{_OF}"),
                links={"edge": "/d/depin-edge?var-edge=${__value.raw}"},
            ),
        ],
    )
    return board
