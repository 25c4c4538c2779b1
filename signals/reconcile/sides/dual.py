"""Numbers that carry their slopes: what an estimate would change by if one total of the evidence changed.

Dual numbers (forward-mode automatic differentiation: Wengert 1964, Communications of the ACM 7:463). The delta method
needs the slopes of every estimator under every combination of corrections; written by hand they would be the place
where errors hide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Dual:
    """A number and its slopes.

    Attributes:
        value: The number.
        slope: Its partial derivatives, shape (totals,).
    """

    value: float
    slope: NDArray[np.float64]

    def __add__(self, other: Dual | float) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value + other.value, self.slope + other.slope)
        return Dual(self.value + other, self.slope)

    def __sub__(self, other: Dual | float) -> Dual:
        return self + (-1.0) * other if isinstance(other, Dual) else Dual(self.value - other, self.slope)

    def __mul__(self, other: Dual | float) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value * other.value, self.value * other.slope + other.value * self.slope)
        return Dual(self.value * other, self.slope * other)

    def __truediv__(self, other: Dual | float) -> Dual:
        """The quotient.

        Raises:
            ZeroDivisionError: As floats do.
        """
        if isinstance(other, Dual):
            ratio = self.value / other.value
            return Dual(ratio, (self.slope - ratio * other.slope) / other.value)
        return Dual(self.value / other, self.slope / other)

    __rmul__ = __mul__


def total(some: Iterable[Dual]) -> Dual:
    """The sum of at least one.

    Raises:
        ValueError: Of none.
    """
    parts = list(some)
    if not parts:
        raise ValueError("nothing to add")
    return Dual(math.fsum(part.value for part in parts), np.sum([part.slope for part in parts], axis=0))


def lesser(one: Dual, two: Dual) -> Dual:
    """The lesser of two, with its own slopes."""
    return one if one.value <= two.value else two


def greater(one: Dual, two: Dual) -> Dual:
    """The greater of two, with its own slopes."""
    return one if one.value >= two.value else two
