"""The only reader and writer of YAML, which means what it means to Helm.

Two readers: `load` is fast and takes what machines wrote (manifests, CRDs, Chart.yaml); `read_values` takes
what people wrote: it knows where each key stands and refuses what Helm would misread without a word.
Two writers: `dump` makes a document, `edited` changes one and keeps its comments.
"""

from depin_helm.yamlio.document import (
    Document,
    content,
    examine,
    format_path,
    parse_path,
    parse_values,
    read_values,
)
from depin_helm.yamlio.editing import edited
from depin_helm.yamlio.machine import YAMLError, dump, load, load_all, load_untagged
from depin_helm.yamlio.nodes import Mark, Path
from depin_helm.yamlio.scalars import plain

__all__ = [
    "Document",
    "Mark",
    "Path",
    "YAMLError",
    "content",
    "dump",
    "edited",
    "examine",
    "format_path",
    "load",
    "load_all",
    "load_untagged",
    "parse_path",
    "parse_values",
    "plain",
    "read_values",
]
