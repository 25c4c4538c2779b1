"""Moments of units and how parts of them add up.

Chan, Golub and LeVeque (1983), "Algorithms for computing the sample variance", for any number of parts at once. Every
sum over parts is exactly rounded (``math.fsum``), so the order of the parts does not change a single bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from signals.model import Moments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

EMPTY = Moments(0, 0.0, 0.0)

CANCELLED = 1e-12
"""Share of a sum of squares below which the difference of two such sums is what rounding left of nothing."""


def from_arrays(y: ArrayLike, x: ArrayLike | None = None, d: ArrayLike | None = None) -> Moments:
    """Moments of outcome ``y`` and, when given, covariate ``x`` and denominator ``d``, each of shape (units,).

    Raises:
        ValueError: When the arrays differ in length.
    """
    ys = np.asarray(y, dtype=float)
    columns = {"y": ys}
    for name, values in (("x", x), ("d", d)):
        if values is not None:
            columns[name] = np.asarray(values, dtype=float)
            if columns[name].shape != ys.shape:
                raise ValueError(f"{name} has shape {columns[name].shape}, y has {ys.shape}")
    n = int(ys.size)
    if n == 0:
        return EMPTY
    means = {name: float(values.mean()) for name, values in columns.items()}
    off = {name: values - means[name] for name, values in columns.items()}

    def product(a: str, b: str) -> float | None:
        return float(off[a] @ off[b]) if a in off and b in off else None

    return Moments(
        n,
        means["y"],
        float(off["y"] @ off["y"]),
        means.get("x"),
        product("x", "x"),
        product("x", "y"),
        means.get("d"),
        product("d", "d"),
        product("y", "d"),
        product("x", "d"),
        _cubes(off["y"]),
    )


def merge(parts: Iterable[Moments]) -> Moments:
    """Moments of all units of the parts together.

    A covariate, denominator or third moment that one of the (non-empty) parts lacks is absent from the result.
    """
    some = [part for part in parts if part.n > 0]
    if not some:
        return EMPTY
    n = sum(part.n for part in some)
    sizes = [part.n for part in some]
    y = [part.mean for part in some]
    x = _all([part.x_mean for part in some])
    d = _all([part.d_mean for part in some])
    y_mean = _mean(sizes, y)
    x_mean = _mean(sizes, x) if x is not None else None
    d_mean = _mean(sizes, d) if d is not None else None

    def products(
        within: Sequence[float | None],
        a: Sequence[float] | None,
        a_mean: float | None,
        b: Sequence[float] | None,
        b_mean: float | None,
    ) -> float | None:
        inside = _all(within)
        if inside is None or a is None or b is None or a_mean is None or b_mean is None:
            return None
        between = [k * (p - a_mean) * (q - b_mean) for k, p, q in zip(sizes, a, b, strict=True)]
        return math.fsum([*inside, *between])

    m2 = products([part.m2 for part in some], y, y_mean, y, y_mean)
    assert m2 is not None  # noqa: S101 - y is never absent; this tells the type checker so
    return Moments(
        n,
        y_mean,
        m2,
        x_mean,
        products([part.x_m2 for part in some], x, x_mean, x, x_mean),
        products([part.xy for part in some], x, x_mean, y, y_mean),
        d_mean,
        products([part.d_m2 for part in some], d, d_mean, d, d_mean),
        products([part.yd for part in some], y, y_mean, d, d_mean),
        products([part.xd for part in some], x, x_mean, d, d_mean),
        _third(some, y_mean),
    )


def _third(parts: Sequence[Moments], mean: float) -> float | None:
    """Sum of cubed deviations from the common mean; None when a part lacks it, or when cubes leave the floats.

    Pébay (2008), "Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical
    moments".
    """
    inside = _all([part.m3 for part in parts])
    if inside is None:
        return None
    shifts = [part.mean - mean for part in parts]
    spread = [3 * shift * part.m2 for shift, part in zip(shifts, parts, strict=True)]
    between = [part.n * shift * shift * shift for shift, part in zip(shifts, parts, strict=True)]
    terms = [*inside, *spread, *between]
    return math.fsum(terms) if all(math.isfinite(term) for term in terms) else None


def left_of(squares: float, explained: float) -> float:
    """A sum of squares less what is explained of it; 0 when what is left is no more than rounding leaves."""
    rest = squares - explained
    return rest if rest > CANCELLED * squares else 0.0


def variance(m2: float, n: int) -> float:
    """Sample variance (or covariance, for a sum of products of deviations) with n - 1; 0 below two units."""
    return m2 / (n - 1) if n > 1 else 0.0


def _cubes(off: NDArray[np.float64]) -> float | None:
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(off**2 @ off)
    return total if math.isfinite(total) else None


def _all(values: Sequence[float | None]) -> list[float] | None:
    found = [value for value in values if value is not None]
    return found if len(found) == len(values) else None


def _mean(sizes: Sequence[int], means: Sequence[float]) -> float:
    # Shifted by the least mean, so that a large common level costs no digits and order does not matter.
    base = min(means)
    return base + math.fsum(k * (mean - base) for k, mean in zip(sizes, means, strict=True)) / sum(sizes)
