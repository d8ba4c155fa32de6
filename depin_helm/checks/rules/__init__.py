"""What values mean: rules, a module per subject; each is data with an id and can be waived.

    formats        text that must be a duration, a host name, …
    sizes          amounts that must fit into each other
    storage        storage classes
    autoscaling    how many pods there may be
    nodes          Elasticsearch's nodes
    entries        what of the platform's own a list or file must keep
    lifecycle      how it keeps logs
    snapshots      where snapshots go, and when
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
    pipeline       what an environment adds to it
    masking        what Fluent Bit masks
    texts          texts that Helm evaluates
    images         tags and digests
    monitoring     edge nodes to be scraped, settings of alerts

`depin_helm.grammar`, `cron`, `lua` and `secret_names` know how such texts are written. A rule says nothing
where a value is of a wrong kind: the schema and the types do.
"""

from depin_helm.checks.rule import Rule
from depin_helm.checks.rules import (
    alerting,
    autoscaling,
    certificates,
    challenges,
    credentials,
    disruption,
    entries,
    exposure,
    formats,
    images,
    interfaces,
    lifecycle,
    logs,
    masking,
    monitoring,
    names,
    needs,
    nodes,
    pipeline,
    sizes,
    snapshots,
    storage,
    texts,
)

RULES: tuple[Rule, ...] = (
    *formats.RULES,
    *sizes.RULES,
    *storage.RULES,
    *autoscaling.RULES,
    *nodes.RULES,
    *entries.RULES,
    *lifecycle.RULES,
    *snapshots.RULES,
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
    *pipeline.RULES,
    *masking.RULES,
    *texts.RULES,
    *images.RULES,
    *monitoring.RULES,
)
