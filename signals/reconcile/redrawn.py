"""One signal drawn anew around what was read of it.

The draws are those of the simulation (``workbench.simulation``), whose laws make most intervals exactly as the readings
do. Some intervals they make otherwise: the score interval of paired answers, order statistics of a quantile, a panel
with holes, effective counts that are no whole numbers. So each signal is first drawn without any noise; by how much its
interval then differs from the one that was read is its *shape*, and every draw keeps that shape: as far below and above
the estimate, in terms of its own standard error, as the reading's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from signals.model import Estimate, Numbers, SegmentEstimate, Signal
from signals.policy.facts import Scalar, Value
from signals.reconcile.agreeing import drawn_agreement
from signals.workbench.simulation import strata
from signals.workbench.simulation.columns import CODE, Column, Element, Table
from signals.workbench.simulation.design import Design
from signals.workbench.simulation.drawn import Drawn
from signals.workbench.simulation.intervals import Estimates
from signals.workbench.simulation.noise import Noise, Streams
from signals.workbench.simulation.reach import Look
from signals.workbench.simulation.strata import SegmentDraws
from signals.workbench.simulation.truth import Truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ONE = Look(0, (1.0,))
ROUNDING = 1e-9
"""A shape nearer to 1 than this is rounding, and not applied."""

Sides = tuple[float, float]
"""Factors of the distance from the effect (not the benefit) to its lower bound, and to its upper one."""


@dataclass(frozen=True)
class Shape:
    """What makes the undisturbed draw the reading.

    Attributes:
        shift: Added to every drawn effect.
        level: Added to every drawn level of the control arm.
        error: Factor of the standard error that is shown beside the interval (power and detectable effect need it).
        sides: Of the interval.
        segments: By name, of the plain and of the adjusted interval.
    """

    shift: float = 0.0
    level: float = 0.0
    error: float = 1.0
    sides: Sides = (1.0, 1.0)
    segments: Mapping[str, tuple[Sides, Sides]] = field(default_factory=dict)


PLAIN = Shape()


class Still(Noise):
    """No noise: every effect is the true one, every estimated variance the design's."""

    def __init__(self) -> None:
        super().__init__(Streams(0), 1, ONE.shares, (), np.zeros((0, 0)))

    def effect(self, *_: object, **__: object) -> Array:
        """Zero."""
        return np.zeros(1)

    def normal(self, *_: object, **__: object) -> Array:
        """Zero."""
        return np.zeros(1)

    def square(self, *_: object, **__: object) -> Array:
        """One."""
        return np.ones(1)


class Redrawn(Drawn):
    """One signal over all draws, shaped as it was read.

    Args:
        signal: As the policy declares it.
        design: Its precision.
        truth: What is drawn around.
        noise: Random numbers.
        look: The only one.
        shape: Of its intervals.
        shrunk: The shrunk effects of its segments as they were read, by name of the segment: they are not drawn.
        held: Facts that stay as they were read, by full name.
        errors: Of its checks that are drawn, by full name; see ``agreeing``.
    """

    def __init__(
        self,
        signal: Signal,
        design: Design,
        truth: Truth,
        noise: Noise,
        look: Look = ONE,
        shape: Shape = PLAIN,
        shrunk: Mapping[str, Mapping[str, Scalar]] | None = None,
        held: Mapping[str, Value] | None = None,
        errors: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(signal, design, truth, noise, look)
        self.shape, self.shrunk, self.held, self.errors = shape, shrunk or {}, held or {}, errors or {}
        self._checks: dict[str, Column | None] = {}

    @cached_property
    def plain(self) -> Estimates:
        """The voting estimate as the simulation draws it."""
        return super().estimates

    @cached_property
    def estimates(self) -> Estimates:
        """The voting estimate, shaped."""
        one, shape = self.plain, self.shape
        if shape == PLAIN:
            return one
        effect = one.effect + shape.shift
        below, above = shape.sides
        return replace(
            one,
            effect=effect,
            low=effect - below * (one.effect - one.low),
            high=effect + above * (one.high - one.effect),
            se=shape.error * one.se,
            control=None if one.control is None else one.control + shape.level,
        )

    @cached_property
    def plain_parts(self) -> Sequence[SegmentDraws]:
        """The segments as the simulation draws them."""
        return super().parts

    @cached_property
    def parts(self) -> Sequence[SegmentDraws]:
        """The segments, each with half of its interval as it is shaped."""
        shaped = {str(one["name"].values): one for one in self.elements()}
        return tuple(
            replace(one, half=_half(shaped[one.design.name], ""), far=_half(shaped[one.design.name], "adjusted."))
            for one in self.plain_parts
        )

    @cached_property
    def agreeing(self) -> Array:
        """Standardised noise of how far raters agree, or people with the judge, shape (draws,)."""
        return self.noise.normal(self.signal.name, "agreement", self.look.number, grows=False)

    def check(self, name: str) -> Column | None:
        """The number of a check: agreement is drawn where its error is known."""
        if name not in self._checks:
            found, error = super().check(name), self.errors.get(f"{self.signal.name}.{name}")
            if found is not None and error is not None:
                measured = float(np.ravel(found.values)[0])
                found = Column(drawn_agreement(name, measured, error, self.agreeing))
            self._checks[name] = found
        return self._checks[name]

    def elements(self) -> Sequence[Element]:
        """The segments as conditions ask for them."""
        return self._elements

    @cached_property
    def _elements(self) -> tuple[Element, ...]:
        return tuple(self._shaped(one) for one in strata.elements(self.signal, self.design, self.plain_parts))

    def _shaped(self, one: Element) -> Element:
        name = str(one["name"].values)
        found = dict(one)
        for prefix, sides in zip(("", "adjusted."), self.shape.segments.get(name, ()), strict=False):
            if f"{prefix}low" not in found:
                continue
            below, above = sides if self.signal.sign > 0 else sides[::-1]
            benefit, low, high = _values(one, "benefit"), _values(one, f"{prefix}low"), _values(one, f"{prefix}high")
            found[f"{prefix}low"] = Column(benefit - below * (benefit - low))
            found[f"{prefix}high"] = Column(benefit + above * (high - benefit))
        return found | {key: Column(value) for key, value in self.shrunk.get(name, {}).items()}

    def put(self, table: Table) -> None:
        """Add the facts to a table: drawn ones, and those that are held as they were read."""
        super().put(table)
        put_read(table, self.held)


def _values(element: Element, name: str) -> Array:
    return np.asarray(element[name].values, dtype=float)


def _half(element: Element, prefix: str) -> Array | None:
    if f"{prefix}low" not in element:
        return None
    return np.asarray((_values(element, f"{prefix}high") - _values(element, f"{prefix}low")) / 2.0)


def put_read(table: Table, facts: Mapping[str, Value]) -> None:
    """Facts that are the same in every draw; states become codes."""
    for key, value in facts.items():
        if isinstance(value, tuple):
            elements = [{name: Column(one) for name, one in element.items()} for element in value]
            table.put_list(key, partial(list, elements), True)
        elif key.endswith(".state"):
            codes = np.full(table.size, CODE[value], dtype=np.int8)  # type: ignore[index]  # a state, by its name
            table.put(key, partial(Column, codes))
        else:
            table.put(key, partial(Column, value))


# --- the shape ------------------------------------------------------------------------------------------------------


def shape_of(signal: Signal, design: Design, truth: Truth, numbers: Numbers) -> Shape:
    """What makes the undisturbed draw of a signal its reading.

    Args:
        signal: As the policy declares it.
        design: Made from ``numbers``; not refused.
        truth: The effects as they were read.
        numbers: Of the reading; the voting estimate has an interval.
    """
    still = Redrawn(signal, design, truth, Still())
    drawn, read = still.plain, numbers.estimates[numbers.voting]
    shift = _shift((read.effect or 0.0) - float(drawn.effect[0]), design.se or 0.0)
    level = 0.0
    if read.control is not None and drawn.control is not None:
        level = _shift(read.control - float(np.ravel(drawn.control)[0]), design.se or 0.0)
    sides = _sides(float(drawn.effect[0]), float(drawn.low[0]), float(drawn.high[0]), read)
    by_name = {one.name: one for one in numbers.segments}
    segments = {}
    for one, element in zip(still.plain_parts, _plain_elements(still), strict=True):
        both = _segment_sides(signal, element, by_name[one.design.name])
        if both is not None:
            segments[one.design.name] = both
    error = math.nan if read.se is None else _factor(read.se, float(drawn.se[0]))
    return Shape(shift, level, error, sides, segments)


def _plain_elements(still: Redrawn) -> list[Element]:
    drawn = {one.design.name for one in still.plain_parts}
    return [element for element in still.elements() if element["name"].values in drawn]


def _shift(gap: float, se: float) -> float:
    return gap if abs(gap) > ROUNDING * se else 0.0


def _sides(effect: float, low: float, high: float, read: Estimate) -> Sides:
    if read.effect is None or read.low is None or read.high is None:
        return 1.0, 1.0
    return _factor(read.effect - read.low, effect - low), _factor(read.high - read.effect, high - effect)


def _segment_sides(signal: Signal, element: Element, read: SegmentEstimate) -> tuple[Sides, Sides] | None:
    """Factors of the effect's sides, from an element, whose bounds are swapped where lower is better."""
    if read.effect is None or "low" not in element or "adjusted.low" not in element:
        return None
    bounds = [(read.low, read.high), (read.adjusted_low, read.adjusted_high)]
    found = []
    for (low, high), prefix in zip(bounds, ("", "adjusted."), strict=True):
        if low is None or high is None:
            return None
        benefit, least, most = (_first(element[name]) for name in ("benefit", f"{prefix}low", f"{prefix}high"))
        below, above = (benefit - least, most - benefit) if signal.sign > 0 else (most - benefit, benefit - least)
        found.append((_factor(read.effect - low, below), _factor(high - read.effect, above)))
    if all(side == 1.0 for pair in found for side in pair):
        return None
    return found[0], found[1]


def _first(column: Column) -> float:
    return float(np.ravel(column.values)[0])


def _factor(wanted: float, drawn: float) -> float:
    """1 where the two agree, and where there is nothing to stretch."""
    if not drawn > 0.0 or not wanted >= 0.0 or abs(wanted / drawn - 1.0) < ROUNDING:
        return 1.0
    return wanted / drawn
