"""Flips of effects: a signal's interval as a whole, its bounds one by one, and the segments'.

What would be different is the evidence, so the whole interval moves with its width; state, bounds, non-inferiority,
materiality and, where its rule is known, the p-value follow. Checks, power and segments stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from signals.model import Flip, Interval, Reading, Signal
from signals.policy.facts import units
from signals.reconcile.flip import words
from signals.reconcile.flip.case import Affine, Own, WhatIf
from signals.reconcile.flip.lines import Crossing, Line, crossings, exact, past
from signals.reconcile.flip.rank import Found, by_errors, by_steps, placed, steps
from signals.stats import sequential
from signals.stats.power import NORMAL

OUTER = {"low": ("low", "high"), "high": ("low", "high"), "benefit": ("low", "high"),
         "adjusted.low": ("adjusted.low", "adjusted.high"), "adjusted.high": ("adjusted.low", "adjusted.high"),
         "shrunk": ("shrunk.low", "shrunk.high"), "shrunk.low": ("shrunk.low", "shrunk.high"),
         "shrunk.high": ("shrunk.low", "shrunk.high")}  # fmt: skip
"""Numbers of a segment that move together, each with the interval that it belongs to."""
PRECISE = 1e-9
WIDE = 60.0  # standard errors at which every p-value is 0


def effects(case: WhatIf) -> Iterator[Found]:
    """Of every signal with a believed interval: its benefit, and a bound where that tells something else."""
    for name, own in case.own.items():
        value = exact(own.reading.benefit.value)
        if own.reading.state == "untrusted" or own.low is None or own.high is None or value is None:
            continue
        shifts = []
        rule = p_rule(own.signal, own.reading)
        if rule is not None or f"{name}.p_value" not in case.asked:
            shifts = list(crossings(_shift(case, own, value, own.low, own.high, rule), case.call))
        for crossing in shifts:
            yield _of_shift(own, crossing, value)
        if not {f"{name}.power", f"{name}.mde"} & case.asked:  # they would follow from the width
            yield from _bounds(case, own, (value, own.low, own.high), shifts)


def _shift(
    case: WhatIf, own: Own, value: Fraction, low: Fraction, high: Fraction, rule: Callable[[float], float] | None
) -> Line:
    name = own.signal.name
    moving: dict[str, Affine] = {
        f"{name}.benefit": (1, Fraction(0)), f"{name}.benefit.low": (1, low - value),
        f"{name}.benefit.high": (1, high - value),
    }  # fmt: skip
    marks = [Fraction(0)] if own.margin is None else [Fraction(0), own.margin, -own.margin]
    cuts = [mark - value_ for mark in marks for value_ in (low - value, high - value)]
    cuts += case.cuts(moving)
    followed = rule is not None and f"{name}.p_value" in case.asked
    if rule is not None and followed:
        cuts += _p_cuts(case, own, rule)

    def call(moved: Fraction) -> Any:
        facts = own.facts_at(moved, moved + (low - value), moved + (high - value))
        if rule is not None and followed:
            facts[f"{name}.p_value"] = rule(float(moved))
        return case.with_facts(facts)

    least, most = _range(own, value)
    return Line(value, tuple(cuts), call, least, most)


def _range(own: Own, value: Fraction, *, whole: bool = True) -> tuple[Fraction | None, Fraction | None]:
    """What a benefit can be: a difference of two proportions, of which the control's stays where it is.

    ``whole`` False: of a segment, whose control is not known.
    """
    if own.reading.unit == "net preference":
        return min(value, Fraction(-1)), max(value, Fraction(1))
    if own.reading.unit != "pp":
        return None, None
    voting = own.reading.estimates.get(own.reading.voting)
    control = exact(voting.control) if voting and whole else None
    ends = (Fraction(-1), Fraction(1)) if control is None or not 0 <= control <= 1 else (-control, 1 - control)
    low, high = ends if own.signal.sign > 0 else (-ends[1], -ends[0])
    return min(value, low), max(value, high)


def _of_shift(own: Own, crossing: Crossing, value: Fraction) -> Found:
    reading = own.reading
    at, now = float(crossing.at), float(value)
    inside, at_end = placed(at, reading.benefit.low, reading.benefit.high)
    near = crossing
    if inside:  # then so must be the value that is told
        end = own.high if crossing.direction == "above" else own.low
        ends = [one for one in (crossing.end, end) if one is not None]
        near = replace(crossing, end=min(ends, key=lambda one: abs(one - crossing.at)))
    places, scale = words.decimals(reading.unit, at)
    # At an end of the interval one more than the interval is written with, so as not to seem to lie beyond it.
    beyond, digits = past(near, places + at_end, scale, _clear(reading.benefit, at), value)
    flip = Flip(
        f"{reading.signal}.benefit", now, at, crossing.to, crossing.direction, beyond, inside,
        words.shifted(own.signal, reading, crossing, beyond, digits, None if at_end else inside), at_end=at_end,
    )  # fmt: skip
    return by_errors(flip, abs(at - now) / _se(reading), decides=True)


def _clear(interval: Interval, at: float) -> Fraction:
    """A distance that sums of such numbers are never off by."""
    size = max(abs(end) for end in (at, interval.low or 0.0, interval.high or 0.0))
    return Fraction(size) / 10**9


def _se(reading: Reading) -> float:
    voting = reading.estimates.get(reading.voting)
    if voting is not None and voting.se:
        return voting.se
    return _error(reading.benefit)


def _error(interval: Interval) -> float:
    """A standard error from an interval: good enough to order by."""
    width = (interval.high or 0.0) - (interval.low or 0.0)
    return width / (2 * 1.96) if width > 0.0 else 1e-300


# --- one bound ------------------------------------------------------------------------------------------------------


def _bounds(
    case: WhatIf, own: Own, interval: tuple[Fraction, Fraction, Fraction], shifts: list[Crossing]
) -> Iterator[Found]:
    """A narrower or a wider interval, where no shift in that direction makes the same call sooner."""
    value, low, high = interval
    name = own.signal.name
    for key, now in (("low", low), ("high", high)):
        marks = [Fraction(0)] if own.margin is None else [Fraction(0), own.margin, -own.margin]
        cuts = [*marks, *case.cuts({f"{name}.benefit.{key}": (1, Fraction(0))})]

        def call(bound: Fraction, key: str = key) -> Any:
            ends = (bound, high) if key == "low" else (low, bound)
            return case.with_facts(own.facts_at(value, *ends))

        ends = _range(own, now, whole=False)
        limits = (ends[0], max(low, min(value, high))) if key == "low" else (min(high, max(value, low)), ends[1])
        for crossing in crossings(Line(now, tuple(cuts), call, *limits), case.call):
            sooner = (
                one.to == crossing.to and one.direction == crossing.direction
                and abs(one.at - value) <= abs(crossing.at - now) for one in shifts
            )  # fmt: skip
            if any(sooner):
                continue
            at = float(crossing.at)
            beyond, digits = past(crossing, *words.decimals(own.reading.unit, at), now=now)
            inside, at_end = placed(at, float(low), float(high))
            text = words.bound(own.signal, own.reading, key, crossing, beyond, digits)
            flip = Flip(
                f"{name}.benefit.{key}", float(now), at, crossing.to, crossing.direction, beyond, inside, text,
                at_end=at_end,
            )  # fmt: skip
            yield by_errors(flip, abs(at - float(now)) / _se(own.reading))


# --- segments -------------------------------------------------------------------------------------------------------


def segments(case: WhatIf) -> Iterator[Found]:
    """Of every list that the policy asks about: the nearest segment on each side, and the nearest share."""
    for key in dict.fromkeys(pair.items for pair in case.pairs if pair.items):
        own = case.own.get(key.split(".")[0])
        items: Any = case.facts.get(key)
        if own is None or not items:
            continue
        found: list[Found] = []
        for place, one in enumerate(items):
            reading = next(segment for segment in own.reading.segments if segment.name == one["name"])
            found += _moved_segment(case, own, key, place, one, _error(reading.benefit))
            found += _share(case, own, key, place, one)
        nearest: dict[tuple[bool, str], Found] = {}
        for flip in sorted(found, key=lambda one: one.distance):
            nearest.setdefault((flip.flip.fact.endswith(".share"), flip.flip.direction), flip)
        yield from nearest.values()


def _moved_segment(case: WhatIf, own: Own, key: str, place: int, one: dict[str, Any], error: float) -> Iterator[Found]:
    known = {name: found for name in OUTER if (found := exact(one.get(name))) is not None}
    mine: dict[str, Affine] = {name: (1, value) for name, value in known.items()}
    if not mine:
        return
    middle = known.get("benefit", Fraction(0))
    low, high = (None if end is None else end - middle for end in _range(own, middle, whole=False))
    line = Line(
        Fraction(0), tuple(case.cuts({}, (key, place, mine))),
        lambda by: case.with_facts({key: _with(case, key, place, {n: value + by for n, value in known.items()})}),
        low, high,
    )  # fmt: skip
    for crossing in crossings(line, case.call):
        # Which of the segment's numbers reaches its limit there; none by itself when two of them are compared.
        reaching = (name for name, how in mine.items() if crossing.at in case.cuts({}, (key, place, {name: how})))
        name = next(reaching, next(iter(known)))
        start = known[name]
        by = replace(crossing, at=start + crossing.at, end=None if crossing.end is None else start + crossing.end)
        at = float(by.at)
        beyond, digits = past(by, *words.decimals(own.reading.unit, at), _clear(own.reading.benefit, at), start)
        ends = (one.get(end) if "benefit" in known else None for end in OUTER[name])
        inside, at_end = placed(float(middle + crossing.at), *ends)
        flip = Flip(
            f"{key}[{one['name']}].{name}", float(start), at, crossing.to, crossing.direction, beyond, inside,
            words.segment(own.signal, own.reading, str(one["name"]), name, float(start), by, beyond, digits),
            at_end=at_end,
        )  # fmt: skip
        yield by_errors(flip, abs(float(crossing.at)) / error)


def _share(case: WhatIf, own: Own, key: str, place: int, one: dict[str, Any]) -> Iterator[Found]:
    now = exact(one.get("share"))
    cuts = tuple(case.cuts({}, (key, place, {"share": (1, Fraction(0))})))
    if now is None or not cuts:
        return
    line = Line(now, cuts, lambda share: case.with_facts({key: _with(case, key, place, {"share": share})}),
                Fraction(0), max(now, Fraction(1)))  # fmt: skip
    for crossing in crossings(line, case.call):
        beyond, digits = past(crossing, 1, 100)
        at = float(crossing.at)
        flip = Flip(
            f"{key}[{one['name']}].share", float(now), at, crossing.to, crossing.direction, beyond, None,
            words.share_of(own.signal, own.reading, str(one["name"]), float(now), crossing, beyond, digits),
        )  # fmt: skip
        yield by_steps(flip, steps("share", "share", float(now), at))


def _with(case: WhatIf, key: str, place: int, changes: dict[str, Any]) -> tuple[Any, ...]:
    items: Any = case.facts[key]
    return (*items[:place], {**items[place], **changes}, *items[place + 1 :])


# --- the p-value of a shifted effect ---------------------------------------------------------------------------------


def p_rule(signal: Signal, reading: Reading) -> Callable[[float], float] | None:
    """The p-value as a function of the benefit, where it is a rule that the reading's own numbers confirm.

    Known are the normal test and the always-valid one; both must give the reading's interval and its p-value.
    """
    one = reading.estimates.get(reading.voting)
    if one is None or not one.se or one.effect is None or one.low is None or one.high is None or one.p_value is None:
        return None
    se, half = one.se, (one.high - one.low) / 2.0
    rules: list[tuple[float, Callable[[float], float]]] = []
    if one.df is None and 0.0 < one.confidence < 1.0:
        rules.append((NORMAL.inv_cdf(0.5 + one.confidence / 2.0), lambda v: 2.0 * NORMAL.cdf(-abs(v) / se)))
        count = units(reading)
        if signal.looks == "continuous" and count > 0:
            planned, confidence = signal.planned_units or sequential.PLANNED_UNITS, one.confidence
            rules.append((
                sequential.multiplier(count, confidence, planned),
                lambda v: sequential.p_value(v, se, count, confidence, planned),
            ))  # fmt: skip
    for reach, rule in rules:
        alike = math.isclose(reach * se, half, rel_tol=PRECISE) and math.isclose(
            one.effect - half, one.low, rel_tol=PRECISE, abs_tol=PRECISE * half
        )
        # Near an effect of 0 every rule says 1: nothing is confirmed there.
        if alike and abs(one.effect) > 0.01 * se and math.isclose(rule(one.effect), one.p_value, rel_tol=1e-6):
            return rule
    return None


def _p_cuts(case: WhatIf, own: Own, rule: Callable[[float], float]) -> Iterator[Fraction]:
    """Benefits at which the p-value meets what it is compared with: by bisection, to the last bit."""
    se = _se(own.reading)
    for limit in set(case.cuts({f"{own.signal.name}.p_value": (1, Fraction(0))})):
        low, high = 0.0, WIDE * se
        if not rule(high) < limit <= rule(low):
            continue
        while (middle := (low + high) / 2.0) not in (low, high):
            low, high = (middle, high) if rule(middle) >= limit else (low, middle)
        yield from (Fraction(high), Fraction(-high))
