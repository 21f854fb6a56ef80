"""``python -m sinergi_ops.dashboards``: Grafana's dashboards, made from the panels in ``overview``.

The files in ``deploy/grafana/dashboards`` are generated, committed, and checked for drift with
``--check``; the same panels give the same bytes. This needs the development packages: nothing that
runs in a deployment imports it.
"""

import argparse
import difflib
import json
import sys
from pathlib import Path
from string import ascii_uppercase
from typing import Final

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard, units
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    VisibilityMode,
)

from sinergi_ops.overview import OVERVIEW, Counts, Figure, Lines, Panel, Query

FOLDER: Final = Path(__file__).resolve().parents[1] / "grafana" / "dashboards"
NAME: Final = "ringkasan.json"
DATASOURCE: Final = "datasource"
MOST_LINES: Final = 20


def render() -> str:
    """Return the overview as the JSON that Grafana reads."""
    source = build.DatasourceVariable(DATASOURCE).label("Sumber data / Data source").type("prometheus")
    board = (
        build.Dashboard("Sinergi: Ringkasan / Overview")
        .uid("sinergi-ringkasan")
        .description("Dari laporan sampai instansi tahu. / From the report until the agency knows.")
        .tags(["sinergi"])
        .timezone("Asia/Pontianak")
        .readonly()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .time("now-1h", "now")
        .refresh("10s")
        .with_variable(source)
    )
    number = 0
    for section in OVERVIEW:
        number += 1
        board.with_row(build.Row(section.title).id(number))
        for panel in section.panels:
            number += 1
            board.with_panel(_panel(panel, number, section.width))
    return json.dumps(board.build(), cls=JSONEncoder, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def _panel(told: Panel, number: int, width: int) -> stat.Panel | timeseries.Panel:
    match told:
        case Figure():
            return _figure(told, number, width)
        case Counts():
            return _counts(told, number, width)
        case Lines():
            return _lines(told, number, width).unit(told.unit)


def _figure(told: Figure, number: int, width: int) -> stat.Panel:
    return (
        stat.Panel()
        .id(number)
        .title(told.title)
        .description(told.about)
        .datasource(_datasource())
        .span(width)
        .height(4)
        .unit(told.unit)
        .decimals(1 if told.unit == units.PercentUnit else 0)
        .no_value("-")
        .thresholds(_thresholds(told))
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_target(Query(told.expr, told.title), "A").instant())
    )


def _thresholds(told: Figure) -> build.ThresholdsConfig:
    steps = [dashboard.Threshold(None, "text")]
    if told.bad_from is not None:
        steps.append(dashboard.Threshold(told.bad_from, "red"))
    if told.good_from is not None:
        steps = [dashboard.Threshold(None, "red"), dashboard.Threshold(told.good_from, "green")]
    return build.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)


def _counts(told: Counts, number: int, width: int) -> timeseries.Panel:
    return (
        _lines(told, number, width)
        .unit(units.CountsPerMinute)
        .draw_style(GraphDrawStyle.BARS)
        .fill_opacity(70)
        .stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    )


def _lines(told: Counts | Lines, number: int, width: int) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .id(number)
        .title(told.title)
        .description(told.about)
        .datasource(_datasource())
        .span(width)
        .height(8)
        .min(0)
        .interval("1m")  # a rate looks back over at least this
        .show_points(VisibilityMode.AUTO)
        .legend(_legend())
    )
    for index, query in enumerate(told.queries):
        panel.with_target(_target(query, ascii_uppercase[index]).range())
    return panel


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST)
    return legend.placement(LegendPlacement.BOTTOM).show_legend(show_legend=True)


def _target(query: Query, letter: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .ref_id(letter)
        .datasource(_datasource())
        .expr(query.expr)
        .legend_format(query.legend)
    )


def _datasource() -> dashboard.DataSourceRef:
    return dashboard.DataSourceRef(type_val="prometheus", uid=f"${{{DATASOURCE}}}")


def drift(folder: Path = FOLDER) -> list[str]:
    """Return the lines by which the file in ``folder`` differs from what the panels say."""
    path = folder / NAME
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    made = render()
    return list(difflib.unified_diff(found.splitlines(), made.splitlines(), NAME, "panels", lineterm="", n=1))


def main() -> int:
    """Write the dashboards, or with ``--check`` return 1 when they are not what the panels say."""
    parser = argparse.ArgumentParser(prog="python -m sinergi_ops.dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail on drift")
    if not parser.parse_args().check:
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / NAME).write_text(render(), encoding="utf-8")
        return 0
    differs = drift()
    if differs:
        print("\n".join(differs[:MOST_LINES]))
        print("usang / out of date, run: .venv/bin/python -m sinergi_ops.dashboards")
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
