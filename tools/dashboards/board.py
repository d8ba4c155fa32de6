"""A dashboard of the platform: what all of them have in common, and how their panels are laid out."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as sdk
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from tools.dashboards.panels import DATASOURCE, SOURCE, Panel

#: What makes a dashboard one of the platform's, so that it is in the menu of the others.
TAG = "depin"


def variable(name: str, label: str, query: str, *, several: bool = True) -> sdk.QueryVariable:
    """A choice of values, asked from Prometheus whenever the time range changes."""
    made = (
        sdk.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": query, "refId": name})
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )
    if several:
        everything = model.VariableOption(selected=True, text=["All"], value=["$__all"])
        made = made.multi(True).include_all(True).all_value(".*").current(everything)
    return made


REGION = variable("region", "Region", "label_values(region:depin_node_up:count, region)")


class Board:
    """A dashboard with rows of panels, 24 columns wide."""

    def __init__(self, uid: str, title: str, description: str, *variables: sdk.QueryVariable) -> None:
        self.uid = uid
        self._sdk = (
            sdk.Dashboard(title)
            .uid(uid)
            .description(description)
            .tags([TAG])
            .readonly()
            .timezone("browser")
            .tooltip(model.DashboardCursorSync.CROSSHAIR)
            .time("now-6h", "now")
            .refresh("1m")
            .link(
                sdk.DashboardLink("DePIN dashboards")
                .type(model.DashboardLinkType.DASHBOARDS)
                .tags([TAG])
                .as_dropdown(True)
                .include_vars(True)
                .keep_time(True)
            )
            .with_variable(sdk.DatasourceVariable(DATASOURCE).label("Data source").type("prometheus"))
        )
        for each in variables:
            self._sdk.with_variable(each)
        self._rows = 0

    def row(self, title: str, panels: Sequence[Panel]) -> Board:
        """A row with these panels, side by side and then below each other."""
        self._rows += 1
        # Ids of panels are below 1000.
        self._sdk.with_row(sdk.Row(title).id(1000 + self._rows))
        for panel in panels:
            self._sdk.with_panel(panel)
        return self

    def json(self) -> str:
        """What Grafana loads."""
        return JSONEncoder(sort_keys=True, indent=1).encode(self._sdk.build()) + "\n"
