"""Everything that can be wrong with an environment's values, found at once.

    alike        the key that was probably meant
    facts        the values that templates will see, and where each came from
    known        what an upstream chart knows of a key
    keys         keys that no template reads
    types        values of another kind than the chart's default
    structure    a value against a type of Kubernetes
    kubernetes   the API's own types, and where in them a place of a manifest is
    objects      Kubernetes objects within values, checked against them
    rule, rules  what values mean: each rule is data with an id
    waivers      what an environment may break
    notices      what is not wrong, but to be known
    listing      all rules with their ids
    checking     all of it
    verdict      what was found right is not looked at again

`check` puts them together: one finding for one mistake.
"""

from depin_helm.checks.checking import Result, Skipped, check
from depin_helm.checks.kubernetes import Api
from depin_helm.checks.listing import Listed, listing
from depin_helm.checks.notices import Notice, notices
from depin_helm.checks.verdict import Verdict
from depin_helm.checks.waivers import Waived

__all__ = [
    "Api",
    "Listed",
    "Notice",
    "Result",
    "Skipped",
    "Verdict",
    "Waived",
    "check",
    "listing",
    "notices",
]
