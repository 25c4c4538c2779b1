"""True effects, as people write them: ``-2%`` of control, ``-0.6pp``, ``0.1``, ``1m`` for one margin of benefit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from signals.model import Signal, SignalsError
from signals.policy.facts import family
from signals.workbench.simulation.design import Design, SegmentDesign

Unit = Literal["", "pp", "%", "m"]

_VALUE = re.compile(r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*(pp|%|m)?\s*")


@dataclass(frozen=True)
class Effect:
    """One true effect.

    Attributes:
        value: In ``unit``: of the signal (``""``; fractions for proportions), percentage points (``pp``, 0.02 is 2 pp;
            of proportions only), of control (``%``, 0.02 is 2 %), or in margins (``m``).
        unit: Effects are candidate minus control; margins count benefit, so ``1m`` is one margin better.
        segments: Segments with an effect of their own. The others of the dimension make up for it, so that the effect
            over everything stays what it is.
    """

    value: float = 0.0
    unit: Unit = ""
    segments: Mapping[str, Effect] = field(default_factory=dict)


NOTHING = Effect()


def effect_of(text: str) -> Effect:
    """Read one effect.

    Raises:
        SignalsError: When it is not a number with one of the units.
    """
    match = _VALUE.fullmatch(text.replace("−", "-"))
    if match is None:
        raise SignalsError(f"{text!r:.40} is not an effect", "Write it like -2%, -0.6pp, 0.1 or 1m (one margin better)")
    value, unit = float(match[1]), match[2] or ""
    if not math.isfinite(value):
        raise SignalsError(f"{text!r:.40} is not finite", "Write it like -2%, -0.6pp, 0.1 or 1m")
    if unit == "m":
        return Effect(value, "m")
    return Effect(value / 100, "%" if unit == "%" else "pp") if unit else Effect(value)


@dataclass(frozen=True)
class Truth:
    """A true effect in the signal's own unit, candidate minus control, over everything and per segment."""

    value: float
    segments: tuple[float, ...]


def resolve(signal: Signal, design: Design, effect: Effect | float) -> Truth:
    """The effect in the signal's unit.

    A relative effect, or one in relative margins, is the same share of control in every segment; any other is the same
    amount in every segment.

    Raises:
        SignalsError: For margins of a signal without one, shares of an unknown level, or rates outside 0 to 1.
    """
    effect = effect if isinstance(effect, Effect) else Effect(float(effect))
    whole = _amount(signal, design.control, effect)
    values = {one.name: _amount(signal, one.control, effect, whole) for one in design.segments}
    for name, own in effect.segments.items():
        if name not in values:
            known = ", ".join(values) or "none"
            raise SignalsError(f"{signal.name} has no segment {name!r} in this design", f"It has {known}")
        values[name] = _amount(signal, next(s.control for s in design.segments if s.name == name), own)
    for dimension in {name.partition("=")[0] for name in effect.segments}:
        some = [one for one in design.segments if one.dimension == dimension]
        values |= _made_up_for(signal, some, values, set(effect.segments), whole)
    truth = Truth(whole, tuple(values[one.name] for one in design.segments))
    _possible(signal, design, truth)
    return truth


def margin_of(signal: Signal, design: Design) -> float | None:
    """The margin at the design's control level; None without one."""
    return signal.margin.absolute(design.control) if signal.margin else None


def _amount(signal: Signal, control: float | None, effect: Effect, otherwise: float | None = None) -> float:
    if effect.unit == "pp" and (signal.kind == "panel" or family(signal) == "natural"):
        thing = "on people's own scale" if signal.kind == "panel" else "in its metric's own unit"
        raise SignalsError(
            f"{signal.name} is {thing}, not in percentage points", "Write its effect like 0.1, -2% or 1m"
        )
    if effect.unit in ("", "pp"):
        return effect.value
    share = effect.value
    if effect.unit == "m":
        if signal.margin is None:
            raise SignalsError(f"{signal.name} has no margin", "Give its effect in its own unit, or a share like -2%")
        if not signal.margin.relative:
            return signal.sign * effect.value * signal.margin.value
        share = signal.sign * effect.value * signal.margin.value
    if control is None:
        if otherwise is not None:
            return otherwise
        raise SignalsError(f"the control level of {signal.name} is not known", "Give its effect in its own unit")
    return share * (abs(control) if effect.unit == "m" else control)


def _made_up_for(
    signal: Signal, some: list[SegmentDesign], values: Mapping[str, float], given: set[str], whole: float
) -> dict[str, float]:
    """The other segments' effects, all moved by the same amount, so that the weighted mean stays the whole."""
    others = [one for one in some if one.name not in given]
    total = sum(one.share for one in some)
    mean = sum(one.share * values[one.name] for one in some) / total
    room = sum(one.share for one in others) / total
    if not others or room <= 0.0:
        if abs(mean - whole) > 1e-9 + 1e-6 * abs(whole):
            raise SignalsError(
                f"{signal.name}: the effects of all segments of {some[0].dimension} make {mean:.4g} together, not the "
                f"{whole:.4g} over everything",
                "Leave one of them out, or give the whole the effect that they make",
            )
        return {}
    shift = (whole - mean) / room
    return {one.name: values[one.name] + shift for one in others}


def _possible(signal: Signal, design: Design, truth: Truth) -> None:
    """Rates stay between 0 and 1."""
    if design.law != "proportion":
        return
    levels = [(signal.name, design.control, truth.value)]
    levels += [(f"{signal.name}, {one.name}", one.control, value)
               for one, value in zip(design.segments, truth.segments, strict=True)]  # fmt: skip
    for name, control, value in levels:
        if control is not None and not 0.0 <= control + value <= 1.0:
            raise SignalsError(
                f"{name}: an effect of {100 * value:+.4g} pp on a control of {100 * control:.4g} % leaves 0 to 100 %",
                "Give a smaller effect",
            )
