from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reading_kit import AS_OF, evidence, margin, measured, signal

from signals.model import BOTH_ARMS, Metric, Moments, OutcomeCell, SetAside, SignalsError, SourceNote, canonical
from signals.readings import measure, read
from signals.stats.clusters import cluster_difference
from signals.stats.means import fieller, ratio_difference
from signals.stats.moments import from_arrays
from signals.stats.proportion import ratio_interval, score_interval
from signals.stats.sequential import multiplier
from signals.stats.srm import sample_ratio_p

MEAN = Metric("usd", "mean")
RATIO = Metric("clicks_per_view", "ratio")
START = date(2026, 11, 2)


def ones(x: int, n: int) -> Moments:
    return Moments(n, x / n, x * (n - x) / n)


def cell(variant: str, moments: Moments, segment: Any = (), day: date | None = None, metric: str = "") -> OutcomeCell:
    return OutcomeCell(metric, variant, segment, day, moments)


def arms(x0: int, n0: int, x1: int, n1: int) -> tuple[OutcomeCell, ...]:
    return cell("old", ones(x0, n0)), cell("new", ones(x1, n1))


def test_proportion_at_one_look() -> None:
    numbers = measure(signal("experiment"), evidence(outcomes=arms(48, 80, 56, 70)))
    raw, want = numbers.estimates["raw"], score_interval(56, 70, 48, 80, 0.95)
    assert (raw.low, raw.high, raw.p_value) == (want.low, want.high, want.p_value)
    assert (raw.control, raw.candidate, raw.n_control, raw.n_candidate) == (0.6, 0.8, 80, 70)
    assert (numbers.unit, numbers.counted) == ("pp", "users")


def test_cells_add_up_whatever_their_order() -> None:
    rng = np.random.default_rng(2)
    cells = []
    for variant in ("old", "new"):
        for day in range(14):
            for plan in ("free", "pro"):
                values = rng.lognormal(0, 1, 50)
                cells.append(cell(variant, from_arrays(values), (("plan", plan),), START + timedelta(days=day)))
    s = signal("experiment", metric=MEAN, segments=("plan",))
    forward, backward = (measure(s, evidence(outcomes=tuple(order))) for order in (cells, cells[::-1]))
    assert canonical(forward) == canonical(backward)
    assert forward.unit == "usd"
    assert forward.rate_per_day == pytest.approx(200)
    assert measured(forward, "full_weeks") == 2
    assert forward.first_at == datetime(2026, 11, 2, tzinfo=UTC)
    assert forward.last_at == datetime(2026, 11, 15, 23, 59, 59, tzinfo=UTC)


def test_ratio_of_means() -> None:
    rng = np.random.default_rng(3)
    d = rng.integers(1, 9, (2, 400))
    y = rng.binomial(d, 0.3)
    outcomes = cell("old", from_arrays(y[0], d=d[0])), cell("new", from_arrays(y[1], d=d[1]))
    raw = measure(signal("experiment", metric=RATIO), evidence(outcomes=outcomes)).estimates["raw"]
    assert raw.control == pytest.approx(y[0].sum() / d[0].sum())
    assert "delta method" in raw.method
    refused = measure(signal("experiment", metric=RATIO), evidence(outcomes=arms(5, 10, 5, 10))).estimates["raw"]
    assert (refused.low, refused.refused) == (None, "the denominator is missing")


def test_always_valid_interval() -> None:
    s = signal("experiment", looks="continuous", planned_units=20_000)
    raw = measure(s, evidence(outcomes=arms(900, 9000, 1000, 9100))).estimates["raw"]
    p0, p1 = 0.1, 1000 / 9100
    se = np.sqrt(p0 * (1 - p0) / 8999 + p1 * (1 - p1) / 9099)
    assert (raw.high - raw.low) / 2 == pytest.approx(se * multiplier(18_100, 0.95, 20_000))  # type: ignore[operator]
    once = measure(signal("experiment"), evidence(outcomes=arms(900, 9000, 1000, 9100))).estimates["raw"]
    assert raw.low < once.low < once.high < raw.high  # type: ignore[operator]
    assert raw.p_value > once.p_value  # type: ignore[operator]
    assert (raw.p_value < 0.05) == (raw.low > 0)  # type: ignore[operator]
    assert "valid at any look, narrowest near 20,000 units" in raw.method


@pytest.mark.parametrize("x0, x1, n", [(49, 80, 1000), (951, 900, 1000)])
def test_always_valid_interval_is_refused_while_events_are_few(x0: int, x1: int, n: int) -> None:
    s = signal("experiment", looks="continuous", margin=margin(0.01))
    numbers = measure(s, evidence(outcomes=arms(x0, n, x1, n)))
    raw = numbers.estimates["raw"]
    assert (raw.low, raw.effect) == (None, pytest.approx((x1 - x0) / n))
    reading = read(s, numbers, AS_OF)
    assert reading.state == "untrusted"
    assert "49 events or non-events" in reading.why
    assert measure(signal("experiment"), evidence(outcomes=arms(x0, n, x1, n))).estimates["raw"].low is not None


def test_always_valid_mean_needs_units() -> None:
    outcomes = cell("old", from_arrays(np.arange(99.0))), cell("new", from_arrays(np.arange(200.0)))
    raw = measure(signal("experiment", metric=MEAN, looks="continuous"), evidence(outcomes=outcomes)).estimates["raw"]
    assert raw.refused == "an arm has 99 units; the always-valid interval needs 100"


@pytest.mark.parametrize("values", [[0, 1, 2, 1], [0.5, 0.5, 1, 0], [-1, 1, 1, 1]])
def test_proportion_of_other_values_is_refused(values: list[float]) -> None:
    outcomes = cell("old", ones(5, 10)), cell("new", from_arrays(values * 50))
    raw = measure(signal("experiment"), evidence(outcomes=outcomes)).estimates["raw"]
    assert raw.refused == "metric type is proportion but values other than 0 and 1 were seen"


def test_proportion_check_survives_rounding_of_many_merges() -> None:
    rng = np.random.default_rng(1)
    values = rng.random(300_000) < 0.001
    cells = [cell("old", from_arrays(part)) for part in np.array_split(values, 200)]
    raw = measure(signal("experiment"), evidence(outcomes=(*cells, cell("new", ones(300, 300_000))))).estimates["raw"]
    assert raw.refused is None


def test_no_spread_is_refused() -> None:
    outcomes = cell("old", from_arrays([2.0] * 50)), cell("new", from_arrays([3.0] * 50))
    raw = measure(signal("experiment", metric=MEAN), evidence(outcomes=outcomes)).estimates["raw"]
    assert (raw.effect, raw.low) == (1.0, None)
    assert "no spread" in str(raw.refused)


def test_sample_ratio_and_units() -> None:
    numbers = measure(signal("experiment"), evidence(outcomes=arms(10_000, 821_588, 10_000, 815_482)))
    assert measured(numbers, "sample_ratio_p") == pytest.approx(1.8217928726e-06, rel=1e-6)
    assert measured(numbers, "min_units") == 815_482


def test_units_in_both_arms_and_faulty_rows() -> None:
    aside = (
        SetAside(100, BOTH_ARMS, "new"), SetAside(140, BOTH_ARMS, "old"), SetAside(40, BOTH_ARMS, "older"),
        SetAside(50, "value is not a number", "new"),
        SetAside(9000, "variant older is neither arm", "older", fault=False),
    )  # fmt: skip
    note = SourceNote("orders", "table", AS_OF, "sha256:0", rows_read=9000, rows_kept=8000, own_rows=2670)
    numbers = measure(
        signal("experiment"), evidence(outcomes=arms(90, 900, 100, 1000), set_aside=aside, sources=(note,))
    )
    assert measured(numbers, "both_arms") == pytest.approx(100 / 2000)
    assert measured(numbers, "max_set_aside") == pytest.approx(330 / 3000)
    assert numbers.set_aside == aside
    assert numbers.sources == (note,)


def test_units_in_both_arms_are_counted_as_units_and_their_rows_as_rows() -> None:
    aside = SetAside(300, BOTH_ARMS, "new", units=100), SetAside(700, BOTH_ARMS, "old", units=100)
    note = SourceNote("orders", "table", AS_OF, "sha256:0", rows_read=5000, rows_kept=4000, own_rows=4000)
    numbers = measure(
        signal("experiment"), evidence(outcomes=arms(90, 900, 100, 1000), set_aside=aside, sources=(note,))
    )
    assert measured(numbers, "both_arms") == pytest.approx(100 / 2000)
    assert measured(numbers, "max_set_aside") == pytest.approx(1000 / 5000)


@pytest.mark.parametrize("days, candidate_from, weeks", [(6, 0, 0), (7, 0, 1), (13, 0, 1), (14, 0, 2), (14, 3, 1)])
def test_whole_weeks_that_both_arms_have_run(days: int, candidate_from: int, weeks: int) -> None:
    cells = [
        cell(variant, ones(50, 500), day=START + timedelta(days=day))
        for variant, first in (("old", 0), ("new", candidate_from))
        for day in range(first, days)
    ]
    assert measured(measure(signal("experiment"), evidence(outcomes=tuple(cells))), "full_weeks") == weeks
    timeless = (*cells, cell("new", ones(1, 10)))
    numbers = measure(signal("experiment"), evidence(outcomes=timeless))
    assert (measured(numbers, "full_weeks"), numbers.rate_per_day) == (None, None)


def test_segments_with_joint_bounds() -> None:
    pro, free = (("locale", "de"), ("plan", "pro")), (("plan", "free"),)
    cells = (
        cell("old", ones(100, 1000), pro), cell("new", ones(60, 1000), pro),
        cell("old", ones(300, 3000), free), cell("new", ones(330, 3000), free),
    )  # fmt: skip
    numbers = measure(signal("experiment", segments=("plan", "locale", "device")), evidence(outcomes=cells))
    by_name = {one.name: one for one in numbers.segments}
    assert set(by_name) == {"plan=free", "plan=pro", "locale=de", "locale=(none)"}
    assert by_name["plan=pro"].share == pytest.approx(0.25)
    want, joint = score_interval(60, 1000, 100, 1000, 0.95), score_interval(60, 1000, 100, 1000, 1 - 0.05 / 4)
    part = by_name["plan=pro"]
    assert (part.low, part.high) == (want.low, want.high)
    assert (part.adjusted_low, part.adjusted_high) == pytest.approx((joint.low, joint.high))
    assert part.control == 0.1
    assert numbers.estimates["raw"].warnings == ("the evidence has no segment 'device'",)


def test_always_valid_segments_are_tuned_to_their_part_of_the_plan() -> None:
    cells = tuple(
        cell(arm, ones(x, 2000), (("plan", plan),))
        for plan in ("free", "pro")
        for arm, x in (("old", 200), ("new", 230))
    )
    s = signal("experiment", segments=("plan",), looks="continuous", planned_units=8000)
    part = measure(s, evidence(outcomes=cells)).segments[0]
    alone = measure(signal("experiment", looks="continuous", planned_units=4000), evidence(outcomes=cells[:2]))
    assert (part.low, part.high) == (alone.estimates["raw"].low, alone.estimates["raw"].high)


def test_segment_without_an_arm_says_so() -> None:
    cells = (*arms(50, 500, 50, 500), cell("new", ones(5, 50), (("plan", "beta"),)))
    beta, rest = measure(signal("experiment", segments=("plan",)), evidence(outcomes=cells)).segments[::-1]
    assert (beta.name, beta.low, beta.refused) == ("plan=beta", None, "no evidence for the control arm")
    assert rest.low is not None


def test_metric_names() -> None:
    named = (cell("old", ones(50, 500), metric="converted"), cell("new", ones(60, 500), metric="converted"))
    other = (cell("old", ones(1, 700), metric="refunds"), cell("new", ones(2, 700), metric="refunds"))
    numbers = measure(signal("experiment"), evidence(outcomes=(*named, *other)))
    assert numbers.estimates["raw"].n_control == 500
    assert sum(entry.rows for entry in numbers.set_aside if "refunds" in entry.why) == 1400
    wrong = read(signal("experiment"), measure(signal("experiment"), evidence(outcomes=other)), AS_OF)
    assert wrong.state == "untrusted"
    assert "no outcome is called 'converted'; the evidence has refunds" in wrong.why


def test_missing_arms() -> None:
    nothing = read(signal("experiment"), measure(signal("experiment"), evidence()), AS_OF)
    assert (nothing.state, nothing.why) == ("missing", "no evidence for this release")
    half = measure(signal("experiment"), evidence(outcomes=(cell("old", ones(5, 50)),)))
    assert read(signal("experiment"), half, AS_OF).why == "no evidence for the candidate arm"


def test_very_unequal_arms_with_a_heavy_tail_warn() -> None:
    rng = np.random.default_rng(0)

    def pay(n: int) -> Moments:
        return from_arrays(np.where(rng.random(n) < 0.03, rng.lognormal(0, 1.5, n), 0))

    s = signal("experiment", metric=MEAN)
    unequal = measure(s, evidence(outcomes=(cell("old", pay(20_000)), cell("new", pay(1000))))).estimates["raw"]
    same = pay(500)
    equal = measure(s, evidence(outcomes=(cell("old", same), cell("new", same)))).estimates["raw"]
    even = [from_arrays(rng.exponential(1, 2000)) for _ in range(2)]
    mild = measure(s, evidence(outcomes=(cell("old", even[0]), cell("new", even[1])))).estimates["raw"]
    calm = measure(
        s,
        evidence(
            outcomes=(cell("old", from_arrays(rng.normal(9, 1, 9000))), cell("new", from_arrays(rng.normal(9, 1, 900))))
        ),
    ).estimates["raw"]
    assert unequal.warnings == (
        "a skewed outcome in unlike arms (heavy tail): the interval may be too narrow on one side",
    )
    assert "wider than needed" in equal.warnings[0]
    assert mild.warnings == calm.warnings == ()
    bare = [replace(one.moments, m3=None) for one in (cell("old", pay(20_000)), cell("new", pay(1000)))]
    unknown = measure(s, evidence(outcomes=(cell("old", bare[0]), cell("new", bare[1])))).estimates["raw"]
    assert unknown.warnings == (
        "the arms are very unequal and the outcome has a heavy tail: the interval may be too narrow",
    )


def test_quantile_is_not_silently_a_mean() -> None:
    with pytest.raises(SignalsError, match="says not which"):
        measure(signal("experiment", metric=Metric("latency", "quantile")), evidence(outcomes=arms(5, 10, 5, 10)))


def test_an_unknown_kind_is_not_computed() -> None:
    with pytest.raises(SignalsError, match="'vibes'"):
        measure(signal("vibes"), evidence())


def test_no_reading_module_is_imported_before_it_is_needed(root: Path) -> None:
    text = (root / "signals/readings/__init__.py").read_text()
    head = text.split("def measure")[0]
    assert "experiment" not in head.split('"""')[2]


def test_relative_effects_are_a_share_of_the_control() -> None:
    raw = measure(signal("experiment"), evidence(outcomes=arms(900, 9000, 1000, 9100))).estimates["raw"]
    want = ratio_interval(1000, 9100, 900, 9000, 0.95)
    assert raw.relative is not None
    assert (raw.relative.low, raw.relative.high) == want
    assert raw.relative.value == pytest.approx(1000 / 9100 / 0.1 - 1)
    # The absolute interval over the control's mean forgets that this mean is itself an estimate.
    assert raw.relative.high > raw.high / raw.control  # type: ignore[operator]
    none = measure(signal("experiment"), evidence(outcomes=arms(0, 900, 4, 900))).estimates["raw"]
    assert (none.relative, none.low is not None) == (None, True)


def test_relative_effects_of_means_by_fieller_and_wider_at_any_look() -> None:
    rng = np.random.default_rng(4)
    values = [rng.exponential(1.0 + 0.1 * arm, 3000) for arm in range(2)]
    outcomes = cell("old", from_arrays(values[0])), cell("new", from_arrays(values[1]))
    once, always = (
        measure(signal("experiment", metric=MEAN, looks=looks), evidence(outcomes=outcomes)).estimates["raw"]
        for looks in ("fixed", "continuous")
    )
    v = [value.var(ddof=1) / 3000 for value in values]
    want = fieller(values[1].mean(), v[1], values[0].mean(), v[0], 0.95)
    assert (once.relative.low, once.relative.high) == pytest.approx(want, rel=1e-3)  # type: ignore[union-attr]  # t, not z
    assert always.relative.low < once.relative.low < once.relative.high < always.relative.high  # type: ignore[union-attr,operator]
    near_zero = [from_arrays(rng.normal(0.0, 1.0, 50)) for _ in range(2)]
    unbounded = measure(
        signal("experiment", metric=MEAN), evidence(outcomes=(cell("old", near_zero[0]), cell("new", near_zero[1])))
    ).estimates["raw"]
    assert (unbounded.relative, unbounded.low is not None) == (None, True)


def test_few_events_warn() -> None:
    few = measure(signal("experiment"), evidence(outcomes=arms(0, 1000, 3, 1000))).estimates["raw"]
    assert few.warnings == ("few events (0 in an arm): the interval may be wider than needed",)
    mirrored = measure(signal("experiment"), evidence(outcomes=arms(1000, 1000, 997, 1000))).estimates["raw"]
    assert "units without the event" in mirrored.warnings[0]
    assert measure(signal("experiment"), evidence(outcomes=arms(5, 1000, 9, 1000))).estimates["raw"].warnings == ()


def covariate_cells(n0: int, n1: int, shift: float = 0.0, seed: int = 5) -> tuple[OutcomeCell, ...]:
    rng = np.random.default_rng(seed)
    made = []
    for variant, n, moved in (("old", n0, 0.0), ("new", n1, shift)):
        x = rng.normal(moved, 1, n)
        made.append(cell(variant, from_arrays(2 + 2 * x + rng.normal(0, 1, n), x)))
    return tuple(made)


def test_the_adjusted_estimate_votes() -> None:
    numbers = measure(signal("experiment", metric=MEAN), evidence(outcomes=covariate_cells(400, 400)))
    raw, adjusted = numbers.estimates["raw"], numbers.estimates["cuped"]
    assert numbers.voting == "cuped"
    assert adjusted.se < 0.6 * raw.se  # type: ignore[operator]  # four fifths of the variance are the covariate's
    assert adjusted.n_effective == pytest.approx(800 * (raw.se / adjusted.se) ** 2)  # type: ignore[operator]
    assert "one theta within arms" in adjusted.method
    assert measured(numbers, "covariate_balance_p") > 0.001  # type: ignore[operator]
    unequal = measure(signal("experiment", metric=MEAN), evidence(outcomes=covariate_cells(400, 100)))
    assert "a theta per arm" in unequal.estimates["cuped"].method
    always = measure(
        signal("experiment", metric=MEAN, looks="continuous"), evidence(outcomes=covariate_cells(400, 400))
    )
    wide = always.estimates["cuped"]
    assert (wide.high - wide.low) / 2 == pytest.approx(adjusted.se * multiplier(800, 0.95))  # type: ignore[operator]


def test_a_covariate_that_differs_between_the_arms_is_not_used() -> None:
    numbers = measure(signal("experiment", metric=MEAN), evidence(outcomes=covariate_cells(400, 400, shift=0.5)))
    assert numbers.voting == "raw"
    assert any("differs between the arms" in warning for warning in numbers.estimates["raw"].warnings)
    assert numbers.estimates["cuped"].low is not None  # shown, but it does not vote


def test_a_covariate_of_one_arm_only_is_none() -> None:
    old, new = covariate_cells(100, 100)
    bare = cell("new", Moments(new.moments.n, new.moments.mean, new.moments.m2))
    numbers = measure(signal("experiment", metric=MEAN), evidence(outcomes=(old, bare)))
    assert (numbers.voting, set(numbers.estimates)) == ("raw", {"raw"})


def test_proportions_with_few_events_are_not_adjusted() -> None:
    rng = np.random.default_rng(1)
    cells = [cell(v, from_arrays((rng.random(300) < 0.1).astype(float), rng.random(300))) for v in ("old", "new")]
    numbers = measure(signal("experiment"), evidence(outcomes=tuple(cells)))
    assert numbers.voting == "raw"
    assert "the adjustment needs 50" in numbers.estimates["raw"].warnings[0]


def clusters(variant: str, count: int, seed: int, binary: bool = False) -> OutcomeCell:
    rng = np.random.default_rng(seed)
    size = rng.integers(5, 30, count)
    y = rng.binomial(size, 0.3) if binary else size * rng.normal(1, 0.4, count)
    return OutcomeCell("", variant, (), None, from_arrays(y, d=size), counted="clusters", members=int(size.sum()))


@pytest.mark.parametrize("metric", [MEAN, Metric("converted", "proportion")])
def test_randomised_clusters(metric: Metric) -> None:
    binary = metric.type == "proportion"
    cells = clusters("old", 30, 1, binary), clusters("new", 24, 2, binary)
    numbers = measure(signal("experiment", metric=metric), evidence(outcomes=cells))
    raw, want = numbers.estimates["raw"], cluster_difference(cells[1].moments, cells[0].moments, 0.95)
    assert (raw.low, raw.high) == (want.low, want.high)
    assert (raw.n_control, raw.n_candidate) == (cells[0].members, cells[1].members)
    assert "over clusters" in raw.method
    assert (measured(numbers, "min_clusters"), measured(numbers, "min_units")) == (24, cells[1].members)
    assert measured(numbers, "sample_ratio_p") == pytest.approx(sample_ratio_p([30, 24]))
    assert raw.relative is not None


def test_few_clusters_warn_and_fewer_are_refused() -> None:
    five = measure(signal("experiment", metric=MEAN), evidence(outcomes=(clusters("old", 9, 1), clusters("new", 9, 2))))
    assert "only 9 clusters in an arm" in five.estimates["raw"].warnings[0]
    two = measure(signal("experiment", metric=MEAN), evidence(outcomes=(clusters("old", 2, 1), clusters("new", 9, 2))))
    assert two.estimates["raw"].refused == "too few clusters in an arm: 2"
    always = signal("experiment", metric=MEAN, looks="continuous")
    early = measure(always, evidence(outcomes=(clusters("old", 30, 1), clusters("new", 30, 2))))
    assert early.estimates["raw"].refused == "an arm has 30 clusters; the always-valid interval needs 100"


def test_units_and_clusters_do_not_mix() -> None:
    mixed = clusters("old", 30, 1), clusters("new", 30, 2), cell("new", from_arrays([1.0, 2.0], d=[1, 1]))
    numbers = measure(signal("experiment", metric=MEAN), evidence(outcomes=mixed))
    assert "some sources count clusters and others units" in str(numbers.estimates["raw"].refused)


def test_several_candidates_share_the_error_rate() -> None:
    alone = measure(signal("experiment"), evidence(outcomes=arms(900, 9000, 1000, 9100))).estimates["raw"]
    three = measure(signal("experiment"), evidence(outcomes=arms(900, 9000, 1000, 9100), family=3)).estimates["raw"]
    want = score_interval(1000, 9100, 900, 9000, 1 - 0.05 / 3)
    assert (three.low, three.high) == pytest.approx((want.low, want.high))
    assert three.p_value == pytest.approx(3 * alone.p_value)  # type: ignore[operator]
    assert (three.p_value < 0.05) == (three.low > 0)  # type: ignore[operator]
    assert "3 candidates at once" in three.method
    plan = (("plan", "pro"),)
    cells = cell("old", ones(900, 9000), plan), cell("new", ones(1000, 9100), plan)
    segment = measure(signal("experiment", segments=("plan",)), evidence(outcomes=cells, family=3)).segments[0]
    assert (segment.low, segment.high) == pytest.approx((three.low, three.high))


def test_ratio_of_few_users_uses_t() -> None:
    rng = np.random.default_rng(9)
    d = rng.integers(1, 9, (2, 12))
    y = rng.binomial(d, 0.3)
    outcomes = cell("old", from_arrays(y[0], d=d[0])), cell("new", from_arrays(y[1], d=d[1]))
    raw = measure(signal("experiment", metric=RATIO), evidence(outcomes=outcomes)).estimates["raw"]
    normal = ratio_difference(outcomes[1].moments, outcomes[0].moments, 0.95)
    assert raw.high - raw.low > normal.high - normal.low  # type: ignore[operator]
    assert raw.df is not None
    assert raw.df < 22
