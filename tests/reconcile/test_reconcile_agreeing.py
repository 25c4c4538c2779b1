"""Agreement is drawn around what was measured: what hangs on its threshold follows, and nothing else changes."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.model import Measure, Numbers
from signals.reconcile.agreeing import agreement_errors, drawn_agreement
from signals.reconcile.collecting.futures import carried
from signals.reconcile.collecting.prospects import DRAWS, Prospects
from signals.reconcile.draws import Redraw, Resampling
from signals.reconcile.redrawn import ONE
from signals.reconcile.stability import stability
from signals.workbench.simulation.design import Design, scaled
from signals.workbench.simulation.noise import Noise, Streams
from signals.workbench.simulation.outcomes import SEED, Setting
from tests.reconcile.collecting.collect_kit import JUDGE, PEOPLE, Case, case, judge, panel

ASKED = "hierarchy: [{signal: judge, when: judge.human_agreement >= 0.5, win: ship, loss: rollback}]\n"
AT = 0.56
SE = 0.08
PASSES = NormalDist().cdf((math.atanh(AT) - math.atanh(0.5)) / (SE / (1.0 - AT**2)))
"""By Fisher's z: how often agreement of 0.56 +/- 0.08 is at least 0.5."""


def with_se(numbers: Numbers, **errors: float | None) -> Numbers:
    """The same with standard errors of these checks."""
    known = (replace(one, se=errors.get(one.name, one.se)) for one in numbers.measures)
    return replace(numbers, measures=tuple(known))


def winning(rules: str = ASKED, signals: str = JUDGE, value: float = AT, se: float | None = SE) -> Case:
    """A judge that wins in every draw."""
    numbers = judge("judge", 0.2, 0.01, 200, human_agreement=value, min_overlap=100.0)
    return case(signals, rules, with_se(numbers, human_agreement=se))


def facts(made: Resampling, *names: str, draws: int = 20_000) -> list[np.ndarray]:
    """Of all draws."""
    run = Redraw(made, made.designs, Setting("prompt", draws))
    noise = Noise(Streams(SEED), draws, ONE.shares, tuple(run.designs), run.mix)
    table = run.table(made.centre, noise, {}, ONE)
    columns = [table.column(name) for name in names]
    return [np.broadcast_to(one.values, (draws,)) for one in columns if one is not None]  # type: ignore[arg-type]


# --- one number -----------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(
    value=st.floats(-0.99, 0.99), error=st.floats(0.001, 2.0), first=st.floats(-5, 5), second=st.floats(-5, 5),
    check=st.sampled_from(["human_agreement", "agreement", "agreement_low"]),
)  # fmt: skip
def test_a_draw_is_an_agreement(value: float, error: float, first: float, second: float, check: str) -> None:
    low, same, high = drawn_agreement(check, value, error, np.array([min(first, second), 0.0, max(first, second)]))
    assert same == value  # to the last digit: the draw without noise is the reading
    assert low <= high <= 1.0
    assert low >= -1.0 or check != "human_agreement"


@pytest.mark.parametrize("check", ["human_agreement", "agreement", "agreement_low"])
def test_small_errors_are_as_far_as_they_were_measured(check: str) -> None:
    numbers = judge("judge", 0.2, 0.01, 200, **{check: 0.6})
    error = agreement_errors({"judge": with_se(numbers, **{check: 0.004})}, {"judge": 0})[f"judge.{check}"]
    drawn = drawn_agreement(check, 0.6, error, np.random.default_rng(1).standard_normal(50_000))
    assert float(drawn.std()) == pytest.approx(0.004, rel=0.02)
    assert float(drawn.mean()) == pytest.approx(0.6, abs=0.0002)


def test_errors_that_are_not_known_are_not_drawn() -> None:
    some = judge("judge", 0.2, 0.01, 200, human_agreement=1.0, agreement=None, ac2=0.5)
    assert agreement_errors({"judge": with_se(some, human_agreement=0.1, agreement=0.1, ac2=0.1)}, {"judge": 0}) == {}
    assert agreement_errors({"judge": judge("judge", 0.2, 0.01, 200, human_agreement=0.5)}, {"judge": 0}) == {}
    known = with_se(judge("judge", 0.2, 0.01, 200, human_agreement=0.5), human_agreement=0.1)
    assert agreement_errors({"judge": known}, {}) == {}  # of signals that are drawn only


# --- what follows ---------------------------------------------------------------------------------------------------


def test_a_condition_on_agreement_follows() -> None:
    made = winning().given
    found = stability(made)
    assert found.calls["ship"] == pytest.approx(PASSES, abs=0.012)
    assert found.calls["hold"] == pytest.approx(1.0 - PASSES, abs=0.012)
    assert "judge.human_agreement" not in found.fixed
    assert not made.held
    assert made.undisturbed()["judge.human_agreement"] == AT


def test_trust_and_state_follow() -> None:
    """Below its threshold the judge is not believed, and its row says nothing."""
    rules = "hierarchy: [{signal: judge, win: ship, loss: rollback}]\n"
    made = winning(rules, JUDGE + "    trust: {human_agreement: 0.5}\n").given
    found = stability(made)
    assert found.calls["ship"] == pytest.approx(PASSES, abs=0.012)
    assert "judge.human_agreement" not in found.fixed
    agreement, states = facts(made, "judge.human_agreement", "judge.state")
    assert set(np.unique(states[agreement >= 0.5])).isdisjoint(np.unique(states[agreement < 0.5]))


def test_without_an_error_it_stays_as_measured_and_is_named() -> None:
    found = stability(winning(se=None).given)
    assert found.calls == {"ship": 1.0}
    assert "judge.human_agreement" in found.fixed


def test_alpha_and_its_lower_bound_move_together() -> None:
    measures = (Measure("agreement", 0.6, "", 0.06), Measure("agreement_low", 0.45, "", 0.0825))
    numbers = panel("people", 0.5, (0.1, 0.001, 0.2), 80, 5)
    numbers = replace(numbers, measures=(*numbers.measures, *measures))
    rules = "hierarchy: [{signal: people, when: people.agreement_low >= 0.4, win: ship}]\n"
    made = case(PEOPLE, rules, numbers).given
    alpha, low = facts(made, "people.agreement", "people.agreement_low")
    assert (1.0 - low) / (1.0 - alpha) == pytest.approx(np.full(low.shape, 0.55 / 0.4))
    passes = NormalDist().cdf(math.log(0.6 / 0.55) / 0.15)
    assert made.calls()["ship"] == pytest.approx(passes, abs=0.012)


def test_agreement_that_nobody_asks_for_changes_no_draw() -> None:
    """Its noise is its own: effects, and with them the shares, are those of a release whose agreement is held."""
    rules = "hierarchy: [{signal: judge, win: ship, loss: rollback}]\n"
    shaky = judge("judge", 0.02, 0.01, 200, human_agreement=0.1)
    drawn, held = (case(JUDGE, rules, with_se(shaky, human_agreement=se)).given for se in (0.3, None))
    assert 0.1 < drawn.calls()["ship"] < 0.9
    assert drawn.calls() == held.calls()


def test_the_same_input_gives_the_same_draws() -> None:
    first, again = stability(winning().given), stability(winning().given)
    assert first == again
    assert winning().given.calls(seed=4) != winning().given.calls(seed=5)
    # Drawn in chunks, it goes on where it was.
    many = winning().given.calls(draws=50_000)
    assert many["ship"] == pytest.approx(PASSES, abs=0.006)


# --- what is to be expected -----------------------------------------------------------------------------------------


def hundredfold(made: Resampling) -> dict[str, Design]:
    return {name: scaled(design, 100.0) for name, design in made.designs.items()}


@pytest.mark.parametrize("value", [AT, 0.51, 0.3])
def test_agreement_is_known_better_with_a_hundred_times_the_evidence(value: float) -> None:
    """Today's spread, split: what the future will have shown, and a hundredth of the variance still left to chance."""
    made = winning(value=value).given
    prospects = Prospects(made)
    error = SE / (1.0 - value**2)
    now = NormalDist().cdf((math.atanh(value) - math.atanh(0.5)) / error)
    assert prospects.now.stability == pytest.approx(max(now, 1.0 - now), abs=0.02)
    rng = np.random.default_rng(1)
    then = math.atanh(value) + error * math.sqrt(0.99) * rng.standard_normal(100_000)
    ships = np.array([NormalDist().cdf(one) for one in (then - math.atanh(0.5)) / (error / 10.0)])
    found = prospects.after(hundredfold(made))
    assert found.shares["ship"] == pytest.approx(float(ships.mean()), abs=0.02)
    assert found.stability == pytest.approx(float(np.maximum(ships, 1.0 - ships).mean()), abs=0.02)
    assert found.stability > prospects.now.stability - 0.005


def test_items_that_nobody_grades_leave_agreement_as_it_is() -> None:
    """As today: the other way round their worth would be told too high."""
    made = winning().given
    now = made.designs["judge"]
    ungraded = replace(scaled(now, 50.0), checks={**scaled(now, 50.0).checks, "min_overlap": now.checks["min_overlap"]})
    then = Prospects(made).after({"judge": ungraded})
    assert then.shares["ship"] == pytest.approx(made.calls(draws=DRAWS)["ship"], abs=0.01)


def test_agreement_is_named_when_it_tells_most() -> None:
    made = winning().given
    assert Prospects(made).decisive(hundredfold(made)) == "judge.human_agreement"
    certain = winning(se=None, rules="hierarchy: [{signal: judge, win: ship, loss: rollback}]\n").given
    assert Prospects(certain).decisive(hundredfold(certain)) is None


def test_what_carries_agreement() -> None:
    made = winning().given
    now, signal = made.designs["judge"], made.policy.signals["judge"]
    assert carried(signal, scaled(now, 4.0), now) == 4.0
    kept = replace(scaled(now, 4.0), checks={**now.checks, "min_overlap": 100.0})
    assert carried(signal, kept, now) == 1.0  # more golden items that nobody graded
    people = case(PEOPLE, "hierarchy: [{signal: people, win: ship}]\n", panel("people", 0.5, (0.1, 0.001, 0.2), 80, 5))
    made = people.given
    assert carried(made.policy.signals["people"], hundredfold(made)["people"], made.designs["people"]) == 100.0
