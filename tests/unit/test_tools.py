"""Building Go programs once per content of their module."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from depin_helm import tools
from depin_helm.errors import UsageError
from depin_helm.tools import Step
from tests.tier import ROOT

#: Plays `go build … -o FOLDER …`: notes its command line and environment, and makes the programs.
GO = """#!/bin/sh
echo "$@ CGO_ENABLED=$CGO_ENABLED" >> {calls}
sleep {seconds}
while [ "$1" != -o ]; do shift; done
mkdir -p "$2"
for name in {programs}; do echo "$name of $PWD" > "$2$name"; done
"""


class Bench:
    """A folder of modules, a cache, and a Go compiler that is a script."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache"
        self.tools = folder / "tools"
        self.calls = folder / "calls"
        self._bin = folder / "compiler"
        self._bin.mkdir()
        for module in ("kwok", "etcd", "kubernetes", "prometheus"):
            (self.tools / module).mkdir(parents=True)
            (self.tools / module / "go.mod").write_text(f"module {module}\n\ngo 1.26.0\n")
            (self.tools / module / "go.sum").write_text("")
        requirement = "require (\n\tk8s.io/kubernetes v1.35.4 // indirect\n)\n"
        (self.tools / "kubernetes" / "go.mod").write_text(f"go 1.26.0\n\n{requirement}")
        self.environ = {"PATH": f"{self._bin}:/usr/bin:/bin"}
        self.compiler(GO.format(calls=self.calls, seconds=0, programs="kwok server kubectl kube-apiserver"))

    def compiler(self, script: str) -> None:
        (self._bin / "go").write_text(script)
        (self._bin / "go").chmod(0o755)

    def binary(self, name: str) -> Path:
        return tools.binary(name, self.tools, self.cache, environ=self.environ)

    def builds(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_program_is_built_once(bench: Bench) -> None:
    first = bench.binary("kwok")
    assert first.read_text() == f"kwok of {bench.tools / 'kwok'}\n"
    assert bench.binary("kwok") == first
    assert len(bench.builds()) == 1


def test_a_program_has_our_name_whatever_its_package_is_called(bench: Bench) -> None:
    assert bench.binary("etcd").name == "etcd"
    assert bench.binary("etcd").read_text().startswith("server of")


@pytest.mark.parametrize("part", ["go.mod", "go.sum"])
def test_another_version_is_another_build_and_keeps_the_old_one(bench: Bench, part: str) -> None:
    old = bench.binary("kwok")
    with (bench.tools / "kwok" / part).open("a") as file:
        file.write("// changed\n")
    assert bench.binary("kwok") != old
    assert old.is_file()


def test_the_build_is_static_reproducible_and_knows_its_version(bench: Bench) -> None:
    bench.binary("kube-apiserver")
    assert "build -trimpath -mod=readonly" in bench.builds()[0]
    assert "-X k8s.io/component-base/version.gitVersion=v1.35.4" in bench.builds()[0]
    assert "version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=35" in bench.builds()[0]
    assert "CGO_ENABLED=0" in bench.builds()[0]


def test_prometheus_is_built_without_what_cannot_be_had(bench: Bench) -> None:
    bench.binary("promtool")
    assert "-tags remove_all_sd,enable_kubernetes_sd,enable_dns_sd " in bench.builds()[0]
    bench.binary("kwok")
    assert "-tags" not in bench.builds()[1]


def test_programs_of_the_tests_are_nobody_elses() -> None:
    assert not set(tools.MODULES) & set(tools.TEST_MODULES)


def test_progress_counts_only_what_has_to_be_built(bench: Bench) -> None:
    bench.binary("kwok")
    steps: list[Step] = []
    tools.build(["kwok", "etcd", "kubernetes"], bench.tools, bench.cache, steps.append, bench.environ)
    seen = [(step.message, step.number, step.total) for step in steps]
    assert list(dict.fromkeys(seen)) == [("building etcd", 1, 2), ("building kubernetes", 2, 2)]


def test_a_failed_build_shows_its_end_and_leaves_nothing(bench: Bench) -> None:
    bench.compiler("#!/bin/sh\necho 'no required module provides this' >&2\nexit 1\n")
    with pytest.raises(UsageError, match="no required module provides this"):
        bench.binary("kwok")
    assert [entry.name for entry in (bench.cache / "bin").iterdir()] == [".kwok.lock"]


def test_a_missing_compiler_is_named_with_the_version_to_install(bench: Bench) -> None:
    bench.environ["PATH"] = "/nowhere"
    with pytest.raises(UsageError, match="no Go compiler") as error:
        bench.binary("kwok")
    assert "Go 1.26.0" in error.value.hint


def test_nothing_is_needed_to_find_what_is_built(bench: Bench) -> None:
    built = bench.binary("kwok")
    bench.environ["PATH"] = "/nowhere"
    assert bench.binary("kwok") == built


def test_two_processes_at_once_build_once(bench: Bench) -> None:
    bench.compiler(GO.format(calls=bench.calls, seconds=0.5, programs="kwok"))
    script = f"""
from pathlib import Path
from depin_helm import tools
print(tools.binary("kwok", Path({str(bench.tools)!r}), Path({str(bench.cache)!r}), environ={bench.environ!r}))
"""
    command = [sys.executable, "-c", script]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)]
    assert {process.communicate()[0].strip() for process in both} == {str(bench.binary("kwok"))}
    assert len(bench.builds()) == 1


def test_every_module_in_the_repository_can_be_stamped_with_its_version() -> None:
    for module in (*tools.MODULES, *tools.TEST_MODULES):
        assert (ROOT / "tools" / module / "go.sum").is_file()
    for module, (stamped, _) in tools.STAMPS.items():
        assert f"{stamped} v" in (ROOT / "tools" / module / "go.mod").read_text()
