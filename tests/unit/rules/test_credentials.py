"""A secret that is written as a value is found wherever it stands, and never repeated."""

from __future__ import annotations

from typing import Any

import pytest

from depin_helm.checks.rules.secret_names import is_literal, is_secret
from tests.unit.rules.building import facts, nested, said, violations

KPS = "kube-prometheus-stack"
GRAFANA = f"{KPS}.grafana"
ALERTS = f"{KPS}.alertmanager.config"
SECRET = "hunter2"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "adminPassword",
        "HTTP_Passwd",
        "token",
        "authToken",
        "bot_token",
        "apiKey",
        "api_key",
        "client_secret",
        "clientSecret",
        "secretKey",
        "smtp_auth_password",
        "AWS_SECRET_ACCESS_KEY",
        "secretAccessKey",
        "XPACK_SECURITY_ENCRYPTIONKEY",
        "xpack.security.encryptionKey",
        "maxmindLicenseKey",
        "elasticsearch.password",
        "GF_SECURITY_ADMIN_PASSWORD",
        "privateKey",
        "AWS_SECRET_KEY",
        "AWS_Session_Token",
        "Shared_Key",
        "xpack.security.http.ssl.keystore.secure_password",
        "xpack.security.http.ssl.secure_key_passphrase",
    ],
)
def test_keys_of_secrets(key: str) -> None:
    assert is_secret(key)


@pytest.mark.parametrize(
    "key",
    [
        "passwordKey",
        "password_file",
        "GF_SECURITY_ADMIN_PASSWORD__FILE",
        "bearerTokenFile",
        "existingSecret",
        "secretName",
        "basicAuthSecret",
        "auth-secret",
        "automountServiceAccountToken",
        "automountToken",
        "tokenTTL",
        "key",
        "userKey",
        "access_key",
        "accessKeyId",
        "password_hashing",
        "ssl.key",
        "monkey",
        "AWS_ACCESS_KEY_ID",
        "AWS_Role_ARN",
        "Cloud_ID",
        "",
        "0",
    ],
)
def test_keys_of_what_is_no_secret(key: str) -> None:
    assert not is_secret(key)


@pytest.mark.parametrize("text", [SECRET, "pa$$word", "p@ss word", "12345", "$2y$10$abc"])
def test_texts_that_are_values(text: str) -> None:
    assert is_literal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "***",
        "{{ .Values.x }}",
        "${NAME}",
        "$NAME",
        "$(NAME)",
        "$__file{/a}",
        "$__env{A}",
        "%(a)s",
        "true",
        "<redacted>",
        "null",
    ],
)
def test_texts_that_stand_for_a_value_or_none(text: str) -> None:
    assert not is_literal(text)


def places(path: str, value: Any) -> list[str]:
    given = nested(path, value)
    for each in violations("secret-in-values", facts(given)):
        assert SECRET not in f"{each.message} {each.hint}"
    return said("secret-in-values", given)


@pytest.mark.parametrize(
    "path",
    [
        f"{GRAFANA}.adminPassword",
        f"{GRAFANA}.imageRenderer.token",
        f"{GRAFANA}.smtp.password",
        f"{GRAFANA}.env.GF_SECURITY_ADMIN_PASSWORD",
        f"{GRAFANA}.envRenderSecret.API_TOKEN",
        "elasticsearch.secret.password",
        "ingress-nginx.controller.maxmindLicenseKey",
        f"{ALERTS}.global.smtp_auth_password",
        f"{KPS}.thanosRuler.thanosRulerSpec.objectStorageConfig.secret.config.secret_key",
        f"{KPS}.alertmanager.extraSecret.data.auth",
    ],
)
def test_a_key_tells_a_secret(path: str) -> None:
    assert places(path, SECRET) == [path]
    for right in ("", None, "{{ .Values.x }}", "${FROM_ENV}", True, {"name": "a", "key": "b"}):
        assert places(path, right) == []


def test_a_password_may_be_a_number() -> None:
    assert places(f"{GRAFANA}.adminPassword", 12345678) != []
    assert places(f"{GRAFANA}.adminPassword", False) == []


def test_grafanas_settings_may_hold_secrets() -> None:
    def ini(value: Any) -> list[str]:
        return places(GRAFANA, {"grafana.ini": {"auth.github": {"client_secret": value}}})

    assert len(ini(SECRET)) == 1
    assert ini("$__file{/etc/secrets/github/secret}") == []


def test_variables_of_a_container_may_hold_secrets() -> None:
    def env(**item: Any) -> list[str]:
        return places("kibana.extraEnvs", [{"name": "A", "value": "b"}, item])

    assert env(name="ELASTICSEARCH_PASSWORD", value=SECRET) == ["kibana.extraEnvs[1].value"]
    (found,) = violations(
        "secret-in-values", facts({"kibana": {"extraEnvs": [{"name": "A_TOKEN", "value": SECRET}]}})
    )
    assert found.hint == "take it from a Secret: valueFrom.secretKeyRef"
    assert env(name="ELASTICSEARCH_PASSWORD", value="$(OTHER)") == []
    assert (
        env(name="ELASTICSEARCH_PASSWORD", valueFrom={"secretKeyRef": {"name": "token", "key": "password"}})
        == []
    )
    assert env(name="ELASTICSEARCH_PASSWORD_FILE", value="/run/secret") == []
    assert env(value=SECRET) == []


@pytest.mark.parametrize(
    ("configs", "receiver"),
    [
        ("slack_configs", {"api_url": "https://hooks.slack.com/services/T0/B0/hunter2"}),
        ("discord_configs", {"webhook_url": "https://discord.com/api/webhooks/1/hunter2"}),
        ("msteams_configs", {"webhook_url": "https://x.webhook.office.com/webhookb2/hunter2"}),
        ("slack_configs", {"api_url": "https://chat.example.com/hooks/hunter2"}),
        ("msteamsv2_configs", {"webhook_url": "https://example.com/hunter2"}),
        ("pagerduty_configs", {"routing_key": SECRET}),
        ("pagerduty_configs", {"service_key": SECRET}),
        ("pushover_configs", {"user_key": SECRET}),
        ("webhook_configs", {"url": "https://user:hunter2@example.com/alerts"}),
        (
            "webhook_configs",
            {"url": "https://example.com", "http_config": {"authorization": {"credentials": SECRET}}},
        ),
        ("opsgenie_configs", {"api_key": SECRET}),
    ],
)
def test_receivers_of_alerts_may_hold_secrets(configs: str, receiver: Any) -> None:
    assert len(places(f"{ALERTS}.receivers", [{"name": "team", configs: [receiver]}])) == 1


@pytest.mark.parametrize(
    ("configs", "receiver"),
    [
        ("slack_configs", {"api_url_file": "/etc/alertmanager/secrets/slack/url", "channel": "#alerts"}),
        ("slack_configs", {"api_url": "https://slack.com/api/chat.postMessage"}),
        ("victorops_configs", {"routing_key": "team-a"}),
        ("webhook_configs", {"url": "https://example.com/alerts"}),
        ("webhook_configs", {"url": "https://user:$PASSWORD@example.com/alerts"}),
        ("webhook_configs", {"url": "http://a.example.com:8080/x@y"}),
        ("email_configs", {"to": "team@example.com", "auth_password_file": "/etc/p"}),
    ],
)
def test_receivers_without_secrets_are_right(configs: str, receiver: Any) -> None:
    assert places(f"{ALERTS}.receivers", [{"name": "team", configs: [receiver]}]) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("fluent-bit.config.outputs", "    HTTP_Passwd hunter2"),
        ("fluent-bit.config.outputs", "    Cloud_Auth elastic:hunter2"),
        ("fluent-bit.config.outputs", "    AWS_Secret_Key hunter2"),
        (f"{GRAFANA}.additionalDataSourcesString", "    secureJsonData:\n      httpHeaderValue1: hunter2"),
        ("fluent-bit.config.outputs", "    Header Authorization Bearer hunter2"),
        ("kibana.kibanaConfig.kibana_yml", "elasticsearch.password: hunter2"),
        ("kibana.kibanaConfig.kibana_yml", 'xpack.security.encryptionKey: "hunter2"  # 32 letters'),
        ("elasticsearch.esConfig.elasticsearch_yml", "xpack.http.ssl.keystore.password: hunter2"),
        (f"{GRAFANA}.ldap.config", "bind_password = 'hunter2'"),
        (f"{KPS}.alertmanager.stringConfig", "  - api_key: hunter2"),
    ],
)
def test_files_within_values_may_hold_secrets(path: str, line: str) -> None:
    def file(line: str) -> list[str]:
        return places(path, f"first line\n{line}\nlast line\n")

    assert file(line) == [path]
    assert file(line.replace(SECRET, "${FROM_ENV}")) == []
    assert file(f"# {line.strip()}") == []


@pytest.mark.parametrize(
    "text",
    [
        "password:\n  from: file\n",
        "token.enabled: true\ntoken: true\n",
        "local token = read(file)\nx = 1\n",
        '{\n"authToken": "-"\n}',
        "password: |\n  {{ .Values.x }}\n",
        "Password reset mails go to the team.\nToken buckets are full.\n",
        "password: &anchor\nother: *anchor\n",
    ],
)
def test_files_without_secrets_are_right(text: str) -> None:
    assert places("kibana.kibanaConfig.other", text) == []


def test_a_file_of_a_single_line_is_a_file() -> None:
    def file(line: str) -> list[str]:
        return places("elasticsearch.esConfig", {"elasticsearch.yml": line})

    assert file("xpack.security.transport.ssl.truststore.password: hunter2") != []
    assert file("xpack.security.transport.ssl.truststore.password: ${FROM_ENV}") == []
    assert file("node.store.allow_mmap: false") == []
    assert places("fluent-bit.config.outputs", "HTTP_Passwd hunter2") != []


def test_the_secure_part_of_a_data_source_is_secret_whatever_its_keys() -> None:
    def source(**data: Any) -> list[str]:
        return places(f"{GRAFANA}.additionalDataSources", [{"name": "a", "secureJsonData": data}])

    assert len(source(httpHeaderValue1=f"Bearer {SECRET}", basicAuth=SECRET)) == 2
    assert len(source(privateKey=f"one\n{SECRET}\n", other="$$hunter2")) == 2
    assert source(a="$NAME", b="Bearer $NAME", c="${NAME}", d="$__file{/a}", e="$__env{A}", f="") == []
    assert source(tlsCACert="-----BEGIN CERTIFICATE-----\nMIIB\n") == []
    plain = [{"name": "a", "jsonData": {"httpHeaderName1": "Authorization"}}]
    assert places(f"{GRAFANA}.additionalDataSources", plain) == []


def test_what_follows_the_secure_part_of_a_text_is_not_secret() -> None:
    text = "- name: a\n  secureJsonData:\n    x: ${NAME}\n  url: https://example.com\n- name: b\n"
    assert places(f"{GRAFANA}.additionalDataSourcesString", text) == []


def test_programs_are_not_read_as_settings() -> None:
    assert places("fluent-bit.luaScripts.a_lua", "token = record\nreturn 1\n") == []


def test_a_private_key_is_found_under_any_key() -> None:
    assert places("fluent-bit.config.extraFiles.cert", PEM) != []
    assert places("fluent-bit.config.extraFiles.cert", PEM.replace("RSA PRIVATE KEY", "CERTIFICATE")) == []


def test_an_argument_may_hold_a_secret() -> None:
    path = "ingress-nginx.controller.extraContainers"
    assert places(path, [{"args": ["--api-token=hunter2"]}]) == [f"{path}[0].args[0]"]
    assert places(path, [{"args": ["--api-token=$(TOKEN)", "--token-file=/a", "--v=2"]}]) == []


def test_the_name_of_a_key_in_a_secret_is_none() -> None:
    path = f"{KPS}.prometheus.prometheusSpec.extra"
    assert places(path, {"secretName": "s3", "secretKey": "secret-access-key"}) == []
    assert places(path, {"secretKey": SECRET}) == [f"{path}.secretKey"]


def test_a_component_that_is_off_uses_no_secret() -> None:
    assert places(GRAFANA, {"enabled": False, "adminPassword": SECRET}) == []


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        (f"{GRAFANA}.adminPassword", "name a Secret: grafana.admin.existingSecret"),
        (f"{GRAFANA}.smtp.password", "name a Secret: grafana.smtp.existingSecret"),
        (
            f"{ALERTS}.global.opsgenie_api_key",
            "the same key with _file, of a Secret in alertmanagerSpec.secrets",
        ),
        ("kibana.other.password", "name a Secret that holds it"),
    ],
)
def test_what_to_write_instead_is_said(path: str, hint: str) -> None:
    (found,) = violations("secret-in-values", facts(nested(path, SECRET)))
    assert (found.message, found.hint) == ("a password or token stands here as it is", hint)
