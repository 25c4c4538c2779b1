"""Every flip against the engine, by a way of its own: stored numbers are changed, read and decided anew."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flips_kit import World, as_shares, equal_arms, random_numbers, random_world
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.checks import BY_NAME
from signals.model import Flip, Reading
from signals.policy import decide, parse_policy
from signals.policy.facts import extract
from signals.reconcile.flip.flips import flips, left_out
from tests.workbench.random_policies import random_policy

if TYPE_CHECKING:
    import pytest

NEAR = 1e-9


def found(world: World) -> tuple[Flip, ...]:
    return flips(world.policy, world.release, world.readings(), world.as_of)


def world_of(seed: int) -> tuple[World, random.Random]:
    rng = random.Random(seed)
    return random_world(random_policy(seed, entangled=seed % 2 == 0), rng), rng


def nothing_between(world: World, flip: Flip, others: tuple[Flip, ...], rng: random.Random) -> None:
    """No value between now and the boundary changes the call; where ``now`` is known and a number."""
    if flip.now is None or isinstance(flip.now, (bool, str)) or isinstance(flip.at, (bool, str)):
        return
    singles = [other.at for other in others if other.fact == flip.fact and other.direction == "is"]
    nearer = [other for other in others if other.fact == flip.fact and other.direction == flip.direction]
    nearest = min(abs(float(other.at) - float(flip.now)) for other in nearer)
    if abs(flip.at - flip.now) > nearest:
        return  # the check's own turning, told beside the nearest value
    base = world.quick()
    whole = flip.fact.partition(".")[2] in ("n", "full_weeks") or (
        (spec := BY_NAME.get(flip.fact.partition(".")[2])) is not None and spec.unit == "count"
    )
    for part in [rng.random() for _ in range(6)] + [1 - 1e-6, 1 - NEAR]:
        value = flip.now + (flip.at - flip.now) * part
        if whole:
            value = float(round(value))
            if value == flip.at:
                continue
        if abs(flip.at - value) <= 1e-13 or any(abs(value - float(one)) <= 1e-13 for one in singles):
            continue
        assert put(world, flip, value) == base, (flip, value)


def put(world: World, flip: Flip, value: Any) -> str:
    if flip.fact == "release.age":
        return world.quick(**{flip.fact: value})
    name, _, rest = flip.fact.partition(".")
    if rest in ("power", "mde"):
        return world.quick(**{flip.fact: value})
    changed = world.at(flip.fact, value)
    if rest == "min_items" and world.readings()[name].n == flip.now:  # both are the items that both arms have
        changed = changed.at(f"{name}.n", value)
    return changed.quick()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**9))
def test_every_flip_is_what_the_engine_says_and_nothing_lies_before_it(seed: int) -> None:
    every_flip_holds(*world_of(seed))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_every_flip_holds_where_both_arms_are_equal(seed: int) -> None:
    world, rng = world_of(seed) if seed % 3 else segments_of(seed)
    every_flip_holds(equal_arms(world), rng)


def every_flip_holds(world: World, rng: random.Random) -> None:
    base = world.quick()
    all_of_them = found(world)
    for flip in all_of_them:
        assert flip.to != base
        if flip.fact.endswith(".state"):
            continue
        assert put(world, flip, flip.past) == flip.to, flip
        if isinstance(flip.at, float) and not isinstance(flip.past, bool) and isinstance(flip.past, float):
            side = {"above": 1, "below": -1, "is": 0}[flip.direction]
            assert side * (flip.past - flip.at) >= 0
        nothing_between(world, flip, all_of_them, rng)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_no_flip_lies_where_no_data_could_bring_it(seed: int) -> None:
    world, _ = world_of(seed) if seed % 3 else segments_of(seed)
    world = as_shares(world)
    for flip in found(world):
        name, _, rest = flip.fact.partition(".")
        if isinstance(flip.at, (str, bool)) or rest.endswith(".state"):
            continue
        least, most = possible(world, name, rest, flip.now)
        for value in (flip.at, flip.past):
            assert least <= float(value) <= most, flip


def possible(world: World, name: str, rest: str, now: object) -> tuple[float, float]:
    """What a number can be, written down apart from the engine; where it is already is possible too."""
    if name == "release":
        return -86_400.0, float("inf")
    reading = world.readings()[name]
    if rest == "benefit":
        control = reading.estimates["raw"].control or 0.0
        ends = (-control, 1.0 - control) if reading.better == "higher" else (control - 1.0, control)
    elif rest.startswith(("benefit", "segments[")) and not rest.endswith(".share"):
        ends = (-1.2, 1.2)  # bounds of a segment move with its benefit
    elif rest in ("min_overlap", "min_effective_items"):
        ends = (0.0, float(reading.n))
    elif rest in ("human_agreement", "agreement", "self_consistency"):
        ends = (-1.0, 1.0)
    elif rest in ("ac2", "agreement_low"):
        ends = (float("-inf"), 1.0)
    elif rest.endswith(("_p", "p_value", "share", "power")) or BY_NAME.get(rest, BY_NAME["min_items"]).unit == "share":
        ends = (0.0, 1.0)
    else:
        ends = (0.0, float("inf"))
    here = float(now) if isinstance(now, (int, float)) else ends[0]
    return min(ends[0], here), max(ends[1], here)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_inside_is_said_of_every_number_that_has_an_interval(seed: int) -> None:
    world, _ = world_of(seed)
    told = found(world)
    assert [flip for flip in told if flip.inside] == list(told[: sum(flip.inside is True for flip in told)])
    assert [flip.far for flip in told] == sorted(flip.far for flip in told)
    for flip in told:
        name, _, rest = flip.fact.partition(".")
        if name == "release" or rest == "state":
            continue
        reading = world.readings()[name]
        if rest.startswith("benefit"):
            low, high = reading.benefit.low, reading.benefit.high
            assert not (rest == "benefit" and flip.far)
        elif rest in reading.checks:
            low, high = reading.checks[rest].low, reading.checks[rest].high
        elif rest.startswith("segments["):
            continue  # their intervals are in the test of segments
        else:
            low = high = None
        if low is None or high is None or flip.now is None:
            assert (flip.inside, flip.at_end) == (None, False), flip
        else:
            slack = 1e-9 * (high - low)
            assert flip.at_end == any(abs(float(flip.at) - end) <= slack for end in (low, high)), flip
            assert flip.inside == (low < float(flip.at) < high and not flip.at_end), flip


def reached(known: tuple[Flip, ...], fact: str, now: float, value: float) -> bool:
    """Whether a flip of this fact lies between now and the value."""
    slack = 1e-12 + NEAR * abs(value - now)
    for flip in known:
        if flip.fact == fact and isinstance(flip.at, bool):
            return True  # there is only one other value
        if flip.fact != fact or isinstance(flip.at, str):
            continue
        if flip.direction == "is" and abs(flip.at - value) <= slack:
            return True
        if flip.direction == ("above" if value > now else "below") and abs(flip.at - now) <= abs(value - now) + slack:
            return True
    return False


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_a_fact_that_is_not_named_cannot_change_the_call(seed: int) -> None:
    """Dense probes of every effect, segment and check: where the call differs, a flip lies before."""
    world, rng = world_of(seed)
    known, base, readings = found(world), world.quick(), world.readings()
    notes = left_out(world.policy, world.release, readings, world.as_of)
    assert not [note for note in notes if "does not follow" in note]  # all of these were made from their numbers
    silent = {note.partition(":")[0] for note in notes}
    for name, reading in readings.items():
        for key, now, value in probes(reading, rng, effect=name not in silent):
            if world.at(key, value).quick() != base:
                assert reached(known, key, now, value) or beyond_all_items(reading, key, now, value), (key, now, value)


def beyond_all_items(reading: Reading, key: str, now: float, value: float) -> bool:
    """No more items can be graded, or count as independent ones, than there are."""
    return key.endswith((".min_overlap", ".min_effective_items")) and value > max(now, reading.n)


def probes(reading: Reading, rng: random.Random, *, effect: bool) -> Iterator[tuple[str, float, float]]:
    """(fact, its value, another one) of everything that can be measured otherwise by itself."""
    if reading.state == "missing":
        return
    name = reading.signal
    if reading.state != "untrusted" and effect:
        now = reading.benefit.value
        assert now is not None
        for _ in range(12):
            yield f"{name}.benefit", now, now + rng.choice([rng.uniform(-0.3, 0.3), rng.gauss(0, 0.01)])
    for check in reading.checks.values():
        if check.value is not None and check.name not in ("max_age", "last_pull", "min_items"):
            for value in check_values(check.name, check.value, rng):
                yield f"{name}.{check.name}", check.value, value
    if reading.age is not None:
        for _ in range(6):
            yield f"{name}.age", reading.age, rng.uniform(0, 20 * 86_400.0)


def check_values(name: str, now: float, rng: random.Random) -> Iterator[float]:
    spec = BY_NAME[name]
    if spec.unit == "yes":
        yield 1.0 - now
        return
    for _ in range(6):
        if spec.unit == "count" or name == "full_weeks":
            yield float(rng.choice([0, 1, 2, 3, 4, 5, 6, rng.randint(0, 200), rng.randint(0, 6000)]))
        elif spec.unit in ("share", "p"):
            yield rng.choice([rng.random(), rng.random() * 0.05])
        else:
            yield rng.uniform(0.0, 1.0)


SEGMENTS = """\
schema: 1
name: segments
signals:
  e: {{kind: experiment, metric: {{name: m, type: proportion}}, better: {better}, margin: 1pp, segments: [plan]}}
hierarchy: [{{signal: e, win: ship, loss: hold, flat: ship, unclear: ship}}]
guardrails: [{{id: g, when: '{quantifier}(e.segments, {body})', call: rollback}}]
"""
BODIES = ["adjusted.high < -margin", "low > 0", "high < 0 or low > 2pp", "share >= 5% and adjusted.low < -2pp",
          "benefit > e.benefit", "not -high > -1pp", "shrunk.low > -margin and shrunk < 1pp"]  # fmt: skip


def segments_of(seed: int) -> tuple[World, random.Random]:
    """A guardrail over the segments of one signal."""
    rng = random.Random(seed)
    chosen = {"better": rng.choice(["higher", "lower"]), "quantifier": rng.choice(["any", "all"])}
    policy = parse_policy(SEGMENTS.format(body=rng.choice(BODIES), **chosen))
    return World(policy, {"e": random_numbers(policy.signals["e"], rng)}), rng


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**9))
def test_no_segment_flips_the_call_sooner_than_the_one_that_is_named(seed: int) -> None:
    world, rng = segments_of(seed)
    for flip in every_segment(found(world)):
        assert put(world, flip, flip.past) == flip.to
        nothing_between(world, flip, found(world), rng)
    known, base = found(world), world.quick()
    for name, reading in world.readings().items():
        if reading.state in ("missing", "untrusted"):
            continue
        told: dict[str, float] = {
            flip.direction: abs(float(flip.at) - float(flip.now)) / _error(world, flip)  # type: ignore[arg-type]  # numbers
            for flip in known
            if flip.fact.startswith(f"{name}.segments[") and not flip.fact.endswith(".share")
        }
        for segment in reading.segments:
            if segment.benefit.low is None or segment.benefit.value is None or segment.benefit.high is None:
                continue
            error = max((segment.benefit.high - segment.benefit.low) / 3.92, 1e-300)
            for _ in range(10):
                by = rng.choice([rng.gauss(0, 0.02), rng.uniform(-0.3, 0.3)])
                key = f"{name}.segments[{segment.name}].benefit"
                if world.at(key, segment.benefit.value + by).quick() == base:
                    continue
                direction = "above" if by > 0 else "below"
                assert told.get(direction, 1e301) <= abs(by) / error * (1 + NEAR) + 1e-9, (key, by)


def every_segment(known: tuple[Flip, ...]) -> list[Flip]:
    return [flip for flip in known if ".segments[" in flip.fact]


def _error(world: World, flip: Flip) -> float:
    name, _, rest = flip.fact.partition(".segments[")
    segment = next(one for one in world.readings()[name].segments if one.name == rest.partition("]")[0])
    low, high = segment.benefit.low, segment.benefit.high
    return max(((high or 0.0) - (low or 0.0)) / 3.92, 1e-300)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**9))
def test_a_signal_that_comes_in_as_told_makes_the_call_that_is_told(seed: int) -> None:
    world, rng = world_of(seed)
    for flip in found(world):
        name, _, rest = flip.fact.partition(".")
        if rest != "state":
            continue
        signal, reading = world.policy.signals[name], world.readings()[name]
        if "as its numbers stand" in flip.words:
            readings = {**world.readings(), name: replace(reading, state=flip.at)}  # type: ignore[arg-type]  # a state
            assert decided(world, readings) == flip.to
            continue
        for _ in range(60):
            numbers = random_numbers(signal, rng, state=str(flip.at))
            other = world.put(name, numbers)
            if reading.state == "missing" and other.readings()[name].state == flip.at:
                rules = world.policy.for_kind(world.release.kind)
                facts = extract(world.policy.signals, other.readings(), world.release, world.as_of)
                if all(rule.when.holds(facts) is False for rule in rules.guardrails if rule.id in flip.words):
                    assert other.call() == flip.to, (flip, other.readings()[name])


def decided(world: World, readings: Any) -> str:
    return decide(world.policy, world.release, readings, world.as_of, "sha256:none").call


def test_the_bundled_releases_flip_where_they_are_said_to(demo_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALS_STORE", demo_store)
    from signals.review import load, numbers_of, review

    project = load()
    rng = random.Random(5)
    told = 0
    for release in project.releases:
        result = review(release.id, project)
        numbers, moment = numbers_of(project, result.policy, release)
        world = World(result.policy, numbers, release, moment)
        assert world.call() == result.verdict.call
        known = found(world)
        assert known == flips(result.policy, release, result.verdict.readings, result.verdict.as_of)
        for flip in known:
            if not flip.fact.endswith(".state"):
                assert put(world, flip, flip.past) == flip.to, (release.id, flip)
                nothing_between(world, flip, known, rng)
                told += 1
        key = [(flip.fact, flip.direction) for flip in known if flip.direction != "is"]
        assert len(key) == len(set(key))
    assert told > 80
