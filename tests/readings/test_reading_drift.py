"""Drift readings: which vectors count, what is refused, what the states mean, and a stream of windows to a verdict."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signals.model import EmbeddingSample, Evidence, MixShare, Moments, Numbers, OutcomeCell, Signal, SignalsError
from signals.policy import parse_policy
from signals.policy.wording import claim
from signals.readings import measure, read
from signals.readings.course import course
from signals.starter import preset_file
from signals.stats.separation import separation
from tests.readings.reading_kit import AS_OF, RELEASE, margin, measured, signal

WATCH = replace(RELEASE, kind="watch", control="old", candidate="new")
START = datetime(2026, 9, 1, tzinfo=UTC)
NAMES = {"max_age", "last_pull", "max_set_aside", "min_vectors", "same_model", "kept_spread", "mmd_p", "max_psi",
         "slow_trend_p"}  # fmt: skip


def queries(**fields: Any) -> Signal:
    return signal("drift", **{"better": "lower", "margin": margin(0.1), **fields})


def vectors(
    arm: str, n: int, seed: int, apart: float = 0.0, *, days: int = 0, named: bool = False, **fields: Any
) -> list[EmbeddingSample]:
    points = np.random.default_rng(seed).normal(size=(n, 4))
    points[:, 0] += apart
    given = {"model": "m", "at": START + timedelta(days=days), **fields}
    where = {"variant": "", "window": arm} if named else {"variant": arm}
    return [
        EmbeddingSample(record=f"{arm}-{seed}-{place}", vector=tuple(map(float, one)), **{**where, **given})
        for place, one in enumerate(points)
    ]


def numbers(*parts: Iterable[EmbeddingSample], of: Signal | None = None, **fields: Any) -> Numbers:
    found = tuple(one for part in parts for one in part)
    return measure(of or queries(), Evidence(WATCH, vectors=found, **fields))


def why(found: Numbers, name: str) -> str:
    return next(one.why for one in found.measures if one.name == name)


def test_the_number_is_the_separation_of_the_two_windows() -> None:
    old, new = vectors("old", 150, 1), vectors("new", 200, 2, 0.8, days=60)
    found = numbers(old, new)
    oracle = separation([one.vector for one in old], [one.vector for one in new])
    voting = found.estimates[found.voting]
    assert (voting.effect, voting.low, voting.high) == (oracle.value, oracle.low, oracle.high)
    assert (voting.n_control, voting.n_candidate, found.counted, found.unit) == (150, 200, "vectors", "AUC")
    held_out = found.estimates["held_out"]
    assert held_out.effect == pytest.approx(oracle.value, abs=0.12)
    assert {one.name for one in found.measures} | {"max_age", "last_pull"} == NAMES
    assert measured(found, "min_vectors") == 150
    assert measured(found, "same_model") == 1
    assert measured(found, "mmd_p") == 0.002
    assert read(queries(), found, AS_OF).checks.keys() == NAMES


@pytest.mark.parametrize(
    "apart, n, state", [(0.0, 400, "flat"), (0.2, 3_000, "flat"), (1.2, 400, "loss"), (0.35, 200, "unclear")]
)
def test_a_distance_is_near_far_or_not_known_and_never_good(apart: float, n: int, state: str) -> None:
    reading = read(queries(), numbers(vectors("old", n, 3), vectors("new", n, 4, apart, days=60)), AS_OF)
    assert reading.state == state
    assert reading.non_inferior is (state == "flat")
    assert reading.benefit.value is not None
    assert reading.benefit.value <= 0
    said = claim(queries(), reading)
    assert {"flat": "inside the 0.1 margin", "loss": "beyond the 0.1 margin", "unclear": "either side"}[state] in said
    if apart == 0.2:  # told from nothing for certain, and not worth acting on
        assert reading.low is not None
        assert reading.low > 0


def test_vectors_of_two_models_are_refused_whatever_their_lengths() -> None:
    old, new = vectors("old", 120, 5), vectors("new", 120, 6, days=60, model="n")
    asks = queries(trust={"same_model": 1.0})
    for changed in (new, [replace(one, vector=one.vector[:3]) for one in new]):
        found = numbers(old, changed)
        assert found.estimates["raw"].effect is None
        assert measured(found, "same_model") == 0
        assert measured(found, "mmd_p") is None
        assert measured(found, "slow_trend_p") is None
        for policy in (asks, queries()):
            reading = read(policy, found, AS_OF)
            assert reading.state == "untrusted"
            assert "compared" in reading.why
    assert "m and n" in why(numbers(old, new), "same_model")
    unnamed = numbers(vectors("old", 120, 5, model=""), vectors("new", 120, 6, model=""))
    assert read(queries(), unnamed, AS_OF).state != "untrusted"
    assert read(asks, unnamed, AS_OF).state == "untrusted"


def test_few_vectors_and_no_vectors_say_why() -> None:
    few = read(queries(), numbers(vectors("old", 200, 7), vectors("new", 29, 8)), AS_OF)
    assert few.state == "untrusted"
    assert "29 vectors; at least 30" in few.why
    alone = read(queries(), numbers(vectors("old", 200, 7)), AS_OF)
    assert (alone.state, alone.why) == ("missing", "no evidence for the candidate arm")
    assert read(queries(), numbers(), AS_OF).state == "missing"
    wide = [replace(one, vector=one.vector * 30) for one in vectors("old", 60, 9)]
    assert numbers(wide, [replace(one, variant="new") for one in wide]).estimates["raw"].low == 0.0


def test_windows_in_a_row_alarm_and_strangers_are_set_aside() -> None:
    weeks = [vectors("new", 40, 20 + week, 0.08 * week, days=7 * week + 7) for week in range(16)]
    found = numbers(vectors("old", 150, 10), *weeks, vectors("other", 5, 11))
    assert (measured(found, "slow_trend_p") or 1.0) < 0.01
    assert why(found, "slow_trend_p").startswith("16 windows in a row")
    assert [(one.rows, one.variant) for one in found.set_aside] == [(5, "other")]
    still = [vectors("new", 40, 20 + week, days=7 * week + 7) for week in range(16)]
    assert (measured(numbers(vectors("old", 150, 10), *still), "slow_trend_p") or 0.0) > 0.05
    short = numbers(vectors("old", 150, 10), *weeks[:9])
    assert measured(short, "slow_trend_p") is None
    assert "9 windows in a row; at least 10" in why(short, "slow_trend_p")
    asked = queries(trust={"slow_trend_p": 0.05}, margin=margin(0.4))
    assert read(asked, found, AS_OF).state == "unclear"  # near so far, and on its way: not ripe to be called flat


@pytest.mark.parametrize("dated", [True, False])
def test_named_windows_between_the_two_make_the_row_and_later_ones_do_not(*, dated: bool) -> None:
    names = [f"w{week:02d}" for week in range(1, 15)]
    release = replace(WATCH, control="w01", candidate="w13")
    rows = [
        one
        for week, name in enumerate(names)
        for one in vectors(name, 120, 40 + week, 0.06 * week, days=7 * week, named=True)
    ]
    rows = rows if dated else [replace(one, at=None) for one in rows]
    found = measure(queries(), Evidence(release, vectors=tuple(reversed(rows))))
    voting = found.estimates["raw"]
    assert (voting.n_control, voting.n_candidate) == (120, 120)
    assert why(found, "slow_trend_p").startswith("12 windows in a row")
    assert (measured(found, "slow_trend_p") or 1.0) < 0.05
    assert found.set_aside == ()


def test_the_mix_of_both_windows() -> None:
    def mix(window: str, **shares: float) -> list[MixShare]:
        return [MixShare(f"{window}{k}", (("topic", k),), share, window=window) for k, share in shares.items()]

    both = vectors("old", 100, 12), vectors("new", 100, 13)
    found = numbers(*both, mix=(*mix("old", a=0.6, b=0.4), *mix("new", a=0.3, b=0.7)))
    assert measured(found, "max_psi") == pytest.approx(-0.3 * np.log(0.5) + 0.3 * np.log(0.7 / 0.4))
    assert why(found, "max_psi") == "topic=a went from 60 to 30 % of traffic"
    fresh = numbers(*both, mix=(*mix("old", a=1.0), *mix("new", a=0.7, b=0.3)))
    assert (measured(fresh, "max_psi") or 0.0) > 1.0  # a segment that was not there before is no gap in the data
    assert measured(numbers(*both, mix=tuple(mix("new", a=0.7, b=0.3))), "max_psi") is None


def test_the_course_ends_with_the_reading() -> None:
    weeks = [vectors("new", 40, 60 + week, 0.1 * week, days=7 * week + 7) for week in range(6)]
    evidence = Evidence(WATCH, vectors=(*vectors("old", 120, 14), *(one for week in weeks for one in week)))
    found = course(queries(), evidence, "raw")
    assert len(found.points) == 6
    assert found.points[-1].estimate.effect == measure(queries(), evidence).estimates["raw"].effect


# --- outcomes of a watch --------------------------------------------------------------------------------------------


def outcomes(fall: float, kind: Any = "watch") -> tuple[Numbers, Signal]:
    rng = np.random.default_rng(15)
    cells = []
    for week in range(24):
        share = rng.binomial(2_000, 0.8 - fall * max(0, week - 5) / 18) / 2_000
        moments = Moments(2_000, share, 2_000 * share * (1 - share))
        arm = "old" if week < 6 else "new"
        cells.append(OutcomeCell("converted", arm, (), date(2026, 6, 1) + timedelta(days=7 * week), moments))
    hits = signal("experiment", margin=margin(0.02))
    return measure(hits, Evidence(replace(WATCH, kind=kind), outcomes=tuple(cells))), hits


def test_a_watched_outcome_that_sinks_alarms_and_nobody_asks_for_its_split() -> None:
    sinking, hits = outcomes(0.08)
    assert (measured(sinking, "slow_trend_p") or 1.0) < 0.01
    assert (measured(outcomes(-0.08)[0], "slow_trend_p") or 0.0) > 0.5  # getting better is no alarm
    assert (measured(outcomes(0.0)[0], "slow_trend_p") or 0.0) > 0.05
    checks = read(hits, sinking, AS_OF).checks
    assert {checks[name].status for name in ("sample_ratio_p", "sample_ratio_day_p", "novelty_p")} == {"unknown"}
    side_by_side = outcomes(0.08, "prompt")[0]
    assert measured(side_by_side, "slow_trend_p") is None
    assert measured(side_by_side, "sample_ratio_p") is not None


# --- policy and files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("margin: 0.1 ", "margin: 10% ", "10% is no margin for a distance"),
        ("margin: 0.1 ", "margin: 0.6 ", "between 0 and 0.5"),
        ("    margin: 0.1 ", "    better: higher\n    margin: 0.1 ", "lower"),
        ("    margin: 0.1 ", "    segments: [plan]\n    margin: 0.1 ", "not read by segment"),
        ("    margin: 0.1 ", "    owner2: x\n    margin: 0.1 ", "unknown key 'owner2'"),
        ("min_vectors: 100", "min_units: 100", "unknown key 'min_units'"),
    ],
)
def test_what_a_distance_cannot_have(old: str, new: str, words: str) -> None:
    text = preset_file("watch").read_text(encoding="utf-8")
    assert old in text
    assert parse_policy(text).signals["queries"].better == "lower"
    with pytest.raises(SignalsError) as caught:
        parse_policy(text.replace(old, new))
    assert words in str(caught.value)


def test_windows_alone_go_from_a_file_to_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither vectors nor mix name a variant; a change in a window between changes the evidence of the release."""
    from signals.pull import pull
    from signals.review import load, review, store_of

    monkeypatch.delenv("SIGNALS_STORE", raising=False)
    data = tmp_path / "data"
    data.mkdir()
    text = preset_file("watch").read_text(encoding="utf-8")
    (tmp_path / "hierarchy.yaml").write_text(text, encoding="utf-8")
    entry = {"signal": "queries", "connector": "table"}
    sources = {
        "q": {**entry, "path": "q.csv", "shape": "embedding",
              "map": {"window": "week", "vector": "v", "at": "at", "model": "by"}},
        "mix": {**entry, "path": "mix.csv", "shape": "traffic_mix",
                "map": {"window": "week", "share": "n", "segment.topic": "topic"}},
    }  # fmt: skip
    release = {"id": "w", "kind": "watch", "control": "w00", "candidate": "w11", "started": "2026-09-01",
               "as_of": "2026-11-20T00:00:00Z"}  # fmt: skip
    (data / "sources.yaml").write_text(json.dumps({"releases": [release], "sources": sources}), encoding="utf-8")

    def write(middle: float) -> None:
        with (data / "q.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["week", "v", "at", "by"])
            for week in range(12):
                apart = middle if week == 5 else 0.1 * week
                for one in vectors("x", 120 if week in (0, 11) else 30, 80 + week, apart, days=7 * week):
                    rows.writerow([f"w{week:02d}", json.dumps(one.vector), one.at.isoformat(), "m"])  # type: ignore[union-attr]  # dated
        (data / "mix.csv").write_text("week,topic,n\nw00,a,80\nw00,b,20\nw11,a,50\nw11,b,50\n", encoding="utf-8")

    write(0.5)
    project = load(tmp_path)
    store = store_of(project)
    assert [one.status for one in pull(project, store)] == ["changed", "changed"]
    first = review("w", project)
    reading = first.verdict.readings["queries"]
    assert (reading.n_control, reading.n_candidate, reading.state) == (120, 120, "loss")
    assert reading.checks["max_psi"].value == pytest.approx(0.3 * np.log(0.8 / 0.5) + 0.3 * np.log(0.5 / 0.2))
    assert reading.checks["slow_trend_p"].detail.startswith("11 windows in a row")
    assert first.verdict.call == "hold"
    assert first.explanation.reconciliation == ()
    write(9.0)
    pull(project, store)
    again = review("w", project)
    assert again.verdict.evidence_hash != first.verdict.evidence_hash
    assert again.verdict.readings["queries"].effect == reading.effect
    store.close()
