"""What prometheus-operator makes of our monitors and rules, and what Prometheus makes of that."""

from __future__ import annotations

import contextlib
import copy
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from depin_helm import yamlio
from tests.monitoring import servers
from tests.programs import program
from tests.sandbox import live
from tests.sandbox.conftest import Platform
from tests.sandbox.kubectl import Kubectl, eventually
from tests.tier import UMBRELLA, Tier

#: Folders of Prometheus' pod that its configuration names files in.
FOLDERS = ("/etc/prometheus/", "/var/run/secrets/kubernetes.io/serviceaccount/")
#: Where nobody listens.
NOWHERE = "http://127.0.0.1:9"
LABEL = {"depin.ai/metrics": "true"}


@pytest.fixture(scope="module")
def kubectl(platform: Platform, binaries: dict[str, Path]) -> Kubectl:
    return Kubectl(binaries["kubectl"], platform.program.kubeconfig)


@pytest.fixture(scope="module")
def real_crds(tier: Tier) -> None:
    if not tier.real:
        pytest.skip("the stand-ins' CRDs take anything, and prune nothing")


def refused(platform: Platform) -> list[str]:
    """What the operator has said against monitors and rules."""
    events = platform.cluster.list("v1", "Event", field_selector="reason=InvalidConfiguration")
    return [f"{event['involvedObject']['name']}: {event['message']}" for event in events]


def forget(kubectl: Kubectl) -> None:
    """Take away what it has said."""
    kubectl.run("delete", "events", "--all-namespaces", "--field-selector=reason=InvalidConfiguration")


def checked(config: Mapping[str, Any], rules: Mapping[str, str], folder: Path) -> str:
    """What `promtool check config` says, with the files of the pod in `folder`; nothing if all is well."""
    text = yamlio.dump(dict(config))
    for original in FOLDERS:
        inside = folder / original.strip("/").replace("/", "-")
        inside.mkdir()
        text = text.replace(original, f"{inside}/")
        for file in re.findall(rf"{re.escape(str(inside))}/[\w./-]+", text):
            if not file.endswith("/"):
                Path(file).parent.mkdir(parents=True, exist_ok=True)
                Path(file).touch()
    for directory in {Path(pattern).parent for pattern in yamlio.load(text)["rule_files"]}:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in rules.items():
            (directory / name).write_text(content)
    (folder / "prometheus.yml").write_text(text)
    command: list[str | Path] = [program("promtool"), "check", "config", folder / "prometheus.yml"]
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return "" if result.returncode == 0 else result.stdout


@pytest.fixture(scope="module")
def edges(kubectl: Kubectl, platform: Platform, real_crds: None) -> Iterator[set[str]]:
    """The jobs of external edges of every kind, as the chart renders them.

    The operator looks at everything once more for them. What it has said until then does not count: while the
    platform is being installed, a monitor may be there before the Secret that it refers to.
    """
    forget(kubectl)
    values = UMBRELLA / "ci" / "everything-values.yaml"
    section = yamlio.load(values.read_bytes())["depin-monitoring"]
    file = platform.program.folder / "edges.yaml"
    file.write_text(yamlio.dump({"depin-monitoring": section}))
    rendered = platform.program.run(
        *("render", "--env", "sandbox", "--layer", "monitoring", "-f", str(file))
    ).stdout
    found = [item for item in yamlio.load_all(rendered) if item and item["kind"] == "ScrapeConfig"]
    kubectl.apply(*found)
    names = [item["metadata"]["name"] for item in found]
    jobs = {f"scrapeConfig/monitoring/{name}" for name in names}

    def made() -> bool:
        return jobs <= {job["job_name"] for job in live.prometheus_config(platform.cluster)["scrape_configs"]}

    eventually(made)
    yield jobs
    kubectl.run("delete", "scrapeconfigs.monitoring.coreos.com", "--namespace=monitoring", *names)


@pytest.mark.usefixtures("edges")
def test_the_operator_takes_every_monitor_and_every_rule(platform: Platform) -> None:
    rules = eventually(lambda: live.prometheus_rules(platform.cluster))
    names = {
        item["metadata"]["name"]
        for item in platform.cluster.list("monitoring.coreos.com/v1", "PrometheusRule")
    }
    assert {name for name in names if not any(f"-{name}-" in file for file in rules)} == set()
    assert refused(platform) == []


def test_the_configuration_that_it_makes_is_right_with_edges_of_every_kind(
    platform: Platform, edges: set[str], tmp_path: Path
) -> None:
    config = live.prometheus_config(platform.cluster)
    assert checked(config, live.prometheus_rules(platform.cluster), tmp_path) == ""
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    kinds = {key for name in edges for key in jobs[name] if key.endswith(("_sd_configs", "static_configs"))}
    assert kinds == {"static_configs", "file_sd_configs", "http_sd_configs", "dns_sd_configs"}
    guarded = [jobs[name] for name in jobs if name in edges or "/monitoring/depin-" in name]
    assert len(guarded) == len(edges) + 6  # three endpoints of each of our two monitors
    for job in guarded:
        assert {"sample_limit", "target_limit", "label_limit"} <= job.keys(), job["job_name"]
        assert [each["action"] for each in job["metric_relabel_configs"]] == ["labeldrop"]
    assert refused(platform) == []


def test_a_configuration_that_is_wrong_is_found(platform: Platform, tmp_path: Path) -> None:
    config = copy.deepcopy(live.prometheus_config(platform.cluster))
    config["scrape_configs"][0]["relabel_configs"] = [
        {"action": "replace", "regex": "(", "target_label": "x"}
    ]
    assert "FAILED" in checked(config, {}, tmp_path)


@pytest.mark.usefixtures("real_crds")
def test_the_operator_would_say_if_it_did_not_take_one(platform: Platform, kubectl: Kubectl) -> None:
    wrong = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": "wrong", "namespace": "monitoring"},
        "spec": {
            "selector": {},
            "podMetricsEndpoints": [{"port": "x", "relabelings": [{"action": "keep", "regex": "("}]}],
        },
    }
    kubectl.apply(wrong)
    try:
        assert eventually(lambda: refused(platform))
    finally:
        kubectl.run("delete", "podmonitors.monitoring.coreos.com", "wrong", "--namespace=monitoring")
        forget(kubectl)


def pod(name: str, ports: Mapping[str, int], annotations: Mapping[str, str], **labels: str) -> dict[str, Any]:
    declared = [{"name": name, "containerPort": number} for name, number in ports.items()]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "labels": labels,
            "annotations": {f"depin.ai/{key}": value for key, value in annotations.items()},
        },
        "spec": {"containers": [{"name": "main", "image": "a:1", "ports": declared}]},
    }


def service(name: str, port: str, annotations: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "labels": LABEL,
            "annotations": {f"depin.ai/{key}": value for key, value in annotations.items()},
        },
        "spec": {"selector": {"app": name}, "ports": [{"name": port, "port": 80, "targetPort": "web"}]},
    }


#: Pods and Services → where they are to be scraped: of each pod its port and path.
FOUND: dict[str, tuple[list[dict[str, Any]], dict[str, set[str]]]] = {
    "a port called metrics": (
        [pod("plain", {"web": 80, "metrics": 8080}, {}, **LABEL)],
        {"plain": {":8080/metrics"}},
    ),
    "a port by its name, and a path": (
        [pod("named", {"web": 80, "stats": 9100}, {"metrics-port": "stats", "metrics-path": "/x"}, **LABEL)],
        {"named": {":9100/x"}},
    ),
    "a port by its number": (
        [pod("numbered", {"web": 80, "metrics": 81}, {"metrics-port": "80"}, **LABEL)],
        {"numbered": {":80/metrics"}},
    ),
    "a port that is not declared": (
        [pod("undeclared", {}, {"metrics-port": "9400"}, **LABEL)],
        {"undeclared": {":9400/metrics"}},
    ),
    "no label": ([pod("unlabelled", {"metrics": 8080}, {})], {}),
    "a label that says no": ([pod("no", {"metrics": 8080}, {}, **{"depin.ai/metrics": "false"})], {}),
    "a Service's port called metrics": (
        [pod("served", {"web": 80}, {}, app="served"), service("served", "metrics", {})],
        {"served": {":80/metrics"}},
    ),
    "a Service's port by its name, and a path": (
        [
            pod("behind", {"web": 80, "other": 81}, {}, app="behind"),
            service("behind", "http", {"metrics-port": "http", "metrics-path": "/y"}),
        ],
        {"behind": {":80/y"}},
    ),
    "a Service's port by its number at the pod": (
        [pod("far", {"web": 80}, {}, app="far"), service("far", "http", {"metrics-port": "9200"})],
        {"far": {":9200/metrics"}},
    ),
    "both": (
        [pod("both", {"web": 80, "metrics": 8080}, {}, app="both", **LABEL), service("both", "metrics", {})],
        {"both": {":8080/metrics"}},
    ),
}


@pytest.fixture(scope="module")
def targets(
    platform: Platform, kubectl: Kubectl, real_crds: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Asks a real Prometheus, with the operator's configuration, for the targets that it has found.

    It finds them at the sandbox's API server. It scrapes none: each scrape would go through a proxy, and
    there is none.
    """
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    kubectl.apply(namespace)
    eventually(lambda: kubectl.get("serviceaccount", "default", "--namespace=shop"))
    kubectl.apply(*(item for items, _ in FOUND.values() for item in items))
    jobs = [
        job
        for job in live.prometheus_config(platform.cluster)["scrape_configs"]
        if re.search("/monitoring/depin-(pods|services)/", job["job_name"])
    ]
    assert len(jobs) == 6
    for job in jobs:
        job["proxy_url"] = NOWHERE
        job["kubernetes_sd_configs"] = [
            {**each, "kubeconfig_file": str(platform.program.kubeconfig)}
            for each in job["kubernetes_sd_configs"]
        ]
    folder = tmp_path_factory.mktemp("discovery")
    try:
        # In the pod the configuration's reloader puts it in.
        config = yamlio.dump({"scrape_configs": jobs}).replace("$(SHARD)", "0")
        with servers.prometheus(folder, config) as server:

            def ask() -> dict[str, set[str]]:
                found: dict[str, set[str]] = {}
                for target in server.get("/api/v1/targets", state="active").json()["data"]["activeTargets"]:
                    where = re.sub(r"^http://[\d.]+", "", target["scrapeUrl"])
                    assert where not in found.get(target["labels"]["pod"], set()), f"twice: {target}"
                    found.setdefault(target["labels"]["pod"], set()).add(where)
                return found

            yield ask
    finally:
        kubectl.run("delete", "namespace", "shop", "--wait=false")


def test_pods_and_services_with_the_label_are_found_in_any_namespace(targets: Any) -> None:
    expected = {name: where for _, wanted in FOUND.values() for name, where in wanted.items()}
    with contextlib.suppress(AssertionError):  # the comparison below says more
        eventually(lambda: targets() == expected)
    assert targets() == expected
