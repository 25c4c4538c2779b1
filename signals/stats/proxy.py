"""How the true effects on two signals went together over past releases, seen through the errors of both.

Measured effects of many releases vary because the releases differ and because each is measured with an error. The
variance of the true effects is that of the measured ones less the mean sampling variance, and likewise the covariance:
Tripuraneni, Richardson, D'Amour, Soriano and Yadlowsky (2023), "Choosing a proxy metric from past experiments",
arXiv:2309.07893. Without that, noise drags the correlation towards 0, and noise that both signals share towards 1.

The interval of the correlation holds all values that a score test does not reject. The test is on the scale of Fisher's
z of the measured correlation, the two reliabilities being estimated along with it; its variance is that of normal
moments (Muirhead 1982, Aspects of Multivariate Statistical Theory, chapter 5), made larger by as much as the jackknife
over releases finds it to be. The line is that of errors-in-variables regression with known errors (Fuller 1987,
Measurement Error Models, 1.2 and 2.2), its variance never below that of the jackknife over releases. Standard errors
are taken for known. How often the intervals cover is in docs/track.md. Numpy only: a verdict may be drawn with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signals.model import Interval
from signals.stats.power import NORMAL
from signals.stats.student import critical

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FEWEST_RELEASES = 10
"""Below this many releases nothing is said of how two signals go together."""

NOTHING = Interval(None, None, None)
SHARED = (0.0, -1.0, -0.5, 0.5, 1.0)
"""Correlations of the two errors that are tried where it is not known; what is reported comes first."""

INSIDE = 1.0 - 1e-6
"""Where a measured correlation is taken to be 1: Fisher's z of 1 is infinite, and digits run out before it."""

STEPS = 400
"""Correlations at which the score test is looked at before its bounds are refined."""


@dataclass(frozen=True)
class Line:
    """True effect on the second signal = intercept + slope * true effect on the first, plus scatter.

    Attributes:
        intercept: In the unit of the second signal.
        slope: Unit of the second per unit of the first.
        covariance: Of (intercept, slope), shape (2, 2).
        scatter: Variance of the releases' true effects about the line; 0 where the estimate was negative.
        residual: Variance of the measured second effect about the line, measured effects in.
        middle: Mean measured effect on the first signal.
    """

    intercept: float
    slope: float
    covariance: tuple[tuple[float, float], tuple[float, float]]
    scatter: float
    residual: float
    middle: float


@dataclass(frozen=True)
class Relation:
    """How the true effects on two signals went together.

    Attributes:
        n: Releases that both signals measured.
        needed: How many it takes.
        confidence: Two-sided, of every interval.
        refused: Why nothing is said; empty when there is a correlation.
        correlation: Of the true effects, with its interval; Nones when refused.
        measured: Correlation of the effects as measured; None when one of them never varied.
        clamped: The estimate lay beyond ±1 and was set to it.
        reliability: Of first and second: the share of the variance of measured effects that is of true ones.
        no_line: Why the second cannot be predicted from the first; empty when it can.
        lines: One, or several where the correlation of the two errors is not known; empty with ``no_line``. The first
            is the one to show.
        reach: Least and greatest measured effect on the first signal: beyond them the line is a guess.
    """

    n: int
    needed: int
    confidence: float
    refused: str = ""
    correlation: Interval = NOTHING
    measured: float | None = None
    clamped: bool = False
    reliability: tuple[float, float] = (math.nan, math.nan)
    no_line: str = ""
    lines: tuple[Line, ...] = ()
    reach: tuple[float, float] = (math.nan, math.nan)

    @property
    def slope(self) -> Interval:
        """Of the line, with bounds that hold whatever the errors share; Nones without a line."""
        if not self.lines:
            return NOTHING
        half = critical(self.confidence, self.n - 2)
        reach = [half * math.sqrt(line.covariance[1][1]) for line in self.lines]
        low = min(line.slope - one for line, one in zip(self.lines, reach, strict=True))
        high = max(line.slope + one for line, one in zip(self.lines, reach, strict=True))
        return Interval(self.lines[0].slope, low, high)


def relation(
    x: Sequence[float],
    y: Sequence[float],
    x_variance: Sequence[float],
    y_variance: Sequence[float],
    *,
    covariance: Sequence[float] | None = None,
    shared: bool = False,
    confidence: float = 0.95,
    needed: int = FEWEST_RELEASES,
) -> Relation:
    """Relate the true effects on two signals over releases that are independent of one another.

    Args:
        x: Measured effects on the first signal (the proxy), one per release, in any one unit (benefit in margins).
        y: On the second, of the same releases, in any one unit.
        x_variance: Squared standard errors of ``x``.
        y_variance: Of ``y``.
        covariance: Sampling covariance of the two within a release; 0 by default, as for signals that measured
            different people and items.
        shared: The two measured the same people or items, and ``covariance`` is not known: intervals then hold for
            every correlation of the errors between -1 and 1.
        confidence: Two-sided.
        needed: How many releases it takes, at least 4.

    Returns:
        A relation that is ``refused`` below ``needed`` releases, and when the effects on a signal vary no more than its
        errors alone would make them; with ``no_line`` when that cannot be excluded for the first signal.

    Raises:
        ValueError: When lengths differ, a variance is negative, a number is not finite, or ``needed`` is below 4.
    """
    a, b, va, vb = (np.asarray(one, dtype=float) for one in (x, y, x_variance, y_variance))
    common = np.zeros(a.size) if covariance is None else np.asarray(covariance, dtype=float)
    _check(a, b, va, vb, common, needed)
    n = a.size
    if n < needed:
        both = "release has both" if n == 1 else "releases have both"
        return Relation(n, needed, confidence, refused=f"{n} past {both}, and it takes {needed}")
    da, db = a - a.mean(), b - b.mean()
    sums = _Sums(
        n, da, db, float(da @ da) / (n - 1), float(db @ db) / (n - 1), float(da @ db) / (n - 1),
        float(va.mean()), float(vb.mean()), va, vb,
    )  # fmt: skip
    same = [which for which, spread, noise in (("first", sums.xx, sums.vx), ("second", sums.yy, sums.vy))
            if spread - noise <= 1e-12 * spread or spread == 0.0]  # fmt: skip
    raw = sums.xy / math.sqrt(sums.xx * sums.yy) if sums.xx > 0.0 and sums.yy > 0.0 else None
    if same:
        which = "either signal" if len(same) == 2 else f"the {same[0]} signal"
        why = f"its effects on {which} vary no more than their own errors would make them"
        return Relation(n, needed, confidence, refused=f"over {n} past releases, {why}", measured=raw)
    reliability = 1.0 - sums.vx / sums.xx, 1.0 - sums.vy / sums.yy
    between = [float(common.mean())]
    if shared:
        widest = float(np.sqrt(va * vb).mean())
        between = [rate * widest for rate in SHARED]
    found = [_correlation(sums, one, confidence) for one in between]
    if found[0] is None:
        why = "the measured effects agree more closely than their stated errors allow"
        return Relation(n, needed, confidence, refused=f"over {n} past releases, {why}", measured=raw)
    held = [one for one in found if one is not None]  # a correlation of errors that the effects rule out adds nothing
    value = (sums.xy - between[0]) / sums.root
    bounds = min(low for low, _ in held), max(high for _, high in held)
    if told := _told(a, va, confidence):
        no_line, lines = "", tuple(_line(sums, a, b, va, one) for one in between)
    else:
        no_line, lines = "the first signal's true effects may all be the same, so nothing can be predicted from it", ()
    return Relation(
        n,
        needed,
        confidence,
        correlation=Interval(max(-1.0, min(1.0, value)), *bounds),
        measured=raw,
        clamped=abs(value) > 1.0,
        reliability=reliability,
        no_line=no_line,
        lines=lines,
        reach=(float(a.min()), float(a.max())) if told else (math.nan, math.nan),
    )


def predict(found: Relation, x: float, x_variance: float) -> tuple[float, float, float]:
    """What the true effect on the second signal of one more release would be, going by past ones.

    Args:
        found: See ``relation``.
        x: The release's measured effect on the first signal, in the unit that the relation was made in.
        x_variance: Its squared standard error; 0 when the true effect is known.

    Returns:
        (value, low, high) in the unit of the second signal. The interval is for the release's own true effect: it holds
        the error of the line, that of ``x``, and the scatter of releases about the line.

    Raises:
        ValueError: When the relation was refused or has no line, or ``x`` is not finite or its variance negative.
    """
    if not found.lines:
        raise ValueError(found.refused or found.no_line)
    if not (math.isfinite(x) and math.isfinite(x_variance) and x_variance >= 0.0):
        raise ValueError("an effect and its variance must be finite, and the variance not negative")
    half = critical(found.confidence, found.n - 2)
    lows, highs, values = [], [], []
    for line in found.lines:
        (aa, ab), (_, bb) = line.covariance
        of_line = aa + 2.0 * x * ab + bb * (x * x + x_variance)
        reach = half * math.sqrt(max(of_line, 0.0) + line.slope**2 * x_variance + line.scatter)
        value = line.intercept + line.slope * x
        values.append(value)
        lows.append(value - reach)
        highs.append(value + reach)
    return values[0], min(lows), max(highs)


@dataclass(frozen=True)
class _Sums:
    """Moments of the measured effects, and the mean squares of their errors."""

    n: int
    dx: Array
    dy: Array
    xx: float
    yy: float
    xy: float
    vx: float
    vy: float
    x_variance: Array
    y_variance: Array

    @property
    def root(self) -> float:
        """Product of the standard deviations of the true effects."""
        return math.sqrt((self.xx - self.vx) * (self.yy - self.vy))


def _check(x: Array, y: Array, vx: Array, vy: Array, common: Array, needed: int) -> None:
    if len({one.shape for one in (x, y, vx, vy, common)}) != 1 or x.ndim != 1:
        raise ValueError("effects, variances and covariances must be as many")
    if not all(np.isfinite(one).all() for one in (x, y, vx, vy, common)):
        raise ValueError("effects and variances must be finite")
    if (vx < 0.0).any() or (vy < 0.0).any():
        raise ValueError("a variance is negative")
    if (common**2 > vx * vy * (1.0 + 1e-9)).any():
        raise ValueError("a covariance is larger than its variances allow")
    if needed < 4:
        raise ValueError("fewer than 4 releases say nothing of how two signals go together")


def _correlation(sums: _Sums, common: float, confidence: float) -> tuple[float, float] | None:
    """Least and greatest correlation that the score test does not reject; None when it rejects all of them."""
    most = math.sqrt(sums.xx * sums.yy)
    reach, offset = sums.root / most, common / most
    seen = math.atanh(_inside(sums.xy / most))
    value = max(-1.0, min(1.0, (sums.xy - common) / sums.root))
    normal = float(_normal_variance(sums, np.array([_inside(value * reach + offset)]), offset)[0])
    heavier = _jackknife_variance(sums, value, common) / normal
    crit = critical(confidence) * math.sqrt(max(1.0, heavier))

    def beyond(rho: Array) -> Array:
        measured = np.clip(rho * reach + offset, -INSIDE, INSIDE)
        return np.abs(seen - np.arctanh(measured)) - crit * np.sqrt(_normal_variance(sums, measured, offset))

    grid = np.linspace(-1.0, 1.0, STEPS + 1)
    kept = np.flatnonzero(beyond(grid) <= 0.0)
    if kept.size == 0:
        # Bounds that lie between two points of the grid are as good as the estimate itself.
        middle = (sums.xy - common) / sums.root
        if abs(middle) > 1.0 or beyond(np.array([middle]))[0] > 0.0:
            return None
        return middle, middle
    ends = []
    for inside, outside in ((kept[0], kept[0] - 1), (kept[-1], kept[-1] + 1)):
        if not 0 <= outside <= STEPS:
            ends.append(float(grid[inside]))
            continue
        held, lost = float(grid[inside]), float(grid[outside])
        for _ in range(4):
            finer = np.linspace(held, lost, 33)
            crossed = int(np.argmax(beyond(finer) > 0.0)) or 32
            held, lost = float(finer[crossed - 1]), float(finer[crossed])
        ends.append(held)
    return ends[0], ends[1]


def _inside(correlation: float) -> float:
    return max(-INSIDE, min(INSIDE, correlation))


def _slopes(sums: _Sums, measured: Array, offset: float) -> tuple[Array, Array, Array]:
    """How the score moves with the squares of the first, of the second, and with their product; all standardised."""
    rest = 1.0 - measured**2
    x, y = 1.0 - sums.vx / sums.xx, 1.0 - sums.vy / sums.yy
    return -(measured - offset) / (2.0 * x) / rest, -(measured - offset) / (2.0 * y) / rest, 1.0 / rest


def _normal_variance(sums: _Sums, measured: Array, offset: float) -> Array:
    """Sampling variance of the score, were ``measured`` the correlation of measured effects and all of them normal."""
    gx, gy, g = _slopes(sums, measured, offset)
    r = measured
    found: Array = (
        2.0 * gx**2 + 2.0 * gy**2 + (1.0 + r**2) * g**2 + 4.0 * gx * gy * r**2 + 4.0 * (gx + gy) * g * r
    ) / (sums.n - 3)
    return found


def _jackknife_variance(sums: _Sums, value: float, common: float) -> float:
    """The same at the estimate, from how the score moves when one release after the other is left out."""
    n = sums.n
    squares = [
        (total * (n - 1) - part * n / (n - 1)) / (n - 2)
        for total, part in ((sums.xx, sums.dx**2), (sums.yy, sums.dy**2), (sums.xy, sums.dx * sums.dy))
    ]
    xx, yy, xy = np.maximum(squares[0], 1e-12 * sums.xx), np.maximum(squares[1], 1e-12 * sums.yy), squares[2]
    true = [
        np.maximum(total - (mean * n - own) / (n - 1), 0.0)
        for total, mean, own in ((xx, sums.vx, sums.x_variance), (yy, sums.vy, sums.y_variance))
    ]
    most = np.sqrt(xx * yy)
    expected = (value * np.sqrt(true[0] * true[1]) + common) / most
    moves = np.arctanh(np.clip(xy / most, -INSIDE, INSIDE)) - np.arctanh(np.clip(expected, -INSIDE, INSIDE))
    return float((n - 1) * moves.var())


def _told(x: Array, variance: Array, confidence: float) -> bool:
    """Whether the true effects differ: Cochran's Q beyond its chi-square quantile (Wilson and Hilferty 1931)."""
    if (variance <= 0.0).any():
        return True
    weights = 1.0 / variance
    q = float(weights @ (x - weights @ x / weights.sum()) ** 2)
    part = 2.0 / (9.0 * (x.size - 1))
    return q > (x.size - 1) * (1.0 - part + NORMAL.inv_cdf(confidence) * math.sqrt(part)) ** 3


def _line(sums: _Sums, x: Array, y: Array, vx: Array, common: float) -> Line:
    n, true_x = sums.n, sums.xx - sums.vx
    slope = (sums.xy - common) / true_x
    residual = (sums.yy - 2.0 * slope * sums.xy + slope**2 * sums.xx) * (n - 1) / (n - 2)
    of_slope = (sums.xx * residual + (common - slope * sums.vx) ** 2) / ((n - 1) * true_x**2)
    of_slope = max(of_slope, _jackknife(x, y, vx, common))
    middle = float(x.mean())
    noise = sums.vy - 2.0 * slope * common + slope**2 * sums.vx
    return Line(
        intercept=float(y.mean()) - slope * middle,
        slope=slope,
        covariance=((residual / n + middle**2 * of_slope, -middle * of_slope), (-middle * of_slope, of_slope)),
        scatter=max(residual - noise, 0.0),
        residual=residual,
        middle=middle,
    )


def _jackknife(x: Array, y: Array, vx: Array, common: float) -> float:
    """Variance of the slope by leaving out one release after the other; 0 where a remainder has no slope."""
    n = x.size
    slopes = []
    for left in range(n):
        keep = np.arange(n) != left
        dx, dy = x[keep] - x[keep].mean(), y[keep] - y[keep].mean()
        spread = float(dx @ dx) / (n - 2) - float(vx[keep].mean())
        if spread <= 0.0:
            return 0.0
        slopes.append((float(dx @ dy) / (n - 2) - common) / spread)
    found = np.array(slopes)
    return float((n - 1) / n * ((found - found.mean()) ** 2).sum())
