"""What the upstream charts take, found out from their archives.

    reads           which keys are read, and where they land in a manifest
    syntax          the parts of a template
    pipelines       an action's text → those parts
    templates       a whole template's text
    abstract        what a value in a template may be
    reader          what is told what templates do
    functions       what template functions do with values
    rendering       how YAML that is made comes out
    lines           lines of a manifest
    layout          where in a manifest an action stands
    frame           one template at work
    interpretation  templates → reads
    crds            the structure of custom resources
    interface       all that is known of one chart
    analysis        a chart's files → that
    finding_out     the analysis, imported late
    store           keeps it in the cache

Each imports only from those above it.
"""

from depin_helm.upstream.finding_out import interface, reads_in
from depin_helm.upstream.interface import Interface, as_defaults, documents
from depin_helm.upstream.reads import Place, Print, Reads
from depin_helm.upstream.store import load

__all__ = [
    "Interface",
    "Place",
    "Print",
    "Reads",
    "as_defaults",
    "documents",
    "interface",
    "load",
    "reads_in",
]
