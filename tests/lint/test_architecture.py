"""The modules' order, and who may import what: the architecture that docs/architecture.md draws."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from depin_helm.checks import verdict
from tests.tier import ROOT

PACKAGE = ROOT / "depin_helm"

#: Each imports only from those before it.
ORDER = [
    *("errors", "grammar", "tls", "project", "yamlio", "values", "schema", "charts", "upstream", "checks"),
    *("plan", "tools", "helm", "assemble"),
    *("workspace", "cluster", "releases", "volumes", "secrets", "preparation", "rollout", "removal"),
    *("diff", "status", "sandbox", "report", "cli"),
    "__main__",
]

#: Foreign packages that only these modules know; everybody else takes what they hand out.
OWNERS = {
    "pyhelm3": {"helm"},
    "lightkube": {"cluster", "sandbox"},
    "httpx2": {"charts", "cluster", "sandbox"},
    "cryptography": {"sandbox"},
    "bcrypt": {"secrets"},
    "jsonschema": {"schema"},
    "rich": {"report"},
    "typer": {"cli"},
    "tenacity": {"charts", "rollout", "sandbox"},
}

#: Too slow to import for a command that does without.
HEAVY = {
    *(
        "lightkube",
        "httpx2",
        "jsonschema",
        "pyhelm3",
        "pydantic",
        "rich",
        "cryptography",
        "bcrypt",
        "tenacity",
    ),
    *("asyncio", "importlib.metadata"),
}


def sources(package: Path) -> Iterator[tuple[str, Path, ast.Module]]:
    """Each file of the package with the module it belongs to, the first part of its name."""
    for file in sorted(package.rglob("*.py")):
        name = file.relative_to(package).with_suffix("").parts[0]
        if name != "__init__":
            yield name, file, ast.parse(file.read_text())


def imports(tree: ast.AST) -> Iterator[str]:
    """Dotted names of all that is imported, anywhere in the file, `from a import b` as a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def wrong_order(package: Path) -> list[str]:
    found = []
    for name, file, tree in sources(package):
        for imported in imports(tree):
            top, _, rest = imported.partition(".")
            target = rest.partition(".")[0]
            if top == package.name and target != name and target not in ORDER[: ORDER.index(name)]:
                found.append(f"{file.relative_to(package)} imports {imported}")
    return found


def foreign(package: Path) -> list[str]:
    return [
        f"{file.relative_to(package)} imports {imported}"
        for name, file, tree in sources(package)
        for imported in imports(tree)
        if name not in OWNERS.get(imported.partition(".")[0], {name})
    ]


def writers(package: Path) -> list[str]:
    """Files that print or touch standard output, apart from those whose work it is."""
    return [
        f"{file.relative_to(package)}:{node.lineno}"
        for name, file, tree in sources(package)
        if name not in ("report", "cli")
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id == "print")
        or (isinstance(node, ast.Attribute) and node.attr == "stdout" and ast.unparse(node) == "sys.stdout")
    ]


def cycles(package: Path) -> list[str]:
    """Imports in a circle inside one module that is a folder."""
    graph: dict[str, set[str]] = {}
    for name, file, tree in sources(package):
        own = ".".join(file.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
        graph[own] = {
            imported if (package.parent / imported.replace(".", "/")).with_suffix(".py").is_file() else parent
            for imported in imports(tree)
            for parent in [imported.rpartition(".")[0]]
            if imported.startswith(f"{package.name}.{name}.")
        } - {own}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_every_module_has_its_place_in_the_order() -> None:
    assert {name for name, _, _ in sources(PACKAGE)} == set(ORDER)


def test_each_module_imports_only_from_those_above_it() -> None:
    assert wrong_order(PACKAGE) == []


def test_no_module_imports_in_a_circle_inside_itself() -> None:
    assert cycles(PACKAGE) == []


def test_only_the_command_line_needs_the_sandbox() -> None:
    users = {name for name, _, tree in sources(PACKAGE) if "depin_helm.sandbox" in set(imports(tree))}
    assert users <= {"cli", "report"}


def test_a_foreign_package_is_known_to_its_owner_alone() -> None:
    assert foreign(PACKAGE) == []


def test_only_report_and_cli_write_to_standard_output() -> None:
    assert writers(PACKAGE) == []


def test_values_are_checked_again_whenever_code_changes_that_checks_are_made_of() -> None:
    uses: dict[str, set[str]] = {name: set() for name in ORDER}
    for name, _, tree in sources(PACKAGE):
        uses[name] |= {each.split(".")[1] for each in imports(tree) if each.startswith("depin_helm.")}
    needed = {"checks"}
    while more := set().union(*(uses[name] for name in needed)) - needed:
        needed |= more
    # Where files lie, and how they are fetched, decides nothing.
    assert {name.removesuffix(".py") for name in verdict.CODE} == needed - {"project", "tls"}


@pytest.mark.parametrize(
    ("check", "files"),
    [
        (wrong_order, {"plan.py": "def late():\n    from depin_helm import report\n"}),
        (wrong_order, {"plan.py": "from depin_helm.report import text\n"}),
        (wrong_order, {"plan.py": "import depin_helm.unheard_of\n"}),
        (foreign, {"plan.py": "from lightkube.config import kubeconfig\n"}),
        (writers, {"plan.py": "print(1)\n"}),
        (writers, {"plan.py": "import sys\nsys.stdout.write('x')\n"}),
        (
            cycles,
            {
                "charts/cache.py": "from depin_helm.charts import entry\n",
                "charts/entry.py": "from depin_helm.charts.cache import Cache\n",
            },
        ),
    ],
)
def test_a_module_that_breaks_a_rule_is_found(
    tmp_path: Path, check: Callable[[Path], list[str]], files: Mapping[str, str]
) -> None:
    package = tmp_path / PACKAGE.name
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    assert check(package)


def test_help_starts_without_what_only_other_commands_need() -> None:
    script = f"""
import sys
from depin_helm.__main__ import main
sys.argv = ["depin-helm", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code
sys.exit(" ".join(sorted({HEAVY!r} & set(sys.modules))))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "install" in result.stdout
    assert result.stderr.strip() == ""


def test_the_documentation_lists_the_modules_in_their_order() -> None:
    text = (ROOT / "docs/architecture.md").read_text().partition("\n## Modules\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", text, re.M) == ORDER
