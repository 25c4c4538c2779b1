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
from signals.reconcile.pairs.words import story
from signals.stats.student import critical, two_sided

NONE = Interval(None, None, None)
PEOPLE: frozenset[str] = frozenset({"judge", "panel"})


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
    """

    intercept: float
    slope: float
    covariance: tuple[tuple[float, float], tuple[float, float]]
    df: float | None
    evidence: str


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
    unit, scales, why_not = scale_of(one, two)
    vector = _Vector(numbers, (_sign(one), _sign(two)), confidence)
    causes = [_cause(vector, place, one, two) for place in range(len(numbers.corrections))]
    refused = [
        Cause(r.cause, r.signal, evidence=r.evidence, refused=r.refused, remedy=r.remedy) for r in numbers.refused
    ]
    said = (one.state, two.state)
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
    scaled = vector.scaled(scales)
    gap = scaled.interval(scaled.gap)
    parts = _parts(scaled, causes, history if isinstance(history, Expected) else None)
    rows = [*_apportioned(scaled, parts, gap.value or 0.0, confidence), *refused]
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


def scale_of(one: Reading, two: Reading) -> tuple[str, tuple[float, float], str]:
    """The unit that a gap between two signals is measured in, what one of it is in each signal's own, or why not.

    Judges and panels on one scale share its unit. Others have nothing in common but what their owners declared worth
    acting on: their margins.
    """
    if {one.kind, two.kind} <= PEOPLE and one.unit == two.unit:
        return one.unit, (1.0, 1.0), ""
    for reading in (one, two):
        if not reading.margin:
            why = f"{reading.signal} has no margin, so the two numbers have no common scale: declare one"
            return "", (1.0, 1.0), why
    return "margins", (one.margin or 1.0, two.margin or 1.0), ""


Row = tuple[float, ...]
"""Coefficients of a linear combination of the pair's values."""


@dataclass(frozen=True)
class _Vector:
    """The pair's values, and linear combinations of them with their errors."""

    numbers: PairNumbers
    factors: tuple[float, float]  # per side: orientation, over what one unit of the scale is in the signal's own
    confidence: float

    def scaled(self, scales: tuple[float, float]) -> _Vector:
        """The same on the pair's scale."""
        factors = self.factors[0] / scales[0], self.factors[1] / scales[1]
        return _Vector(self.numbers, factors, self.confidence)

    @property
    def cut(self) -> int:
        """Where the second side's values begin."""
        return 1 + sum(one.signal == self.numbers.signal for one in self.numbers.corrections)

    def unit(self, place: int) -> Row:
        """One value alone, as benefit."""
        factor = self.factors[0] if place < self.cut else self.factors[1]
        return tuple(factor if k == place else 0.0 for k in range(len(self.numbers.values)))

    @property
    def start(self) -> Row:
        """The first signal's benefit."""
        return self.unit(0)

    @property
    def end(self) -> Row:
        """The second signal's benefit."""
        return self.unit(len(self.numbers.values) - 1)

    @property
    def gap(self) -> Row:
        """The first signal's benefit minus the second's."""
        return minus(self.start, self.end)

    def part(self, place: int) -> Row:
        """What correction ``place`` takes off the gap."""
        return self.unit(1 + place)

    def value(self, row: Row) -> float:
        """The combination's value."""
        return math.fsum(c * v for c, v in zip(row, self.numbers.values, strict=True))

    def error(self, row: Row) -> tuple[float, float | None]:
        """Its standard error, and degrees of freedom: each sample's (or side's), combined after Satterthwaite."""
        covariance = self.numbers.covariance
        cut = self.cut
        squared = max(0.0, _form(row, covariance, 0, len(row)))
        own = [max(0.0, _form(row, covariance, *span)) for span in ((0, cut), (cut, len(row)))]
        free = [self.numbers.df[0], self.numbers.df[-1]]
        if self.numbers.samples:
            own = [max(0.0, _form(row, one.covariance, 0, len(row))) for one in self.numbers.samples]
            free = [one.df for one in self.numbers.samples]
        lost = sum(part**2 / df for part, df in zip(own, free, strict=True) if df)
        whole = sum(own)
        return math.sqrt(squared), None if lost <= 0.0 else max(1.0, whole**2 / lost)

    def interval(self, row: Row) -> Interval:
        """The combination with its interval; without error it is a point."""
        value = self.value(row)
        se, df = self.error(row)
        half = critical(self.confidence, df) * se
        return Interval(value, value - half, value + half)

    def p_value(self, row: Row) -> float:
        """Two-sided, of the combination being 0."""
        value, (se, df) = self.value(row), self.error(row)
        # What is 0 but for the last digits of a sum is 0, not infinitely significant.
        size = max(abs(self.value(self.unit(place))) for place in range(len(row)))
        if abs(value) <= 1e-12 * size:
            return 1.0
        return two_sided(value / se, df) if se > 1e-12 * size else 0.0


def _form(row: Row, covariance: Sequence[Sequence[float]], first: int, last: int) -> float:
    return math.fsum(
        row[i] * row[j] * covariance[i][j] for i in range(first, last) for j in range(first, last) if row[i] and row[j]
    )


def plus(*rows: Row) -> Row:
    """The sum of combinations."""
    return tuple(math.fsum(column) for column in zip(*rows, strict=True))


def minus(one: Row, two: Row) -> Row:
    """The difference of two combinations."""
    return tuple(a - b for a, b in zip(one, two, strict=True))


def _sign(reading: Reading) -> float:
    return 1.0 if reading.better == "higher" else -1.0


def _cause(vector: _Vector, place: int, one: Reading, two: Reading) -> Cause:
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


@dataclass(frozen=True)
class _Part:
    """A summand of the gap on the pair's scale."""

    cause: Cause
    value: float
    interval: Interval
    p_value: float
    row: Row | None  # None: it is not a combination of the pair's values alone
    extra: float = 0.0  # variance that does not come from them


def _parts(scaled: _Vector, causes: Sequence[Cause], history: Expected | None) -> list[_Part]:
    """One per correction, then what past releases explain, then the rest; they sum to the gap."""
    rows = [scaled.part(place) for place in range(len(causes))]
    parts = [
        _Part(cause, scaled.value(row), scaled.interval(row), scaled.p_value(row), row)
        for cause, row in zip(causes, rows, strict=True)
    ]
    rest = minus(scaled.gap, plus(*rows)) if rows else scaled.gap
    if history is None:
        parts.append(
            _Part(Cause("unexplained", ""), scaled.value(rest), scaled.interval(rest), scaled.p_value(rest), rest)
        )
        return parts
    # The first signal as all its corrections leave it, and the second: rest = first - second.
    end = scaled.end
    for place, cause in enumerate(causes):
        if cause.signal == scaled.numbers.against:
            end = plus(end, scaled.part(place))
    first = plus(rest, end)
    x = scaled.value(first)
    doubt = sum(
        history.covariance[i][j] * x ** (i + j) for i in range(2) for j in range(2)
    )  # fmt: skip
    expected = tuple(history.slope * c for c in first)
    for cause, row, shift in (
        (Cause("construct", "", evidence=history.evidence), minus(first, expected), -history.intercept),
        (Cause("unexplained", ""), minus(expected, end), history.intercept),
    ):
        value = scaled.value(row) + shift
        se, df = scaled.error(row)
        whole = math.sqrt(se**2 + doubt)
        if history.df is not None and whole > 0.0:
            lost = (se**4 / df if df else 0.0) + doubt**2 / history.df
            df = max(1.0, whole**4 / lost) if lost > 0.0 else None
        half = critical(scaled.confidence, df) * whole
        p = two_sided(value / whole, df) if whole > 0.0 else float(value == 0.0)
        parts.append(_Part(cause, value, Interval(value, value - half, value + half), p, None, doubt))
    return parts


def _apportioned(scaled: _Vector, parts: Sequence[_Part], gap: float, confidence: float) -> list[Cause]:
    """The parts as causes: those told from zero by themselves, the others together as noise."""
    alpha = 1.0 - confidence
    told = _holm([part.p_value for part in parts], alpha)
    pool = [part for part, yes in zip(parts, told, strict=True) if not yes]
    pooled, moved = math.fsum(part.value for part in pool), False
    rows: list[Cause] = []
    for part, yes in zip(parts, told, strict=True):
        rows.append(
            replace(
                part.cause,
                quantity=part.cause.quantity or part.interval,
                part=part.interval,
                p_value=part.p_value,
                blamed=yes,
                counts=yes,
                share=part.value / gap if yes and gap else None,
            )
        )
    whole = scaled.interval(scaled.gap)
    p = _pooled_p(scaled, pool)
    # One more hypothesis beside the parts: at the full level it would be taken for no chance in 5 % of pairs by itself.
    if p is not None and p < alpha / (1 + len(parts)):
        # Together they are no chance, though none alone is told from it: nobody is blamed, and it is not called noise.
        names = " and ".join(dict.fromkeys(part.cause.name.replace("_", " ") for part in pool))
        rest = next(k for k, row in enumerate(rows) if row.name == "unexplained")
        own = rows[rest].part if rows[rest].counts else None
        value = pooled + ((own.value or 0.0) if own else 0.0)
        rows[rest] = replace(
            rows[rest],
            part=_together(scaled, [*pool, *([parts[rest]] if own else [])], value),
            counts=True,
            share=value / gap if gap else None,
            evidence=f"{names} together: none of them alone is told from chance",
        )
        pooled, pool, moved = 0.0, [], True
    rows.append(
        Cause(
            "noise",
            "",
            quantity=whole,
            part=_together(scaled, pool, pooled) if pool else Interval(0.0, 0.0, 0.0),
            share=pooled / gap if gap and pool else (0.0 if gap else None),
            p_value=scaled.p_value(scaled.gap),
            blamed=bool(pool) and len(pool) == len(parts),
            counts=True,
            evidence=_chance(scaled, pool, moved=moved),
        )
    )
    return rows


def _pooled_p(scaled: _Vector, pool: Sequence[_Part]) -> float | None:
    """Of the pool's sum being 0; None when it is one part or none, which was tested already."""
    if len(pool) < 2 or any(part.row is None for part in pool):
        return None
    return scaled.p_value(plus(*(part.row for part in pool if part.row is not None)))


def _together(scaled: _Vector, pool: Sequence[_Part], value: float) -> Interval:
    rows = [part.row for part in pool if part.row is not None]
    if not rows or len(rows) < len(pool):
        return Interval(value, None, None)
    found = scaled.interval(plus(*rows))
    return Interval(value, found.low, found.high)


def _chance(scaled: _Vector, pool: Sequence[_Part], *, moved: bool) -> str:
    names = list(dict.fromkeys(part.cause.name for part in pool))
    se, _ = scaled.error(scaled.gap)
    away = abs(scaled.value(scaled.gap)) / se if se > 0.0 else math.inf
    told = f"the gap is {away:.1f} standard errors wide" if math.isfinite(away) else "the gap has no error"
    if moved:
        return f"{told}; what is not told from chance by itself is no chance as a sum"
    if not pool:
        return f"{told}; every part of it is told from chance"
    if names == ["unexplained"]:
        return f"{told}; what the causes leave is within chance"
    return f"{told}; not told from chance: {', '.join(name.replace('_', ' ') for name in names)}"


def _holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses are rejected with all taken together."""
    order = sorted(range(len(p_values)), key=lambda k: p_values[k])
    told = [False] * len(p_values)
    for rank, k in enumerate(order):
        if p_values[k] > alpha / (len(p_values) - rank):
            break
        told[k] = True
    return told


def _units(row: Cause, unit: str) -> Cause:
    return row if row.unit else replace(row, unit=unit)
