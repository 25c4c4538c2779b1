"""Student's t of the standard library against scipy's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from signals.stats.student import critical, two_sided


@given(st.floats(-40, 40), st.floats(0.5, 1e6))
def test_p_values_are_those_of_scipy(statistic: float, df: float) -> None:
    assert two_sided(statistic, df) == pytest.approx(2 * stats.t.sf(abs(statistic), df), rel=1e-8, abs=1e-14)


@given(st.floats(0.01, 0.9999), st.floats(0.8, 1e6))
def test_critical_values_are_those_of_scipy(confidence: float, df: float) -> None:
    assert critical(confidence, df) == pytest.approx(stats.t.ppf((1 + confidence) / 2, df), rel=1e-7)


@given(st.floats(-8, 8))
def test_without_degrees_of_freedom_it_is_normal(statistic: float) -> None:
    assert two_sided(statistic) == pytest.approx(2 * stats.norm.sf(abs(statistic)), rel=1e-10)
    assert two_sided(statistic, 1e9) == two_sided(statistic)


def test_ends() -> None:
    assert two_sided(math.inf, 5.0) == 0.0
    assert two_sided(math.nan) == 1.0
    assert two_sided(0.0, 3.0) == 1.0
    assert critical(0.95) == pytest.approx(1.959963984540054)
    for wrong in (0.0, 1.0):
        with pytest.raises(ValueError, match="not between"):
            critical(wrong)
    with pytest.raises(ValueError, match="degrees of freedom"):
        critical(0.9, 0.0)
