"""The mean of a panel when items *and* raters are samples: another week brings other items and other raters.

Model: ``y_ir = mean + item_i + rater_r + residual_ir``, all random, in a crossed layout that may have holes.

*Which mean.* Each item counts equally, and each rating equally within its item: the mean over items of the item's
mean. The population of interest is the items that users send; an item that happened to draw more raters is not more
of it. Its variance with weights ``w_ir = 1 / (items * ratings of i)`` is::

    item * sum_i (sum_r w)^2  +  rater * sum_r (sum_i w)^2  +  residual * sum w^2

which is ``item/I + rater/R + residual/(I R)`` when nothing is missing.

*Components* come from Henderson's method 1 (1953, Biometrics 9:226-252), unbiased for any pattern of holes and equal
to the analysis of variance without holes; negative ones are set to zero.

*Degrees of freedom* after Satterthwaite (1946): twice the squared variance over the variance of its estimate, here
exact under normality for any layout. They are evaluated with the item and rater components one standard error above
their estimates, because with few raters the plain formula is most confident just when the raters' spread was
underestimated by luck. Coverage of 95 % intervals, 4,000 simulations each (items x raters, SD of raters against a
residual SD of 1, item SD .5):

=========  ====  ====  ====  ====
layout     .1    .25   .5    1
=========  ====  ====  ====  ====
100 x 2          99.0        94.2
100 x 3    98.4  95.0  93.9  93.7
100 x 5          95.4  94.7
100 x 8          95.2
30 x 20          94.5        94.9
=========  ====  ====  ====  ====

With holes: 60 x 8 half filled 95.2, 200 x 30 with a tenth filled 94.9 (SD .5). A t quantile with min(I, R) - 1 df
covers up to 99, the interval with raters taken as fixed 60 (100 x 3, .25). With two or three raters who hardly differ
it covers over 98: it cannot know that they do not.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from signals.stats.difference import ROUNDING, Difference, RefusedError, from_se
from signals.stats.nested import items_within_raters, raters_within_items

Design = Literal["crossed", "items within raters", "raters within items"]


@dataclass(frozen=True)
class Crossed:
    """The mean with its interval, and the variance components of one value: item, rater, residual.

    ``uncertain`` says by which share the variance of the mean would rise if the raters' part were one standard error
    above its estimate: how roughly these raters tell the raters' spread.
    """

    difference: Difference
    items: int
    raters: int
    cells: int
    components: dict[str, float]
    uncertain: float
    weights: tuple[float, float, float]  # of the three components in the variance of the mean
    design: Design = "crossed"

    @property
    def n_effective(self) -> float:
        """How many independent values would give the same precision."""
        return sum(self.components.values()) / self.difference.se**2

    @property
    def planning(self) -> dict[str, float]:
        """The components of a layout without holes that would give this variance: ``item/I + rater/R + residual/IR``.

        With holes an item has fewer ratings than there are raters. To plan more of the same, the parts are scaled to
        what they weigh in this layout.
        """
        item, rater, residual = (self.components[name] for name in ("item", "rater", "residual"))
        _, of_rater, of_residual = self.weights
        return {
            "item": item,
            "rater": rater * of_rater * self.raters,
            "residual": residual * of_residual * self.items * self.raters,
        }


def crossed_mean(cells: Iterable[tuple[Hashable, Hashable, float]], confidence: float) -> Crossed:
    """Mean over items of ``(item, rater, value)``, one value per item and rater, items and raters random.

    When each item has one rater, or each rater one item, the two are nested and not crossed (``stats.nested``).

    Raises:
        RefusedError: Below two items or two raters, without any spread, or when items and raters cannot be told apart.
        ValueError: When an item and rater come twice.
    """
    layout = _Layout(list(cells))
    if layout.design != "crossed":
        within = items_within_raters if layout.design == "items within raters" else raters_within_items
        outer = layout.r if layout.design == "items within raters" else layout.i
        nested = within(layout.y, outer, confidence)
        return Crossed(
            nested.difference, layout.items, layout.raters, layout.cells, nested.components, nested.uncertain,
            layout.shares, layout.design,
        )  # fmt: skip
    item, rater, residual = (max(0.0, float(part)) for part in layout.components())
    weights = layout.weights
    squared = item * weights[0] + rater * weights[1] + residual * weights[2]
    if squared <= ROUNDING**2 * float((layout.y**2).mean()):
        raise RefusedError("the differences are all equal, so their uncertainty cannot be estimated")
    covariance = layout.covariance(item, rater, residual)
    raised = (
        item + math.sqrt(max(covariance[0, 0], 0.0)),
        rater + math.sqrt(max(covariance[1, 1], 0.0)),
        residual,
    )
    at_raised = layout.covariance(*raised)
    level = float(weights @ np.array(raised))
    df = max(1.0, 2.0 * level**2 / float(weights @ at_raised @ weights))
    df = min(df, float(layout.cells - 1))
    return Crossed(
        from_se(layout.mean, math.sqrt(squared), confidence, df),
        layout.items,
        layout.raters,
        layout.cells,
        {"item": item, "rater": rater, "residual": residual},
        float(weights[1]) * math.sqrt(max(covariance[1, 1], 0.0)) / squared,
        layout.shares,
    )


@dataclass(frozen=True)
class RaterPart:
    """What the choice of raters adds to the squared standard error of a mean over items.

    ``squared`` is its estimate, ``raised`` the same with the raters' spread one standard error up, and ``variance`` the
    sampling variance of the estimate, evaluated there.
    """

    squared: float
    raised: float
    variance: float

    def added_to(self, squared: float, df: float) -> tuple[float, float]:
        """Squared standard error and degrees of freedom (Satterthwaite) with an independent part that has ``df``."""
        doubt = squared**2 / df + self.variance / 2.0
        return squared + self.squared, (squared + self.raised) ** 2 / doubt


def rater_part(cells: Iterable[tuple[Hashable, Hashable, float]]) -> RaterPart:
    """The raters' part of ``crossed_mean``, for estimates whose other parts come from elsewhere.

    Args:
        cells: ``(item, rater, value)``, one value per item and rater.

    Raises:
        RefusedError: Below two items or two raters, or when items and raters cannot be told apart.
        ValueError: When an item and rater come twice.
    """
    layout = _Layout(list(cells))
    weight = float(layout.weights[1])
    if layout.design == "raters within items":
        return RaterPart(0.0, 0.0, 0.0)  # their spread is between items already
    if layout.design == "items within raters":
        nested = items_within_raters(layout.y, layout.r, 0.95)
        rater = nested.components["rater"]
        even = 1.0 / weight  # as many raters with equally many items each would weigh as much
        error = (rater + nested.components["item"] * even / layout.items) * math.sqrt(2.0 / max(even - 1.0, 1.0))
    else:
        item, rater, residual = (max(0.0, float(part)) for part in layout.components())
        first = layout.covariance(item, rater, residual)
        item += math.sqrt(max(float(first[0, 0]), 0.0))
        spread = math.sqrt(max(float(first[1, 1]), 0.0))
        error = math.sqrt(max(float(layout.covariance(item, rater + spread, residual)[1, 1]), 0.0))
        return RaterPart(rater * weight, (rater + spread) * weight, (error * weight) ** 2)
    return RaterPart(rater * weight, (rater + error) * weight, (error * weight) ** 2)


def within_one(difference: Difference, confidence: float) -> Difference:
    """The same for a net preference, which lies between -1 and 1: its interval on Fisher's scale, ``atanh``.

    Near an end raters and items can differ to one side only, and the plain interval is off on both: of 100 items and 20
    raters who prefer the candidate in nine of ten cases it covers 92 %, this one 95 %. Its bounds stay inside -1 and 1.
    """
    room = 1.0 - difference.effect**2
    if room <= 0.0:
        return difference
    scaled = from_se(math.atanh(difference.effect), difference.se / room, confidence, difference.df)
    return replace(difference, low=math.tanh(scaled.low), high=math.tanh(scaled.high), p_value=scaled.p_value)


class _Layout:
    """Counts and sums of squares of one crossed layout. Notation: ``k`` is the items x raters table of 0 and 1."""

    def __init__(self, cells: list[tuple[Hashable, Hashable, float]]) -> None:
        row: dict[Hashable, int] = {}
        column: dict[Hashable, int] = {}
        i = np.array([row.setdefault(item, len(row)) for item, _, _ in cells], dtype=int)
        r = np.array([column.setdefault(rater, len(column)) for _, rater, _ in cells], dtype=int)
        self.items, self.raters, self.cells = len(row), len(column), len(cells)
        if self.items < 2:
            raise RefusedError(f"{self.items} item was rated; at least 2 are needed")
        if self.raters < 2:
            raise RefusedError("one rater; at least 2 are needed to tell the raters' spread")
        self.k = np.zeros((self.items, self.raters))
        np.add.at(self.k, (i, r), 1.0)
        if self.k.max() > 1.0:
            raise ValueError("an item and rater come twice")
        self.i, self.r = i, r
        self.y = np.array([value for _, _, value in cells], dtype=float)
        self.per_item, self.per_rater = self.k.sum(axis=1), self.k.sum(axis=0)
        self.mean = float((np.bincount(i, self.y) / self.per_item).mean())
        within = self.k / self.per_item[:, None] / self.items
        self.weights = np.array([1.0 / self.items, (within.sum(axis=0) ** 2).sum(), (within**2).sum()])
        if self.design == "crossed":
            self._prepare(i, r)

    @property
    def shares(self) -> tuple[float, float, float]:
        """``weights`` as plain numbers."""
        item, rater, residual = self.weights.tolist()
        return item, rater, residual

    @property
    def design(self) -> Design:
        """Raters with one item each are nested whatever the items have; else items with one rater each are."""
        if self.per_rater.max() == 1.0:
            return "raters within items"
        return "items within raters" if self.per_item.max() == 1.0 else "crossed"

    def _prepare(self, i: np.ndarray, r: np.ndarray) -> None:
        """Sums of squares and what they are expected to be.

        Raises:
            RefusedError: When the layout does not tell items from raters.
        """
        # About the plain mean of all cells: every sum of squares below is then a deviation already.
        off = self.y - self.y.mean()
        self.squares = np.array(
            [
                (np.bincount(i, off) ** 2 / self.per_item).sum(),
                (np.bincount(r, off) ** 2 / self.per_rater).sum(),
                (off**2).sum(),
            ]
        )
        n = float(self.cells)
        correction = np.array([(self.per_item**2).sum() / n, (self.per_rater**2).sum() / n, 1.0])
        # Expected sums of squares in terms of the components, less that of the overall mean.
        expected = np.array([[n, self.items, self.items], [self.raters, n, self.raters], [n, n, n]]) - correction
        if abs(np.linalg.det(expected / n)) < 1e-9:
            raise RefusedError("raters and items cannot be told apart: the raters share too few items")
        self.solve = np.linalg.inv(expected)

    def components(self) -> np.ndarray:
        """Unbiased item, rater and residual variances; may be negative."""
        found: np.ndarray = self.solve @ self.squares
        return found

    def covariance(self, item: float, rater: float, residual: float) -> np.ndarray:
        """Covariance matrix of the estimated components when these are the true ones and all effects are normal.

        Each sum of squares is a quadratic form y'Ay, and cov(y'Ay, y'By) = 2 tr(A V B V) with
        V = item ZZ' + rater WW' + residual I. With A = LL' this is the squared Frobenius norm of L'VM, which for the
        item, rater and overall means needs no matrix larger than items x raters.
        """
        k, a, b, n = self.k, self.per_item, self.per_rater, float(self.cells)
        x = k / np.sqrt(a)[:, None]  # items x raters
        z = k / np.sqrt(b)[None, :]
        on_items = item * a + residual
        on_raters = rater * b + residual
        ii = (on_items**2).sum() + 2 * rater * (on_items * (x**2).sum(axis=1)).sum() + rater**2 * _gram(x)
        rr = (on_raters**2).sum() + 2 * item * (on_raters * (z**2).sum(axis=0)).sum() + item**2 * _gram(z)
        cross = (item * a[:, None] + rater * b[None, :] + residual) * k / np.sqrt(np.outer(a, b))
        ir = (cross**2).sum()
        v_items = item * a + rater * (k @ b) / a + residual  # means of V1 over the cells of an item, of a rater
        v_raters = item * (k.T @ a) / b + rater * b + residual
        i0 = (a * v_items**2).sum() / n
        r0 = (b * v_raters**2).sum() / n
        v_sum = item * (a**2).sum() + rater * (b**2).sum() + residual * n
        oo = (v_sum / n) ** 2
        # The total sum of squares: A is the identity.
        tt = (
            item**2 * (a**2).sum()
            + rater**2 * (b**2).sum()
            + 2 * item * rater * n
            + 2 * residual * (item + rater) * n
            + residual**2 * n
        )
        v_cells = k * (item * a[:, None] + rater * b[None, :] + residual)  # V1 at each cell
        t0 = (v_cells**2).sum() / n
        ti = _total_with_raters(k.T, b, a, (rater, item, residual))
        tr = _total_with_raters(k, a, b, (item, rater, residual))
        q = np.array(
            [
                [ii - 2 * i0 + oo, ir - i0 - r0 + oo, ti - i0 - t0 + oo],
                [ir - i0 - r0 + oo, rr - 2 * r0 + oo, tr - r0 - t0 + oo],
                [ti - i0 - t0 + oo, tr - r0 - t0 + oo, tt - 2 * t0 + oo],
            ]
        )
        found: np.ndarray = 2.0 * self.solve @ q @ self.solve.T
        return found


def _total_with_raters(k: np.ndarray, a: np.ndarray, b: np.ndarray, parts: tuple[float, float, float]) -> float:
    """Squared norm of V W D^(-1/2): (VW) at a cell of item i and column r is item * k_ir, plus ``own`` if r's."""
    item, rater, residual = parts
    own = rater * b + residual
    return float(((item**2 * (a @ k) + (2.0 * item * own + own**2) * b) / b).sum())


def _gram(x: np.ndarray) -> float:
    """Squared Frobenius norm of xx', through the smaller of xx' and x'x."""
    small = x.T @ x if x.shape[1] <= x.shape[0] else x @ x.T
    return float((small**2).sum())
