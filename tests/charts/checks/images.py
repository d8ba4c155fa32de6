"""Images are pinned."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.charts.checks.model import Platform
from tests.charts.checks.pods import pods_of

_DIGEST = re.compile(r"[^@]+@sha256:[0-9a-f]{64}")
#: Images that a controller is told of: --acme-http01-solver-image=…, --prometheus-config-reloader=…
_ARGUMENT = re.compile(r"--[a-z0-9-]*(?:image|config-reloader)=(\S+)")


def floating(platform: Platform) -> list[str]:
    """Images without tag or digest, and those tagged `latest`."""
    problems = set()
    for where, image in images(platform):
        name, _, digest = image.partition("@")
        tag = name.rpartition("/")[2].partition(":")[2]
        if tag == "latest" or not (tag or digest):
            problems.add(f"{where}: {image or '(no image)'} is not pinned")
    return sorted(problems)


def by_tag_alone(platform: Platform) -> list[str]:
    """Images without a digest, or with something that is none."""
    return sorted({image for _, image in images(platform) if not _DIGEST.fullmatch(image)})


def images(platform: Platform) -> Iterator[tuple[str, str]]:
    """What refers to an image, and the image."""
    for pods in pods_of(platform):
        for container in pods.containers:
            yield f"{pods.owner}: {container['name']}", str(container.get("image", ""))
            for argument in container.get("args") or []:
                if found := _ARGUMENT.fullmatch(str(argument)):
                    yield f"{pods.owner}: {container['name']}", found[1]
