"""Moments from what DuckDB computed, in a form that two reads of the same input agree on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from signals.model import Moments, SignalsError

AGGREGATES = "count(*), bool_and(y = 0 OR y = 1), bool_and(y = floor(y)), avg(y), var_pop(y)"
COVARIATE = "bool_and(x = floor(x)), avg(x), var_pop(x), covar_pop(x, y)"
DENOMINATOR = "bool_and(d = floor(d)), avg(d), var_pop(d), covar_pop(y, d)"
BOTH = "covar_pop(x, d)"


def aggregates(*, covariate: bool, denominator: bool) -> str:
    """The SQL aggregates over y, x and d that ``moments`` reads, in its order.

    Means and centred second moments come from DuckDB's one-pass updates (Welford, merged as Chan et al. do): sums of
    squares would lose all digits when the mean is large.
    """
    parts = [AGGREGATES]
    if covariate:
        parts.append(COVARIATE)
    if denominator:
        parts.append(DENOMINATOR)
    if covariate and denominator:
        parts.append(BOTH)
    return ", ".join(parts)


def moments(row: Sequence[float], *, covariate: bool, denominator: bool, file: str) -> Moments:
    """One group's aggregates as ``Moments``.

    Zero-one outcomes and the means of whole numbers are exact. Other numbers are rounded at 1e-10 of their spread:
    DuckDB adds in the order in which its threads finish, and the last bits would differ from read to read.

    Raises:
        SignalsError: When the numbers are too large for their squares.
    """
    n, binary, whole, mean, variance, *rest = row
    n = int(n)
    if not all(math.isfinite(value) for value in (mean, variance, *rest)):
        raise SignalsError("values are too large to square", "Look for a broken row", file=file)
    if binary:
        hits = round(mean * n)
        mean, m2 = hits / n, hits * (n - hits) / n
    else:
        mean, m2 = _mean(mean, variance, whole), _second(variance * n)
    values: dict[str, float] = {}
    if covariate:
        x_whole, x_mean, x_variance, xy, *rest = rest
        values |= {"x_mean": _mean(x_mean, x_variance, x_whole), "x_m2": _second(x_variance * n)}
        values["xy"] = _snap(xy * n, n * math.sqrt(x_variance * variance))
    if denominator:
        d_whole, d_mean, d_variance, yd, *rest = rest
        values |= {"d_mean": _mean(d_mean, d_variance, d_whole), "d_m2": _second(d_variance * n)}
        values["yd"] = _snap(yd * n, n * math.sqrt(d_variance * variance))
    if covariate and denominator:
        values["xd"] = _snap(rest[0] * n, n * math.sqrt(x_variance * d_variance))
    return Moments(n, mean, m2, **values)


def from_counts(n: int, positives: int) -> Moments:
    """Exact moments of n zero-one outcomes."""
    return Moments(n, positives / n if n else 0.0, positives * (n - positives) / n if n else 0.0)


def merge(first: Moments, second: Moments) -> Moments:
    """The moments of two disjoint groups of units, outcome only (Chan, Golub and LeVeque 1983)."""
    n = first.n + second.n
    if not n:
        return first
    shift = second.mean - first.mean
    return Moments(
        n,
        first.mean + shift * second.n / n,
        first.m2 + second.m2 + shift * shift * first.n * second.n / n,
    )


def _mean(mean: float, variance: float, whole: float) -> float:
    """Sums of whole numbers do not depend on their order."""
    if whole and abs(mean) < 2**40:
        return mean
    return _snap(mean, math.sqrt(max(variance, 0.0)))


def _second(m2: float) -> float:
    return max(_snap(m2, m2), 0.0)


def _snap(value: float, scale: float) -> float:
    """The value on a grid of 1e-10 of the scale; to 14 digits when the scale is nothing."""
    if scale <= 0 or not math.isfinite(scale):
        return float(f"{value:.14g}")
    return round(value, 10 - math.floor(math.log10(scale))) + 0.0
