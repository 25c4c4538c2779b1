"""The measured checks of an experiment, before any threshold."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from signals.model import INCOMPLETE, Estimate, Evidence, Measure, Moments, OutcomeCell, Signal
from signals.readings.common import both_arms_share, source_count
from signals.readings.experiment_effect import Arm, arm_of
from signals.readings.experiment_routes import route_checks
from signals.readings.slow_trend import NAME as SLOW_TREND
from signals.readings.slow_trend import outcome_trend
from signals.stats.cuped import balance
from signals.stats.difference import RefusedError
from signals.stats.moments import merge, variance
from signals.stats.skew import difference_skewness, leverage
from signals.stats.srm import part_p, sample_ratio_p, sequential_p
from signals.stats.trend import FEWEST_DAYS, weighted_trend

ENOUGH_IN_DAY = 5

OF_THE_SPLIT = (
    "sample_ratio_p", "sample_ratio_sequential_p", "sample_ratio_day_p", "sample_ratio_segment_p", "full_weeks",
    "covariate_balance_p", "novelty_p",
)  # fmt: skip
"""Checks of arms that run side by side, which the windows of a watch do not."""

NOT_SPLIT = "a watch compares windows of time, and nobody is assigned to one"

Cells = Sequence[OutcomeCell]


def measures(
    signal: Signal,
    evidence: Evidence,
    control: Cells,
    candidate: Cells,
    label: Callable[[OutcomeCell, str], str | None],
    voting: Estimate,
    kind: str,
) -> tuple[Measure, ...]:
    """All measures that the cells of both arms allow; ``voting`` gives the standard error that leverage is held to."""
    ours, theirs = arm_of(candidate), arm_of(control)
    share = 0.5 if evidence.release.split is None else evidence.release.split
    clustered = _clustered((*control, *candidate))
    randomised = "clusters" if clustered else "units"
    found = (
        *_sample_ratio(control, candidate, share, randomised),
        _by_segment(signal, control, candidate, label, share),
        source_count(evidence),
        Measure("min_units", min(theirs.members, ours.members), "units in the smaller arm"),
        _min_clusters(theirs.moments, ours.moments, clustered=clustered),
        _full_weeks(control, candidate),
        _both_arms(evidence, control, candidate, ours.members + theirs.members),
        _complete(evidence, ours.members + theirs.members),
        *route_checks(evidence, (*control, *candidate)),
        _leverage(kind, ours, theirs, voting, clustered=clustered),
        _skew(kind, ours.moments, theirs.moments, clustered=clustered),
        _balance(ours.moments, theirs.moments),
        _novelty(kind, control, candidate),
    )
    if evidence.release.kind != "watch":
        return (*found, Measure(SLOW_TREND, None, "the arms ran side by side: only a watch has windows in a row"))
    # Windows of one stream, one after the other: nobody was assigned to either.
    unplanned = tuple(Measure(one.name, None, NOT_SPLIT) if one.name in OF_THE_SPLIT else one for one in found)
    return (*unplanned, outcome_trend(signal, kind, (*control, *candidate)))


def _clustered(cells: Cells) -> bool:
    return bool(cells) and all(cell.counted == "clusters" for cell in cells)


def _sample_ratio(control: Cells, candidate: Cells, share: float, what: str) -> tuple[Measure, Measure, Measure]:
    """The split in total at one look, at any look, and on the worst day."""
    names = ("sample_ratio_p", "sample_ratio_sequential_p", "sample_ratio_day_p")
    n0, n1 = (sum(cell.moments.n for cell in cells) for cells in (control, candidate))
    if not n0 + n1:
        nothing = "there are no units"
        return Measure(names[0], None, nothing), Measure(names[1], None, nothing), Measure(names[2], None, nothing)
    planned = (1.0 - share, share)
    against = "an even split" if share == 0.5 else f"a planned {100 * share:g} % for the candidate"
    text = f"{n0:,} and {n1:,} {what} against {against}"
    total = Measure(names[0], sample_ratio_p([n0, n1], planned), text)
    days = _by_day(control, candidate)
    if isinstance(days, str):
        once = sequential_p([(n0, n1)], planned)
        return total, Measure(names[1], once, f"{text}, as one look: {days}"), Measure(names[2], None, days)
    counts = [(theirs.n, ours.n) for _, theirs, ours in days]
    looks = [(sum(pair[0] for pair in counts[: k + 1]), sum(pair[1] for pair in counts[: k + 1]))
             for k in range(len(counts))]  # fmt: skip
    daily = [part_p(*pair, share) for pair in counts]
    worst = min(range(len(daily)), key=lambda k: (daily[k], k))
    where = f"{days[worst][0]}: {counts[worst][0]:,} and {counts[worst][1]:,} {what}, the worst of {len(daily)} days"
    return (
        total,
        Measure(names[1], sequential_p(looks, planned), f"{text}, looked at on {len(looks)} days"),
        Measure(names[2], min(1.0, len(daily) * daily[worst]), where),
    )


def _by_segment(
    signal: Signal,
    control: Cells,
    candidate: Cells,
    label: Callable[[OutcomeCell, str], str | None],
    share: float,
) -> Measure:
    """The split in the worst segment, corrected for how many there are."""
    name = "sample_ratio_segment_p"
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for dimension in signal.segments:
        for arm, cells in enumerate((control, candidate)):
            for cell in cells:
                value = label(cell, dimension)
                if value is not None:
                    counts[f"{dimension}={value}"][arm] += cell.moments.n
    some = {segment: pair for segment, pair in counts.items() if sum(pair)}
    if not some:
        why = "the evidence has none of the declared segments" if signal.segments else "the signal declares no segments"
        return Measure(name, None, why)
    found = {segment: part_p(pair[0], pair[1], share) for segment, pair in some.items()}
    worst = min(sorted(found), key=lambda segment: found[segment])
    text = f"{worst}: {some[worst][0]:,} and {some[worst][1]:,}, the worst of {len(found)} segments"
    return Measure(name, min(1.0, len(found) * found[worst]), text)


def _min_clusters(control: Moments, candidate: Moments, *, clustered: bool) -> Measure:
    if not clustered:
        return Measure("min_clusters", None, "units were randomised one by one")
    return Measure("min_clusters", min(control.n, candidate.n), "clusters in the smaller arm")


def _both_arms(evidence: Evidence, control: Cells, candidate: Cells, units: int) -> Measure:
    cells = (*control, *candidate)
    if cells and all(cell.counted == "counts" for cell in cells):
        return Measure("both_arms", None, "the source counts outcomes and does not tell which units they are of")
    return both_arms_share(evidence, units)


def _complete(evidence: Evidence, units: int) -> Measure:
    """Share of units whose outcome window has ended: the others were set aside when the source was read."""
    entries = [entry for entry in evidence.set_aside if entry.why.startswith(INCOMPLETE)]
    if not entries:
        return Measure("outcome_complete", None, "no source declares an outcome window")
    waiting = sum(entry.rows if entry.units is None else entry.units for entry in entries)
    if not units + waiting:
        return Measure("outcome_complete", None, "there are no units")
    return Measure("outcome_complete", units / (units + waiting), f"{waiting:,} units still wait for their outcome")


def _leverage(kind: str, ours: Arm, theirs: Arm, voting: Estimate, *, clustered: bool) -> Measure:
    """Standard errors that the effect moves when the most extreme unit is left out."""
    name = "max_outlier_leverage"
    if kind == "quantile":
        return Measure(name, None, "a quantile does not hang on single units")
    if clustered or kind == "ratio":
        what = "of clusters" if clustered else "of ratios"
        return Measure(name, None, f"the extremes {what} are not kept together with their denominators")
    moved = []
    for arm in (ours, theirs):
        least, most = (0.0, 1.0) if kind == "proportion" else (arm.least, arm.most)
        if kind == "proportion" and arm.moments.n:
            # Where no unit has the event there is none to leave out.
            least, most = (0.0 if arm.moments.mean < 1.0 else 1.0), (1.0 if arm.moments.mean > 0.0 else 0.0)
        if least is None or most is None:
            return Measure(name, None, "the evidence does not tell the outcomes of single units")
        moved.append(leverage(arm.moments, least, most))
    if not voting.se or not all(math.isfinite(one) for one in moved):
        return Measure(name, None, "the effect has no standard error")
    arm_name = "candidate" if moved[0] >= moved[1] else "control"
    text = f"leaving out the most extreme unit, of the {arm_name}, moves the effect by {max(moved):.3g}"
    return Measure(name, max(moved) / voting.se, text)


def _skew(kind: str, candidate: Moments, control: Moments, *, clustered: bool) -> Measure:
    name = "max_skew"
    if kind == "proportion" and not clustered:
        return Measure(name, None, "the interval of a proportion allows for it")
    if kind == "quantile":
        return Measure(name, None, "the interval of a quantile allows for it")
    if clustered or kind == "ratio":
        return Measure(name, None, "third moments are kept of the outcome alone, not with its denominator")
    found = difference_skewness(candidate, control)
    if found is None:
        return Measure(name, None, "the evidence has no third moments")
    return Measure(name, abs(found), f"skewness {found:+.2f} of the estimated difference")


def _balance(candidate: Moments, control: Moments) -> Measure:
    name = "covariate_balance_p"
    try:
        found = balance(candidate, control)
    except RefusedError as refused:
        return Measure(name, None, str(refused))
    return Measure(name, found.p_value, f"the covariate differs by {found.effect:+.3g} ± {found.se:.2g}")


def _novelty(kind: str, control: Cells, candidate: Cells) -> Measure:
    """Trend of the daily effects, each weighted by the units behind it; ratios are linearised at the arm's level."""
    name = "novelty_p"
    days = _by_day(control, candidate)
    if kind == "quantile":
        return Measure(name, None, "quantiles are not known by day")
    if isinstance(days, str):
        return Measure(name, None, days)
    wholes = [merge(moments) for moments in zip(*((theirs, ours) for _, theirs, ours in days), strict=True)]
    points: list[tuple[float, float, float]] = []
    for day, *arms in days:
        if min(arm.n for arm in arms) < ENOUGH_IN_DAY:
            continue
        lines = [_line(kind, arm, whole) for arm, whole in zip(arms, wholes, strict=True)]
        if None in lines:
            return Measure(name, None, "the effect has no standard error by day")
        (base, v0), (level, v1) = lines  # type: ignore[misc]  # None was refused above
        # Outside of these bounds the squares of effects and weights leave the floats.
        if 1e-150 < v0 + v1 < 1e150 and abs(level - base) < 1e150:
            points.append((float(day.toordinal()), level - base, v0 + v1))
    found = weighted_trend(*zip(*points, strict=True)) if points else None
    if found is None:
        return Measure(name, None, f"fewer than {FEWEST_DAYS} days have units enough in both arms")
    return Measure(name, found.p_value, f"the effect changes by {found.slope:+.3g} per day over {len(points)} days")


def _line(kind: str, day: Moments, whole: Moments) -> tuple[float, float] | None:
    """One arm's level on one day and its squared standard error, with the spread of the whole arm."""
    if kind != "ratio":
        return day.mean, variance(whole.m2, whole.n) / day.n
    if not whole.d_mean or whole.d_m2 is None or whole.yd is None or day.d_mean is None:
        return None
    ratio = whole.mean / whole.d_mean
    spread = max(0.0, whole.m2 - 2.0 * ratio * whole.yd + ratio * ratio * whole.d_m2)
    level = ratio + (day.mean - ratio * day.d_mean) / whole.d_mean
    return level, variance(spread, whole.n) / whole.d_mean / whole.d_mean / day.n


def _no_days(cells: Cells) -> str | None:
    """Why the days of the cells tell nothing of when their units began; None when they do."""
    if any(cell.counted == "clusters" for cell in cells):
        return "clusters have no day of their own"
    return None if cells and all(cell.day is not None for cell in cells) else "the evidence has no days"


def _by_day(control: Cells, candidate: Cells) -> list[tuple[date, Moments, Moments]] | str:
    """(day, control, candidate), in order of days; why not, when the cells tell no days."""
    why = _no_days((*control, *candidate))
    if why:
        return why
    found: Mapping[date, tuple[list[Moments], list[Moments]]] = defaultdict(lambda: ([], []))
    for arm, cells in enumerate((control, candidate)):
        for cell in cells:
            if cell.day is not None:
                found[cell.day][arm].append(cell.moments)
    return [(day, merge(found[day][0]), merge(found[day][1])) for day in sorted(found)]


def _full_weeks(control: Cells, candidate: Cells) -> Measure:
    """Whole weeks between the first and the last day that both arms have units on."""
    ranges: list[tuple[date, date]] = []
    for cells in (control, candidate):
        why = _no_days(cells)
        if why:
            return Measure("full_weeks", None, why)
        days = [cell.day for cell in cells if cell.day is not None]
        ranges.append((min(days), max(days)))
    start, end = max(low for low, _ in ranges), min(high for _, high in ranges)
    days_both = max(0, (end - start).days + 1)
    return Measure("full_weeks", float(days_both // 7), f"{days_both} days in both arms")
