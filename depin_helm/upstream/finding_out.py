"""The analysis of charts and templates, imported only when something is to be analysed."""

from __future__ import annotations

from depin_helm.charts import Contents
from depin_helm.upstream.interface import Interface
from depin_helm.upstream.reads import Reads


def interface(contents: Contents) -> Interface:
    """What the chart in an archive takes."""
    from depin_helm.upstream import analysis  # needed once for each archive

    return analysis.interface(contents)


def reads_in(text: str) -> Reads:
    """What a template in a chart's values reads of that chart's `.Values`, when `tpl` evaluates it.

    Named templates that it includes count as read by the chart itself.
    """
    from depin_helm.upstream import analysis

    return analysis.reads_in(text)
