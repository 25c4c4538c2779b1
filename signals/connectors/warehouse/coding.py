"""Variants and labels as whole numbers inside the query: texts are slow to compare and to carry, row by row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis

STEP = 100_000
"""How far the numbers of two components are apart: more variants than a component has."""

LABEL_BITS, MOST_LABELS = 10, 64
"""Bits that are left beside the microseconds until 2200; and how many labels may be told apart one by one for a row."""


@dataclass(frozen=True)
class Variants:
    """The variants of a source by number: text is slow to compare for every row, and to carry through every step.

    ``numbers`` is variant -> number. Variants that are compared with one another, directly or through a third, are one
    component: their numbers share the thousands (of ``STEP``). A unit that is in two of them counts in none; its rows
    under variants of other components do not matter to it.
    """

    numbers: Mapping[str, int]

    @classmethod
    def of(cls, counts: Mapping[str, int], components: Sequence[Sequence[str]]) -> Variants:
        """Numbers for the variants that are there, in the order of their rows (which decides nothing but speed)."""
        homes = [[name for name in one if name in counts] for one in components]
        compared = {name for one in homes for name in one}
        homes = [sorted(one) for one in homes if one] + [[name] for name in sorted(counts) if name not in compared]
        found = {name: home * STEP + place for home, one in enumerate(homes) for place, name in enumerate(one)}
        return cls(dict(sorted(found.items(), key=lambda entry: (-counts[entry[0]], entry[1]))))

    @property
    def names(self) -> dict[int, str]:
        """Number -> variant."""
        return {number: name for name, number in self.numbers.items()}

    @property
    def several(self) -> bool:
        """Whether there is more than one component."""
        return max(self.numbers.values(), default=0) >= STEP


@dataclass(frozen=True)
class Labels:
    """The labels of a source by number, where DuckDB does the work.

    The least of (time, number), packed into one whole number, gives a unit's first time and its labels then, at a
    fraction of what comparing texts costs. ``values`` are the labels of each dimension, sorted, so that of several at
    the same moment the smallest counts.
    """

    values: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, found: Iterable[tuple[str, ...]]) -> Labels | None:
        """Numbers for the combinations that are there; None when they are too many, or there is nothing to number."""
        every = list(found)
        values = tuple(tuple(sorted(set(one))) for one in zip(*every, strict=True)) if every else ()
        few = sum(map(len, values)) <= MOST_LABELS and math.prod(map(len, values)) <= 1 << LABEL_BITS
        return cls(values) if values and few else None

    def number(self, rows: ibis.Table) -> ibis.Column:
        """The number of the labels ``s0``, ``s1`` … of a row."""
        import ibis

        whole: Any = 0
        for place, values in enumerate(self.values):
            branches = [(rows[f"s{place}"] == value, number) for number, value in enumerate(values)]
            whole = whole * len(values) + ibis.cases(*branches, else_=0).cast("int64")
        return whole

    def named(self, number: int | None) -> dict[str, str | None]:
        """The labels of a number; None stays None."""
        found: dict[str, str | None] = {}
        for place, values in reversed(list(enumerate(self.values))):
            found[f"s{place}"] = None if number is None else values[number % len(values)]
            number = None if number is None else number // len(values)
        return found
