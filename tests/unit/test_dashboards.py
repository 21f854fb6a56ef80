"""The dashboard file is what the panels say, fits Grafana's grid, and asks what Prometheus can parse."""

import json
import re
from itertools import combinations

import promql_parser
import pytest

from sinergi_ops import dashboards

BOARD = json.loads((dashboards.FOLDER / dashboards.NAME).read_text(encoding="utf-8"))
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
each = pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])


def cells(panel):
    place = panel["gridPos"]
    return {
        (x, y)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    }


def test_the_committed_file_is_what_the_panels_say():
    assert dashboards.drift() == []


def test_a_changed_file_is_seen(tmp_path):
    changed = dashboards.render().replace("kritis", "rendah")
    (tmp_path / dashboards.NAME).write_text(changed, encoding="utf-8")
    assert any(line.startswith("+") and "kritis" in line for line in dashboards.drift(tmp_path))


def test_every_panel_has_an_id_and_a_title_of_its_own():
    for name in ("id", "title"):
        told = [panel[name] for panel in BOARD["panels"]]
        assert len(set(told)) == len(told)


def test_no_panel_lies_over_another_or_over_the_edge():
    for one, other in combinations(BOARD["panels"], 2):
        assert not cells(one) & cells(other), (one["title"], other["title"])
    assert all(0 <= x < 24 for panel in BOARD["panels"] for x, _ in cells(panel))


def test_whoever_looks_can_choose_the_data_source():
    (variable,) = BOARD["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )


@each
def test_a_panel_says_what_it_shows_in_both_languages_and_in_which_unit(panel):
    assert " / " in panel["title"]
    assert " / " in panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]


@each
def test_a_panel_asks_the_chosen_data_source(panel):
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    assert panel["datasource"] == chosen
    assert panel["targets"]
    assert all(target["datasource"] == chosen for target in panel["targets"])
    letters = [target["refId"] for target in panel["targets"]]
    assert len(set(letters)) == len(letters)


@each
def test_a_query_parses_and_names_only_labels_that_it_keeps(panel):
    for target in panel["targets"]:
        expr = re.sub(r"\$__(rate_interval|range)", "5m", target["expr"])
        assert "$" not in expr
        promql_parser.parse(expr)
        for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
            kept = re.findall(r"by \(([^)]*)\)", expr)
            assert not kept or any(label in labels.split(", ") for labels in kept), (label, expr)
