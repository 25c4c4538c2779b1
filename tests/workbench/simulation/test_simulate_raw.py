"""The bar: simulated chances agree with raw data drawn many times and read, measured and decided by the product itself.

The world is that of the bundled Tuesday standup: 50,184 v 49,921 users at 30 %, three plans and three locales, 72 items
by 4 raters, 117 golden items, 24,000 thumbs per arm.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from signals.model import (
    Evidence,
    FeedbackCell,
    ItemScore,
    Moments,
    Numbers,
    OutcomeCell,
    Rating,
    Reading,
    Release,
    SourceNote,
)
from signals.policy import Policy, decide, load_policy
from signals.readings import measure, read
from signals.workbench.simulation.outcomes import Point, Setting
from signals.workbench.simulation.release_design import designs_of
from signals.workbench.simulation.simulate import simulate
from signals.workbench.simulation.truth import Effect

RELEASE = Release("r", "prompt", "old", "new", date(2026, 11, 3))
AS_OF = datetime(2026, 11, 17, 9, tzinfo=UTC)
SOURCE = (SourceNote("s", "table", AS_OF, "x", own_rows=100),)
USERS = (50_184, 49_921)
PLANS = {"enterprise": 0.10, "free": 0.62, "pro": 0.28}
LOCALES = {"de": 0.28, "en": 0.50, "fr": 0.22}
LEVEL = {"free": 0.83, "pro": 1.2, "enterprise": 1.48}
CELLS = [(plan, locale) for plan in PLANS for locale in LOCALES]
SHARES = np.array([PLANS[plan] * LOCALES[locale] for plan, locale in CELLS])
BASE = {plan: 0.3 * level / sum(PLANS[p] * LEVEL[p] for p in PLANS) for plan, level in LEVEL.items()}
DAYS = (date(2026, 11, 3), date(2026, 11, 16))  # the ends of two whole weeks
ITEMS, RATERS, SPREAD = 72, 4, 0.431
GOLDEN, JUDGED = 117, 0.0737
THUMBS, LIKED, SHOWN = (24_190, 24_131), 0.81, (402_310, 400_874)

Rng = np.random.Generator
Rates = Mapping[str, float]
NONE: Rates = dict.fromkeys(PLANS, 0.0)


def ones(count: int, n: int) -> Moments:
    return Moments(n, count / n, count * (n - count) / n)


def users(sizes: np.ndarray, converted: Callable[[int, float], int], lifts: Rates, arm: int) -> list[OutcomeCell]:
    """Cells of one arm: plan x locale x day. ``lifts``: the candidate's rate less the control's, by plan."""
    found = []
    for place, (plan, locale) in enumerate(CELLS):
        rate = BASE[plan] + (lifts[plan] if arm else 0.0)
        for day, n in zip(DAYS, sizes[place], strict=True):
            segment = (("locale", locale), ("plan", plan))
            found.append(OutcomeCell("", RELEASE.arms[arm], segment, day, ones(converted(int(n), rate), int(n))))
    return found


def conversion(rng: Rng, lifts: Rates) -> Evidence:
    cells = []
    for arm, total in enumerate(USERS):
        sizes = rng.multinomial(total, np.outer(SHARES, [0.5, 0.5]).ravel()).reshape(len(CELLS), 2)
        cells += users(sizes, lambda n, p: int(rng.binomial(n, p)), lifts, arm)
    return Evidence(RELEASE, outcomes=tuple(cells), sources=SOURCE)


def panel(rng: Rng, _lifts: Rates) -> Evidence:
    grades = []
    quality = rng.normal(3.2, 1.0, (ITEMS, 1)) + rng.normal(0.0, 0.1, (ITEMS, RATERS))
    better = quality + rng.normal(0.0, SPREAD, (ITEMS, RATERS))
    for item in range(ITEMS):
        at = AS_OF - timedelta(days=2, minutes=item)
        for rater in range(RATERS):
            for variant, table in zip(RELEASE.arms, (quality, better), strict=True):
                name = f"{item}-{rater}-{variant}"
                grades.append(Rating(name, f"i{item}", f"r{rater}", variant, float(table[item, rater]), at=at))
    return Evidence(RELEASE, ratings=tuple(grades), sources=SOURCE)


def judge(rng: Rng, _lifts: Rates) -> Evidence:
    scores, people = [], []
    level = rng.normal(0.63, 0.2, GOLDEN)
    table = np.stack([level, level + rng.normal(0.0, JUDGED, GOLDEN)])
    human = 1.0 + 4.0 * table + rng.normal(0.0, 0.3, table.shape)
    at = AS_OF - timedelta(days=1)
    for item in range(GOLDEN):
        for arm, variant in enumerate(RELEASE.arms):
            name = f"{item}-{variant}"
            scores.append(ItemScore(name, f"g{item}", variant, "g", float(table[arm, item]), fingerprint="j", at=at))
            if item < ITEMS:
                people.append(Rating(name, f"g{item}", "r0", variant, float(human[arm, item]), at=at))
    return Evidence(RELEASE, scores=tuple(scores), human=tuple(people), sources=SOURCE)


def thumbs(rng: Rng, _lifts: Rates) -> Evidence:
    cells = []
    for arm, variant in enumerate(RELEASE.arms):
        n = THUMBS[arm]
        up = int(rng.binomial(n, LIKED))
        moments = Moments(n, up / n, up * (n - up) / n, d_mean=1.0, d_m2=0.0, yd=0.0)
        cells.append(FeedbackCell(variant, (), DAYS[1], SHOWN[arm], False, moments))
    return Evidence(RELEASE, feedback=tuple(cells), sources=SOURCE)


DRAW: dict[str, Callable[[Rng, Rates], Evidence]] = {
    "conversion": conversion, "panel": panel, "judge": judge, "thumbs": thumbs,
}  # fmt: skip


def numbers(policy: Policy, name: str, rng: Rng, lifts: Rates = NONE) -> Numbers:
    return measure(policy.signals[name], DRAW[name](rng, lifts))


def reading(policy: Policy, name: str, found: Numbers) -> Reading:
    return read(policy.signals[name], found, AS_OF)


@cache
def expected(policy_path: Path) -> dict[str, Numbers]:
    """Numbers of a release that turned out exactly as the world is: its precision, and no luck."""
    policy = load_policy(policy_path)
    rng = np.random.default_rng(1)
    cells = []
    for arm, total in enumerate(USERS):
        sizes = np.outer(SHARES, [total / 2, total / 2]).round().astype(int)
        cells += users(sizes, lambda n, p: round(n * p), NONE, arm)
    found = {name: numbers(policy, name, rng) for name in ("panel", "judge", "thumbs")}
    found["conversion"] = measure(
        policy.signals["conversion"], Evidence(RELEASE, outcomes=tuple(cells), sources=SOURCE)
    )
    return found


def simulated(policy: Policy, path: Path, truth: Effect, draws: int = 100_000) -> Point:
    """The point that raw data are held against: designs of the world, not of one draw from it."""
    from dataclasses import replace

    from signals.workbench.simulation.design import Crossed

    designs = designs_of(policy, expected(path), AS_OF)
    components = Crossed(0.0, 0.0, SPREAD**2, RATERS)
    designs["panel"] = replace(designs["panel"], panel=components, se=math.sqrt(components.squared(ITEMS)))
    designs["judge"] = replace(designs["judge"], se=JUDGED / math.sqrt(GOLDEN))
    designs["thumbs"] = replace(designs["thumbs"], control=LIKED)
    return simulate(policy, designs, {"conversion": truth}, Setting(draws=draws))


def agree(seen: Mapping[str, int], wanted: Mapping[str, float], draws: int) -> None:
    """Four standard errors of both simulations together; a chance that is all but none is given five cases' room."""
    runs = sum(seen.values())
    for name, chance in wanted.items():
        spread = max(chance * (1.0 - chance), 5.0 / runs)
        error = math.sqrt(spread * (1.0 / runs + 1.0 / draws))
        assert abs(seen.get(name, 0) / runs - chance) < 4.0 * error, (name, seen, dict(wanted))


@pytest.mark.slow
def test_the_tuesday_standup_rolls_back_as_often_as_raw_data_say(root: Path) -> None:
    """Nothing but raw data: every run draws all four signals, measures, reads and decides."""
    path = root / "hierarchy.yaml"
    policy = load_policy(path)
    rng = np.random.default_rng(20_261_117)
    lifts = {plan: -0.02 * rate for plan, rate in BASE.items()}
    calls: Counter[str] = Counter()
    states: dict[str, Counter[str]] = {name: Counter() for name in DRAW}
    for _ in range(300):
        readings = {name: reading(policy, name, numbers(policy, name, rng, lifts)) for name in DRAW}
        calls[decide(policy, RELEASE, readings, AS_OF, "").call] += 1
        for name, one in readings.items():
            states[name][one.state] += 1
    point = simulated(policy, path, Effect(-0.02, "%"))
    agree(calls, point.calls, point.draws)
    for name, seen in states.items():
        agree(seen, point.states[name], point.draws)
    assert 0.10 < point.calls["rollback"] < 0.22


@pytest.mark.slow
@pytest.mark.parametrize("share, runs", [(-0.02, 1400), (0.0, 500), (0.02, 700)])
def test_many_raw_experiments_come_to_the_same_calls(root: Path, share: float, runs: int) -> None:
    """Users are drawn raw in every run; what the other signals read is drawn from a pool of raw readings."""
    path = root / "hierarchy.yaml"
    policy = load_policy(path)
    rng = np.random.default_rng([7, runs])
    pool = {
        name: [reading(policy, name, found) for found in pooled(path, name)] for name in ("panel", "judge", "thumbs")
    }
    lifts = {plan: share * rate for plan, rate in BASE.items()}
    calls: Counter[str] = Counter()
    states: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    for _ in range(runs):
        readings = {name: some[int(rng.integers(len(some)))] for name, some in pool.items()}
        readings["conversion"] = reading(policy, "conversion", numbers(policy, "conversion", rng, lifts))
        verdict = decide(policy, RELEASE, readings, AS_OF, "")
        calls[verdict.call] += 1
        rules[f"{verdict.call} {verdict.rule}"] += 1
        states[readings["conversion"].state] += 1
    point = simulated(policy, path, Effect(share, "%"))
    agree(states, point.states["conversion"], point.draws)
    # A pool of 150 adds its own error: as if there were fewer runs.
    worth = round(1.0 / (1.0 / runs + 1.0 / POOL)) / runs
    agree({call: round(count * worth) for call, count in calls.items()}, point.calls, point.draws)
    decided: Counter[str] = Counter()
    for one in point.deciders:
        decided[f"{one.call} {one.rule}"] += one.chance  # type: ignore[assignment]  # chances
    agree({rule: round(count * worth) for rule, count in rules.items()}, decided, point.draws)


POOL = 150


@cache
def pooled(path: Path, name: str) -> list[Numbers]:
    policy = load_policy(path)
    rng = np.random.default_rng([3, *name.encode()])
    return [numbers(policy, name, rng) for _ in range(POOL)]


@pytest.mark.slow
def test_a_segment_that_loses_sets_off_the_guardrail_as_often_as_raw_data_say(root: Path) -> None:
    """The average stays; enterprise loses 5 pp and the others make up for it."""
    path = root / "hierarchy.yaml"
    policy = load_policy(path)
    rng = np.random.default_rng(5)
    loss = -0.05
    gain = -loss * PLANS["enterprise"] / (1.0 - PLANS["enterprise"])
    lifts = {plan: loss if plan == "enterprise" else gain for plan in PLANS}
    holds: Counter[str] = Counter()
    states: Counter[str] = Counter()
    condition = policy.guardrails[0].when
    for _ in range(700):
        one = reading(policy, "conversion", numbers(policy, "conversion", rng, lifts))
        verdict = decide(policy, RELEASE, {"conversion": one}, AS_OF, "")
        holds[str(verdict.guardrails[0].holds)] += 1
        states[one.state] += 1
    designs = {"conversion": designs_of(policy, expected(path), AS_OF)["conversion"]}
    truth = Effect(0.0, "", {"plan=enterprise": Effect(loss)})
    point = simulate(policy, designs, {"conversion": truth})
    fires = sum(one.chance for one in point.deciders if one.by == policy.guardrails[0].id)
    assert condition.facts[0] == "conversion.segments"
    agree(states, point.states["conversion"], point.draws)
    agree({"True": holds["True"], "not": 700 - holds["True"]}, {"True": fires, "not": 1.0 - fires}, point.draws)
    assert 0.2 < fires < 0.95
