"""What the estimators of all kinds share: building estimates, counting what was set aside, times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from signals.model import (
    BOTH_ARMS,
    Estimate,
    Evidence,
    Measure,
    SetAside,
    Signal,
)
from signals.stats.difference import Difference
from signals.words import plural


def estimate(
    difference: Difference,
    method: str,
    confidence: float,
    counts: tuple[int, int],
    *,
    levels: tuple[float | None, float | None] | None = None,
    n_effective: float | None = None,
    warnings: Iterable[str] = (),
) -> Estimate:
    """An estimate with its interval. ``counts`` and ``levels`` are (control, candidate)."""
    control, candidate = levels or (difference.control, difference.candidate)
    return Estimate(
        effect=difference.effect,
        low=difference.low,
        high=difference.high,
        method=method,
        confidence=confidence,
        se=difference.se,
        df=difference.df,
        p_value=difference.p_value,
        control=control,
        candidate=candidate,
        n_control=counts[0],
        n_candidate=counts[1],
        n_effective=n_effective,
        warnings=tuple(warnings),
    )


def refusal(
    why: str,
    confidence: float,
    counts: tuple[int, int],
    *,
    levels: tuple[float | None, float | None] = (None, None),
    method: str = "",
) -> Estimate:
    """No interval, and why. The effect is shown when both levels are known."""
    control, candidate = levels
    effect = None if control is None or candidate is None else candidate - control
    return Estimate(
        effect, None, None, method, confidence, None, None, None, control, candidate, *counts, refused=why
    )  # fmt: skip


def nothing(confidence: float, counts: tuple[int, int]) -> Estimate:
    """No evidence in one arm or in both: what a reading calls ``missing``. ``counts`` are (control, candidate)."""
    if any(counts):
        return refusal(f"no evidence for the {'candidate' if counts[0] else 'control'} arm", confidence, counts)
    return refusal("no evidence for this release", confidence, counts)


def only_raw(signal: Signal, raw: Estimate) -> dict[str, Estimate]:
    """``raw``, and a refusal under the name that votes when the policy lets another one vote.

    The raw number never takes the place of one that was asked for.
    """
    if signal.estimate == "raw":
        return {"raw": raw}
    why = f"the {signal.estimate} estimate cannot be computed yet by this version for {signal.kind} signals; raw can"
    counts = (raw.n_control, raw.n_candidate)
    return {"raw": raw, signal.estimate: refusal(why, signal.confidence, counts) if all(counts) else raw}


class Tray:
    """Rows that an estimator sets aside, counted by reason."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[str, str | None, bool]] = Counter()

    def put(self, why: str, variant: str | None = None, rows: int = 1, *, fault: bool = False) -> None:
        """Set rows aside. ``fault`` when something is wrong with them, not when they are about something else."""
        self._rows[why, variant, fault] += rows

    @property
    def faults(self) -> int:
        """How many faulty rows are in the tray."""
        return sum(rows for (_, _, fault), rows in self._rows.items() if fault)

    def entries(self) -> tuple[SetAside, ...]:
        """Sorted, so that the same evidence gives the same bytes."""
        found = sorted(self._rows.items(), key=lambda entry: (entry[0][0], entry[0][1] or ""))
        return tuple(SetAside(rows, why, variant, fault) for (why, variant, fault), rows in found)


def set_aside_share(evidence: Evidence, kept: int, tray: Tray | None = None) -> Measure:
    """Share of this release's rows that could not be used: first while they were read, then among the ``kept``.

    A fault in a row that names no variant is held against every release of its source. The two shares are compounded:
    a source counts rows, and a reading what they became.
    """
    faulty = sum(entry.rows for entry in evidence.set_aside if entry.fault)
    rows = sum(note.own_rows for note in evidence.sources) or kept
    own = tray.faults if tray else 0
    if not rows + faulty:
        return Measure("max_set_aside", None, "no row was read")
    lost = faulty / (rows + faulty)
    share = 1.0 - (1.0 - lost) * (1.0 - (own / kept if kept else 0.0))
    return Measure("max_set_aside", share, plural(faulty + own, "faulty rows"))


def source_count(evidence: Evidence) -> Measure:
    """Sources that bring units of this release. Moments keep no ids: a unit that is in two sources counts twice."""
    names = _with_units(evidence)
    if not evidence.sources:
        return Measure("max_sources", None, "the sources are not known")
    together = " and ".join(names)
    return Measure(
        "max_sources",
        float(len(names)),
        f"{together}: a unit that is in both counts twice" if len(names) > 1 else together,
    )


def _with_units(evidence: Evidence) -> list[str]:
    """Names of the sources with evidence about the arms; a traffic mix has rows, and none of them is a unit."""
    return [note.name for note in evidence.sources if note.own_rows and note.units != 0]


def both_arms_share(evidence: Evidence, units: int) -> Measure:
    """Share of units that were seen in both arms, of all units of the two arms.

    Readers count such a unit once for each of its arms, and an arm may serve several releases: the lesser of the two
    arms' counts is the most that this pair can share.
    """
    if len(_with_units(evidence)) > 1:
        return Measure("both_arms", None, "a unit is looked for within its source, not across several")
    seen: Counter[str | None] = Counter()
    for entry in evidence.set_aside:
        if entry.why.startswith(BOTH_ARMS):
            seen[entry.variant] += entry.rows if entry.units is None else entry.units
    control, candidate = evidence.release.arms
    twice = min(seen[control], seen[candidate]) + seen[None]
    if not units + twice:
        return Measure("both_arms", None, "there are no units")
    return Measure("both_arms", twice / (units + twice), f"{twice:,} units")


def span(moments: Iterable[datetime | None]) -> tuple[datetime | None, datetime | None]:
    """First and last of the times that are known."""
    known = [moment for moment in moments if moment is not None]
    return (min(known), max(known)) if known else (None, None)


def day_span(days: Iterable[date | None]) -> tuple[datetime | None, datetime | None]:
    """First moment of the first day and last second of the last: a day's cell holds evidence of all of it."""
    known = [day for day in days if day is not None]
    if not known:
        return None, None
    start = datetime.combine(min(known), time.min, tzinfo=UTC)
    return start, datetime.combine(max(known), time.min, tzinfo=UTC) + timedelta(days=1, seconds=-1)


def per_day(count: float, first: datetime | None, last: datetime | None) -> float | None:
    """Count per day over the calendar days from first to last; None without times or within one day."""
    if first is None or last is None:
        return None
    days = (last.date() - first.date()).days + 1
    return count / days if days > 1 else None
