"""GrowthBook: plain means over units become counts, all other numbers of its results do not."""

from __future__ import annotations

import copy
import json
import math
import re
import textwrap
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from signals.connectors.api import growthbook_said as said
from signals.connectors.api.arms import TOO_LARGE
from signals.model import OutcomeCell
from signals.project import load_project
from signals.pull import pull
from signals.store import open_store
from signals.strictyaml import parse

ID = "exp_help7"
ARMS = {"var_a": ("0", "control"), "var_b": ("1", "candidate")}
YES, MONEY = "fact__converted", "met_revenue"


def analysis(total: float, over: float, mean: float, sd: float) -> dict[str, Any]:
    """One analysis as the API's description has it. What is not read is nonsense on purpose."""
    return {"engine": "bayesian", "numerator": total, "denominator": over, "mean": mean, "stddev": sd,
            "percentChange": 9.9, "ciLow": -9, "ciHigh": -8, "pValue": 0, "chanceToBeatControl": 1}  # fmt: skip


def yes(units: int, ones: int) -> dict[str, Any]:
    mean = ones / units
    return {"users": units, "analyses": [analysis(ones, units, mean, math.sqrt(mean * (1 - mean)))]}


def money(values: list[float]) -> dict[str, Any]:
    units, mean = len(values), sum(values) / len(values)
    sd = math.sqrt(sum((value - mean) ** 2 for value in values) / (units - 1))
    return {"users": units, "analyses": [analysis(sum(values), units, mean, sd)]}


PAID = {"var_a": [0.0, 0.0, 4.5, 0.0, 19.25, 3.0], "var_b": [1.5, 0.0, 8.0, 0.0, 22.0]}


def part(label: str, metrics: dict[str, dict[str, Any]]) -> dict[str, Any]:
    listed = [
        {"metricId": name, "variations": [{"variationId": arm, **arms[arm]} for arm in ARMS]}
        for name, arms in metrics.items()
    ]
    return {"dimension": label, "totalUsers": 0, "checks": {"srm": 0.5}, "metrics": listed}


class Site:
    """The part of GrowthBook that is asked. Its documents are changed by the tests."""

    def __init__(self, server: Any) -> None:
        self.server = server
        settings = {"statsEngine": "bayesian", "regressionAdjustmentEnabled": False, "goals": [], "guardrails": []}
        self.experiment: dict[str, Any] = {
            "id": ID, "type": "standard", "settings": settings,
            "variations": [{"variationId": arm, "key": key, "name": name} for arm, (key, name) in ARMS.items()],
        }  # fmt: skip
        self.metrics: dict[str, dict[str, Any]] = {
            YES: {"id": YES, "name": "Converted", "metricType": "proportion"},
            MONEY: {"id": MONEY, "name": "Revenue", "type": "revenue", "sql": {"denominatorMetricId": ""}},
        }
        whole = part("All", {YES: {"var_a": yes(1511, 131), "var_b": yes(1460, 172)},
                             MONEY: {arm: money(PAID[arm]) for arm in ARMS}})  # fmt: skip
        self.results: dict[str | None, dict[str, Any]] = {None: self.made("none", [whole])}
        self.results["exp:country"] = self.made("experiment", [
            part("DE", {YES: {"var_a": yes(500, 40), "var_b": yes(480, 61)}}),
            part("", {YES: {"var_a": yes(1011, 91), "var_b": yes(980, 111)}}),
        ], id="country")  # fmt: skip
        self.results["pre:date"] = self.made("date", [
            part("2026-11-10", {YES: {"var_a": yes(700, 60), "var_b": yes(690, 80)}}),
            part("2026-11-11", {YES: {"var_a": yes(811, 71), "var_b": yes(770, 92)}}),
        ])  # fmt: skip
        server.answer = self.answer

    def made(self, sort: str, parts: list[dict[str, Any]], **dimension: str) -> dict[str, Any]:
        return {"id": "snp_1", "dateUpdated": "2026-11-20T08:00:00Z", "experimentId": ID, "phase": "0",
                "dimension": {"type": sort, **dimension}, "settings": {"statsEngine": "bayesian"}, "queryIds": [],
                "results": parts}  # fmt: skip

    @property
    def result(self) -> dict[str, Any]:
        return self.results[None]

    def variation(self, metric: str, arm: str) -> dict[str, Any]:
        """The numbers of one arm, to be changed."""
        (found,) = [one for one in self.result["results"][0]["metrics"] if one["metricId"] == metric]
        (mine,) = [one for one in found["variations"] if one["variationId"] == arm]
        return mine

    def answer(self, asked: Any) -> Any:
        kind, *name = asked.path.removeprefix("/api/v1/").split("/")
        found: Any
        if name[-1] == "results":
            found = self.results.get(asked.query.get("dimension"))
            if found is None:
                return self.server.Answer({"message": "No results found for that experiment"}, 400)
            found = {"result": found}
        elif kind == "experiments":
            found = {"experiment": self.experiment}
        else:
            known = self.metrics.get(name[0])
            if known is None or (kind == "fact-metrics") != name[0].startswith("fact__"):
                return self.server.Answer({"message": "Could not find metric"}, 404)
            found = {"factMetric" if kind == "fact-metrics" else "metric": known}
        return self.server.Answer(found)

    def save(self, desk: Any, *, experiment: bool = True, metrics: bool = True) -> dict[str, Any]:
        desk.write("gb/results.json", json.dumps({"result": self.result}))
        if experiment:
            desk.write("gb/experiment.json", json.dumps({"experiment": self.experiment}))
        for name, one in self.metrics.items() if metrics else ():
            key = "factMetric" if name.startswith("fact__") else "metric"
            desk.write(f"gb/{name}.json", json.dumps({key: one}))
        return {"path": "gb/*.json"}


@pytest.fixture
def site(desk, server, monkeypatch):
    monkeypatch.setenv("KEY", "secret_readonly_12345")
    return Site(server)


SERVER = {"url": "${SERVER_URL}", "token": "${KEY}", "experiment": ID}


def counts(cells: list[OutcomeCell]) -> dict[str, tuple[int, float]]:
    return {cell.variant: (cell.moments.n, cell.moments.mean) for cell in cells}


# --- what is read ---------------------------------------------------------------------------------------------------


def test_a_metric_of_yes_and_no(desk, site, server):
    cells = desk.read("growthbook", **SERVER, metric=YES)
    assert [(c.variant, c.moments.n, round(c.moments.mean * c.moments.n)) for c in cells] == [
        ("candidate", 1460, 172), ("control", 1511, 131),
    ]  # fmt: skip
    assert [c.moments.m2 for c in cells] == [172 * 1288 / 1460, 131 * 1380 / 1511]
    assert {(c.metric, c.segment, c.day, c.counted, c.least) for c in cells} == {("sig", (), None, "counts", None)}
    assert (desk.tally.rows_read, desk.tally.rows_kept, desk.whys) == (2, 2, {})
    assert server.paths == [
        f"/api/v1/experiments/{ID}/results", f"/api/v1/experiments/{ID}", f"/api/v1/fact-metrics/{YES}",
    ]  # fmt: skip
    assert server.asked[0].headers["authorization"] == "Bearer secret_readonly_12345"
    assert server.asked[0].query == {}
    desk.read("growthbook", **SERVER, metric=YES, phase=0)
    assert server.asked[3].query == {"phase": "0"}


def test_an_address_as_growthbook_writes_it(desk, site, server):
    plain = desk.read("growthbook", **SERVER, metric=YES)
    for end in ("/", "/api", "/api/", "/api/v1"):
        assert desk.read("growthbook", **{**SERVER, "url": "${SERVER_URL}" + end}, metric=YES) == plain
    assert {path.split("/")[1] + path.split("/")[2] for path in server.paths} == {"apiv1"}


def test_a_mean_with_its_variance_over_units(desk, site):
    cells = {c.variant: c for c in desk.read("growthbook", **SERVER, metric="Revenue")}
    for (arm, values), (_, name) in zip(PAID.items(), ARMS.values(), strict=True):
        mean = sum(values) / len(values)
        made = cells[name].moments
        assert (made.n, made.m3) == (len(values), None)
        assert made.mean == pytest.approx(mean, rel=1e-12), arm
        assert made.m2 == pytest.approx(sum((v - mean) ** 2 for v in values), rel=1e-12), arm


def test_segments_and_days_add_up_to_the_whole(desk, site, server):
    cells = desk.read("growthbook", **SERVER, metric=YES, dimension="exp:country", map={"segment.country": "dimension"})
    assert {(c.variant, dict(c.segment)["country"], c.moments.n) for c in cells} == {
        ("control", "DE", 500), ("candidate", "DE", 480), ("control", "(empty)", 1011), ("candidate", "(empty)", 980),
    }  # fmt: skip
    assert server.asked[0].query == {"dimension": "exp:country"}
    days = desk.read("growthbook", **SERVER, metric=YES, dimension="pre:date")
    assert {c.day for c in days} == {date(2026, 11, 10), date(2026, 11, 11)}
    without = desk.read("growthbook", **SERVER, metric=YES, dimension="exp:country")
    for found in (cells, days, without):
        for arm, units, ones in (("control", 1511, 131), ("candidate", 1460, 172)):
            mine = [c.moments for c in found if c.variant == arm]
            assert sum(m.n for m in mine) == units
            assert round(sum(m.n * m.mean for m in mine)) == ones
    assert len(without) == 2
    some = desk.read("growthbook", **SERVER, metric=YES, dimension="exp:country", where={"dimension": "DE"})
    assert counts(some) == {"control": (500, 0.08), "candidate": (480, 61 / 480)}


def test_a_part_that_fails_in_one_arm_fails_in_the_other(desk, site):
    site.results["exp:country"]["results"][0]["metrics"][0]["variations"][1]["analyses"] = [analysis(0, 0, 0, 0)]
    cells = desk.read("growthbook", **SERVER, metric=YES, dimension="exp:country")
    assert {c.variant: c.moments.n for c in cells} == {"control": 1011, "candidate": 980}
    assert desk.whys == {said.MISSING: 1, "the same part of the experiment is set aside in another arm": 1}
    # ... and a third arm, in no release with the failed one, keeps its units
    desk.releases = [{**desk.releases[0], "candidate": "another"}]
    cells = desk.read("growthbook", **SERVER, metric=YES, dimension="exp:country")
    assert {c.variant: c.moments.n for c in cells} == {"control": 1511, "candidate": 980}


def test_variants_by_name_key_id_and_recoded(desk, site):
    for path, names in (("variation.key", {"0", "1"}), ("variation.id", {"var_a", "var_b"})):
        cells = desk.read("growthbook", **SERVER, metric=YES, map={"variant": path})
        assert {c.variant for c in cells} == names
    values = {"variant": {"control": "prompt-v6", "candidate": "prompt-v7"}}
    assert set(counts(desk.read("growthbook", **SERVER, metric=YES, values=values))) == {"prompt-v6", "prompt-v7"}
    site.experiment["variations"][1]["name"] = "control"
    message = desk.fails("growthbook", **SERVER, metric=YES)
    assert "source 'src': 'var_a' and 'var_b' are both the variant 'control'" in message


# --- what is not a plain mean over units ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ratio", "quantile", "funnel", "dailyParticipation"])
def test_types_that_are_no_mean_over_units(desk, site, kind):
    site.metrics[YES]["metricType"] = kind
    assert f"the metric 'Converted' is of type {kind}, which is no plain mean over units" in desk.fails(
        "growthbook", **SERVER, metric=YES
    )


def test_a_ratio_of_the_older_kind(desk, site):
    site.metrics[MONEY]["sql"]["denominatorMetricId"] = "met_orders"
    assert "is of type ratio" in desk.fails("growthbook", **SERVER, metric=MONEY)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"denominator": 9}, said.OTHER_UNITS),
        ({"mean": 2.5}, said.NOT_TOTAL),
        ({"numerator": 0, "denominator": 0, "mean": 0, "stddev": 0}, said.MISSING),
        ({"stddev": None}, said.MISSING),
        ({"mean": "many"}, said.MISSING),
        ({"stddev": -1}, said.MISSING),
        ({"errorMessage": "singular matrix"}, said.MISSING),
        ({"stddev": 0}, said.NO_SPREAD),
        ({"stddev": 1e200}, TOO_LARGE),
    ],
)
def test_numbers_that_are_no_mean_over_units(desk, site, change, why):
    site.variation(MONEY, "var_b")["analyses"][0] |= change
    message = desk.fails("growthbook", **SERVER, metric=MONEY)
    assert f"none of the 2 rows can be used: {why}" in message or "set aside in another arm" in message
    assert desk.whys[why] == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [({"users": None}, said.NO_UNITS), ({"users": 0.5}, said.NO_UNITS), ({"analyses": []}, said.MISSING)],
)
def test_variations_without_numbers(desk, site, change, why):
    site.variation(MONEY, "var_b").update(change)
    desk.fails("growthbook", **SERVER, metric=MONEY)
    assert desk.whys[why] == 1


def test_no_units_are_no_cell_and_nothing_to_set_aside(desk, site):
    site.variation(YES, "var_b").update(users=0, analyses=[analysis(0, 0, 0, 0)])
    assert counts(desk.read("growthbook", **SERVER, metric=YES)) == {"control": (1511, 131 / 1511)}
    assert desk.whys == {}


def test_outcomes_that_are_all_zero_are_outcomes(desk, site):
    site.variation(MONEY, "var_b")["analyses"] = [analysis(0, 5, 0, 0)]
    assert counts(desk.read("growthbook", **SERVER, metric=MONEY))["candidate"] == (5, 0.0)


# --- CUPED ----------------------------------------------------------------------------------------------------------


def test_an_adjusted_variance_is_never_taken(desk, site):
    settings = site.experiment["settings"]
    settings["regressionAdjustmentEnabled"] = True
    assert said.ADJUSTED in desk.fails("growthbook", **SERVER, metric=MONEY)
    assert said.ADJUSTED in desk.fails("growthbook", **SERVER, metric=MONEY, cuped=False), "the tool says it is on"
    exception = {"regressionAdjustmentOverride": True, "regressionAdjustmentEnabled": False}
    settings["goals"] = [{"metricId": MONEY, "overrides": exception}]
    assert len(desk.read("growthbook", **SERVER, metric=MONEY)) == 2
    settings["goals"] = [{"metricId": YES, "overrides": exception}]
    assert said.ADJUSTED in desk.fails("growthbook", **SERVER, metric=MONEY)
    settings["metricOverrides"] = [{"id": MONEY, **exception}]
    assert len(desk.read("growthbook", **SERVER, metric=MONEY)) == 2
    exception["regressionAdjustmentOverride"] = False
    settings["metricOverrides"] = [{"id": MONEY, **exception}]
    assert said.ADJUSTED in desk.fails("growthbook", **SERVER, metric=MONEY)
    settings |= {"regressionAdjustmentEnabled": False, "postStratificationEnabled": True}
    assert said.ADJUSTED in desk.fails("growthbook", **SERVER, metric=MONEY)


def test_a_server_that_does_not_say_whether_it_is_adjusted(desk, site):
    del site.experiment["settings"]["regressionAdjustmentEnabled"]
    assert said.PERHAPS in desk.fails("growthbook", **SERVER, metric=MONEY)
    assert len(desk.read("growthbook", **SERVER, metric=MONEY, cuped=False)) == 2
    site.result["settings"]["regressionAdjustmentEnabled"] = False
    assert len(desk.read("growthbook", **SERVER, metric=MONEY)) == 2


def test_yes_and_no_are_counted_whatever_cuped_did(desk, site):
    """The total and the units are never adjusted, and for zeros and ones they are all there is."""
    plain = desk.read("growthbook", **SERVER, metric=YES)
    site.experiment["settings"]["regressionAdjustmentEnabled"] = True
    for arm in ARMS:
        site.variation(YES, arm)["analyses"][0]["stddev"] *= 0.8
    assert desk.read("growthbook", **SERVER, metric=YES) == plain
    del site.metrics[YES]  # its definition is gone: nothing shows any more that these are zeros and ones
    assert said.ADJUSTED in desk.fails("growthbook", **SERVER, metric=YES)


def test_zeros_and_ones_show_by_their_variance(desk, site):
    plain = desk.read("growthbook", **SERVER, metric=YES)
    site.metrics.clear()
    del site.experiment["settings"]["regressionAdjustmentEnabled"]
    assert desk.read("growthbook", **SERVER, metric=YES) == plain
    site.metrics[YES] = {"id": YES, "metricType": "proportion"}
    site.variation(YES, "var_a")["analyses"][0] |= {"numerator": 130.5, "mean": 130.5 / 1511}
    assert said.NOT_WHOLE in desk.fails("growthbook", **SERVER, metric=YES) + str(desk.whys)


def test_a_variation_that_stands_twice_is_refused(desk, site):
    site.result["results"][0]["metrics"].append(copy.deepcopy(site.result["results"][0]["metrics"][0]))
    message = desk.fails("growthbook", **SERVER, metric=YES)
    assert "source 'src': Converted in All, variation var_a: stands twice in the answer" in message


def test_a_bandit_is_refused(desk, site):
    site.experiment["type"] = "multi-armed-bandit"
    assert "source 'src': the experiment is a bandit" in desk.fails("growthbook", **SERVER, metric=YES)


def test_a_division_that_the_variant_may_have_changed_is_refused(desk, site):
    site.result["dimension"] = {"type": "activation"}
    assert "the results are divided by 'activation'" in desk.fails("growthbook", **SERVER, metric=YES)
    site.results["pre:date"]["results"][1]["dimension"] = "soon"
    assert len(desk.read("growthbook", **SERVER, metric=YES, dimension="pre:date")) == 2
    assert desk.whys == {"the part of the results is not a day": 2}


# --- which metric ---------------------------------------------------------------------------------------------------


def test_which_metric(desk, site):
    message = desk.fails("growthbook", **SERVER)
    assert (
        "the experiment has several metrics. Choose one with `metric:`. Known: fact__converted (Converted)" in message
    )
    assert "there is no metric 'clicks'" in desk.fails("growthbook", **SERVER, metric="clicks")
    site.metrics[MONEY]["name"] = "Converted"
    message = desk.fails("growthbook", **SERVER, metric="Converted")
    assert "2 metrics are called 'Converted'. Give the id: fact__converted, met_revenue" in message
    site.result["results"][0]["metrics"].pop()
    assert len(desk.read("growthbook", **SERVER)) == 2
    site.result["results"].clear()
    assert "the answer holds no metric" in desk.fails("growthbook", **SERVER)


# --- the server -----------------------------------------------------------------------------------------------------


def puller(desk: Any, **entry: Any) -> Any:
    desk.sources(src={"signal": "sig", "connector": "growthbook", **entry})
    project = load_project(desk.root)
    store = open_store(project.store_url)
    return lambda: pull(project, store)[0]


def test_faults_pass_and_an_edit_changes_its_cell_only(desk, site, server, clock):
    again = puller(desk, **SERVER, metric=YES)
    Answer = server.Answer
    server.faults.extend([
        Answer({}, 429, {"Retry-After": "7"}), Answer({}, 500), Answer({"result": {}}, cut=9, short=True),
        Answer({"result": {}}, cut=5), Answer(dead=True), None, Answer({}, 503),
    ])  # fmt: skip
    assert again().new == 2
    assert clock.slept[0] == 7.0
    assert again().status == "unchanged"
    site.variation(YES, "var_b").update(yes(1500, 180))
    report = again()
    assert (report.new, report.changed, report.removed) == (0, 1, 0)
    server.faults.extend([Answer({}, 500)] * 6)
    assert again().status == "failed", "and the evidence of the last good pull stays"
    server.faults.clear()
    assert again().status == "unchanged"


def test_what_the_server_refuses(desk, site, server):
    message = desk.fails("growthbook", **SERVER, metric=YES, dimension="exp:plan")
    assert "refuses with status 400: No results found for that experiment. Check `experiment:` and" in message
    assert "let GrowthBook analyse the experiment by 'exp:plan' first" in message
    site.results["exp:plan"] = site.result
    message = desk.fails("growthbook", **SERVER, metric=YES, dimension="exp:plan")
    assert "the server gives results that are not divided by 'exp:plan'" in message
    server.answer = lambda asked: server.Answer({"message": "Invalid API key secret_readonly_12345"}, 401)
    message = desk.fails("growthbook", **SERVER, metric=YES)
    assert "refuses with status 401" in message
    assert "secret_readonly" not in message
    server.answer = lambda asked: server.Answer({"items": []})
    assert "the server's answer holds no 'result'. Check `url:`" in desk.fails("growthbook", **SERVER)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"token": "secret_1"}, "`token:` is a secret and stands in this file"),
        ({"token": None}, "does not say how to sign in"),
        ({"experiment": None}, "does not say which experiment"),
        ({"dimension": "pre:activation"}, "is not known before a unit is exposed"),
        ({"map": {"segment.country": "dimension"}}, "a segment needs results by that dimension"),
        ({"dimension": "pre:date", "map": {"segment.day": "dimension"}}, "a segment needs results by that dimension"),
        ({"dimension": "exp:x", "map": {"segment.x": "variation.id"}}, "Write one `segment.NAME: dimension`"),
        ({"dimension": "exp:x", "map": {"segment.x": "dimension", "segment.y": "dimension"}}, "Write one `segment"),
        ({"map": {"units": "users"}}, "unknown field 'units' in map"),
        ({"cuped": True}, "cuped: can only be false: it states that CUPED is off"),
        ({"reread": "3d"}, "reread"),
        ({"path": "x.json"}, "has both `url:` and `path:`"),
    ],
)
def test_mistakes_are_told(desk, site, entry, says):
    given = {key: value for key, value in {**SERVER, **entry}.items() if value is not None}
    assert says in desk.fails("growthbook", **given)


# --- files ----------------------------------------------------------------------------------------------------------


def test_saved_answers_say_what_the_server_says(desk, site):
    for metric in (YES, MONEY, "Revenue"):
        assert desk.read("growthbook", **site.save(desk), metric=metric) == desk.read(
            "growthbook", **SERVER, metric=metric
        )


def test_results_alone_know_no_names_and_no_types(desk, site):
    entry = {**site.save(desk, experiment=False, metrics=False), "metric": YES}
    assert "'variation.name' is empty for every variation" in desk.fails("growthbook", **entry)
    by_id = {**entry, "map": {"variant": "variation.id"}}
    assert counts(desk.read("growthbook", **by_id)) == {"var_a": (1511, 131 / 1511), "var_b": (1460, 172 / 1460)}
    assert said.PERHAPS in desk.fails("growthbook", **{**by_id, "metric": MONEY})
    assert len(desk.read("growthbook", **{**by_id, "metric": MONEY, "cuped": False})) == 2


def test_the_newest_of_two_saved_answers_counts_and_others_are_refused(desk, site):
    entry = {**site.save(desk), "metric": YES}
    newer = copy.deepcopy(site.result) | {"dateUpdated": "2026-11-21T08:00:00Z"}
    newer["results"] = [part("All", {YES: {"var_a": yes(1600, 140), "var_b": yes(1550, 180)}})]
    desk.write("gb/again.json", json.dumps({"result": newer}))
    assert counts(desk.read("growthbook", **entry))["control"] == (1600, 140 / 1600)
    desk.write("gb/by_country.json", json.dumps({"result": site.results["exp:country"]}))
    message = desk.fails("growthbook", **entry)
    assert "are of other experiments, phases or dimensions: their units would count twice" in message


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("empty.json", "", "is empty (0 bytes)"),
        ("cut.json", '{"result": {"id": ', "half-written JSON"),
        ("list.json", "[]", "holds no JSON object"),
        ("foreign.json", '{"scores": []}', "is no answer of GrowthBook's API"),
        ("only.json", '{"experiment": {"id": "exp_1"}}', "no file holds results"),
    ],
)
def test_bad_files(desk, name, text, says):
    desk.write(name, text)
    assert says in desk.fails("growthbook", path=name)


# --- the docs -------------------------------------------------------------------------------------------------------


def test_the_entries_of_the_docs_work(desk, site, server, monkeypatch):
    monkeypatch.setenv("GROWTHBOOK_URL", server.url)
    monkeypatch.setenv("GROWTHBOOK_KEY", "secret_1")
    for variation, name in zip(site.experiment["variations"], ("Control", "Help v7"), strict=True):
        variation["name"] = name
    site.save(desk)
    text = (Path(__file__).parents[3] / "docs" / "connectors" / "growthbook.md").read_text()
    found = {}
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        for name, entry in parse(textwrap.dedent(block), "docs").data.items():
            if entry.get("path"):
                for file in (desk.data / "gb").iterdir():
                    desk.write(f"exports/growthbook/{file.name}", file.read_bytes())
            desk.sources(**{name: dict(entry)})
            found[name] = desk.read_again()
    assert set(found) == {"conversion", "conversion-by-country", "revenue", "revenue-files"}
    assert {c.variant for cells in found.values() for c in cells} == {"prompt-v6", "prompt-v7"}
    assert sum(c.moments.n for c in found["conversion"]) == 2971
    assert {c.day for c in found["conversion"]} == {date(2026, 11, 10), date(2026, 11, 11)}
    assert {dict(c.segment)["country"] for c in found["conversion-by-country"]} == {"DE", "(empty)"}
    assert [c.moments for c in found["revenue"]] == [c.moments for c in found["revenue-files"]]
