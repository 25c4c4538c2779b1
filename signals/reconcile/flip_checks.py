"""Flips of checks and of other numbers: what was measured, with the state that the check would then give."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from signals.checks import CheckSpec, checks_of
from signals.model import Call, Flip
from signals.reconcile import flip_words as words
from signals.reconcile.flip_case import Affine, Own, WhatIf, passing, state_of
from signals.reconcile.flip_effects import Found, relative
from signals.reconcile.flip_lines import Crossing, Line, between, crossings, exact, past, pieces
from signals.words import p_value
from signals.workbench.situations.grids import limits

WHOLE = frozenset({"full_weeks"})
BROKEN = frozenset({"min_effective_items"})  # a count by its unit, but of equivalents: 87.3 items
OTHERS = ("n", "power", "mde", "p_value")


@dataclass(frozen=True)
class Knob:
    """One measured number, and everything that is that number.

    Attributes:
        own: Whose.
        fact: Its name without the signal's.
        keys: Full names of the facts that are this number.
        specs: The checks that measure it.
        unit: As of ``signals.checks.Unit``; ``effect`` is one in the signal's unit.
    """

    own: Own
    fact: str
    keys: tuple[str, ...]
    specs: tuple[CheckSpec, ...]
    unit: str

    @property
    def key(self) -> str:
        return f"{self.own.signal.name}.{self.fact}"

    @property
    def now(self) -> float | None:
        found: Any = self.own.believed.get(self.keys[0])
        return None if found is None else float(found)

    @property
    def asked(self) -> tuple[tuple[CheckSpec, Fraction], ...]:
        """The checks that the policy asks for, with their thresholds."""
        trust = self.own.signal.trust
        return tuple((spec, Fraction(trust[spec.name])) for spec in self.specs if spec.name in trust)

    def facts(self, value: Fraction) -> dict[str, Any]:
        """All facts of the signal, had this been measured."""
        own = self.own
        names = {spec.name for spec in self.specs}
        others = [check for check in own.reading.checks.values() if check.name not in names]
        good = {sort: passing(others, sort) and all(
            passes(spec, value, limit) for spec, limit in self.asked if spec.sort == sort
        ) for sort in ("validity", "maturity")}  # fmt: skip
        state = state_of(own.low, own.high, own.margin, trusted=good["validity"], ripe=good["maturity"])
        measured = bool(value) if self.unit == "yes" else value
        return own.facts(state, ripe=good["maturity"]) | dict.fromkeys(self.keys, measured)


def passes(spec: CheckSpec, value: Fraction, limit: Fraction) -> bool:
    """Whether a check's number is good enough."""
    return value >= limit if spec.passes == ">=" else value <= limit


def checks(case: WhatIf) -> Iterator[Found]:
    """Of every number that the policy's trust or a condition asks about, of signals that have evidence."""
    for own in case.own.values():
        for knob in _knobs(case, own):
            yield from _of_knob(case, knob)
    yield from _release_age(case)


def _knobs(case: WhatIf, own: Own) -> Iterator[Knob]:
    name, asked = own.signal.name, case.asked
    for spec in checks_of(own.signal.kind):
        keys = [f"{name}.{spec.name}"]
        fact = spec.name
        if spec.name == "max_age":  # both are the time since the newest evidence
            keys, fact = [f"{name}.age", *keys], "age"
        elif spec.name == "min_items" and _same(own, "min_items", "n"):  # both are the items that both arms have
            keys.append(f"{name}.n")
        if spec.name in own.signal.trust or asked & set(keys):
            yield Knob(own, fact, tuple(keys), (spec,), spec.unit)
    for fact in OTHERS:
        key = f"{name}.{fact}"
        paired = fact == "n" and "min_items" in own.reading.checks and _same(own, "min_items", "n")
        # What an untrusted reading does not have stays hidden whatever it were.
        if key in asked and key in case.facts and not paired:
            unit = {"n": "count", "power": "share", "mde": "effect", "p_value": "p"}[fact]
            yield Knob(own, fact, (key,), (), unit)


def _same(own: Own, one: str, two: str) -> bool:
    name = own.signal.name
    return (
        own.signal.kind in ("judge", "panel")
        and own.believed.get(f"{name}.{one}") is not None
        and own.believed.get(f"{name}.{one}") == own.believed.get(f"{name}.{two}")
    )


def _of_knob(case: WhatIf, knob: Knob) -> Iterator[Found]:
    name = knob.own.signal.name

    def call(value: Fraction) -> Call:
        return case.with_own(name, knob.facts(value))

    if knob.unit == "yes":
        yield from _of_yes(case, knob, call)
        return
    moving: dict[str, Affine] = dict.fromkeys(knob.keys, (1, Fraction(0)))
    known = {**case.facts, **knob.own.believed}
    cuts = (*case.cuts(moving, known=known), *(limit for _, limit in knob.asked))
    low, high = _limits(case, knob)
    now = exact(knob.now)
    if now is None:
        yield from _of_unknown(case, knob, call, cuts, (low, high))
        return
    whole = now.denominator == 1 and (knob.fact in WHOLE or (knob.unit == "count" and knob.fact not in BROKEN))
    line = Line(
        now, cuts, call, None if low is None else min(low, now), None if high is None else max(high, now), whole
    )
    found = list(crossings(line, case.call))
    for crossing in [*found, *_at_threshold(knob, line, found, case.call)]:
        yield _flip(knob, crossing, now)


def _at_threshold(knob: Knob, line: Line, found: Sequence[Crossing], base: Call) -> Iterator[Crossing]:
    """Where the check itself turns, when a nearer value makes one call and the check's turning makes a third."""
    for spec, limit in knob.asked:
        up = passes(spec, line.now, limit) == (spec.passes == "<=")
        sign, direction = (1, "above") if up else (-1, "below")
        nearer = [one for one in found if one.direction == direction and sign * one.at < sign * limit]
        if not nearer or any(end is not None and sign * limit >= sign * end for end in [line.high if up else line.low]):
            continue
        beyond = min((sign * cut for cut in line.cuts if sign * cut > sign * limit), default=None)
        at = limit
        if line.whole:
            at = Fraction(math.floor(limit) + 1 if up else math.ceil(limit) - 1)
            at = limit if passes(spec, limit, limit) != passes(spec, line.now, limit) and limit.denominator == 1 else at
            value = at
        else:
            value = sign * between(sign * limit, beyond)
        to = line.call(value)
        if to not in (base, nearer[-1].to) and passes(spec, value, limit) != passes(spec, line.now, limit):
            closed = line.call(limit) == to
            end = at if line.whole else None if beyond is None else sign * beyond
            yield Crossing(at, to, "above" if up else "below", closed, end)


def _flip(knob: Knob, crossing: Crossing, now: Fraction) -> Found:
    name, at = knob.own.signal.name, float(crossing.at)
    places, scale = _places(knob, at, whole=crossing.end == crossing.at)
    beyond, digits = past(crossing, places, scale)
    turned = [
        (spec, limit) for spec, limit in knob.asked
        if passes(spec, now, limit) != passes(spec, Fraction(beyond), limit)
        and (crossing.at == limit or (crossing.end == crossing.at and abs(crossing.at - limit) <= 1))
    ]  # fmt: skip
    if turned and knob.fact not in words.SPECIAL and crossing.direction != "is":
        spec, limit = turned[0]
        fails = passes(spec, now, limit)
        text = words.status(name, spec, float(now), float(limit), fails=fails, to=crossing.to)
    else:
        text = words.numeric(
            name, knob.fact, knob.own.reading, crossing, _shown(knob, beyond, float(now), digits)
        )  # fmt: skip
    flip = Flip(knob.key, float(now), at, crossing.to, crossing.direction, beyond, None, text)
    return Found(flip, relative(float(now), at), 1)


def _places(knob: Knob, at: float, *, whole: bool) -> tuple[int, int]:
    """Decimals to begin with, and the scale that they are of."""
    if knob.unit == "effect":
        return words.decimals(knob.own.reading.unit, at)
    if knob.unit == "share":
        return 1, 100
    if knob.unit == "p":
        return (max(2, 1 - math.floor(math.log10(at))) if at > 0.0 else 3), 1
    if knob.unit in ("count", "seconds"):
        return (1 if knob.fact in BROKEN and not whole else 0), 1
    return (0 if whole else 2), 1


def _shown(knob: Knob, there: float, here: float, digits: int) -> tuple[str, str]:
    """Both numbers in words, written so that they differ where they do."""
    for more in range(digits, digits + 8):
        texts = _text(knob, there, more), _text(knob, here, more)
        if texts[0] != texts[1]:
            break
    return texts


def _text(knob: Knob, value: float, digits: int) -> str:
    if knob.unit == "effect":
        return words.effect(value, knob.own.reading.unit, digits, signed=False)
    return p_value(value) if knob.unit == "p" and value > 0.0001 > 10**-digits else words.measure(
        value, knob.unit, digits)  # fmt: skip


def _limits(case: WhatIf, knob: Knob) -> tuple[Fraction | None, Fraction | None]:
    low, high = limits(case.specs[knob.key])
    if knob.unit == "effect":
        low = 0.0
    elif knob.fact == "n" and knob.own.signal.kind not in ("judge", "panel"):
        low = 2.0  # one in each arm: a reading without one of them is missing
    return exact(low), exact(high)


# --- yes or no, and what is not known -------------------------------------------------------------------------------


def _of_yes(case: WhatIf, knob: Knob, call: Callable[[Fraction], Call]) -> Iterator[Found]:
    name, now = knob.own.signal.name, knob.now
    for other in (Fraction(1), Fraction(0)):
        if now is not None and bool(now) == bool(other):
            continue
        to = call(other)
        if to == case.call:
            continue
        text = words.status(name, knob.specs[0], float(other), 1.0, fails=not other, to=to)
        flip = Flip(knob.key, None if now is None else bool(now), bool(other), to, "is", bool(other), None, text)
        yield Found(flip, 1.0 if now is not None else math.inf, 1 if now is not None else 2)


def _of_unknown(
    case: WhatIf, knob: Knob, call: Callable[[Fraction], Call], cuts: Sequence[Fraction],
    ends: tuple[Fraction | None, Fraction | None],
) -> Iterator[Found]:  # fmt: skip
    """A number that does not exist: which values of it would make another call."""
    low, high = ends
    found = [(value, alone, call(value)) for value, alone in pieces(cuts, low, high)]
    for to in dict.fromkeys(one for _, _, one in found if one != case.call):
        yield Found(_of_region(knob, found, to, cuts, ends), math.inf, 2)


def _of_region(
    knob: Knob, found: Sequence[tuple[Fraction, bool, Call]], to: Call, cuts: Sequence[Fraction],
    ends: tuple[Fraction | None, Fraction | None],
) -> Flip:  # fmt: skip
    """The values that make one call: all, those from a boundary on, or else the lowest stretch of them."""
    name = knob.own.signal.name
    if all(one == to for _, _, one in found):
        value = float(next((value for value, alone, _ in found if not alone), found[0][0]))
        return Flip(knob.key, None, "known", to, "is", value, None, words.known(name, knob.fact, "", to))
    downwards = found[0][2] == to and found[-1][2] != to
    run = list(found if downwards else reversed(found)) if found[-1][2] == to or downwards else list(found)
    start = next(place for place, one in enumerate(run) if one[2] == to)
    stop = next((place for place in range(start, len(run)) if run[place][2] != to), len(run))
    stretch = run[start:stop]
    from_top = found[-1][2] == to and not downwards
    # The boundary is the end of the stretch that is not the end of the line.
    edge = stretch[-1] if downwards or from_top else stretch[0]
    up = not downwards
    sign = 1 if up else -1
    value, alone, _ = edge
    if alone:
        at, closed = value, True
    else:
        at, closed = max(sign * cut for cut in [*cuts, *(e for e in ends if e is not None)]
                         if sign * cut < sign * value) * sign, False  # fmt: skip
    if alone and len(stretch) == 1:
        crossing = Crossing(at, to, "is", True, at)
    else:
        beyond = min((sign * cut for cut in [*cuts, *(e for e in ends if e is not None)] if sign * cut > sign * at),
                     default=None)  # fmt: skip
        crossing = Crossing(at, to, "above" if up else "below", closed, None if beyond is None else sign * beyond)
    places, scale = _places(knob, float(at), whole=False)
    shown_past, digits = past(crossing, places, scale)
    how = {"above": "at least" if closed else "above", "below": "at most" if closed else "below",
           "is": "exactly"}[crossing.direction]  # fmt: skip
    limit = _text(knob, float(at), digits)
    text = words.known(name, knob.fact, f"{how} {limit}", to)
    return Flip(knob.key, None, float(at), to, crossing.direction, shown_past, None, text)


# --- the release ----------------------------------------------------------------------------------------------------


def _release_age(case: WhatIf) -> Iterator[Found]:
    key = "release.age"
    cuts = tuple(case.cuts({key: (1, Fraction(0))}))
    now = exact(case.facts[key])
    if not cuts or now is None:
        return
    least, most = (exact(end) for end in limits(case.specs[key]))
    changed: Callable[[Fraction], Mapping[str, Any]] = lambda value: {key: value}  # noqa: E731  # one of two lines
    line = Line(now, cuts, lambda value: case.with_facts(changed(value)), least, most)
    for crossing in crossings(line, case.call):
        beyond, _ = past(crossing, 0)
        at = float(crossing.at)
        flip = Flip(key, float(now), at, crossing.to, crossing.direction, beyond, None,
                    words.release_age(float(now), crossing))  # fmt: skip
        yield Found(flip, relative(float(now), at), 1)
