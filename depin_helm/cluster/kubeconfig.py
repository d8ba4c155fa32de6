"""Chooses a kubeconfig's context by kubectl's rules, and makes an HTTP client with its credentials.

The only importer of lightkube's kubeconfig and authentication, which it takes from below lightkube's typed
client: objects stay the JSON that the server speaks.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from lightkube.config.client_adapter import ConnectionParams
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import NameValue, User
from lightkube.core.exceptions import ConfigError

from depin_helm import tls, yamlio

#: Stands for the service account of a pod, in the place of a kubeconfig's file.
INSIDE = Path()

_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_EXEC_V1 = "client.authentication.k8s.io/v1"


def choose(
    kubeconfig: Path | None, context: str | None, environ: Mapping[str, str]
) -> tuple[SingleConfig, Mapping[str, Any]]:
    """The context to use, by kubectl's rules, and its cluster's entry as it stands in the file."""
    if kubeconfig is not None:
        files = [kubeconfig]
    elif listed := environ.get("KUBECONFIG"):
        files = [Path(name) for name in listed.split(":") if name]
    else:
        files = [Path(environ.get("HOME", "~")).expanduser() / ".kube" / "config"]
    present = [file for file in files if file.is_file()]
    if not present:
        if kubeconfig is None and "KUBERNETES_SERVICE_HOST" in environ:
            return _found(KubeConfig.from_service_account(), None)._replace(fname=INSIDE), {}
        raise ConfigError(f"there is no {' or '.join(map(str, files))}")
    merged = _merge(present)
    config = KubeConfig.from_dict(merged)
    chosen = _found(config, context)
    entry = next(each["cluster"] for each in merged["clusters"] if each["name"] == chosen.context.cluster)
    return chosen, entry


def _found(config: KubeConfig, context: str | None) -> SingleConfig:
    chosen = config.get(context)
    if chosen is None:
        raise ConfigError("it names no current context")
    return chosen


def _merge(files: list[Path]) -> dict[str, Any]:
    """Several kubeconfigs as one, as in kubectl: who names something first wins. Paths become absolute."""
    merged: dict[str, Any] = {"clusters": [], "contexts": [], "users": []}
    for file in files:
        try:
            data = yamlio.load(file.read_bytes())
        except yamlio.YAMLError as error:
            raise ConfigError(f"{file}: {error}") from error
        data = {} if data is None else data
        if not isinstance(data, dict):
            raise ConfigError(f"{file} is no kubeconfig")
        if not merged.get("current-context"):
            merged["current-context"] = data.get("current-context") or None
        for section, inner in (("clusters", "cluster"), ("contexts", "context"), ("users", "user")):
            known = {entry["name"] for entry in merged[section]}
            for entry in data.get(section) or []:
                if entry["name"] not in known:
                    merged[section].append({**entry, inner: _absolute(entry.get(inner) or {}, file.parent)})
    return merged


def _absolute(entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    absolute: dict[str, Any] = {key: str(folder / entry[key]) for key in _FILES if entry.get(key)}
    plugin = entry.get("exec") or {}
    if "/" in plugin.get("command", ""):
        absolute["exec"] = {**plugin, "command": str(folder / plugin["command"])}
    return {**entry, **absolute}


def client(config: SingleConfig, extra: Mapping[str, Any], timeout: httpx2.Timeout) -> httpx2.Client:
    """An HTTP client with the context's address, certificates and credentials."""
    user = config.user or User()  # a context may name none
    if user.exec is not None and user.exec.apiVersion == _EXEC_V1:
        # lightkube knows v1beta1, which differs in that v1 always wants to be told how it is called.
        info = f'{{"apiVersion":"{_EXEC_V1}","kind":"ExecCredential","spec":{{"interactive":false}}}}'
        user.exec.apiVersion = f"{_EXEC_V1}beta1"
        user.exec.env = [*(user.exec.env or ()), NameValue("KUBERNETES_EXEC_INFO", info)]
    params = ConnectionParams(
        timeout=timeout,
        # As Go: what is on this machine is never reached through a proxy.
        trust_env=not _is_loopback(config.cluster.server),
        proxy=extra.get("proxy-url"),
    )
    settings = params.httpx_params(config._replace(user=user))
    tls.shared(settings["verify"])
    return httpx2.Client(**settings)


def _is_loopback(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
