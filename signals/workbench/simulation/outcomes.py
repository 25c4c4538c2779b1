"""What a simulation is given, and what it finds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from signals.model import Call, Reason, ReleaseKind, State

SEED = 20_261_123
DRAWS = 100_000
DAYS = 14.0
STEPS = tuple(step / 2.0 for step in range(-6, 7))
"""Where a curve is drawn, in margins."""


@dataclass(frozen=True)
class Correlation:
    """Of the benefits' sampling errors: one number for all pairs, and others for named pairs."""

    common: float = 0.0
    pairs: Mapping[frozenset[str], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """What holds for every draw of a simulation.

    Attributes:
        kind: Of the release; it picks the rules.
        draws: How many releases are drawn.
        seed: The same seed gives the same draws, whatever the true effects are.
        correlation: Between signals.
        looks: Equal looks at a growing sample; the first SHIP or ROLLBACK ends it.
        age: Days since the release started, at the last look.
    """

    kind: ReleaseKind = "prompt"
    draws: int = DRAWS
    seed: int = SEED
    correlation: Correlation = Correlation()
    looks: int = 1
    age: float = DAYS


@dataclass(frozen=True)
class Decider:
    """One way to come to a call, and its chance."""

    call: Call
    rule: str
    by: str | None
    reason: Reason
    chance: float


@dataclass(frozen=True)
class Point:
    """What a policy does when the true effects are these.

    Attributes:
        effects: True effects by signal, candidate minus control, in the signal's unit.
        draws: How many releases were drawn.
        calls: Chance of each call.
        deciders: By rule and call, most frequent first.
        states: Chance of each state by signal, when the call was made.
        ends: Chance that each look was the last one.
        at: Of a curve: the varied effect in margins of benefit.
        segments: By signal, the effects of segments that were given one of their own.
    """

    effects: Mapping[str, float]
    draws: int
    calls: Mapping[Call, float]
    deciders: tuple[Decider, ...]
    states: Mapping[str, Mapping[State, float]]
    ends: tuple[float, ...]
    at: float | None = None
    segments: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def error(self, call: Call) -> float:
        """Monte Carlo standard error of the chance of a call."""
        chance = self.calls[call]
        return math.sqrt(chance * (1.0 - chance) / self.draws)

    @cached_property
    def expected_look(self) -> float:
        """The look at which it ends on average, counted from 1."""
        return math.fsum((number + 1) * chance for number, chance in enumerate(self.ends))


@dataclass(frozen=True)
class Characteristics:
    """The operating characteristics of a policy at given designs.

    Attributes:
        policy: Its name.
        units: Of the effects, by signal.
        vary: The signals that the curve moves together.
        unit: ``margin``, or ``standard error`` for signals without one.
        null: When nothing differs.
        better: When the varied signals are one margin better.
        worse: When they are one margin worse.
        points: The curve, from worst to best.
        asked: At the effects that were asked for, when some were.
    """

    policy: str
    units: Mapping[str, str]
    vary: tuple[str, ...]
    unit: str
    null: Point
    better: Point
    worse: Point
    points: tuple[Point, ...]
    setting: Setting
    asked: Point | None = None

    @property
    def false_ship(self) -> float:
        """Chance to ship when nothing differs."""
        return self.null.calls["ship"]

    @property
    def false_rollback(self) -> float:
        """Chance to roll back when nothing differs."""
        return self.null.calls["rollback"]

    @property
    def power_ship(self) -> float:
        """Chance to ship one margin of benefit."""
        return self.better.calls["ship"]

    @property
    def power_rollback(self) -> float:
        """Chance to roll back one margin of harm."""
        return self.worse.calls["rollback"]
