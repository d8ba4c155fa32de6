"""Where a sandbox keeps what, and the command lines of its programs."""

from __future__ import annotations

import dataclasses
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any

from depin_helm.errors import ClusterError

DATA = Path(__file__).parent / "data"
CORE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
OPERATOR = "prometheus-operator"
# Below the ports that the kernel gives to outgoing connections (ip_local_port_range), which come and go.
_PORTS = range(20000, 32000)


@dataclass(frozen=True)
class Ports:
    """Loopback ports of one sandbox."""

    api: int
    etcd: int
    etcd_peer: int
    kubelet: int


@dataclass(frozen=True)
class Layout:
    """One sandbox's name, folder, ports and programs: all that is decided before it starts."""

    name: str
    directory: Path
    ports: Ports
    binaries: dict[str, Path]

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://127.0.0.1:{self.ports.api}"

    @property
    def context(self) -> str:
        """The context's name in the kubeconfig."""
        return f"depin-sandbox-{self.name}"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.directory / "kubeconfig"

    @property
    def pki(self) -> Path:
        """The folder of keys and certificates."""
        return self.directory / "pki"

    def log(self, program: str) -> Path:
        """What `program` writes to its standard output and error."""
        return self.directory / "logs" / f"{program}.log"

    def write(self) -> None:
        """Write this into its folder, where `read` finds it."""
        binaries = {name: str(path) for name, path in self.binaries.items()}
        content = {"name": self.name, "ports": dataclasses.asdict(self.ports), "binaries": binaries}
        write_json(self.directory / "sandbox.json", content)


def read(directory: Path) -> Layout:
    """Read what `Layout.write` wrote.

    Raises:
        OSError: there is none.
    """
    content = json.loads((directory / "sandbox.json").read_text())
    binaries = {name: Path(path) for name, path in content["binaries"].items()}
    return Layout(content["name"], directory, Ports(**content["ports"]), binaries)


def write_json(file: Path, content: Any) -> None:
    """Write `content` so that a reader sees the old or the new file, never a part."""
    scratch = file.with_suffix(".new")
    scratch.write_text(json.dumps(content))
    scratch.replace(file)


def free_ports() -> Ports:
    """Choose ports beside each other that nobody listens at.

    A whole block, since two sandboxes may start at the same time: they then collide in one case of over a
    thousand, where single ports chosen at random would collide ten times as often.

    Raises:
        ClusterError: there are none.
    """
    size = len(dataclasses.fields(Ports))
    blocks = range(_PORTS.start, _PORTS.stop - size, size)
    for first in SystemRandom().sample(blocks, len(blocks)):
        ports = range(first, first + size)
        if all(map(_is_free, ports)):
            return Ports(*ports)
    raise ClusterError(f"no {size} free ports between {_PORTS.start} and {_PORTS.stop} on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def command(layout: Layout, program: str) -> list[str]:
    """Build the command line of one program of the sandbox. Everything it opens is on 127.0.0.1."""
    arguments = {
        "etcd": _etcd,
        "kube-apiserver": _api_server,
        "kube-controller-manager": _controller_manager,
        "kube-scheduler": _scheduler,
        "kwok": _kwok,
        OPERATOR: _operator,
    }[program](layout)
    return [str(layout.binaries[program]), *arguments]


def _etcd(layout: Layout) -> list[str]:
    client, peer = (f"https://127.0.0.1:{port}" for port in (layout.ports.etcd, layout.ports.etcd_peer))
    pki = layout.pki
    return [
        f"--data-dir={layout.directory / 'etcd'}",
        "--unsafe-no-fsync",  # the data is thrown away with the sandbox
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        *(f"--{side}trusted-ca-file={pki / 'ca.crt'}" for side in ("", "peer-")),
        *(f"--{side}cert-file={pki / 'server.crt'}" for side in ("", "peer-")),
        *(f"--{side}key-file={pki / 'server.key'}" for side in ("", "peer-")),
        *(f"--{side}client-cert-auth" for side in ("", "peer-")),
        "--log-level=warn",
    ]


def _api_server(layout: Layout) -> list[str]:
    pki = layout.pki
    return [
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.ports.api}",
        # Only data, in the Service `kubernetes`, which takes no loopback address. TEST-NET-1 leads nowhere.
        "--advertise-address=192.0.2.10",
        f"--etcd-servers=https://127.0.0.1:{layout.ports.etcd}",
        f"--etcd-cafile={pki / 'ca.crt'}",
        f"--etcd-certfile={pki / 'server.crt'}",
        f"--etcd-keyfile={pki / 'server.key'}",
        f"--tls-cert-file={pki / 'server.crt'}",
        f"--tls-private-key-file={pki / 'server.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--service-account-key-file={pki / 'service-accounts.key'}",
        f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=Node,RBAC",
        # Their webhooks' Services have no real pods: every call would fail, and would call out.
        "--disable-admission-plugins=MutatingAdmissionWebhook,ValidatingAdmissionWebhook",
        f"--egress-selector-config-file={DATA / 'egress.yaml'}",
        "--kubelet-preferred-address-types=Hostname",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        f"--kubelet-client-certificate={pki / 'admin.crt'}",
        f"--kubelet-client-key={pki / 'admin.key'}",
        "--allow-privileged",
        "--profiling=false",
    ]


def _controller_manager(layout: Layout) -> list[str]:
    return [
        *_client(layout),
        f"--root-ca-file={layout.pki / 'ca.crt'}",
        f"--service-account-private-key-file={layout.pki / 'service-accounts.key'}",
        "--enable-hostpath-provisioner=true",
        "--profiling=false",
    ]


def _scheduler(layout: Layout) -> list[str]:
    return [*_client(layout), "--profiling=false"]


def _client(layout: Layout) -> list[str]:
    # Port 0: neither health nor metrics are served.
    return [f"--kubeconfig={layout.kubeconfig}", "--leader-elect=false", "--secure-port=0"]


def _kwok(layout: Layout) -> list[str]:
    return [
        f"--kubeconfig={layout.kubeconfig}",
        f"--config={DATA / 'stages.yaml'}",
        "--manage-all-nodes",
        "--node-lease-duration-seconds=40",
        "--cidr=10.244.0.0/16",
        f"--node-port={layout.ports.kubelet}",
        f"--server-address=127.0.0.1:{layout.ports.kubelet}",
        f"--tls-cert-file={layout.pki / 'server.crt'}",
        f"--tls-private-key-file={layout.pki / 'server.key'}",
    ]


def _operator(layout: Layout) -> list[str]:
    return [
        f"--apiserver={layout.server}",
        f"--ca-file={layout.pki / 'ca.crt'}",
        f"--cert-file={layout.pki / 'admin.crt'}",
        f"--key-file={layout.pki / 'admin.key'}",
        "--web.listen-address=127.0.0.1:0",
        # As kube-prometheus-stack sets them. Monitors find the kubelets' Service by labels, not by name.
        "--kubelet-service=kube-system/kube-prometheus-stack-kubelet",
        "--localhost=127.0.0.1",
        *(
            f"--config-reloader-{part}=0"
            for part in ("cpu-request", "cpu-limit", "memory-request", "memory-limit")
        ),
    ]
