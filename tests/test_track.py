"""The track record: recounted by hand over made-up releases, refused over too few."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from signals.model import STATES, Decision, Project
from signals.past import UNHEARD, PastRelease, independent, past, relate
from signals.review import load, policy_of, store_of
from signals.stats.alarm import watch
from signals.stats.wilson import wilson
from signals.track import SignalRecord, TrackRecord, gap_lines, pair_refusals, rate_refusals, track_json, track_record
from tests.track_kit import POLICY, make

SAID = ("win", "loss", "flat")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Thirty-six releases; from the nineteenth on the judge promises four margins more than conversion delivers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SIGNALS_STORE", raising=False)
        return make(tmp_path_factory.mktemp("many") / "project", releases=36, drift=4.0, after=18)


@pytest.fixture(scope="module")
def found(many: Project) -> TrackRecord:
    return track_record(many)


@pytest.fixture(scope="module")
def releases(many: Project) -> tuple[PastRelease, ...]:
    return past(many, policy_of(many))


@pytest.fixture(scope="module")
def example(root: Path, demo_store: str) -> TrackRecord:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNALS_STORE", demo_store)
        return track_record(root)


def of(record: TrackRecord, name: str) -> SignalRecord:
    return next(one for one in record.signals if one.signal == name)


# --- recounted ------------------------------------------------------------------------------------------------------


def test_every_release_is_counted_once(found: TrackRecord, releases: tuple[PastRelease, ...]) -> None:
    kept, aside = independent(releases)
    assert (found.known, found.releases) == (35, 34)
    assert {one.release for one in found.left_out} == {"r35", "r01"}
    assert len(kept) + len(aside) == found.known
    for one in found.signals:
        assert sum(one.states.values()) == 34
        assert sum(cell.releases for cell in one.turned) == 34
        assert one.heard == sum(number for state, number in one.states.items() if state not in UNHEARD)
        assert sum(cell.releases for cell in one.beside) == sum(other.decided for other in found.signals) - one.decided
    assert found.outcomes == sum(one.outcome != "unknown" for one in kept)


def test_the_shares_are_those_of_the_releases(found: TrackRecord, releases: tuple[PastRelease, ...]) -> None:
    kept, _ = independent(releases)
    judge = of(found, "judge")
    wins = [one.outcome for one in kept if one.state("judge") == "win" and one.outcome != "unknown"]
    losses = [one.outcome for one in kept if one.state("judge") == "loss" and one.outcome != "unknown"]
    assert (judge.win_good.times, judge.win_good.of) == (wins.count("good"), len(wins))
    assert (judge.loss_bad.times, judge.loss_bad.of) == (losses.count("bad"), len(losses))
    assert judge.right.times == judge.win_good.times + judge.loss_bad.times
    assert (judge.win_good.low, judge.win_good.high) == wilson(wins.count("good"), len(wins), 0.95)
    beside = [one for one in kept if one.decider not in (None, "judge")]
    pairs = [(one.state("judge"), one.state(one.decider or "")) for one in beside]
    spoke = [(mine, theirs) for mine, theirs in pairs if mine in SAID and theirs in SAID]
    assert (judge.agreed.times, judge.agreed.of) == (sum(mine == theirs for mine, theirs in spoke), len(spoke))
    assert judge.decided == sum(one.decider == "judge" for one in kept) > 0
    cells = {(cell.state, cell.other): cell.releases for cell in judge.beside}
    assert cells["win", "loss"] == sum(pair == ("win", "loss") for pair in pairs)


def test_correlations_are_those_of_past_releases(many: Project, found: TrackRecord) -> None:
    releases, signals = past(many, policy_of(many)), policy_of(many).signals
    assert len(found.pairs) == 3
    for pair in found.pairs:
        relation = relate(releases, signals, pair.signal, pair.other)
        assert (pair.correlation, pair.refused, pair.releases) == (relation.correlation, relation.refused, 34)
    shared = {(one.signal, one.other): one.shared for one in found.pairs}
    assert shared == {("conversion", "judge"): False, ("conversion", "thumbs"): True, ("judge", "thumbs"): False}


def test_the_flywheel_that_spins_in_place_is_found_and_dated(found: TrackRecord) -> None:
    judge, thumbs = of(found, "judge").gap, of(found, "thumbs").gap
    assert judge is not None
    assert thumbs is not None
    assert judge.alarm == watch(judge.gaps)
    assert judge.alarm is not None
    assert judge.alarm.at is not None
    assert judge.alarm.since is not None
    assert judge.releases[judge.alarm.since] in ("r17", "r18", "r19")
    assert judge.slope.low is not None
    assert judge.slope.low > 0
    slope = np.polyfit(range(len(judge.gaps)), judge.gaps, 1)[0]
    assert judge.slope.value == pytest.approx(slope)
    assert "ALARM: judge has promised more than conversion delivered since r1" in judge.words
    assert "at most 4.9 % of records of 50 releases" in judge.words
    assert found.alarms == tuple(line for line in found.words if line.startswith("ALARM: judge"))
    assert len(found.alarms) == 1
    assert thumbs.alarm is not None
    assert thumbs.alarm.at is None
    assert "The alarm is silent" in thumbs.words
    assert of(found, "conversion").gap is None  # it is the signal that the others are held against
    assert list(judge.started) == sorted(judge.started)


def test_without_drift_nothing_sounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGNALS_STORE", raising=False)
    quiet = track_record(make(tmp_path / "quiet", releases=20))
    assert quiet.alarms == ()
    assert all(one.gap is None or "shows no trend" in one.gap.words for one in quiet.signals)


def test_calls_are_held_against_outcomes(many: Project, releases: tuple[PastRelease, ...]) -> None:
    decided = tuple(
        replace(one, decision=Decision(one.release.id, "ship", one.verdict.call, "a", "b", one.as_of, "", ""))
        if one.verdict and number % 2
        else one
        for number, one in enumerate(releases)
    )
    record = track_record(policy=policy_of(many), releases=decided).record
    known = [one for one in decided if one.verdict]
    assert sum(record.calls.values()) == 35
    bad = [one.verdict.call for one in known if one.verdict and one.outcome == "bad"]
    assert (record.harms_stopped.times, record.harms_stopped.of) == (len(bad) - bad.count("ship"), len(bad))
    good = [one.verdict.call for one in known if one.verdict and one.outcome == "good"]
    assert (record.wins_shipped.times, record.wins_shipped.of) == (good.count("ship"), len(good))
    people = [one for one in known if one.decision]
    assert sum(record.decided.values()) == len(people)
    against = sum(one.decision.override for one in people if one.decision)
    assert (record.overridden.times, record.overridden.of) == (against, len(people))
    assert any(
        f"People went against the verdict that they saw in {against} of {len(people)} decisions" in line
        for line in record.words
    )


def test_a_signal_without_a_margin_has_no_scale(many: Project, tmp_path: Path) -> None:
    from signals.review import parsed

    policy = parsed(POLICY.replace("    margin: 2pp\n", ""), "bare")
    record = track_record(many, policy)
    assert all("judge declares no margin" in one.refused for one in record.pairs if "judge" in (one.signal, one.other))
    gap = of(record, "judge").gap
    assert gap is not None
    assert gap.refused == "judge declares no margin to count benefits in"
    assert not next(one for one in record.pairs if "judge" not in (one.signal, one.other)).refused


# --- refused --------------------------------------------------------------------------------------------------------


def test_the_example_says_what_is_missing(example: TrackRecord) -> None:
    assert example.releases == 10
    assert example.synthetic == 10
    missing = 10 - example.outcomes
    assert missing > 0
    assert f"Missing: the outcome of {missing} more" in " ".join(example.words)
    for one in example.signals:
        assert (
            one.right.refused
            == f"{one.right.have} past releases with a known outcome heard {one.signal}, and it takes 10"
        )
        assert (one.right.low, one.win_good.low, one.loss_bad.low) == (None, None, None)
    assert all("and it takes 10" in line for line in (*pair_refusals(example), *gap_lines(example)))
    assert all(line.startswith("Shares take 10 releases") for line in rate_refusals(example))
    assert example.alarms == ()


def test_everything_that_is_refused_says_how_many_there_are(many: Project, releases: tuple[PastRelease, ...]) -> None:
    for count in range(12):
        record = track_record(policy=policy_of(many), releases=releases[:count])
        assert record.known == count
        if not count:
            assert record.words == ("There is no past release yet, and it takes 10.",)
            continue
        independent_ones = count - (count > 1)
        assert record.releases == independent_ones
        for pair in record.pairs:
            both = "release has both" if independent_ones == 1 else "releases have both"
            few = f"{independent_ones} past {both}, and it takes 10"
            assert (pair.refused == few) == (independent_ones < 10)
            assert (pair.correlation.low is None) == bool(pair.refused)
        for one in record.signals:
            for rate in (one.agreed, one.win_good, one.loss_bad, one.right):
                assert rate.have <= independent_ones
                assert bool(rate.refused) == (rate.have < 10)
                assert (rate.low is None) == (bool(rate.refused) or not rate.of)
            if one.gap:
                assert (one.gap.alarm is None) == bool(one.gap.refused) == (len(one.gap.gaps) < 10)


def test_a_project_without_past_releases_says_so(many: Project, releases: tuple[PastRelease, ...]) -> None:
    record = track_record(policy=policy_of(many), releases=releases[-1:])
    (words,) = record.words
    assert words.startswith("There is no past release yet, and it takes 10. A release counts when people decided it")
    assert [one.release for one in record.left_out] == ["r35"]


# --- as data --------------------------------------------------------------------------------------------------------


def test_json_is_whole_finite_and_the_same_again(many: Project, found: TrackRecord) -> None:
    data = track_json(found)
    text = json.dumps(data, allow_nan=False)
    assert text == json.dumps(track_json(track_record(load(many.root))), allow_nan=False)
    assert [one["signal"] for one in data["signals"]] == ["conversion", "judge", "thumbs"]
    assert {state for one in data["signals"] for state in one["states"]} <= set(STATES)
    assert sum(one["releases"] for one in data["record"]["calls"]) == 35
    only = track_json(found, "thumbs")
    assert [one["signal"] for one in only["signals"]] == ["thumbs"]
    assert len(only["pairs"]) == 2


def test_it_computes_numbers_once(many: Project, found: TrackRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("numbers were computed again")

    monkeypatch.setattr("signals.readings.measure", refuse)
    assert track_record(load(many.root)) == found
    assert store_of(many).decisions() == ()
