"""Several controls: the candidate is held against the best of them, and no comparison is left out silently."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from reading_kit import AS_OF, RELEASE, margin, measured, signal

from signals.model import (
    Estimate,
    Evidence,
    FeedbackCell,
    ItemScore,
    Margin,
    Measure,
    Metric,
    Moments,
    Numbers,
    OutcomeCell,
    Preference,
    SegmentEstimate,
    Signal,
    SourceNote,
    canonical,
)
from signals.readings import measure, read
from signals.readings.versus import Side, against, combined

SEVERAL = replace(RELEASE, control="a", other_controls=("b", "c"))
Z = NormalDist()
LEVELS = {"a": 0.70, "b": 0.80, "c": 0.60, "new": 0.83}


def scores(levels: dict[str, float], items: int = 400, seed: int = 3, **skip: set[str]) -> tuple[ItemScore, ...]:
    """Grades of items of two skills; ``skip`` leaves a variant out of a skill."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(0.0, 0.1, items)
    return tuple(
        ItemScore(
            f"{item}/{variant}", f"i{item}", variant, "quality",
            float(np.clip(level + hard[item] + rng.normal(0.0, 0.05), 0.0, 1.0)), fingerprint="j1",
            segment=(("skill", ("sql", "legal")[item % 2]),),
        )
        for variant, level in levels.items()
        for item in range(items)
        if ("sql", "legal")[item % 2] not in skip.get(variant, set())
    )  # fmt: skip


def arms(**counts: tuple[int, int]) -> tuple[OutcomeCell, ...]:
    return tuple(
        OutcomeCell("converted", name, (), date(2026, 11, 2), Moments(n, x / n, x * (1 - x / n)), counted="counts")
        for name, (x, n) in counts.items()
    )


def test_one_control_in_a_list_is_one_control() -> None:
    s = signal("judge", segments=("skill",))
    evidence = Evidence(SEVERAL.versus("b"), scores=scores({"b": 0.8, "new": 0.83}))
    assert SEVERAL.versus("b").controls == ("b",)
    listed = replace(evidence, release=replace(evidence.release, other_controls=()))
    assert canonical(measure(s, listed)) == canonical(measure(s, evidence))
    assert not any(name.startswith("versus") for name in measure(s, evidence).estimates)


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_the_bounds_are_the_worst_of_each_comparison(better: str) -> None:
    """Against one control at a time, at both levels, by the readings themselves."""
    s = signal("judge", better=better, segments=("skill",))
    whole = scores(LEVELS)
    numbers = measure(s, Evidence(SEVERAL, scores=whole))
    pairs = {
        name: Evidence(SEVERAL.versus(name), scores=tuple(x for x in whole if x.variant in (name, "new")))
        for name in "abc"
    }
    full = {name: measure(s, pair) for name, pair in pairs.items()}
    third = {name: measure(replace(s, confidence=1 - 0.05 / 3), pair) for name, pair in pairs.items()}
    raw, best = numbers.estimates["raw"], "b" if better == "higher" else "c"
    fold = min if better == "higher" else max
    low, high = (full, third) if better == "higher" else (third, full)
    assert raw.effect == full[best].estimates["raw"].effect
    assert raw.low == fold(one.estimates["raw"].low for one in low.values())  # type: ignore[type-var]
    assert raw.high == fold(one.estimates["raw"].high for one in high.values())  # type: ignore[type-var]
    assert f"against {best}, the best of 3 controls" in raw.method
    for name in "abc":
        assert numbers.estimates[f"versus {name}"] == full[name].estimates["raw"]
    for place, segment in enumerate(numbers.segments):
        each = [one.segments[place] for one in low.values()], [one.segments[place] for one in high.values()]
        assert segment.adjusted_low == fold(one.adjusted_low for one in each[0])  # type: ignore[type-var]
        assert segment.adjusted_high == fold(one.adjusted_high for one in each[1])  # type: ignore[type-var]
        assert {one.name for one in each[0]} == {segment.name}
    assert sum(one.share for one in numbers.segments) == pytest.approx(1.0)


def test_better_than_the_first_control_and_worse_than_another_is_a_loss() -> None:
    s = signal("experiment", margin=margin(0.01))
    outcomes = arms(a=(900, 9000), b=(1500, 9000), new=(1200, 9000))
    alone = read(s, measure(s, Evidence(SEVERAL.versus("a"), outcomes=outcomes[:1] + outcomes[2:])), AS_OF)
    found = read(s, measure(s, Evidence(replace(SEVERAL, other_controls=("b",)), outcomes=outcomes)), AS_OF)
    assert (alone.state, found.state) == ("win", "loss")
    assert found.estimates["versus a"].effect == alone.effect
    assert found.non_inferior is False
    assert (found.n_control, found.n_candidate, found.power) == (9000, 9000, None)


def test_a_win_is_one_over_every_control() -> None:
    s = signal("experiment", margin=margin(0.01))
    outcomes = arms(a=(900, 9000), b=(1150, 9000), new=(1200, 9000))
    release = replace(SEVERAL, other_controls=("b",))
    assert read(s, measure(s, Evidence(release, outcomes=outcomes)), AS_OF).state == "unclear"
    clear = arms(a=(900, 9000), b=(1000, 9000), new=(1200, 9000))
    assert read(s, measure(s, Evidence(release, outcomes=clear)), AS_OF).state == "win"


def side(name: str, effect: float, se: float, confidence: float, many: int, sign: int = 1) -> Side:
    def numbers(level: float) -> Numbers:
        half = Z.inv_cdf(0.5 + level / 2) * se
        p = 2 * Z.cdf(-abs(effect) / se)
        one = Estimate(effect, effect - half, effect + half, "z", level, se, None, p, 0.5, 0.5 + effect, 100, 100)
        return Numbers("s", "judge", "pp", "raw", {"raw": one})

    return Side(name, numbers(confidence), numbers(1 - (1 - confidence) / many))


def best(effects: Any, errors: Any, confidence: float = 0.95, **fields: Any) -> Estimate:
    many = len(effects)
    sides = [side("abcdefgh"[k], float(effects[k]), float(errors[k]), confidence, many) for k in range(many)]
    return combined(signal("judge", **fields), Evidence(SEVERAL), sides).estimates["raw"]


@pytest.mark.parametrize("truths", [(0.0, 0.0, 0.0, 0.0), (0.0, 0.3, 2.0), (0.0, 1.0)])
@pytest.mark.parametrize("together", [0.0, 0.5])
def test_the_interval_covers_the_least_difference(truths: tuple[float, ...], together: float) -> None:
    """Both sides miss in at most 2.5 %; with the upper bounds at the full level equal controls miss far more often."""
    rng, draws, many = np.random.default_rng(11), 1000, len(truths)
    noise = np.sqrt(together) * rng.normal(size=(draws, 1)) + np.sqrt(1 - together) * rng.normal(size=(draws, many))
    effects = np.array(truths) + noise
    found = [best(row, np.ones(many)) for row in effects]
    least = min(truths)
    too_high = np.mean([one.low > least for one in found])  # type: ignore[operator]
    too_low = np.mean([one.high < least for one in found])  # type: ignore[operator]
    spare = 3.0 * np.sqrt(0.025 * 0.975 / draws)
    assert too_high <= 0.025 + spare
    assert too_low <= 0.025 + spare
    if len(set(truths)) == 1:  # what the adjustment is for
        naive = np.mean((effects + Z.inv_cdf(0.975)).min(axis=1) < least)
        assert naive > 0.05


def test_the_p_value_says_what_the_interval_says() -> None:
    rng = np.random.default_rng(2)
    for _ in range(300):
        one = best(rng.normal(0.0, 2.5, 3) + rng.normal(0.0, 2.0), rng.uniform(0.5, 1.5, 3))
        assert (one.p_value < 0.05) == (one.low > 0 or one.high < 0)  # type: ignore[operator]


def test_another_control_never_raises_the_bound_that_ships() -> None:
    """And one that the candidate beats by far leaves it as it is; the other bound moves by its adjustment only."""
    rng = np.random.default_rng(5)
    for _ in range(200):
        effects, errors = rng.normal(0.0, 1.0, 3), rng.uniform(0.3, 1.5, 3)
        less, more = best(effects[:2], errors[:2]), best(effects, errors)
        assert more.low <= less.low  # type: ignore[operator]
        assert more.effect <= less.effect  # type: ignore[operator]
        beaten = best([*effects[:2], 50.0], errors)
        assert (beaten.low, beaten.effect) == (less.low, less.effect)
        assert beaten.low <= beaten.effect <= beaten.high  # type: ignore[operator]
        at_three = [effects[k] + Z.inv_cdf(1 - 0.025 / 3) * errors[k] for k in range(2)]
        assert beaten.high == pytest.approx(min(at_three))


# --- nothing is left out silently -----------------------------------------------------------------------------------


def test_without_evidence_of_one_control_there_is_none() -> None:
    s = signal("judge", margin=margin(0.02))
    whole = scores({name: LEVELS[name] for name in ("a", "b", "new")})
    numbers = measure(s, Evidence(SEVERAL, scores=whole))
    reading = read(s, numbers, AS_OF)
    assert reading.state == "missing"
    assert "against c" in reading.why
    assert numbers.estimates["versus a"].low is not None
    assert measured(numbers, "paired") == 0.0


def test_a_segment_that_one_comparison_lacks_is_unknown() -> None:
    s = signal("judge", segments=("skill",), margin=margin(0.02))
    numbers = measure(s, Evidence(SEVERAL, scores=scores(LEVELS, c={"legal"})))
    legal, sql = sorted(numbers.segments, key=lambda one: one.name)
    assert (legal.adjusted_low, legal.adjusted_high) == (None, None)
    assert legal.refused is not None
    assert "against c" in legal.refused
    assert sql.adjusted_low is not None


def test_a_segment_that_no_pair_is_left_of_is_unknown_with_one_control_too() -> None:
    s = signal("judge", segments=("skill",))
    levels = {"b": 0.8, "new": 0.83}
    numbers = measure(s, Evidence(SEVERAL.versus("b"), scores=scores(levels, new={"legal"})))
    assert [(one.name, one.adjusted_low) for one in numbers.segments if one.refused] == [("skill=legal", None)]
    failed = tuple(
        replace(one, value=None, error="judge_error") if ("skill", "legal") in one.segment else one
        for one in scores(levels)
    )
    numbers = measure(s, Evidence(SEVERAL.versus("b"), scores=failed))
    assert [one.name for one in numbers.segments if one.refused] == ["skill=legal"]
    other = tuple(replace(one, scorer="tone") for one in scores({"new": 0.8}))
    mine = replace(s, scorer="quality", segments=("skill",))
    only_sql = tuple(one for one in scores(levels) if ("skill", "sql") in one.segment)
    numbers = measure(mine, Evidence(SEVERAL.versus("b"), scores=(*only_sql, *other)))
    assert [one.name for one in numbers.segments] == ["skill=sql"]  # another scorer's segments are not its own


def test_of_a_check_the_worst_comparison_counts() -> None:
    s = signal("experiment")
    numbers = measure(s, Evidence(SEVERAL, outcomes=arms(a=(90, 900), b=(90, 300), c=(90, 900), new=(90, 900))))
    pair = measure(s, Evidence(SEVERAL.versus("b"), outcomes=arms(b=(90, 300), new=(90, 900))))
    assert measured(numbers, "min_units") == 300
    assert measured(numbers, "sample_ratio_p") == pytest.approx(3 * measured(pair, "sample_ratio_p"))  # type: ignore[operator]

    def one(name: str, value: float | None) -> Side:
        found = side(name, 0.0, 1.0, 0.95, 2)
        return replace(found, full=replace(found.full, measures=(Measure("max_error_rate", value, name),)))

    def rate(*values: float | None) -> Measure:
        sides = [one("ab"[place], value) for place, value in enumerate(values)]
        return combined(signal("judge"), Evidence(SEVERAL), sides).measures[0]

    assert (rate(0.01, 0.2).value, rate(0.01, 0.2).why) == (0.2, "against b: b")
    assert rate(0.01, None).value is None
    assert rate(0.01, None).why == "against b: b"


def test_a_margin_in_percent_is_of_the_smallest_level() -> None:
    s = signal("experiment", metric=Metric("usd", "mean"), margin=Margin(0.05, True, "5%"), better="lower")
    cells = tuple(
        OutcomeCell("usd", name, (), date(2026, 11, 2), Moments(4000, mean, 4000 * 0.04))
        for name, mean in (("a", 2.0), ("b", 1.0), ("new", 1.2))
    )
    reading = read(s, measure(s, Evidence(replace(SEVERAL, other_controls=("b",)), outcomes=cells)), AS_OF)
    assert reading.margin == pytest.approx(0.05)
    assert reading.state == "loss"
    assert (reading.benefit.low, reading.benefit.high) == (-reading.high, -reading.low)  # type: ignore[operator]


def test_every_comparison_sees_its_own_two_variants() -> None:
    def cell(name: str) -> FeedbackCell:
        return FeedbackCell(name, (), None, 100, False, Moments(50, 0.5, 12.5, d_mean=1.0, d_m2=0.0, yd=0.0))

    note = SourceNote("s", "table", AS_OF, "h", own_rows=400, units=200)
    evidence = Evidence(
        SEVERAL, scores=scores(LEVELS, 10), feedback=tuple(map(cell, LEVELS)), sources=(note,),
        preferences=(Preference("1", "i", "r", "a", "new", "left"), Preference("2", "i", "r", "new", "c", "left")),
    )  # fmt: skip
    mine = against(evidence, "c")
    assert mine.release.arms == ("c", "new")
    assert {one.variant for one in (*mine.scores, *mine.feedback)} == {"c", "new"}
    assert [one.record for one in mine.preferences] == ["2"]
    assert 190 <= mine.sources[0].own_rows <= 210
    assert measure(signal("feedback"), evidence).estimates["versus c"].effect == 0.0


def test_a_signal_of_drift_refuses() -> None:
    s = Signal(name="s", kind="drift", question="?", better="lower", confidence=0.95)
    numbers = measure(s, Evidence(SEVERAL))
    assert "several controls" in (numbers.estimates["raw"].refused or "")
    assert read(s, numbers, AS_OF).state == "missing"


def test_segments_of_one_side_only_are_refused() -> None:
    def part(name: str, low: float | None) -> SegmentEstimate:
        return SegmentEstimate(name, 0.5, 9, 9, 0.1, low, 0.3, low, 0.4, refused=None if low else "too few")

    one, two = side("a", 0.1, 1.0, 0.95, 2), side("b", 0.1, 1.0, 0.95, 2)
    full = [replace(x.full, segments=(part("k=x", 0.1), part("k=y", low))) for x, low in ((one, 0.1), (two, None))]
    sides = [Side(x.control, numbers, numbers) for x, numbers in zip((one, two), full, strict=True)]
    x, y = combined(signal("judge"), Evidence(SEVERAL), sides).segments
    assert (x.adjusted_low, x.refused) == (0.1, None)
    assert (y.adjusted_low, y.refused) == (None, "against b: too few")
