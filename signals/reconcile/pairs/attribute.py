"""The numbers of a pair -> its diagnosis: which causes carry the gap, what is chance, what stays unexplained.

Every cause is a linear combination of the pair's numbers, so parts add up to the gap exactly, and each has an interval
from the same joint covariance. A cause is blamed when its part is told from zero with all causes of the pair taken
together (Holm 1979, Scandinavian Journal of Statistics 6:65-70), so that a pair without any cause is blamed for one in
at most 5 % of releases. What is not told from zero is chance: it is summed under ``noise``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from signals.model import CAUSES, Cause, Correction, Interval, PairNumbers, Reading, Reconciliation, Signal
from signals.reconcile.pairs.vector import Line, Row, Vector, minus, plus
from signals.reconcile.pairs.words import story
from signals.words import bounds, number

NONE = Interval(None, None, None)
PEOPLE: frozenset[str] = frozenset({"judge", "panel"})
USERS: frozenset[str] = frozenset({"experiment", "feedback"})


@dataclass(frozen=True)
class Expected:
    """What past releases let one expect of the second signal, given the first one's corrected number.

    ``against = intercept + slope * first``, both as benefits on the pair's scale.

    Attributes:
        intercept: In units of the pair's scale.
        slope: Of the denoised relation.
        covariance: Of (intercept, slope), shape (2, 2).
        df: Degrees of freedom of their errors; None: normal.
        evidence: One clause: how many releases, how often they went together.
        reach: Least and greatest benefit of the first signal that they had; beyond them the line is a guess.
    """

    intercept: float
    slope: float
    covariance: tuple[tuple[float, float], tuple[float, float]]
    df: float | None
    evidence: str
    reach: tuple[float, float] = (-math.inf, math.inf)


def attribute(
    numbers: PairNumbers,
    signals: Mapping[str, Signal],
    readings: Mapping[str, Reading],
    history: Expected | Correction | None = None,
) -> Reconciliation:
    """Diagnose one pair.

    Args:
        numbers: Of the pair.
        signals: As the policy declares them: the confidence of intervals is that of the signal to be explained.
        readings: Of the release; units, margins and orientation are theirs.
        history: What past releases say of the pair, or why they say nothing.
    """
    one, two = readings[numbers.signal], readings[numbers.against]
    confidence = signals[numbers.signal].confidence
    unit, scales, why_not = scale_of(one, two, one_scale=numbers.one_scale)
    vector = Vector(numbers, (_sign(one), _sign(two)), confidence)
    causes = [_cause(vector, place, one, two) for place in range(len(numbers.corrections))]
    refused = [
        Cause(r.cause, r.signal, evidence=r.evidence, refused=r.refused, remedy=r.remedy) for r in numbers.refused
    ]
    said = (one.state, two.state)
    scaled = vector.scaled(scales)
    if isinstance(history, Expected) and not why_not:
        history = _within(scaled, history, one.signal, unit)
    if isinstance(history, Correction):
        refused.append(
            Cause("construct", "", evidence=history.evidence, refused=history.refused, remedy=history.remedy)
        )
    if why_not:
        found = Reconciliation(
            one.signal, two.signal, said, "", NONE, NONE, NONE, (*causes, *refused), numbers.carriers,
            refused=why_not,
        )  # fmt: skip
        return replace(found, story=story(found, readings))
    gap = scaled.interval(scaled.gap)
    if isinstance(history, Expected):
        scaled = replace(scaled, line=_line(scaled, history))
    parts = _parts(scaled, causes, history if isinstance(history, Expected) else None)
    same_users = {one.kind, two.kind} <= USERS
    rows = [*_apportioned(scaled, parts, gap.value or 0.0, confidence, same_users=same_users), *refused]
    rows.sort(key=lambda row: (_ORDER[row.name], row.signal != one.signal))
    found = Reconciliation(
        one.signal,
        two.signal,
        said,
        unit,
        scaled.interval(scaled.start),
        scaled.interval(scaled.end),
        gap,
        tuple(_units(row, unit) for row in rows),
        numbers.carriers,
    )
    return replace(found, story=story(found, readings))


_ORDER = {name: place for place, name in enumerate(CAUSES)}


def scale_of(one: Reading, two: Reading, *, one_scale: bool = True) -> tuple[str, tuple[float, float], str]:
    """The unit that a gap between two signals is measured in, what one of it is in each signal's own, or why not.

    Judges and panels on one scale share its unit. Others have nothing in common but what their owners declared worth
    acting on: their margins.
    """
    if {one.kind, two.kind} <= PEOPLE and one.unit == two.unit and one_scale:
        return one.unit, (1.0, 1.0), ""
    for reading in (one, two):
        if not reading.margin:
            grade = "" if one_scale else "the two grade on different scales, and "
            why = f"{grade}{reading.signal} has no margin, so the two numbers have no common scale: declare one"
            return "", (1.0, 1.0), why
    return "margins", (one.margin or 1.0, two.margin or 1.0), ""


def _sign(reading: Reading) -> float:
    return 1.0 if reading.better == "higher" else -1.0


def _cause(vector: Vector, place: int, one: Reading, two: Reading) -> Cause:
    """A correction in the unit of its own signal."""
    correction = vector.numbers.corrections[place]
    reading = one if correction.signal == one.signal else two
    row = vector.part(place)
    return Cause(
        correction.cause,
        correction.signal,
        quantity=vector.interval(row),
        unit=reading.unit,
        p_value=vector.p_value(row),
        evidence=correction.evidence,
    )


def _within(scaled: Vector, history: Expected, signal: str, unit: str) -> Expected | Correction:
    """What past releases say, unless the signal's corrected number is one that none of them had."""
    x, (low, high) = scaled.value(scaled.corrected[0]), history.reach
    if low <= x <= high:
        return history
    had = f"{bounds(low, high, unit)} {unit}"
    why = f"{signal} was at {had} in past releases, and corrected it is now at {number(x, unit, signed=True)}"
    return Correction("construct", "", history.evidence, why)


def _line(scaled: Vector, history: Expected) -> Line:
    """What past releases add to the slope times the first signal's corrected number, and its error there."""
    first = scaled.corrected[0]
    x, (se, _) = scaled.value(first), scaled.error(first)
    variance = sum(history.covariance[i][j] * x ** (i + j) for i in range(2) for j in range(2))
    # The slope is in doubt where the true number lies, not only where it was measured.
    return Line(history.intercept, max(0.0, variance) + history.covariance[1][1] * se**2, history.df)


@dataclass(frozen=True)
class _Part:
    """A summand of the gap on the pair's scale: a combination of the pair's values, and of the line of past releases.

    ``lines`` is how often that line counts: -1 in what past releases explain, 1 in what they leave.
    """

    cause: Cause
    row: Row
    lines: int = 0


def _parts(scaled: Vector, causes: Sequence[Cause], history: Expected | None) -> list[_Part]:
    """One per correction, then what past releases explain, then the rest; they sum to the gap."""
    parts = [_Part(cause, scaled.part(place)) for place, cause in enumerate(causes)]
    first, second = scaled.corrected
    if history is None:
        return [*parts, _Part(Cause("unexplained", ""), minus(first, second))]
    expected = tuple(history.slope * c for c in first)
    construct = Cause("construct", "", evidence=history.evidence)
    return [
        *parts,
        _Part(construct, minus(first, expected), -1),
        _Part(Cause("unexplained", ""), minus(expected, second), 1),
    ]


def _apportioned(
    scaled: Vector, parts: Sequence[_Part], gap: float, confidence: float, *, same_users: bool
) -> list[Cause]:
    """The parts as causes: those told from zero by themselves, the others together as noise."""
    alpha = 1.0 - confidence
    p_values = [scaled.p_value(part.row, part.lines) for part in parts]
    adjusted = holm(p_values)
    told = [p <= alpha for p in adjusted]
    pool = [part for part, yes in zip(parts, told, strict=True) if not yes]
    pooled = math.fsum(scaled.value(part.row, part.lines) for part in pool)
    rows: list[Cause] = []
    for part, yes, alone, of_all in zip(parts, told, p_values, adjusted, strict=True):
        own = scaled.interval(part.row, part.lines)
        rows.append(
            replace(
                part.cause,
                quantity=part.cause.quantity or own,
                part=own,
                p_value=alone,
                p_adjusted=of_all,
                blamed=yes,
                counts=yes,
                share=(own.value or 0.0) / gap if yes and gap else None,
            )
        )
    whole = scaled.interval(scaled.gap)
    p = _pooled_p(scaled, pool)
    # One more hypothesis beside the parts: at the full level it would be taken for no chance in 5 % of pairs by itself.
    p_adjusted = None if p is None else min(1.0, (1 + len(parts)) * p)
    if len(pool) == 1:  # its sum was tested already
        p, p_adjusted = next((row.p_value, row.p_adjusted) for row in rows if not row.blamed)
    elif p_adjusted is not None and p_adjusted < alpha:
        # Together they are no chance, though none alone is told from it: nobody is blamed, and it is not called noise.
        names = " and ".join(dict.fromkeys(part.cause.name.replace("_", " ") for part in pool))
        rest = next(k for k, row in enumerate(rows) if row.name == "unexplained")
        whole_rest = _together(scaled, [*pool, *([parts[rest]] if rows[rest].counts else [])])
        rows[rest] = replace(
            rows[rest],
            part=whole_rest,
            counts=True,
            share=(whole_rest.value or 0.0) / gap if gap else None,
            evidence=f"{names} together: none of them alone is told from chance",
        )
        pooled, pool = 0.0, []
    rows.append(
        Cause(
            "noise",
            "",
            quantity=whole,
            part=_together(scaled, pool) if pool else Interval(0.0, 0.0, 0.0),
            share=pooled / gap if gap and pool else (0.0 if gap else None),
            p_value=p,
            p_adjusted=p_adjusted,
            blamed=bool(pool) and len(pool) == len(parts),
            counts=True,
            evidence=_width(scaled, same_users=same_users),
        )
    )
    return rows


def _pooled_p(scaled: Vector, pool: Sequence[_Part]) -> float | None:
    """Of the pool's sum being 0; None when it is one part or none, which was tested already."""
    return scaled.p_value(*_sum(pool)) if len(pool) > 1 else None


def _together(scaled: Vector, pool: Sequence[_Part]) -> Interval:
    return scaled.interval(*_sum(pool))


def _sum(pool: Sequence[_Part]) -> tuple[Row, int]:
    """What past releases explain and what they leave share the error of their line: in the sum of both it is gone."""
    return plus(*(part.row for part in pool)), sum(part.lines for part in pool)


def _width(scaled: Vector, *, same_users: bool) -> str:
    away = abs(scaled.value(scaled.gap))
    se, _ = scaled.error(scaled.gap)
    if se == 0.0:
        return "nothing in the evidence varies about the gap, so it has no interval"
    told = f"the gap is {away / se:.1f} standard errors wide"
    if not same_users:
        return told
    # Signals keep no records that would tell how the outcomes of one user go together.
    worst = away / scaled.opposed(scaled.gap)
    return f"{told} if the errors of the two are independent; both may count the same users: at worst {worst:.1f}"


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values with all hypotheses taken together: one is rejected at every level that its own does not exceed."""
    order = sorted(range(len(p_values)), key=lambda k: p_values[k])
    adjusted, most = [1.0] * len(p_values), 0.0
    for rank, k in enumerate(order):
        most = max(most, min(1.0, (len(p_values) - rank) * p_values[k]))
        adjusted[k] = most
    return adjusted


def _units(row: Cause, unit: str) -> Cause:
    return row if row.unit else replace(row, unit=unit)
