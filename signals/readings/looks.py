"""How often an experiment is looked at, and how far its interval must reach for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from scipy.special import ndtr, ndtri

from signals.model import OutcomeCell, Signal, SourceNote
from signals.readings.common import Tray
from signals.stats import sequential
from signals.stats.difference import RefusedError
from signals.stats.spending import boundaries, repeated_p
from signals.words import moment


@dataclass(frozen=True)
class Looks:
    """The looks of one experiment.

    Attributes:
        continuous: Looked at whenever someone likes.
        planned: Units of both arms at which the interval is to be narrowest (continuous looks).
        information: Planned looks so far: precision at each, in units.
        shares: Share of the planned information at each, for the spending function.
        until: Units that began on this day or later wait for the next planned look.
        text: For the method's name.
    """

    continuous: bool = False
    planned: float = sequential.PLANNED_UNITS
    information: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    until: date | None = None
    text: str = "one look"

    def once(self, confidence: float) -> float:
        """The confidence of an interval of one look that keeps ``confidence`` over all planned looks.

        Raises:
            RefusedError: When the spending function leaves this look nothing.
        """
        if not self.information:
            return confidence
        reach = boundaries(self.information, 1.0 - confidence, shares=self.shares)[-1]
        level = 1.0 - 2.0 * float(ndtr(-reach))
        if level >= 1.0:
            raise RefusedError(f"it is too early: {self.text} may spend nothing of the error rate yet")
        return level

    def p_value(self, once: float, confidence: float) -> float:
        """The p-value over all planned looks, from that of the last look as if it were the only one."""
        if not self.information:
            return once
        statistic = -float(ndtri(max(once, 1e-300) / 2.0))
        return repeated_p(statistic, self.information, 1.0 - confidence, self.shares)

    def reach(self, units: float, confidence: float, part: float = 1.0) -> float:
        """Standard errors to each side of an interval that is valid at any look; ``part``: share of the plan."""
        return sequential.multiplier(units, confidence, self.planned * part)

    def always_p(self, effect: float, se: float, units: float, confidence: float, part: float = 1.0) -> float:
        """The p-value that goes with ``reach``."""
        return sequential.p_value(effect, se, units, confidence, self.planned * part)


ONE_LOOK = Looks()


def looks_of(
    signal: Signal,
    arms: tuple[Sequence[OutcomeCell], Sequence[OutcomeCell]],
    sources: Sequence[SourceNote],
    tray: Tray,
) -> tuple[tuple[Sequence[OutcomeCell], Sequence[OutcomeCell]], Looks, str | None]:
    """The looks of a signal, the cells that count at the present one, and why there is no look yet.

    With planned dates, a look on a date takes the units whose first day lies before it. It has been reached when a unit
    began on that date or later, or on the day before and every source was pulled after that day had ended. Units that
    began later wait for the next look. The information is the units so far over ``planned_units``, else the elapsed
    share of the days; the last date, or the first look at which the planned units are there, spends what is left.
    Clusters are refused: all of a source carry the day of its newest unit.
    """
    if signal.looks == "fixed":
        return arms, Looks(), None
    if signal.looks == "continuous":
        planned = signal.planned_units or sequential.PLANNED_UNITS
        text = f"valid at any look, narrowest near {planned:,} units"
        return arms, Looks(continuous=True, planned=planned, text=text), None
    if any(cell.counted == "clusters" for cells in arms for cell in cells):
        return arms, Looks(), "planned looks need the day of every unit, and clusters have none of their own"
    days = [cell.day for cells in arms for cell in cells if cell.day is not None]
    if len(days) < sum(map(len, arms)):
        return arms, Looks(), "the evidence has no days, so the planned looks cannot be told apart"
    if not days:
        return arms, Looks(), None
    day_over = all(note.pulled_at.astimezone(UTC).date() > max(days) for note in sources)
    return _planned(signal, signal.looks, arms, tray, (min(days), max(days)), day_over=day_over)


def _planned(
    signal: Signal,
    dates: tuple[date, ...],
    arms: tuple[Sequence[OutcomeCell], Sequence[OutcomeCell]],
    tray: Tray,
    days: tuple[date, date],
    *,
    day_over: bool,
) -> tuple[tuple[Sequence[OutcomeCell], Sequence[OutcomeCell]], Looks, str | None]:
    first, newest = days
    seen = newest + timedelta(days=1) if day_over else newest
    reached = [when for when in dates if first < when <= seen]
    if not reached:
        coming = next((when for when in dates if when > first), dates[-1])
        return arms, Looks(), f"the first planned look is on {moment(coming)}"
    information: list[float] = []
    shares: list[float] = []
    when = reached[0]
    for when in reached:
        sizes = [_units(cells, when) for cells in arms]
        if not all(sizes):
            continue
        # The precision of a difference goes with the harmonic mean of the arms' sizes.
        information.append(2.0 / sum(1.0 / size for size in sizes))
        elapsed = (when - first).days / max(1, (dates[-1] - first).days)
        share = sum(sizes) / signal.planned_units if signal.planned_units else elapsed
        shares.append(1.0 if when == dates[-1] else min(1.0, share))
        if shares[-1] >= 1.0:
            break
    if not information:
        return arms, Looks(), f"no unit of one arm began before the planned look on {moment(when)}"
    kept = tuple([cell for cell in cells if cell.day is not None and cell.day < when] for cells in arms)
    for cells in arms:
        for cell in cells:
            if cell.day is not None and cell.day >= when:
                tray.put(f"began after the planned look on {moment(when)}", cell.variant, members_of(cell))
    grown = [place for place in range(len(information)) if place == 0 or information[place] > information[place - 1]]
    looks = Looks(
        information=tuple(information[place] for place in grown),
        shares=tuple(max(shares[: place + 1]) for place in grown),
        until=when,
        text=f"planned look {dates.index(when) + 1} of {len(dates)} on {moment(when)}",
    )
    return (kept[0], kept[1]), looks, None


def _units(cells: Sequence[OutcomeCell], before: date) -> int:
    return sum(cell.moments.n for cell in cells if cell.day is not None and cell.day < before)


def members_of(cell: OutcomeCell) -> int:
    """How many units a cell holds: where clusters are counted, those in the clusters."""
    return cell.members if cell.counted == "clusters" and cell.members is not None else cell.moments.n
