"""The search for secrets in what a program wrote finds them in every form that they may take."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.sandbox import leaks

VALUE = b"sW0rd/+ of?many&bytes="
LINE = b"admin:$2a$10$abcdefghijklmnopqrstuv"
SECRETS = {"logging/a/password": VALUE}


def hidden(text: bytes, secret: bytes = VALUE) -> list[str]:
    return leaks.find({"secret": secret}, {"log": text})


@pytest.mark.parametrize(
    "text",
    [
        b"before " + VALUE + b" behind",
        json.dumps({"a": VALUE.decode()}).encode(),
        b"https://user:" + quote(VALUE.decode(), safe="").encode() + b"@host",
        base64.b64encode(VALUE),
        b"Authorization: Basic " + base64.b64encode(b"u:" + VALUE),
        *(b"data: " + base64.b64encode(b"x" * before + VALUE + b"y" * 7) for before in range(6)),
        b"jwt." + base64.urlsafe_b64encode(b"xx" + VALUE),
        gzip.compress(b"manifest: " + VALUE, mtime=0),
        base64.b64encode(
            base64.b64encode(gzip.compress(json.dumps({"m": VALUE.decode()}).encode(), mtime=0))
        ),
    ],
)
def test_a_planted_value_is_found(text: bytes) -> None:
    assert hidden(text) == ["secret in log"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"nothing",
        VALUE[:-1],
        VALUE[1:],
        base64.b64encode(b"something else"),
        gzip.compress(b"other", mtime=0),
    ],
)
def test_what_is_not_there_is_not_found(text: bytes) -> None:
    assert hidden(text) == []


@pytest.mark.parametrize("text", [LINE, LINE + b"\n", LINE.partition(b":")[2], b"x\n" + LINE + b"\ny"])
def test_a_line_of_a_file_is_found_without_the_others_and_its_hash_without_the_user(text: bytes) -> None:
    assert hidden(text, b"# a comment\nother:\n" + LINE + b"\n") == ["secret in log"]


def test_a_user_alone_is_no_leak() -> None:
    assert hidden(b"logged in as admin", LINE) == []


def test_the_secret_and_the_place_are_named_and_not_the_value() -> None:
    found = leaks.find({"a": VALUE, "b": LINE}, {"one": VALUE, "two": LINE, "three": b""})
    assert found == ["a in one", "b in two"]


def test_a_value_that_cannot_be_looked_for_is_no_success() -> None:
    with pytest.raises(AssertionError, match="too short"):
        hidden(b"", b"short")


def test_files_are_read_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "left").write_bytes(VALUE)
    found = leaks.files([tmp_path])
    assert leaks.find({"secret": VALUE}, found) == [f"secret in {tmp_path}/a/b/left"]
    later = (tmp_path / "a" / "b" / "left").stat().st_mtime + 1
    assert leaks.files([tmp_path], since=later) == {}


def test_a_command_line_is_seen_while_its_process_runs() -> None:
    with leaks.command_lines() as seen:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.5)", VALUE.decode()], check=True)
    assert hidden(b"\0".join(seen)) == ["secret in log"]
