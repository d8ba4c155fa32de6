"""Rules about how logs are kept: their ages, copies and shards, and the Jobs that set it up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal
from math import ceil, floor

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation
from depin_helm.checks.rules.entries import elastic_settings
from depin_helm.checks.rules.nodes import whole_cluster
from depin_helm.grammar import elastic_bytes, quantity

_NAME, _SETUP = "elasticsearch", "depin-elasticsearch"
_WARM, _DELETE = (_SETUP, "logs", "warm", "after"), (_SETUP, "logs", "delete", "after")
_RATE, _ROLLOVER = (_SETUP, "logs", "gigabytesPerDay"), (_SETUP, "logs", "rollover", "after")
_ROLLOVER_SIZE, _PRIMARIES = (_SETUP, "logs", "rollover", "size"), (_SETUP, "logs", "primaries")
_VOLUME = (_NAME, "volumeClaimTemplate", "resources", "requests", "storage")
_COPIES, _NODES = (_SETUP, "logs", "replicas"), (_NAME, "replicas")
_IMAGE = ("global", "platform", "setupImage")
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_GB = 10**9
#: Of what logs take up: 15 % of a disk stay free below the low watermark, a tenth is for merges (Elastic,
#: "Benchmarking and sizing your Elasticsearch cluster for logs and metrics").
_OVERHEAD = Decimal("1.25")
#: A node takes so many (cluster.max_shards_per_node); how often lifecycles are looked at, in seconds
#: (indices.lifecycle.poll_interval).
_SHARDS, _POLL = 1000, 600
_LIMIT = "max_shards_per_node"


def _ages(facts: Facts) -> Iterator[Violation]:
    warm, delete = (_seconds(facts.get(*path)) for path in (_WARM, _DELETE))
    if facts.enabled(_SETUP) and warm is not None and delete is not None and warm > delete:
        yield Violation(
            (_WARM, _DELETE), "logs are deleted before they are warm", f"at most {facts.get(*_DELETE)}"
        )


def _seconds(text: object) -> int | None:
    found = re.fullmatch(r"(\d+)([dhms])", text) if isinstance(text, str) else None
    return int(found[1]) * _SECONDS[found[2]] if found else None


def _copies(facts: Facts) -> Iterator[Violation]:
    copies, nodes = facts.number(*_COPIES), facts.number(*_NODES)
    if not facts.enabled(_SETUP) or not whole_cluster(facts) or not copies or not nodes or copies < nodes:
        return
    yield Violation(
        (_COPIES, _NODES),
        "there are not that many other nodes",
        f"{int(nodes) - 1}, as elasticsearch.replicas is {int(nodes)}",
    )


def _shards(facts: Facts) -> Iterator[Violation]:
    """Whether a cluster takes as many shards as there are of all indices that are kept at the same time."""
    primaries, copies, nodes = (facts.number(*path) for path in (_PRIMARIES, _COPIES, _NODES))
    delete, begun, size = (
        _seconds(facts.get(*_DELETE)),
        _seconds(facts.get(*_ROLLOVER)),
        elastic_bytes(facts.get(*_ROLLOVER_SIZE)),
    )
    if not (
        facts.enabled(_SETUP) and whole_cluster(facts) and primaries and nodes and delete and begun and size
    ):
        return
    rate = facts.number(*_RATE)
    filled = size * primaries / (rate * _GB) * _SECONDS["d"] if rate else begun
    # Elasticsearch begins no index sooner than it looks.
    indices = ceil((delete + begun) / max(min(begun, filled), _POLL))
    shards = indices * int(primaries) * (1 + int(copies or 0))
    if shards > _SHARDS * nodes and not any(_LIMIT in name for name in elastic_settings(facts) or ()):
        yield Violation(
            (_ROLLOVER, _ROLLOVER_SIZE, _PRIMARIES, _DELETE, _COPIES, _NODES, _RATE),
            f"{indices:,} indices are kept, which are {shards:,} shards; {nodes:g} "
            f"node{'s take' if nodes > 1 else ' takes'} {int(_SHARDS * nodes):,}",
            "a rollover that comes later, or fewer primaries",
        )


def _volumes(facts: Facts) -> Iterator[Violation]:
    """Whether the declared logs of all days that are kept fit onto the volumes of all nodes."""
    rate, copies, nodes = (facts.number(*path) for path in (_RATE, _COPIES, _NODES))
    ages = [_seconds(facts.get(*path)) for path in (_DELETE, _ROLLOVER)]
    volume = quantity(facts.get(*_VOLUME))
    if not (facts.enabled(_SETUP) and whole_cluster(facts) and rate and nodes and volume) or None in ages:
        return
    days = Decimal(sum(age or 0 for age in ages)) / _SECONDS["d"]
    each_day = Decimal(rate) * (1 + Decimal(copies or 0)) * _OVERHEAD * _GB
    there = volume * Decimal(nodes)
    if each_day * days <= there:
        return
    kept = floor(there / each_day - days + Decimal(ages[0] or 0) / _SECONDS["d"])
    rates = (there / days * Decimal(rate) / each_day).quantize(Decimal("0.1"), ROUND_DOWN)
    ways = [
        f"volumes of {ceil(each_day * days / Decimal(nodes) / 1024**3)}Gi",
        *([f"delete after {kept}d at most"] if kept >= 1 else []),
        f"{rates} GB a day at most",
    ]
    number = 1 + int(copies or 0)
    yield Violation(
        (_VOLUME, _RATE, _DELETE, _COPIES, _NODES, _ROLLOVER),
        f"{nodes:g} volume{'s hold' if nodes > 1 else ' holds'} {_gigabytes(there)}; "
        f"{Decimal(rate).normalize():,f} GB a day for {days.normalize():f} days, "
        f"{number} cop{'ies' if number > 1 else 'y'} of each, need {_gigabytes(each_day * days)}",
        ", or ".join(ways),
    )


def _gigabytes(size: Decimal) -> str:
    return f"{size / _GB:,.0f} GB"


def _image(facts: Facts) -> Iterator[Violation]:
    name, tag = ((_NAME, "image"), (_NAME, "imageTag"))
    parts = [facts.text(*path) for path in (name, tag)]
    given = facts.text(*_IMAGE)
    if not (facts.enabled(_SETUP) and facts.enabled(_NAME) and all(parts) and given):
        return
    if given != f"{parts[0]}:{parts[1]}":
        yield Violation((_IMAGE, tag, name), "is not Elasticsearch's own image", f"{parts[0]}:{parts[1]}")


RULES = (
    Rule(
        "log-ages",
        "logs are warm before they are deleted",
        "Elasticsearch refuses the lifecycle policy, and the layer fails",
        _ages,
    ),
    Rule(
        "log-copies",
        "each copy of the logs has a node of its own",
        "such copies are never made, and the cluster never turns green",
        _copies,
    ),
    Rule(
        "log-shards",
        "Elasticsearch takes as many shards as the indices that are kept have",
        "no new index can be begun, and the last one grows without end",
        _shards,
    ),
    Rule(
        "log-volumes",
        "Elasticsearch's volumes hold the declared logs for as long as they are kept",
        "above 85 % of a disk no new shard is put there, above 95 % nothing is written any more",
        _volumes,
    ),
    Rule(
        "setup-image",
        "the setup Jobs run in Elasticsearch's image",
        "nodes pull another one, which they may not get, and which may lack bash and curl",
        _image,
    ),
)
