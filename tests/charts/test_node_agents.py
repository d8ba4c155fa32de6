"""The node agents take what their admission policy lets them; the API server itself is asked in a sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.charts.checks.model import Platform
from tests.charts.checks.pods import pods_of
from tests.charts.mutants import Change, broken, mount, pod, volume


def overreaching(platform: Platform) -> Iterator[str]:
    """What pods in node-agents take from their node beyond what the values let their service account have."""
    agents = platform.values["depin-foundation"]["nodeAgents"]["serviceAccounts"]
    for pods in pods_of(platform):
        if pods.owner.namespace != "node-agents":
            continue
        agent = agents.get(pods.spec.get("serviceAccountName"), {})
        host = {each["name"]: each["hostPath"]["path"] for each in pods.spec["volumes"] if "hostPath" in each}
        for path in host.values():
            known = agent.get("hostPaths", [])
            if not any(path == each or path.startswith(f"{each.rstrip('/')}/") for each in known):
                yield f"{pods.owner}: {path}"
        for container in pods.containers:
            for each in container["volumeMounts"]:
                if each["name"] in host and not each.get("readOnly"):
                    yield f"{pods.owner}: {host[each['name']]} to write"
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if pods.spec.get(field) and not agent.get(field):
                yield f"{pods.owner}: {field}"


@pytest.mark.usefixtures("real_charts")
def test_no_agent_takes_more_than_its_values_say(platform: Platform) -> None:
    assert list(overreaching(platform)) == []
    there = {policy.name for policy in platform.of_kind("ValidatingAdmissionPolicy")}
    bound = {
        binding.data["spec"]["policyName"] for binding in platform.of_kind("ValidatingAdmissionPolicyBinding")
    }
    assert there == bound == {"depin-node-agents"}


MUTANTS: dict[str, tuple[Change, str]] = {
    "another folder": (
        lambda data: volume(data, "varlog")["hostPath"].update(path="/var/lib"),
        "/var/lib",
    ),
    "a folder to write": (lambda data: mount(data, "varlog").pop("readOnly"), "/var/log to write"),
    "the network": (lambda data: pod(data).update(hostNetwork=True), "hostNetwork"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_an_agent_that_takes_more_is_found(prod: Platform, mutant: str) -> None:
    change, problem = MUTANTS[mutant]
    assert list(overreaching(broken(prod, "DaemonSet", "fluent-bit", change))) == [
        f"DaemonSet node-agents/fluent-bit: {problem}"
    ]
