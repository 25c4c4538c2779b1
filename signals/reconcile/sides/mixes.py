"""Whom a signal speaks for, and the segments of it that a sample of items can be weighted to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signals.model import Evidence, MixShare, Segment
from signals.reconcile.sides.base import Mix
from signals.words import plural, share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signals.reconcile.sides.base import Array

THICK = 5  # clusters of items that a segment needs: the spread within fewer is hardly known
RARE = 0.05  # of the mix: segments that together have no more may be left out of the joint cells
HALF = 0.5  # of the mix that the items must reach to be weighted to it at all
MOST_CELLS = 400
SHOWN = 3  # names of segments in a clause

Labels = Mapping[str, str]
"""Of one item: value by dimension."""


@dataclass(frozen=True)
class Target:
    """Items placed in the segments of a mix.

    Attributes:
        dimensions: Those that the segments name.
        place: The segment of each item, shape (items,); -1 where it is in none that counts.
        shares: Of the segments that count, shape (segments,), summing to 1.
        tilt: Share of value over share of heads of each of them; None when value is not known.
        words: What the weighting came to, in one clause.
    """

    dimensions: tuple[str, ...]
    place: NDArray[np.intp]
    shares: Array
    tilt: Array | None
    words: str


@dataclass(frozen=True)
class Unreachable:
    """Why items cannot be weighted to a mix, and what would allow it."""

    why: str
    remedy: str


def traffic_mix(evidence: Evidence) -> Mix | None:
    """The newest declared traffic mix; of several margins the one with the most dimensions, the first by name.

    Value shares are given when every one of its segments has one.
    """
    last = max((cell.window for cell in evidence.mix), default="")
    margins: dict[tuple[str, ...], list[MixShare]] = defaultdict(list)
    for cell in evidence.mix:
        if cell.window == last:
            margins[tuple(name for name, _ in cell.segment)].append(cell)
    named = [dimensions for dimensions in margins if dimensions]
    if not named:
        return None
    cells = margins[min(named, key=lambda one: (-len(one), one))]
    shares = _shares({}, [(cell.segment, cell.share) for cell in cells])
    if shares is None:
        return None
    known = all(cell.value_share is not None for cell in cells)
    value = _shares(shares, [(cell.segment, cell.value_share or 0.0) for cell in cells]) if known else None
    return Mix("traffic", shares, value)


def _shares(names: Mapping[Segment, float], amounts: Sequence[tuple[Segment, float]]) -> dict[Segment, float] | None:
    """Amounts by segment, summing to 1; None when there are none."""
    found = dict.fromkeys(names, 0.0)
    for segment, amount in sorted(amounts):
        found[segment] = found.get(segment, 0.0) + amount
    total = sum(found.values())
    return {segment: found[segment] / total for segment in sorted(found)} if total > 0.0 else None


def items_mix(of: str, items: Sequence[Labels]) -> Mix | None:
    """Shares of items by segment, over the dimensions that nine in ten of them name; None when there is none."""
    counts = Counter(name for labels in items for name in labels)
    dimensions = tuple(sorted(name for name, count in counts.items() if 10 * count >= 9 * len(items)))
    cells = Counter(
        tuple((name, labels[name]) for name in dimensions) for labels in items if labels.keys() >= set(dimensions)
    )
    total = sum(cells.values())
    if not dimensions or not total:
        return None
    return Mix(of, {cell: cells[cell] / total for cell in sorted(cells)})


def reach(mix: Mix, items: Sequence[Labels], index: NDArray[np.intp], noun: str) -> Target | Unreachable:
    """Place items in the segments of a mix: in all common dimensions at once, else in the one that differs most.

    A segment counts with items in five clusters. All dimensions are taken at once when the segments that do not count
    have at most 5 % of the mix together; else the single dimension, of those whose segments that count have at least
    half of the mix, in which items and mix differ most (total variation).

    Args:
        mix: Whom to speak for.
        items: Labels of each item.
        index: The cluster of each item, shape (items,).
        noun: What the items are a sample of: "golden set", "panel".
    """
    known = {name for labels in items for name in labels}
    common = tuple(name for name in mix.dimensions if name in known)
    if not common:
        names = " or ".join(mix.dimensions) or "segments"
        return Unreachable(
            f"the items of the {noun} do not say their {names}, by which {mix.of} are known",
            f"map `segment.{mix.dimensions[0] if mix.dimensions else 'NAME'}` in the source of the {noun}",
        )
    joint = _placed(mix, common, items, index)
    if joint.shares.size and joint.missing <= (RARE if len(common) > 1 else 1.0 - HALF):
        return joint.target(mix)
    singles = [_placed(mix, (name,), items, index) for name in common]
    usable = [one for one in singles if one.shares.size and one.missing <= 1.0 - HALF]
    if usable:
        return max(usable, key=lambda one: (one.distance, one.dimensions)).target(mix)
    best = min(singles, key=lambda one: (one.missing, one.dimensions))
    return Unreachable(
        f"the {noun} has too few items of {_names(best.gaps)}, who are {share(best.missing)} of {mix.of}",
        f"add items of {_names(best.gaps)} to the {noun}, at least {THICK} of each",
    )


@dataclass(frozen=True)
class _Placed:
    dimensions: tuple[str, ...]
    place: NDArray[np.intp]
    shares: Array
    tilt: Array | None
    missing: float  # share of the mix in segments that do not count
    gaps: tuple[Segment, ...]
    distance: float  # between the shares of items and those of the mix

    def target(self, mix: Mix) -> Target:
        inside, outside = int((self.place >= 0).sum()), int((self.place < 0).sum())
        words = f"{plural(inside, 'items')} weighted to {mix.of} by {' and '.join(self.dimensions)}"
        if self.missing > 1e-9:
            words += f"; too few items from {share(self.missing)} of them ({_names(self.gaps)}), who are left out"
        if outside:
            words += f"; {plural(outside, 'items')} elsewhere do not count"
        return Target(self.dimensions, self.place, self.shares, self.tilt, words)


def _placed(mix: Mix, dimensions: tuple[str, ...], items: Sequence[Labels], index: NDArray[np.intp]) -> _Placed:
    less = mix.over(dimensions)
    order = {cell: k for k, cell in enumerate(sorted(cell for cell, part in less.shares.items() if part > 0.0))}
    place = np.array(
        [order.get(tuple((name, labels.get(name, "")) for name in dimensions), -1) for labels in items], dtype=np.intp
    )
    inside = place >= 0
    pairs = np.unique(index[inside] * max(len(order), 1) + place[inside])
    clusters = np.bincount(pairs % max(len(order), 1), minlength=len(order))
    held = np.bincount(place[inside], minlength=len(order)) / max(len(items), 1)
    wanted = np.array([less.shares[cell] for cell in order])
    counts = clusters >= THICK
    if len(order) > MOST_CELLS:
        counts[:] = False
    renamed = np.append(np.where(counts, np.cumsum(counts) - 1, -1), -1)
    covered = float(wanted[counts].sum())
    tilt = None
    if less.value is not None and covered > 0.0:
        tilt = np.array([less.value.get(cell, 0.0) for cell in order])[counts] / wanted[counts]
        tilt = tilt if tilt.sum() > 0.0 else None
    return _Placed(
        dimensions,
        renamed[place],
        wanted[counts] / covered if covered > 0.0 else np.zeros(0),
        tilt,
        max(0.0, 1.0 - covered),
        tuple(cell for cell, k in order.items() if not counts[k]),
        float(np.abs(held - wanted).sum()) / 2.0,
    )


def _names(cells: Sequence[Segment]) -> str:
    shown = [" ".join(f"{name}={value}" for name, value in cell) for cell in cells[:SHOWN]]
    more = f" and {len(cells) - SHOWN} more segments" if len(cells) > SHOWN else ""
    return ", ".join(shown) + more
