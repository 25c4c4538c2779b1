from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from reading_kit import AS_OF, evidence, signal
from scipy.stats import norm

from signals.model import Metric, Moments, OutcomeCell, SourceNote
from signals.readings import measure, read
from signals.stats.moments import from_arrays
from signals.stats.proportion import score_interval
from signals.stats.spending import boundaries
from signals.stats.srm import sequential_p

START = date(2026, 11, 2)
DATES = (date(2026, 11, 6), date(2026, 11, 9), date(2026, 11, 16))


def days(count: int, per_day: int = 200, step: int = 4, **fields: Any) -> tuple[OutcomeCell, ...]:
    """Control converts 20 a day, the candidate ``step`` more."""
    return tuple(
        OutcomeCell(
            "", variant, (), START + timedelta(days=day), Moments(per_day, x / per_day, x * (per_day - x) / per_day)
        )
        for day in range(count)
        for variant, x in (("old", 20), ("new", 20 + step))
    )


def raw(count: int, pulled: datetime | None = None, **fields: Any) -> Any:
    s = signal("experiment", looks=DATES, **fields)
    note = SourceNote("orders", "table", pulled or AS_OF, "sha256:0")
    return measure(s, evidence(outcomes=days(count), sources=(note,)))


def test_before_the_first_planned_look() -> None:
    s = signal("experiment", looks=DATES)
    numbers = raw(3)
    assert numbers.estimates["raw"].refused == "the first planned look is on 6 Nov 2026"
    assert read(s, numbers, AS_OF).state == "untrusted"
    assert (numbers.set_aside, numbers.estimates["raw"].n_control) == ((), 600)


def test_the_second_look_counts_what_began_before_it() -> None:
    numbers = raw(10)  # days 2 to 11 November: the look of the 9th has been reached
    found = numbers.estimates["raw"]
    assert (found.n_control, found.n_candidate) == (1400, 1400)
    waiting = {(entry.why, entry.variant, entry.rows, entry.fault) for entry in numbers.set_aside}
    late = "began after the planned look on 9 Nov 2026"
    assert waiting == {(late, "old", 600, False), (late, "new", 600, False)}
    # Without a plan of units, elapsed days are the share of the information: 4 and 7 of 14.
    reach = boundaries([800, 1400], 0.05, shares=[4 / 14, 7 / 14])[-1]
    want = score_interval(168, 1400, 140, 1400, 1 - 2 * norm.sf(reach))
    assert (found.low, found.high) == pytest.approx((want.low, want.high))
    assert found.method == "Miettinen–Nurminen score interval, planned look 2 of 3 on 9 Nov 2026"


def test_the_share_of_the_planned_units_is_the_information() -> None:
    found = raw(10, planned_units=5600).estimates["raw"]
    reach = boundaries([800, 1400], 0.05, shares=[1600 / 5600, 0.5])[-1]
    want = score_interval(168, 1400, 140, 1400, 1 - 2 * norm.sf(reach))
    assert (found.low, found.high) == pytest.approx((want.low, want.high))
    assert (found.p_value < 0.05) == (found.low > 0)


def test_when_the_planned_units_are_there_the_look_is_the_last() -> None:
    found = raw(14, planned_units=2800)  # reached on the 9th: what came later cannot be looked at again
    assert found.estimates["raw"].n_control == 1400
    reach = boundaries([800, 1400], 0.05, shares=[1600 / 2800, 1.0])[-1]
    want = score_interval(168, 1400, 140, 1400, 1 - 2 * norm.sf(reach))
    assert found.estimates["raw"].low == pytest.approx(want.low)


def test_the_last_date_spends_the_rest_whatever_came() -> None:
    found = raw(20, planned_units=50_000).estimates["raw"]
    assert found.n_control == 2800
    reach = boundaries([800, 1400, 2800], 0.05, shares=[1600 / 50_000, 2800 / 50_000, 1.0])[-1]
    assert reach == pytest.approx(1.96, abs=0.01)  # next to nothing was spent before
    want = score_interval(336, 2800, 280, 2800, 1 - 2 * norm.sf(reach))
    assert found.low == pytest.approx(want.low)


def test_a_look_too_early_to_spend_anything_is_refused() -> None:
    found = raw(4, planned_units=500_000).estimates["raw"]
    assert "it is too early: planned look 1 of 3" in found.refused


@pytest.mark.parametrize(
    "pulled, look",
    [(datetime(2026, 11, 8, 12, tzinfo=UTC), "1 of 3"), (datetime(2026, 11, 9, 1, tzinfo=UTC), "2 of 3")],
)
def test_the_day_before_a_look_must_be_over(pulled: datetime, look: str) -> None:
    assert f"planned look {look}" in raw(7, pulled).estimates["raw"].method


def test_without_days_there_are_no_planned_looks() -> None:
    cells = (
        OutcomeCell("", "old", (), None, Moments(100, 0.1, 9.0)),
        OutcomeCell("", "new", (), None, Moments(100, 0.1, 9.0)),
    )
    found = measure(signal("experiment", looks=DATES), evidence(outcomes=cells)).estimates["raw"]
    assert "the evidence has no days" in str(found.refused)


def clusters(newest: date | None = date(2026, 11, 12)) -> tuple[OutcomeCell, ...]:
    """Thirty clusters an arm, all on the day of the source's newest unit."""
    made = []
    for seed, variant in enumerate(("old", "new")):
        rng = np.random.default_rng(seed)
        size = rng.integers(5, 20, 30).astype(float)
        moments = from_arrays(rng.binomial(size.astype(int), 0.2).astype(float), d=size)
        made.append(OutcomeCell("", variant, (), newest, moments, counted="clusters", members=int(size.sum())))
    return tuple(made)


def test_clusters_have_no_planned_looks() -> None:
    s = signal("experiment", looks=DATES)
    numbers = measure(s, evidence(outcomes=clusters()))
    found, why = (
        numbers.estimates["raw"],
        "planned looks need the day of every unit, and clusters have none of their own",
    )
    assert (found.refused, found.low, numbers.set_aside) == (why, None, ())
    assert read(s, numbers, AS_OF).state == "untrusted"
    undated = measure(s, evidence(outcomes=clusters(None))).estimates["raw"]
    assert undated.refused == why, "what is wrong is the clusters: days would not help"
    for other in ("fixed", "continuous"):
        assert why not in str(measure(signal("experiment", looks=other), evidence(outcomes=clusters())))


def test_days_of_clusters_tell_how_old_they_are_and_nothing_else() -> None:
    first, second = clusters(), clusters(date(2026, 11, 15))  # two sources
    numbers = measure(signal("experiment"), evidence(outcomes=(*first, *second)))
    assert (numbers.first_at, numbers.rate_per_day) == (None, None)
    assert numbers.last_at == datetime(2026, 11, 15, 23, 59, 59, tzinfo=UTC)
    found = {one.name: one for one in numbers.measures}
    for name in ("full_weeks", "novelty_p", "sample_ratio_day_p"):
        assert (found[name].value, found[name].why) == (None, "clusters have no day of their own")
    # The total is known all the same: 60 and 60, as one look.
    assert found["sample_ratio_sequential_p"].value == sequential_p([(60, 60)], (0.5, 0.5))
    assert "as one look: clusters have no day of their own" in found["sample_ratio_sequential_p"].why
    assert found["sample_ratio_p"].value == 1.0


def test_planned_looks_are_narrower_than_any_look_and_wider_than_one() -> None:
    rng = np.random.default_rng(2)
    cells = tuple(
        OutcomeCell("", variant, (), START + timedelta(days=day), from_arrays(rng.normal(0, 1, 100)))
        for day in range(14)
        for variant in ("old", "new")
    )
    note = SourceNote("orders", "table", AS_OF, "sha256:0")
    widths = []
    for looks in ("fixed", DATES, "continuous"):
        s = signal("experiment", metric=Metric("usd", "mean"), looks=looks, planned_units=2800)
        found = measure(s, evidence(outcomes=cells, sources=(note,))).estimates["raw"]
        widths.append(found.high - found.low)  # type: ignore[operator]
    assert widths[0] < widths[1] < widths[2]
    assert widths[1] < 1.1 * widths[0]
