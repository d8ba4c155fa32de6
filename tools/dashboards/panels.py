"""The kinds of panels that dashboards are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as sdk
from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as queries

#: The variable that chooses the Prometheus.
DATASOURCE = "datasource"
SOURCE = model.DataSourceRef(type_val="prometheus", uid=f"${{{DATASOURCE}}}")

Panel = timeseries.Panel | stat.Panel | table.Panel
#: From which value on which colour; the first from minus infinity.
Steps = Sequence[tuple[float | None, str]]

GOOD: Steps = ((None, "green"),)
BAD_ABOVE_0: Steps = ((None, "green"), (1, "red"))
BUSY: Steps = ((None, "green"), (0.8, "orange"), (0.9, "red"))
DOWN_UP: Steps = ((None, "red"), (1, "green"))


@dataclass(frozen=True)
class Query:
    """PromQL, and what its series are called: text with `{{label}}`."""

    expr: str
    legend: str = ""


def graph(
    key: int,
    title: str,
    description: str,
    unit: str,
    *series: Query,
    width: int = 12,
    stacked: bool = False,
    top: float | None = None,
) -> timeseries.Panel:
    """Series over time; `top` is where the axis ends."""
    panel = (
        timeseries.Panel()
        .id(key)
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .span(width)
        .height(8)
        .fill_opacity(20 if stacked else 5)
        .show_points(common.VisibilityMode.NEVER)
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(
            common_builders.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
    )
    if stacked:
        panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
    if top is not None:
        panel.max(top)
    for letter, query in zip("ABCDEFGH", series, strict=False):
        panel.with_target(_target(letter, query).range())
    return panel


def number(
    key: int,
    title: str,
    description: str,
    unit: str,
    *values: Query,
    width: int = 4,
    steps: Steps = GOOD,
    empty: str = "-",
) -> stat.Panel:
    """What is now, as one number, or as one for each series; `empty` stands there for none."""
    panel = (
        stat.Panel()
        .id(key)
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .span(width)
        .height(4)
        .no_value(empty)
        .thresholds(_thresholds(steps))
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    for letter, query in zip("ABCDEFGHIJ", values, strict=False):
        panel.with_target(_target(letter, query).instant())
    return panel


def states(key: int, title: str, description: str, *values: Query, width: int = 24) -> stat.Panel:
    """Whether things are well, side by side: 1 is up, all else down."""
    mapping = model.ValueMap(
        {
            "0": model.ValueMappingResult(text="down", color="red"),
            "1": model.ValueMappingResult(text="up", color="green"),
        }
    )
    return (
        number(key, title, description, "none", *values, width=width, steps=DOWN_UP, empty="no data")
        .mappings([mapping])
        .color_mode(common.BigValueColorMode.BACKGROUND)
        .orientation(common.VizOrientation.VERTICAL)
    )


@dataclass(frozen=True)
class Column:
    """A column of a table: a value for each row, in its unit."""

    title: str
    unit: str
    expr: str
    steps: Steps = ()


def listing(
    key: int,
    title: str,
    description: str,
    labels: Mapping[str, str],
    *columns: Column,
    width: int = 24,
    height: int = 8,
    links: Mapping[str, str] | None = None,
) -> table.Panel:
    """A row for each set of values of `labels` (by name, with their titles). `links`: label → address."""
    panel = (
        table.Panel()
        .id(key)
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit("none")
        .span(width)
        .height(height)
        .filterable(True)
    )
    names = dict(labels)
    for letter, column in zip("ABCDEFGH", columns, strict=False):
        target = _target(letter, Query(column.expr)).instant().format(queries.PromQueryFormat.TABLE)
        panel.with_target(target)
        value = f"Value #{letter}" if len(columns) > 1 else "Value"
        names[value] = column.title
        properties = [model.DynamicConfigValue("unit", column.unit)]
        if column.steps:
            background = {"type": "color-background"}
            properties += [
                model.DynamicConfigValue("thresholds", _thresholds(column.steps).build()),
                model.DynamicConfigValue("custom.cellOptions", background),
            ]
        panel.override_by_name(column.title, properties)
    for label, url in (links or {}).items():
        link = {"title": f"Show {labels[label].lower()}", "url": url}
        panel.override_by_name(labels[label], [model.DynamicConfigValue("links", [link])])
    order = {name: position for position, name in enumerate(names)}
    # Rows become one where all that they share is equal: names of metrics and times must go first.
    panel.with_transformation(
        model.DataTransformerConfig("filterFieldsByName", options={"include": {"names": list(names)}})
    )
    panel.with_transformation(model.DataTransformerConfig("merge", options={}))
    return panel.with_transformation(
        model.DataTransformerConfig(
            "organize", options={"excludeByName": {}, "indexByName": order, "renameByName": names}
        )
    )


def alerts(key: int, matchers: str, *, width: int = 24) -> table.Panel:
    """What fires now."""
    labels = {
        "severity": "Severity",
        "alertname": "Alert",
        "component": "Component",
        "region": "Region",
        "node": "Node",
        "edge": "Edge",
        "namespace": "Namespace",
        "pod": "Pod",
    }
    return listing(
        key,
        "Firing alerts",
        "Alerts that fire now. Alertmanager tells who was told of them, and silences them.",
        labels,
        Column("Since", "dateTimeFromNow", _since(matchers)),
        width=width,
        height=6,
    ).no_value("Nothing fires.")


def _since(matchers: str) -> str:
    also = f", {matchers}" if matchers else ""
    firing = f'ALERTS{{alertstate="firing", severity!="none"{also}}}'
    return f'1000 * (ALERTS_FOR_STATE{{severity!="none"{also}}} and ignoring (alertstate) {firing})'


def _target(letter: str, query: Query) -> prometheus.Dataquery:
    target = prometheus.Dataquery().ref_id(letter).expr(query.expr).datasource(SOURCE)
    return target.legend_format(query.legend) if query.legend else target


def _thresholds(steps: Steps) -> sdk.ThresholdsConfig:
    return (
        sdk.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=value, color=color) for value, color in steps])
    )
