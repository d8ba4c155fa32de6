"""Secrets and personal data do not get through, whatever a line looks like, and no line takes long."""

from __future__ import annotations

import json
import re
import string
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depin_helm import yamlio
from tests.logs.emulation import FILES, Pipeline, chart_values

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


@pytest.mark.parametrize(
    "name",
    [
        "db_password",
        "POSTGRES_PASSWORD",
        "dbPassword",
        "AWS_SECRET_ACCESS_KEY",
        "auth_token",
        "x-amz-security-token",
        "clientSecret",
        "secret_key_base",
        "Proxy-Authorization",
        "set-cookie",
        "csrftoken",
        "privkey",
    ],
)
def test_a_name_that_ends_in_a_secret_one_is_secret(name: str) -> None:
    assert SECRET not in json.dumps(document({"log": f"{name}={SECRET} x"}))
    assert SECRET not in json.dumps(document({"log": "{}", "parsed": {"msg": "x", name: SECRET}}))


@pytest.mark.parametrize(
    "name", ["tokens", "max_tokens", "token_count", "password_age", "secrets_total", "key"]
)
def test_a_name_that_only_begins_like_one_is_not(name: str) -> None:
    found = document({"log": f"{name}=7 x", "stream": "stdout"})
    assert "masked" not in found.get("tags", [])


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: ApiKey {SECRET}",
        f"authorization: Token {SECRET}",
        f'{{"Authorization": "ApiKey {SECRET}"}} sent',
        f"AUTHORIZATION: AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature={SECRET}",
        f"Cookie: a=1; sid={SECRET}",
        f"Cookie: user=ada@example.com; sid={SECRET}",
        f'"password": "hun\\"{SECRET}"',
        f'"password": "a\\\\", "token": "{SECRET}"',
        f"run --password {SECRET} --verbose",
        f"--api-key {SECRET}",
        f'password = "{SECRET}',
        f'err="dial password=\\"{SECRET}\\""',
        f'"{{\\"password\\": \\"{SECRET}\\"}}"',
        f'{{\\"password\\": "{SECRET}"}}',
        f"Authorization: Bearer 12|{SECRET}",
        f"Authorization: Bearer id:{SECRET}",
        f"Authorization: Bearer abc, ApiKey {SECRET}",
        f'Authorization: Digest username="u", response="{SECRET}"',
        f'Cookie: a="1"; sid={SECRET}',
        f"password=ada@example.com#{SECRET}",
        f'{{"password": ["{SECRET}"]}} x',
        f'{{"set-cookie":["sid={SECRET}"]}} x',
        f'password: Some("{SECRET}")',
        f'SecretStr("{SECRET}") token=SecretStr("{SECRET}")'.partition(" ")[2],
        f'secret := "{SECRET}"',
        f"--db_password {SECRET}",
        f"--db.password {SECRET}",
        f"-password {SECRET}",
        f'"--password", "{SECRET}"',
        f'--password "two {SECRET}"',
    ],
)
def test_secrets_of_several_words_are_masked_to_their_end(text: str) -> None:
    found = document({"log": text})
    assert SECRET not in json.dumps(found)
    assert "masked" in found["tags"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('"password": "x", "user": "ada"', '"password": "[masked]", "user": "ada"'),
        ('password="" user=ada', 'password="" user=ada'),
        ("curl -H 'Authorization: ApiKey a b' https://x", "curl -H 'Authorization: [masked]' https://x"),
        ('{"authorization": true, "a": 1} x', '{"authorization": [masked], "a": 1} x'),
        ("Cookie: a=1; sid=2\nHost: x", "Cookie: [masked]\nHost: x"),
        ('{"a":"password=x","b":1} x', '{"a":"password=[masked]","b":1} x'),
        ('password: Some("x"), user: y', "password: [masked], user: y"),
        ("'token': b'x', 'user': 'y'", "'token': b'[masked]', 'user': 'y'"),
        ('"password":["x","y"],"a":1', '"password":[masked],"a":1'),
        ('"secret":{"value":"x)"},"a":1', '"secret":[masked],"a":1'),
        ('password => "x", a', 'password => "[masked]", a'),
        ('run "--password","x","-y"', 'run "--password","[masked]","-y"'),
        ("run -password 'two words' -y", "run -password '[masked]' -y"),
        ("eos_token=2 pad_token: 0 time_per_token: 0.02", "eos_token=2 pad_token: 0 time_per_token: 0.02"),
        ("ExternalSecret.name=a", "ExternalSecret.name=a"),
        ("run --verbose true --password x -y", "run --verbose true --password [masked] -y"),
        ("run --password --verbose", "run --password --verbose"),
        ("a note -- the token is lost", "a note -- the token is lost"),
    ],
)
def test_the_rest_of_a_text_stays(text: str, masked: str) -> None:
    assert document({"log": text})["message"] == masked


#: Something that each of the chart's patterns looks for.
FOUND = {
    "aws-access-key": "AKIAIOSFODNN7EXAMPLE",
    "basic-authorization": "Basic YWxhZGRpbjpvcGVuc2VzYW1l",
    "bearer": "Bearer abc.def",
    "credentials-in-url": "postgres://ada:pw@db/x",
    "email": "ada@example.com",
    "github-token": "ghp_" + "a1" * 18,
    "gitlab-token": "glpat-" + "a1" * 10,
    "hugging-face-token": "hf_" + "aB" * 17,
    "json-web-token": "eyJhbGciOi.eyJzdWIi.c2ln",
    "openai-key": "sk-proj-" + "a1" * 20,
    "private-key": "-----BEGIN RSA PRIVATE KEY-----MIIE",
    "slack-token": "xoxb-1234-abcd",
    "stripe-key": "sk_live_" + "a1" * 12,
}


def test_each_of_the_charts_patterns_is_needed() -> None:
    patterns = chart_values()["depin-fluent-bit"]["masking"]["patterns"]
    assert FOUND.keys() == patterns.keys()
    for name, text in FOUND.items():
        assert "[masked]" in document({"log": f"got {text} here"})["message"], name
        values = chart_values()
        values["depin-fluent-bit"]["masking"]["patterns"][name] = None
        found = document({"log": f"got {text} here"}, Pipeline(values=values))
        assert found["message"] == f"got {text} here", name


@pytest.mark.parametrize("text", ["hf_hub_download", "risk-free-and-long-enough-for-it", "task_live_now"])
def test_words_that_look_like_keys_stay(text: str) -> None:
    assert document({"log": f"called {text} now"})["message"] == f"called {text} now"


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


SHAPED = st.sampled_from(
    [SECRET, [SECRET], {"v": SECRET}, ["x", {"y": [SECRET]}], f'a"b{SECRET}', f"it's {SECRET}", f"]{SECRET}"]
)
PRINTED = st.sampled_from(
    [json.dumps, repr, lambda value: json.dumps(value, indent=1), lambda value: json.dumps(json.dumps(value))]
)


@given(json_values, st.sampled_from(KEYS), SHAPED, PRINTED)
def test_no_secret_gets_through_in_a_text_that_holds_an_object(
    noise: Any, key: str, value: Any, printed: Any
) -> None:
    text = printed({"a": noise, "b": [{f"x_{key}": value, "c": 1}]})
    assert SECRET not in json.dumps(document({"log": f"INFO sent {text}"}))


def test_a_name_that_is_too_long_to_be_kept_is_as_secret() -> None:
    found = document({"log": "{}", "parsed": {"msg": "x", "y" * 1100 + "password": SECRET}})
    assert SECRET not in json.dumps(found)
    assert "masked" in found["tags"]


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
    "--a",
    "-- ",
    "eyJ-",
    "eyJ_",
    "glpat-",
    "hf_",
    "sk-",
    "sk_live_",
    "xoxb-",
    "password=",
    "password=[",
    "password=(",
    'password="',
    'password=\\"',
    "authorization: ",
    "authorization:",
    "--password ",
    "token=b'",
    "token=a(",
    'secret:{"',
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


LONGEST = 1024**2
#: Lines that keep a careless pattern busy, each before the repeated part and after it.
LINES = {
    "carriage returns": ("", "\r", "x"),
    "spaces at the end of a level": ("", " ", "x"),
    "a trace's frame": ("Traceback (most recent call last):\n  ", "x", "\nValueError: y"),
    "a trace's end": ("Traceback (most recent call last):\nValueError", " ", "x"),
    "a trace of one word": ("Exception: ", "a", "\n\tat b"),
    "a trace of dots": ("Exception: ", "a.", "\n\tat b"),
    "an access line's brackets": ("1 - ", " [", ""),
    "an access line's quotes": ('1 - - [x] "GET ', '"', ""),
    "an access line's addresses": ('1 - - [x] "GET / HTTP/1.1" 200 1 "-" "-" 1 0.1 [] [] ', "a, ", ""),
    "pairs": ("ts=1 msg=", "a=1 ", ""),
    "backslashes of a secret": ('password=\\"', "\\", ""),
    "quotes of a secret": ('password=\\"', '\\\\"', ""),
    "brackets of a secret": ("password=", "[", ""),
    "brackets and quotes of a secret": ("password=[", "'\"", ""),
    "blanks of an argument": ("--password", " ", ""),
    "blanks of a value": ("password=", " ", ""),
    "blanks after a word": ("a", " ", "="),
    "msg without end": ("ts=1 ", "msg", "="),
    "klog's quotes": ("I1128 07:12:14.000123       1 a.go:1] ", '"', ""),
    "an exception's dots": ("", "a.", ""),
    "colours": ("", "\x1b[1", ""),
    "levels": ("", "ERROR ", ""),
}


@pytest.mark.parametrize("name", LINES)
def test_no_line_however_long_takes_longer_than_a_second(name: str) -> None:
    before, repeated, after = LINES[name]
    text = before + repeated * ((LONGEST - len(before) - len(after)) // len(repeated)) + after
    begin = time.process_time()
    parts: dict[str, str] = {}
    for parser in ("klog", "logfmt-line", "nginx-access", "nginx-error", "fluent-bit-own"):
        parts |= PIPELINE.parts(parser, text) or {}
    document({"log": text, **parts})
    document({"log": text, "parsed": {"level": text, "ts": text, "source.ip": text, "msg": text}})
    assert time.process_time() - begin < 1


def test_the_exceptions_pattern_of_stack_traces_takes_no_longer_either() -> None:
    parsers = yamlio.load((FILES / "parsers.yaml").read_bytes())["multiline_parsers"]
    rules = [rule["regex"].strip("/") for parser in parsers for rule in parser["rules"]]
    for text in ("a" * LONGEST, "a." * (LONGEST // 2), " " * LONGEST + "x", "a" + " " * LONGEST + "x"):
        begin = time.process_time()
        for rule in rules:
            re.search(rule, text)
        assert time.process_time() - begin < 1
