"""Everything that can be wrong with an environment's values, found at once.

    facts        the values that templates will see, and where each came from
    known        what an upstream chart knows of a key
    keys         keys that no template reads
    types        values of another kind than the chart's default
    kubernetes   the API's own types
    objects      Kubernetes objects within values, checked against them
    rule, rules  what values mean: each rule is data with an id
    waivers      what an environment may break

`check` puts them together: one finding for one mistake.
"""

from depin_helm.checks.checking import Result, Skipped, check
from depin_helm.checks.kubernetes import Api
from depin_helm.checks.listing import Listed, listing
from depin_helm.checks.verdict import Verdict
from depin_helm.checks.waivers import Waived

__all__ = ["Api", "Listed", "Result", "Skipped", "Verdict", "Waived", "check", "listing"]
