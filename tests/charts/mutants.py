"""Mutants: a platform in which exactly one thing was broken, for the check that has to find it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.charts.checks.model import Object, Platform

#: Breaks an object, in place.
Change = Callable[[dict[str, Any]], object]


def broken(platform: Platform, kind: str, name: str, change: Change) -> Platform:
    """A copy of the platform in which `change` was made to the one object of that kind and name."""
    target = _the(platform, kind, name)
    data = copy.deepcopy(dict(target.data))
    change(data)
    mutant = replace(target, data=data, namespace=data["metadata"].get("namespace") or target.namespace)
    return replace(platform, objects=tuple(mutant if obj is target else obj for obj in platform.objects))


def without(platform: Platform, kind: str, name: str) -> Platform:
    """A copy of the platform that lacks one object."""
    target = _the(platform, kind, name)
    return replace(platform, objects=tuple(obj for obj in platform.objects if obj is not target))


def pod(data: dict[str, Any]) -> Any:
    """The pod's spec in a workload."""
    return data["spec"]["template"]["spec"]


def container(data: dict[str, Any]) -> Any:
    """Its first container."""
    return pod(data)["containers"][0]


def volume(data: dict[str, Any], name: str) -> Any:
    """One of its volumes."""
    return next(entry for entry in pod(data)["volumes"] if entry["name"] == name)


def mount(data: dict[str, Any], name: str) -> Any:
    """Where its first container mounts that volume."""
    return next(entry for entry in container(data)["volumeMounts"] if entry["name"] == name)


def variable(data: dict[str, Any], name: str) -> Any:
    """One of its first container's variables."""
    return next(entry for entry in container(data)["env"] if entry["name"] == name)


def _the(platform: Platform, kind: str, name: str) -> Object:
    (target,) = (obj for obj in platform.of_kind(kind) if obj.name == name)
    return target
