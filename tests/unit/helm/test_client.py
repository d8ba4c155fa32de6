"""What Helm is asked for, and what is made of its answers; nothing is run."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from depin_helm.errors import ClusterError, HelmError
from depin_helm.helm import Release, ReleaseNotFoundError, Revision
from tests.unit.helm.recorder import Recorder, helm

CHART, VALUES = Path("/charts/umbrella"), Path("/run/values.yaml")
NOT_FOUND = RuntimeError("Error: release: not found")


def upgrade(recorder: Recorder, home: Path, version: tuple[int, int, int] = (4, 3, 1), **options: Any) -> int:
    arguments = {"timeout": 300.0, **options}
    return asyncio.run(helm(recorder, home, version).upgrade_install(CHART, "r", "n", VALUES, **arguments))


def history(*statuses: str) -> str:
    return json.dumps(
        [
            {
                "revision": number,
                "updated": "2026-01-02T03:04:05Z",
                "status": status,
                "chart": "depin-platform-1.2.0-rc.1",
                "app_version": "",
                "description": "done",
            }
            for number, status in enumerate(statuses, start=1)
        ]
    )


def test_rendering_asks_no_cluster(tmp_path: Path) -> None:
    recorder = Recorder(lambda arguments: "kind: ConfigMap\n")
    client = helm(recorder, tmp_path, kubeconfig=Path("/kubeconfig"), context="prod")
    manifest = asyncio.run(
        client.template(
            CHART,
            "r",
            "n",
            VALUES,
            api_versions=["v1", "monitoring.coreos.com/v1"],
            kube_version="v1.35.4",
            no_hooks=True,
        )
    )
    assert manifest == "kind: ConfigMap\n"
    assert recorder.call.arguments == [
        *("template", "r", str(CHART), "--namespace", "n", "--values", str(VALUES)),
        *("--api-versions", "v1,monitoring.coreos.com/v1", "--kube-version", "v1.35.4", "--no-hooks"),
    ]


def test_rendering_does_not_import_pyhelm3() -> None:
    script = "import sys, depin_helm.helm; sys.exit('pyhelm3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_an_upgrade_waits_and_leaves_crds_to_their_own_step(tmp_path: Path) -> None:
    recorder = Recorder(lambda arguments: "NAME: r\nSTATUS: deployed\nREVISION: 7\n")
    assert upgrade(recorder, tmp_path) == 7
    asked = recorder.call.arguments
    assert asked[:4] == ["upgrade", "--install", "r", str(CHART)]
    assert {"--wait", "--wait-for-jobs", "--skip-crds", "--server-side=true"} <= set(asked)
    assert "--force-conflicts" not in asked


def test_helm_always_gets_a_timeout_with_a_unit(tmp_path: Path) -> None:
    recorder = Recorder(lambda arguments: "REVISION: 1")
    upgrade(recorder, tmp_path, timeout=90.5)
    asyncio.run(helm(recorder, tmp_path).uninstall("r", "n", timeout=60))
    asyncio.run(helm(recorder, tmp_path).rollback("r", "n", 3, timeout=10_000_000))
    assert [call.value("--timeout") for call in recorder.calls] == ["90.500s", "60.000s", "10000000.000s"]


def test_values_of_the_last_revision_are_never_reused(tmp_path: Path) -> None:
    recorder = Recorder(lambda arguments: "REVISION: 1")
    upgrade(recorder, tmp_path)
    assert "--reset-values" in recorder.call.arguments


def test_helm_3_gets_only_flags_that_it_knows(tmp_path: Path) -> None:
    recorder = Recorder(lambda arguments: history("deployed") if arguments[0] == "history" else "REVISION: 2")
    upgrade(recorder, tmp_path, (3, 22, 0), rollback_on_failure=True, force_conflicts=True)
    asked = recorder.calls[-1].arguments
    assert "--atomic" in asked
    assert not {"--rollback-on-failure", "--force-conflicts", "--server-side=true"} & set(asked)


def test_helm_4_rolls_back_and_forces_when_told(tmp_path: Path) -> None:
    recorder = Recorder(
        lambda arguments: history("deployed", "failed") if arguments[0] == "history" else "REVISION: 2"
    )
    upgrade(recorder, tmp_path, rollback_on_failure=True, force_conflicts=True)
    assert {"--rollback-on-failure", "--force-conflicts"} <= set(recorder.calls[-1].arguments)
    assert (recorder.calls[-1].grace or 0) > 300  # a rollback takes as long as an upgrade


@pytest.mark.parametrize("before", [NOT_FOUND, history("failed", "failed")])
def test_a_first_installation_is_never_rolled_back(tmp_path: Path, before: str | Exception) -> None:
    recorder = Recorder(lambda arguments: before if arguments[0] == "history" else "REVISION: 1")
    upgrade(recorder, tmp_path, rollback_on_failure=True)
    assert "--rollback-on-failure" not in recorder.calls[-1].arguments


def test_a_dry_run_makes_no_revision(tmp_path: Path) -> None:
    recorder = Recorder(lambda arguments: "REVISION: 8")
    assert upgrade(recorder, tmp_path, dry_run=True, rollback_on_failure=True) == 0
    assert "--dry-run=server" in recorder.call.arguments


def test_helm_works_on_the_chosen_cluster_whatever_the_environment_says(tmp_path: Path) -> None:
    environ = {
        "HELM_KUBECONTEXT": "other",
        "HELM_KUBETOKEN": "t0ken",
        "HELM_DRIVER": "memory",
        "HELM_PLUGINS": "/home/me/plugins",
        "HELM_DEBUG": "true",
        "KUBECONFIG": "/home/me/kubeconfig",
        "AWS_PROFILE": "prod",
    }
    recorder = Recorder(lambda arguments: "[]")
    client = helm(recorder, tmp_path, environ=environ, kubeconfig=Path("/kubeconfig"), context="prod")
    asyncio.run(client.list_releases())
    assert recorder.call.value("--kubeconfig") == "/kubeconfig"
    assert recorder.call.value("--kube-context") == "prod"
    seen = recorder.call.environ
    assert seen["AWS_PROFILE"] == "prod"
    assert seen["HELM_DRIVER"] == "secret"
    assert Path(seen["HELM_PLUGINS"]).is_relative_to(tmp_path)
    assert not {"HELM_KUBECONTEXT", "HELM_KUBETOKEN", "HELM_DEBUG"} & seen.keys()
    assert not any("t0ken" in text for text in recorder.call.arguments)


def test_only_commands_that_change_something_are_waited_for_when_cancelled(tmp_path: Path) -> None:
    recorder = Recorder(lambda arguments: "[]")
    client = helm(recorder, tmp_path)

    async def all_of_them() -> None:
        await client.template(CHART, "r", "n", VALUES)
        await client.list_releases()
        await client.get_manifest("r", "n")
        await client.upgrade_install(CHART, "r", "n", VALUES, timeout=1)
        await client.uninstall("r", "n", timeout=1)
        await client.rollback("r", "n", timeout=1)

    asyncio.run(all_of_them())
    assert {call.arguments[0]: call.grace is not None for call in recorder.calls} == {
        "template": False,
        "list": False,
        "get": False,
        "upgrade": True,
        "uninstall": True,
        "rollback": True,
    }


@pytest.mark.parametrize("version", [(3, 22, 0), (4, 3, 1)])
def test_releases_of_every_state_are_listed(tmp_path: Path, version: tuple[int, int, int]) -> None:
    listed = [
        {
            "name": "depin-issuers",
            "namespace": "cert-manager",
            "revision": "3",
            "updated": "2026-01-02 03:04:05 +0000 UTC",
            "status": "pending-upgrade",
            "chart": "depin-platform-0.1.0",
            "app_version": "",
        }
    ]
    recorder = Recorder(lambda arguments: json.dumps(listed))
    releases = asyncio.run(helm(recorder, tmp_path, version).list_releases())
    assert releases == (
        Release(
            "depin-issuers",
            "cert-manager",
            3,
            "pending-upgrade",
            "depin-platform",
            "0.1.0",
            "2026-01-02 03:04:05 +0000 UTC",
        ),
    )
    assert "--all-namespaces" in recorder.call.arguments
    # Helm 4 shows all states unless told otherwise, and does not know --all.
    assert ("--all" in recorder.call.arguments) is (version[0] == 3)
    assert "--deployed" not in recorder.call.arguments


def test_the_newest_revision_is_read(tmp_path: Path) -> None:
    recorder = Recorder(lambda arguments: history("failed"))
    current = asyncio.run(helm(recorder, tmp_path).current_revision("r", "n"))
    assert current == Revision(1, "failed", "depin-platform", "1.2.0-rc.1", "2026-01-02T03:04:05Z", "done")
    assert recorder.call.value("--max") == "1"


def test_a_release_that_is_not_there_is_no_accident(tmp_path: Path) -> None:
    client = helm(Recorder(lambda arguments: NOT_FOUND), tmp_path)
    assert asyncio.run(client.current_revision("r", "n")) is None
    assert asyncio.run(client.uninstall("r", "n", timeout=1)) is False
    with pytest.raises(ReleaseNotFoundError, match="release r"):
        asyncio.run(client.history("r", "n"))


def test_a_failure_becomes_our_error(tmp_path: Path) -> None:
    error = RuntimeError('Error: kubernetes cluster unreachable: Get "https://127.0.0.1:1/version": dial tcp')
    client = helm(Recorder(lambda arguments: error), tmp_path)
    with pytest.raises(ClusterError, match="cannot be reached"):
        asyncio.run(client.list_releases())


def test_helm_is_stopped_when_its_parts_take_too_long_together(
    tmp_path: Path,
) -> None:
    cancelled = []

    async def hanging(argv: object, *, environ: object, grace: float | None) -> Any:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(grace)
            raise

    client = helm(Recorder(), tmp_path)
    hanging_client = type(client)(client.binary, environ={}, home=tmp_path, runner=hanging, overtime=0.0)
    with pytest.raises(HelmError, match=r"release r: not done after 0\.1 s"):
        asyncio.run(hanging_client.upgrade_install(CHART, "r", "n", VALUES, timeout=0.1))
    assert cancelled == [30.0]
