"""Who responds: does the response rate fall over windows, and do other people respond than used to?

Both look at windows of feedback in order of time. A rate that keeps falling, or a mix of responders that has moved,
says that the same question is answered by another group: what it says of everyone is then no longer what it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from signals.stats.difference import RefusedError
from signals.stats.trend import weighted_trend

DRAWS = 2_000
SEED = 20_261_124
QUANTILE = 0.95
"""Of the distance that chance alone makes: what lies above it is told from chance at one-sided 5 %."""


def falling_p(moments: Sequence[float], rates: Sequence[float]) -> float:
    """One-sided p-value of a rate that does not fall over windows.

    A straight line through the logarithms of the rates, so that falls are counted in shares of what is left; its error
    is taken from the scatter about it (``weighted_trend``). Scatter that goes together from window to window makes the
    p-value too small.

    Args:
        moments: When each window began, in any unit of time.
        rates: Responses per answer shown in each, above 0.

    Raises:
        RefusedError: Below five windows, when all began at one moment, or when a rate is 0.
    """
    if any(rate <= 0.0 for rate in rates):
        raise RefusedError("nobody responded in one of the windows")
    found = weighted_trend(moments, [math.log(rate) for rate in rates], [1.0] * len(rates))
    if found is None:
        raise RefusedError("a trend takes five windows that began at different times")
    return found.p_value / 2.0 if found.slope < 0.0 else 1.0 - found.p_value / 2.0


@dataclass(frozen=True)
class Crowd:
    """Who responded in a window, by segment.

    Attributes:
        responses: Per segment.
        shown: Answers shown per segment; None where that is not known.
        worth: Independent responses over responses, at most 1: one person's are all alike.
    """

    responses: Mapping[str, float]
    shown: Mapping[str, float] | None = None
    worth: float = 1.0


@dataclass(frozen=True)
class Moved:
    """How far the mix of responders is from what it was.

    Attributes:
        distance: Total variation distance: the share of responders that would have to be in other segments.
        noise: What chance alone makes of it in 19 of 20 cases.
        shift: The distance less that, at least 0.
        segment: The one that has gained most.
        share: Its share of those who respond now.
        expected: Its share if responders were who they used to be.
    """

    distance: float
    noise: float
    shift: float
    segment: str
    share: float
    expected: float


def moved(first: Crowd, now: Crowd) -> Moved:
    """Hold the responders of now against those of the first windows.

    Where it is known how many answers each segment was shown, the first mix is what today's traffic would give if every
    segment responded as it did then, so that growth in one market is no shift of responders. A segment that was not
    shown anything then is taken to respond as all of them together did. Otherwise the mixes are compared as they are.

    The distance is above 0 even when nothing moved. Its noise is the upper quantile of distances between samples of one
    mix as large as these two are worth (multinomial, simulated).

    Raises:
        RefusedError: When nobody responded, or all responders are of one segment.
    """
    import numpy as np

    names = sorted({*first.responses, *now.responses})
    then_n, now_n = (sum(one.responses.values()) for one in (first, now))
    if len(names) < 2:
        raise RefusedError("all who responded are of one segment")
    if then_n < 1 or now_n < 1:
        raise RefusedError("nobody responded in one of the windows")
    then = np.array([first.responses.get(name, 0.0) for name in names])
    weights = np.ones(len(names))
    if first.shown and now.shown:
        was, shown = (np.array([one.get(name, 0.0) for name in names]) for one in (first.shown, now.shown))
        usual = then_n / was.sum()
        fresh = was <= 0.0
        then = np.where(fresh, usual * shown, then)  # what is new responds as all of them together did
        weights = np.where(fresh, 1.0, shown / np.where(fresh, 1.0, was))
    seen = np.array([now.responses.get(name, 0.0) for name in names]) / now_n
    expected = then * weights / float((then * weights).sum())
    distance = float(np.abs(seen - expected).sum()) / 2.0

    rng = np.random.default_rng(SEED)
    sizes = max(1, round(then_n * first.worth)), max(1, round(now_n * now.worth))
    drawn = rng.multinomial(sizes[0], then / then.sum(), size=DRAWS) * weights
    drawn = drawn / np.maximum(drawn.sum(axis=1, keepdims=True), 1e-300)
    again = rng.multinomial(sizes[1], expected, size=DRAWS) / sizes[1]
    noise = float(np.quantile(np.abs(drawn - again).sum(axis=1) / 2.0, QUANTILE))
    most = int(np.argmax(seen - expected))
    return Moved(
        distance, noise, max(0.0, distance - noise), names[most], float(seen[most]), float(expected[most])
    )  # fmt: skip
