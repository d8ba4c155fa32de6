"""`depin-helm render` of all layers beside one `helm template` of the whole umbrella with the same values."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.measure import DEPIN_HELM, Result, Run, median, run, show
from benchmarks.setting import Setting
from depin_helm import values

ENVIRONMENT = "prod"
ROUNDS = 5


def main() -> None:
    bare: list[Run] = []
    ours: list[Run] = []
    with tempfile.TemporaryDirectory() as scratch:
        setting = Setting.make(Path(scratch))
        overrides = values.load_environment(setting.project, ENVIRONMENT).overrides
        chart = Path(scratch) / "umbrella"
        run([DEPIN_HELM, "assemble", "--project", setting.project.root, "--to", chart], setting.environ)
        command = setting.command("render", environment=ENVIRONMENT)
        run(command, setting.environ)  # fills the cache of assembled charts
        with values.write_for_helm(overrides) as file:
            for _ in range(ROUNDS):
                bare.append(run([setting.helm, "template", "depin", chart, "-n", "logging", "-f", file]))
                ours.append(run(command, setting.environ))
    detail = f"{median(ours):.2f} s / {median(bare):.2f} s, median of {ROUNDS}, on {setting.tier}"
    show(
        [
            Result("render of all layers / one helm template", median(ours) / median(bare), 2, "x", detail),
            Result("peak memory of Python", max(each.megabytes for each in ours), 250, "MB"),
        ]
    )


if __name__ == "__main__":
    main()
