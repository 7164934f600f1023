"""The page, the dashboard and the alerts speak of the metrics that there are."""

import json
import re
from itertools import combinations
from pathlib import Path

import pytest

from admit.telemetry.prometheus import Prometheus

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
DASHBOARD = json.loads((ROOT / "deploy/grafana/admit.json").read_text(encoding="utf-8"))
ALERTS = (ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
NAME = re.compile(r"\badmit_\w+")
COLUMNS = 24


def families():
    """Every metric, as the exposition names it, with its type and its labels."""
    told = Prometheus().exposition("")[0].decode()
    return dict(re.findall(r"^# TYPE (\S+) (\w+)$", told, re.MULTILINE))


def series():
    """Every name that a query may use."""
    names = set()
    for name, kind in families().items():
        parts = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        names |= {name + part for part in parts}
    return names


def expressions():
    return [target["expr"] for panel in PANELS for target in panel["targets"]]


def test_the_page_has_exactly_the_metrics_that_there_are():
    rows = re.findall(r"^\| `(admit_\w+)` \| (\w+) \|", PAGE, re.MULTILINE)
    assert dict(rows) == families()
    assert len(rows) == len(families())


def test_the_page_has_the_labels_that_each_metric_has():
    rows = re.findall(r"^\| `(admit_\w+)` \| \w+ \|([^|]*)\|", PAGE, re.MULTILINE)
    told = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    counting = Prometheus()
    known = {
        family._name: set(family._labelnames)
        for family in vars(counting._collector._source)["_collector_to_names"]
    }
    assert {name.removesuffix("_total"): labels for name, labels in told.items()} == known


@pytest.mark.parametrize("where", ["dashboard", "alerts"])
def test_every_query_asks_for_a_metric_that_there_is(where):
    text = "\n".join(expressions()) if where == "dashboard" else ALERTS
    asked = set(NAME.findall(text))
    assert asked
    assert asked <= series()


def test_the_dashboard_shows_every_metric():
    asked = set(NAME.findall("\n".join(expressions())))
    for name in families():
        assert {name, f"{name}_bucket", f"{name}_count"} & asked, name


def test_the_dashboard_is_whole():
    """What Grafana needs of it: ids of its own, no panel over another, a source that is chosen."""
    everything = DASHBOARD["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    assert {each["name"] for each in DASHBOARD["templating"]["list"]} == {"datasource", "job"}
    assert DASHBOARD["schemaVersion"] >= 39
    for panel in PANELS:
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            assert target["expr"].count("$job") == len(NAME.findall(target["expr"]))
    places = [panel["gridPos"] for panel in everything]
    assert all(place["x"] + place["w"] <= COLUMNS for place in places)
    assert not [pair for pair in combinations(places, 2) if overlap(*pair)]


def overlap(one, other):
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size]
        for at, size in (("x", "w"), ("y", "h"))
    )


def test_every_alert_says_what_to_do_and_where_to_read_on():
    alerts = re.split(r"^      - alert: ", ALERTS, flags=re.MULTILINE)[1:]
    assert len(alerts) >= 10
    anchors = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", OPERATIONS, re.MULTILINE)
    }
    for alert in alerts:
        for part in ("expr:", "severity:", "summary:", "description:", "runbook: docs/operations"):
            assert part in alert, alert
        if anchor := re.search(r"runbook: docs/operations\.md#(\S+)", alert):
            assert anchor[1] in anchors
    names = {alert.partition("\n")[0] for alert in alerts}
    assert set(re.findall(r"`(Admit\w+)`", PAGE)) == names


@pytest.mark.parametrize("name", ["AdmitDown", "AdmitRevocationsStale", "AdmitPushDown"])
def test_an_alert_of_one_process_says_where_it_is(name):
    """Or whom to take out of the balancer?"""
    alert = ALERTS.partition(f"- alert: {name}\n")[2].partition("- alert:")[0]
    assert "{{ $labels.instance }}" in alert
    for labels in re.findall(r"\b(?:by|on) \((.+?)\)", alert.partition("annotations:")[0]):
        assert "instance" in labels.split(", ")


def test_an_answer_without_numbers_is_down_as_well():
    """`sum(admit_workers) == 0` compares nothing where there is no such series."""
    assert 'or (up{job="admit"} == 1 unless on (job, instance) admit_workers)' in ALERTS


def test_no_error_is_shown_as_none_and_not_as_no_data():
    (asked,) = (
        target["expr"]
        for panel in PANELS
        if panel["title"] == "Answers 5xx"
        for target in panel["targets"]
    )
    assert " or vector(0)) / sum(" in asked
