"""Rules about Elasticsearch's nodes: who may vote, and what a single one can reach."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs

from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation

_NAME = "elasticsearch"
_REPLICAS, _ROLES = (_NAME, "replicas"), (_NAME, "roles")
_HEALTH = (_NAME, "clusterHealthCheckParams")


def _voting(facts: Facts) -> Iterator[Violation]:
    replicas, roles = facts.number(*_REPLICAS), facts.get(*_ROLES)
    if not _whole_cluster(facts) or not replicas:
        return
    if isinstance(roles, list) and "master" not in roles:
        yield Violation(
            (_ROLES,), "no node can become the master", "add master, or leave the roles to the chart"
        )
    elif replicas == 2:
        yield Violation(
            (_REPLICAS,),
            "of two nodes that vote, neither can be lost",
            "3, or 1 where an outage does not matter",
        )


def _green(facts: Facts) -> Iterator[Violation]:
    params, roles = facts.get(*_HEALTH), facts.get(*_ROLES)
    if not _whole_cluster(facts) or facts.number(*_REPLICAS) != 1 or not isinstance(params, str):
        return
    if isinstance(roles, list) and not any(str(role).startswith("data") for role in roles):
        return
    if "green" in parse_qs(params).get("wait_for_status", ()):
        yield Violation(
            (_HEALTH, _REPLICAS),
            "a single node waits for a green cluster",
            "clusterHealthCheckParams: wait_for_status=yellow&timeout=1s",
        )


def _whole_cluster(facts: Facts) -> bool:
    """Whether these are all of the cluster's nodes, as far as the values tell.

    With another group or another master service, the masters are in a release of their own; roles within
    elasticsearch.yml are beyond what values tell.
    """
    if not facts.enabled(_NAME) or facts.get(_NAME, "masterService"):
        return False
    files = facts.get(_NAME, "esConfig")
    texts = files.values() if isinstance(files, dict) else ()
    if any("node.roles" in text for text in texts if isinstance(text, str)):
        return False
    own = facts.get(_NAME, "nodeGroup") in (None, "master")
    return own or bool(facts.get(_NAME, "fullnameOverride"))


RULES = (
    Rule(
        "voting-nodes",
        "Elasticsearch has one node that votes, or three and more",
        "without a majority of its masters the cluster takes neither reads nor writes",
        _voting,
    ),
    Rule(
        "never-green",
        "a single Elasticsearch node does not wait for green",
        "it has nowhere to put replica shards, and after its first restart it never becomes ready",
        _green,
    ),
)
