"""Cells of users as the sides of a pair need them: their totals, with errors, and the days they began on.

A side's numbers are functions of totals: how many units, and the sums of what was counted, per arm, part of the days
and segment. Units come independently, so the totals of two such groups are independent, and those of one have the sum
of the squares of its units as covariance (what a sum of a Poisson number of units has; an estimate that does not
depend on how many units came has the same error however their number came about). The delta method does the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import numpy as np

from signals.model import Correction, Estimate, Evidence, Moments, Numbers, Segment, Signal
from signals.reconcile.sides.base import Side
from signals.reconcile.sides.dual import Dual
from signals.stats.difference import RefusedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ROOM = 1e-6
"""How far the number that votes may be, in standard errors, from what the evidence gives now."""

Column = Literal["n", "y", "x", "d"]
COLUMNS: tuple[Column, ...] = ("n", "y", "x", "d")


@dataclass(frozen=True)
class Group:
    """Independent units of one arm, part of the days and segment.

    Attributes:
        late: Whether they began in the later half of the days.
        cell: Their segment.
        totals: Number of units, and sums of y, x and d, shape (4,); 0 for what is not known.
        moves: Shape (4, 4): the sum of the outer products of the rows is the covariance of ``totals``.
    """

    arm: int  # 0 control, 1 candidate
    late: bool
    cell: Segment
    totals: Array
    moves: Array


def group_of(arm: int, late: bool, cell: Segment, moments: Moments) -> Group:
    """The group whose units have these moments."""
    m = moments
    means = np.array([1.0, m.mean, m.x_mean or 0.0, m.d_mean or 0.0])
    yy, xx, dd = m.m2, m.x_m2 or 0.0, m.d_m2 or 0.0
    xy, yd, xd = m.xy or 0.0, m.yd or 0.0, m.xd or 0.0
    around = np.array([[yy, xy, yd], [xy, xx, xd], [yd, xd, dd]])
    moves = np.zeros((4, 4))
    # About their mean and about zero apart, so that a large common level costs no digits.
    moves[0] = math.sqrt(m.n) * means
    if not np.isfinite(around).all() or not np.isfinite(means).all():
        raise RefusedError("the numbers are too large to compute with")
    # In units of their spread, so that a large one does not drown the others.
    spread = np.sqrt(np.maximum(np.diag(around), 0.0))
    units = np.where(spread > 0.0, spread, 1.0)
    sizes, axes = np.linalg.eigh(around / np.outer(units, units))
    moves[1:, 1:] = np.sqrt(np.maximum(sizes, 0.0))[:, None] * axes.T * spread
    return Group(arm, late, cell, m.n * means, moves)


class Totals:
    """Sums over groups, with their slopes."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = tuple(groups)
        self._arm = np.array([group.arm for group in groups], dtype=int)
        self._late = np.array([group.late for group in groups], dtype=bool)
        self._names = {name: k for k, name in enumerate(sorted({group.cell for group in groups}))}
        self._cell = np.array([self._names[group.cell] for group in groups], dtype=int)
        self._totals = np.array([group.totals for group in groups]).reshape(len(groups), 4)
        self._known: dict[tuple[Column, int, bool, Segment | None], Dual] = {}

    def sum(self, column: Column, arm: int, *, late: bool = False, cell: Segment | None = None) -> Dual:
        """The total of a column over the groups of one arm.

        Args:
            column: ``n`` units, or the sum of y, x or d.
            arm: 0 control, 1 candidate.
            late: Only of the later days.
            cell: Only of this segment; default: of all.
        """
        key = column, arm, late, cell
        if key in self._known:
            return self._known[key]
        which = self._arm == arm
        if late:
            which = which & self._late
        if cell is not None:
            which = which & (self._cell == self._names.get(cell, -1))
        slope = np.zeros((len(self.groups), 4))
        place = COLUMNS.index(column)
        slope[which, place] = 1.0
        found = Dual(math.fsum(self._totals[which, place]), slope.reshape(-1))
        self._known[key] = found
        return found

    def moves(self, slopes: Sequence[Array]) -> dict[tuple[int, bool, Segment, int], Array]:
        """How far each independent part of each group pulls every number, from the slopes of the numbers."""
        found = {}
        matrix = np.stack(slopes)
        for k, group in enumerate(self.groups):
            pulled = matrix[:, 4 * k : 4 * k + 4] @ group.moves.T
            for part in range(4):
                if pulled[:, part].any():
                    found[group.arm, group.late, group.cell, part] = pulled[:, part]
        return found

    def variance(self, number: Dual) -> float:
        """Sampling variance of a number."""
        return math.fsum(float(move[0]) ** 2 for move in self.moves([number.slope]).values())


def voting_of(numbers: Numbers) -> Estimate:
    """The estimate that votes.

    Raises:
        RefusedError: When it has no effect or no interval.
    """
    found = numbers.estimates.get(numbers.voting)
    if found is None:
        raise RefusedError(f"{numbers.signal} has no {numbers.voting} estimate")
    if found.refused or found.effect is None or found.low is None or found.high is None:
        raise RefusedError(found.refused or f"the {numbers.voting} estimate of {numbers.signal} has no interval")
    return found


def side_from(
    signal: Signal,
    numbers: Numbers,
    totals: Totals,
    corrections: Sequence[Correction],
    refused: Sequence[Correction],
    value: Callable[[int], Dual],
    slopes: Callable[[int], Dual] | None = None,
) -> Side:
    """The side of a signal whose numbers are functions of totals.

    The moves are stretched so that the number that votes has exactly the standard error that its reading gave it, with
    its corrections for few units and unequal ones.

    Args:
        signal: Whose.
        numbers: As measured from the same evidence.
        totals: Of the evidence.
        corrections: Those that can be made.
        refused: Those that cannot.
        value: The number under a combination of the corrections (a bit each).
        slopes: The same with other slopes, where the errors are taken from elsewhere than where the numbers lie.

    Raises:
        RefusedError: When the numbers are not of this evidence, or too large to compute with.
    """
    voting = voting_of(numbers)
    masks = range(2 ** len(corrections))
    found = [value(mask) for mask in masks]
    values = np.array([one.value for one in found])
    made = totals.moves([(slopes or value)(mask).slope for mask in masks])
    error = voting.se
    own = math.sqrt(math.fsum(float(move[0]) ** 2 for move in made.values()))
    if not (np.isfinite(values).all() and math.isfinite(own)) or error is None or voting.effect is None:
        raise RefusedError("the numbers are too large to compute with")
    if abs(values[0] - voting.effect) > ROOM * error + 1e-9 * abs(voting.effect):
        raise RefusedError(f"the numbers of {signal.name} are not those of its evidence")
    values[0] = voting.effect
    moves: dict[Hashable, Array]
    if own > 1e-9 * error:
        moves = {(signal.name, *name): error / own * move for name, move in made.items()}
    else:  # no unit differs from another: what chance there is moves all numbers alike
        moves = {(signal.name, "all"): np.full(values.size, error)}
    return Side(signal.name, tuple(corrections), values, moves, voting.df, tuple(refused))


def days_of(signal: Signal, evidence: Evidence) -> frozenset[date]:
    """The days on which the units began that the signal's number counts; empty when they are not known of all."""
    if signal.kind == "experiment":
        from signals.reconcile.sides.experiment_shape import counted_cells

        return dated(counted_cells(signal, evidence))
    cells = [cell for cell in evidence.feedback if cell.variant in evidence.release.arms and cell.moments.n]
    return frozenset() if any(cell.day is None for cell in cells) else frozenset(c.day for c in cells if c.day)


def dated(cells: Iterable[object]) -> frozenset[date]:
    """The days of cells, of each its units' first; empty when one has none of its own."""
    days = [None if getattr(cell, "counted", "") == "clusters" else getattr(cell, "day", None) for cell in cells]
    return frozenset() if None in days else frozenset(day for day in days if day is not None)
