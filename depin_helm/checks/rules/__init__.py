"""What values mean: rules, a module per subject; each is data with an id and can be waived.

    formats        text that must be a duration, a host name, …
    sizes          amounts that must fit into each other
    storage        storage classes
    autoscaling    how many pods there may be
    nodes          Elasticsearch's nodes
    lifecycle      how it keeps logs
    disruption     budgets that forbid every drain, and pods without one
    credentials    secrets written as values
    certificates   issuers, and how long certificates live
    challenges     how Let's Encrypt is shown that a domain is ours
    interfaces     web interfaces and their hosts
    exposure       who gets to them
    alerting       where alerts go
    needs          components that need each other
    names          the name by which they ask for Elasticsearch
    logs           where Fluent Bit's configuration stands
    texts          texts that Helm evaluates
    images         tags and digests
    monitoring     edge nodes to be scraped, settings of alerts

`depin_helm.grammar`, `cron` and `secret_names` know how such texts are written. A rule says nothing where
a value is of a wrong kind: the schema and the types do.
"""

from depin_helm.checks.rule import Rule
from depin_helm.checks.rules import (
    alerting,
    autoscaling,
    certificates,
    challenges,
    credentials,
    disruption,
    exposure,
    formats,
    images,
    interfaces,
    lifecycle,
    logs,
    monitoring,
    names,
    needs,
    nodes,
    sizes,
    storage,
    texts,
)

RULES: tuple[Rule, ...] = (
    *formats.RULES,
    *sizes.RULES,
    *storage.RULES,
    *autoscaling.RULES,
    *nodes.RULES,
    *lifecycle.RULES,
    *disruption.RULES,
    *credentials.RULES,
    *certificates.RULES,
    *challenges.RULES,
    *interfaces.RULES,
    *exposure.RULES,
    *alerting.RULES,
    *needs.RULES,
    *names.RULES,
    *logs.RULES,
    *texts.RULES,
    *images.RULES,
    *monitoring.RULES,
)
