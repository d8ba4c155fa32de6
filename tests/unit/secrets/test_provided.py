"""Which Secrets somebody has to provide, and what is said of them; nobody makes one up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from depin_helm import secrets, values, yamlio
from depin_helm.cluster import Cluster
from depin_helm.project import Project
from tests.tier import ROOT, UMBRELLA
from tests.unit.cluster.api import kubeconfig, serve

SPECS = secrets.load(UMBRELLA)
ROUTE53 = {"enabled": True, "secretAccessKeySecretRef": {"name": "route53", "key": "secret-access-key"}}


def found(given: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    merged = values.coalesce(given, yamlio.load((UMBRELLA / "values.yaml").read_bytes()))
    return {f"{each} of {each.reader}": tuple(each.rules) for each in secrets.provided(SPECS, merged)}


def letsencrypt(enabled: bool = True, **settings: Any) -> dict[str, Any]:
    return {"depin-issuers": {"letsencrypt": {"enabled": enabled, **settings}}}


@pytest.mark.parametrize("environment", Project(ROOT).environments())
def test_our_environments_need_none(environment: str) -> None:
    assert secrets.provided(SPECS, values.load_environment(Project(ROOT), environment).values) == ()


def test_they_are_the_credentials_of_the_providers_of_dns() -> None:
    cloudflare = {"enabled": True, "apiTokenSecretRef": {"name": "cloudflare"}}
    webhook = {"config": {"credentials": [{"apiKeySecretRef": {"name": "hetzner", "key": "token"}}]}}
    dns01 = {"route53": ROUTE53, "cloudflare": cloudflare}
    given = letsencrypt(dns01=dns01, solvers=[{"dns01": {"webhook": webhook}}])
    assert found(given) == {
        "cert-manager/route53 of depin-issuers": ("secret-access-key",),
        "cert-manager/cloudflare of depin-issuers": ("api-token",),
        "cert-manager/hetzner of depin-issuers": ("token",),
    }


def test_what_goes_into_elasticsearchs_keystore_is_one() -> None:
    named = {"secretName": "azure", "items": [{"key": "azure.client.default.key", "path": "x"}]}
    keystore = [{"secretName": "elasticsearch-s3"}, named, {"secretName": 5}, "odd", {}]
    assert found({"elasticsearch": {"keystore": keystore}}) == {
        "logging/azure of elasticsearch": ("azure.client.default.key",),
        "logging/elasticsearch-s3 of elasticsearch": (),
    }
    assert found({"elasticsearch": {"enabled": False, "keystore": keystore}}) == {}


def test_one_that_may_have_any_keys_is_missing_until_it_is_there(tmp_path: Path) -> None:
    merged = {"elasticsearch": {"keystore": [{"secretName": "elasticsearch-s3"}]}}
    with serve() as api, Cluster.connect(kubeconfig(tmp_path / "k", api.address), environ={}) as cluster:
        (state,) = secrets.check(secrets.provided(SPECS, merged), cluster)
        assert state.problem == (
            "Secret logging/elasticsearch-s3 is yours to provide: elasticsearch reads it"
        )
        api.put("Secret", "elasticsearch-s3", "logging", data={})
        (state,) = secrets.check(secrets.provided(SPECS, merged), cluster)
        assert state.problem == ""


def test_several_keys_of_one_secret_are_named_together() -> None:
    reference = {"name": "aws", "key": "id"}
    route53 = {"accessKeyIDSecretRef": reference, "secretAccessKeySecretRef": {**reference, "key": "secret"}}
    assert found(letsencrypt(solvers=[{"dns01": {"route53": route53}}])) == {
        "cert-manager/aws of depin-issuers": ("id", "secret")
    }


@pytest.mark.parametrize(
    "given",
    [
        letsencrypt(dns01={"route53": {**ROUTE53, "enabled": False}}),
        letsencrypt(dns01={"route53": {"enabled": True}}),
        letsencrypt(enabled=False, dns01={"route53": ROUTE53}),
        {"depin-issuers": {**letsencrypt(dns01={"route53": ROUTE53})["depin-issuers"], "enabled": False}},
        {"depin-routes": {"routes": {"prometheus": {"enabled": False, "basicAuthSecret": "mine"}}}},
        {"depin-routes": {"enabled": False, "routes": {"prometheus": {"basicAuthSecret": "mine"}}}},
    ],
)
def test_what_is_off_needs_none(given: dict[str, Any]) -> None:
    assert found(given) == {}


def test_a_web_interface_may_have_a_secret_of_its_own() -> None:
    routes = {"prometheus": {"basicAuthSecret": "mine"}, "alertmanager": {"basicAuthSecret": ""}}
    assert found({"depin-routes": {"routes": routes}}) == {"monitoring/mine of depin-routes": ("auth",)}


def test_whoever_has_to_provide_one_is_told_what_is_missing(tmp_path: Path) -> None:
    specs = secrets.provided(SPECS, letsencrypt(dns01={"route53": ROUTE53}))
    said = "Secret cert-manager/route53 is yours to provide, with secret-access-key: depin-issuers reads it"
    with (
        serve() as api,
        Cluster.connect(kubeconfig(tmp_path / "kubeconfig", api.address), environ={}) as cluster,
    ):
        (state,) = secrets.check(specs, cluster)
        assert (state.summary, state.problem, state.provided) == ("absent; yours to provide", said, True)
        api.put("Secret", "route53", "cert-manager", data={"key": "eA=="})
        (state,) = secrets.check(specs, cluster)
        assert (state.summary, state.problem) == ("lacks secret-access-key", said)
        api.put("Secret", "route53", "cert-manager", data={"secret-access-key": "eA=="})
        (state,) = secrets.check(specs, cluster)
        assert (state.summary, state.problem) == ("present", "")


def told(alerting: dict[str, Any], **section: Any) -> dict[str, list[str]]:
    given = {"depin-monitoring": {"alerting": {"enabled": True, **alerting}, **section}}
    return {str(spec): list(spec.rules) for spec in secrets.provided(SPECS, given)}


RECEIVERS: dict[str, Any] = {
    "on-call": {"pagerdutyConfigs": [{"routingKey": {"name": "pagerduty", "key": "routing-key"}}]},
    "team": {
        "slackConfigs": [{"apiURL": {"name": "slack", "key": "url"}, "channel": "#a"}],
        "emailConfigs": [
            {
                "authPassword": {"name": "smtp", "key": "password"},
                "headers": [{"key": "Subject", "value": "a"}],
                "tlsConfig": {
                    "ca": {"configMap": {"name": "authority", "key": "ca.crt"}},
                    "cert": {"secret": {"name": "smtp", "key": "tls.crt"}},
                    "keySecret": {"name": "smtp-key", "key": "tls.key", "optional": True},
                },
            }
        ],
    },
}


def test_every_secret_of_a_receiver_is_listed_with_its_keys() -> None:
    assert told({"receivers": RECEIVERS}) == {
        "monitoring/pagerduty": ["routing-key"],
        "monitoring/slack": ["url"],
        "monitoring/smtp": ["password", "tls.crt"],
    }


@pytest.mark.parametrize("enabled", [True, False])
def test_the_dead_mans_switch_has_one_while_it_is_on(enabled: bool) -> None:
    switch = {"enabled": enabled, "urlSecret": {"name": "switch", "key": "url"}}
    assert told({"deadMansSwitch": switch}) == ({"monitoring/switch": ["url"]} if enabled else {})


def test_none_is_needed_where_alerts_are_not_routed_here() -> None:
    assert told({"receivers": RECEIVERS, "enabled": False}) == {}
    assert told({"receivers": RECEIVERS}, enabled=False) == {}
    assert secrets.provided(SPECS, {}) == ()


@pytest.mark.parametrize(
    "receivers", [None, {"a": None}, {"a": {"slackConfigs": None}}, {"a": {"slackConfigs": ["b"]}}]
)
def test_what_is_not_finished_has_none(receivers: Any) -> None:
    assert told({"receivers": receivers}) == {}
