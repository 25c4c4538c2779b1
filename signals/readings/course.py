"""A reading day by day: the estimate that votes, had the evidence ended with each day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime

from signals.model import EmbeddingSample, Estimate, Evidence, ItemScore, OutcomeCell, Preference, Rating, Signal
from signals.model.inside import Band, Course, DayPoint
from signals.readings import measure
from signals.words import moment

MOST_POINTS = 60
"""Days of a longer course are thinned out evenly, the first and the last kept: a page shows no more."""

ONE_DAY = "all evidence is of one day, {day}: there is no course to draw"


def course(signal: Signal, evidence: Evidence, voting: str) -> Course:
    """The estimate that votes over the days of its evidence, by the same estimator as the reading.

    Each point takes everything up to the end of its day (UTC): cells by the first day of their units, scores and
    answers by their time. The last one is the reading's own number.

    Args:
        signal: As the policy declares it.
        evidence: Of one release.
        voting: Which of the estimates votes.

    Returns:
        A course without points, and why, where evidence has no days, only one, or a quantile, which does not add up.
    """
    found = _days(signal, evidence)
    if isinstance(found, str):
        return Course(why_not=found)
    if len(found) < 2:
        why = ONE_DAY.format(day=moment(found[0])) if found else "there is no evidence of this release"
        return Course(why_not=why, days=len(found))
    points = [DayPoint(day, _voting(signal, _until(evidence, day), voting)) for day in _thinned(found)]
    return Course(tuple(points), _band(signal), days=len(found))


def _voting(signal: Signal, evidence: Evidence, voting: str) -> Estimate:
    if signal.kind == "experiment":
        from signals.readings.experiment import estimates_of

        found = estimates_of(signal, evidence)
        return found.get(voting) or found["raw"]
    if signal.kind == "drift":
        from signals.readings.drift import distance_of

        return distance_of(signal, evidence)
    # Segments are not asked for; but a judge is corrected by people within them.
    numbers = measure(signal if signal.kind == "judge" else replace(signal, segments=()), evidence)
    return numbers.estimates.get(voting) or numbers.estimates[numbers.voting]


def _band(signal: Signal) -> Band:
    if signal.kind != "experiment" or signal.looks == "fixed":
        return "one look"
    return "any-time" if signal.looks == "continuous" else "planned looks"


def _days(signal: Signal, evidence: Evidence) -> list[date] | str:
    """The days that have evidence of this release, in order; why not, when not all of it has a day."""
    arms = evidence.release.arms
    if signal.metric is not None and signal.metric.type == "quantile":
        return "quantiles do not add up, so a source gives them of all days together: there is no course to draw"
    if signal.kind == "experiment":
        cells = [cell for cell in evidence.outcomes if cell.variant in arms and cell.moments.n]
        if any(cell.counted == "clusters" for cell in cells):
            return "clusters have no day of their own: there is no course to draw"
        return _dated((cell.day for cell in cells), "map `at` (`day` where the source counts) in the source")
    if signal.kind == "feedback":
        given = [cell for cell in evidence.feedback if cell.variant in arms and cell.moments.n]
        return _dated((cell.day for cell in given), "map `at` (`day` where the source counts) in the source")
    if signal.kind == "drift":
        arm = evidence.release.candidate
        return _dated((_day(one.at) for one in evidence.vectors if arm == (one.variant or one.window)), "map `at`")
    if signal.kind == "judge":
        return _dated((_day(one.at) for one in evidence.scores if one.variant in arms), "map `at` in the source")
    ratings = [_day(one.at) for one in evidence.ratings if one.variant in arms]
    choices = [_day(one.at) for one in evidence.preferences if {one.left, one.right} == set(arms)]
    return _dated((*ratings, *choices), "map `at` in the source")


def _dated(days: Iterable[date | None], remedy: str) -> list[date] | str:
    every = list(days)
    known = sorted({day for day in every if day is not None})
    if len(known) < len(set(every)):
        return f"not all of the evidence says when it is from, so there is no course to draw: {remedy}"
    return known


def _day(at: datetime | None) -> date | None:
    return None if at is None else at.astimezone(UTC).date()


def _thinned(days: list[date]) -> list[date]:
    if len(days) <= MOST_POINTS:
        return days
    last = len(days) - 1
    return [days[round(place * last / (MOST_POINTS - 1))] for place in range(MOST_POINTS)]


def _until(evidence: Evidence, day: date) -> Evidence:
    """What was there by the end of the day; what says no day (a traffic mix, an undated grade) was always there."""

    def counts(one: ItemScore | Rating | Preference | EmbeddingSample) -> bool:
        when = _day(one.at)
        return when is None or when <= day

    def began(cell: OutcomeCell) -> bool:
        return cell.day is None or cell.day <= day

    return replace(
        evidence,
        scores=tuple(one for one in evidence.scores if counts(one)),
        vectors=tuple(one for one in evidence.vectors if counts(one)),
        ratings=tuple(one for one in evidence.ratings if counts(one)),
        preferences=tuple(one for one in evidence.preferences if counts(one)),
        human=tuple(one for one in evidence.human if counts(one)),
        outcomes=tuple(cell for cell in evidence.outcomes if began(cell)),
        feedback=tuple(cell for cell in evidence.feedback if cell.day is None or cell.day <= day),
    )
