"""The bundled example: it is what its README says, can be made again, and leads to the calls that it was made for."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import NormalDist, fmean
from typing import Any

import duckdb
import pytest

from signals.model import BOTH_ARMS, Release, Verdict
from signals.project import load_project

# conversion, panel, judge, thumbs: effects as the README gives them, and the states that the call follows from.
STORY: dict[str, dict[str, Any]] = {
    "tuesday-small": {
        "call": "hold",
        "effects": (-0.0060, 0.0035, 0.080, 0.0007),
        "states": ("unclear", "flat", "win", "flat"),
        "users": (50_184, 49_921),
    },
    "tuesday-large": {
        "call": "rollback",
        "effects": (-0.0060, -0.0035, 0.080, -0.0005),
        "states": ("loss", "flat", "win", "flat"),
        "users": (500_318, 499_641),
    },
    "all-agree": {
        "call": "ship",
        "effects": (0.0150, 0.3056, 0.060, 0.0600),
        "states": ("win", "win", "win", "win"),
        "users": (50_036, 50_121),
    },
    "sample-ratio": {
        "call": "hold",
        "effects": (0.0140, -0.0028, 0.040, 0.0009),
        "states": ("untrusted", "unclear", "win", "flat"),
        "users": (50_012, 48_604),
    },
    "search-v5": {
        "call": "ship",
        "effects": (0.0001, 0.0000, 0.050, 0.0003),
        "states": ("flat", "flat", "win", "flat"),
        "users": (398_212, 398_905),
    },
    "orders-v3": {
        "call": "ship",
        "effects": (0.0002, 0.0035, 0.050, 0.0005),
        "states": ("flat", "flat", "win", "flat"),
        "users": (401_377, 400_864),
    },
    "refund-v2": {
        "call": "ship",
        "effects": (0.0160, 0.2889, 0.060, 0.0201),
        "states": ("win", "win", "win", "win"),
        "users": (60_120, 59_874),
    },
    "tone-v6": {
        "call": "rollback",
        "effects": (0.0001, -0.2722, 0.070, -0.0000),
        "states": ("flat", "loss", "win", "flat"),
        "users": (399_540, 400_218),
    },
    "brief-v2": {
        "call": "hold",
        "effects": (0.0001, 0.0000, 0.000, -0.0200),
        "states": ("flat", "flat", "flat", "loss"),
        "users": (400_910, 401_122),
    },
    "voice-v3": {
        "call": "rollback",
        "effects": (-0.0120, 0.0000, 0.030, 0.0000),
        "states": ("loss", "unclear", "win", "flat"),
        "users": (120_480, 120_117),
    },
}
OUTCOMES = {
    "search-v5": "bad", "orders-v3": "good", "refund-v2": "good", "tone-v6": "bad", "brief-v2": "good",
    "voice-v3": "unknown",
}  # fmt: skip
SIGNALS = ("conversion", "panel", "judge", "thumbs")


@pytest.fixture(scope="module")
def exports(root: Path) -> Path:
    return root / "data" / "exports"


@pytest.fixture(scope="module")
def releases(root: Path) -> dict[str, Release]:
    return {release.id: release for release in load_project(root).releases}


@pytest.fixture(scope="module")
def verdicts(root: Path, demo_store: str) -> dict[str, Verdict]:
    from signals.review import load, review

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNALS_STORE", demo_store)
        project = load(root)
        return {release.id: review(release.id, project).verdict for release in project.releases}


# --- the files ------------------------------------------------------------------------------------------------------


def files_of(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def test_the_example_is_small(exports: Path):
    sizes = [path.stat().st_size for path in files_of(exports).values()]
    assert len(sizes) == 41
    assert sum(sizes) < 5_000_000


def test_the_generator_makes_the_same_files_again(root: Path, exports: Path, tmp_path: Path):
    script = root / "data" / "make_example.py"
    subprocess.run([sys.executable, "-B", str(script), str(tmp_path)], check=True, capture_output=True)
    ours, again = files_of(exports), files_of(tmp_path)
    assert set(ours) == set(again)
    for name, path in ours.items():
        if path.suffix == ".parquet":  # its bytes depend on who wrote it, its rows do not
            rows = [duckdb.read_parquet(str(one)).fetchall() for one in (path, again[name])]
            assert rows[0] == rows[1], name
        else:
            hashes = [hashlib.sha256(one.read_bytes()).hexdigest() for one in (path, again[name])]
            assert hashes[0] == hashes[1], name


def test_everything_says_that_it_is_synthetic(exports: Path, releases: dict[str, Release]):
    assert set(releases) == set(STORY)
    for release in releases.values():
        assert release.synthetic
        assert release.as_of is not None
    for path in (exports / "promptfoo").iterdir():
        config = json.loads(path.read_text())["config"]
        assert config["tags"]["synthetic"] == "true"
        assert "SYNTHETIC" in config["description"]
    for path in (exports / "label_studio").iterdir():
        for task in json.loads(path.read_text()):
            assert task["meta"] == {"synthetic": True}
            assert task["data"]["item_id"].startswith("syn-")
    for path in (exports / "conversion_users").iterdir():
        said = duckdb.sql(f"SELECT decode(key), decode(value) FROM parquet_kv_metadata('{path}')").fetchall()
        assert ("synthetic", "true") in said
        assert duckdb.sql(f"SELECT bool_and(starts_with(user_id, 'synthetic-')) FROM '{path}'").fetchall() == [(True,)]


def test_the_three_parquet_files_share_no_user(exports: Path):
    table = exports / "conversion_users" / "*.parquet"
    assert duckdb.sql(f"SELECT count(*) = count(DISTINCT user_id) FROM '{table}'").fetchall() == [(True,)]


def shape(value: Any, path: str = "") -> set[str]:
    """Every path of keys; free maps (variables, metadata, task data, scores by name) count as one."""
    free = (
        ".vars",
        ".metadata",
        ".namedScores",
        ".namedScoreWeights",
        ".namedScoresCount",
        ".config",
        ".data",
        ".meta",
    )
    open_map = isinstance(value, dict) and (path.endswith(free) and not path.endswith("componentResults[].metadata"))
    if isinstance(value, dict) and not open_map:
        return {path}.union(*(shape(inner, f"{path}.{key}") for key, inner in value.items()))
    if isinstance(value, list):
        return {path}.union(*(shape(inner, f"{path}[]") for inner in value))
    return {path}


def test_promptfoo_files_have_the_keys_that_the_tool_writes(exports: Path, shared: Path):
    real = json.loads((shared / "exports" / "promptfoo" / "both.json").read_text())
    for path in (exports / "promptfoo").iterdir():
        mine = json.loads(path.read_text())
        assert set(mine) == set(real)
        assert set(mine["config"]) == set(real["config"])
        assert set(mine["metadata"]) == set(real["metadata"])
        assert shape(mine["results"]["prompts"]) == shape(real["results"]["prompts"])
        assert shape(mine["results"]["stats"]) == shape(real["results"]["stats"])
        assert row_kinds(mine) == row_kinds(real)


def row_kinds(document: dict[str, Any]) -> set[frozenset[str]]:
    """The sets of keys that rows come in: passed, not passed, run failed, judge failed. Assertions are the tests'."""
    own = (".assertion.", ".assert[].", ".rubricPrompt")
    rows = document["results"]["results"]
    return {frozenset(part for part in shape(row) if not any(word in part for word in own)) for row in rows}


def test_label_studio_files_have_the_keys_that_the_tool_writes(exports: Path, shared: Path):
    real = json.loads((shared / "exports" / "label_studio" / "rating_control.json").read_text())
    unused = ("prediction.", "predictions[]", ".choices")  # that project had machine predictions and a second question
    known = {part for part in shape(real) if not any(word in part for word in unused)}
    for path in (exports / "label_studio").iterdir():
        assert shape(json.loads(path.read_text())) == known


def test_stated_totals_of_the_judge_tool_add_up(exports: Path):
    """The tool's own summary is made from the rows; a reader may compare the two."""
    for path in (exports / "promptfoo").iterdir():
        results = json.loads(path.read_text())["results"]
        by_reason = [sum(row["failureReason"] == reason for row in results["results"]) for reason in (0, 1, 2)]
        assert [results["stats"][key] for key in ("successes", "failures", "errors")] == by_reason
        for arm, prompt in enumerate(results["prompts"]):
            total = sum(row["score"] for row in results["results"] if row["promptIdx"] == arm)
            assert prompt["metrics"]["score"] == pytest.approx(total)


# --- the numbers, from the raw files alone --------------------------------------------------------------------------


def conversion(exports: Path, release: Release) -> dict[str, tuple[int, int]]:
    """(users, conversions) by variant."""
    units = exports / "conversion_users" / f"{release.id}.parquet"
    if units.exists():
        query = f"SELECT variant, count(*), sum(converted::INT) FROM '{units}' GROUP BY 1"
    else:
        daily = exports / "conversion_daily" / f"{release.id}.csv"
        query = f"SELECT variant, sum(users), sum(conversions) FROM '{daily}' GROUP BY 1"
    return {variant: (int(n), int(x)) for variant, n, x in duckdb.sql(query).fetchall()}


def thumbs(exports: Path, release: Release) -> dict[str, tuple[int, int, int]]:
    """(shown, rated, up) by variant."""
    daily = exports / "thumbs_daily" / f"{release.id}.csv"
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    if daily.exists():
        with daily.open() as file:
            for row in csv.DictReader(file):
                for at, key in enumerate(("shown", "rated", "thumbs_up")):
                    found[row["variant"]][at] += int(row[key])
    else:
        last: dict[str, tuple[str, str, str]] = {}
        with (exports / "thumbs_answers" / f"{release.id}.csv").open() as file:
            for row in csv.DictReader(file):
                seen = (row["rated_at"], row["variant"], row["thumb"])
                last[row["answer_id"]] = max(last.get(row["answer_id"], seen), seen)
        for _, variant, thumb in last.values():
            for at, counts in enumerate((True, thumb != "", thumb == "up")):
                found[variant][at] += counts
    return {variant: (shown, rated, up) for variant, (shown, rated, up) in found.items()}


def judge(exports: Path, release: Release) -> dict[tuple[str, str], float]:
    """Scores that a judge gave, by item and variant."""
    table = exports / "judge_scores" / f"{release.id}.csv"
    if table.exists():
        with table.open() as file:
            return {(row["item_id"], row["variant"]): float(row["score"]) for row in csv.DictReader(file)}
    rows = json.loads((exports / "promptfoo" / f"{release.id}.json").read_text())["results"]["results"]
    found = {}
    for row in rows:
        for part in (row["gradingResult"] or {"componentResults": []})["componentResults"]:
            if not part["metadata"].get("graderError"):
                found[row["vars"]["item_id"], row["provider"]["label"]] = part["score"]
    return found


def panel(exports: Path, release: Release) -> dict[tuple[str, str], dict[int | str, int]]:
    """Stars by (item, variant) and rater."""
    found: dict[tuple[str, str], dict[int | str, int]] = defaultdict(dict)
    table = exports / "panel_stars" / f"{release.id}.csv"
    if table.exists():
        with table.open() as file:
            for row in csv.DictReader(file):
                found[row["item_id"], row["variant"]][row["rater"]] = int(row["stars"])
        return found
    for task in json.loads((exports / "label_studio" / f"{release.id}.json").read_text()):
        for note in task["annotations"]:
            for result in note["result"]:
                key = task["data"]["item_id"], task["data"]["variant"]
                found[key][note["completed_by"]] = result["value"]["rating"]
    return found


def paired(values: dict[tuple[str, str], float], release: Release) -> float:
    items = {item for item, _ in values}
    both = [item for item in items if all((item, variant) in values for variant in release.arms)]
    return fmean(values[item, release.candidate] - values[item, release.control] for item in both)


def independent(exports: Path, release: Release) -> tuple[float, float, float, float]:
    """The four effects, computed the plain way."""
    users, answers = conversion(exports, release), thumbs(exports, release)
    rates = [users[variant][1] / users[variant][0] for variant in release.arms]
    up = [answers[variant][2] / answers[variant][1] for variant in release.arms]
    # A rater's difference counts where that rater did both answers, as the panel's reading counts it.
    stars = panel(exports, release)
    items = sorted({item for item, _ in stars})
    gaps = []
    for item in items:
        before, after = (stars[item, variant] for variant in release.arms)
        gaps.append(fmean(after[rater] - before[rater] for rater in sorted(before.keys() & after.keys())))
    return rates[1] - rates[0], fmean(gaps), paired(judge(exports, release), release), up[1] - up[0]


@pytest.mark.parametrize("name", STORY)
def test_the_raw_files_hold_the_effects_that_the_readme_gives(name: str, exports: Path, releases: dict[str, Release]):
    found = independent(exports, releases[name])
    for effect, told, tolerance in zip(found, STORY[name]["effects"], (5e-5, 5e-3, 5e-4, 1e-4), strict=True):
        assert effect == pytest.approx(told, abs=tolerance)
    users = conversion(exports, releases[name])
    assert tuple(users[variant][0] for variant in releases[name].arms) == STORY[name]["users"]


def test_both_tuesdays_are_the_same_relative_loss(exports: Path, releases: dict[str, Release]):
    for name in ("tuesday-small", "tuesday-large"):
        users = conversion(exports, releases[name])
        control, candidate = (users[variant][1] / users[variant][0] for variant in releases[name].arms)
        assert candidate / control - 1 == pytest.approx(-0.02, abs=2e-4)


def test_only_one_release_has_a_broken_split(exports: Path, releases: dict[str, Release]):
    for name, release in releases.items():
        users = conversion(exports, release)
        first, second = (users[variant][0] for variant in release.arms)
        p = 2 * (1 - NormalDist().cdf(abs(first - second) / math.sqrt(first + second)))
        assert (p < 1e-4) == (name == "sample-ratio")
        assert p < 1e-4 or p > 0.1


def test_people_respond_at_the_same_rate_in_both_arms(exports: Path, releases: dict[str, Release]):
    for release in releases.values():
        answers = thumbs(exports, release)
        (n0, x0), (n1, x1) = (answers[variant][:2] for variant in release.arms)
        pooled = (x0 + x1) / (n0 + n1)
        assert abs(x1 / n1 - x0 / n0) < math.sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1))


def test_every_arm_has_the_same_fourteen_days(exports: Path, releases: dict[str, Release]):
    for release in releases.values():
        units = exports / "conversion_users" / f"{release.id}.parquet"
        daily = exports / "conversion_daily" / f"{release.id}.csv"
        source, day = (units, "first_seen::DATE") if units.exists() else (daily, "day")
        rows = duckdb.sql(f"SELECT variant, count(DISTINCT {day}), min({day}) FROM '{source}' GROUP BY 1").fetchall()
        days = {variant: (count, first) for variant, count, first in rows}
        for variant in release.arms:
            assert days[variant] == (14, release.started)


def test_the_golden_set_holds_the_faults_that_look_like_scores(exports: Path, releases: dict[str, Release]):
    for path in (exports / "promptfoo").iterdir():
        release = releases[path.stem]
        rows = json.loads(path.read_text())["results"]["results"]
        given = judge(exports, release)
        lost = [row for row in rows if (row["vars"]["item_id"], row["provider"]["label"]) not in given]
        assert sorted(row["provider"]["label"] for row in lost) == sorted((*release.arms, release.candidate))
        assert all(row["score"] == 0 for row in lost)
        assert {row["failureReason"] for row in lost} == {1, 2}
        assert len(rows) / 2 >= 110


# --- through the product --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STORY)
def test_the_readings_are_those_of_the_raw_files(
    name: str, exports: Path, releases: dict[str, Release], verdicts: dict[str, Verdict]
):
    readings = verdicts[name].readings
    assert tuple(readings[signal].state for signal in SIGNALS) == STORY[name]["states"]
    for signal, effect in zip(SIGNALS, independent(exports, releases[name]), strict=True):
        assert readings[signal].effect == pytest.approx(effect, abs=1e-9), signal
    assert (readings["conversion"].n_control, readings["conversion"].n_candidate) == STORY[name]["users"]


@pytest.mark.parametrize("name", STORY)
def test_the_calls(name: str, verdicts: dict[str, Verdict]):
    assert verdicts[name].call == STORY[name]["call"]


def test_the_small_tuesday_says_how_much_more_data_it_needs(verdicts: dict[str, Verdict]):
    verdict = verdicts["tuesday-small"]
    reading = verdict.readings["conversion"]
    assert reading.low < -0.005 < 0 < reading.high
    need = next(need for need in verdict.needs if need.signal == "conversion")
    assert need.amount is not None
    assert need.amount > 10_000


def test_the_large_tuesday_is_decided_by_conversion_over_the_judge(verdicts: dict[str, Verdict]):
    verdict = verdicts["tuesday-large"]
    assert (verdict.reason, verdict.decided_by) == ("decided", "conversion")
    assert "judge" in verdict.overruled
    assert verdict.readings["conversion"].high < 0


def test_nothing_stands_in_the_way_of_the_ship(verdicts: dict[str, Verdict]):
    verdict = verdicts["all-agree"]
    assert (verdict.reason, verdict.decided_by) == ("decided", "conversion")
    assert not verdict.overruled
    for reading in verdict.readings.values():
        assert not [check.name for check in reading.checks.values() if check.status == "fail"]
    for segment in verdict.readings["conversion"].segments:
        assert segment.benefit.value > 0
        assert segment.adjusted.high > -segment.margin


def test_the_broken_split_is_not_read_as_a_win(verdicts: dict[str, Verdict]):
    verdict = verdicts["sample-ratio"]
    assert verdict.reason == "untrusted"
    reading = verdict.readings["conversion"]
    assert reading.low > 0  # it would have been a win
    assert reading.checks["sample_ratio_p"].value < 1e-4
    assert [name for name, check in reading.checks.items() if check.status == "fail"] == ["sample_ratio_p"]


def test_judge_and_panel_agree_well_enough_to_let_the_judge_speak(verdicts: dict[str, Verdict]):
    for name, verdict in verdicts.items():
        found = verdict.readings["judge"].checks["human_agreement"].value
        assert found == pytest.approx(0.55, abs=0.02) if name == "search-v5" else found > 0.65
        assert verdict.readings["panel"].checks["agreement"].value > 0.5


def test_rows_of_neither_arm_are_counted_and_no_user_is_in_both(
    exports: Path, releases: dict[str, Release], verdicts: dict[str, Verdict]
):
    assert conversion(exports, releases["tuesday-small"])["help-v5"][0] == 412
    aside = verdicts["tuesday-small"].readings["conversion"].set_aside
    assert sum(entry.rows for entry in aside if not entry.fault) >= 412
    assert not [entry for entry in aside if entry.fault or entry.why == BOTH_ARMS]


def test_faults_of_the_tools_are_set_aside_and_named(verdicts: dict[str, Verdict]):
    for name in [name for name in STORY if name not in OUTCOMES]:
        verdict = verdicts[name]
        whys = " ".join(entry.why for entry in verdict.readings["judge"].set_aside)
        assert all(word in whys for word in ("system error", "judge error", "judge unparsed"))
        assert "skipped" in " ".join(entry.why for entry in verdict.readings["panel"].set_aside)


def test_the_outcomes_are_declared_and_only_of_past_releases(releases: dict[str, Release]):
    assert {name: release.outcome for name, release in releases.items()} == {
        name: OUTCOMES.get(name, "unknown") for name in STORY
    }
    assert list(releases) == list(STORY)
    for name in OUTCOMES:
        assert releases[name].as_of < min(releases[other].as_of for other in ("tuesday-small", "tuesday-large"))


def test_an_edit_of_the_judge_row_flips_the_past_release_that_turned_out_badly(
    root: Path, demo_store: str, monkeypatch: pytest.MonkeyPatch
):
    """The newcomer's edit: of the two releases that the judge decided, people agreed with one judge at 0.75."""
    from signals.replay import flips, replay
    from signals.review import load, parsed, policy_of

    monkeypatch.setenv("SIGNALS_STORE", demo_store)
    project = load(root)
    current = policy_of(project)
    edited = current.text.replace("when: judge.human_agreement >= 0.5,", "when: judge.human_agreement >= 0.6,")
    rows = replay(project, [parsed(edited, "edited"), current])
    assert {row.release.id: row.call(1) for row in rows} == {name: story["call"] for name, story in STORY.items()}
    (flip,) = flips(rows, 0, 1)
    assert (flip.release.id, flip.call(1), flip.call(0), flip.outcome) == ("search-v5", "ship", "hold", "bad")
    decided = {row.release.id for row in rows if row.verdicts[1].decided_by == "judge"}
    assert decided == {"search-v5", "orders-v3"}
    agreed = next(row for row in rows if row.release.id == "orders-v3").verdicts[0].readings["judge"].checks
    assert agreed["human_agreement"].value == pytest.approx(0.75, abs=0.02)
