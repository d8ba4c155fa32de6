"""All rules with their ids: those of this package, and what files and schema are held to."""

from __future__ import annotations

from dataclasses import dataclass

from depin_helm.checks import keys, objects, types, waivers, words
from depin_helm.checks.rules import RULES


@dataclass(frozen=True)
class Listed:
    """A rule as `validate --rules` shows it."""

    id: str
    title: str
    why: str
    waivable: bool = True


_ALWAYS = (
    Listed(
        "yaml",
        "a file is YAML that Helm reads as it is meant",
        "Helm takes the last of two equal keys, and `on` for true, without a word",
        waivable=False,
    ),
    Listed(
        "schema",
        "values are what schema/values.schema.yaml says",
        "Helm enforces the same schema, one layer after the other",
        waivable=False,
    ),
    Listed(
        waivers.ID,
        "a waiver names a rule, and something breaks that rule",
        "a waiver that is left over hides the next mistake",
        waivable=False,
    ),
    Listed(
        keys.ID,
        "a template of the upstream chart reads each key of its section",
        "Helm passes over a misspelt key without a word",
    ),
    Listed(
        types.ID,
        "a value is of the kind that the upstream chart's default, or its schema, has",
        "templates print whatever they get, and the API server refuses it, or reads something else",
    ),
    Listed(
        objects.ID,
        "a Kubernetes object within the values is what the API, or its CRD, takes",
        "the API server drops an unknown field and refuses a wrong one",
    ),
    Listed(
        words.ID,
        "a word that templates only compare with others is one of them",
        "as any other word it does what the last `else` does, without a word",
    ),
)


def listing() -> tuple[Listed, ...]:
    """Every rule, those that cannot be waived first."""
    return (*_ALWAYS, *(Listed(rule.id, rule.title, rule.why) for rule in RULES))
