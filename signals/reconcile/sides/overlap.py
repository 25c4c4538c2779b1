"""What a signal of users has in common with the one it is held against: later days, and segments to be weighted."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from signals.model import Segment
from signals.reconcile.sides.base import Mix, Other
from signals.words import moment, plural, share

FEWEST_DAYS = 4
"""Days below which the later half is too short to tell what the effect settles at."""

ENOUGH_IN_CELL = 30
"""Units (responses) of each arm that a segment needs to be weighted."""

COVERED = 0.8
"""Share of the other population that segments with enough units must hold."""


@dataclass(frozen=True)
class Later:
    """The later half of the days, and how many days it is of."""

    days: tuple[date, ...]
    of: int
    both: str  # the other signal, when only days that it has too were looked at

    @property
    def words(self) -> str:
        """``13 Nov 2026 to 16 Nov 2026, the later half of 8 days``."""
        common = f" that {self.both} has too" if self.both else ""
        return f"{span(self.days)}, the later half of {self.of} days{common}"


def later_of(days: frozenset[date], other: Other) -> Later | tuple[str, str]:
    """The later half of a signal's days, of those that the other signal has too where it has any.

    Args:
        days: The signal's own, not empty.
        other: Whose days limit them.

    Returns:
        The half, or why there is none, with what would allow one.
    """
    shared = sorted(days & other.days if other.days else days)
    whose = f"of both it and {other.signal}" if other.days else "of evidence"
    if not shared:
        return f"it and {other.signal} have no day in common", "evidence of both from the same days"
    if len(shared) < FEWEST_DAYS:
        missing = FEWEST_DAYS - len(shared)
        more = f"{missing} more day{'s' if missing > 1 else ''}{' of both' if other.days else ''}"
        return f"only {plural(len(shared), 'days')} {whose}; a later half needs {FEWEST_DAYS}", more
    late = tuple(shared[-(len(shared) // 2) :])
    return Later(late, len(shared), other.signal if other.days and set(shared) != days else "")


def span(days: Sequence[date]) -> str:
    """``13 Nov 2026 to 16 Nov 2026``."""
    return moment(days[0]) if days[0] == days[-1] else f"{moment(days[0])} to {moment(days[-1])}"


# --- segments -------------------------------------------------------------------------------------------------------


def named_by_all(cells: Iterable[Segment]) -> tuple[str, ...]:
    """The dimensions that every segment cell names, sorted."""
    names = [frozenset(name for name, _ in cell) for cell in cells]
    return tuple(sorted(frozenset.intersection(*names))) if names else ()


def over(cell: Segment, dimensions: tuple[str, ...]) -> Segment:
    """A segment cell with fewer dimensions."""
    return tuple(pair for pair in cell if pair[0] in dimensions)


def mix_of(of: str, parts: Sequence[tuple[Segment, float]]) -> Mix | None:
    """Shares by segment; None when no dimension is named by all parts, or they sum to nothing."""
    dimensions = named_by_all(cell for cell, _ in parts)
    found: dict[Segment, list[float]] = defaultdict(list)
    for cell, amount in parts:
        found[over(cell, dimensions)].append(amount)
    whole = math.fsum(amount for _, amount in parts)
    if not dimensions or whole <= 0.0:
        return None
    return Mix(of, {cell: math.fsum(found[cell]) / whole for cell in sorted(found)})


def sizes_of(
    arms: Sequence[Sequence[tuple[Segment, date | None, float]]], later: Later | None
) -> dict[Segment, tuple[float, float]]:
    """By segment: how many in all, and how many in the smaller arm (of the later days, where they are looked at alone).

    Args:
        arms: Segment, day and count of every cell of control and candidate.
        later: The later half of the days, where it is a correction.
    """
    every: dict[Segment, list[float]] = defaultdict(list)
    alone: dict[Segment, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for arm, cells in enumerate(arms):
        for cell, day, amount in cells:
            every[cell].append(amount)
            if later is None or day in later.days:
                alone[cell][arm].append(amount)
    return {
        cell: (math.fsum(amounts), min(math.fsum(alone[cell][0]), math.fsum(alone[cell][1])))
        for cell, amounts in every.items()
    }


@dataclass(frozen=True)
class Weighting:
    """Segments with enough units in both arms, and the share of the other population that each stands for.

    ``shares`` sum to 1 over them.
    """

    dimensions: tuple[str, ...]
    shares: Mapping[Segment, float]
    covered: float

    @property
    def left(self) -> str:
        """What the words of the evidence add when a part of the population is not covered."""
        if self.covered > 1.0 - 1e-9:
            return ""
        return f", all but the {share(1.0 - self.covered)} of segments that are too thin"


def weighting_of(
    mix: Mix, sizes: Callable[[tuple[str, ...]], Mapping[Segment, tuple[float, float]]], noun: str
) -> Weighting | tuple[str, str]:
    """Which segments can be weighted: of all dimensions at once, else of the one in which the populations differ most.

    Args:
        mix: The other population, over dimensions that the signal's cells name too.
        sizes: By segment over some dimensions: how many there are in all, and how many in the smallest part that any
            combination of corrections looks at by itself.
        noun: What is counted: users, ratings.

    Returns:
        The weights, or why there are none, with what would allow them.
    """
    joint = _held(mix, sizes(mix.dimensions))
    if joint.covered >= COVERED:
        return joint.weighting(mix)
    singles = []
    for name in mix.dimensions if len(mix.dimensions) > 1 else ():
        less = mix.over((name,))
        singles.append((_held(less, sizes((name,))), less))
    usable = [(held, less) for held, less in singles if held.covered >= COVERED]
    if usable:
        held, less = max(usable, key=lambda one: (one[0].distance, one[1].dimensions))
        return held.weighting(less)
    best, of = max([(joint, mix), *singles], key=lambda one: one[0].covered)
    thin = sorted((cell for cell in of.shares if cell not in best.cells), key=lambda cell: (-of.shares[cell], cell))
    names = ", ".join(" ".join(f"{name}={value}" for name, value in cell) for cell in thin[:3])
    return (
        f"segments with at least {ENOUGH_IN_CELL} {noun} in each arm hold {share(best.covered)} of {mix.of}",
        f"more {noun} of {names}",
    )


@dataclass(frozen=True)
class _Held:
    """Segments of a mix that have enough in both arms, and what they come to."""

    cells: tuple[Segment, ...]
    covered: float
    distance: float  # between the shares of the signal's own and those of the mix (total variation)

    def weighting(self, mix: Mix) -> Weighting:
        whole = math.fsum(mix.shares[cell] for cell in self.cells)
        return Weighting(mix.dimensions, {cell: mix.shares[cell] / whole for cell in self.cells}, self.covered)


def _held(mix: Mix, sizes: Mapping[Segment, tuple[float, float]]) -> _Held:
    cells = tuple(
        cell for cell, part in mix.shares.items() if part > 0.0 and sizes.get(cell, (0.0, 0.0))[1] >= ENOUGH_IN_CELL
    )
    whole = math.fsum(mix.shares.values())
    own = math.fsum(size for size, _ in sizes.values()) or 1.0
    every = sorted({*mix.shares, *sizes})
    apart = [abs(sizes.get(cell, (0.0, 0.0))[0] / own - mix.shares.get(cell, 0.0)) for cell in every]
    covered = math.fsum(mix.shares[cell] for cell in cells) / whole if whole > 0.0 else 0.0
    return _Held(cells, min(1.0, covered), math.fsum(apart) / 2.0)
