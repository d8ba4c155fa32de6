"""Secrets and personal data do not get through, whatever a line looks like, and no line takes long."""

from __future__ import annotations

import json
import string
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.logs.emulation import Pipeline, chart_values

PIPELINE = Pipeline()
NOW = datetime(2026, 11, 28, tzinfo=UTC)
SECRET = "s3cr3tvalue"


def document(record: dict[str, Any], pipeline: Pipeline = PIPELINE) -> dict[str, Any]:
    return pipeline.document(NOW, {"log": "", "stream": "stdout", "time": "", **record})[1]


KEYS = [key for key, on in chart_values()["depin-fluent-bit"]["masking"]["keys"].items() if on]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "text",
    [
        "{key}={secret} next",
        "{key}: {secret}",
        '{key}="{secret} and more"',
        "{key}='{secret} and more'",
        '"{key}": "{secret}"',
        '\\"{key}\\":\\"{secret}\\"',
        "/path?{key}={secret}&x=1",
        "{key} = {secret}",
    ],
)
def test_what_stands_under_a_secret_name_is_masked_in_texts(key: str, text: str) -> None:
    found = document({"log": text.format(key=key, secret=SECRET)})
    assert SECRET not in json.dumps(found)
    assert "masked" in found["tags"]


@pytest.mark.parametrize("key", ["api_key", "API-KEY", "apiKey", "db.password", "x-api-key"])
def test_case_and_punctuation_of_a_name_do_not_matter(key: str) -> None:
    found = document({"log": "{}", "parsed": {"msg": "x", key: SECRET, "inner": {key: {"deep": SECRET}}}})
    assert SECRET not in json.dumps(found)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)


def without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_null(inner) for key, inner in value.items() if inner is not None}
    return [without_null(item) for item in value if item is not None] if isinstance(value, list) else value


@given(st.dictionaries(st.text(max_size=12), json_values, max_size=8))
def test_every_object_becomes_a_document_and_no_secret_gets_through(fields: dict[str, Any]) -> None:
    parsed = without_null(fields | {"password": SECRET, "note": f"token={SECRET}"})
    found = document({"log": json.dumps(parsed), "parsed": parsed})
    assert SECRET not in json.dumps(found)
    assert "parse_failure" not in found.get("tags", [])


def test_a_pattern_of_an_environment_is_added_and_one_of_the_charts_taken_out() -> None:
    values = chart_values()
    patterns = values["depin-fluent-bit"]["masking"]["patterns"]
    patterns["wallet"] = {"pattern": "%f[%w]0x%x%x%x%x+", "replacement": "[wallet]"}
    patterns["email"] = None
    found = document({"log": "0xabcdef0123 ada@example.com"}, Pipeline(values=values))
    assert found["message"] == "[wallet] ada@example.com"


def test_a_record_that_breaks_the_script_is_masked_all_the_same() -> None:
    found = document({"log": f"password={SECRET}", "kubernetes": 5})
    assert found["message"] == "password=[masked]"
    assert found["tags"] == ["parse_failure"]


WORST = 262_144
#: What keeps a pattern busy that begins anywhere.
SHAPES = [
    *(
        "a",
        "A",
        "=",
        ":",
        " ",
        "@",
        ".",
        "a.",
        "a@",
        "a=",
        "a: ",
        "://a:",
        "eyJa.",
        "Bearer ",
        "Basic ",
        "-----BEGIN ",
        '\\"',
    ),
    string.ascii_letters,
    "gho_",
    "AKIA",
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("end", ["", "@", "="])
def test_the_longest_message_takes_no_longer_than_a_second(shape: str, end: str) -> None:
    values = chart_values()
    values["depin-fluent-bit"]["limits"]["message"] = WORST
    pipeline = Pipeline(values=values)
    text = (shape * WORST)[: WORST - 1] + end
    begin = time.process_time()
    document({"log": text}, pipeline)
    assert time.process_time() - begin < 1
