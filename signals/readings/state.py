"""Numbers -> reading: orientation, state and checks. Standard library only, and no arithmetic that takes time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from signals.checks import CheckSpec, checks_of
from signals.model import (
    Check,
    Estimate,
    Interval,
    Measure,
    Numbers,
    Reading,
    SegmentEstimate,
    SegmentReading,
    Signal,
    State,
    Status,
)
from signals.stats.power import mde, power
from signals.words import quantity

NO_EVIDENCE = "no evidence for this release"
NOTHING = Estimate(None, None, None, "", 0.0)


def read(signal: Signal, numbers: Numbers | None, as_of: datetime) -> Reading:
    """State, checks and segments of one signal from its stored numbers.

    Args:
        signal: As the policy declares it: direction, margin, thresholds.
        numbers: What ``measure`` computed; None when there never was evidence.
        as_of: The moment that ages are measured from (UTC).

    Returns:
        The reading. Its state, first match first: ``missing`` without numbers or without evidence in an arm;
        ``untrusted`` when a validity check that the policy asks for does not pass, or the interval was refused; ``win``
        or ``loss`` when the interval lies on one side of zero; ``flat`` when it is strictly inside the margin; else
        ``unclear``. A distance (drift) cannot be good: it is a ``loss`` when its interval lies at or beyond the margin,
        and ``flat`` when it lies inside. A maturity check that the policy asks for and that does not pass turns ``win``
        and ``flat`` into ``unclear``; a ``loss`` stands.
    """
    voting = numbers.estimates.get(numbers.voting, NOTHING) if numbers else NOTHING
    age = _age(numbers, as_of)
    checks = tuple(_check(spec, signal, numbers, age) for spec in checks_of(signal.kind))
    benefit = _oriented(signal.sign, voting.effect, voting.low, voting.high)
    margin = signal.margin.absolute(_level(numbers, voting)) if signal.margin else None
    state, why = _state(signal, numbers, voting, benefit, margin, checks)
    chance, least = _power(voting, margin)
    return Reading(
        signal=signal.name,
        kind=signal.kind,
        question=signal.question,
        state=state,
        why=why,
        effect=voting.effect,
        low=voting.low,
        high=voting.high,
        benefit=benefit,
        unit=numbers.unit if numbers else "",
        better=signal.better,
        margin=margin,
        confidence=voting.confidence or signal.confidence,
        method=voting.method,
        n_control=voting.n_control,
        n_candidate=voting.n_candidate,
        counted=numbers.counted if numbers else "",
        non_inferior=_non_inferior(benefit, margin),
        material=_material(benefit, margin),
        p_value=voting.p_value,
        power=chance,
        mde=least,
        age=age,
        voting=numbers.voting if numbers else signal.estimate,
        estimates=numbers.estimates if numbers else {},
        checks={check.name: check for check in checks},
        segments=tuple(_segment(signal, one) for one in numbers.segments) if numbers else (),
        set_aside=numbers.set_aside if numbers else (),
        sources=numbers.sources if numbers else (),
        as_of=numbers.last_at if numbers else None,
        warnings=voting.warnings,
        rate_per_day=numbers.rate_per_day if numbers else None,
        components=numbers.components if numbers else {},
        owner=signal.owner,
        equivalent=_equivalent(benefit, margin),
    )


def _state(
    signal: Signal,
    numbers: Numbers | None,
    voting: Estimate,
    benefit: Interval,
    margin: float | None,
    checks: Sequence[Check],
) -> tuple[State, str]:
    if numbers is None:
        return "missing", NO_EVIDENCE
    if voting.n_control == 0 or voting.n_candidate == 0:
        empty = voting.n_control or voting.n_candidate
        arm = "candidate" if voting.n_control else "control"
        why = voting.refused or (f"no evidence for the {arm} arm" if empty else NO_EVIDENCE)
        pulls = [check.why for check in checks if check.name == "last_pull" and check.value == 0]
        return "missing", "; ".join([why, *pulls])
    broken = [check for check in checks if check.required and check.sort == "validity" and check.status != "pass"]
    if broken:
        refused = [voting.refused] if voting.refused else []
        return "untrusted", "; ".join([*(check.why for check in broken), *refused])
    if benefit.low is None or benefit.high is None:
        return "untrusted", voting.refused or f"the {numbers.voting} estimate has no interval"
    state, why = _plain_state(signal, benefit.low, benefit.high, margin)
    unripe = [check for check in checks if check.required and check.sort == "maturity" and check.status != "pass"]
    if unripe and state in ("win", "flat"):
        return "unclear", f"would be {state}, but " + "; ".join(check.why for check in unripe)
    return state, why


def _level(numbers: Numbers | None, voting: Estimate) -> float | None:
    """What a margin in % of control is of: with several controls the smallest, so that it holds against each."""
    several = [one.control for name, one in numbers.estimates.items() if name.startswith("versus ")] if numbers else []
    if not several:
        return voting.control
    return None if None in several else min((one for one in several if one is not None), key=abs)


def _plain_state(signal: Signal, low: float, high: float, margin: float | None) -> tuple[State, str]:
    if signal.distance and margin is not None:
        if high <= -margin:
            return "loss", "the whole interval is at or beyond the margin"
        if low > -margin:
            return "flat", "the whole interval is inside the margin"
        return "unclear", "the interval holds the margin"
    upward = signal.better == "higher"
    if low > 0:
        return "win", "interval is above 0" if upward else "interval is below 0, and lower is better"
    if high < 0:
        return "loss", "interval is below 0" if upward else "interval is above 0, and lower is better"
    if margin is None:
        return "unclear", "interval crosses 0, and there is no margin to hold it against"
    # Strictly inside, so that a flat reading is always non-inferior.
    if low > -margin and high < margin:
        return "flat", "interval crosses 0 and is inside the margin"
    side = "both sides" if low <= -margin and high >= margin else "the bad side" if low <= -margin else "the good side"
    return "unclear", f"interval crosses 0 and reaches the margin on {side}"


def _check(spec: CheckSpec, signal: Signal, numbers: Numbers | None, age: float | None) -> Check:
    """One check. Asked for by the policy: pass, fail or unknown. Otherwise it can only warn, against its default.

    A check that nobody asked for and that has no default is reported as ``pass`` with threshold None when it has a
    number: nothing was held against it, and its ``why`` says so. Without a number it is ``unknown``.
    """
    required = spec.name in signal.trust
    threshold = signal.trust[spec.name] if required else spec.default
    measured = _measured(spec, numbers, age)
    value, reason, within = measured.value, measured.why, (measured.low, measured.high)
    label = spec.name.removeprefix("min_").removeprefix("max_").replace("_", " ")
    if value is None:
        why = f"{label} is not known: {reason}"
        return Check(spec.name, "unknown", None, threshold, why, spec.sort, required)
    shown = quantity(value, spec.unit)
    if threshold is None:
        why = f"{label} {shown}; no threshold is set"
        return Check(spec.name, "pass", value, None, why, spec.sort, required, reason, *within)
    good = value >= threshold if spec.passes == ">=" else value <= threshold
    limit = quantity(threshold, spec.unit)
    if spec.unit == "yes":
        why = reason
    elif good:
        why = f"{label} {shown} is {'at least' if spec.passes == '>=' else 'at most'} {limit}"
    else:
        side = "below" if spec.passes == ">=" else "above"
        why = f"{label} {_sharper(value, shown, limit, spec.unit)} is {side} {limit}"
    status: Status = "pass" if good else "fail" if required else "warn"
    detail = "" if spec.unit == "yes" else reason
    return Check(spec.name, status, value, threshold, why, spec.sort, required, detail, *within)


def _sharper(value: float, shown: str, limit: str, unit: str) -> str:
    """The number as written, unless rounding made it look equal to the limit that it missed."""
    if shown != limit:
        return shown
    return f"{value / 3600:,.1f} h" if unit == "seconds" else f"{value:.6g}"


def _measured(spec: CheckSpec, numbers: Numbers | None, age: float | None) -> Measure:
    if numbers is None:
        return Measure(spec.name, None, NO_EVIDENCE)
    if spec.name == "max_age":
        return Measure(spec.name, age, "" if age is not None else "the evidence has no times")
    found = (measure for measure in numbers.measures if measure.name == spec.name)
    return next(found, Measure(spec.name, None, "it was not measured"))


def _age(numbers: Numbers | None, as_of: datetime) -> float | None:
    if numbers is None or numbers.last_at is None:
        return None
    # Evidence of today's cells ends tonight: it is new, not of negative age.
    return max(0.0, (as_of - numbers.last_at).total_seconds())


def _oriented(sign: int, effect: float | None, low: float | None, high: float | None) -> Interval:
    """Positive is good: when lower is better the sign turns and the bounds change places."""
    value = None if effect is None else sign * effect
    if low is None or high is None:
        return Interval(value, None, None)
    return Interval(value, low, high) if sign > 0 else Interval(value, -high, -low)


def _non_inferior(benefit: Interval, margin: float | None) -> bool | None:
    return None if benefit.low is None or margin is None else benefit.low > -margin


def _equivalent(benefit: Interval, margin: float | None) -> bool | None:
    """Two one-sided tests at half of the interval's error rate each (Schuirmann 1987): flat, or a small win or loss."""
    if benefit.low is None or benefit.high is None or margin is None:
        return None
    return benefit.low > -margin and benefit.high < margin


def _material(benefit: Interval, margin: float | None) -> bool | None:
    """Whether the interval lies at or beyond the margin on one side: large enough to act on."""
    if benefit.low is None or benefit.high is None or margin is None:
        return None
    return benefit.low >= margin or benefit.high <= -margin


def _power(voting: Estimate, margin: float | None) -> tuple[float | None, float | None]:
    """Power at the margin and least detectable effect at 80 % power, at the precision reached so far."""
    if voting.low is None or voting.high is None or not voting.se or voting.high <= voting.low:
        return None, None
    crit = (voting.high - voting.low) / 2.0 / voting.se
    return (power(margin, voting.se, crit) if margin is not None else None), mde(voting.se, crit)


def _segment(signal: Signal, one: SegmentEstimate) -> SegmentReading:
    return SegmentReading(
        name=one.name,
        share=one.share,
        effect=one.effect,
        low=one.low,
        high=one.high,
        benefit=_oriented(signal.sign, one.effect, one.low, one.high),
        adjusted=_oriented(signal.sign, one.effect, one.adjusted_low, one.adjusted_high),
        margin=signal.margin.absolute(one.control) if signal.margin else None,
        refused=one.refused,
        shrunk=_oriented(signal.sign, one.shrunk.value, one.shrunk.low, one.shrunk.high) if one.shrunk else None,
    )
