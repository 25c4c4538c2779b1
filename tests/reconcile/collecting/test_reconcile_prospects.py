"""What is to be expected after more evidence, against collecting it many times."""

from __future__ import annotations

import random
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from signals.model import Numbers, SegmentEstimate
from signals.policy import decide, settle
from signals.policy.facts import extract
from signals.readings import read
from signals.reconcile.collecting.futures import error_of
from signals.reconcile.collecting.prospects import Prospects
from signals.reconcile.collecting.waiting import LABELS, label_of
from signals.workbench.simulation.design import scaled
from tests.reconcile.collecting.collect_kit import AS_OF, PEOPLE, RELEASE, REVENUE, SPEED, Z, case, mean, panel
from tests.reconcile.flip.flips_kit import random_numbers
from tests.workbench.random_policies import random_policy

ONE = """\
hierarchy:
  - {signal: revenue, win: ship, loss: rollback}
"""
ANSWERS = """\
hierarchy:
  - {signal: revenue, win: ship, loss: rollback, flat: hold}
  - {signal: people, win: ship, loss: rollback}
otherwise: ship
"""


def collected(
    effect: float, se: float, times: float, margin: float, futures: int = 40_000
) -> tuple[float, dict[str, float]]:
    """A truth is drawn, new data are drawn around it, both are pooled, and the policy of ``ONE`` is asked again."""
    rng = np.random.default_rng(7)
    truth = effect + se * rng.standard_normal(futures)
    new = se / np.sqrt(times - 1.0)
    after = se / np.sqrt(times)
    more = truth + new * rng.standard_normal(futures)
    pooled = (effect / se**2 + more / new**2) * after**2
    reach = Z * after
    win = 1.0 - ndtr((reach - pooled) / after)
    loss = ndtr((-reach - pooled) / after)
    # Flat: inside the margin and across zero.
    edge = max(0.0, min(reach, margin - reach))
    flat = ndtr((edge - pooled) / after) - ndtr((-edge - pooled) / after)
    shares = {"ship": win, "hold": flat, "rollback": loss, "open": 1.0 - win - loss - flat}
    return float(np.max([win, flat, loss], axis=0).mean()), {name: float(one.mean()) for name, one in shares.items()}


@pytest.mark.parametrize("effect", [0.0, -0.2, 0.35, 0.6, -0.9])
@pytest.mark.parametrize("times", [1.5, 3.0, 12.0, 100.0])
def test_the_expected_stability_is_that_of_collecting_many_times(effect: float, times: float) -> None:
    one = case(REVENUE, ONE, mean("revenue", effect, 0.3))
    prospects = Prospects(one.given)
    found = prospects.after({"revenue": scaled(one.given.designs["revenue"], times)})
    wanted, shares = collected(effect, 0.3, times, margin=0.5)
    assert found.stability == pytest.approx(wanted, abs=0.02)
    assert dict(found.shares) == pytest.approx(shares, abs=0.02)
    assert sum(found.shares.values()) == pytest.approx(1.0, abs=1e-9)


def nested(prospects: Prospects, name: str, times: float, futures: int) -> float:
    """The resampling itself, around every place where the estimate may come to lie."""
    design = scaled(prospects.given.designs[name], times)
    centre = prospects.given.centre[name].value
    near, far = error_of(design, centre), error_of(prospects.given.designs[name], centre)
    places = [NormalDist().inv_cdf((place + 0.5) / futures) for place in range(futures)]
    found = []
    for place in places:
        moved = centre + place * (far**2 - near**2) ** 0.5
        calls = prospects.given.calls(centre={name: moved}, designs={name: design}, draws=1500)
        found.append(max(calls.values()))
    return sum(found) / futures


@pytest.mark.parametrize("name, times", [("revenue", 4.0), ("people", 3.0), ("people", 10.0)])
def test_the_expected_stability_is_that_of_the_resampling_around_every_future(name: str, times: float) -> None:
    """Two signals, and a panel whose own spread is drawn too; no hold of this policy waits, so calls are labels."""
    one = case(REVENUE + PEOPLE, ANSWERS, mean("revenue", 0.4, 0.3), panel("people", 0.08, (0.3, 0.002, 0.4), 60, 6))
    prospects = Prospects(one.given)
    found = prospects.after({name: scaled(one.given.designs[name], times)}).stability
    assert found == pytest.approx(nested(prospects, name, times, 60), abs=0.02)


@settings(max_examples=15, deadline=None)
@given(st.floats(2.2, 6.0), st.booleans(), st.lists(st.floats(1.1, 80.0), min_size=2, max_size=2))
def test_more_data_never_lowers_the_expected_stability_of_a_decided_truth(
    z: float, win: bool, pair: list[float]
) -> None:
    one = case(REVENUE, ONE, mean("revenue", (z if win else -z) * 0.2, 0.2))
    prospects = Prospects(one.given)
    less, more = sorted(pair)
    found = [
        prospects.after({"revenue": scaled(one.given.designs["revenue"], times)}).stability for times in (less, more)
    ]
    assert found[0] >= prospects.now.stability - 0.02
    assert found[1] >= found[0] - 0.02


def test_the_same_question_has_the_same_answer() -> None:
    one = case(REVENUE, ONE, mean("revenue", 0.4, 0.3))
    design = scaled(one.given.designs["revenue"], 5.0)
    first, again = Prospects(one.given), Prospects(one.given)
    again.after({"revenue": scaled(design, 2.0)})  # what was asked before changes nothing
    assert first.after({"revenue": design}) == again.after({"revenue": design})
    assert Prospects(one.given, seed=5).after({"revenue": design}) != first.after({"revenue": design})


def test_no_more_evidence_is_today() -> None:
    one = case(REVENUE, ONE, mean("revenue", 0.4, 0.3))
    prospects = Prospects(one.given)
    assert prospects.after({"revenue": one.given.designs["revenue"]}) == prospects.now
    calls = one.given.calls(draws=prospects.setting.draws)
    assert prospects.now.shares["ship"] == pytest.approx(calls["ship"], abs=1e-9)
    assert prospects.now.shares["hold"] + prospects.now.shares["open"] == pytest.approx(calls["hold"], abs=1e-9)


def test_the_decisive_signal_is_the_one_whose_effect_the_call_follows() -> None:
    rules = "hierarchy:\n  - {signal: revenue, win: next, loss: hold}\n  - {signal: speed, win: ship, loss: rollback}\n"
    one = case(REVENUE + SPEED, rules, mean("revenue", 3.0, 0.3), mean("speed", 0.05, 0.3))
    prospects = Prospects(one.given)
    assert prospects.decisive({name: scaled(design, 100.0) for name, design in one.given.designs.items()}) == "speed"
    assert prospects.decisive({}) is None


def test_a_hold_that_does_not_wait_is_one_that_the_ways_out_promise_nothing_for() -> None:
    """Over random policies and releases: no amount of evidence is named for a settled hold, and waiting ones exist."""
    seen = dict.fromkeys(LABELS, 0)
    for seed in range(120):
        policy = random_policy(seed)
        rng = random.Random(seed)
        numbers = {name: random_numbers(one, rng) for name, one in policy.signals.items() if rng.random() > 0.1}
        readings = {name: read(one, numbers.get(name), AS_OF) for name, one in policy.signals.items()}
        facts = extract(policy.signals, readings, RELEASE, AS_OF)
        outcome = settle(policy.for_kind("prompt"), facts)
        label = label_of(policy.for_kind("prompt"), outcome, facts, policy.signals)
        seen[label] += 1
        assert (label == "open") <= (outcome.call == "hold")
        # Of two requirements that fail, the ways out tell both; one that fails for good is enough to hold.
        if label == "hold" and sum(holds is not True for holds in outcome.ship_requires) <= 1:
            needs = decide(policy, RELEASE, readings, AS_OF, "sha256:none").needs
            assert not [need for need in needs if need.amount is not None], policy.text
    assert min(seen["hold"], seen["open"]) >= 10, seen


PARTED = REVENUE.rstrip() + "\n    segments: [plan]\n"
GUARDED = ONE + "guardrails:\n  - {id: plans, when: 'any(revenue.segments, adjusted.high < 0)', call: rollback}\n"


def parted(free: float, pro: float, se: float) -> Numbers:
    """Two plans of equal size, each with an error of ``se``; the whole is their mean."""
    parts = [segment("plan=free", free, se), segment("plan=pro", pro, se)]
    return replace(mean("revenue", (free + pro) / 2.0, se / 2.0**0.5), segments=tuple(parts))


def segment(name: str, effect: float, se: float) -> SegmentEstimate:
    reach, far = Z * se, NormalDist().inv_cdf(1.0 - 0.0125) * se
    return SegmentEstimate(
        name, 0.5, 10_000, 10_000, effect, effect - reach, effect + reach, effect - far, effect + far, control=10.0,
    )  # fmt: skip


@pytest.mark.parametrize("free, times", [(-0.35, 6.0), (-0.1, 12.0), (-0.6, 3.0)])
def test_segments_have_futures_of_their_own(free: float, times: float) -> None:
    """A guardrail on a plan: data are collected for each plan, pooled, and the policy asked by hand."""
    one = case(PARTED, GUARDED, parted(free, 1.2, 0.3))
    found = Prospects(one.given).after({"revenue": scaled(one.given.designs["revenue"], times)})
    rng = np.random.default_rng(3)
    near = 0.3 / times**0.5
    moved = (0.3**2 - near**2) ** 0.5 * rng.standard_normal((2, 10_000, 1)) + np.array([free, 1.2])[:, None, None]
    plans = moved + near * rng.standard_normal((2, 10_000, 100))
    whole, far = plans.mean(axis=0), NormalDist().inv_cdf(1.0 - 0.0125) * near
    rollback = (plans + far < 0.0).any(axis=0) | (whole + Z * near / 2.0**0.5 < 0.0)
    ship = ~rollback & (whole - Z * near / 2.0**0.5 > 0.0)
    shares = np.stack([ship.mean(axis=1), rollback.mean(axis=1)])
    assert found.stability == pytest.approx(float(shares.max(axis=0).mean()), abs=0.02)
    assert found.shares["rollback"] == pytest.approx(float(rollback.mean()), abs=0.02)
