"""Elasticsearch's setup Job: its script and payloads, as rendered, against a server as strict as the real."""

from __future__ import annotations

import copy
import re
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from depin_helm import secrets, yamlio
from depin_helm.sandbox import pki
from tests.charts.checks.model import Platform
from tests.charts.rendering import Renderer
from tests.charts.setup.elasticsearch import Elasticsearch
from tests.charts.setup.running import Run, content, job, run, variables
from tests.charts.setup.serving import RefusedError, serve
from tests.tier import UMBRELLA

NAME = "elasticsearch-setup"
#: With what has to be escaped for curl.
LOGIN = ("depin-setup", 'pass"word\\of 42 $HOME')
BUSY = RefusedError(429, "es_rejected_execution_exception", "rejected execution")
AWAY = RefusedError(503, "cluster_block_exception", "no master")


def roles() -> dict[str, Any]:
    """What depin-setup may, of secrets.yaml."""
    (spec,) = [each for each in secrets.load(UMBRELLA) if each.name == "elasticsearch-file-realm"]
    held = spec.rules["users_roles"].make().decode().splitlines()
    names = [
        role for role, _, users in (line.partition(":") for line in held) if LOGIN[0] in users.split(",")
    ]
    return {name: yamlio.load(spec.rules["roles.yml"].make())[name] for name in names}


@dataclass
class Place:
    """A server with certificates, and a folder to run the script in."""

    folder: Path
    server: Elasticsearch

    def run(self, files: Mapping[str, str], **options: Any) -> Run:
        options = {"authority": self.folder / "pki" / "ca.crt", **options}
        login = options.pop("login", LOGIN)
        with serve(self.server, self.folder / "pki"):
            return run(files, self.folder, self.server.url, login, **options)


@pytest.fixture(scope="module", name="certificates")
def made_certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates") / "pki"
    pki.write(folder)
    return folder


@pytest.fixture(name="place")
def made_place(tmp_path: Path, certificates: Path) -> Place:
    (tmp_path / "pki").symlink_to(certificates)
    return Place(tmp_path, Elasticsearch({LOGIN[0]: LOGIN[1]}, roles=roles()))


@pytest.fixture(scope="module", name="files")
def of_prod(renderer: Renderer) -> dict[str, str]:
    """What the Job of `prod` reads, with snapshots."""
    return content(with_snapshots(renderer), NAME)


def with_snapshots(renderer: Renderer) -> Platform:
    settings = {"bucket": "depin-snapshots", "base_path": "prod"}
    snapshots = {"enabled": True, "repository": {"type": "s3", "settings": settings}}
    return renderer.as_one(
        "with snapshots", {"depin-elasticsearch": {"snapshots": snapshots}}, "depin-platform"
    )


def test_an_empty_elasticsearch_is_set_up(layered: Platform, place: Place) -> None:
    files = content(layered, NAME)
    place.server.health = "yellow" if layered.name in ("dev", "edge") else "green"
    done = place.run(files)
    assert (done.code, done.last) == (0, "done: 12 requests"), done.log
    kinds = {kind for kind, _ in place.server.state}
    assert kinds == {"policy", "pipeline", "component", "template", "stream"}
    assert {name for kind, name in place.server.state if kind == "stream"} == {
        "depin-logs",
        "depin-logs-dead-letter",
    }


def test_it_comes_in_the_order_in_which_each_needs_the_others(files: dict[str, str], place: Place) -> None:
    assert place.run(files).code == 0
    order = ["_cluster/health", "_ilm", "_ingest", "_component_template", "_index_template", "_data_stream"]
    asked = place.server.asked
    first = [next(n for n, each in enumerate(asked) if f"/{part}" in each) for part in order]
    assert first == sorted(first)
    assert asked.index("PUT /_snapshot/depin-snapshots") < asked.index("PUT /_slm/policy/depin-snapshots")


def test_again_it_changes_nothing(files: dict[str, str], place: Place) -> None:
    assert place.run(files).code == 0
    before = copy.deepcopy(place.server.state)
    again = place.run(files)
    assert (again.code, again.last) == (0, "done: 13 requests")
    assert place.server.state == before


def test_snapshots_are_made_and_kept_as_the_values_have_it(place: Place, files: Mapping[str, str]) -> None:
    place.run(files)
    assert place.server.state["repository", "depin-snapshots"]["settings"]["bucket"] == "depin-snapshots"
    policy = place.server.state["snapshots", "depin-snapshots"]
    assert policy["schedule"] == "0 30 1 * * ?"
    assert policy["retention"] == {"expire_after": "30d", "min_count": 7, "max_count": 100}
    assert policy["config"]["indices"] == ["depin-logs*"]
    assert policy["config"]["feature_states"] == ["kibana"]


def test_snapshots_end_when_they_are_turned_off(
    files: dict[str, str], renderer: Renderer, place: Place
) -> None:
    assert place.run(files).code == 0
    assert ("snapshots", "depin-snapshots") in place.server.state
    assert place.run(content(renderer.layered("prod"), NAME)).code == 0
    assert ("snapshots", "depin-snapshots") not in place.server.state


def test_other_values_reach_what_is_there(files: dict[str, str], renderer: Renderer, place: Place) -> None:
    assert place.run(files).code == 0
    place.server.health = "yellow"
    assert place.run(content(renderer.layered("edge"), NAME)).code == 0
    assert place.server.state["stream", "depin-logs"]["number_of_replicas"] == 0
    policy = place.server.state["policy", "depin-logs"]["policy"]["phases"]
    assert policy["delete"]["min_age"] == "7d"


@pytest.mark.parametrize(
    "passing",
    [
        BUSY,
        AWAY,
        RefusedError(502, "bad_gateway", "nobody behind"),
        RefusedError(401, "security_exception", "unknown user"),
        RefusedError(409, "repository_exception", "trying to modify a repository that is currently used"),
    ],
    ids=lambda refusal: str(refusal.status),
)
def test_what_passes_is_waited_for(files: dict[str, str], place: Place, passing: RefusedError) -> None:
    place.server.faults = deque([passing] * 3)
    done = place.run(files)
    assert done.code == 0, done.log
    assert place.server.answers[:4] == [passing.status] * 3 + [200]
    # What is the same is said once.
    assert done.log.count(f" {passing.status} ") == 1


def test_in_the_middle_too_and_nothing_is_left_out(files: dict[str, str], place: Place) -> None:
    place.server.silent = 2
    watched = iter(range(100))

    def disturb() -> None:
        if next(watched) == 5:
            place.server.faults.append(BUSY)

    place.server.watch = disturb
    done = place.run(files)
    assert done.code == 0, done.log
    assert 429 in place.server.answers[3:]
    assert "curl: (52)" in done.log
    wanted = [line.split()[:2] for line in files["requests"].splitlines()]
    sent = [request.split() for request in dict.fromkeys(place.server.asked)]
    assert sent == [[method, path.partition("?")[0]] for method, path in wanted]


def test_nothing_is_asked_of_a_cluster_that_is_not_green(files: dict[str, str], place: Place) -> None:
    place.server.health = "yellow"
    done = place.run(files, deadline=1)
    assert done.code == 1
    assert re.match(r"failed: not within 1 s: GET /_cluster/health\S+: 408 .*yellow", done.last)
    assert set(place.server.asked) == {"GET /_cluster/health"}


def test_a_cluster_that_turns_green_in_time_is_set_up(files: dict[str, str], place: Place) -> None:
    place.server.health = "red"

    def heal() -> None:
        place.server.health = "green" if len(place.server.requests) > 3 else "red"

    place.server.watch = heal
    assert place.run(files).code == 0
    assert place.server.answers[:4] == [408, 408, 408, 200]


def test_where_nobody_listens_it_ends_with_its_deadline(files: dict[str, str], tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound, and not listened at
        taken.bind(("127.0.0.1", 0))
        url = f"https://localhost:{taken.getsockname()[1]}"
        done = run(files, tmp_path, url, LOGIN, deadline=1)
    assert done.code == 1
    assert re.match(r"failed: not within 1 s: GET /_cluster/health\S+: curl: \(7\)", done.last), done.log


def test_a_user_that_no_node_knows_is_named_in_the_end(files: dict[str, str], place: Place) -> None:
    done = place.run(files, login=(LOGIN[0], "another"), deadline=1)
    assert done.code == 1
    assert "401" in done.last
    assert "unable to authenticate" in done.last
    assert set(place.server.answers) == {401}


def test_a_server_of_another_authority_gets_no_password(files: dict[str, str], place: Place) -> None:
    done = place.run(files, authority=place.folder / "pki" / "certificates-ca.crt")
    assert done.code == 1
    assert "curl: (60)" in done.last
    assert "again" not in done.log
    assert place.server.requests == []


#: What the user may, each by itself; Elasticsearch asks for the last only when a snapshot is made.
RIGHTS = [right for right in roles()["depin_setup"]["cluster"] if right != "create_snapshot"]


@pytest.mark.parametrize("right", RIGHTS)
def test_each_right_of_the_user_is_needed_and_a_lack_is_told_at_once(
    files: dict[str, str], place: Place, right: str
) -> None:
    role = roles()["depin_setup"]
    lesser = [each for each in role["cluster"] if each != right]
    place.server.roles = {"depin_setup": {**role, "cluster": lesser}}
    done = place.run(files)
    assert done.code == 1
    assert re.match(r"failed: \w+ /\S+: 403 .*unauthorized", done.last), done.log
    assert place.server.answers.count(403) == 1


def test_the_rights_end_with_the_platforms_own_logs(files: dict[str, str], place: Place) -> None:
    role = roles()["depin_setup"]
    assert [grant["names"] for grant in role["indices"]] == [["depin-logs*"]]
    elsewhere = {**files, "requests": "PUT /_data_stream/others 200\n"}
    assert "403" in place.run(elsewhere).last


WRONG: list[tuple[str, Callable[[dict[str, str]], None], str]] = [
    (
        "a path that there is not",
        lambda f: f.update(requests="PUT /_ilm/policies/a 200 ilm-logs.json\n"),
        "400",
    ),
    ("another method", lambda f: f.update(requests="POST /_ilm/policy/a 200 ilm-logs.json\n"), "405"),
    (
        "a parameter of another API",
        lambda f: f.update(requests="GET /_cluster/health?verify=true 200\n"),
        "400",
    ),
    ("no JSON", lambda f: f.update({"ilm-logs.json": f["ilm-logs.json"][:-3]}), "400"),
    ("no payload", lambda f: f.update(requests="PUT /_ilm/policy/a 200\n"), "400"),
    (
        "an action that there is not",
        lambda f: f.update({"ilm-logs.json": f["ilm-logs.json"].replace('"readonly"', '"read_only"')}),
        "400",
    ),
    (
        "an action of another phase",
        lambda f: f.update({"ilm-logs.json": f["ilm-logs.json"].replace('"rollover"', '"migrate"')}),
        "400",
    ),
    (
        "phases the wrong way round",
        lambda f: f.update({"ilm-logs.json": f["ilm-logs.json"].replace('"30d"', '"1d"')}),
        "400",
    ),
    (
        "a type that there is not",
        lambda f: f.update({"mappings-logs.json": f["mappings-logs.json"].replace('"ip"', '"ipv4"')}),
        "400",
    ),
    (
        "a setting that there is not",
        lambda f: f.update({"settings-logs.json": f["settings-logs.json"].replace("codec", "compression")}),
        "400",
    ),
    (
        "a processor's misspelt option",
        lambda f: f.update(
            {"pipeline-logs.json": f["pipeline-logs.json"].replace("ignore_missing", "ignoreMissing")}
        ),
        "400",
    ),
    (
        "a component that is not there yet",
        lambda f: f.update(
            requests="\n".join(line for line in f["requests"].splitlines() if "mappings" not in line) + "\n"
        ),
        "400",
    ),
    (
        "a stream before its policy",
        lambda f: f.update(
            requests="\n".join(line for line in f["requests"].splitlines() if "_ilm" not in line) + "\n"
        ),
        "400",
    ),
]


@pytest.mark.parametrize(
    ("break_it", "status"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG]
)
def test_what_elasticsearch_refuses_ends_it_at_once(
    files: dict[str, str], place: Place, break_it: Callable[[dict[str, str]], None], status: str
) -> None:
    broken = dict(files)
    break_it(broken)
    assert broken != files
    done = place.run(broken)
    assert done.code == 1, done.log
    assert re.match(rf"failed: \w+ /\S+: {status} ", done.last)
    assert place.server.answers[-1] == int(status)
    assert place.server.answers.count(int(status)) == 1


def commands() -> Iterator[bytes]:
    """Arguments and variables of all processes."""
    for process in Path("/proc").glob("[0-9]*"):
        for file in ("cmdline", "environ"):
            try:
                yield (process / file).read_bytes()
            except OSError:
                continue


@pytest.mark.parametrize("fails", [False, True])
def test_no_password_is_in_arguments_variables_or_the_log(
    files: dict[str, str], place: Place, fails: bool
) -> None:
    password = LOGIN[1].encode()
    seen: list[bytes] = []
    place.server.watch = lambda: seen.extend(commands())
    place.server.faults = deque([RefusedError(403, "security_exception", "no")] if fails else [])
    done = place.run(files)
    assert done.code == fails
    assert any(b"--config" in each and b"curl" in each for each in seen)
    assert not [each for each in seen if password in each or b'pass\\"word' in each]
    assert "pass" not in done.log
    assert {request.user for request in place.server.requests} == {LOGIN[0]}


#: The script with one thing broken, and who has to notice.
def refuses_strangers(place: Place, files: dict[str, str]) -> bool:
    place.run(files, authority=place.folder / "pki" / "certificates-ca.crt")
    return not place.server.requests


def waits(place: Place, files: dict[str, str]) -> bool:
    place.server.faults = deque([BUSY, AWAY])
    return place.run(files).code == 0


def gives_up(place: Place, files: dict[str, str]) -> bool:
    place.server.faults = deque([RefusedError(403, "security_exception", "no")])
    return place.run(files, deadline=2).code != 0


def keeps_its_deadline(place: Place, files: dict[str, str]) -> bool:
    place.server.faults = deque([AWAY] * 60)
    return place.run(files, deadline=1).last.startswith("failed: not within 1 s")


def is_idempotent(place: Place, files: dict[str, str]) -> bool:
    return place.run(files).code == 0 and place.run(files).code == 0


def hides_the_password(place: Place, files: dict[str, str]) -> bool:
    seen: list[bytes] = []
    place.server.watch = lambda: seen.extend(commands())
    place.run(files, login=(LOGIN[0], "hunter2hunter2"), deadline=1)
    return not any(b"hunter2hunter2" in each for each in seen)


def escapes_the_password(place: Place, files: dict[str, str]) -> bool:
    return place.run(files, deadline=1).code == 0


MUTANTS = [
    ('--cacert "$CA"', "--insecure", refuses_strangers),
    ("408 409 429 502", "408 502", waits),
    ("502 503 504", "502 504", waits),
    ("passing || fail", "true || fail", gives_up),
    ("((SECONDS < DEADLINE)) ||", "true ||", keeps_its_deadline),
    ('*"${each#*:}"*', '"${each#*:}"', is_idempotent),
    ("--config <(login)", '--header "Authorization: $(<"$CREDENTIALS/password")"', hides_the_password),
    ('${user//\\"/\\\\\\"}" "${password//\\"/\\\\\\"}"', '$user" "$password"', escapes_the_password),
]


@pytest.mark.parametrize(("old", "new", "check"), MUTANTS, ids=[each[0] for each in MUTANTS])
def test_a_script_that_is_broken_is_noticed(
    files: dict[str, str], place: Place, old: str, new: str, check: Callable[[Place, dict[str, str]], bool]
) -> None:
    assert check(place, files)
    broken = {**files, "apply.sh": files["apply.sh"].replace(old, new)}
    assert broken != files
    place.server = Elasticsearch({LOGIN[0]: LOGIN[1]}, roles=roles())
    assert not check(place, broken)


def test_the_pod_tells_the_script_what_it_needs(platform: Platform) -> None:
    told = variables(platform, NAME)
    assert told["URL"] == "https://elasticsearch-master.logging.svc:9200"
    assert told.keys() == {"URL", "REQUESTS", "CREDENTIALS", "CA", "DEADLINE"}
    spec = job(platform, NAME).data["spec"]["template"]["spec"]
    mounted = {mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
    assert all(
        any(told[key].startswith(path) for path in mounted) for key in ("REQUESTS", "CREDENTIALS", "CA")
    )
    assert spec["automountServiceAccountToken"] is False


def test_its_name_changes_with_what_it_does_and_with_nothing_else(renderer: Renderer) -> None:
    def named(**values: Any) -> str:
        given = {"depin-elasticsearch": values} if values else {}
        return job(renderer.as_one("x", given, "depin-platform"), NAME).name

    plain = named()
    assert named() == plain
    assert named(certificates={"enabled": True}) == plain
    others = [
        named(logs={"replicas": 2}),
        named(logs={"delete": {"after": "10d"}}),
        named(setup={"deadlineSeconds": 60}),
        named(setup={"waitFor": "yellow"}),
    ]
    assert len({plain, *others}) == 5
