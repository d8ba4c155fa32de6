"""From files and `--set` to an environment: merged as Helm merges, with the origin of each value."""

from depin_helm.values.environment import (
    SET,
    Environment,
    Origin,
    load_environment,
    origins_of,
    read_environment,
    write_for_helm,
)
from depin_helm.values.merging import Defaults, coalesce, merge
from depin_helm.values.settings import ClusterMatch, Settings, Timeouts, Waiver, duration

__all__ = [
    "SET",
    "ClusterMatch",
    "Defaults",
    "Environment",
    "Origin",
    "Settings",
    "Timeouts",
    "Waiver",
    "coalesce",
    "duration",
    "load_environment",
    "merge",
    "origins_of",
    "read_environment",
    "write_for_helm",
]
