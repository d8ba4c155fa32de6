"""Writes docs/metrics.md: the metrics that DePIN services expose, from the contract.

Run by `make docs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from depin_helm import yamlio

ROOT = Path(__file__).parent.parent
CONTRACT = ROOT / "charts/depin-platform/charts/depin-monitoring/metrics.yaml"

_HEAD = """\
# Metrics of DePIN services

<!-- Written by `make docs` from charts/depin-platform/charts/depin-monitoring/metrics.yaml. -->

What a service of the network exposes, so that the platform's rules, alerts and dashboards work with it. A
service exposes the groups that it knows something about, and each of them whole.
[tests/simulator](../tests/simulator) speaks all of it, and is an example to start from.

## Being scraped

Give the pods the label `depin.ai/metrics: "true"`, in any namespace but the platform's own: nothing else has
to be changed. Where pods have no labels of yours, give it to their Service; pods that have it themselves are
not scraped once more.

| | label or annotation | default |
|---|---|---|
| scraped at all | label `depin.ai/metrics: "true"` | not scraped |
| port | annotation `depin.ai/metrics-port`: its name, or its number at the pod | the port called `metrics` |
| path | annotation `depin.ai/metrics-path` | `/metrics` |

Pods that do a workload's jobs have the label `depin.ai/workload`, whether they have metrics or not: what they
use of CPU, memory and GPUs is then shown under it. Edge nodes outside of the cluster are named in the values,
under `depin-monitoring.externalEdges`.

A scrape that brings more samples or labels than `depin-monitoring.discovery.limits` allow fails as a whole,
and `up` is 0. Labels of `depin-monitoring.discovery.dropLabels` are taken away: series must be told apart
without them.

## Names

Prometheus' rules hold: base units (seconds, bytes, ratios from 0 to 1) at the end of the name, `_total` for
counters, `_timestamp_seconds` for times. Nothing that grows without end is a label: no job's id, no address,
no message. Series that can be zero are there from the start, with the value 0.

| label | meaning |
|---|---|
"""

_TAIL = """\

## For tests

`tests/monitoring/contract.py` reads this contract, and in `tests/monitoring/exporters/` what the deployed
exporters document, with the source of each: no rule and no dashboard may name anything else. What rules
record is in `charts/depin-platform/charts/depin-monitoring/rules/`.
"""


def main() -> None:
    """Write the file again."""
    (ROOT / "docs/metrics.md").write_text(generate(), encoding="utf-8")


def generate() -> str:
    """The text of docs/metrics.md."""
    contract = yamlio.load(CONTRACT.read_bytes())
    lines = [_HEAD.rstrip("\n")]
    lines += [f"| `{label}` | {meaning} |" for label, meaning in contract["labels"].items()]
    for group in contract["groups"]:
        lines += ["", f"## {group['title']}", "", group["about"], ""]
        lines += ["| metric | type | unit | labels | |", "|---|---|---|---|---|"]
        lines += [_row(metric) for metric in group["metrics"]]
        buckets = [metric for metric in group["metrics"] if "buckets" in metric]
        if buckets:
            lines += ["", "Buckets, at least:", ""]
            lines += [f"- `{each['name']}`: {', '.join(map(str, each['buckets']))}" for each in buckets]
    return "\n".join(lines) + "\n" + _TAIL


def _row(metric: Mapping[str, Any]) -> str:
    labels = ", ".join(f"`{label}`" for label in metric["labels"])
    return (
        f"| `{metric['name']}` | {metric['type']} | {metric.get('unit', '')} | {labels} | {metric['help']} |"
    )


if __name__ == "__main__":
    main()
