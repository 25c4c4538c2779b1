"""Two sides -> the numbers of a pair: what each correction takes off the gap, with one joint covariance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from signals.model import ErrorSample, PairNumbers
from signals.readings.labels import same_scale
from signals.reconcile.sides.base import Side
from signals.stats.shapley import weights

if TYPE_CHECKING:
    from collections.abc import Hashable

    from signals.reconcile.sides.base import Array

MOST_CARRIERS = 10


def pair_numbers(side: Side, against: Side) -> PairNumbers:
    """What the corrections of two signals take off the gap between them.

    Within a side the parts are Shapley values over its corrections; a correction of one side does not touch the other,
    so those are the Shapley values over all corrections of both. All values are linear in the sides' numbers, so their
    covariance is that of one joint resampling: clusters of evidence that both sides share move both.

    Args:
        side: Of the signal whose number is to be explained.
        against: Of the signal that it is held against.
    """
    ours, theirs = _terms(side, takes=1.0), _terms(against, takes=-1.0)[_last_first(against)]
    values = np.concatenate([ours @ side.values, theirs @ against.values])
    first, second = _moved(side, ours), _moved(against, theirs)
    covariance = np.zeros((values.size, values.size))
    cut = ours.shape[0]
    for name, move in first.items():
        covariance[:cut, :cut] += np.outer(move, move)
        other = second.get(name)
        if other is not None:
            cross = np.outer(move, other)
            covariance[:cut, cut:] += cross
            covariance[cut:, :cut] += cross.T
    for move in second.values():
        covariance[cut:, cut:] += np.outer(move, move)
    return PairNumbers(
        side.signal,
        against.signal,
        (*side.corrections, *against.corrections),
        tuple(values.tolist()),
        tuple(tuple(row) for row in covariance.tolist()),
        (*[side.df] * cut, *[against.df] * (values.size - cut)),
        (*side.refused, *against.refused),
        (*side.carriers, *against.carriers)[:MOST_CARRIERS],
        _samples((side, ours), (against, theirs)) if side.samples or against.samples else (),
        _one_scale(side, against),
    )


def _one_scale(side: Side, against: Side) -> bool:
    """Whether grades in points lie on one scale, by the rule that lets people's grades correct a judge's.

    A judge's grades are the measure of people's there, and so they are here; of two of a kind each is the other's.
    """
    if side.grades is None or against.grades is None:
        return True
    pairs = [(one.grades, two.grades) for one, two in ((side, against), (against, side)) if one.judge or not two.judge]
    return all(same_scale(one, *two) for one, two in pairs if one and two)


def _samples(*sides: tuple[Side, Array]) -> tuple[ErrorSample, ...]:
    """The errors by the sample that tells them; clusters that both sides share have the fewer degrees of freedom."""
    size = sum(terms.shape[0] for _, terms in sides)
    found: dict[Hashable, tuple[float | None, Array]] = {}
    for name in dict.fromkeys(name for side, _ in sides for name in (*side.moves, *side.raised)):
        parts, homes, free = [], [], []
        for side, terms in sides:
            move = side.raised.get(name, side.moves.get(name))
            parts.append(np.zeros(terms.shape[0]) if move is None else terms @ move)
            if move is not None:
                home, df = side.samples.get(name, (side.signal, side.df))
                homes.append(home)
                free.append(df)
        key = tuple(homes)
        known = [df for df in free if df is not None]
        move = np.concatenate(parts)
        _, squares = found.get(key, (None, np.zeros((size, size))))
        found[key] = min(known, default=None), squares + np.outer(move, move)
    return tuple(ErrorSample(df, tuple(tuple(row) for row in one.tolist())) for df, one in found.values())


def _terms(side: Side, takes: float) -> Array:
    """The matrix from the side's numbers to its terms: the number that votes first, then what corrections take off."""
    k = len(side.corrections)
    found = np.zeros((1 + k, 2**k))
    found[0, 0] = 1.0
    found[1:] = takes * weights(k)
    return found


def _last_first(side: Side) -> list[int]:
    """The order of the second side's terms: corrections, then its number."""
    return [*range(1, 1 + len(side.corrections)), 0]


def _moved(side: Side, terms: Array) -> dict[object, Array]:
    return {name: terms @ move for name, move in side.moves.items()}
