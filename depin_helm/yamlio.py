"""The only reader and writer of YAML."""

from __future__ import annotations

from typing import Any

import yaml

try:
    from yaml import CSafeDumper as _Dumper
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML built without libyaml: the same result, about seven times slower
    from yaml import SafeDumper as _Dumper  # type: ignore[assignment]
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]


class _HelmLoader(_Loader):
    """Reads scalars as Kubernetes and Helm do where PyYAML differs."""


class _HelmDumper(_Dumper):
    """Writes plain block style, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Whoever reads the file sees each value written out, never an alias."""
        return True


def _text(loader: Any, node: Any) -> str:
    return str(loader.construct_scalar(node))


_HelmLoader.add_constructor(
    "tag:yaml.org,2002:value", _text
)  # a bare `=`, as in kube-prometheus-stack's CRDs
_HelmLoader.add_constructor("tag:yaml.org,2002:timestamp", _text)


def load(text: str | bytes) -> Any:
    """The one document in `text`, for YAML made by machines: manifests, CRDs, Chart.yaml.

    Raises:
        yaml.YAMLError: `text` is no YAML, or holds several documents.
    """
    return yaml.load(text, Loader=_HelmLoader)  # noqa: S506 - a safe loader


def load_all(text: str | bytes) -> list[Any]:
    """All documents in `text`, empty ones as None; otherwise like `load`."""
    return list(yaml.load_all(text, Loader=_HelmLoader))  # noqa: S506 - a safe loader


def dump(data: Any) -> str:
    """`data` as YAML in block style, keys in the given order; the same data gives the same text."""
    return str(yaml.dump(data, Dumper=_HelmDumper, sort_keys=False, allow_unicode=True, width=2**16))
