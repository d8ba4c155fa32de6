"""Values that are made, held against what their readers take."""

from __future__ import annotations

import base64
import re

import bcrypt
import pytest

from depin_helm import secrets
from depin_helm.secrets import SecretSpec, generators
from depin_helm.secrets.specs import Rule, Source

# A token and its line in Elasticsearch's own tests: x-pack/plugin/security/src/internalClusterTest/…/authc/
# service/ServiceAccountSingleNodeTests.java, BEARER_TOKEN and configServiceTokens.
ELASTIC_TOKEN = b"AAEAAWVsYXN0aWMvZmxlZXQtc2VydmVyL3Rva2VuMTpyNXdkYmRib1FTZTl2R09Ld2FKR0F3"
ELASTIC_SALT = "8QN+eThJEaCd18sCP0nfzxJq2D9yhmSZgI20TDooYcE="
ELASTIC_LINE = (
    b"elastic/fleet-server/token1:{PBKDF2_STRETCH}10000$8QN+eThJEaCd18sCP0nfzxJq2D9yhmSZgI20TDooYcE="
    b"$+0ELfqW4D2+/SlHvm/885dzv67qO2SMJg32Mv/9epXk="
)


def test_a_service_token_line_is_the_one_that_elasticsearch_itself_tests_with() -> None:
    assert generators.service_token_line(ELASTIC_TOKEN, base64.b64decode(ELASTIC_SALT)) == ELASTIC_LINE


def test_each_service_token_line_has_a_salt_of_its_own() -> None:
    lines = {generators.service_token_line(ELASTIC_TOKEN) for _ in range(2)}
    assert len(lines) == 2
    assert all(len(base64.b64decode(line.split(b"$")[1])) == 32 for line in lines)


def test_a_service_token_names_its_account_and_holds_22_random_characters() -> None:
    token = generators.service_token("elastic/kibana")
    assert b"=" not in token
    text = base64.b64decode(token + b"=" * (-len(token) % 4))
    assert re.fullmatch(rb"\x00\x01\x00\x01elastic/kibana/depin-helm:[\w-]{22}", text)
    assert token != generators.service_token("elastic/kibana")


def test_a_made_token_and_its_line_go_together() -> None:
    token = generators.service_token("elastic/kibana")
    assert generators.service_token_line(token).startswith(
        b"elastic/kibana/depin-helm:{PBKDF2_STRETCH}10000$"
    )


@pytest.mark.parametrize(
    "token", [b"", b"hunter2hunter2", base64.b64encode(b"elastic/kibana/x:secret"), b"AAEAAQ==", b"\xff\xfe"]
)
def test_what_is_no_service_token_is_refused_and_not_repeated(token: bytes) -> None:
    with pytest.raises(ValueError, match="no Elasticsearch service account token") as error:
        generators.service_token_line(token)
    assert "hunter2" not in str(error.value)


def test_an_htpasswd_line_lets_in_its_user_with_this_password_only() -> None:
    user, _, digest = generators.htpasswd("admin", b"correct horse").partition(b":")
    assert user == b"admin"
    assert digest.startswith(b"$2a$10$")
    assert bcrypt.checkpw(b"correct horse", digest)
    assert not bcrypt.checkpw(b"wrong horse", digest)


def test_a_password_longer_than_bcrypt_looks_at_is_hashed_as_its_readers_do() -> None:
    digest = generators.htpasswd("admin", b"x" * 100).partition(b":")[2]
    assert bcrypt.checkpw(b"x" * 72, digest)


def test_no_representation_shows_a_value() -> None:
    rule = Rule(generators.service_token_line, (Source("logging", "kibana-es-token", "token"),))
    spec = SecretSpec("logging", "elasticsearch-service-tokens", "elasticsearch", {"service_tokens": rule})
    state = secrets.SecretState("logging", "x", "kibana", ("token",), exists=True)
    assert "PBKDF2" not in repr((spec, state))
