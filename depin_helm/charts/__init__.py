"""The upstream charts: the cache that holds them, charts.lock, and safe reading of their archives.

    dependency   what a Chart.yaml says
    unpack       untrusted .tgz bytes → files
    archive      a chart's contents and content digest
    lock         charts.lock
    repository   downloads from Helm repositories
    entry        one version of one chart in the cache
    cache        the store, and what is done with it: get, import, pull, verify

Each imports only from those above it.
"""

from depin_helm.charts.archive import Contents, content_digest, extract, read_file
from depin_helm.charts.cache import Cache, Change, Imported, IncompleteError, State, Verified
from depin_helm.charts.dependency import Dependency, dependencies
from depin_helm.charts.entry import CachedChart
from depin_helm.charts.lock import Lock, Locked

__all__ = [
    "Cache",
    "CachedChart",
    "Change",
    "Contents",
    "Dependency",
    "Imported",
    "IncompleteError",
    "Lock",
    "Locked",
    "State",
    "Verified",
    "content_digest",
    "dependencies",
    "extract",
    "read_file",
]
