"""``signals sources check``: what it says is missing, the readings cannot compute, and what it says to do helps."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from signals.checks import BY_NAME
from signals.cli import cli
from signals.model import Numbers, Release
from signals.project import load_project
from signals.pull import pull
from signals.review import load, numbers_of, policy_of, store_of
from signals.sources import SourceCheck, check_sources

RELEASE = {"id": "r1", "kind": "prompt", "control": "old", "candidate": "new", "started": "2026-11-10"}
POLICY = """
schema: 1
name: test
signals:
  judge: {{kind: judge, question: q, better: higher, margin: 2pp, {judge}}}
  panel: {{kind: panel, question: q, better: higher, margin: 0.1, {panel}}}
  conversion:
    {{kind: experiment, question: q, better: higher, margin: 2%, metric: {{name: c, type: {metric}}}, {conversion}}}
  thumbs: {{kind: feedback, question: q, better: higher, margin: 1pp, {thumbs}}}
hierarchy:
  - {{signal: conversion, win: ship, loss: rollback}}
  - {{signal: judge, when: judge.human_agreement >= 0.6, win: ship}}
  - {{signal: panel, loss: hold}}
  - {{signal: thumbs, loss: hold}}
otherwise: hold
"""
JUDGE = ("item", "variant", "value")
PANEL = ("item", "rater", "variant", "value")
OUTCOME = ("unit", "variant", "value")
THUMBS = ("variant", "value")


class Bench:
    """A project with tables of everything, of which a source maps what the test wants."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "data").mkdir(parents=True)
        self.policy()
        rng = random.Random(7)
        times = [f"2026-11-{day:02}T{hour:02}:00:00Z" for day in range(10, 24) for hour in range(24)]
        self.table("judge.csv", [
            {"item": f"t{n}", "variant": arm, "value": rng.random(), "scorer_version": "v1", "at": times[n + 2 * k],
             "length": rng.randint(10, 99), "content": f"c{n}", "made": "2026-01-01T00:00:00Z", "leaked": "false",
             "cluster": f"g{n // 2}", "plan": ("pro", "free")[n % 2]}
            for n in range(60) for k, arm in enumerate(("old", "new"))
        ])  # fmt: skip
        self.table("panel.csv", [
            {"item": f"t{n}", "rater": f"w{w}", "variant": arm, "value": rng.randint(1, 5), "attempt": attempt,
             "at": times[(2 * n + w + (k if n % 2 else 1 - k)) % 300], "expected": "", "plan": ("pro", "free")[n % 2]}
            for n in range(60) for w in range(3) for k, arm in enumerate(("old", "new"))
            for attempt in ((1, 2) if n < 20 and w == 0 else (1,))
        ] + [
            {"item": f"gold{n}", "rater": f"w{w}", "variant": "old", "value": 3, "attempt": 1, "at": times[n],
             "expected": 3, "plan": "pro"}
            for n in range(8) for w in range(3)
        ])  # fmt: skip
        self.table("orders.csv", [
            {"unit": f"u{n}", "variant": ("old", "new")[n % 2], "value": rng.randint(0, 1), "at": times[n % 336],
             "covariate": rng.random(), "denominator": 1 + n % 3, "plan": ("pro", "free")[n // 2 % 2]}
            for n in range(3000)
        ])  # fmt: skip
        self.table("thumbs.csv", [
            {"variant": ("old", "new")[n % 2], "value": rng.choice(["up", "down"]), "user": f"u{n % 2}-{n // 6}",
             "at": times[n % 336], "plan": ("pro", "free")[n // 2 % 2]}
            for n in range(1200)
        ])  # fmt: skip
        self.table("counts.csv", [
            {"variant": arm, "day": f"2026-11-{day}", "impressions": 500, "responses": 100, "positives": 50 + day}
            for day in range(10, 24) for arm in ("old", "new")
        ])  # fmt: skip
        self.table("mix.csv", [{"share": 0.6, "plan": "pro"}, {"share": 0.4, "plan": "free"}])
        self.entries: dict[str, Any] = {}

    def policy(self, *, metric: str = "proportion", **extra: str) -> None:
        defaults = dict.fromkeys(("judge", "panel", "conversion", "thumbs"), "segments: [plan]")
        (self.root / "hierarchy.yaml").write_text(POLICY.format(metric=metric, **defaults | extra))

    def table(self, name: str, rows: list[dict[str, Any]]) -> None:
        lines = [",".join(rows[0]), *(",".join(str(value) for value in row.values()) for row in rows)]
        (self.root / "data" / name).write_text("\n".join(lines) + "\n")

    def source(self, signal: str, file: str, shape: str, *fields: str, **more: Any) -> None:
        name = more.pop("name", signal)
        mapped = {field: ("plan" if field == "segment.plan" else field) for field in fields}
        self.entries[name] = {
            "signal": signal, "connector": "table", "path": file, "shape": shape, "map": mapped, **more
        }  # fmt: skip

    def write(self) -> None:
        text = json.dumps({"releases": [RELEASE], "sources": self.entries}, indent=1)
        (self.root / "data" / "sources.yaml").write_text(text)

    def check(self, name: str) -> SourceCheck:
        self.write()
        return next(one for one in check_sources(load_project(self.root)) if one.source == name)

    def numbers(self) -> Mapping[str, Numbers]:
        self.write()
        project = load(self.root)
        store = store_of(project)
        assert not [report.error for report in pull(project, store) if report.error]
        return numbers_of(project, policy_of(project), project.releases[0])[0]

    def run(self, *words: str) -> Result:
        self.write()
        return CliRunner().invoke(cli, [*words, "--project", str(self.root)], catch_exceptions=False)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.delenv("SIGNALS_STORE", raising=False)
    return Bench(tmp_path / "project")


def checks(one: SourceCheck) -> set[str]:
    return {check for lack in one.lacks for check in lack.checks}


def unknown(numbers: Numbers) -> set[str]:
    missing = {measure.name for measure in numbers.measures if measure.value is None}
    return missing | ({"max_age"} if numbers.last_at is None else set())


SCORES = (*JUDGE, "scorer_version", "at", "length", "content", "made", "leaked", "cluster", "segment.plan")
ALL = {
    "judge": ("judge.csv", "item_score", SCORES),
    "panel": ("panel.csv", "rating", (*PANEL, "attempt", "at", "expected", "segment.plan")),
    "conversion": ("orders.csv", "outcome", (*OUTCOME, "at", "covariate", "segment.plan")),
    "thumbs": ("thumbs.csv", "feedback", (*THUMBS, "user", "at", "segment.plan")),
}  # fmt: skip
BARE = {"judge": JUDGE, "panel": PANEL, "conversion": OUTCOME, "thumbs": THUMBS}
BETWEEN = {"human_agreement", "min_overlap", "label_balance_p", "judge_bias_p", "coverage", "min_effective_items",
           "max_mix_shift"}  # fmt: skip
NEVER = {
    # Not measured of these data whatever is mapped: they need a second judge version or `kin:`, or belong to others.
    "judge": {"judge_drift_p", "independent_judge"},
    "panel": set(),
    "conversion": {"max_skew", "min_clusters", "outcome_complete", "slow_trend_p", "coverage"},
    "thumbs": set(),
}  # fmt: skip


@pytest.mark.parametrize("signal", ALL)
def test_what_is_said_to_be_lacking_is_what_the_reading_cannot_compute(bench: Bench, signal: str) -> None:
    """The bare minimum of fields, and then all of them, against the reading itself."""
    file, shape, fields = ALL[signal]
    bench.source(signal, file, shape, *BARE[signal])
    missing, without = checks(bench.check(signal)), unknown(bench.numbers()[signal])
    assert missing <= without | {"min_clusters"}
    assert without - missing <= NEVER[signal]
    bench.source(signal, file, shape, *fields)
    kept, full = checks(bench.check(signal)), unknown(bench.numbers()[signal])
    assert kept <= full | BETWEEN
    assert full - kept <= NEVER[signal]
    assert missing - kept, "mapping everything must bring something"


def test_the_remedy_names_a_key_that_the_connector_takes(bench: Bench) -> None:
    """Every remedy that says to map a field is followed, with what the table has; then nothing lacks it."""
    for signal, (file, shape, fields) in ALL.items():
        bench.entries = {}
        bench.source(signal, file, shape, *BARE[signal])
        lacks = bench.check(signal).lacks
        mapped = [lack.remedy.split("`")[1] for lack in lacks if lack.remedy.startswith("Map `")]
        assert mapped
        bench.source(signal, file, shape, *BARE[signal], *(field for field in mapped if field in fields))
        again = {lack.what for lack in bench.check(signal).lacks}
        for lack in lacks:
            if lack.remedy.startswith("Map `") and lack.remedy.split("`")[1] in fields:
                assert lack.what not in again


@pytest.mark.parametrize(
    "signal, trust, asked",
    [
        ("judge", "same_judge: true", "the policy asks for same_judge: judge is untrusted without"),
        ("judge", "max_age: 3d", "the policy asks for max_age: judge is untrusted without"),
        ("conversion", "full_weeks: 1", "the policy asks for full_weeks: conversion is unclear without"),
        ("conversion", "covariate_balance_p: 0.01", "the policy asks for covariate_balance_p: conversion is untrusted"),
        ("thumbs", "response_rate_shift_p: 0.01", "the policy asks for response_rate_shift_p: thumbs is untrusted"),
        ("panel", "gold_accuracy: 0.8", "the policy asks for gold_accuracy: panel is untrusted without"),
    ],
)  # fmt: skip
def test_what_the_policy_asks_for_stands_apart(bench: Bench, signal: str, trust: str, asked: str) -> None:
    file, shape, _ = ALL[signal]
    bench.source(signal, file, shape, *BARE[signal], "segment.plan")
    assert not [lack for lack in bench.check(signal).lacks if lack.asked and not lack.what.startswith("no human")]
    bench.policy(**{signal: f"segments: [plan], trust: {{{trust}}}"})
    (found,) = [lack for lack in bench.check(signal).lacks if lack.asked.startswith("the policy asks for")]
    assert asked in found.asked
    name = trust.partition(":")[0]
    assert name in found.checks
    assert found.remedy
    reading = bench.run("verdict", "r1", "--json")
    assert reading.exit_code == 2  # nothing was pulled: checking stored nothing
    bench.run("pull")
    state = json.loads(bench.run("verdict", "r1", "--json").stdout)["readings"][signal]
    assert state["checks"][name]["status"] == "unknown"
    assert state["state"] == ("untrusted" if BY_NAME[name].sort == "validity" else state["state"])


def test_a_segment_that_the_policy_names_and_the_source_does_not_have(bench: Bench) -> None:
    bench.source("judge", "judge.csv", "item_score", *JUDGE)
    (found,) = [lack for lack in bench.check("judge").lacks if "segment" in lack.what]
    assert (found.what, found.remedy) == ("no segment 'plan'", "Map `segment.plan`, the plan of a record")
    assert found.asked == "the policy declares it"


def test_thumbs_without_impressions_have_no_rate_per_answer_shown(bench: Bench) -> None:
    bench.policy(thumbs="estimate: per_impression, segments: [plan]")
    bench.source("thumbs", "thumbs.csv", "feedback", *THUMBS, "user", "at", "segment.plan")
    found = next(lack for lack in bench.check("thumbs").lacks if "impressions" in lack.what)
    assert found.asked == "the policy lets the per impression estimate vote: there is none"
    assert found.remedy == "Give counts with impressions (shape feedback_counts)"
    bench.source("thumbs", "counts.csv", "feedback_counts", "variant", "day", "impressions", "responses", "positives")
    lacks = bench.check("thumbs").lacks
    assert not [lack for lack in lacks if "impressions" in lack.what]
    assert [lack.remedy for lack in lacks if lack.what.startswith("no users")] == [
        "The table connector reads none here: use a source that has it (who)"
    ]


def test_a_panel_without_rater_ids_has_no_agreement(bench: Bench) -> None:
    rows = [{"item": f"t{n}", "who": "", "variant": arm, "value": 3} for n in range(40) for arm in ("old", "new")]
    bench.table("one.csv", [{**row, "who": "crowd"} for row in rows])
    bench.policy(panel="trust: {agreement: 0.4}")
    bench.source("panel", "one.csv", "rating", "item", "variant", "value")
    bench.entries["panel"]["map"]["rater"] = "who"
    found = bench.check("panel").lacks[0]
    assert found.what == "one rater: raters cannot be compared"
    assert set(found.checks) >= {"agreement", "min_raters"}
    assert "agreement" in found.asked


def test_a_judge_is_held_against_the_items_that_people_rated(bench: Bench) -> None:
    file, shape, fields = ALL["judge"]
    bench.source("judge", file, shape, *fields)
    alone = next(lack for lack in bench.check("judge").lacks if lack.what == "no human ratings")
    assert alone.asked == "a condition of the policy looks at human_agreement: unknown"
    bench.source("panel", "panel.csv", "rating", *ALL["panel"][2])
    assert not checks(bench.check("judge")) & {"human_agreement", "min_overlap"}
    bench.entries["panel"]["values"] = {"item": {f"t{n}": f"ticket-{n}" for n in range(60)}}
    other = next(lack for lack in bench.check("judge").lacks if "people rated none" in lack.what)
    assert "items like 't0'; people's like" in other.what


def test_a_traffic_mix_is_asked_of_a_source_of_its_own(bench: Bench) -> None:
    bench.policy(judge="estimate: reweighted, segments: [plan], trust: {coverage: 0.8}")
    bench.source("judge", *ALL["judge"][:2], *ALL["judge"][2])
    found = next(lack for lack in bench.check("judge").lacks if lack.what == "no traffic mix")
    assert found.asked == "the policy lets the reweighted estimate vote: there is none"
    bench.source("judge", "mix.csv", "traffic_mix", "share", "segment.plan", name="mix")
    assert "coverage" not in checks(bench.check("judge"))
    assert bench.check("mix").lacks == ()


@pytest.mark.parametrize(
    "metric, shape, fields, what",
    [
        ("ratio", "outcome", OUTCOME, "no denominators: no ratio"),
        ("{type: quantile, quantile: 0.9}", "outcome", OUTCOME, "no quantiles"),
    ],
)  # fmt: skip
def test_a_metric_that_the_records_cannot_give(
    bench: Bench, metric: str, shape: str, fields: tuple[str, ...], what: str
) -> None:
    text = "{type: quantile, quantile: 0.9}"
    bench.policy(metric="quantile, quantile: 0.9" if metric == text else metric)
    bench.source("conversion", "orders.csv", shape, *fields)
    found = next(lack for lack in bench.check("conversion").lacks if lack.what == what)
    assert found.asked == "there is no effect without it"
    voting = bench.numbers()["conversion"]
    assert voting.estimates[voting.voting].low is None


def test_variants_that_no_release_names(bench: Bench) -> None:
    bench.source("judge", "judge.csv", "item_score", *JUDGE, values={"variant": {"old": "prompt-6", "new": "newer"}})
    found = bench.check("judge")
    assert (found.works, found.brings) == (True, ())
    assert found.lacks[0].what == "feeds no release: it has the variants newer, prompt-6"
    assert "Did you mean 'new'?" in found.lacks[0].remedy
    assert dict(found.others) == {"newer": 60, "prompt-6": 60}


def test_sources_with_different_scorers_do_not_make_one_judge(bench: Bench) -> None:
    bench.source("judge", "judge.csv", "item_score", *JUDGE, scorer="tone")
    bench.source("judge", "judge.csv", "item_score", *JUDGE, scorer="truth", name="other")
    found = next(lack for lack in bench.check("judge").lacks if "scorers" in lack.what)
    assert found.what == "the sources of judge have 2 scorers (tone, truth) and the policy names none"
    judge = bench.numbers()["judge"]
    assert "2 scorers (tone, truth) and the policy names none" in str(judge.estimates["raw"].refused)
    bench.policy(judge="scorer: tone")
    assert not [lack for lack in bench.check("judge").lacks if "scorers" in lack.what]


def test_a_panel_whose_raters_see_one_arm_has_no_effect(bench: Bench) -> None:
    bench.table("one.csv", [
        {"item": f"t{n}", "rater": f"{arm}-{w}", "variant": arm, "value": n % 5}
        for n in range(30) for w in range(3) for arm in ("old", "new")
    ])  # fmt: skip
    bench.source("panel", "one.csv", "rating", *PANEL)
    what = "no rater graded an item in both arms"
    assert [lack.asked for lack in bench.check("panel").lacks if lack.what == what] == ["there is no effect without it"]
    assert "saw one arm of the item only" in str(bench.numbers()["panel"].estimates["raw"].refused)
    bench.entries["panel"]["where"] = {"variant": "old"}  # the other arm may come from another source
    assert what not in {lack.what for lack in bench.check("panel").lacks}


def test_what_it_brings_is_counted(bench: Bench) -> None:
    bench.source("judge", "judge.csv", "item_score", *JUDGE)
    bench.source("conversion", "orders.csv", "outcome", *OUTCOME)
    one, other = bench.check("judge"), bench.check("conversion")
    assert (one.brings[0].control, one.brings[0].candidate, one.brings[0].items) == (("old", 60), ("new", 60), (60, 60))
    assert (other.brings[0].control, other.brings[0].items, other.unit) == (("old", 1500), None, "units")


# --- as a command ---------------------------------------------------------------------------------------------------


def test_the_command_says_which_work_and_exits_by_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    bench.source("judge", "judge.csv", "item_score", *JUDGE)
    fine = bench.run("sources", "check")
    assert fine.exit_code == 0
    assert "judge: works (table, for judge)\n  120 rows read, 120 kept, 0 set aside, " in fine.stdout
    assert "r1: new 60, old 60 scores; 60 of 60 items in both" in fine.stdout
    told = "1 source: all work; 1 lacks something that the policy asks for. Nothing was stored."
    assert " ".join(fine.stdout.split()).endswith(told)
    assert max(len(line) for line in fine.stdout.splitlines()) <= 80
    bench.source("panel", "nowhere.csv", "rating", *PANEL)
    bench.source("thumbs", "thumbs.csv", "feedback", *THUMBS)
    bench.entries["thumbs"]["url"] = "${NOT_SET_HERE}"
    bench.entries["thumbs"]["query"] = "select 1"
    del bench.entries["thumbs"]["path"]
    bench.source("judge", "mix.csv", "traffic_mix", "share", "segment.plan", name="stray")
    bench.entries["stray"]["signal"] = "thumbs"
    bad = bench.run("sources", "check")
    assert bad.exit_code == 2
    assert "panel: DOES NOT WORK (table, for panel)" in bad.stdout
    assert "no such file" in bad.stdout
    assert "environment variable NOT_SET_HERE is not set" in bad.stdout
    assert "stray: DOES NOT WORK" in bad.stdout
    assert "brings traffic_mix records" in " ".join(bad.stdout.split())
    assert "judge: works" in bad.stdout
    assert "4 sources: 1 work, 3 do not" in bad.stdout
    assert not (bench.root / "data" / "signals.db").exists()
    found = json.loads(bench.run("sources", "check", "--json").stdout)
    assert [one["works"] for one in found] == [True, False, False, False]
    assert {"source", "works", "problem", "brings", "lacks", "set_aside", "rows_read"} <= set(found[0])
    alone = json.loads(bench.run("sources", "check", "--source", "judge", "--json").stdout)
    assert [one["source"] for one in alone] == ["judge"]
    assert not [lack for lack in alone[0]["lacks"] if lack["what"] == "no human ratings"]
    assert bench.run("sources", "check", "--source", "judg").exit_code == 2


def test_the_bundled_example_lacks_what_its_readings_cannot_compute(root: Path, demo_store: str) -> None:
    """Where one source alone brings a signal's evidence of a release, the two must agree."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNALS_STORE", demo_store)
        project = load(root)
        found = {one.source: one for one in check_sources(project)}
        assert all(one.works for one in found.values())
        seen = 0
        for release in project.releases:
            numbers = numbers_of(project, policy_of(project), release)[0]
            seen += sum(_agree(found, release, numbers))
    assert seen > 20


def _agree(found: Mapping[str, SourceCheck], release: Release, numbers: Mapping[str, Numbers]) -> list[bool]:
    agreed = []
    for signal, computed in numbers.items():
        mine = [
            one for one in found.values()
            if one.signal == signal and any(brought.release == release.id for brought in one.brings)
        ]  # fmt: skip
        if len(mine) == 1:
            assert checks(mine[0]) - BETWEEN <= unknown(computed), (release.id, signal)
            agreed.append(True)
    return agreed
