"""The key `depinHelm` of an environment: what is meant for the tool and not for the charts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from depin_helm.yamlio import Path

#: The top-level key that Helm never gets to see.
KEY = "depinHelm"

ON_FAILURE = ("keep", "rollback")

T = TypeVar("T")


@dataclass(frozen=True)
class ClusterMatch:
    """What must be true of a cluster before a command changes it; None is not asked for.

    `id` is the uid of the namespace kube-system. With `sandbox` only a sandbox will do.
    """

    context: str | None = None
    id: str | None = None
    sandbox: bool = False


@dataclass(frozen=True)
class Timeouts:
    """Seconds that a layer may take."""

    default: float = 600.0
    layers: Mapping[str, float] = field(default_factory=dict)

    def of(self, layer: str) -> float:
        """The seconds that `layer` may take."""
        return self.layers.get(layer, self.default)


@dataclass(frozen=True)
class Waiver:
    """A rule that this environment may break, and why; at `path`, a key as `--set` takes it, or anywhere."""

    rule: str
    reason: str
    path: str = ""


@dataclass(frozen=True)
class Settings:
    """`depinHelm`, typed. What `on_failure` decides: is a failed layer left as it is, or rolled back?"""

    cluster: ClusterMatch = field(default_factory=ClusterMatch)
    timeouts: Timeouts = field(default_factory=Timeouts)
    on_failure: str = "keep"
    create_secrets: bool = False
    parallel: int = 4
    waivers: tuple[Waiver, ...] = ()


class SettingsError(ValueError):
    """A setting is wrong; `path` is where below `depinHelm`."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h)"


def duration(text: str) -> float:
    """Seconds of a duration in Go's syntax, as Helm and Kubernetes take it: `10m`, `90s`, `1h30m`.

    Raises:
        ValueError: it is none, or not longer than nothing.
    """
    if not re.fullmatch(f"(?:{_PART})+", text):
        raise ValueError("no duration such as 90s, 10m or 1h30m")
    seconds = sum(
        float(number) * _UNITS[unit] for number, unit in re.findall(r"([0-9.]+)(ns|us|µs|μs|ms|s|m|h)", text)
    )
    if seconds <= 0:
        raise ValueError("a duration longer than nothing is needed")
    return seconds


def read(data: Any) -> Settings:
    """The settings in the value of `depinHelm`; what is missing or null has its default.

    Raises:
        SettingsError: a key is unknown or a value is wrong. No command may guess what was meant: a
            misspelt `context` must not let it change any cluster.
    """
    top = _map(data, (), ("cluster", "timeouts", "onFailure", "secrets", "parallel", "waivers"))
    cluster = _map(top.get("cluster"), ("cluster",), ("context", "id", "sandbox"))
    timeouts = _map(top.get("timeouts"), ("timeouts",), ("default", "layers"))
    secrets = _map(top.get("secrets"), ("secrets",), ("create",))
    layers = _map(timeouts.get("layers"), ("timeouts", "layers"), None)
    default = Settings()
    on_failure = _take(top, "onFailure", (), str, default.on_failure)
    if on_failure not in ON_FAILURE:
        raise SettingsError(("onFailure",), f"must be one of: {', '.join(ON_FAILURE)}")
    parallel = _take(top, "parallel", (), int, default.parallel)
    if parallel < 1:
        raise SettingsError(("parallel",), "must be at least 1")
    return Settings(
        cluster=ClusterMatch(
            context=_take(cluster, "context", ("cluster",), str, None),
            id=_take(cluster, "id", ("cluster",), str, None),
            sandbox=_take(cluster, "sandbox", ("cluster",), bool, False),
        ),
        timeouts=Timeouts(
            default=_seconds(timeouts, "default", ("timeouts",), default.timeouts.default),
            layers={
                name: _seconds(layers, name, ("timeouts", "layers"), default.timeouts.default)
                for name in layers
                if layers[name] is not None
            },
        ),
        on_failure=on_failure,
        create_secrets=_take(secrets, "create", ("secrets",), bool, default.create_secrets),
        parallel=parallel,
        waivers=tuple(
            _waiver(item, index) for index, item in enumerate(_list(top.get("waivers"), "waivers"))
        ),
    )


def _waiver(data: Any, index: int) -> Waiver:
    path: Path = ("waivers", index)
    waiver = _map(data, path, ("rule", "path", "reason"))
    for key in ("rule", "reason"):
        if not (_take(waiver, key, path, str, "") or "").strip():
            raise SettingsError((*path, key), "must not be empty" if key in waiver else "is missing")
    return Waiver(waiver["rule"], waiver["reason"], _take(waiver, "path", path, str, ""))


def _list(data: Any, key: str) -> list[Any]:
    if data is None:
        return []
    if not isinstance(data, list):
        raise SettingsError((key,), "must be a list")
    return data


def _map(data: Any, path: Path, known: tuple[str, ...] | None) -> Mapping[str, Any]:
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise SettingsError(path, "must be a mapping")
    for key in data:
        if known is not None and key not in known:
            raise SettingsError((*path, key), f"unknown key; known: {', '.join(known)}")
    return data


_KINDS = {str: "text", bool: "true or false", int: "a whole number"}


def _take(section: Mapping[str, Any], key: str, path: Path, kind: type[T], default: T | None) -> Any:
    value = section.get(key)
    if value is None:
        return default
    if type(value) is not kind:
        raise SettingsError((*path, key), f"must be {_KINDS[kind]}")
    return value


def _seconds(section: Mapping[str, Any], key: str, path: Path, default: float) -> float:
    text = _take(section, key, path, str, None)
    try:
        return default if text is None else duration(text)
    except ValueError as error:
        raise SettingsError((*path, key), f"must be a duration: {error}") from None
