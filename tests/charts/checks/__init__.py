"""Checks over rendered objects: pure functions from a `Platform` to its problems, one sentence each.

    model          objects, the layers that make them, and label selectors
    pods           pod templates, those of prometheus-operator included
    cluster        as data: what is not rendered, and who brings it
    referring      what refers to what by name
    references     everything that is referred to exists, in time
    services       what Services and disruption budgets lead to
    addresses      addresses in configuration lead to a Service
    monitors       what Prometheus scrapes and evaluates
    webhooks       nothing needs a webhook that does not answer yet
    pod_security   the Pod Security Standards
    network        what NetworkPolicies let through
    flows          which connections are needed, and so must be open
    rights         who may read all Secrets
    resources      requests, limits, storage and its claims, heaps
    elasticsearch  password, encryption, certificates and users of Elasticsearch
    images         tags and digests
    conformance    schemas for kubeconform
    equality       the same objects, whichever way they are installed

Each but the first two is tested with mutants: the real charts' objects, in which one thing was broken.
"""
