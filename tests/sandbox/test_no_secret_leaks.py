"""No generated value is ever seen outside the Kubernetes Secret that it is for.

The commands are run on the platform's sandbox as a user runs them, and everything is gathered that they say,
write, leave behind, hand to Helm, and put on the cluster.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from depin_helm import secrets
from depin_helm.cluster import Cluster
from depin_helm.sandbox import Sandbox
from tests.sandbox import leaks, live
from tests.sandbox.program import Program
from tests.tier import UMBRELLA, Tier

ENV = ("--env", "sandbox")
#: One that others are derived from, and one that is derived within itself.
ROTATED = ("fluent-bit-elasticsearch", "prometheus-basic-auth")

#: Command line, then its exit code. The first one makes the values.
COMMANDS = [
    (("install", "--yes"), 0),
    (("secrets", "--rotate", ROTATED[0], "--yes"), 0),
    (("secrets", "--rotate", ROTATED[1], "--yes", "--output", "json"), 0),
    (("upgrade", "--yes", "--output", "json"), 0),
    (("diff", "--set", "depin-fluent-bit.logLevel=debug", "--output", "json"), 0),
    (("install", "--dry-run", "--set", "depin-fluent-bit.logLevel=debug"), 0),
    (("install", "--yes", "--set", "grafana.x=1"), 3),
    (("status",), 0),
    (("secrets",), 0),
    (("secrets", "--create", "--output", "json"), 0),
    (("secrets", "--show", "grafana-admin"), 2),
    (("render",), 0),
]

#: Helm, which leaves its arguments, its environment and the files that it is given in a folder.
HELM = """#!/bin/sh
record=$(mktemp -d "{records}/XXXXXX")
{{ printf '%s\\n' "$@"; env; }} > "$record/command"
for argument; do
  if [ -f "$argument" ]; then cp "$argument" "$(mktemp "$record/fileXXXXXX")"; fi
done
exec "{helm}" "$@"
"""


@dataclass(frozen=True, repr=False)
class Traces:
    """By name, the values that there were; and all that was gathered, by where it was."""

    values: Mapping[str, bytes]
    places: Mapping[str, bytes]
    shown: Mapping[str, bytes]


def generated(cluster: Cluster) -> dict[str, bytes]:
    """Every value that depin-helm made, by namespace/name/key and what tells it from an earlier one."""
    found = {}
    specs = secrets.load(UMBRELLA)
    for name, secret in secrets.read(specs, cluster).items():
        rules = next(spec.rules for spec in specs if str(spec) == name)
        for key, value in secrets.content(secret).items():
            if key in rules and (rules[key].random or rules[key].sources):
                found[f"{name}/{key} {hash(value)}"] = value
    return found


def on_cluster(cluster: Cluster) -> dict[str, bytes]:
    """All objects but Secrets, and Helm's records, which are some."""
    return {
        "/".join(name): item["data"]["release"].encode()
        if live.is_release(item)
        else json.dumps(item).encode()
        for name, item in live.objects(cluster).items()
        if item["kind"] != "Secret" or live.is_release(item)
    } | {
        f"event {number}": json.dumps(item).encode()
        for number, item in enumerate(cluster.list("v1", "Event"))
    }


@pytest.fixture(scope="module")
def traces(
    tier: Tier, sandbox: Sandbox, binaries: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Traces:
    """What all the commands left."""
    folder = tmp_path_factory.mktemp("leaks")
    work, temporary, records = (folder / name for name in ("work", "tmp", "records"))
    for each in (work, temporary, records):
        each.mkdir()
    helm = folder / "helm"
    helm.write_text(HELM.format(records=records, helm=binaries["helm"]))
    helm.chmod(0o755)
    program = Program(tier, sandbox.kubeconfig, work, helm, {"TMPDIR": str(temporary)})

    began = time.time()
    values: dict[str, bytes] = {}
    places: dict[str, bytes] = {}
    with Cluster.connect(sandbox.kubeconfig, environ={}) as cluster, leaks.command_lines() as seen:
        for spec in secrets.load(UMBRELLA):  # of another test: these were made unseen
            cluster.delete("v1", "Secret", spec.name, spec.namespace)
        assert generated(cluster) == {}
        for number, (arguments, code) in enumerate(COMMANDS):
            done = program.run(arguments[0], *ENV, *arguments[1:], code=code)
            places[f"{number} {' '.join(arguments)}"] = (done.stdout + done.stderr).encode()
            values |= generated(cluster)
        shown = program.run("secrets", *ENV, "--show", "grafana-admin", "--yes")
        places |= on_cluster(cluster)
    places["command lines"] = b"\0".join(seen)
    caches = [tier.cache / name for name in ("assembled", "helm", "interfaces", "verdicts")]
    places |= leaks.files([work, temporary, records, *caches], since=began)
    return Traces(values, places, {"shown": shown.stdout.encode()})


def test_no_generated_value_is_seen_outside_of_its_secret(traces: Traces) -> None:
    assert leaks.find(traces.values, traces.places) == []


def test_every_value_was_looked_for_those_from_before_a_rotation_too(traces: Traces) -> None:
    names = [name.partition(" ")[0] for name in traces.values]
    rules = {f"{spec}/{key}": rule for spec in secrets.load(UMBRELLA) for key, rule in spec.rules.items()}
    assert set(names) == {name for name, rule in rules.items() if rule.random or rule.sources}
    for name in ("node-agents/fluent-bit-elasticsearch/password", "monitoring/prometheus-basic-auth/auth"):
        assert names.count(name) == 2


def test_the_search_finds_a_value_where_somebody_asked_to_see_it(traces: Traces) -> None:
    assert [found.partition(" ")[0] for found in leaks.find(traces.values, traces.shown)] == [
        "monitoring/grafana-admin/admin-password"
    ]


def test_everything_was_gathered(traces: Traces) -> None:
    def any_place(start: str, *contents: bytes) -> bool:
        return any(
            start in place and all(content in text for content in contents)
            for place, text in traces.places.items()
        )

    assert any_place("/records/", b"upgrade\n", b"--install\n", b"PATH=")
    assert any_place("/records/", b"layered")
    assert any_place("/work/deploy-operators-", b"layer foundation")
    assert any_place("command lines", b"depin_helm")
    assert any_place("render", b"grafana-admin")
    assert any_place("StatefulSet/logging/elasticsearch-master")
    records = {place for place in traces.places if "sh.helm.release.v1" in place}
    assert records
    decoded = base64.b64decode(traces.places[sorted(records)[0]])
    assert decoded != b""
