"""`depin-helm render` of all layers beside one `helm template` of the whole umbrella.

With the umbrella's defaults, as plain Helm renders it, and with the environment's values: Helm then makes no
certificates, and the comparison is harder, nine times Helm's start against one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import DEPIN_HELM, Result, Run, median, run, show
from benchmarks.setting import Setting
from depin_helm import values

ENVIRONMENT = "prod"
ROUNDS = 7


def main() -> None:
    plain: list[Run] = []
    same: list[Run] = []
    ours: list[Run] = []
    with tempfile.TemporaryDirectory() as scratch:
        setting = Setting.make(Path(scratch))
        overrides = values.load_environment(setting.project, ENVIRONMENT).overrides
        chart = Path(scratch) / "umbrella"
        run([DEPIN_HELM, "assemble", "--project", setting.project.root, "--to", chart], setting.environ)
        command = setting.command("render", environment=ENVIRONMENT)
        run(command, setting.environ)  # fills the cache of assembled charts
        template: list[str | Path] = [setting.helm, "template", "depin", chart, "--namespace", "logging"]
        with values.write_for_helm(overrides) as file:
            for _ in range(ROUNDS):
                plain.append(run(template))
                same.append(run([*template, "--values", file]))
                ours.append(run(command, setting.environ))
    show(
        [
            _ratio("render of all layers / one helm template", ours, plain, 2, f", on {setting.tier}"),
            _ratio("the same, with the environment's values", ours, same, 2),
            Result("peak memory of Python", max(each.megabytes for each in ours), 250, "MB"),
        ]
    )


def _ratio(what: str, ours: Sequence[Run], bare: Sequence[Run], limit: float, note: str = "") -> Result:
    detail = f"{median(ours):.2f} s / {median(bare):.2f} s, median of {ROUNDS}{note}"
    return Result(what, median(ours) / median(bare), limit, "x", detail)


if __name__ == "__main__":
    main()
