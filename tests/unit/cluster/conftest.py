"""A cluster for unit tests: an API server in memory, and a connection to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from depin_helm.cluster import Cluster
from tests.unit.cluster.api import Api, Connect, kubeconfig, serve


@pytest.fixture(name="api")
def served_api() -> Iterator[Api]:
    """The API server."""
    with serve() as api:
        yield api


@pytest.fixture(name="connect")
def connecting() -> Iterator[Connect]:
    """Connects, and closes the connections when the test is over."""
    with ExitStack() as open_ones:

        def connect(
            file: Path | None = None, context: str | None = None, environ: Mapping[str, str] | None = None
        ) -> Cluster:
            return open_ones.enter_context(Cluster.connect(file, context, environ=environ or {}))

        yield connect


@pytest.fixture
def cluster(api: Api, connect: Connect, tmp_path: Path) -> Cluster:
    """A connection to it."""
    return connect(kubeconfig(tmp_path / "kubeconfig", api.address))
