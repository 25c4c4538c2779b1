from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from reading_kit import AS_OF, RELEASE, evidence, measured, signal
from scipy import stats as scipy_stats

from signals.model import INCOMPLETE, Evidence, Metric, Moments, OutcomeCell, SetAside, SourceNote
from signals.readings import measure, read
from signals.stats.moments import from_arrays, merge
from signals.stats.srm import sequential_p

MEAN = Metric("usd", "mean")
START = date(2026, 11, 2)


def ones(x: int, n: int) -> Moments:
    return Moments(n, x / n, x * (n - x) / n)


def cell(variant: str, moments: Moments, day: int | None = None, **fields: Any) -> OutcomeCell:
    when = None if day is None else START + timedelta(days=day)
    return OutcomeCell("", variant, fields.pop("segment", ()), when, moments, **fields)


def why(numbers: Any, name: str) -> str:
    return str({measure.name: measure.why for measure in numbers.measures}[name])


def test_planned_split() -> None:
    cells = cell("old", ones(90, 9000)), cell("new", ones(10, 1000))
    even = measure(signal("experiment"), Evidence(RELEASE, outcomes=cells))
    declared = measure(signal("experiment"), Evidence(replace(RELEASE, split=0.1), outcomes=cells))
    assert measured(even, "sample_ratio_p") < 1e-100  # type: ignore[operator]
    assert measured(declared, "sample_ratio_p") == pytest.approx(1.0)
    assert "planned 10 %" in why(declared, "sample_ratio_p")
    assert measured(even, "sample_ratio_sequential_p") < 1e-100  # type: ignore[operator]
    assert measured(declared, "sample_ratio_sequential_p") == 1.0


def test_one_bad_day_in_an_even_total() -> None:
    """Days 3 and 4 cancel in the total; alone each is far off."""
    sizes = [(500, 500), (510, 490), (495, 505), (600, 400), (400, 600), (500, 500)]
    cells = [
        cell(variant, ones(50, n), day)
        for day, pair in enumerate(sizes)
        for variant, n in zip(("old", "new"), pair, strict=True)
    ]
    numbers = measure(signal("experiment"), evidence(outcomes=tuple(cells)))
    assert measured(numbers, "sample_ratio_p") > 0.5  # type: ignore[operator]
    exact = scipy_stats.binomtest(400, 1000, 0.5).pvalue
    assert measured(numbers, "sample_ratio_day_p") == pytest.approx(6 * exact, rel=1e-9)
    assert why(numbers, "sample_ratio_day_p").startswith(f"{START + timedelta(days=3)}: 600 and 400")
    cumulative = np.cumsum(sizes, axis=0)
    assert measured(numbers, "sample_ratio_sequential_p") == pytest.approx(sequential_p(cumulative.tolist()))


def test_a_segment_that_loses_units() -> None:
    parts = {"ios": (1000, 800), "web": (3000, 3200)}
    cells = [
        cell(variant, ones(50, n), segment=(("client", client),))
        for client, pair in parts.items()
        for variant, n in zip(("old", "new"), pair, strict=True)
    ]
    numbers = measure(signal("experiment", segments=("client",)), evidence(outcomes=tuple(cells)))
    assert measured(numbers, "sample_ratio_p") == pytest.approx(1.0)
    want = 2 * scipy_stats.binomtest(800, 1800, 0.5).pvalue
    assert measured(numbers, "sample_ratio_segment_p") == pytest.approx(want, rel=1e-9)
    assert why(numbers, "sample_ratio_segment_p").startswith("client=ios")
    bare = measure(signal("experiment"), evidence(outcomes=tuple(cells)))
    assert measured(bare, "sample_ratio_segment_p") is None


def trending(slope: float, days: int = 14, weekly: float = 0.0) -> tuple[OutcomeCell, ...]:
    rng = np.random.default_rng(3)
    return tuple(
        cell(variant, from_arrays(rng.normal(arm * (slope * day + weekly * (day % 7 > 4)), 1, 400)), day)
        for arm, variant in enumerate(("old", "new"))
        for day in range(days)
    )


def test_novelty() -> None:
    falling = measure(signal("experiment", metric=MEAN), evidence(outcomes=trending(-0.05)))
    assert measured(falling, "novelty_p") < 1e-4  # type: ignore[operator]
    assert "changes by −0.04" in why(falling, "novelty_p")
    steady = measure(signal("experiment", metric=MEAN), evidence(outcomes=trending(0.0)))
    assert measured(steady, "novelty_p") > 0.01  # type: ignore[operator]
    short = measure(signal("experiment", metric=MEAN), evidence(outcomes=trending(-0.05, days=4)))
    assert measured(short, "novelty_p") is None


def test_novelty_of_a_ratio_looks_at_the_ratio() -> None:
    rng = np.random.default_rng(1)
    cells = []
    for variant in ("old", "new"):
        for day in range(14):
            # Both arms see more and more views; the ratio of clicks to views stays.
            views = rng.integers(1, 5 + day, 300)
            cells.append(cell(variant, from_arrays(rng.binomial(views, 0.3), d=views), day))
    numbers = measure(signal("experiment", metric=Metric("ctr", "ratio")), evidence(outcomes=tuple(cells)))
    assert measured(numbers, "novelty_p") > 0.01  # type: ignore[operator]


def test_outcome_completeness() -> None:
    cells = cell("old", ones(90, 900)), cell("new", ones(100, 1000))
    waiting = (
        SetAside(150, INCOMPLETE, "old", fault=False, units=50),
        SetAside(50, INCOMPLETE + " (7 d)", "new", fault=False),
    )
    numbers = measure(signal("experiment"), evidence(outcomes=cells, set_aside=waiting))
    assert measured(numbers, "outcome_complete") == pytest.approx(1900 / 2000)
    assert measured(numbers, "max_set_aside") == 0.0
    silent = measure(signal("experiment"), evidence(outcomes=cells))
    assert measured(silent, "outcome_complete") is None
    nobody = measure(signal("experiment"), evidence(outcomes=cells, set_aside=(SetAside(0, INCOMPLETE, fault=False),)))
    assert measured(nobody, "outcome_complete") == 1.0


def test_counts_do_not_tell_who_was_in_both_arms() -> None:
    cells = cell("old", ones(90, 900), counted="counts"), cell("new", ones(100, 1000), counted="counts")
    assert measured(measure(signal("experiment"), evidence(outcomes=cells)), "both_arms") is None
    units = cell("old", ones(90, 900)), cell("new", ones(100, 1000))
    assert measured(measure(signal("experiment"), evidence(outcomes=units)), "both_arms") == 0.0


def test_outlier_leverage_is_what_leaving_the_unit_out_does() -> None:
    rng = np.random.default_rng(8)
    old, new = rng.exponential(1, 400), rng.exponential(1, 380)
    new[7] = 90.0
    cells = tuple(
        cell(name, from_arrays(values), least=float(values.min()), most=float(values.max()))
        for name, values in (("old", old), ("new", new))
    )
    numbers = measure(signal("experiment", metric=MEAN), evidence(outcomes=cells))
    moved = abs(np.delete(new, 7).mean() - new.mean())
    assert measured(numbers, "max_outlier_leverage") == pytest.approx(moved / numbers.estimates["raw"].se)
    assert measured(numbers, "max_outlier_leverage") > 0.5  # type: ignore[operator]
    assert "of the candidate" in why(numbers, "max_outlier_leverage")
    blind = measure(signal("experiment", metric=MEAN), evidence(outcomes=(cells[0], cell("new", cells[1].moments))))
    assert measured(blind, "max_outlier_leverage") is None


def test_one_event_carries_a_rare_proportion() -> None:
    numbers = measure(signal("experiment"), evidence(outcomes=(cell("old", ones(0, 1000)), cell("new", ones(1, 1000)))))
    assert measured(numbers, "max_outlier_leverage") > 0.4  # type: ignore[operator]
    many = measure(signal("experiment"), evidence(outcomes=(cell("old", ones(100, 1000)), cell("new", ones(90, 1000)))))
    assert measured(many, "max_outlier_leverage") < 0.1  # type: ignore[operator]


def test_skew_of_the_difference_by_bootstrap() -> None:
    rng = np.random.default_rng(6)
    old, new = rng.lognormal(0, 1, 4000), rng.lognormal(0, 1, 400)
    numbers = measure(
        signal("experiment", metric=MEAN),
        evidence(outcomes=(cell("old", from_arrays(old)), cell("new", from_arrays(new)))),
    )
    both = merge([from_arrays(old - old.mean()), from_arrays(new - new.mean())])
    residual = np.concatenate([old - old.mean(), new - new.mean()])
    draws = rng.choice(residual, (20_000, 400)).mean(axis=1) - rng.choice(residual, (20_000, 4000)).mean(axis=1)
    assert both.n == residual.size
    assert measured(numbers, "max_skew") == pytest.approx(float(scipy_stats.skew(draws)), abs=0.06)


def test_measures_that_the_evidence_cannot_give_say_why() -> None:
    numbers = measure(signal("experiment"), evidence(outcomes=(cell("old", ones(9, 90)), cell("new", ones(9, 90)))))
    silent = {one.name: one.why for one in numbers.measures if one.value is None}
    assert set(silent) == {
        "max_sources", "sample_ratio_day_p", "sample_ratio_segment_p", "min_clusters", "full_weeks",
        "outcome_complete", "outcome_known", "max_overconfidence", "max_skew", "covariate_balance_p", "novelty_p",
        "heterogeneity_p", "max_reversals", "slow_trend_p", "coverage",
    }  # fmt: skip
    assert all(silent.values())


def test_two_sources_of_the_same_arms_are_told_for_a_unit_in_both_counts_twice() -> None:
    cells = cell("old", ones(90, 900)), cell("new", ones(100, 1000))
    one, two = (
        SourceNote(name, "table", datetime(2026, 11, 17, tzinfo=UTC), "sha256:0", own_rows=900) for name in ("a", "b")
    )
    elsewhere = replace(two, name="c", own_rows=0)  # it brings units of another release only
    told = measure(signal("experiment"), evidence(outcomes=cells, sources=(one, two, elsewhere)))
    assert measured(told, "max_sources") == 2.0
    assert "a and b" in next(m.why for m in told.measures if m.name == "max_sources")
    assert measured(told, "both_arms") is None  # nobody looked across the two
    assert read(signal("experiment"), told, AS_OF).checks["max_sources"].status == "warn"
    alone = measure(signal("experiment"), evidence(outcomes=cells, sources=(one, elsewhere)))
    assert (measured(alone, "max_sources"), measured(alone, "both_arms")) == (1.0, 0.0)
