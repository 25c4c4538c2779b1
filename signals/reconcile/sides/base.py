"""What each signal brings to a pair: its number under every combination of its corrections, with its errors.

Errors are kept as *moves*: how far each independent cluster of evidence (an item, a cell of users, the raters) pulls
every number. The covariance of the numbers is the sum of the outer products of the moves; clusters of one name that two
signals share move both of them, so one sum gives the joint covariance of a pair. For items the moves are those of the
delete-one-cluster jackknife (Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans, chapter 3).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from signals.model import Carrier, Correction, Segment, SignalKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Mix:
    """Whom a signal speaks for: shares by segment.

    Attributes:
        of: In words: "conversion's users", "traffic".
        shares: By segment cell, summing to 1; every cell names the same dimensions.
        value: Shares of value of the same cells, summing to 1; None when they are not known.
    """

    of: str
    shares: Mapping[Segment, float]
    value: Mapping[Segment, float] | None = None

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions that every cell names, sorted."""
        return tuple(name for name, _ in next(iter(self.shares), ()))

    def over(self, dimensions: tuple[str, ...]) -> Mix:
        """The same mix over fewer dimensions (sorted)."""
        shares: dict[Segment, float] = {}
        value: dict[Segment, float] = {}
        for cell in sorted(self.shares):
            less = tuple(pair for pair in cell if pair[0] in dimensions)
            shares[less] = shares.get(less, 0.0) + self.shares[cell]
            if self.value is not None:
                value[less] = value.get(less, 0.0) + self.value.get(cell, 0.0)
        return Mix(self.of, shares, None if self.value is None else value)


@dataclass(frozen=True)
class Other:
    """What a side must know of the signal that it is held against.

    Attributes:
        signal: Its name.
        kind: Its kind.
        mix: Whom it speaks for (an experiment's users, a panel's items), else the traffic mix; None when not known.
        why_no_mix: Why there is none, and what would allow one.
        days: The days that it has evidence of, of its units' first day; empty when days mean nothing to it.
        weighs_value: Whether its number counts value rather than heads (a mean or a ratio of users).
        people_fixed: Whether the word of the raters who graded a judge's items is the rule, so that to have asked
            others is no matter. The policy says it of its panels; whom the judge is held against changes nothing.
        toward: +1 when this side's effect (candidate minus control, not benefit) would have to be higher to agree, -1
            lower.
    """

    signal: str
    kind: SignalKind
    mix: Mix | None = None
    why_no_mix: tuple[str, str] = ("", "")
    days: frozenset[date] = frozenset()
    weighs_value: bool = False
    toward: float = 1.0
    people_fixed: bool = False


@dataclass(frozen=True)
class Side:
    """One signal's number under every combination of its corrections.

    Attributes:
        signal: Its name.
        corrections: Those that can be made, k of them.
        values: Effects (candidate minus control, in the signal's unit), shape (2**k,): at index ``mask`` with every
            correction whose bit is set. ``values[0]`` is the effect as it votes.
        moves: By name of an independent cluster of evidence, how far it pulls each value, shape (2**k,). The sampling
            covariance of ``values`` is the sum of the outer products. Names that mean the same thing on both sides of a
            pair must be equal: ``("item", NAME)`` or ``("cluster", NAME)`` of items, ``("raters", ...)`` of raters; all
            others begin with the signal's name.
        df: Degrees of freedom of the errors; None: normal.
        refused: Corrections that cannot be made.
        carriers: Items that carry the judge's bias.
        samples: By name of a cluster, the sample that it belongs to and the degrees of freedom of that; clusters that
            are not named have ``df``.
        raised: Moves in whose place others weigh when degrees of freedom are combined: those of raters, one standard
            error above their estimate.
        grades: The least and the greatest grade given, where the unit does not say the scale (points); None otherwise.
        judge: Whether a judge gave them: people's grades are held against his scale.
    """

    signal: str
    corrections: tuple[Correction, ...]
    values: Array
    moves: Mapping[Hashable, Array]
    df: float | None
    refused: tuple[Correction, ...] = ()
    carriers: tuple[Carrier, ...] = field(default=())
    samples: Mapping[Hashable, tuple[Hashable, float]] = field(default_factory=dict)
    raised: Mapping[Hashable, Array] = field(default_factory=dict)
    grades: tuple[float, float] | None = None
    judge: bool = False
