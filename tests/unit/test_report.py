"""Every result, as text and as JSON; docs/output.md says what the JSON holds, and is held to it here."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from depin_helm import yamlio
from depin_helm.charts import CachedChart, Change, Dependency, Imported, Verified
from depin_helm.charts import State as ChartState
from depin_helm.checks import Listed, Notice, Result, Skipped, Waived
from depin_helm.cluster import CrdState, Identity
from depin_helm.diff import Action, FieldChange
from depin_helm.diff import Change as ObjectChange
from depin_helm.errors import DepinHelmError, Finding, HelmError, UsageError, ValuesError
from depin_helm.preparation import Prepared
from depin_helm.removal import Leftovers
from depin_helm.report import Report
from depin_helm.rollout import Progress, State
from depin_helm.sandbox import Sandbox
from depin_helm.sandbox import Status as SandboxStatus
from depin_helm.secrets import Rotation, SecretSpec, SecretState, User
from depin_helm.secrets import Step as RotationStep
from depin_helm.secrets.specs import Renewal
from depin_helm.status import LayerStatus, PlatformStatus
from depin_helm.tools import Step
from depin_helm.values import Origin
from tests.tier import ROOT

FINDINGS = (
    Finding("values/prod.yaml", 12, 5, "a.b.c", "must be a number, not text", "remove the quotes", "type"),
    Finding("--set", 0, 0, "d", "must be a mapping", rule="schema"),
    Finding("values/prod.yaml", 3, 1, "", "a tab in the indentation", "indent with spaces"),
)
LISTED = (Listed("a-rule", "what is to be true", "what happens else", waivable=False),)
RESULT = Result(
    FINDINGS,
    (Waived(FINDINGS[0], "because"),),
    (Skipped("kibana", "not in the cache"),),
    (Notice("old", "it is old", "take another"),),
)
HELM = HelmError("timed out", hint="wait longer", causes=["Pod a: no image", "Pod b: no node"])
VALUES = ValuesError(FINDINGS, hint="depin-helm validate --env prod")
CHART = CachedChart("kibana", "8.5.1", "sha256:abc", Path("/cache/kibana.tgz"))
ENDS = (
    Progress("base", State.DEPLOYED, 12.34),
    Progress("left", State.FAILED, 3.0, error=HELM),
    Progress("right", State.FAILED, 3.0, error=UsageError("no such thing")),
    Progress("top", State.BLOCKED, blocked_by=("left", "right")),
)
GONE = (Progress("base", State.REMOVED, 1.0, error=HELM, blocked_by=("top",)),)
LEFTOVERS = Leftovers(("Namespace logging", "Secret logging/a"), ("CustomResourceDefinition b",))
CHANGES = (
    ObjectChange(
        Action.UPDATE,
        *("monitoring", "v1", "ConfigMap", "monitoring", "a"),
        (FieldChange("data.b", "1", None),),
        *("data:\n  b: '1'\n", "data: {}\n", "b is immutable"),
    ),
    ObjectChange(Action.CREATE, "base", "v1", "Namespace", "", "new", (), "", "kind: Namespace\n"),
)
STATUS = PlatformStatus(
    "prod",
    Identity("here", "https://127.0.0.1:1", "uid", "default"),
    "sha256:0123456789abcdef",
    (
        LayerStatus(
            *(
                "base",
                "one",
                "deployed",
                2,
                "depin-platform 0.1.0",
                "sha256:fedcba9876543210",
                "today",
                (1, 2),
            ),
            note="an upgrade would install other charts",
            causes=("Job one/setup: container setup (image:1) ended with exit code 1: failed: no",),
        ),
        LayerStatus("top", "two", "not installed"),
    ),
)
SECRETS = (
    SecretState(
        *("logging", "a", "kibana", ("user", "password"), True, ("password",), ("user",)),
        ours=True,
        outdated=("user",),
        used_by=(User("logging", "Deployment", "kibana", ("kibana",), restart=True),),
    ),
    SecretState("logging", "b", "grafana", ("token",), False),
)
SPEC = SecretSpec("logging", "a", "kibana", {}, Renewal(keep={"NAME": "too much hangs on it"}))
ROTATION = Rotation(((SPEC, ("password",)),))
USERS = {
    "logging/a": (
        User("logging", "Deployment", "kibana", ("kibana",), restart=True),
        User("logging", "Ingress", "kibana"),
    )
}
STEPS = (RotationStep("it reads logging/a when it starts", "kubectl -n logging …"),)
VERIFIED = (Verified(Dependency("kibana", "8.5.1"), ChartState.OK, "sha256:abc", "sha256:abc"),)
SANDBOX = Sandbox("default", Path("/s"), "https://127.0.0.1:1", "c", Path("/s/kubeconfig"))
SANDBOXES = (
    SandboxStatus("default", "running", "", (), SANDBOX),
    SandboxStatus("old", "broken", "etcd died", (), None),
)
ORIGINS = {
    "NAME": (Origin("values.yaml", 3, 5, "1Gi"), Origin("values/prod.yaml", 12, 5, "2Gi")),
}

#: A heading of docs/output.md → what writes such a result.
RESULTS: Mapping[str, Callable[[Report], None]] = {
    "any command that fails without a result": lambda report: report.error(
        type("Both", (HelmError, ValuesError), {"__init__": _both})()
    ),
    "validate": lambda report: report.verdict("prod", RESULT),
    "validate --rules": lambda report: report.rules(LISTED),
    "values KEY": lambda report: report.origins(ORIGINS),
    "diff, install --dry-run": lambda report: report.changes(CHANGES),
    "install, upgrade": lambda report: report.rollout(ENDS),
    "uninstall": lambda report: report.rollout(GONE, LEFTOVERS),
    "status": lambda report: report.status(STATUS),
    "secrets": lambda report: report.secrets(SECRETS),
    "secrets --show": lambda report: report.secret(SPEC, "", {"NAME": b"\xff"}),
    "secrets --rotate": lambda report: report.rotated(ROTATION, USERS, STEPS),
    "crds": lambda report: report.crds({"NAME": CrdState.CREATED}),
    "charts list": lambda report: report.charts([CHART]),
    "charts pull, charts import": lambda report: report.imported([Imported(CHART, Change.NEW)]),
    "charts verify": lambda report: report.verified(VERIFIED),
    "sandbox up": lambda report: report.sandbox(SANDBOX),
    "sandbox status": lambda report: report.sandboxes(SANDBOXES),
}


def _both(error: Any) -> None:
    """An error with all that errors may have."""
    error.__dict__.update(message="m", hint="h", causes=("c",), findings=FINDINGS)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(show: Callable[[Report], None], *, as_json: bool = False) -> tuple[str, str]:
    """What goes to stdout and to stderr."""
    out, err = io.StringIO(), io.StringIO()
    show(Report(out, err, as_json))
    return out.getvalue(), err.getvalue()


def leaves(data: Any, stop: set[str], path: str = "") -> Iterator[tuple[str, str]]:
    """Each leaf's path, as docs/output.md writes it, and its type; not below the paths in `stop`."""
    if path in stop:
        yield path, "any"
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, stop, f"{path}.{key}" if path else key)
    elif isinstance(data, list):
        for item in data:
            yield from leaves(item, stop, f"{path}[]")
    else:
        words = {str: "text", bool: "true or false", int: "number", float: "number", type(None): "null"}
        yield path, words[type(data)]


def documented() -> dict[str, dict[str, str]]:
    """By heading, each field's type."""
    text = (ROOT / "docs/output.md").read_text()
    sections = re.split(r"^## (.*)$", text, flags=re.M)[1:]
    return {
        heading: dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", body, re.M))
        for heading, body in zip(sections[::2], sections[1::2], strict=True)
    }


def test_the_documentation_covers_every_result() -> None:
    assert list(documented()) == list(RESULTS)


@pytest.mark.parametrize("heading", RESULTS)
def test_json_holds_the_documented_fields_and_no_others(heading: str) -> None:
    fields = documented()[heading]
    data = json.loads(shown(RESULTS[heading], as_json=True)[0])
    found: dict[str, set[str]] = {}
    for path, word in leaves(data, {path for path, word in fields.items() if word == "any"}):
        found.setdefault(path, set()).add(word)
    assert found.keys() == fields.keys()
    for path, words in found.items():
        assert words <= set(fields[path].split(" or ")) | {fields[path]}, path


@pytest.mark.parametrize("heading", [heading for heading in RESULTS if heading not in ("sandbox up",)])
def test_with_json_nothing_is_said_beside_an_error(heading: str) -> None:
    assert bool(shown(RESULTS[heading], as_json=True)[1]) == heading.startswith("any command that fails")


@pytest.mark.parametrize("heading", RESULTS)
def test_text_has_no_control_characters_and_no_padding(heading: str) -> None:
    for text in shown(RESULTS[heading]):
        assert all(char.isprintable() or char == "\n" for char in text)
        assert not re.search(r" $", text, re.M)


def test_every_exit_code_is_documented() -> None:
    text = (ROOT / "docs/output.md").read_text()
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.M)}
    assert codes == {0, 10, DepinHelmError.exit_code} | {
        error.exit_code for error in DepinHelmError.__subclasses__()
    }


def test_a_finding_is_a_line_with_its_place_path_message_hint_and_rule() -> None:
    assert shown(lambda report: report.verdict("prod", RESULT)) == (
        "values/prod.yaml:12:5 a.b.c : must be a number, not text (remove the quotes) [type]\n"
        "--set d : must be a mapping [schema]\n"
        "values/prod.yaml:3:1 : a tab in the indentation (indent with spaces) [yaml]\n",
        "waived: values/prod.yaml:12:5 a.b.c : must be a number, not text (remove the quotes) [type]\n"
        "  because: because\n"
        "not checked: dead keys, types, Kubernetes objects of kibana: not in the cache\n"
        "  `depin-helm charts pull`, or `charts import`, brings the charts\n"
        "note: it is old\n  take another\n"
        "prod: 3 findings in the values\n",
    )


def test_a_finding_is_one_line_whatever_its_key_holds() -> None:
    result = Result((Finding("a.yaml", 1, 1, "a\nb", "unknown key", rule="dead-key"),))
    assert (
        shown(lambda report: report.verdict("prod", result))[0]
        == "a.yaml:1:1 a\\nb : unknown key [dead-key]\n"
    )


def test_what_was_not_checked_is_not_called_valid() -> None:
    partly = Result((), (), RESULT.skipped)
    assert shown(lambda report: report.verdict("prod", partly))[1].endswith("valid, as far as checked\n")
    assert shown(lambda report: report.verdict("prod", Result(()))) == ("", "prod: the values are valid\n")


def test_the_published_schema_says_what_validate_writes() -> None:
    published = json.loads((ROOT / "schema" / "findings.schema.json").read_text())
    Draft202012Validator.check_schema(published)
    validator = Draft202012Validator(published)
    data = json.loads(shown(RESULTS["validate"], as_json=True)[0])
    validator.validate(data)
    for part in ("findings", "waived", "skipped", "notices"):
        wrong: Any
        for wrong in ([{}], [{**data[part][0], "more": 1}], 1):
            assert not validator.is_valid({**data, part: wrong})
        assert not validator.is_valid({key: data[key] for key in data if key != part})


def test_findings_that_stop_a_command_are_no_result_of_it() -> None:
    out, err = shown(lambda report: report.error(VALUES))
    assert out == ""
    assert err.startswith("values/prod.yaml:12:5 a.b.c : ")
    assert err.endswith("Error: 3 findings in the values\n  depin-helm validate --env prod\n")


def test_an_error_says_what_why_and_what_next() -> None:
    assert shown(lambda report: report.error(HELM)) == (
        "",
        "Error: timed out\n  - Pod a: no image\n  - Pod b: no node\n  wait longer\n",
    )


def test_an_error_beside_a_result_leaves_the_result_alone() -> None:
    out, err = shown(lambda report: report.say_error(HELM), as_json=True)
    assert out == ""
    assert "timed out" in err


def test_columns_stand_below_each_other() -> None:
    out, _ = shown(lambda report: report.secrets(SECRETS))
    assert out == (
        "NAMESPACE  SECRET  KEYS            READ BY  USED BY            STATE\n"
        "logging    a       user, password  kibana   Deployment kibana  lacks password; "
        "user does not fit what it was made from; user is of an earlier chart\n"
        "logging    b       token           grafana                     absent\n"
    )


def test_a_secrets_values_are_yaml_and_one_alone_is_the_bare_text() -> None:
    content = {"a": b"two\nlines\n", "b": b"1", "c": b"\xff\x00"}
    out, err = shown(lambda report: report.secret(SPEC, "", content))
    assert yamlio.load(out) == {"a": "two\nlines\n", "b": "1", "c": "/wA="}
    assert err == "no text, and therefore in base64: c\n"
    assert shown(lambda report: report.secret(SPEC, "b", {"b": b"1"})) == ("1\n", "")


def test_a_rotation_is_a_script_of_what_is_left_to_do() -> None:
    out, _ = shown(lambda report: report.rotated(ROTATION, USERS, STEPS))
    assert out == (
        "# new: logging/a: password\n"
        "# takes it by itself: Ingress kibana in logging\n"
        "# it reads logging/a when it starts:\n"
        "kubectl -n logging …\n"
    )
    out, _ = shown(lambda report: report.rotated(ROTATION, {"logging/a": ()}, ()))
    assert "Nothing has to be started again" in out


def test_nothing_is_cut_off() -> None:
    long = "x" * 5000
    out, _ = shown(lambda report: report.crds({long: CrdState.CREATED}))
    assert f"{long}  created\n" in out


def test_what_others_wrote_cannot_steer_the_terminal() -> None:
    evil = HelmError("\x1b[2Jgone\r", causes=["a\x07\tb"])
    out, err = shown(lambda report: report.say_error(evil))
    ends = (Progress("a", State.FAILED, error=HelmError("x\x1b]0;y\nz")),)
    for text in (out, err, *shown(lambda report: report.rollout(ends))):
        assert all(char.isprintable() or char == "\n" for char in text)
    assert len(shown(lambda report: report.rollout(ends))[0].splitlines()) == 2


def test_a_rollouts_end_names_the_first_cause_of_each_failure() -> None:
    out, _ = shown(lambda report: report.rollout(ENDS))
    assert out == (
        "LAYER  STATE     TIME\n"
        "base   deployed  12.3 s\n"
        "left   failed    3.0 s   Pod a: no image\n"
        "right  failed    3.0 s   no such thing\n"
        "top    blocked           waits for left, right\n"
    )


def test_an_uninstallation_says_what_it_kept_and_what_it_deleted() -> None:
    _, err = shown(lambda report: report.rollout(GONE, LEFTOVERS))
    assert err == ("deleted:\n  CustomResourceDefinition b\nkept:\n  Namespace logging\n  Secret logging/a\n")
    assert shown(lambda report: report.rollout(GONE, Leftovers((), ())))[1] == ""


def test_status_is_a_line_per_layer() -> None:
    out, err = shown(lambda report: report.status(STATUS))
    assert err == "prod on sandbox default https://127.0.0.1:1 (context here)\n"
    header, base, top, cause = out.splitlines()
    assert cause == "base: Job one/setup: container setup (image:1) ended with exit code 1: failed: no"
    assert header.split() == ["LAYER", "NAMESPACE", "STATE", "REVISION", "CHART", "PODS", "CONTENT"]
    assert re.split(r"\s{2,}", base) == [
        *("base", "one", "deployed", "2", "depin-platform 0.1.0", "1/2", "fedcba987654"),
        "an upgrade would install other charts",
    ]
    assert top.split() == ["top", "two", "not", "installed"]


def test_changes_are_shown_as_differences_and_counted() -> None:
    assert shown(lambda report: report.changes(CHANGES)) == (
        "update ConfigMap/a in monitoring (layer monitoring)\n"
        "    ! b is immutable\n"
        "    @@ -1,2 +1 @@\n"
        "    -data:\n"
        "    -  b: '1'\n"
        "    +data: {}\n"
        "create Namespace/new (layer base)\n"
        "    @@ -0,0 +1 @@\n"
        "    +kind: Namespace\n",
        "2 changes: 1 to update, 1 to create\n",
    )
    assert shown(lambda report: report.changes(CHANGES[:1]))[1] == "1 change: 1 to update\n"
    assert shown(lambda report: report.changes(())) == ("", "No changes.\n")


def test_one_finding_is_not_said_to_be_several() -> None:
    assert shown(lambda report: report.error(ValuesError(FINDINGS[:1])))[1].endswith(
        "1 finding in the values\n"
    )


def test_origins_read_from_what_counts_down_to_what_it_overrides() -> None:
    chain = (Origin("chart.yaml", 3, 5, "1Gi"), Origin("prod.yaml", 12, 5, None), Origin("--set", 0, 0, "ä"))
    items = [{"name": "A", "value": "1"}]
    origins = {
        "a.b": chain,
        "c": (Origin("chart.yaml", 1, 1, items), Origin("prod.yaml", 2, 1, [])),
        "d": (Origin("chart.yaml", 4, 1, "two\nlines\n"),),
        "e": (Origin("chart.yaml", 5, 1, {}),),
        "f": (Origin("chart.yaml", 6, 1, items),),
    }
    assert shown(lambda report: report.origins(origins))[0] == (
        'a.b: "ä"\n'
        "    from --set\n"
        "    overrides what prod.yaml:12:5 gives: null\n"
        '    overrides what chart.yaml:3:5 gives: "1Gi"\n'
        "c: []\n"
        "    from prod.yaml:2:1\n"
        "    overrides what chart.yaml:1:1 gives:\n"
        "      - name: A\n"
        "        value: '1'\n"
        "d: |\n"
        "      two\n"
        "      lines\n"
        "    from chart.yaml:4:1\n"
        "e: {}\n"
        "    from chart.yaml:5:1\n"
        "f:\n"
        "      - name: A\n"
        "        value: '1'\n"
        "    from chart.yaml:6:1\n"
    )


def test_what_was_prepared_is_counted_and_named_without_values() -> None:
    states = {"a": CrdState.CREATED, "b": CrdState.UNCHANGED, "c": CrdState.CREATED}
    prepared = Prepared(states, (SecretSpec("logging", "a", "kibana", {}),))
    assert shown(lambda report: report.prepared(prepared)) == (
        "",
        "CRDs: 2 created, 1 unchanged\nSecrets made:\n  logging/a\n",
    )


def test_a_rollout_is_told_a_line_per_change_where_nobody_watches() -> None:
    def roll(report: Report) -> None:
        with report.rollout_progress(["base", "left"]) as observe:
            observe(Progress("base", State.WAITING))
            observe(Progress("base", State.RUNNING))
            observe(Progress("base", State.RUNNING, 1.0, (0, 2)))
            observe(Progress("base", State.DEPLOYED, 2.0))
            observe(ENDS[1])
            observe(ENDS[3])

    assert shown(roll) == (
        "",
        "base: running\n"
        "base: deployed after 2.0 s\n"
        "left: failed after 3.0 s: Pod a: no image\n"
        "top: blocked: waits for left, right\n",
    )


def test_long_steps_are_told_once_where_nobody_watches() -> None:
    def work(report: Report) -> None:
        with report.steps() as progress:
            for elapsed in (0.0, 1.0, 2.0):
                progress(Step("compiling [helm]", 1, 2, elapsed))
        with report.downloads() as advance:
            advance("kibana", 1, 2)

    assert shown(work) == ("", "[1/2] compiling [helm]\n")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Standard error as a terminal with colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    yield Terminal()


def watch(terminal: Terminal) -> str:
    report = Report(io.StringIO(), terminal)
    with report.rollout_progress(["base", "top"]) as observe:
        observe(Progress("base", State.RUNNING, 5.0, (1, 2)))
        observe(ENDS[3])
    with report.steps() as progress:
        progress(Step("compiling [helm]", 1, 2, 3.0))
    with report.downloads() as advance:
        advance("kibana", 1, 2)
    return terminal.getvalue()


def test_a_rollout_is_a_live_table_on_a_terminal(terminal: Terminal) -> None:
    seen = watch(terminal)
    for text in (
        "running",
        "1/2 pods",
        "5 s",
        "blocked",
        "waits for left, right",
        "compiling [helm]",
        "kibana",
    ):
        assert text in seen
    assert re.search(r"\x1b\[(?:\d+;)*3\dm", seen), "colours"


def test_no_color_is_honoured(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[(?:\d+;)*[34]\d", watch(terminal))
