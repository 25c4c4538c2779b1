"""What is printed of a flip: a value that makes the call by itself, fine enough, and on its side of the interval."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from flips_kit import World, as_shares, random_world
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.model import Estimate, Flip, Numbers
from signals.policy import parse_policy
from signals.reconcile.flip.flips import flips
from signals.words import flip_place, number
from tests.workbench.random_policies import random_policy

ONE = """\
schema: 1
name: one
signals:
  e: {{kind: panel, better: {better}, margin: 0.1}}
hierarchy: [{{signal: e, win: ship, loss: rollback, flat: hold, unclear: hold}}]
"""
TOLD = re.compile(r"(?P<there>[+−]?[\d,]+(?:\.\d+)?)(?: pp| points)?(?: or (?:more|less|better|worse))? \(now ")


def found(world: World) -> tuple[Flip, ...]:
    return flips(world.policy, world.release, world.readings(), world.as_of)


def one(value: float, low: float, high: float, *, unit: str = "points", better: str = "higher") -> World:
    """A single signal that wins, loses or says nothing."""
    estimate = Estimate(value, low, high, "by hand", 0.95, se=(high - low) / 4, n_control=60, n_candidate=60)
    numbers = Numbers("e", "panel", unit, "raw", {"raw": estimate}, counted="items")
    return World(parse_policy(ONE.format(better=better)), {"e": numbers})


def plain(text: str) -> Decimal:
    return Decimal(text.replace("−", "-").replace(",", ""))


def effects(world: World) -> list[tuple[Flip, Decimal, int, int]]:
    """Flips of effects and bounds with the printed number, the scale that it is of, and its sign as a benefit."""
    told = []
    for flip in found(world):
        name, _, rest = flip.fact.partition(".")
        if rest not in ("benefit", "benefit.low", "benefit.high") or flip.direction == "is":
            continue
        match = TOLD.search(flip.words)
        assert match, flip.words
        scale = 100 if world.readings()[name].unit == "pp" else 1
        told.append((flip, plain(match["there"]), scale, world.policy.signals[name].sign))
    return told


def printed_holds(world: World) -> int:
    base, seen = world.quick(), 0
    for flip, printed, scale, sign in effects(world):
        assert isinstance(flip.now, float)
        assert isinstance(flip.at, float)
        assert isinstance(flip.past, float)
        benefit = sign * float(printed) / scale
        assert benefit == pytest.approx(flip.past, abs=1e-12), flip
        assert world.at(flip.fact, benefit).quick() == flip.to, flip
        unit = float(Decimal(1).scaleb(int(printed.as_tuple().exponent))) / scale
        way = 1 if flip.direction == "above" else -1
        reach = 1.001 if flip.at != flip.now else 1.501  # a number on the boundary is told apart from there
        assert -1e-12 <= way * (benefit - flip.at) <= reach * unit + 1e-15, flip
        if abs(flip.at - flip.now) < 1e-6:
            continue  # it stands at the boundary
        assert abs(flip.at - flip.now) >= 9.99 * unit, flip
        inward = benefit - way * unit
        if way * (flip.at - inward) > 1e-9:
            assert world.at(flip.fact, inward).quick() == base or is_single(world, flip, inward), flip
            seen += 1
    return seen


def is_single(world: World, flip: Flip, value: float) -> bool:
    """Whether a single value that makes another call is told there too."""
    return any(
        other.fact == flip.fact and other.direction == "is" and abs(float(other.at) - value) < 1e-9
        for other in found(world)
    )


def seems_right(world: World) -> int:
    """No printed value contradicts what is said of the interval beside the interval as it is printed."""
    seen = 0
    for flip, printed, _, sign in effects(world):
        reading = world.readings()[flip.fact.partition(".")[0]]
        if not flip.fact.endswith(".benefit"):
            continue
        ends = sorted(
            plain(number(end and sign * end, reading.unit, bare=True))
            for end in (reading.benefit.low, reading.benefit.high)
        )
        place = flip_place(flip)
        if place == "at the end of its interval":
            assert min(abs(end - printed) for end in ends) <= Decimal("0.006"), flip
        elif shown := re.search(r"its interval to ([+−]?[\d.]+)", flip.words):
            way = sign if flip.direction == "above" else -sign
            assert (place == "in its interval") == (way * printed < way * plain(shown[1])), flip
        else:
            assert (ends[0] <= printed <= ends[1]) == (place == "in its interval"), flip
        seen += 1
    return seen


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_the_printed_value_makes_the_call_and_one_unit_less_does_not(seed: int) -> None:
    rng = random.Random(seed)
    world = random_world(random_policy(seed, entangled=seed % 2 == 0), rng)
    printed_holds(as_shares(world) if seed % 2 else world)


@settings(max_examples=150, deadline=None)
@given(
    st.floats(-0.3, 0.3), st.floats(0.0005, 0.4), st.floats(0.0005, 0.4),
    st.sampled_from(["points", "pp"]), st.sampled_from(["higher", "lower"]),
)  # fmt: skip
def test_the_printed_value_of_one_signal(value: float, down: float, up: float, unit: str, better: str) -> None:
    world = one(value, value - down, value + up, unit=unit, better=better)
    printed_holds(world)
    seems_right(world)


@pytest.mark.parametrize("value", [0.0, -4.7e-18, 4.7e-18, 1e-13])
@pytest.mark.parametrize("half", [0.0704123, 0.0696317, 0.0101116, 0.1204123, 1 / 3])
@pytest.mark.parametrize("unit", ["points", "pp"])
def test_a_signal_of_no_effect_flips_at_the_end_of_its_interval_whatever_the_rounding(
    value: float, half: float, unit: str
) -> None:
    world = one(value, value - half, value + half, unit=unit)
    told = [flip for flip, *_ in effects(world)]
    assert [flip.fact for flip in told] == ["e.benefit", "e.benefit"]
    assert {(flip.inside, flip.at_end, flip_place(flip)) for flip in told} == {
        (False, True, "at the end of its interval")
    }
    assert seems_right(world) == 2
    assert printed_holds(world) == 2


def test_a_flip_close_by_is_told_as_finely_as_it_is_close() -> None:
    found_ = effects(one(-0.07, -0.1404, 0.0004))
    (flip,) = [flip for flip, *_ in found_ if flip.to == "rollback"]
    assert flip.words == "if e's effect were −0.07041 points or less (now −0.07000): rollback"
    far = effects(one(0.0, -0.0704, 0.0704))
    assert [flip.words for flip, *_ in far if flip.to == "ship"] == [
        "if e's effect were +0.071 points or more (now 0.000): ship"
    ]


def test_the_end_of_the_interval_is_told_where_as_it_is_printed_it_would_contradict() -> None:
    # Half the width is 0.0704, so the boundary lies just inside of the upper end, which is printed as +0.07.
    just = effects(one(0.0001, -0.0703, 0.07045))
    (flip,) = [flip for flip, *_ in just if flip.to == "ship"]
    assert flip.inside
    assert flip.words == "if e's effect were +0.07041 points or more (now +0.00010, its interval to +0.07045): ship"


@pytest.mark.parametrize(
    "better, low, high, fact, words",
    [
        ("higher", -0.0625, 0.25, "e.benefit.high", "upper end of e's interval were +0.09 points (now +0.25)"),
        ("higher", -0.25, 0.0625, "e.benefit.low", "lower end of e's interval were −0.09 points (now −0.25)"),
        # The benefit is the effect turned round, and so are its ends.
        ("lower", -0.0625, 0.25, "e.benefit.low", "upper end of e's interval were +0.09 points (now +0.25)"),
    ],
)
def test_only_one_end_of_the_interval_is_said_to_move(
    better: str, low: float, high: float, fact: str, words: str
) -> None:
    policy = parse_policy(
        ONE.format(better=better).split("hierarchy")[0] + "hierarchy: [{signal: e, unclear: hold, flat: rollback}]\n"
    )
    world = replace(one((low + high) / 3, low, high, better=better), policy=policy)
    (flip,) = [flip for flip, *_ in effects(world)]
    assert (flip.fact, flip.words) == (fact, f"if only the {words}: rollback")
