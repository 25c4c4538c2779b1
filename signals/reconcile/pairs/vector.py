"""The numbers of a pair as one vector: linear combinations of them, on one scale, with their errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from signals.model import Interval, PairNumbers
from signals.stats.student import critical, two_sided

Row = tuple[float, ...]
"""Coefficients of a linear combination of the pair's values."""

EXACT = 1e-12
"""Of the sizes that a sum is made of: what it leaves below this is their last digits, and is 0."""


@dataclass(frozen=True)
class Line:
    """The line of past releases at the first signal's corrected number: where it begins, and how sure it is there."""

    intercept: float
    variance: float
    df: float | None


@dataclass(frozen=True)
class Vector:
    """The pair's values, and linear combinations of them with their errors."""

    numbers: PairNumbers
    factors: tuple[float, float]  # per side: orientation, over what one unit of the scale is in the signal's own
    confidence: float
    line: Line | None = None

    def scaled(self, scales: tuple[float, float]) -> Vector:
        """The same on the pair's scale."""
        factors = self.factors[0] / scales[0], self.factors[1] / scales[1]
        return replace(self, factors=factors)

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

    @property
    def corrected(self) -> tuple[Row, Row]:
        """Both signals' benefits as all their corrections leave them."""
        first, second = self.start, self.end
        for place, one in enumerate(self.numbers.corrections):
            if one.signal == self.numbers.signal:
                first = minus(first, self.part(place))
            else:
                second = plus(second, self.part(place))
        return first, second

    def value(self, row: Row, lines: int = 0) -> float:
        """The combination's value; ``lines`` is how often the line of past releases is added to it."""
        values = [c * v for c, v in zip(row, self.numbers.values, strict=True)]
        found = math.fsum([*values, lines * self.line.intercept] if self.line else values)
        return found if abs(found) > EXACT * self._size else 0.0

    def error(self, row: Row, lines: int = 0) -> tuple[float, float | None]:
        """Its standard error, and degrees of freedom: each sample's (or side's), combined after Satterthwaite."""
        covariance = self.numbers.covariance
        cut = self.cut
        squared = _form(row, covariance, 0, len(row))
        own = [max(0.0, _form(row, covariance, *span)) for span in ((0, cut), (cut, len(row)))]
        free = [self.numbers.df[0], self.numbers.df[-1]]
        if squared <= EXACT * self._floor(row):  # errors that cancel leave their last digits
            squared = 0.0
        if self.numbers.samples:
            own = [max(0.0, _form(row, one.covariance, 0, len(row))) for one in self.numbers.samples]
            free = [one.df for one in self.numbers.samples]
        if self.line and lines:
            squared += lines**2 * self.line.variance
            own, free = [*own, lines**2 * self.line.variance], [*free, self.line.df]
        lost = sum(part**2 / df for part, df in zip(own, free, strict=True) if df)
        whole = sum(own)
        return math.sqrt(squared), None if lost <= 0.0 else max(1.0, whole**2 / lost)

    def opposed(self, row: Row) -> float:
        """Its standard error if the errors of the two sides went against each other entirely: it cannot be larger."""
        spans = (0, self.cut), (self.cut, len(row))
        return sum(math.sqrt(max(0.0, _form(row, self.numbers.covariance, *span))) for span in spans)

    def interval(self, row: Row, lines: int = 0) -> Interval:
        """The combination with its interval; a number without any error has none, and is no certainty either."""
        value = self.value(row, lines)
        se, df = self.error(row, lines)
        if se == 0.0:
            return Interval(value, None, None)
        half = critical(self.confidence, df) * se
        return Interval(value, value - half, value + half)

    def p_value(self, row: Row, lines: int = 0) -> float:
        """Two-sided, of the combination being 0."""
        value, (se, df) = self.value(row, lines), self.error(row, lines)
        if value == 0.0:
            return 1.0
        return two_sided(value / se, df) if se > 0.0 else 0.0

    def _floor(self, row: Row) -> float:
        """The variances of the numbers of the sides that a combination is made of."""
        cut, last = self.cut, len(row) - 1
        covariance = self.numbers.covariance
        touched = ((0, any(row[:cut])), (last, any(row[cut:])))
        return sum(_form(self.unit(place), covariance, 0, last + 1) for place, yes in touched if yes)

    @property
    def _size(self) -> float:
        """Of the largest of the pair's values, as benefit on the scale."""
        factors = (self.factors[place >= self.cut] for place in range(len(self.numbers.values)))
        return max(abs(factor * value) for factor, value in zip(factors, self.numbers.values, strict=True))


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
