"""How long `validate` takes: nothing cached, nothing found right before, found right before; a hostile file.

The first two pay for the charts' templates and for the checks, the third is what `render` and `install` pay.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Result, Run, median, run, show
from benchmarks.setting import Setting

ENVIRONMENT = "prod"
ROUNDS = 5
MIB = 1024 * 1024


def main() -> None:
    cold: list[Run] = []
    unseen: list[Run] = []
    seen: list[Run] = []
    hostile: list[Run] = []
    with tempfile.TemporaryDirectory() as scratch:
        setting = Setting.make(Path(scratch))
        cache = Path(scratch) / "cache"
        cache.mkdir()
        (cache / "charts").symlink_to(setting.tier.cache / "charts")
        environ = {**setting.environ, "DEPIN_HELM_CACHE": str(cache)}
        command = setting.command("validate", environment=ENVIRONMENT)
        large = Path(scratch) / "large.yaml"
        large.write_text("a: [" + "x, " * (5 * MIB // 3) + "]\n")
        for _ in range(ROUNDS):
            for name in ("interfaces", "verdicts"):
                shutil.rmtree(cache / name, ignore_errors=True)
            cold.append(run(command, environ))
            shutil.rmtree(cache / "verdicts")
            unseen.append(run(command, environ))
            seen.append(run(command, environ))
            hostile.append(run([*command, "--values", large], environ, code=3))
    show(
        [
            _result("validate, nothing cached", cold, 1.5, f", on {setting.tier}"),
            _result("validate, templates known", unseen, 0.5),
            _result("validate, found right before", seen, 0.5),
            _result("validate of a file of 5 MiB", hostile, 1.0),
            Result("peak memory", max(each.megabytes for each in [*cold, *unseen, *hostile]), 200, "MB"),
        ]
    )


def _result(what: str, runs: Sequence[Run], limit: float, note: str = "") -> Result:
    return Result(what, median(runs), limit, "s", f"median of {ROUNDS}{note}")


if __name__ == "__main__":
    main()
