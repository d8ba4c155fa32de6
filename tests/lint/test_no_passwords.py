"""No default password stands anywhere in the repository: not in values, charts, documentation or scripts.

Keys and texts are judged as `validate` judges those of an environment. Python is ruff's (S105 to S107); tests
plant passwords on purpose.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from depin_helm.checks.rules.secret_names import is_literal, is_secret
from tests.tier import ROOT

#: `key: value`, `key=value` and `"key": "value"`, anywhere in a line.
_SETTING = re.compile(
    r"""(?P<key>[\w.-]*\w)["'`]?\s*(?::\s|=)\s*(?P<value>"[^"]*"|'[^']*'|`[^`]*`|[^\s,;}\]|)"'`]+)"""
)
#: A list, mapping, block, anchor, reference, variable or function instead of a value.
_NO_VALUE = re.compile(r"[\[{|>&*$<(…]|\\|\w+\($")
#: Where a password comes from, as secrets.yaml has it; and a word that stands for one.
_REFERENCE = re.compile(r"[a-z-]+/[a-z-]+/[a-z-]+|[A-Z]+")
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_IN_URL = re.compile(r"\w://[^\s/:@\"']*:([^\s/@\"']+)@")


def passwords(text: str) -> Iterator[int]:
    """The numbers of the lines in which a password stands."""
    for number, line in enumerate(text.splitlines(), 1):
        settings = ((found["key"], found["value"]) for found in _SETTING.finditer(line))
        if (
            any(is_secret(key) and _is_value(value) for key, value in settings)
            or _KEY_BLOCK.search(line)
            or any(is_literal(found[1]) and _is_value(found[1]) for found in _IN_URL.finditer(line))
        ):
            yield number


def _is_value(text: str) -> bool:
    bare = text.strip("\"'`")
    return bool(bare) and is_literal(bare) and not _NO_VALUE.match(bare) and not _REFERENCE.fullmatch(bare)


def files() -> list[Path]:
    """All files in the repository that a person or a program might take a default from."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = [Path(name) for name in listed.stdout.decode().split("\0") if name]
    return [
        ROOT / name
        for name in names
        if name.suffix not in (".py", ".sum") and name.parts[0] != "tests" and (ROOT / name).is_file()
    ]


def test_there_is_no_password_in_the_repository() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{number}" for file in files() for number in passwords(file.read_text())
    ]
    assert found == []


def test_what_people_take_defaults_from_is_looked_at() -> None:
    looked_at = {str(file.relative_to(ROOT)) for file in files()}
    assert {
        "README.md",
        "charts/depin-platform/values.yaml",
        "charts/depin-platform/values-layered.yaml",
        "charts/depin-platform/secrets.yaml",
        "charts/depin-platform/charts/depin-secrets/templates/secrets.yaml",
        "charts/depin-platform/templates/NOTES.txt",
        "docs/secrets.md",
        "schema/values.schema.yaml",
        "values/prod.yaml",
        "scripts/demo",
    } <= looked_at


@pytest.mark.parametrize("name", ["values/prod.yaml", "docs/secrets.md", "scripts/demo"])
@pytest.mark.parametrize(
    "line",
    [
        "adminPassword: prom-operator",
        "    password: changeme  # to be changed",
        '  password: "changeme"',
        "# password: changeme",
        '{"apiKey": "abc123"}',
        "GF_SECURITY_ADMIN_PASSWORD=changeme",
        "helm install x --set grafana.adminPassword=changeme",
        "Log in with `password: changeme`.",
        "url: https://elastic:changeme@elasticsearch:9200",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_a_planted_password_is_found(name: str, line: str) -> None:
    text = (ROOT / name).read_text()
    assert list(passwords(f"{text}\n{line}\n")) == [text.count("\n") + 2]


@pytest.mark.parametrize(
    "line",
    [
        "password: {random: 32}",
        'password: "{{ .Values.password }}"',
        "password: ${PASSWORD}",
        'password: ""',
        "passwordKey: admin-password",
        "existingSecret: grafana-admin",
        "automountServiceAccountToken: false",
        "url: https://elastic:${PASSWORD}@elasticsearch:9200",
        "token: <yours>",
        "password: monitoring/prometheus-basic-auth/password",
        "# serviceToken: ACCOUNT",
    ],
)
def test_a_reference_is_no_password(line: str) -> None:
    assert list(passwords(line)) == []
