"""One fact's line of values, and where on it the call changes.

Every comparison of a policy is between affine functions of the one fact that moves, so the call can change at finitely
many values only (the cuts) and is constant between any two of them. Values are fractions: a tie is a tie, and no
rounding opens or closes a gap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from signals.model import Call

Direction = Literal["above", "below", "is"]
ALIKE = Fraction(1, 10**12)
"""Cuts closer together than this, relative to the size of the numbers, are one: floats cannot tell them apart."""
MORE_DIGITS = 8
SLACK = Fraction(1, 1000)
"""Of a unit of the last decimal: as near to a round number, a boundary counts as that number."""


@dataclass(frozen=True)
class Line:
    """The values that a fact can have, and the call at each.

    Attributes:
        now: Where it is.
        cuts: Every value at which some comparison or check may come out differently.
        call: The engine, run at a value.
        low: Least value that the fact can have; None: there is none.
        high: Greatest value.
        whole: Whether it can only be a whole number.
    """

    now: Fraction
    cuts: tuple[Fraction, ...]
    call: Callable[[Fraction], Call]
    low: Fraction | None = None
    high: Fraction | None = None
    whole: bool = False


@dataclass(frozen=True)
class Crossing:
    """A place where the call changes, seen from where the fact is.

    Attributes:
        at: The value.
        to: The call from there on, in ``direction``.
        direction: ``is``: at this very value only.
        closed: Whether ``at`` itself has the other call already.
        end: Where the next cut lies; None when there is none, and ``at`` when nothing lies beyond it.
    """

    at: Fraction
    to: Call
    direction: Direction
    closed: bool
    end: Fraction | None


def exact(value: object) -> Fraction | None:
    """A number as a fraction; None of what is no finite number."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return Fraction(value)


def crossings(line: Line, base: Call) -> Iterator[Crossing]:
    """The nearest change of the call on each side, upwards first; before it any single values that change it."""
    for sign in (1, -1):
        yield from _whole(line, base, sign) if line.whole else _continuous(line, base, sign)


def _continuous(line: Line, base: Call, sign: int) -> Iterator[Crossing]:
    limit, groups = _ahead(line, sign)
    for place, group in enumerate(groups):
        first, last = group[0], group[-1]
        beyond = groups[place + 1][0] if place + 1 < len(groups) else None
        ends_here = limit is not None and last >= limit
        here = line.call(sign * first) if first == last and first > sign * line.now else base
        after = None if ends_here else line.call(sign * between(last, beyond))
        if here != base and after in (None, here):
            yield _crossing(sign, first, here, True, last if ends_here else beyond)
            return
        if here != base:
            yield Crossing(sign * first, here, "is", True, sign * first)
        if after is not None and after != base:
            yield _crossing(sign, first, after, False, beyond)
            return


def _ahead(line: Line, sign: int) -> tuple[Fraction | None, list[list[Fraction]]]:
    """The end of the line on this side, and the cuts up to it, those that cannot be told apart together.

    Everything is multiplied with ``sign``, so that it lies upwards.
    """
    now = sign * line.now
    end = line.high if sign > 0 else line.low
    limit = None if end is None else max(now, sign * end)
    cuts = {sign * cut for cut in line.cuts}
    ahead = sorted(cut for cut in cuts | ({limit} if limit is not None else set()) if cut > now)
    if limit is not None:
        ahead = [cut for cut in ahead if cut <= limit]
    near = ALIKE * max([abs(now), *map(abs, ahead[:1]), *map(abs, ahead[-1:])])
    groups: list[list[Fraction]] = []
    for cut in ahead:
        if groups and cut - groups[-1][-1] <= near:
            groups[-1].append(cut)
        else:
            groups.append([cut])
    return limit, [[now], *groups] if now in cuts and now != limit else groups


def _crossing(sign: int, at: Fraction, to: Call, closed: bool, end: Fraction | None) -> Crossing:
    return Crossing(sign * at, to, side(sign), closed, None if end is None else sign * end)


def _whole(line: Line, base: Call, sign: int) -> Iterator[Crossing]:
    limit = line.high if sign > 0 else line.low
    values = {sign * value for cut in line.cuts for value in range(math.floor(cut) - 1, math.ceil(cut) + 2)}
    for value in sorted(value for value in values if value > sign * line.now):
        if limit is not None and value > sign * limit:
            return
        to = line.call(Fraction(sign * value))
        if to == base:
            continue
        last = limit is not None and value + 1 > sign * limit
        if last or line.call(Fraction(sign * (value + 1))) == to:
            yield _crossing(sign, Fraction(value), to, True, Fraction(value))
            return
        yield Crossing(Fraction(sign * value), to, "is", True, Fraction(sign * value))


def side(sign: int) -> Direction:
    """``above`` where values grow, ``below`` where they shrink."""
    return "above" if sign > 0 else "below"


def between(last: Fraction, beyond: Fraction | None) -> Fraction:
    """A value past ``last`` and before ``beyond``; without a beyond, anywhere past it."""
    return last + max(Fraction(1), abs(last)) if beyond is None else (last + beyond) / 2


def past(
    crossing: Crossing, places: int, scale: int = 1, clear: Fraction | None = None, now: Fraction | None = None
) -> tuple[float, int]:
    """A number just past a crossing with as few decimals as will do, and how many those are.

    Args:
        crossing: Where the call changes.
        places: Decimals to begin with.
        scale: What the number is multiplied with where it is shown (100 for percentages).
        clear: How far past the boundary it must be, so that no rounding takes it back. None: the boundary itself will
            do where it has the other call already.
        now: Where the fact is: the number is told apart from there, and the way from there to two digits or more, as is
            the number itself where one decimal more will do. None: none of this matters.

    Returns:
        The number lies before the next cut, so the call at it is ``crossing.to``, and at most one unit of its last
        decimal past the crossing (one and a half from a crossing that the fact stands on).
    """
    most = places + MORE_DIGITS
    way = 0 if now is None else abs(crossing.at - now)
    while 0 < way * scale * 10**places < 10 and places + 1 < most:
        places += 1
    if now is not None and 0 < abs(crossing.at) * scale * 10**places < 10 and places + 1 < most:
        places += 1  # once: a boundary next to 0 has no end of zeros
    if crossing.direction == "is" or crossing.end == crossing.at:
        written = (digits for digits in range(places, most) if _written(crossing.at, scale * 10**digits))
        return float(crossing.at), next(written, places)
    sign = 1 if crossing.direction == "above" else -1
    at, end = sign * crossing.at, None if crossing.end is None else sign * crossing.end
    # From a boundary that the number stands on, the next step may be half a step farther than it rounds to.
    longest = (1 if way else Fraction(3, 2)) + SLACK
    for digits in range(places, most):
        steps = scale * 10**digits
        nearest = round(at * steps)
        # A boundary as written, 0.4, is as a float on either side of four tenths.
        for step in (nearest, nearest + 1):
            value = sign * step / steps
            by = sign * Fraction(value) - at
            far_enough = by > (clear or 0) or (by == 0 and clear is None and crossing.closed)
            told_apart = now is None or (step != round(sign * now * steps) and by * steps <= longest)
            if far_enough and told_apart and (end is None or by <= (end - at) / 2):
                return value, digits
    return float(sign * between(at, end)), most


def _written(value: Fraction, steps: int) -> bool:
    """Whether so many steps to one write the number as it is."""
    return round(value * steps) / steps == float(value)


@dataclass(frozen=True)
class Piece:
    """A stretch of a line between two cuts, or a cut (``alone``), with one value of it and the call there."""

    value: Fraction
    alone: bool
    call: Call


def pieces(line: Line) -> list[Piece]:
    """All of a line, upwards: stretches and the cuts between them, or its whole numbers at and beside the cuts."""
    low, high = line.low, line.high

    def possible(value: Fraction) -> bool:
        return (low is None or value >= low) and (high is None or value <= high)

    if line.whole:
        near = {Fraction(n) for cut in line.cuts for n in range(math.floor(cut) - 1, math.ceil(cut) + 2)} | {line.now}
        return [Piece(value, True, line.call(value)) for value in sorted(filter(possible, near))]
    ends = {end for end in (low, high) if end is not None}
    inside = sorted({cut for cut in line.cuts if possible(cut)} | ends)
    found: list[tuple[Fraction, bool]] = []
    if not inside:
        found.append((line.now, False))
    if inside and low is None:
        found.append((-between(-inside[0], None), False))
    for place, cut in enumerate(inside):
        found.append((cut, True))
        if place + 1 < len(inside):
            found.append((between(cut, inside[place + 1]), False))
    if inside and high is None:
        found.append((between(inside[-1], None), False))
    return [Piece(value, alone, line.call(value)) for value, alone in found]
