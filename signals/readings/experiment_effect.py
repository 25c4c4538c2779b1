"""One effect of an experiment: candidate minus control, with the interval that its design and its looks ask for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from signals.model import Estimate, Interval, Moments, OutcomeCell
from signals.readings.common import estimate, nothing, refusal
from signals.readings.experiment_warnings import warnings_of
from signals.readings.looks import ONE_LOOK, Looks, members_of
from signals.stats.clusters import cluster_difference, cluster_ratio
from signals.stats.cuped import Adjusted, cuped
from signals.stats.difference import Difference, RefusedError, critical
from signals.stats.means import fieller, welch
from signals.stats.moments import merge, variance
from signals.stats.proportion import ratio_interval, score_interval

ENOUGH_EVENTS = 50
ENOUGH_UNITS = 100
SLACK = 1e-6


@dataclass(frozen=True)
class Design:
    """What makes the interval of an experiment.

    Attributes:
        kind: proportion, mean or ratio.
        confidence: Of the signal: over all looks and over all candidates of the family.
        looks: How often it is looked at.
        clustered: Whether the moments are of clusters that were randomised whole.
        family: How many candidates share the error rate.
    """

    kind: str
    confidence: float
    looks: Looks = ONE_LOOK
    clustered: bool = False
    family: int = 1

    @property
    def suffix(self) -> str:
        """What every method's name ends with."""
        shared = f"; holds for {self.family} candidates at once (Bonferroni)" if self.family > 1 else ""
        return f", {self.looks.text}{shared}"

    def each(self, confidence: float) -> float:
        """The confidence of one candidate's interval that keeps ``confidence`` over the family."""
        return 1.0 - (1.0 - confidence) / self.family


@dataclass(frozen=True)
class Arm:
    """One arm, or a segment of it: moments, how many units they are of, and the extreme outcomes of one unit."""

    moments: Moments
    members: int
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Found:
    """A difference before the looks have had their say."""

    difference: Difference
    method: str
    squared: tuple[float, float]  # squared standard errors of the levels (candidate, control)
    covariance: float = 0.0


def arm_of(cells: Iterable[OutcomeCell]) -> Arm:
    """The cells of one arm together."""
    some = [cell for cell in cells if cell.moments.n > 0]
    least = [cell.least for cell in some if cell.least is not None]
    most = [cell.most for cell in some if cell.most is not None]
    known = bool(some) and len(least) == len(some) == len(most)
    return Arm(
        some[0].moments if len(some) == 1 else merge(cell.moments for cell in some),
        sum(members_of(cell) for cell in some),
        min(least) if known else None,
        max(most) if known else None,
    )


def effect(
    design: Design,
    control: Sequence[OutcomeCell],
    candidate: Sequence[OutcomeCell],
    confidence: float = 0.0,
    parts: int = 1,
    *,
    adjusted: bool = False,
) -> Estimate:
    """Candidate minus control of the cells, with its interval.

    Args:
        design: Metric type, looks, clusters, family.
        control: Cells of the control's units.
        candidate: Cells of the candidate's units.
        confidence: Two-sided (default: the design's).
        parts: In how many parts the planned units are divided, for a segment of the experiment.
        adjusted: With the covariate (CUPED).
    """
    confidence = confidence or design.confidence
    ours, theirs = arm_of(candidate), arm_of(control)
    counts = (theirs.members, ours.members)
    if not all(counts):
        return nothing(confidence, counts)
    try:
        if design.kind == "proportion" and not design.clustered:
            check_proportion(ours.moments)
            check_proportion(theirs.moments)
        if adjusted:
            check_adjustable(design, ours.moments, theirs.moments)
        each = design.each(confidence)
        if design.looks.continuous:
            found, reach = _any_time(design, ours, theirs, each, parts, adjusted=adjusted)
            relative = _fieller(found, each, reach)
        else:
            once = design.looks.once(each)
            found = _once(design, ours.moments, theirs.moments, once, adjusted=adjusted)
            relative = _relative(design, found, ours.moments, theirs.moments, once, adjusted=adjusted)
            p = design.looks.p_value(found.difference.p_value, each)
            found = replace(found, difference=replace(found.difference, p_value=p))
    except (RefusedError, OverflowError) as refused:
        why = str(refused) if isinstance(refused, RefusedError) else "the numbers are too large to compute with"
        return refusal(why, confidence, counts, levels=_levels(design, ours.moments, theirs.moments))
    difference = replace(found.difference, p_value=min(1.0, design.family * found.difference.p_value))
    made = estimate(
        difference,
        found.method + design.suffix,
        confidence,
        counts,
        warnings=warnings_of(design.kind, ours.moments, theirs.moments, clustered=design.clustered,
                             score=design.kind == "proportion" and not adjusted and not design.looks.continuous),
    )  # fmt: skip
    return replace(made, relative=relative)


def _once(design: Design, ours: Moments, theirs: Moments, confidence: float, *, adjusted: bool) -> Found:
    """The interval of one look."""
    if adjusted:
        return _cuped(cuped(ours, theirs, confidence))
    if design.clustered or design.kind == "ratio":
        found = cluster_difference(ours, theirs, confidence)
        over = "clusters" if design.clustered else "units"
        method = f"ratio of means, delta method over {over}, t({found.df:,.0f})"
        return Found(found, method, (cluster_ratio(ours)[1], cluster_ratio(theirs)[1]))
    if design.kind == "proportion":
        x1, x0 = successes(ours), successes(theirs)
        found = score_interval(x1, ours.n, x0, theirs.n, confidence)
        return Found(found, "Miettinen–Nurminen score interval", (0.0, 0.0))
    return _welch(ours, theirs, confidence)


def _welch(ours: Moments, theirs: Moments, confidence: float) -> Found:
    found = welch(ours, theirs, confidence)
    squared = variance(ours.m2, ours.n) / ours.n, variance(theirs.m2, theirs.n) / theirs.n
    return Found(found, f"Welch difference of means, t({found.df:,.0f})", squared)


def _cuped(found: Adjusted) -> Found:
    theta = "a theta per arm" if found.own_theta else "one theta within arms"
    method = f"difference of means adjusted for the covariate (CUPED, {theta}), t({found.difference.df:,.0f})"
    return Found(found.difference, method, found.squared, found.covariance)


def _any_time(
    design: Design, ours: Arm, theirs: Arm, confidence: float, parts: int, *, adjusted: bool
) -> tuple[Found, float]:
    """The asymptotic confidence sequence on the standard error of one look.

    Refused while the normal approximation that it rests on is poor: fewer than 50 events or non-events in an arm for a
    proportion, fewer than 100 units (clusters, where those were randomised) in an arm otherwise.
    """
    n1, n0 = ours.moments.n, theirs.moments.n
    if design.kind == "proportion" and not design.clustered:
        least = rarest(ours.moments, theirs.moments)
        if least < ENOUGH_EVENTS:
            raise RefusedError(
                f"an arm has {least:,.0f} events or non-events; the always-valid interval needs {ENOUGH_EVENTS}"
            )
    elif min(n1, n0) < ENOUGH_UNITS:
        what = "clusters" if design.clustered else "units"
        raise RefusedError(f"an arm has {min(n1, n0):,} {what}; the always-valid interval needs {ENOUGH_UNITS}")
    if design.kind == "proportion" and not design.clustered and not adjusted:
        plain = _welch(ours.moments, theirs.moments, confidence)
    else:
        plain = _once(design, ours.moments, theirs.moments, confidence, adjusted=adjusted)
    units = float(ours.members + theirs.members)
    reach = design.looks.reach(units, confidence, 1.0 / parts)
    one = plain.difference
    half = reach * one.se
    p = design.looks.always_p(one.effect, one.se, units, confidence, 1.0 / parts)
    always = replace(one, low=one.effect - half, high=one.effect + half, p_value=p, df=None)
    what = "adjusted for the covariate (CUPED)" if adjusted else "ratio of means" if design.kind == "ratio" else ""
    return replace(plain, difference=always, method=", ".join(filter(None, [
        "asymptotic confidence sequence", what, "over clusters" if design.clustered else ""]))), reach  # fmt: skip


def _relative(
    design: Design, found: Found, ours: Moments, theirs: Moments, confidence: float, *, adjusted: bool
) -> Interval | None:
    """The lift as a share of the control level, by the score method or Fieller's; None when it is unbounded."""
    if design.kind != "proportion" or design.clustered or adjusted:
        return _fieller(found, confidence, critical(confidence, found.difference.df))
    lift = ratio_interval(successes(ours), ours.n, successes(theirs), theirs.n, confidence)
    return None if lift is None else Interval(ours.mean / theirs.mean - 1.0, *lift)


def _fieller(found: Found, confidence: float, reach: float) -> Interval | None:
    control, candidate = found.difference.control, found.difference.candidate
    if control is None or candidate is None or control <= 0.0:
        return None
    v1, v0 = found.squared
    lift = fieller(candidate, v1, control, v0, confidence, reach=reach, covariance=found.covariance)
    return None if lift is None else Interval(candidate / control - 1.0, *lift)


def _levels(design: Design, ours: Moments, theirs: Moments) -> tuple[float | None, float | None]:
    if design.kind != "ratio" and not design.clustered:
        return theirs.mean, ours.mean
    known = theirs.d_mean and ours.d_mean
    if not known:
        return None, None
    levels = theirs.mean / theirs.d_mean, ours.mean / ours.d_mean  # type: ignore[operator]  # both are set when known
    return levels if all(map(math.isfinite, levels)) else (None, None)


def successes(moments: Moments) -> int:
    """The count of ones behind the moments of a proportion."""
    return min(moments.n, max(0, round(moments.mean * moments.n)))


def rarest(*arms: Moments) -> int:
    """The fewest events or non-events of an arm."""
    return min(min(successes(one), one.n - successes(one)) for one in arms)


def check_proportion(moments: Moments) -> None:
    """Of 0 and 1 only, the moments must be those of a count of ones.

    Raises:
        RefusedError: When they are not.
    """
    p, n = moments.mean, moments.n
    ones = p * n
    slack = SLACK * max(1.0, n * p * (1.0 - p))
    whole = abs(ones - round(ones)) <= SLACK * max(1.0, ones)
    if not -1e-9 <= p <= 1.0 + 1e-9 or not whole or abs(moments.m2 - n * p * (1.0 - p)) > slack:
        raise RefusedError("metric type is proportion but values other than 0 and 1 were seen")


def check_adjustable(design: Design, ours: Moments, theirs: Moments) -> None:
    """Whether a covariate can be used at all.

    Raises:
        RefusedError: For ratios and clusters, and for proportions with few events, whose own interval is better.
    """
    if design.clustered or design.kind == "ratio":
        what = "clusters" if design.clustered else "ratios"
        raise RefusedError(f"{what} are not adjusted for a covariate")
    if design.kind == "proportion" and rarest(ours, theirs) < ENOUGH_EVENTS:
        least = rarest(ours, theirs)
        raise RefusedError(f"an arm has {least:,} events or non-events; the adjustment needs {ENOUGH_EVENTS}")
