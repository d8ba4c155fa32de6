"""Choosing a cluster, talking to it, and what its refusals become."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from depin_helm import yamlio
from depin_helm.cluster import ApiError, Cluster
from depin_helm.errors import ClusterError
from tests.unit.charts.server import Server, certificate, offered_protocols
from tests.unit.charts.server import body as answer_with
from tests.unit.cluster.api import Api, Connect, kubeconfig, refusal


@pytest.fixture
def unused() -> str:
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_the_context_decides(connect: Connect, api: Api, tmp_path: Path) -> None:
    first = kubeconfig(tmp_path / "first", "http://127.0.0.1:1", "other")
    second = kubeconfig(tmp_path / "second", api.address, "here")
    environ = {"KUBECONFIG": f"{first}:{second}:{tmp_path / 'missing'}"}
    assert connect(environ=environ).context == "other"
    chosen = connect(context="here", environ=environ)
    assert (chosen.context, chosen.server) == ("here", api.address)
    assert chosen.version() == "v1.35.4"
    with pytest.raises(ClusterError, match="Context 'nowhere' not found"):
        connect(context="nowhere", environ=environ)


def test_a_named_file_goes_before_the_environment(connect: Connect, api: Api, tmp_path: Path) -> None:
    named = kubeconfig(tmp_path / "named", api.address, "named")
    other = kubeconfig(tmp_path / "other", api.address, "other")
    assert connect(named, environ={"KUBECONFIG": str(other)}).context == "named"


def test_of_two_files_the_first_to_name_something_wins(connect: Connect, api: Api, tmp_path: Path) -> None:
    first = kubeconfig(tmp_path / "first", api.address, "here", token="first")
    second = kubeconfig(tmp_path / "second", "http://127.0.0.1:1", "here", token="second")
    connect(environ={"KUBECONFIG": f"{first}:{second}"}).version()
    assert api.requests[-1].headers["Authorization"] == "Bearer first"


def test_without_any_the_users_own_is_taken(connect: Connect, api: Api, tmp_path: Path) -> None:
    kubeconfig(tmp_path / ".kube" / "config", api.address, "home")
    assert connect(environ={"HOME": str(tmp_path)}).context == "home"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "there is no "),
        ("[]", "is no kubeconfig"),
        ("a: [", "kubeconfig: line 2"),
        ("a: 1", "No current context"),
        ("current-context: x", "Context 'x' not found"),
    ],
)
def test_an_unusable_kubeconfig_is_named(
    connect: Connect, tmp_path: Path, text: str | None, reason: str
) -> None:
    file = tmp_path / "kubeconfig"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ClusterError, match=reason) as caught:
        connect(file)
    assert "--kubeconfig" in caught.value.hint


def test_a_certificate_that_is_not_there_is_named(connect: Connect, tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "k" / "config", "https://127.0.0.1:1", **{"client-certificate": "me.crt"})
    with pytest.raises(ClusterError, match="cannot be used"):
        connect(file)


def test_files_beside_the_kubeconfig_are_found(connect: Connect, api: Api, tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "k" / "config", api.address, tokenFile="token")
    (tmp_path / "k" / "token").write_text("from-a-file\n")
    connect(file).version()
    assert api.requests[-1].headers["Authorization"] == "Bearer from-a-file"


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_credential_plugin_is_asked(connect: Connect, api: Api, tmp_path: Path, version: str) -> None:
    api_version = f"client.authentication.k8s.io/{version}"
    plugin = tmp_path / "k" / "plugin"
    plugin.parent.mkdir()
    # Version 1 refuses to work unless it is told how it is called.
    plugin.write_text(
        "#!/bin/sh\n"
        f'[ {version} = v1beta1 ] || case "$KUBERNETES_EXEC_INFO" in *{api_version}*) ;; *) exit 1; esac\n'
        f'echo \'{{"apiVersion": "{api_version}", "status": {{"token": "from-a-plugin"}}}}\'\n'
    )
    plugin.chmod(0o755)
    run = {"apiVersion": api_version, "command": "./plugin"}
    connect(kubeconfig(tmp_path / "k" / "config", api.address, exec=run)).version()
    assert api.requests[-1].headers["Authorization"] == "Bearer from-a-plugin"


def test_a_credential_plugin_that_is_missing_is_named(connect: Connect, api: Api, tmp_path: Path) -> None:
    run = {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin"}
    file = kubeconfig(tmp_path / "kubeconfig", api.address, exec=run)
    with pytest.raises(ClusterError, match="no-such-plugin") as caught:
        connect(file).version()
    assert "credential plugin" in caught.value.hint


def test_nothing_on_this_machine_is_reached_through_a_proxy(api: Api, tmp_path: Path, unused: str) -> None:
    program = """
import sys
from pathlib import Path
from depin_helm.cluster import Cluster
sys.exit(Cluster.connect(Path(sys.argv[1]), environ={}).version() != "v1.35.4")
"""
    file = kubeconfig(tmp_path / "kubeconfig", api.address)
    environ = {**os.environ, **dict.fromkeys(("http_proxy", "HTTP_PROXY", "ALL_PROXY"), unused)}
    subprocess.run([sys.executable, "-c", program, str(file)], env=environ, check=True)


def test_an_unreachable_server_is_named_with_its_context(
    connect: Connect, tmp_path: Path, unused: str
) -> None:
    with pytest.raises(ClusterError, match="refused") as caught:
        connect(kubeconfig(tmp_path / "kubeconfig", unused, "edge-7")).identity()
    assert unused in caught.value.message
    assert "edge-7" in caught.value.message
    assert caught.value.exit_code == 6
    assert not isinstance(caught.value, ApiError)


def test_a_certificate_of_an_unknown_authority_is_refused(connect: Connect, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # without a certificate: no handshake can succeed
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def handshake() -> None:
            raw, _ = listener.accept()
            with raw, pytest.raises(OSError):
                context.wrap_socket(raw, server_side=True)

        thread = threading.Thread(target=handshake)
        thread.start()
        file = kubeconfig(tmp_path / "kubeconfig", f"https://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(ClusterError, match="cannot be reached"):
            connect(file).version()
        thread.join()


def test_connections_of_several_threads_leave_their_common_settings_alone(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = offered_protocols(monkeypatch)
    own = certificate(tmp_path)
    with Server(own) as server:
        server.answers["/version"] = [answer_with(b'{"gitVersion": "v1.35.4"}', Connection="close")]
        cluster = connect(kubeconfig(tmp_path / "kubeconfig", server.url, authority=own))
        assert cluster.each(lambda _: cluster.version(), range(8)) == ["v1.35.4"] * 8
    assert offered == [["http/1.1"]]


@pytest.mark.parametrize(
    ("status", "body", "told", "hint"),
    [
        (401, {"message": "Unauthorized"}, "the credentials are not accepted", "log in"),
        (
            403,
            {"message": 'nodes is forbidden: User "bob" cannot list'},
            'User "bob" cannot list',
            "use a context",
        ),
        (500, {"message": "etcdserver: no leader"}, "etcdserver: no leader", ""),
        (502, "<html>bad gateway", "<html>bad gateway", ""),
        (503, "", "Service Unavailable", ""),
    ],
)
def test_a_refusal_says_why(
    api: Api, cluster: Cluster, status: int, body: object, told: str, hint: str
) -> None:
    api.replies = [(status, body, {})]
    with pytest.raises(ApiError) as caught:
        cluster.version()
    assert caught.value.status == status
    assert told in caught.value.message
    assert api.address in caught.value.message
    assert hint in caught.value.hint


def test_a_refused_value_is_not_told(api: Api, cluster: Cluster) -> None:
    causes = [{"field": "data.password", "message": 'Invalid value: "hunter2": too short'}]
    message = 'Secret "s" is invalid: data.password: Invalid value: "hunter2": too short'
    api.replies = [refusal(422, "Invalid", message, causes=causes)]
    with pytest.raises(ApiError) as caught:
        cluster.version()
    assert "data.password: too short" in caught.value.message
    assert "hunter2" not in caught.value.message
    assert caught.value.fields == (("data.password", "too short"),)


def test_what_is_no_api_server_is_said_so(api: Api, cluster: Cluster) -> None:
    api.replies = [(200, "<html>please log in", {})]
    with pytest.raises(ClusterError, match="no API server"):
        cluster.version()


def test_an_old_api_server_is_said_so(api: Api, cluster: Cluster) -> None:
    api.replies = [(200, {"kind": "APIVersions"}, {}), (200, {"kind": "APIGroupList"}, {})]
    with pytest.raises(ClusterError, match="too old") as caught:
        cluster.api_versions()
    assert "1.27" in caught.value.hint


def test_a_busy_server_is_asked_again_when_it_says(api: Api, cluster: Cluster) -> None:
    api.replies = [(429, {"message": "too many requests"}, {"Retry-After": "0"})] * 2
    assert cluster.version() == "v1.35.4"
    assert len(api.requests) == 3
    api.replies = [(429, {"message": "too many requests"}, {"Retry-After": "0"})] * 9
    with pytest.raises(ApiError, match="too many requests"):
        cluster.version()


def test_time_is_the_servers(api: Api, cluster: Cluster) -> None:
    api.ahead = timedelta(hours=3)
    cluster.version()
    assert abs(cluster.now() - datetime.now(UTC) - timedelta(hours=3)) < timedelta(seconds=5)


def test_closing_ends_what_waits(cluster: Cluster) -> None:
    threading.Timer(0.1, cluster.close).start()
    with pytest.raises(ClusterError, match="closed"):
        cluster.pause(30)


def test_a_proxy_of_the_kubeconfig_is_used(connect: Connect, tmp_path: Path, api: Api) -> None:
    file = kubeconfig(tmp_path / "kubeconfig", "http://api.example.invalid:6443")
    data = yamlio.load(file.read_bytes())
    data["clusters"][0]["cluster"]["proxy-url"] = api.address
    file.write_text(yamlio.dump(data))
    assert connect(file).version() == "v1.35.4"
