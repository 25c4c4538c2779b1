"""A reading day by day: the same estimator, held against numbers that other libraries compute from the raw evidence."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from readings.panel_kit import grades, preference, rating
from readings.reading_kit import evidence, margin, signal
from scipy import optimize, stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from signals.model import FeedbackCell, ItemScore, Metric, Moments, OutcomeCell, QuantileCell, Signal
from signals.readings import measure
from signals.readings.course import MOST_POINTS, course

START = date(2026, 11, 2)


def cell(day: int | None, arm: str, values: np.ndarray, **fields: object) -> OutcomeCell:
    moments = Moments(len(values), float(values.mean()), float(((values - values.mean()) ** 2).sum()))
    when = None if day is None else START + timedelta(days=day)
    return OutcomeCell("converted", arm, (), when, moments, **fields)  # type: ignore[arg-type]  # by name


def daily(rng: np.random.Generator, days: int, units: int, *, shift: float) -> dict[str, list[np.ndarray]]:
    return {
        arm: [rng.exponential(10.0, units) + move * (arm == "new") for move in np.full(days, shift)]
        for arm in ("old", "new")
    }


def test_every_day_of_a_mean_is_the_welch_interval_of_the_units_so_far() -> None:
    rows = daily(np.random.default_rng(1), 6, 150, shift=0.9)
    given = evidence(
        outcomes=tuple(cell(day, arm, part) for arm, parts in rows.items() for day, part in enumerate(parts))
    )
    mean = signal("experiment", metric=Metric("converted", "mean"), looks="fixed", margin=margin(0.5))
    found = course(mean, given, "raw")
    assert [point.day for point in found.points] == [START + timedelta(days=day) for day in range(6)]
    assert found.band == "one look"
    for day, point in enumerate(found.points):
        new, old = (np.concatenate(rows[arm][: day + 1]) for arm in ("new", "old"))
        low, high = CompareMeans(DescrStatsW(new), DescrStatsW(old)).tconfint_diff(usevar="unequal")
        assert point.estimate.effect == pytest.approx(new.mean() - old.mean(), rel=1e-9)
        assert (point.estimate.low, point.estimate.high) == pytest.approx((low, high), rel=1e-7)
        assert (point.estimate.n_control, point.estimate.n_candidate) == (len(old), len(new))


def test_the_always_valid_band_is_that_of_the_raw_counts(root: Path) -> None:
    """The bundled daily counts, summed here, with the confidence sequence written out from its paper."""
    totals: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0])
    cells = []
    with (root / "data/exports/conversion_daily/tuesday-large.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            day, n, good = date.fromisoformat(row["day"]), int(row["users"]), int(row["conversions"])
            arm = {"assist-v6": "old", "assist-v7": "new"}.get(row["variant"])
            if arm is None or not n:
                continue
            totals[arm, day][0] += n
            totals[arm, day][1] += good
            rate = good / n
            cells.append(
                OutcomeCell("converted", arm, (("plan", row["plan"]),), day, Moments(n, rate, n * rate * (1 - rate)))
            )
    planned = 200_000
    always = signal("experiment", looks="continuous", planned_units=planned, segments=("plan",))
    found = course(always, evidence(outcomes=tuple(cells)), "raw")
    days = sorted({day for _, day in totals})
    assert found.band == "any-time"
    assert [point.day for point in found.points] == days
    for place, point in enumerate(found.points):
        (n0, x0), (n1, x1) = (np.sum([totals[arm, day] for day in days[: place + 1]], axis=0) for arm in ("old", "new"))
        p0, p1 = x0 / n0, x1 / n1
        se = math.sqrt(p0 * (1 - p0) / (n0 - 1) + p1 * (1 - p1) / (n1 - 1))
        alpha, t = 0.05, n0 + n1
        grown = t * (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / planned
        half = se * math.sqrt(2 * (grown + 1) / grown * math.log(math.sqrt(grown + 1) / alpha))
        assert point.estimate.effect == pytest.approx(p1 - p0, abs=1e-12)
        assert point.estimate.low == pytest.approx(p1 - p0 - half, abs=1e-11)
        assert point.estimate.high == pytest.approx(p1 - p0 + half, abs=1e-11)


def score_bounds(x1: int, n1: int, x0: int, n0: int) -> tuple[float, float]:
    """Miettinen and Nurminen's interval by brute force: the likelihood of each difference is maximised numerically."""
    wanted = stats.norm.ppf(0.975)

    def statistic(gap: float) -> float:
        low, high = max(0.0, -gap) + 1e-12, min(1.0, 1.0 - gap) - 1e-12

        def unlikely(p0: float) -> float:
            p1 = p0 + gap
            return -(x1 * math.log(p1) + (n1 - x1) * math.log1p(-p1) + x0 * math.log(p0) + (n0 - x0) * math.log1p(-p0))

        p0 = optimize.minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
        p1 = p0 + gap
        variance = (p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * (n1 + n0) / (n1 + n0 - 1)
        return float((x1 / n1 - x0 / n0 - gap) / math.sqrt(variance))

    effect = x1 / n1 - x0 / n0
    low = optimize.brentq(lambda gap: statistic(gap) - wanted, effect - 0.2, effect, xtol=1e-10)
    high = optimize.brentq(lambda gap: statistic(gap) + wanted, effect, effect + 0.2, xtol=1e-10)
    return low, high


def test_thumbs_by_day_are_the_score_interval_of_the_raw_counts(root: Path) -> None:
    totals: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0, 0])
    with (root / "data/exports/thumbs_daily/brief-v2.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            arm = {"brief-v1": "old", "brief-v2": "new"}.get(row["variant"])
            if arm:
                some = totals[arm, date.fromisoformat(row["day"])]
                for place, name in enumerate(("shown", "rated", "thumbs_up")):
                    some[place] += int(row[name])
    cells = tuple(
        FeedbackCell(arm, (), day, shown, False, Moments(n, up / n, up * (1 - up / n), d_mean=1.0, d_m2=0.0, yd=0.0))
        for (arm, day), (shown, n, up) in totals.items()
    )
    found = course(signal("feedback"), evidence(feedback=cells), "per_response")
    days = sorted({day for _, day in totals})
    assert [point.day for point in found.points] == days
    for place in (0, len(days) // 2, len(days) - 1):
        sums = [np.sum([totals[arm, day] for day in days[: place + 1]], axis=0) for arm in ("old", "new")]
        (_, n0, x0), (_, n1, x1) = sums
        one = found.points[place].estimate
        assert one.effect == pytest.approx(x1 / n1 - x0 / n0, abs=1e-12)
        assert (one.low, one.high) == pytest.approx(score_bounds(int(x1), int(n1), int(x0), int(n0)), abs=2e-6)


def test_the_last_day_is_the_reading_of_a_judge_that_people_correct() -> None:
    """Corrected within segments, so these have to be asked for on every day."""
    rng = np.random.default_rng(5)
    at = datetime(2026, 11, 3, 12, tzinfo=UTC)
    scores, human = [], []
    for k in range(160):
        plan, when = ("free", "pro")[k % 2], at + timedelta(days=k % 4)
        for arm in ("old", "new"):
            score = float(np.clip(0.5 + 0.1 * (arm == "new") + rng.normal(0, 0.15), 0, 1))
            scores.append(
                ItemScore(f"{k}{arm}", str(k), arm, "j", score, fingerprint="v1", at=when, segment=(("plan", plan),))
            )
            if k < 100:
                given = float(np.clip(0.5 + 0.04 * (arm == "new") * (plan == "pro") + rng.normal(0, 0.1), 0, 1))
                human.append(rating(k, "r1", arm, given, at=when))
    judge = signal("judge", estimate="corrected", segments=("plan",))
    given_evidence = evidence(scores=tuple(scores), human=tuple(human))
    found = course(judge, given_evidence, "corrected")
    assert [f"{point.day:%d}" for point in found.points] == ["03", "04", "05", "06"]
    assert found.points[-1].estimate == measure(judge, given_evidence).estimates["corrected"]
    assert "stratified by plan" in found.points[-1].estimate.method
    assert found.points[1].estimate.n_control == 80  # of the items scored by the second day


def test_a_panel_counts_the_answers_given_by_the_end_of_each_day() -> None:
    panel = signal("panel")
    given = evidence(ratings=tuple(grades()))
    found = course(panel, given, "raw")
    assert len(found.points) == 10
    early = tuple(one for one in given.ratings if one.at is not None and one.at.date() <= found.points[2].day)
    assert found.points[2].estimate == measure(panel, evidence(ratings=early)).estimates["raw"]
    assert found.points[-1].estimate == measure(panel, given).estimates["raw"]


def test_planned_looks_give_no_interval_before_the_first_and_keep_it_between() -> None:
    rng = np.random.default_rng(2)
    rows = daily(rng, 8, 400, shift=1.0)
    given = evidence(
        outcomes=tuple(cell(day, arm, part) for arm, parts in rows.items() for day, part in enumerate(parts))
    )
    looks = (START + timedelta(days=3), START + timedelta(days=8))
    planned = signal("experiment", metric=Metric("converted", "mean"), looks=looks)
    found = course(planned, given, "raw")
    assert found.band == "planned looks"
    made = [point.estimate for point in found.points]
    # The look of the 5th takes the units that began before it, and these are all there when the 4th is over.
    assert [one.low is None for one in made[:4]] == [True, True, False, False]
    assert made[0].refused is not None
    assert "first planned look" in made[0].refused
    assert (
        made[4].effect
        == made[5].effect
        == pytest.approx(np.concatenate(rows["new"][:3]).mean() - np.concatenate(rows["old"][:3]).mean())
    )


def test_a_ratio_grows_by_day() -> None:
    rng = np.random.default_rng(4)
    cells, sums = [], {"old": [0.0, 0.0], "new": [0.0, 0.0]}
    for day in range(3):
        for arm in ("old", "new"):
            d = rng.poisson(5, 300) + 1.0
            y = d * (0.3 + 0.05 * (arm == "new")) + rng.normal(0, 1, 300)
            sums[arm][0] += y.sum()
            sums[arm][1] += d.sum()
            moments = Moments(
                300, y.mean(), ((y - y.mean()) ** 2).sum(), d_mean=d.mean(), d_m2=((d - d.mean()) ** 2).sum(),
                yd=((y - y.mean()) * (d - d.mean())).sum(),
            )  # fmt: skip
            cells.append(OutcomeCell("converted", arm, (), START + timedelta(days=day), moments))
    found = course(signal("experiment", metric=Metric("converted", "ratio")), evidence(outcomes=tuple(cells)), "raw")
    wanted = sums["new"][0] / sums["new"][1] - sums["old"][0] / sums["old"][1]
    assert found.points[-1].estimate.effect == pytest.approx(wanted, rel=1e-9)


def two(**fields: object) -> tuple[OutcomeCell, ...]:
    values = np.array([0.0, 1.0] * 50)
    return tuple(cell(day, arm, values, **fields) for arm in ("old", "new") for day in (0, 1))


UNDATED = tuple(replace(one, day=None) if one.variant == "new" else one for one in two())
QUANTILE = signal("experiment", metric=Metric("converted", "quantile", 0.9))
CELLS = tuple(QuantileCell("converted", arm, (), 0.9, 500, 2.0, (1.0,), (3.0,)) for arm in ("old", "new"))


@pytest.mark.parametrize(
    ("asked", "fields", "why"),
    [
        (signal("experiment"), {"outcomes": UNDATED}, "not all of the evidence says when it is from"),
        (signal("experiment"), {"outcomes": two(counted="clusters")}, "clusters have no day of their own"),
        (
            signal("experiment"),
            {"outcomes": tuple(one for one in two() if one.day == START)},
            "all evidence is of one day",
        ),
        (signal("experiment"), {}, "there is no evidence"),
        (QUANTILE, {"quantiles": CELLS}, "quantiles do not add up"),
        (signal("panel"), {"preferences": (preference(1, "r", "left"),)}, "map `at`"),
    ],
)
def test_evidence_without_days_has_no_course(asked: Signal, fields: dict[str, object], why: str) -> None:
    found = course(asked, evidence(**fields), "raw")
    assert not found.points
    assert why in found.why_not


def test_a_long_course_is_thinned_with_its_ends_kept() -> None:
    values = np.array([0.0, 1.0] * 40)
    days = 3 * MOST_POINTS
    cells = tuple(cell(day, arm, values) for arm in ("old", "new") for day in range(days))
    found = course(signal("experiment"), evidence(outcomes=cells), "raw")
    assert found.days == days
    assert len({point.day for point in found.points}) == MOST_POINTS
    assert (found.points[0].day, found.points[-1].day) == (START, START + timedelta(days=days - 1))
