"""Windows in a row: whether small steps go one way for long.

Each week against the last is noise. The alarm follows all weeks: a cumulative sum of sequential ranks, whose rate of
false alarms over a year of weekly looks is known whatever the shape of the numbers (``stats.alarm``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from signals.model import Measure, OutcomeCell, Signal
from signals.stats.alarm import slow_trend_p
from signals.stats.moments import merge

NAME = "slow_trend_p"
FEWEST_WINDOWS = 10
"""With fewer windows even a row of records alarms hardly."""

A_YEAR = 52
"""Weekly looks that the chance of a false alarm is over."""


def monday(day: date) -> date:
    """The first day of its week."""
    return day - timedelta(days=day.weekday())


def outcome_trend(signal: Signal, kind: str, cells: Sequence[OutcomeCell]) -> Measure:
    """Whether the weekly level of a watched outcome keeps getting worse.

    Args:
        signal: Which way is good.
        kind: Of its metric.
        cells: Of both windows, by day.
    """
    if kind == "quantile":
        return Measure(NAME, None, "quantiles are not known by day")
    weeks: dict[date, list[OutcomeCell]] = defaultdict(list)
    for cell in cells:
        if cell.day is None or cell.counted == "clusters":
            return Measure(NAME, None, "the evidence has no days")
        weeks[monday(cell.day)].append(cell)
    levels = []
    for week in sorted(weeks):
        whole = merge([cell.moments for cell in weeks[week]])
        if kind == "ratio" and not whole.d_mean:
            return Measure(NAME, None, "a week has no denominator")
        levels.append(whole.mean / (whole.d_mean or 1.0) if kind == "ratio" else whole.mean)
    return trend_of([-signal.sign * one for one in levels], "getting worse")


def trend_of(values: Sequence[float], word: str) -> Measure:
    """The measure of values in order of time; rising is what alarms."""
    if len(values) < FEWEST_WINDOWS:
        return Measure(NAME, None, f"{len(values)} windows in a row; at least {FEWEST_WINDOWS} are needed")
    p = slow_trend_p(values, A_YEAR)
    return Measure(NAME, p, f"{len(values)} windows in a row, looked at for {word}")
