"""Flips of checks and of other measured numbers, known or not, and of the release's age."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

from signals.model import Call, Flip
from signals.reconcile.flip import words
from signals.reconcile.flip.case import WhatIf
from signals.reconcile.flip.knobs import Knob, knobs
from signals.reconcile.flip.lines import Crossing, Line, Piece, between, crossings, exact, past, pieces, side
from signals.reconcile.flip.rank import NEW, YES, Found, by_errors, by_steps, steps
from signals.workbench.situations.grids import limits

RELEASE_AGE = "release.age"


def checks(case: WhatIf) -> Iterator[Found]:
    """Of every measured number that the call may rest on."""
    for knob in knobs(case):
        line = knob.line(case)
        if knob.unit == "yes":
            yield from _of_yes(case, knob, line)
        elif knob.now is None:
            yield from _of_unknown(case, knob, line)
        else:
            found = list(crossings(line, case.call))
            for crossing in [*found, *_at_threshold(knob, line, found, case.call)]:
                yield _flip(knob, crossing, line.now)
    yield from _release_age(case)


def _at_threshold(knob: Knob, line: Line, found: Sequence[Crossing], base: Call) -> Iterator[Crossing]:
    """Where the check itself turns, when a nearer value makes one call and the check's turning another."""
    limit = knob.limit
    if limit is None or limit == line.now:
        return
    sign = 1 if limit > line.now else -1
    nearer = [one for one in found if one.direction == side(sign)]
    end = line.high if sign > 0 else line.low
    if not nearer or sign * nearer[0].at >= sign * limit or (end is not None and sign * limit >= sign * end):
        return
    if line.whole:
        near = Fraction(math.ceil(limit) if sign > 0 else math.floor(limit))
        at = near if knob.passes(near) != knob.passes(line.now) else near + sign
        crossing = Crossing(at, line.call(at), side(sign), True, at)
    else:
        beyond = min((sign * cut for cut in line.cuts if sign * cut > sign * limit), default=None)
        to = line.call(sign * between(sign * limit, beyond))
        stop = None if beyond is None else sign * beyond
        crossing = Crossing(limit, to, side(sign), line.call(limit) == to, stop)
    if crossing.to not in (base, nearer[0].to):
        yield crossing


def _flip(knob: Knob, crossing: Crossing, now: Fraction) -> Found:
    name, at, here = knob.own.signal.name, float(crossing.at), float(now)
    beyond, digits = past(crossing, *knob.places(at))
    turns = knob.passes(now) != knob.passes(Fraction(beyond)) and (knob.whole or crossing.at == knob.limit)
    if knob.spec and knob.limit is not None and turns and knob.fact not in words.SPECIAL and crossing.direction != "is":
        fails = knob.passes(now)
        text = words.status(name, knob.spec, here, float(knob.limit), fails=fails, to=crossing.to)
    else:
        text = words.numeric(name, knob.fact, knob.own.reading, crossing, knob.texts(beyond, here, digits))
    inside, at_end, errors = knob.within(at)
    flip = Flip(knob.key, here, at, crossing.to, crossing.direction, beyond, inside, text, at_end=at_end)
    if inside is not None:
        return by_errors(flip, errors)
    return by_steps(flip, steps(knob.fact, knob.measure, here, at, passes=knob.passes(now)))


# --- yes or no, and what is not known -------------------------------------------------------------------------------


def _of_yes(case: WhatIf, knob: Knob, line: Line) -> Iterator[Found]:
    now = None if knob.now is None else bool(knob.now)
    for other in (True, False):
        to = line.call(Fraction(other))
        if other != now and to != case.call and knob.spec is not None:
            text = words.status(knob.own.signal.name, knob.spec, float(other), 1.0, fails=not other, to=to)
            flip = Flip(knob.key, now, other, to, "is", other, None, text)
            yield by_steps(flip, NEW if now is None else YES)


def _of_unknown(case: WhatIf, knob: Knob, line: Line) -> Iterator[Found]:
    """A number that does not exist: which values of it would make another call."""
    found = pieces(line)
    for to in dict.fromkeys(piece.call for piece in found if piece.call != case.call):
        if all(piece.call == to for piece in found):
            text = words.known(knob.own.signal.name, knob.fact, "", to)
            flip = Flip(knob.key, None, "known", to, "is", float(found[len(found) // 2].value), None, text)
        else:
            flip = _from_unknown(knob, _region(found, to))
        yield by_steps(flip, NEW)


def _region(found: Sequence[Piece], to: Call) -> Crossing:
    """Where the values begin that make a call: those up to the top, else those down to the bottom, else the lowest."""
    places = [place for place, piece in enumerate(found) if piece.call == to]
    up = found[-1].call == to or found[0].call != to
    if found[-1].call == to:
        place = next(one for one in reversed(places) if one == 0 or found[one - 1].call != to)
    elif not up:
        place = next(one for one in places if found[one + 1].call != to)
    else:
        place = places[0]
    step = 1 if up else -1
    piece, after = found[place], _get(found, place + step)
    if piece.alone and after is not None and after.call != to:
        return Crossing(piece.value, to, "is", True, piece.value)
    direction = side(step)
    if piece.alone:  # stretches and single values take turns, whole numbers have none but single ones
        stop = _get(found, place + 2 * step)
        if after is None or after.alone:
            return Crossing(piece.value, to, direction, True, piece.value)
        return Crossing(piece.value, to, direction, True, None if stop is None else stop.value)
    return Crossing(found[place - step].value, to, direction, False, None if after is None else after.value)


def _get(found: Sequence[Piece], place: int) -> Piece | None:
    return found[place] if 0 <= place < len(found) else None


def _from_unknown(knob: Knob, crossing: Crossing) -> Flip:
    beyond, digits = past(crossing, *knob.places(float(crossing.at)))
    how = {("above", True): "at least", ("above", False): "above", ("below", True): "at most",
           ("below", False): "below", ("is", True): "exactly"}[crossing.direction, crossing.closed]  # fmt: skip
    region = f"{how} {knob.text(float(crossing.at), digits)}"
    text = words.known(knob.own.signal.name, knob.fact, region, crossing.to)
    return Flip(knob.key, None, float(crossing.at), crossing.to, crossing.direction, beyond, None, text)


# --- the release ----------------------------------------------------------------------------------------------------


def _release_age(case: WhatIf) -> Iterator[Found]:
    cuts = tuple(case.cuts({RELEASE_AGE: (1, Fraction(0))}))
    now = exact(case.facts[RELEASE_AGE])
    if not cuts or now is None:
        return
    least, most = map(exact, limits(case.specs[RELEASE_AGE]))
    line = Line(now, cuts, lambda value: case.with_facts({RELEASE_AGE: value}), least, most)
    for crossing in crossings(line, case.call):
        at, here = float(crossing.at), float(now)
        text = words.release_age(here, crossing)
        flip = Flip(RELEASE_AGE, here, at, crossing.to, crossing.direction, past(crossing, 0)[0], None, text)
        yield by_steps(flip, steps(RELEASE_AGE, "seconds", here, at))
