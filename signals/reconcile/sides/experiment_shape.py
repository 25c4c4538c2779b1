"""The effect of an experiment as its reading estimates it: of all cells or the later ones, plain or weighted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from signals.model import Evidence, OutcomeCell, Segment, Signal
from signals.readings.common import Tray
from signals.readings.experiment import cells_of
from signals.readings.looks import Looks, looks_of
from signals.reconcile.sides.cells import Totals, group_of
from signals.reconcile.sides.dual import Dual, total
from signals.reconcile.sides.overlap import Weighting, over
from signals.stats.cuped import UNEQUAL
from signals.stats.moments import merge


@dataclass(frozen=True)
class Counted:
    """The cells that the reading counted, and how.

    ``arms`` are (control, candidate).
    """

    arms: tuple[Sequence[OutcomeCell], Sequence[OutcomeCell]]
    looks: Looks
    clustered: bool

    @property
    def cells(self) -> tuple[OutcomeCell, ...]:
        return (*self.arms[0], *self.arms[1])


def counted_of(signal: Signal, evidence: Evidence) -> Counted:
    """The cells of the signal's metric and of the present look, as its reading counts them."""
    if signal.metric is None:
        return Counted(((), ()), Looks(), False)
    tray = Tray()
    cells, _ = cells_of(signal, signal.metric, evidence, tray)
    control, candidate = ([c for c in cells if c.variant == arm and c.moments.n > 0] for arm in evidence.release.arms)
    arms, looks, _ = looks_of(signal, (control, candidate), evidence.sources, tray)
    clustered = any(cell.counted == "clusters" for cells in arms for cell in cells)
    return Counted(arms, looks, clustered)


def counted_cells(signal: Signal, evidence: Evidence) -> tuple[OutcomeCell, ...]:
    """The cells of both arms that the signal's number is made from."""
    return counted_of(signal, evidence).cells


def totals_of(counted: Counted, late: frozenset[object], dimensions: tuple[str, ...]) -> Totals:
    """Groups as fine as the corrections need: by arm, half of the days and segment."""
    found: dict[tuple[int, bool, Segment], list[OutcomeCell]] = defaultdict(list)
    for arm, cells in enumerate(counted.arms):
        for cell in cells:
            found[arm, cell.day in late, over(cell.segment, dimensions)].append(cell)
    return Totals([group_of(*key, merge(cell.moments for cell in found[key])) for key in sorted(found)])


@dataclass(frozen=True)
class Shape:
    """The effect as the reading estimates it, of some of the cells and with weights."""

    ratio: bool
    adjusted: bool
    counted: Counted
    late: frozenset[object]
    weighting: Weighting | None
    value: Mapping[Segment, float]
    totals: Totals

    def effect(self, *, late: bool, population: bool, value: bool) -> Dual:
        """Candidate minus control."""
        levels = [self.level("y", arm, late, population, value) for arm in (0, 1)]
        if self.ratio:
            levels = [one / self.level("d", arm, late, population, value) for arm, one in enumerate(levels)]
        if not self.adjusted:
            return levels[1] - levels[0]
        # Theta is taken as known: an error in it moves the effect by its product with the covariate's imbalance only.
        covariate = [self.level("x", arm, late, population, value) for arm in (0, 1)]
        thetas, parts = self.thetas(late)
        common = total(part * one for part, one in zip(parts, covariate, strict=True))
        levels = [y - theta * (x - common) for y, theta, x in zip(levels, thetas, covariate, strict=True)]
        return levels[1] - levels[0]

    def level(self, column: str, arm: int, late: bool, population: bool, value: bool) -> Dual:
        """Mean per unit of a column in one arm, weighted."""
        pick = self.totals.sum
        if self.weighting is None or not (population or value):
            return pick(column, arm, late=late) / pick("n", arm, late=late)  # type: ignore[arg-type]  # one of COLUMNS
        above, below = [], []
        for cell, part in self.weighting.shares.items():
            units = pick("n", arm, late=late, cell=cell)
            amount = pick(column, arm, late=late, cell=cell)  # type: ignore[arg-type]  # as above
            worth = self.value[cell] if value else 1.0
            if population:
                amount, units = worth * part * (amount / units), worth * part * (units / units)
            else:
                amount, units = worth * amount, worth * units
            above.append(amount)
            below.append(units)
        return total(above) / total(below)

    def thetas(self, late: bool) -> tuple[tuple[float, float], tuple[float, float]]:
        """How much of the covariate each arm takes off, and the arms' shares of the units: as CUPED has them."""
        control, candidate = (
            merge(cell.moments for cell in cells if not late or cell.day in self.late) for cells in self.counted.arms
        )
        xx, xy = (control.x_m2 or 0.0, candidate.x_m2 or 0.0), (control.xy or 0.0, candidate.xy or 0.0)
        sizes = np.array([control.n, candidate.n], dtype=float)
        shares = sizes / sizes.sum()
        own = sizes.max() > UNEQUAL * sizes.min()
        pooled = sum(xy) / sum(xx)
        thetas = (xy[0] / xx[0], xy[1] / xx[1]) if own else (pooled, pooled)
        return thetas, (float(shares[0]), float(shares[1]))
