"""Drawn without noise, every signal is its own reading, however its interval was made."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.cells.experiment import quantile_cell
from signals.model import (
    Estimate,
    Evidence,
    FeedbackCell,
    ItemScore,
    Numbers,
    Preference,
    Rating,
    SegmentEstimate,
    SignalsError,
)
from signals.policy import Policy, parse_policy, settle
from signals.policy.facts import Value
from signals.readings import measure
from signals.reconcile.draws import Redraw, Resampling, resampling
from signals.reconcile.redrawn import ONE, Still
from signals.stats.moments import from_arrays
from signals.workbench.simulation.outcomes import Setting
from signals.workbench.simulation.truth import Truth
from tests.workbench.random_policies import random_policy
from tests.workbench.simulation.simulate_kit import AS_OF, RELEASE, drawn, numbers_of, random_designs
from tests.workbench.simulation.test_simulate_design import cells

ROUGH = "p_value"
"""The fact of which a draw has an approximation of its own; conditions that it would answer otherwise hold it."""


def undisturbed(given: Resampling) -> dict[str, Value]:
    """Every fact of a draw without noise, not only those that the rules ask for."""
    run = Redraw(given, given.designs, Setting(given.release.kind, 1))
    return run.table(given.centre, Still(), {}, ONE).row(0)


def alike(ours: Any, theirs: Any, *, rel: float = 1e-7, abs_: float = 1e-10) -> bool:
    if isinstance(theirs, tuple):
        return len(ours) == len(theirs) and all(alike(dict(a), dict(b)) for a, b in zip(ours, theirs, strict=True))
    if isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(alike(ours[key], theirs[key]) for key in theirs)
    if isinstance(theirs, (bool, str)):
        return type(ours) is type(theirs) and ours == theirs
    return bool(ours == pytest.approx(theirs, rel=rel, abs=abs_))


def comes_back(given: Resampling) -> None:
    """All facts, bounds and segments too; p-values nearly."""
    found = undisturbed(given)
    assert found.keys() == given.facts.keys()
    for key, value in given.facts.items():
        if key.endswith(".p_value") and given.designs[key.removesuffix(".p_value")].rule == "planned":
            assert (found[key] < 0.05) == (value < 0.05), key  # type: ignore[operator]  # past looks are not kept
        elif key.endswith(f".{ROUGH}"):
            assert alike(found[key], value, rel=0.1, abs_=0.03), key
        else:
            assert alike(found[key], value), (key, found[key], value)
    assert settle(given.rules, found).call == settle(given.rules, given.facts).call


@pytest.fixture(scope="module")
def bundled(root: Path, demo_store: str) -> dict[str, Resampling]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNALS_STORE", demo_store)
        from signals.review import load, numbers_of, policy_of

        project = load(root)
        policy = policy_of(project)
        return {one.id: resampling(policy, one, *numbers_of(project, policy, one)) for one in project.releases}


def test_bundled_releases_come_back(bundled: dict[str, Resampling]) -> None:
    assert len(bundled) >= 10
    for given in bundled.values():
        assert set(given.designs) == set(given.policy.signals)
        assert not given.as_read
        assert not given.held
        comes_back(given)


# --- every sort of interval -----------------------------------------------------------------------------------------


def one_signal(text: str) -> Policy:
    return parse_policy(
        f"schema: 1\nname: p\nsignals:\n  s: {text}\nhierarchy: [{{signal: s, win: ship, loss: rollback}}]\n"
    )


def of(policy: Policy, evidence: Evidence, family: int = 1) -> Resampling:
    numbers = measure(policy.signals["s"], replace(evidence, family=family))
    return resampling(policy, RELEASE, {"s": numbers}, AS_OF, family=family)


@pytest.mark.parametrize("looks", ["fixed", "continuous", "[2026-11-08, 2026-11-12, 2026-11-24]"])
@pytest.mark.parametrize("kind", ["proportion", "mean", "cuped", "ratio", "clusters"])
def test_experiments_come_back(kind: str, looks: str) -> None:
    metric = {"cuped": "mean", "clusters": "mean"}.get(kind, kind)
    policy = one_signal(
        f"{{kind: experiment, metric: {{name: m, type: {metric}}}, better: lower, margin: 3%, looks: {looks}, "
        "planned_units: 9000, segments: [plan]}"
    )
    for family in (1, 3):
        given = of(policy, cells(kind, np.random.default_rng(4)), family)
        if kind == "clusters" and looks.startswith("["):
            assert given.as_read["s"].startswith("no interval: ")
        else:
            comes_back(given)


@pytest.mark.parametrize("better", ["higher", "lower"])
@pytest.mark.parametrize("looks", ["fixed", "continuous"])
def test_quantiles_come_back_to_each_side(looks: str, better: str) -> None:
    """Order statistics lie farther out on one side."""
    policy = one_signal(
        f"{{kind: experiment, metric: {{name: m, type: quantile, quantile: 0.9}}, better: {better}, margin: 3%, "
        f"looks: {looks}, segments: [plan]}}"
    )
    rng = np.random.default_rng(2)
    found = []
    for variant, lift in (("old", 0.0), ("new", 0.08)):
        some = {plan: rng.exponential(1.0 + lift, 4000) for plan in "ab"}
        found.append(quantile_cell(variant, np.concatenate(list(some.values())), 0.9))
        found += [replace(quantile_cell(variant, one, 0.9), segment=(("plan", plan),)) for plan, one in some.items()]
    given = of(policy, Evidence(RELEASE, quantiles=tuple(replace(one, metric="m") for one in found)))
    below, above = given.shapes["s"].sides
    assert abs(below / above - 1.0) > 1e-3
    comes_back(given)


@pytest.mark.parametrize("kind", ["scores", "passes", "people", "grades", "holes", "choices"])
def test_judges_panels_and_thumbs_come_back(kind: str) -> None:
    rng = np.random.default_rng(8)
    fields: dict[str, Any] = {}
    if kind in ("scores", "passes"):
        policy = one_signal("{kind: judge, better: lower, margin: 2pp, segments: [plan]}")
        scores = []
        for item in range(150):
            level = rng.random()
            for variant in ("old", "new"):
                value = float(rng.random() < 0.9) if kind == "passes" else level + float(rng.normal(0, 0.1))
                segment = (("plan", "abc"[item % 3]),)
                scores.append(
                    ItemScore(f"{item}{variant}", f"i{item}", variant, "g", value, fingerprint="j", segment=segment)
                )
        fields = {"scores": tuple(scores)}
    elif kind == "people":
        policy = one_signal("{kind: feedback, better: higher, margin: 2pp, segments: [plan]}")
        thumbs = []
        for variant in ("old", "new"):
            for plan in "ab":
                many = rng.poisson(1.5, 500) + 1.0
                up = rng.binomial(many.astype(int), 0.8).astype(float)
                moments = from_arrays(up, x=many * 9, d=many)
                thumbs.append(FeedbackCell(variant, (("plan", plan),), date(2026, 11, 9), 9999, True, moments))
        fields = {"feedback": tuple(thumbs)}
    else:
        policy = one_signal("{kind: panel, better: higher, margin: 0.1, segments: [plan]}")
        lean = rng.normal(0.1, 0.2, 6)
        asked = [(i, r) for i in range(60) for r in range(6) if kind != "holes" or rng.random() < 0.4]
        plan = {i: (("plan", "abc"[i % 3]),) for i in range(60)}
        if kind == "choices":
            fields = {"preferences": tuple(
                Preference(f"{i}{r}", f"i{i}", f"r{r}", "old", "new", pick, segment=plan[i])
                for i, r in asked for pick in ["right" if rng.random() < 0.8 + lean[r] / 4 else "left"]
            )}  # fmt: skip
        else:
            fields = {"ratings": tuple(
                Rating(f"{i}{r}{v}", f"i{i}", f"r{r}", v, float(3 + (v == "new") * (lean[r] + rng.normal(0, 0.5))),
                       segment=plan[i])
                for i, r in asked for v in ("old", "new")
            )}  # fmt: skip
    comes_back(of(policy, Evidence(RELEASE, **fields)))


# --- random policies ------------------------------------------------------------------------------------------------


def lopsided(numbers: Numbers, rng: random.Random) -> Numbers:
    """The same with intervals that reach farther to one side, as no law of the simulation makes them."""

    def pushed(effect: float | None, low: float | None, high: float | None) -> tuple[float | None, float | None]:
        if effect is None or low is None or high is None:
            return low, high
        return effect - rng.uniform(0.6, 1.4) * (effect - low), effect + rng.uniform(0.6, 1.4) * (high - effect)

    def segment(one: SegmentEstimate) -> SegmentEstimate:
        near, far = pushed(one.effect, one.low, one.high), pushed(one.effect, one.adjusted_low, one.adjusted_high)
        return replace(one, low=near[0], high=near[1], adjusted_low=far[0], adjusted_high=far[1])

    def estimate(one: Estimate) -> Estimate:
        low, high = pushed(one.effect, one.low, one.high)
        return replace(one, low=low, high=high)

    return replace(
        numbers,
        estimates={name: estimate(one) for name, one in numbers.estimates.items()},
        segments=tuple(segment(one) for one in numbers.segments),
    )


def random_numbers(seed: int, policy: Policy) -> dict[str, Numbers]:
    """Numbers of a release under a random policy: anything that can happen."""
    rng = random.Random(seed)
    found = {}
    for name, design in random_designs(policy, rng).items():
        size = rng.choice([0.0, -4.0, 4.0, 0.5]) * (design.se or 0.0)
        if design.law == "proportion":
            size = min(max(size, 0.01 - (design.control or 0.0)), 0.99 - (design.control or 0.0))
        numbers = numbers_of(drawn(policy.signals[name], design, size, 1), 0)
        numbers = lopsided(numbers, rng) if rng.random() < 0.5 else numbers
        known = (replace(one, se=rng.choice([None, 0.05, 0.4])) for one in numbers.measures)
        found[name] = replace(numbers, measures=tuple(known))
    return found


@pytest.mark.parametrize("part", range(3))
def test_any_policy_makes_its_own_call_of_the_undisturbed_draw(part: int) -> None:
    """States, and the answers of all conditions: whatever the policy asks and however the evidence is spoiled."""
    for seed in range(40 * part, 40 * part + 40):
        policy = random_policy(seed, entangled=True)
        given = resampling(policy, RELEASE, random_numbers(seed, policy), AS_OF)
        found = given.undisturbed()
        for name in policy.signals:
            key = f"{name}.state"
            assert found.get(key, given.facts[key]) == given.facts[key], (seed, name)
        assert settle(given.rules, found) == settle(given.rules, given.facts), seed
        assert sum(given.calls(draws=200).values()) == pytest.approx(1.0)
        assert not given.held, seed  # the way out for what a draw cannot reproduce is for stored numbers that disagree
        assert not any("reproduce" in why for why in given.as_read.values()), seed


# --- what may be asked ----------------------------------------------------------------------------------------------


def test_another_centre_moves_the_segments_with_the_whole(bundled: dict[str, Resampling]) -> None:
    given = bundled["tuesday-small"]
    seen = given.centre["conversion"]
    moved = Truth(0.02, tuple(one + 0.02 - seen.value for one in seen.segments))
    assert given.calls(centre={"conversion": 0.02}) == given.calls(centre={"conversion": moved})
    assert given.calls(centre={"conversion": seen.value}) == given.calls()
    assert given.calls(centre={"conversion": 0.02})["rollback"] < 0.001


def test_what_is_not_drawn_cannot_be_moved(bundled: dict[str, Resampling]) -> None:
    given = bundled["all-agree"]
    rest = {name: one for name, one in given.numbers.items() if name != "panel"}
    without = resampling(given.policy, given.release, rest, given.as_of)
    assert without.as_read == {"panel": "missing"}
    assert without.calls() == {"ship": 0.0, "hold": 1.0, "rollback": 0.0}  # no panel, no ship
    with pytest.raises(SignalsError, match="panel is not drawn: missing"):
        without.calls(centre={"panel": 0.3})
    with pytest.raises(SignalsError, match="no signal of this policy"):
        without.calls(centre={"nobody": 0.3})
    # With a design and a centre it is drawn.
    later = without.calls(designs={"panel": given.designs["panel"]}, centre={"panel": given.centre["panel"].value})
    assert later["ship"] == pytest.approx(given.calls()["ship"], abs=0.01)
    with pytest.raises(SignalsError, match="Give it a centre"):
        without.calls(designs={"panel": given.designs["panel"]})
    with pytest.raises(SignalsError, match="0 draws"):
        given.calls(draws=0)
    with pytest.raises(SignalsError, match="Give each an effect"):
        given.calls(centre={"conversion": Truth(0.0, ())})


def test_correlations_that_contradict_each_other_are_brought_together(bundled: dict[str, Resampling]) -> None:
    given = bundled["all-agree"]
    names = ("conversion", "panel", "judge")
    asked = {frozenset(pair): -0.9 for pair in ((names[0], names[1]), (names[1], names[2]), (names[0], names[2]))}
    found = resampling(given.policy, given.release, given.numbers, given.as_of, correlations=asked).correlations
    assert {round(value, 9) for value in found.values()} == {-0.5}  # three cannot be further apart
    kept = {frozenset(("judge", "panel")): 0.4, frozenset(("judge", "nobody")): 0.5}
    found = resampling(given.policy, given.release, given.numbers, given.as_of, correlations=kept).correlations
    assert found == {frozenset(("judge", "panel")): 0.4}
