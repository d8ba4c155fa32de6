"""Rules about Elasticsearch's nodes: their roles, who may vote, and what a single one can reach."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs

from depin_helm.checks.alike import MAYBE, alike
from depin_helm.checks.facts import Facts
from depin_helm.checks.rule import Rule, Violation

_NAME = "elasticsearch"
_REPLICAS, _ROLES = (_NAME, "replicas"), (_NAME, "roles")
_HEALTH = (_NAME, "clusterHealthCheckParams")

_MASTER, _VOTING_ONLY = "master", "voting_only"
#: Elasticsearch 8's: org.elasticsearch.cluster.node.DiscoveryNodeRole.
_KNOWN = {
    _MASTER,
    _VOTING_ONLY,
    "data",
    *(f"data_{tier}" for tier in ("content", "hot", "warm", "cold", "frozen")),
    "ingest",
    "ml",
    "remote_cluster_client",
    "transform",
}


def _of_nodes(facts: Facts) -> Iterator[Violation]:
    for index, role in enumerate(_roles(facts)):
        if role not in _KNOWN:
            near = alike(role, _KNOWN, MAYBE)
            hint = f"did you mean {near}?" if near else "such as master, data or ingest"
            yield Violation(((*_ROLES, index),), "is no role that Elasticsearch knows", hint)
        elif role == _VOTING_ONLY and _MASTER not in _roles(facts):
            yield Violation(
                ((*_ROLES, index),), "voting_only is for nodes with the role master", "add master"
            )


def _roles(facts: Facts) -> list[str]:
    roles = facts.get(*_ROLES) if facts.enabled(_NAME) else None
    return [str(role) for role in roles] if isinstance(roles, list) else []


def _voting(facts: Facts) -> Iterator[Violation]:
    replicas, roles = facts.number(*_REPLICAS), facts.get(*_ROLES)
    if not whole_cluster(facts) or not replicas:
        return
    if isinstance(roles, list) and _MASTER not in roles:
        if not _KNOWN.issuperset(_roles(facts)):
            return  # one that is misspelt may be it
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
    if not whole_cluster(facts) or facts.number(*_REPLICAS) != 1 or not isinstance(params, str):
        return
    if isinstance(roles, list) and not any(str(role).startswith("data") for role in roles):
        return
    if "green" in parse_qs(params).get("wait_for_status", ()):
        yield Violation(
            (_HEALTH, _REPLICAS),
            "a single node waits for a green cluster",
            "clusterHealthCheckParams: wait_for_status=yellow&timeout=1s",
        )


def whole_cluster(facts: Facts) -> bool:
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
        "node-roles",
        "the roles of Elasticsearch's nodes are roles that it knows",
        "it does not start",
        _of_nodes,
    ),
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
