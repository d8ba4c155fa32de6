"""The lists of what deployed exporters document are in order, and right where the program can be asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from depin_helm import yamlio
from tests.monitoring import contract, servers

FILES = sorted(contract.EXPORTERS.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_list_says_where_it_is_from(file: Path) -> None:
    content = yamlio.load(file.read_bytes())
    assert set(content) == {"version", "source", "metrics"}
    assert set(content["metrics"].values()) <= {"counter", "gauge", "histogram", "summary", "untyped"}
    assert list(content["metrics"]) == sorted(content["metrics"])


def test_no_metric_is_on_two_lists() -> None:
    names = [name for metrics in contract.exporters().values() for name in metrics]
    names += [metric.name for metric in contract.metrics()]
    assert len(names) == len(set(names))


def test_prometheus_exposes_what_is_listed(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("groups: [{name: one, rules: [{record: one, expr: vector(1)}]}]")
    config = f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{tmp_path}/rules.yaml]
scrape_configs: [{{job_name: none, static_configs: [{{targets: [127.0.0.1:1]}}]}}]
alerting: {{alertmanagers: [{{static_configs: [{{targets: [127.0.0.1:1]}}]}}]}}
"""
    with servers.prometheus(tmp_path, config) as server:
        listed = contract.exporters()["prometheus"].items()
        servers.until(lambda: listed <= server.metrics().items())


def test_alertmanager_exposes_what_is_listed(tmp_path: Path) -> None:
    config = (
        "{route: {receiver: none}, receivers: [{name: none, webhook_configs: [{url: http://127.0.0.1:1}]}]}"
    )
    with servers.alertmanager(tmp_path, config, cluster="127.0.0.1:0") as server:
        listed = contract.exporters()["alertmanager"].items()
        missing = dict(listed - server.metrics().items())
        assert missing == {}
