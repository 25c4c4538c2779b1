"""Futures: where the evidence of a signal will have gone once more of it was collected.

What today's error leaves open is drawn once, at today's precision; a collection brings a part of it to light, and the
rest stays error. Effects over everything and by segment go together as parts of one whole do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from signals.model import Signal
from signals.reconcile.redrawn import Redrawn
from signals.stats.power import NORMAL
from signals.workbench.simulation.design import Design
from signals.workbench.simulation.noise import Noise
from signals.workbench.simulation.reach import p_always, p_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Luck:
    """What the futures will have shown beyond today, if all that is not known today came to be known.

    Attributes:
        whole: Of the effect over everything (candidate minus control), shape (futures,).
        parts: Of every segment's, by name.
        agreeing: Standardised, of how far raters agree.
    """

    whole: Array
    parts: Mapping[str, Array]
    agreeing: Array


@dataclass(frozen=True)
class Moves:
    """Where the evidence of one signal will have gone, in every future; see ``Luck``.

    Attributes:
        whole: The effect over everything, shape (futures,).
        parts: Segments, by name.
        times: How many times as many items tell then how far raters agree.
        agreeing: Standardised, how far they do.
    """

    whole: Array
    parts: Mapping[str, Array]
    times: float
    agreeing: Array


def lucky(drawn: Redrawn) -> Luck:
    """What a signal drawn at today's precision, one draw per future, lies away from what was read."""
    true = dict(zip((one.name for one in drawn.design.segments), drawn.truth.segments, strict=True))
    return Luck(
        drawn.estimates.effect - drawn.truth.value - drawn.shape.shift,
        {one.design.name: one.effect - true[one.design.name] for one in drawn.parts},
        drawn.agreeing,
    )


def moves_of(signal: Signal, now: Design, then: Design, true: float, luck: Luck) -> Moves:
    """How far a design then lets the futures go, of all that today's error leaves open.

    Args:
        signal: As the policy declares it.
        now: Its precision today.
        then: Its precision then.
        true: The effect that it is drawn around.
        luck: Of the futures.
    """
    before = {one.name: one.se for one in now.segments}
    parts = {
        one.name: _known(one.se, before[one.name]) * luck.parts[one.name]
        for one in then.segments
        if one.name in luck.parts
    }
    whole = _known(error_of(then, true), error_of(now, true)) * luck.whole
    return Moves(whole, parts, carried(signal, then, now), luck.agreeing)


def move(one: Redrawn, moves: Moves, each: int) -> None:
    """Bring the draws of one signal, ``each`` per future, to where each future has it; their intervals go with them."""
    was, shift = one.estimates, np.repeat(moves.whole, each)
    effect = was.effect + shift

    def tested() -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = effect / was.se
        if one.design.rule == "always":
            return np.minimum(1.0, one.design.family * p_always(one.signal, one.design, statistic**2))
        return p_value(one.signal, one.design, one.look, statistic, one.design.df)

    one.estimates = replace(was, effect=effect, low=was.low + shift, high=was.high + shift, p_value=tested)
    one.plain_parts = tuple(
        replace(part, effect=part.effect + np.repeat(moves.parts[part.design.name], each))
        if part.design.name in moves.parts
        else part
        for part in one.plain_parts
    )
    if moves.times > 1.0:
        # Together as far apart as today: what the future will have shown, and what it still leaves to chance.
        known = math.sqrt(1.0 - 1.0 / moves.times) * np.repeat(moves.agreeing, each)
        one.agreeing = known + math.sqrt(1.0 / moves.times) * one.agreeing


def carried(signal: Signal, then: Design, now: Design) -> float:
    """How many times as many items tell then how far raters agree; a judge's are those that people graded."""
    before, after = (
        (one.checks.get("min_overlap") if signal.kind == "judge" else min(one.n_control, one.n_candidate))
        for one in (now, then)
    )
    return after / before if before and after else 1.0


def error_of(design: Design, true: float) -> float:
    """The standard error of the estimate where the true effect is ``true``, in the signal's unit."""
    if design.law != "proportion" or design.control is None:
        return design.se or 0.0
    p0, p1 = design.control, min(1.0, max(0.0, design.control + true))
    return math.sqrt((p0 * (1.0 - p0) / design.n_control + p1 * (1.0 - p1) / design.n_candidate) / design.worth)


def _known(then: float | None, now: float | None) -> float:
    """By how much of today's error the estimate will have moved: the rest of it is still open then."""
    if not now or then is None:
        return 0.0
    return math.sqrt(max(0.0, 1.0 - (then / now) ** 2))


class Even(Noise):
    """Normals as evenly spread as their law has it, in an order by chance: a Latin hypercube of futures.

    McKay, Beckman and Conover 1979, Technometrics 21:239-245. Few futures then tell as much as many.
    """

    def _path(self, signal: str, purpose: str) -> Array:
        places = np.array([NORMAL.inv_cdf((number + 0.5) / self.size) for number in range(self.size)])
        return self._streams.of(signal, purpose).permutation(places)[None, :]
