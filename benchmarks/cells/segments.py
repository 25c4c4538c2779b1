"""Coverage cells of segments: the worst of them, each drawn towards the others, and all at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.cells import Cell, Run, outcome
from signals.model import Estimate, Moments, Signal
from signals.readings.common import estimate
from signals.readings.segments import Segmented, segmented
from signals.stats.difference import from_se
from signals.stats.means import welch
from signals.stats.moments import from_arrays, merge

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNAL = Signal("s", "experiment", "?", "higher", 0.95, segments=("plan",))
WHOLE = Estimate(0.1, 0.0, 0.2, "", 0.95)


@dataclass(frozen=True)
class Part:
    """One group of units: its values in the dimensions, the estimated effect in it, and that estimate's error."""

    plan: str
    effect: float
    error: float
    locale: str = ""


def label(part: Part, dimension: str) -> str | None:
    """The part's value in a dimension."""
    return str(getattr(part, dimension))


def together(control: Sequence[Part], candidate: Sequence[Part], confidence: float, parts: int) -> Estimate:
    """The mean effect of parts of equal size. The control's are a formality: the effect is in the candidate's."""
    del control, parts
    n = len(candidate)
    error = math.sqrt(sum(part.error**2 for part in candidate)) / n
    found = from_se(sum(part.effect for part in candidate) / n, error, confidence)
    return estimate(found, "", confidence, (1, 1))


def told(parts: Sequence[Part], signal: Signal = SIGNAL) -> Segmented:
    """What the product says of them."""
    return segmented(signal, WHOLE, parts, parts, label, together)


def truths(rng: np.random.Generator, count: int, tau: float, uneven: float) -> tuple[NDArray[np.float64], list[Part]]:
    """True effects, ``tau`` mean standard errors apart, and their estimates; ``uneven`` is the SD of log errors."""
    errors = np.exp(rng.normal(0.0, uneven, count))
    theta = 0.3 + tau * rng.normal(size=count) * math.exp(uneven**2 / 2.0)
    seen = theta + errors * rng.normal(size=count)
    return theta, [Part(f"{k:02d}", float(seen[k]), float(errors[k])) for k in range(count)]


def worst(rng: np.random.Generator, count: int, tau: float, uneven: float = 0.0) -> Run:
    """The worst segment's interval against that segment's truth."""
    theta, parts = truths(rng, count, tau, uneven)
    return _worst(told(parts), {f"plan={part.plan}": float(one) for part, one in zip(parts, theta, strict=True)})


def _worst(found: Segmented, truth: dict[str, float]) -> Run:
    one = found.worst["worst_segment"]
    return outcome(one, truth[one.method.partition(": ")[2].partition(";")[0]])


def shrunk(rng: np.random.Generator, count: int, tau: float, uneven: float = 0.0) -> Run:
    """One segment's shrunk interval; segments are alike, so the first stands for their average."""
    theta, parts = truths(rng, count, tau, uneven)
    found = told(parts)
    one = found.segments[0].shrunk
    if one is None:
        return Run(None, None, flagged=True)
    beside = found.worst["worst_segment"]  # its warnings speak of what the shrunk intervals share
    return outcome(replace(beside, low=one.low, high=one.high), float(theta[0]))


def adjusted(rng: np.random.Generator, count: int, tau: float) -> Run:
    """All adjusted intervals at once."""
    theta, parts = truths(rng, count, tau, 0.5)
    found = told(parts).segments
    inside, width = True, 0.0
    for one, true in zip(found, theta, strict=True):
        if one.adjusted_low is None or one.adjusted_high is None:
            return Run(None, None, flagged=True)
        inside &= one.adjusted_low <= true <= one.adjusted_high
        width += (one.adjusted_high - one.adjusted_low) / count
    return Run(inside, width, flagged=False)


def crossed(rng: np.random.Generator, plans: int, locales: int, tau: float) -> Run:
    """The worst over two dimensions of the same units."""
    by_plan = tau * rng.normal(size=plans) / math.sqrt(locales)
    by_locale = tau * rng.normal(size=locales) / math.sqrt(plans)
    noise = rng.normal(size=(plans, locales))
    parts = [
        Part(f"{i:02d}", float(by_plan[i] + by_locale[j] + noise[i, j]), 1.0, f"{j:02d}")
        for i in range(plans)
        for j in range(locales)
    ]
    truth = {f"plan={i:02d}": float(by_plan[i] + by_locale.mean()) for i in range(plans)}
    truth |= {f"locale={j:02d}": float(by_locale[j] + by_plan.mean()) for j in range(locales)}
    return _worst(told(parts, replace(SIGNAL, segments=("plan", "locale"))), truth)


Units = tuple[str, Moments]


def few_units(rng: np.random.Generator, count: int, tau: float, units: int) -> Run:
    """The worst of small segments, whose errors are themselves estimated from a few units per arm."""
    theta = tau * rng.normal(size=count) * math.sqrt(2.0 / units)
    arms = [
        [(f"{k:02d}", from_arrays(rng.normal(size=units) + (theta[k] if arm else 0.0))) for k in range(count)]
        for arm in range(2)
    ]

    def effect(control: Sequence[Units], candidate: Sequence[Units], confidence: float, parts: int) -> Estimate:
        del parts
        m0, m1 = merge(moments for _, moments in control), merge(moments for _, moments in candidate)
        return estimate(welch(m1, m0, confidence), "", confidence, (m0.n, m1.n))

    found = segmented(SIGNAL, WHOLE, arms[0], arms[1], lambda part, _: part[0], effect)
    return _worst(found, {f"plan={k:02d}": float(theta[k]) for k in range(count)})


def apart(tau: float) -> str:
    """In words."""
    return f"truths {tau:g} {'error' if tau == 1.0 else 'errors'} apart" if tau else "no true differences"


def cell(interval: str, situation: str, simulate: partial[Run], *, any_time: bool = False) -> Cell:
    """One row of the table."""
    return Cell(f"segments, {interval}", situation, simulate, any_time)


CELLS: tuple[Cell, ...] = (
    *(
        cell("the worst", f"of {count}, {apart(tau)}", partial(worst, count=count, tau=tau))
        for count in (5, 20)
        for tau in (0.0, 0.5, 1.5)
    ),
    *(
        cell(
            "the worst", f"of {count}, {apart(tau)}, unequal errors",
            partial(worst, count=count, tau=tau, uneven=0.6),
        )
        for count, tau in ((3, 1.0), (5, 1.0), (20, 1.5))
    ),
    cell(
        "the worst", "of 5 and 20 in two dimensions, truths 1 error apart",
        partial(crossed, plans=5, locales=20, tau=1.0),
    ),
    cell(
        "the worst", "of 8 with 15 units per arm, truths 1 error apart",
        partial(few_units, count=8, tau=1.0, units=15),
    ),
    *(
        cell(
            "each drawn to the others", f"{count}, {apart(tau)}, unequal errors",
            partial(shrunk, count=count, tau=tau, uneven=0.6),
        )
        for count, tau in ((5, 1.5), (20, 0.5), (20, 1.5))
    ),
    *(
        cell(
            "adjusted, all at once", f"{count}, unequal errors",
            partial(adjusted, count=count, tau=1.0), any_time=True,
        )
        for count in (5, 20)
    ),
)  # fmt: skip
