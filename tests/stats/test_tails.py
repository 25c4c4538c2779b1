"""Tails and quantiles without scipy are those of scipy."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from signals.stats.tails import chi_square_tail, critical, normal_cdf, t_cdf, t_quantiles, two_sided_p

FREE = st.floats(1.0, 1e7)


@given(x=st.floats(-37.0, 8.0))
def test_normal(x: float) -> None:
    assert float(normal_cdf(x)) == pytest.approx(float(special.ndtr(x)), rel=1e-12)


@given(df=FREE, x=st.floats(-30.0, 30.0))
def test_t(df: float, x: float) -> None:
    wanted = float(special.stdtr(df, x))
    # scipy's own lose digits far out, and near 0: 1e-9 at x = 2e-8, where the Cauchy distribution is known exactly.
    assert float(t_cdf(df, x)) == pytest.approx(
        wanted, rel=1e-9 if wanted < 1e-30 or abs(x) < 1e-3 else 1e-11, abs=1e-9 if abs(x) < 1e-3 else 1e-250
    )
    if df == 1.0:
        assert float(t_cdf(df, x)) == pytest.approx(0.5 + math.atan(x) / math.pi, rel=1e-12)


@given(df=st.integers(1, 40), x=st.floats(0.0, 300.0))
def test_chi_square(df: int, x: float) -> None:
    assert float(chi_square_tail(df, np.array([x]))[0]) == pytest.approx(float(special.chdtrc(df, x)), rel=1e-11)


@given(confidence=st.floats(0.05, 0.99999), df=st.none() | FREE)
def test_critical(confidence: float, df: float | None) -> None:
    tail = (1.0 - confidence) / 2.0
    wanted = -special.ndtri(tail) if df is None else -special.stdtrit(df, tail)
    assert critical(confidence, df) == pytest.approx(float(wanted), rel=1e-10)
    assert two_sided_p(critical(confidence, df), df) == pytest.approx(1.0 - confidence, rel=1e-9)


def test_many_at_once_are_as_one_by_one() -> None:
    df = np.concatenate([np.linspace(1.0, 5.0, 60), np.geomspace(5.0, 1e6, 60), [1999.9, 2000.0, 2000.1]])
    for tail in (0.3, 0.025, 1e-4):
        many = t_quantiles(df, tail)
        assert many == pytest.approx([critical(1.0 - 2.0 * tail, float(one)) for one in df], rel=1e-9)
    # One call serves any mixture of signs, sizes and degrees of freedom.
    x = np.linspace(-6.0, 6.0, df.size)
    assert t_cdf(df, x) == pytest.approx(special.stdtr(df, x), rel=1e-11)
    assert t_cdf(3.0, x).shape == x.shape


def test_ends() -> None:
    assert chi_square_tail(1, np.array([0.0, np.inf])).tolist() == [1.0, 0.0]
    assert chi_square_tail(4, np.array([0.0])).tolist() == [1.0]
    assert float(t_cdf(3.0, 0.0)) == 0.5
    assert two_sided_p(0.0) == two_sided_p(0.0, 7.0) == 1.0
    assert critical(0.95) == pytest.approx(1.959963984540054, rel=1e-15)
    assert math.isclose(critical(0.95, 1.0), math.tan(math.pi * 0.475), rel_tol=1e-13)  # Cauchy
    for wrong in (0.0, 1.0, 1.5):
        with pytest.raises(ValueError, match="not between 0 and 1"):
            critical(wrong)


def test_scipy_is_not_loaded() -> None:
    code = (
        "import sys, numpy as np; from signals.stats import tails as t; t.critical(0.95, 3.0); t.t_cdf(4.0, 1.0);"
        "t.chi_square_tail(3, np.ones(2)); t.normal_cdf(0.3); assert 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
