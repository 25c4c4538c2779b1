"""Weights for another signal's people and for value, and both at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from signals.reconcile.sides.base import Mix, Other
from signals.reconcile.sides.items import Weighting
from signals.reconcile.sides.mixes import Labels, Target, Unreachable, reach

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signals.reconcile.sides.base import Array


def valued(
    other: Other,
    traffic: Mix | None,
    population: Target | Unreachable,
    items: Sequence[Labels],
    index: NDArray[np.intp],
    noun: str,
) -> Target | Unreachable:
    """The segments whose share of value tilts the weights, or why value is no matter or not known.

    The mix of the other signal serves when it knows value, else the declared traffic.

    Args:
        other: The signal that this one is held against.
        traffic: The declared mix, if any.
        population: The items in the other signal's mix: with the same mix the same segments are used, so that
            population and value together weight by the shares of value.
        items: Labels of each item.
        index: The cluster of each item.
        noun: What the items are a sample of.
    """
    if not other.weighs_value:
        whom = "people" if other.kind == "experiment" else "answers" if other.kind == "feedback" else "items"
        return Unreachable(f"{other.signal} counts {whom}, not value", "")
    mix = other.mix if other.mix is not None and other.mix.value is not None else traffic
    if mix is None or mix.value is None:
        return Unreachable("shares of value are not known", "declare `value_share` in a source of shape traffic_mix")
    found = population if mix is other.mix else reach(mix, items, index, noun)
    if isinstance(found, Unreachable):
        return found
    if found.tilt is None:
        return Unreachable("the segments that the items reach have no value", "add items of the segments that have")
    inside = int((found.place >= 0).sum())
    words = f"{inside:,} items weighted by share of value over share of {mix.of} by {' and '.join(found.dimensions)}"
    return replace(found, words=words)


def to_mix(target: Target, sampled: NDArray[np.bool_] | None, index: NDArray[np.intp]) -> Weighting:
    """The weighting to a mix; where the mix is that of some of these very items, it changes with them.

    Args:
        target: The items in the segments of the mix.
        sampled: Which items another signal looked at, shape (items,): if their shares are the mix, it is a sample's,
            and without a cluster it would have been another. None: the shares are known numbers.
        index: The cluster of each item.
    """
    plain = Weighting(target.place, target.shares, None, np.ones(target.place.size))
    if sampled is None:
        return plain
    here = sampled & (target.place >= 0)
    kinds = target.shares.size
    clusters = int(index.max()) + 1
    held = np.bincount(index[here] * kinds + target.place[here], minlength=clusters * kinds).reshape(clusters, kinds)
    counts = held.sum(axis=0)
    if not counts.sum() or np.abs(counts / counts.sum() - target.shares).max() > 1e-9:
        return plain
    left = counts - held
    if not left.sum(axis=1).all():
        return plain
    return replace(plain, without=left / left.sum(axis=1, keepdims=True))


def combined(
    items: int, population: Weighting | None, value: Target | None, base: Weighting | None
) -> Weighting | None:
    """The weighting of a number: to a population, by value, on top of the weights that it has; None when of none.

    Items that a weighting does not reach count nothing. A tilt acts within the population's segments and is made to
    sum to 1 afterwards, so with one mix both together are its shares of value.
    """
    if population is None and value is None:
        return base
    start = population or base or Weighting.plain(items)
    if value is None:
        return start
    return replace(start, tilt=_tilt(value))


def _tilt(value: Target) -> Array:
    """The weight of each item by value; 0 where it is in no segment of known value."""
    assert value.tilt is not None  # noqa: S101 - `valued` gives only such
    found: Array = np.append(value.tilt, 0.0)[value.place]
    return found
