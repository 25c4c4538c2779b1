"""Statsig: its std are standard errors, and an answer that does not fit them is refused."""

from __future__ import annotations

import copy
import json
import math
import re
import textwrap
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from signals.connectors.api import statsig_said as said
from signals.connectors.api.arms import successes
from signals.model import OutcomeCell
from signals.project import load_project
from signals.pull import pull
from signals.readings.experiment_effect import Design, effect
from signals.store import open_store
from signals.strictyaml import parse

ID = "help_v7"
# The example of the API's own description of pulse_results (docs.statsig.com, version 20240601).
EXAMPLE: dict[str, Any] = {
    "message": "Successfully loaded Pulse Results",
    "data": {
        "primaryMetrics": [{
            "metricID": "Purchase::user_warehouse", "value": -0.5656598720428505,
            "confidence_interval_delta": 1.3331521511820725, "percent_change": -0.9104559464139017,
            "test_mean": 61.56363636363636, "control_mean": 62.12929623567921, "test_std": 0.7461734327711735,
            "control_std": 0.7248273669644147, "test_units": 1669, "control_units": 1589,
            "p_value": 0.7066986120589813,
        }],
        "secondaryMetrics": [{
            "metricID": "Support Success Rate::user_warehouse", "value": 0.0032568848232868985,
            "confidence_interval_delta": 0.009120368109978388, "percent_change": 0.4569873400680713,
            "test_mean": 0.7159428911362284, "control_mean": 0.7126860063129415,
            "test_std": 0.0038882253564431193, "control_std": 0.003953024266669566,
            "test_units": 4696, "control_units": 4690, "p_value": 0.5569502167465609,
        }],
    },
}  # fmt: skip
PURCHASE, SUPPORT = "Purchase::user_warehouse", "Support Success Rate::user_warehouse"
YES, CARTS = "converted::event_user", "add_to_cart::event_count"
GROUPS = {"g0": "Control", "g1": "Help v7", "g2": "Help v8"}
Z95 = NormalDist().inv_cdf(0.975)

Arm = tuple[int, float, float]  # units, mean, standard error


def yes(units: int, ones: int) -> Arm:
    mean = ones / units
    return units, mean, math.sqrt(mean * (1 - mean) / units)


ARMS: dict[str, dict[str, Arm]] = {
    YES: {"g0": yes(1511, 131), "g1": yes(1460, 172), "g2": yes(1502, 140)},
    CARTS: {"g0": (1511, 2.25, 0.061), "g1": (1460, 2.5, 0.072), "g2": (1502, 2.375, 0.06)},
}


def row(metric: str, control: Arm, test: Arm, z: float = Z95) -> dict[str, Any]:
    return {"metricID": metric, "metricName": metric.partition("::")[0], "directionality": "increase",
            "absoluteChange": test[1] - control[1], "confidenceIntervalDelta": z * math.hypot(test[2], control[2]),
            "testUnits": test[0], "controlUnits": control[0], "testMean": test[1], "controlMean": control[1],
            "testStd": test[2], "controlStd": control[2], "pValue": 1e-9}  # fmt: skip


class Site:
    """The part of Statsig that is asked."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.arms = copy.deepcopy(ARMS)
        self.metrics: dict[str, dict[str, Any]] = {}
        self.edit: Any = lambda _row: None
        groups = [{"name": name, "id": key, "size": 33, "parameterValues": {}} for key, name in GROUPS.items()]
        self.experiment: dict[str, Any] = {"id": ID, "groups": groups}
        server.answer = self.answer

    def pulse(self, control: str, test: str) -> dict[str, Any]:
        rows = [row(metric, arms[control], arms[test]) for metric, arms in self.arms.items()]
        for one in rows:
            self.edit(one)
        return {"data": {"ds": "2026-11-20", "primaryMetrics": rows[:1], "secondaryMetrics": rows[1:]}}

    def answer(self, asked: Any) -> Any:
        if asked.path == f"/console/v1/experiments/{ID}":
            return self.server.Answer({"data": self.experiment})
        if asked.path == f"/console/v1/experiments/{ID}/pulse_results":
            return self.server.Answer(self.pulse(asked.query["control"], asked.query["test"]))
        found = self.metrics.get(asked.path.removeprefix("/console/v1/metrics/").replace("%3A", ":"))
        return self.server.Answer({"data": found}) if found else self.server.Answer({"message": "no metric"}, 404)


@pytest.fixture
def site(desk, server, monkeypatch):
    monkeypatch.setenv("KEY", "console-12345")
    return Site(server)


SERVER = {"url": "${SERVER_URL}", "token": "${KEY}", "experiment": ID, "metric": YES}


def counts(cells: list[OutcomeCell]) -> dict[str, tuple[int, float]]:
    return {cell.variant: (cell.moments.n, cell.moments.mean) for cell in cells}


# --- the arithmetic -------------------------------------------------------------------------------------------------


def test_std_are_standard_errors_of_the_mean():
    """The published example fits standard errors at 80 % and 90 %; standard deviations would fit no level at all."""
    rows = EXAMPLE["data"]["primaryMetrics"] + EXAMPLE["data"]["secondaryMetrics"]
    for one, level in zip(rows, (0.8, 0.9), strict=True):
        together = math.hypot(one["test_std"], one["control_std"])
        z = NormalDist().inv_cdf((1 + level) / 2)
        assert one["confidence_interval_delta"] == pytest.approx(z * together, rel=2e-6)
        as_deviations = math.sqrt(
            one["test_std"] ** 2 / one["test_units"] + one["control_std"] ** 2 / one["control_units"]
        )
        assert one["confidence_interval_delta"] / as_deviations > 50
        assert one["value"] == pytest.approx(one["test_mean"] - one["control_mean"], rel=1e-9)
    first, second = rows
    shift = abs(first["value"]) / math.hypot(first["test_std"], first["control_std"])
    assert first["p_value"] == pytest.approx(NormalDist().cdf(shift), rel=1e-4), "one-sided"
    shift = abs(second["value"]) / math.hypot(second["test_std"], second["control_std"])
    assert second["p_value"] == pytest.approx(2 - 2 * NormalDist().cdf(shift), rel=1e-4), "two-sided"


def test_the_published_example(desk):
    desk.write("pulse.json", json.dumps(EXAMPLE))
    entry = {"path": "*.json", "control": "control", "test": "candidate", "metric": PURCHASE}
    message = desk.fails("statsig", **entry)
    assert "nothing says what kind of metric 'Purchase::user_warehouse' is" in message
    definition = {"id": PURCHASE, "type": "user_warehouse", "warehouseNative": {"aggregation": "sum"}}
    desk.write("metric.json", json.dumps({"data": definition}))
    assert "nothing says whether 'Purchase::user_warehouse' is adjusted (CUPED)" in desk.fails("statsig", **entry)
    cells = {c.variant: c.moments for c in desk.read("statsig", **entry, cuped=False)}
    assert (cells["control"].n, cells["candidate"].n) == (1589, 1669)
    assert cells["candidate"].mean - cells["control"].mean == pytest.approx(-0.5656598720428505)
    for arm, units, error in (("control", 1589, 0.7248273669644147), ("candidate", 1669, 0.7461734327711735)):
        assert cells[arm].m2 / (units - 1) == pytest.approx(error**2 * units, rel=1e-12)
    desk.write("metric.json", json.dumps({"data": {**definition, "warehouseNative": {"aggregation": "mean"}}}))
    assert "is of type mean, which is no plain mean over all units" in desk.fails("statsig", **entry, cuped=False)


def test_the_reading_finds_the_interval_that_statsig_reports(desk):
    """Our own interval at the level of the example is the one of the example: the standard errors survived."""
    desk.write("pulse.json", json.dumps(EXAMPLE))
    definition = {"id": PURCHASE, "type": "user_warehouse", "warehouseNative": {"aggregation": "sum"}}
    desk.write("metric.json", json.dumps({"data": definition}))
    entry = {"path": "*.json", "control": "control", "test": "candidate", "metric": PURCHASE, "cuped": False}
    candidate, control = sorted(desk.read("statsig", **entry), key=lambda cell: cell.variant)
    found = effect(Design("mean", 0.8), [control], [candidate])
    assert found.effect == pytest.approx(-0.5656598720428505, rel=1e-12)
    assert found.high - found.effect == pytest.approx(1.3331521511820725, rel=1e-3), "t instead of normal"


@given(st.integers(2, 10**7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_zeros_and_ones_show_by_their_variance(pair):
    units, ones = pair
    mean = ones / units
    assert successes(units, mean, mean * (1 - mean)) == ones
    assert successes(units, mean, mean * (1 - mean) * units / (units - 1)) == ones
    if 0 < ones < units:
        assert successes(units, mean, mean * (1 - mean) * (1.01 + 1 / (units - 1))) is None
    between = (ones + 0.5) / (units + 1)  # of as many units this would be no whole number of ones
    if ones < units:
        assert successes(units, between, between * (1 - between)) is None or round(between * units, 3).is_integer()


# --- what is read ---------------------------------------------------------------------------------------------------


def test_every_group_against_the_control(desk, site, server):
    cells = desk.read("statsig", **SERVER)
    assert {c.variant: (c.moments.n, round(c.moments.n * c.moments.mean)) for c in cells} == {
        "Control": (1511, 131), "Help v7": (1460, 172), "Help v8": (1502, 140),
    }  # fmt: skip
    assert {c.variant: c.moments.m2 for c in cells}["Help v7"] == 172 * 1288 / 1460
    assert {(c.metric, c.segment, c.day, c.counted) for c in cells} == {("sig", (), None, "counts")}
    assert (desk.tally.rows_read, desk.tally.rows_kept, desk.whys) == (3, 3, {})
    first, *pulses = server.asked
    assert first.headers["statsig-api-key"] == "console-12345"
    assert [(a.query["control"], a.query["test"]) for a in pulses] == [("g0", "g1"), ("g0", "g2")]
    assert {(a.query["cuped"], a.query["confidence"], a.query["applyBonferroniPerMetric"]) for a in pulses} == {
        ("false", "95", "false")
    }


def test_a_mean_and_its_variance(desk, site):
    cells = {c.variant: c.moments for c in desk.read("statsig", **{**SERVER, "metric": "add_to_cart"})}
    for key, name in GROUPS.items():
        units, mean, error = ARMS[CARTS][key]
        assert (cells[name].n, cells[name].mean) == (units, mean)
        assert cells[name].m2 == pytest.approx(error**2 * units * (units - 1), rel=1e-12)


def test_camel_case_and_snake_case(desk, site):
    plain = desk.read("statsig", **SERVER)

    def snake(one: dict[str, Any]) -> None:
        for key in [key for key in one if key != "metricID"]:
            value = one.pop(key)
            older = {"absoluteChange": "value"}.get(key)
            one[older or re.sub("([A-Z])", lambda found: "_" + found[1].lower(), key)] = value
        assert "test_std" in one

    site.edit = snake
    assert desk.read("statsig", **SERVER) == plain


def test_which_groups(desk, site):
    two = desk.read("statsig", **SERVER, control="Help v7", test="g0")
    assert set(counts(two)) == {"Control", "Help v7"}
    assert set(counts(desk.read("statsig", **SERVER, test=["Help v7"]))) == {"Control", "Help v7"}
    by_id = desk.read(
        "statsig", **SERVER, test="Help v7", map={"variant": "group.id"}, values={"variant": {"g1": "v7"}}
    )
    assert set(counts(by_id)) == {"g0", "v7"}
    assert "`test:` 'Help v9' is no group of the experiment. Its groups: Control, Help v7" in desk.fails(
        "statsig", **SERVER, test="Help v9"
    )
    assert "would be compared with itself" in desk.fails("statsig", **SERVER, test=["Control"])
    values = {"variant": {"Help v7": "v", "Help v8": "v"}}
    assert "'g1' and 'g2' are both the variant 'v'" in desk.fails("statsig", **SERVER, values=values)
    site.experiment["groups"][0] |= {"name": "Old", "isControl": True}
    assert set(counts(desk.read("statsig", **SERVER))) == {"Old", "Help v7", "Help v8"}
    del site.experiment["groups"][0]["isControl"]
    assert "nothing says which group is the control" in desk.fails("statsig", **SERVER)
    for one in site.experiment["groups"]:
        del one["id"]
    assert "the experiment has fewer than two groups" in desk.fails("statsig", **SERVER)


# --- what is not a plain mean over units ----------------------------------------------------------------------------


@pytest.mark.parametrize("sort", ["ratio", "mean", "funnel", "user", "composite"])
def test_types_that_are_no_mean_over_all_units(desk, site, sort):
    site.arms[f"m::{sort}"] = site.arms.pop(CARTS)
    message = desk.fails("statsig", **{**SERVER, "metric": f"m::{sort}"})
    assert f"the metric 'm' is of type {sort}, which is no plain mean over all units" in message


@pytest.mark.parametrize(("sort", "fine"), [("count", True), ("sum", True), ("mean", False), ("ratio", False)])
def test_metrics_of_a_warehouse_are_asked_for(desk, site, server, sort, fine):
    site.arms["m::user_warehouse"] = site.arms.pop(CARTS)
    site.metrics["m::user_warehouse"] = {"type": "user_warehouse", "warehouseNative": {"aggregation": sort}}
    entry = {**SERVER, "metric": "m"}
    if fine:
        assert len(desk.read("statsig", **entry)) == 3
    else:
        assert f"is of type {sort}" in desk.fails("statsig", **entry)
    assert server.asked[-1].path.startswith("/console/v1/metrics/m")


def test_a_rate_per_day_is_no_plain_mean(desk, site):
    site.arms[YES]["g1"] = (1460, 0.1178, 0.004)
    message = desk.fails("statsig", **SERVER)
    assert "the metric 'converted' is a rate per day (event_user), which is no plain mean over units" in message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"testStd": 2.7}, "contradicts itself: the half-width of its interval"),  # a standard deviation
        ({"confidenceIntervalDelta": 0.8 * Z95 * math.hypot(0.061, 0.072)}, "no usual confidence level makes that"),
        ({"confidenceIntervalDelta": 0}, "contradicts itself"),
        ({"confidenceIntervalDelta": None}, "has no confidence interval, so nothing shows"),
        ({"absoluteChange": 0.31}, "its change is 0.31 and its means differ by 0.25"),
        ({"error": "no data"}, "Statsig could not compute 'add_to_cart': no data"),
    ],
)
def test_an_answer_that_contradicts_itself_is_refused(desk, site, change, says):
    site.edit = lambda one: one.update(change) if one["metricID"] == CARTS else None
    message = desk.fails("statsig", **{**SERVER, "metric": CARTS, "test": "g1"})
    assert says in message
    assert "source 'src'" in message


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95, 0.99, 0.999])
def test_every_usual_level_fits(desk, site, level):
    z = NormalDist().inv_cdf((1 + level) / 2)
    site.edit = lambda one: one.update(confidenceIntervalDelta=z * math.hypot(one["testStd"], one["controlStd"]))
    assert len(desk.read("statsig", **{**SERVER, "metric": CARTS})) == 3


def test_few_units_have_an_interval_by_t(desk, site):
    site.arms[CARTS] = {"g0": (12, 2.25, 0.61), "g1": (10, 2.5, 0.72), "g2": (11, 2.375, 0.6)}
    freedom = (0.61**2 + 0.72**2) ** 2 / (0.61**4 / 11 + 0.72**4 / 9)  # Welch and Satterthwaite
    half = float(t.ppf(0.975, freedom)) * math.hypot(0.61, 0.72)
    site.edit = lambda one: one.update(confidenceIntervalDelta=half)
    entry = {**SERVER, "metric": CARTS, "test": "g1"}
    assert len(desk.read("statsig", **entry)) == 2
    site.arms[CARTS] = {"g0": (12, 0.0, 0.61e-200), "g1": (10, 0.0, 0.72e-200), "g2": (11, 0.0, 0.6e-200)}
    site.edit = lambda one: one.update(confidenceIntervalDelta=half * 1e-200)
    assert len(desk.read("statsig", **entry)) == 2, "their squares are 0"
    site.arms[CARTS] = {"g0": (12, 2.25, 0.61), "g1": (10, 2.5, 0.72), "g2": (11, 2.375, 0.6)}
    site.edit = lambda one: one.update(confidenceIntervalDelta=half * 1.02)
    assert "contradicts itself" in desk.fails("statsig", **entry)


@pytest.mark.parametrize("change", [{"testUnits": None}, {"testUnits": 9.5}, {"testMean": "x"}, {"testStd": -1}])
def test_groups_without_numbers(desk, site, change):
    site.edit = lambda one: one.update(change)
    message = desk.fails("statsig", **{**SERVER, "metric": CARTS, "test": "Help v7"})
    assert "none of the 2 rows can be used" in message
    assert desk.whys == {said.MISSING: 1, said.UNTESTED: 1}
    site.edit = lambda one: one.update(change if one["testUnits"] == 1460 else {})
    assert set(counts(desk.read("statsig", **{**SERVER, "metric": CARTS}))) == {"Control", "Help v8"}
    assert desk.whys == {said.MISSING: 1}


def test_numbers_that_cannot_be_squared(desk, site):
    site.arms[CARTS] = dict.fromkeys(GROUPS, (10, 2.5, 1e150))
    assert "its numbers are too large to compute with" in desk.fails("statsig", **{**SERVER, "metric": CARTS})
    site.arms[CARTS] = dict.fromkeys(GROUPS, (10, 0.0, 1e-200))
    assert {c.moments.m2 for c in desk.read("statsig", **{**SERVER, "metric": CARTS})} == {0.0}
    site.arms[CARTS] = dict.fromkeys(GROUPS, (10, 1e308, 1e-200))
    assert "its numbers are too large to compute with" in desk.fails("statsig", **{**SERVER, "metric": CARTS})


def test_outcomes_that_are_all_zero_are_outcomes(desk, site):
    site.arms[CARTS] = dict.fromkeys(GROUPS, (10, 0.0, 0.0))
    assert set(counts(desk.read("statsig", **{**SERVER, "metric": CARTS})).values()) == {(10, 0.0)}
    site.arms[CARTS] = dict.fromkeys(GROUPS, (10, 2.5, 0.0))
    desk.fails("statsig", **{**SERVER, "metric": CARTS})
    assert desk.whys == {said.NO_SPREAD: 3}


def test_the_same_metric_in_two_lists(desk, site, server):
    twice = site.pulse("g0", "g1")
    twice["data"]["secondaryMetrics"].append(copy.deepcopy(twice["data"]["primaryMetrics"][0]))
    site.pulse = lambda *_: twice
    assert len(desk.read("statsig", **SERVER, test="g1")) == 2
    twice["data"]["secondaryMetrics"][-1]["testUnits"] += 1
    assert "'converted' stands twice in one answer, with other numbers" in desk.fails("statsig", **SERVER, test="g1")


# --- the server -----------------------------------------------------------------------------------------------------


def puller(desk: Any, **entry: Any) -> Any:
    desk.sources(src={"signal": "sig", "connector": "statsig", **entry})
    project = load_project(desk.root)
    store = open_store(project.store_url)
    return lambda: pull(project, store)[0]


def test_faults_pass_and_an_edit_changes_its_cell_only(desk, site, server, clock):
    again = puller(desk, **SERVER)
    Answer = server.Answer
    server.faults.extend([
        Answer({}, 429, {"Retry-After": "9"}), Answer({}, 500), Answer({"data": {}}, cut=7, short=True), None,
        Answer({"data": {}}, cut=5), Answer(dead=True),
    ])  # fmt: skip
    assert again().new == 3
    assert clock.slept[0] == 9.0
    assert again().status == "unchanged"
    site.arms[YES]["g2"] = yes(1510, 141)
    report = again()
    assert (report.new, report.changed, report.removed) == (0, 1, 0)
    server.faults.extend([Answer({}, 500)] * 6)
    assert again().status == "failed"
    server.faults.clear()
    assert again().status == "unchanged"


def test_results_that_are_computed_anew_in_between_are_refused(desk, site, server):
    usual = site.pulse

    def pulse(control: str, test: str) -> Any:
        if test == "g2":
            site.arms[YES]["g0"] = yes(1512, 131)
        return usual(control, test)

    site.pulse = pulse
    assert "the group 'Control' has other numbers in one answer than in another" in desk.fails("statsig", **SERVER)


def test_which_metric_and_what_the_server_refuses(desk, site, server):
    entry = {key: value for key, value in SERVER.items() if key != "metric"}
    assert (
        "the experiment has several metrics. Choose one with `metric:`. Known: add_to_cart::event_count"
        in desk.fails("statsig", **entry)
    )
    assert "there is no metric 'clicks'" in desk.fails("statsig", **entry, metric="clicks")
    server.answer = lambda asked: server.Answer({"message": "Invalid key console-12345"}, 403)
    message = desk.fails("statsig", **SERVER)
    assert "refuses with status 403" in message
    assert "console-12345" not in message
    server.answer = lambda asked: server.Answer({"items": []})
    assert "the server's answer holds no 'data'. Check `url:`" in desk.fails("statsig", **SERVER)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"token": "console-1"}, "`token:` is a secret and stands in this file"),
        ({"token": None}, "does not say how to sign in"),
        ({"experiment": None}, "does not say which experiment"),
        ({"cuped": False}, "`cuped:` is for saved answers"),
        ({"map": {"segment.country": "x"}}, "is not a field of this shape"),
        ({"map": {"units": "x"}}, "unknown field 'units' in map"),
        ({"path": "x.json"}, "has both `url:` and `path:`"),
        ({"url": None, "token": None, "experiment": None, "path": "x.json"}, "does not say which group is the control"),
        ({"url": None, "token": None, "experiment": None, "path": "x.json", "control": "a", "test": ["b"]},
         "a saved answer compares one group with the control"),
    ],
)  # fmt: skip
def test_mistakes_are_told(desk, site, entry, says):
    given = {key: value for key, value in {**SERVER, **entry}.items() if value is not None}
    assert says in desk.fails("statsig", **given)


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("empty.json", "", "is empty (0 bytes)"),
        ("cut.json", '{"data": {"primaryMetrics": ', "half-written JSON"),
        ("list.json", "[]", "holds no JSON object"),
        ("foreign.json", '{"scores": []}', "is no answer of Statsig's API"),
        ("only.json", '{"data": {"id": "m::sum", "type": "sum"}}', "no file holds results"),
        ("none.json", '{"data": {"primaryMetrics": []}}', "the answer holds no metric"),
    ],
)
def test_bad_files(desk, name, text, says):
    desk.write(name, text)
    assert says in desk.fails("statsig", path=name, control="a", test="b")


def test_saved_answers(desk, site):
    desk.write("pulse.json", json.dumps(site.pulse("g0", "g1")))
    entry = {"path": "*.json", "control": "control", "test": "candidate", "metric": YES}
    assert counts(desk.read("statsig", **entry)) == {"control": (1511, 131 / 1511), "candidate": (1460, 172 / 1460)}
    desk.write("pulse2.json", json.dumps(site.pulse("g0", "g2")))
    assert "pulse.json and data/pulse2.json are both results" in desk.fails("statsig", **entry)


# --- the docs -------------------------------------------------------------------------------------------------------


def test_the_entries_of_the_docs_work(desk, site, server, monkeypatch):
    monkeypatch.setenv("STATSIG_URL", server.url)
    monkeypatch.setenv("STATSIG_CONSOLE_KEY", "console-1")
    text = (Path(__file__).parents[3] / "docs" / "connectors" / "statsig.md").read_text()
    desk.write("exports/statsig/pulse.json", json.dumps(site.pulse("g0", "g1")))
    found = {}
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        for name, entry in parse(textwrap.dedent(block), "docs").data.items():
            desk.sources(**{name: dict(entry)})
            found[name] = desk.read_again()
    assert set(found) == {"conversion", "carts-files"}
    assert {c.variant for cells in found.values() for c in cells} == {"prompt-v6", "prompt-v7"}
    assert sum(c.moments.n for c in found["conversion"]) == 2971
