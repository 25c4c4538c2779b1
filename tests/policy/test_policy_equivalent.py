"""``equivalent``: the whole interval inside the margin, and what the policy may conclude from a state about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import situations
from statsmodels.stats.weightstats import ttost_ind

from signals.model import Check, Estimate, Margin, Metric, Numbers, Reading, Signal
from signals.policy import describe, run_tests, verdict_json
from signals.policy.facts import extract
from signals.readings import read
from signals.workbench.lint.findings import lint

NEED = "otherwise: hold\nship_requires:\n  - {that: panel.equivalent, because: It is to be the same.}\n"


def panel(shape: tuple[float, float], state: str = "flat", **changes: Any) -> Reading:
    return situations.reading("panel", state, shape=shape, **changes)


def facts(reading: Reading) -> Any:
    policy = situations.policy()
    return extract(policy.signals, {"panel": reading}, situations.release(), situations.AS_OF)


@pytest.mark.parametrize("better", ["higher", "lower"])
@pytest.mark.parametrize("shift", [0.0, 0.12, -0.12, 0.2, 0.5])
def test_it_is_two_one_sided_tests_at_half_of_the_error_rate(shift: float, better: Any) -> None:
    """Against statsmodels: both p-values below 2.5 % is the 95 % interval inside the margin."""
    import numpy as np

    random = np.random.default_rng(4)
    old, new = random.normal(0.0, 1.0, 900), random.normal(shift, 1.0, 900)
    effect, se = float(new.mean() - old.mean()), float(np.sqrt(new.var(ddof=1) / 900 + old.var(ddof=1) / 900))
    pooled = 1.9611  # t quantile of 1798 degrees of freedom
    numbers = Numbers("s", "experiment", "usd", "raw", {"raw": Estimate(
        effect, effect - pooled * se, effect + pooled * se, "", 0.95, se, n_control=900, n_candidate=900)})  # fmt: skip
    signal = Signal("s", "experiment", "?", better, 0.95, Margin(0.25, False, "0.25"), Metric("usd", "mean"))
    largest = ttost_ind(new, old, -0.25, 0.25)[0]
    assert read(signal, numbers, situations.AS_OF).equivalent is bool(largest < 0.025)


def test_a_small_win_is_equivalent_and_a_large_one_is_not() -> None:
    assert read_of(panel((0.5, 0.3), "win")) is True
    assert read_of(panel((0.8, 0.3), "win")) is False
    assert read_of(panel((-0.5, 0.3), "loss")) is True
    assert read_of(panel((0.0, 1.1), "unclear")) is False


def read_of(reading: Reading) -> Any:
    return facts(reading).get("panel.equivalent")


def test_early_evidence_proves_no_equivalence_and_untrusted_evidence_says_nothing() -> None:
    early = Check("full_weeks", "fail", 0.0, 1.0, "too early", "maturity", required=True)
    unripe = panel((0.0, 0.5), "unclear", checks={"full_weeks": early})
    assert read_of(unripe) is False
    assert read_of(panel((0.0, 0.5), "untrusted")) is None


def test_a_ship_waits_for_it_and_the_words_say_which_bound_is_outside() -> None:
    policy = situations.policy(NEED)
    won = situations.verdict(policy, conversion="win", panel=panel((0.0, 0.5)))
    assert won.call == "ship"
    better = situations.verdict(policy, conversion="win", panel=panel((0.8, 0.3), "win"))
    assert (better.call, better.reason) == ("hold", "ship-requires")
    assert "upper bound 0.11, margin 0.1" in better.ship_requires[0].why
    open_ = situations.verdict(policy, conversion="win", panel=panel((0.0, 1.2), "unclear"))
    assert "a SHIP requires panel to be equivalent" in open_.sentence
    assert "lower bound -0.12, upper bound 0.12" in open_.ship_requires[0].why.replace("−", "-")
    shown = verdict_json(won)["readings"]["panel"]
    assert shown["equivalent"] is True
    assert "A ship requires panel.equivalent" in describe(policy)


def test_in_tests_flat_is_equivalent_unclear_is_not_and_a_win_is_not_assumed() -> None:
    def given(panel_: str, call: str, reason: str) -> str:
        return (
            f"  - name: {panel_}\n    given: {{conversion: win, panel: {panel_}}}\n"
            f"    expect: {{call: {call}, reason: {reason}}}\n"
        )

    tests = given("flat", "ship", "decided") + given("unclear", "hold", "ship-requires")
    tests += "".join(given(state, "hold", "cannot-evaluate") for state in ("win", "loss", "untrusted"))
    policy = situations.policy(NEED + "tests:\n" + tests)
    assert [str(one) for one in run_tests(policy) if not one.passed] == []


def test_what_no_reading_can_be_is_found() -> None:
    """Flat is always equivalent, so such a rule does nothing; the linter sees the same intervals as a release."""
    rule = (
        "otherwise: hold\nguardrails:\n  - {id: never, when: panel is flat and not panel.equivalent, call: rollback}\n"
    )
    found = [str(one) for one in lint(situations.policy(rule), situations.AS_OF.date())]
    assert any("guardrail-never-holds" in one for one in found), found
    rule = rule.replace("flat", "win")
    found = [str(one) for one in lint(situations.policy(rule), situations.AS_OF.date())]
    assert not any("guardrail-never-holds" in one for one in found), found


def test_it_is_none_without_a_margin() -> None:
    free = replace(panel((0.0, 0.5)), margin=None, equivalent=None)
    assert "panel.equivalent" not in facts(free)
