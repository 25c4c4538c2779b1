"""What the silent could change: bounds for an effect when many who were asked did not answer, and how few turn it.

Rates here are per answer shown: ``up`` and ``down`` are the shares with either thumb, the rest is silent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtr

from signals.model import Moments
from signals.stats.difference import RefusedError, critical
from signals.stats.rates import FEWEST, kish, linear_variance, outcome, people, rate_difference, satterthwaite

NEAR = 4.0  # standard errors: two limits this close may change places


@dataclass(frozen=True)
class Bounds:
    """A set that holds the effect when nothing is assumed of the silent, or little.

    Attributes:
        least: Estimated lower end of the set.
        most: Estimated upper end.
        low: Lower bound of an interval that holds the effect, wherever it lies in the set.
        high: Upper bound.
        independent: The least effective number of people behind what was estimated.
    """

    least: float
    most: float
    low: float
    high: float
    independent: float


def from_counts(positives: float, responses: float, shown: float) -> Moments:
    """Moments of one arm with each answer shown as its own unit: for sources that know no users.

    Raises:
        RefusedError: When there are more responses than answers shown.
    """
    n = round(shown)
    if n < 1:
        raise RefusedError("no answer was shown in an arm")
    if responses > shown or positives > responses:
        raise RefusedError("there are more responses than answers shown")
    a, r = positives / n, responses / n
    return Moments(n, a, n * a * (1.0 - a), 1.0, 0.0, 0.0, r, n * r * (1.0 - r), n * a * (1.0 - r), 0.0)


def imbens_manski(width: float, error: float, confidence: float) -> float:
    """Critical value of an interval around a set of this width, for a parameter anywhere in it.

    Imbens and Manski (2004), Econometrica 72:1845-1857: the root of ``Phi(c + width/error) - Phi(-c) = confidence``,
    between the one-sided quantile (a wide set: the parameter can be near one end only) and the two-sided one.
    """
    low, high = critical(2.0 * confidence - 1.0) if confidence > 0.5 else 0.0, critical(confidence)
    if error <= 0.0:
        return high
    for _ in range(60):
        middle = (low + high) / 2.0
        if float(ndtr(middle + width / error) - ndtr(-middle)) < confidence:
            low = middle
        else:
            high = middle
    return high


def manski(candidate: Moments, control: Moments, confidence: float) -> Bounds:
    """Bounds on the difference of positives over all answers shown, when the silent may think anything.

    Manski (1990), American Economic Review 80:319-323. At worst for the candidate, all of its silent would be down and
    all of the control's up; at best the reverse. The set is as wide as the two shares of silence together.

    Args:
        candidate: Moments with y positives, d responses, x answers shown, per person.
        control: The same of the control.
        confidence: Two-sided.

    Raises:
        RefusedError: When answers shown are not known, or are none.
    """
    up = {"y": 1.0}
    maybe = {"y": 1.0, "d": -1.0, "x": 1.0}
    pairs = (
        (outcome(candidate, "shown", **up), outcome(control, "shown", **maybe)),
        (outcome(candidate, "shown", **maybe), outcome(control, "shown", **up)),
    )
    worst, best = (rate_difference(*pair, confidence) for pair in pairs)
    least, most = worst.difference.effect, best.difference.effect
    error = max(worst.difference.se, best.difference.se)
    level = 2.0 * float(ndtr(imbens_manski(most - least, error, confidence))) - 1.0
    low = rate_difference(*pairs[0], level).difference.low
    high = rate_difference(*pairs[1], level).difference.high
    return Bounds(least, most, low, high, min(worst.independent, best.independent))


def lee(candidate: Moments, control: Moments, confidence: float) -> Bounds:
    """Bounds on the difference of positives among those who would respond under either variant.

    Lee (2009), Review of Economic Studies 76:1071-1102: when a variant makes people respond who would else be silent,
    and silences nobody, the arm with the higher response rate holds always-responders and others. At worst the others
    are its most, at best its least satisfied: that share is trimmed off either end. Of thumbs that comes to
    ``(a1 - a0) / r`` and ``(b0 - b1) / r`` with shares up ``a`` and down ``b`` and the lower response rate ``r``, cut
    where trimming leaves only one sort of thumb. The interval is Imbens and Manski's.

    Raises:
        RefusedError: When answers shown are not known, or too few people stand behind either thumb of an arm.
    """
    arms = (_Arm(candidate), _Arm(control))
    independent = min(arm.independent for arm in arms)
    if independent < FEWEST:
        raise RefusedError(
            f"fewer than {FEWEST:.0f} independent people gave a thumb up, or one down, in an arm: too few to trim"
        )
    new, old = arms
    few = new if new.respond <= old.respond else old
    # Each limit: its value, and its slopes in (up, responses) per answer shown of the candidate and of the control.
    by_up = _limit(arms, few, (1.0, 0.0), (-1.0, 0.0))
    by_down = _limit(arms, few, (1.0, -1.0), (-1.0, 1.0))
    if few is old:  # the candidate is trimmed: at best none of its down is left, at worst none of its up
        best, worst = _limit(arms, few, (0.0, 0.0), (-1.0, 1.0)), _limit(arms, few, (0.0, 0.0), (-1.0, 0.0))
    else:
        best, worst = _limit(arms, few, (1.0, 0.0), (0.0, 0.0)), _limit(arms, few, (1.0, -1.0), (0.0, 0.0))
    upper, lower = (by_up, by_down) if few is old else (by_down, by_up)
    most = min(upper.value, best.value)
    least = max(lower.value, worst.value)
    error = max(upper.error, lower.error)
    crit = imbens_manski(max(0.0, most - least), error, confidence)
    high = _within((upper, best), crit, confidence)
    low = -_within((-lower, -worst), crit, confidence)
    return Bounds(least, most, low, high, independent)


@dataclass(frozen=True)
class _Limit:
    """One end of a set, before it is cut, with its standard error and degrees of freedom."""

    value: float
    error: float
    df: float

    def __neg__(self) -> _Limit:
        return _Limit(-self.value, self.error, self.df)

    def reach(self, crit: float, confidence: float) -> float:
        """The limit plus its allowance: ``crit`` is of the normal distribution, and widened as t is."""
        return self.value + crit * critical(confidence, self.df) / critical(confidence) * self.error


class _Arm:
    """Shares up and responding per answer shown, with what their covariance needs."""

    def __init__(self, moments: Moments) -> None:
        up, all_ = outcome(moments, "shown", y=1.0), outcome(moments, "shown", d=1.0)
        down = outcome(moments, "shown", y=-1.0, d=1.0)
        if moments.n < 2 or not up.d_mean or up.d_mean <= 0.0:
            raise RefusedError("no answer was shown in an arm")
        self.moments = moments
        self.shown = up.d_mean
        self.size, _ = people(all_)
        self.independent = min(kish(m.n, m.mean, m.m2) for m in (up, down))
        self.up, self.respond = up.mean / up.d_mean, all_.mean / up.d_mean

    def variance(self, by_up: float, by_respond: float) -> float:
        """Squared standard error of ``by_up * up + by_respond * respond``."""
        one = outcome(self.moments, "shown", y=by_up, d=by_respond)
        rate = one.mean / self.shown
        spread = one.m2 - 2.0 * rate * (one.yd or 0.0) + rate**2 * (one.d_m2 or 0.0)
        return linear_variance(spread, one.n, self.shown, self.size)


def _limit(arms: tuple[_Arm, _Arm], few: _Arm, ours: tuple[float, float], theirs: tuple[float, float]) -> _Limit:
    """``(ours . candidate + theirs . control) / response rate of few``, by the delta method."""
    total = sum(up * arm.up + respond * arm.respond for arm, (up, respond) in zip(arms, (ours, theirs), strict=True))
    value = total / few.respond
    parts = [
        arm.variance(up / few.respond, (respond - (value if arm is few else 0.0)) / few.respond)
        for arm, (up, respond) in zip(arms, (ours, theirs), strict=True)
    ]
    both = parts[0] + parts[1]
    if both <= 0.0:
        return _Limit(value, 0.0, math.inf)
    return _Limit(value, math.sqrt(both), satterthwaite(parts[0], arms[0].size - 1.0, parts[1], arms[1].size - 1.0))


def _within(limits: tuple[_Limit, _Limit], crit: float, confidence: float) -> float:
    """Upper bound of the lesser of two limits.

    When it is open which is the lesser, the one that chance pulled down would be taken too often: each then gets half
    of the allowed error.
    """
    one, two = limits
    gap, noise = abs(one.value - two.value), math.hypot(one.error, two.error)
    if gap > NEAR * noise:
        return (one if one.value < two.value else two).reach(crit, confidence)
    tail = float(ndtr(-crit)) / 2.0
    shared = critical(1.0 - 2.0 * tail)
    return min(one.reach(shared, confidence), two.reach(shared, confidence))


@dataclass(frozen=True)
class Tipping:
    """How many of an arm's silent answers turn the sign.

    Attributes:
        needed: The least number of silent answers of the candidate that must be otherwise; None when all do not do.
        silent: The candidate's silent answers.
    """

    needed: int | None
    silent: int

    @property
    def share(self) -> float:
        """Share of the silent answers; 1 when even all of them do not turn the sign."""
        return 1.0 if self.needed is None else self.needed / self.silent


def tipping(candidate: tuple[int, int, int], control: tuple[int, int, int]) -> Tipping:
    """The least number of the candidate's silent answers that turn the sign of the difference in positive shares.

    The silent are first taken to be like those who responded under the same variant. Then, one by one, silent answers
    of the candidate that would go with its responders go against them, until its share is on the other side of the
    control's. Whole-number arithmetic: exact.

    Args:
        candidate: Positives, responses, answers shown.
        control: The same of the control.

    Raises:
        RefusedError: Without responses, or without silent answers.
    """
    (y1, d1, x1), (y0, d0, _) = candidate, control
    silent = x1 - d1
    if d1 <= 0 or d0 <= 0:
        raise RefusedError("an arm has no responses")
    if silent < 0:
        raise RefusedError("there are more responses than answers shown")
    if silent == 0:
        raise RefusedError("every answer of the candidate got a response: nobody is silent")
    lead = y1 * d0 - y0 * d1
    if lead == 0:
        raise RefusedError("the difference is 0: there is no sign to turn")
    # One answer that is otherwise moves the candidate's share by 1 / x1; the lead is lead / (d1 * d0).
    needed = abs(lead) * x1 // (d1 * d0) + 1
    # Only silent answers that would have gone with the lead can go against it.
    with_lead = silent * (y1 if lead > 0 else d1 - y1) // d1
    return Tipping(needed if needed <= with_lead else None, silent)
