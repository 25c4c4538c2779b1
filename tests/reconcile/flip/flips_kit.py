"""Releases with one number put elsewhere: rebuilt from stored numbers, read and decided as real ones are."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from signals.checks import checks_of
from signals.model import Call, Estimate, Interval, Measure, Numbers, Reading, Release, SegmentEstimate, Signal
from signals.policy import Policy, decide, settle
from signals.policy.facts import extract
from signals.readings import read
from tests.workbench.random_policies import LIMITS

AS_OF = datetime(2026, 11, 17, 9, tzinfo=UTC)
RELEASE = Release("r", "prompt", "a", "b", date(2026, 11, 3))
AGREEMENT = ("human_agreement", "agreement", "ac2")
"""Checks that have an interval."""
POINTS = [0.0, 0.01, -0.01, 0.03, 0.1, -0.1, 0.005, -0.02, 0.002, -0.002, 0.05, -0.05, 0.2, -0.2]


@dataclass(frozen=True)
class World:
    """A policy and the numbers of one release."""

    policy: Policy
    numbers: Mapping[str, Numbers]
    release: Release = RELEASE
    as_of: datetime = AS_OF

    known: Mapping[str, Reading] = field(default_factory=dict)  # those that were read already

    def readings(self) -> dict[str, Reading]:
        return {
            name: self.known.get(name) or read(signal, self.numbers.get(name), self.as_of)
            for name, signal in self.policy.signals.items()
        }

    def put(self, name: str, numbers: Numbers) -> World:
        """The same release with other numbers of one signal."""
        known = {key: reading for key, reading in self.readings().items() if key != name}
        return replace(self, numbers={**self.numbers, name: numbers}, known=known)

    def call(self) -> Call:
        """Through the front door."""
        return decide(self.policy, self.release, self.readings(), self.as_of, "sha256:none").call

    def quick(self, **facts: Any) -> Call:
        """The same without its words; ``facts`` are put over those of the readings."""
        found = extract(self.policy.signals, self.readings(), self.release, self.as_of)
        return settle(self.policy.for_kind(self.release.kind), {**found, **facts}).call

    def at(self, fact: str, value: Any) -> World:
        """The same release had this fact been measured so: the number and what it makes follow from the readings."""
        name, _, rest = fact.partition(".")
        signal, numbers = self.policy.signals[name], self.numbers[name]
        reading = self.readings()[name]
        if rest == "age":
            changed = replace(numbers, last_at=self.as_of - timedelta(seconds=float(value)))
        elif rest.startswith("benefit") or rest in ("n", "p_value"):
            voting = _estimate(signal, reading, numbers.estimates[numbers.voting], rest, value)
            changed = replace(numbers, estimates={**numbers.estimates, numbers.voting: voting})
        elif rest.startswith("segments["):
            segment, _, part = rest.removeprefix("segments[").partition("].")
            changed = replace(numbers, segments=tuple(
                _segment(signal, one, part, value) if one.name == segment else one for one in numbers.segments
            ))  # fmt: skip
        else:
            kept = tuple(one for one in numbers.measures if one.name != rest)
            changed = replace(numbers, measures=(*kept, Measure(rest, float(value), "what if")))
        return self.put(name, changed)


def _estimate(signal: Signal, reading: Reading, one: Any, rest: str, value: float) -> Estimate:
    if rest == "n":
        both = signal.kind in ("judge", "panel")
        control = int(value) if both else int(value) // 2
        return replace(one, n_control=control, n_candidate=control if both else int(value) - control)
    if rest == "p_value":
        return replace(one, p_value=value)
    if rest == "benefit":
        assert None not in (reading.benefit.value, one.effect, one.low, one.high)
        by = signal.sign * (value - reading.benefit.value)
        p = one.p_value if not normal(one) else normal_p(one.effect + by, one.se or 0.0)
        return replace(one, effect=one.effect + by, low=one.low + by, high=one.high + by, p_value=p)
    lower = (rest == "benefit.low") == (signal.sign > 0)
    return replace(one, low=signal.sign * value) if lower else replace(one, high=signal.sign * value)


def normal(one: Estimate) -> bool:
    """Whether the p-value is that of a normal test: made so by ``random_numbers``."""
    return one.method == "normal"


def normal_p(effect: float, se: float) -> float:
    return math.erfc(abs(effect) / se / math.sqrt(2.0))


def _segment(signal: Signal, one: SegmentEstimate, part: str, value: float) -> SegmentEstimate:
    if part == "share":
        return replace(one, share=value)
    low, high = (one.low, one.high) if signal.sign > 0 else (one.high, one.low)
    a_low, a_high = (one.adjusted_low, one.adjusted_high) if signal.sign > 0 else (one.adjusted_high, one.adjusted_low)
    middle, s_low, s_high = (one.shrunk.value, one.shrunk.low, one.shrunk.high) if one.shrunk else (None, None, None)
    s_low, s_high = (s_low, s_high) if signal.sign > 0 else (s_high, s_low)
    now = {
        "shrunk": middle,
        "shrunk.low": s_low,
        "shrunk.high": s_high,
        "benefit": one.effect,
        "low": low,
        "high": high,
        "adjusted.low": a_low,
        "adjusted.high": a_high,
    }[part]
    assert now is not None
    by = signal.sign * value - now

    def moved(number: float | None) -> float | None:
        return None if number is None else number + by

    shrunk = one.shrunk and Interval(moved(one.shrunk.value), moved(one.shrunk.low), moved(one.shrunk.high))
    return replace(
        one, effect=moved(one.effect), low=moved(one.low), high=moved(one.high), adjusted_low=moved(one.adjusted_low),
        adjusted_high=moved(one.adjusted_high), shrunk=shrunk,
    )  # fmt: skip


# --- what can be ----------------------------------------------------------------------------------------------------


def equal_arms(world: World) -> World:
    """The same release with no difference at all between the arms, in any segment, and raters who all agree."""
    numbers = {}
    for name, one in world.numbers.items():
        estimate = one.estimates["raw"]
        half = None if estimate.low is None or estimate.high is None else (estimate.high - estimate.low) / 2.0
        estimates = {"raw": replace(estimate, effect=0.0, low=half and -half, high=half, p_value=1.0, method="equal")}
        measures = tuple(EQUAL.get(measure.name, measure) for measure in one.measures)
        segments = tuple(
            replace(part, effect=0.0, low=-0.02, high=0.02, adjusted_low=-0.04, adjusted_high=0.04,
                    shrunk=Interval(0.0, -0.02, 0.02))
            for part in one.segments
        )  # fmt: skip
        numbers[name] = replace(one, estimates=estimates, measures=measures, segments=segments)
    plain = World(world.policy, numbers, world.release, world.as_of)
    return replace(plain, known=plain.readings())


EQUAL = {
    name: Measure(name, value, "both arms are equal")
    for name, value in {"max_reversals": 0.0, "agreement": 1.0, "ac2": 1.0, "heterogeneity_p": 1.0,
                        "judge_bias_p": 1.0, "max_length_bias": 0.0, "novelty_p": 1.0}.items()
}  # fmt: skip


def as_shares(world: World) -> World:
    """The same release, its effects being differences of proportions."""
    numbers = {name: replace(one, unit="pp") for name, one in world.numbers.items()}
    plain = World(world.policy, numbers, world.release, world.as_of)
    return replace(plain, known=plain.readings())


# --- random releases ------------------------------------------------------------------------------------------------


def random_world(policy: Policy, rng: random.Random) -> World:
    """Numbers near everything that the policy asks about, on and off its thresholds."""
    found = {name: random_numbers(signal, rng) for name, signal in policy.signals.items() if rng.random() > 0.1}
    world = World(policy, found)
    return replace(world, known=world.readings())


def _point(rng: random.Random) -> float:
    return rng.choice(POINTS) if rng.random() < 0.5 else rng.gauss(0.0, 0.03)


def random_numbers(signal: Signal, rng: random.Random, state: str = "") -> Numbers:
    """Random numbers; with a state, those of a reading that has it (or at least may have it)."""
    low, effect, high = sorted(_point(rng) for _ in range(3))
    control, se, p, method = rng.choice([0.3, 0.5, 0.5, 0.0]), 0.01, rng.choice([0.01, 0.05, 0.4, None]), "made up"
    if rng.random() < 0.3:
        se, method = rng.choice([0.004, 0.01, 0.02]), "normal"
        low, high, p = effect - 1.959963984540054 * se, effect + 1.959963984540054 * se, normal_p(effect, se)
    refused = rng.random() < 0.05 and not state
    estimate = Estimate(
        effect, None if refused else low, None if refused else high, method, 0.95, se=se, p_value=p, control=control,
        n_control=rng.choice([50, 100, 2500]), n_candidate=rng.choice([50, 100, 2500]),
        refused="too little" if refused else None,
    )  # fmt: skip
    measures = []
    for spec in checks_of(signal.kind):
        if spec.name in ("max_age", "last_pull") or (rng.random() < 0.15 and not state):
            continue
        near = [float(limit.rstrip("%d")) / (100 if "%" in limit else 1) for limit in LIMITS.get(spec.name, ["0.5"])]
        value = rng.choice(near) * rng.choice([1.0, 1.3, 0.6])
        if spec.unit == "yes":
            value = rng.choice([0.0, 1.0, 1.0])
        if spec.unit == "count" or spec.name == "full_weeks":
            value = float(round(value))
        if state and spec.name in signal.trust:
            value = signal.trust[spec.name]
        within = (value - rng.choice([0.05, 0.3]), value + 0.05) if spec.name in AGREEMENT else (None, None)
        measures.append(Measure(spec.name, value, "made up", None, *within))
    age = rng.choice([None, timedelta(hours=3), timedelta(days=1), timedelta(days=3), timedelta(days=9)])
    if state:
        age = timedelta(hours=rng.choice([3, 30]))
    segments = tuple(_random_segment(name, rng) for name in ("plan=free", "plan=pro", "plan=team")[: rng.randint(0, 3)])
    return Numbers(
        signal.name, signal.kind, "points", "raw", {"raw": estimate}, tuple(measures),
        segments if signal.segments else (), last_at=AS_OF - age if age else None,
    )  # fmt: skip


def _random_segment(name: str, rng: random.Random) -> SegmentEstimate:
    low, effect, high = sorted(_point(rng) for _ in range(3))
    outer_low, outer_high = min(low, _point(rng)), max(high, _point(rng))
    gone = rng.random() < 0.1
    return SegmentEstimate(
        name, rng.choice([0.03, 0.05, 0.4]), 50, 50, effect, None if gone else low, None if gone else high,
        None if gone else outer_low, None if gone else outer_high, rng.choice([0.3, 0.5]),
        shrunk=None if gone else Interval(effect, low, high),
    )  # fmt: skip
