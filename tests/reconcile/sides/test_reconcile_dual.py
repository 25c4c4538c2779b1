from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.reconcile.sides.dual import Dual, greater, lesser, total

STEP = 1e-6


def duals(values: Any) -> list[Dual]:
    return [Dual(float(value), slope) for value, slope in zip(values, np.eye(len(values)), strict=True)]


FORMULAS: list[Any] = [
    lambda a, b, c: a + b - c,
    lambda a, b, c: a * b * c,
    lambda a, b, c: a / b + 2.0 * c - 1.5,
    lambda a, b, c: (a - 3.0) * (b / (a + c)) / 7.0,
    lambda a, b, c: total([a, b * b, c]) / total([a, b]),
    lambda a, b, c: lesser(a * b, c * 9.0) + greater(a / b, c),
]  # fmt: skip


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.floats(0.5, 4.0), min_size=3, max_size=3), st.sampled_from(range(len(FORMULAS))))
def test_slopes_are_those_of_small_steps(values: list[float], which: int) -> None:
    formula = FORMULAS[which]
    found = formula(*duals(values))
    if which == len(FORMULAS) - 1 and abs(values[0] * values[1] - 9.0 * values[2]) < 1e-3:
        return  # at the kink there is no slope
    if which == len(FORMULAS) - 1 and abs(values[0] / values[1] - values[2]) < 1e-3:
        return
    for place in range(3):
        up, down = list(values), list(values)
        up[place] += STEP
        down[place] -= STEP
        ends = [formula(*duals(some)).value for some in (up, down)]
        assert found.slope[place] == pytest.approx((ends[0] - ends[1]) / (2 * STEP), rel=1e-5, abs=1e-6)


def test_nothing_has_no_sum() -> None:
    with pytest.raises(ValueError, match="nothing to add"):
        total([])
    one, zero = duals([1.0, 0.0])
    with pytest.raises(ZeroDivisionError):
        one / zero
