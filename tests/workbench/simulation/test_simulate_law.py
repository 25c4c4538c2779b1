"""Chances that are known without any simulation: closed forms, published figures, exact enumeration."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from scipy.stats import binom, multivariate_normal, nct

from signals.model import SignalsError
from signals.policy import Policy, parse_policy
from signals.stats.panel import crossed_mean
from signals.stats.proportion import score_interval
from signals.workbench.simulation.design import Crossed, Design, SegmentDesign
from signals.workbench.simulation.outcomes import Correlation, Point, Setting
from signals.workbench.simulation.plan import Plan, plan_of
from signals.workbench.simulation.score import score_bounds
from signals.workbench.simulation.simulate import simulate
from tests.workbench.simulation.simulate_kit import drawn

Z = float(-ndtri(0.025))
ROWS = "hierarchy: [{signal: s, win: ship, loss: rollback}]"


def policy(signal: str, rows: str = ROWS) -> Policy:
    return parse_policy(f"schema: 1\nname: p\nsignals:\n  s: {signal}\n{rows}\n", "hierarchy.yaml")


JUDGE = policy("{kind: judge, better: higher, margin: 2pp}")
MEAN = policy("{kind: experiment, metric: {name: m, type: mean}, better: higher, margin: 0.1}")
RATE = policy("{kind: experiment, metric: {name: m, type: proportion}, better: higher, margin: 1pp}")
PANEL = policy("{kind: panel, better: higher, margin: 0.1}")


def known(se: float, **changes: object) -> Design:
    """A judge whose standard error is known."""
    made = plan_of(JUDGE.signals["s"], Plan(n=100, sd=se * 10))
    return replace(made, df=None, **changes)  # type: ignore[arg-type]


def near(point: Point, wanted: Mapping[str, float], slack: float = 0.0) -> None:
    """Every chance within 4.5 Monte Carlo standard errors of what is known."""
    for call, chance in wanted.items():
        error = math.sqrt(max(chance * (1.0 - chance), 1.0 / point.draws) / point.draws)
        assert abs(point.calls[call] - chance) < 4.5 * error + slack, (call, point.calls[call], chance)  # type: ignore[index]


@pytest.mark.parametrize("shift", [-2.5, 0.0, 1.0, 3.0])
def test_one_signal_with_a_known_error_is_the_normal_distribution(shift: float) -> None:
    point = simulate(JUDGE, {"s": known(0.01)}, {"s": shift * 0.01})
    near(point, {"ship": float(ndtr(shift - Z)), "rollback": float(ndtr(-shift - Z))})


def test_lower_is_better_turns_everything_round() -> None:
    cost = policy("{kind: judge, better: lower, margin: 2pp}")
    point = simulate(cost, {"s": known(0.01)}, {"s": -0.02})
    near(point, {"ship": float(ndtr(2.0 - Z))})


@pytest.mark.parametrize("df", [3.0, 11.0, 200.0])
def test_an_estimated_error_gives_the_noncentral_t(df: float) -> None:
    design = replace(known(0.01), df=df)
    reach = nct.isf(0.025, df, 0.0)
    for shift in (0.0, 2.0):
        point = simulate(JUDGE, {"s": design}, {"s": shift * 0.01})
        near(point, {"ship": float(nct.sf(reach, df, shift)), "rollback": float(nct.cdf(-reach, df, shift))})


@pytest.mark.parametrize("looks, wanted", [(2, 0.083), (5, 0.142), (10, 0.193)])
def test_peeking_costs_what_armitage_mcpherson_and_rowe_say(looks: int, wanted: float) -> None:
    """Repeated significance tests on accumulating data (1969), table 2: two-sided 5 % at every look."""
    design = plan_of(MEAN.signals["s"], Plan(n=100_000, sd=1.0))
    point = simulate(MEAN, {"s": design}, {}, Setting(looks=looks, age=70.0))
    near(point, {"hold": 1.0 - wanted}, slack=0.0005)  # the table has three places


@pytest.mark.parametrize("metric", [MEAN, RATE])
def test_an_always_valid_interval_holds_its_level_however_often_it_is_looked_at(metric: Policy) -> None:
    signal = replace(metric.signals["s"], looks="continuous", planned_units=20_000)
    rules = replace(metric, signals={"s": signal})
    design = plan_of(signal, Plan(n=20_000, control=0.3, sd=1.0))
    many = simulate(rules, {"s": design}, {}, Setting(draws=20_000, looks=50))
    once = simulate(rules, {"s": design}, {}, Setting(draws=20_000))
    assert many.calls["hold"] >= 0.95
    assert many.calls["hold"] < once.calls["hold"]


@pytest.mark.parametrize("plan", ["", ", planned_units: 150000", ", planned_units: 60000"])
def test_planned_looks_spend_the_level_and_no_more(plan: str) -> None:
    """With a plan that is not met the last look spends what is left; with one that is met early, that look does."""
    signal = policy(
        "{kind: experiment, metric: {name: m, type: mean}, better: higher, margin: 0.1, "
        f"looks: [2026-11-10, 2026-11-17, 2026-11-24, 2026-12-01]{plan}}}"
    )
    design = plan_of(signal.signals["s"], Plan(n=50_000, sd=1.0))
    point = simulate(signal, {"s": design}, {}, Setting(looks=4))
    near(point, {"hold": 0.95})
    # O'Brien and Fleming: next to nothing at the first look, nearly everything at the last.
    assert point.ends[0] < 0.001 or "60000" in plan
    assert point.states["s"]["untrusted"] == 0.0  # a look after the last planned one keeps that one's reading
    if plan:
        assert simulate(signal, {"s": design}).states["s"]["untrusted"] == 0.0
        return
    last = simulate(signal, {"s": design}, {"s": 0.0})
    near(last, {"ship": float(ndtr(-2.024)), "rollback": float(ndtr(-2.024))}, slack=0.0005)


def test_the_published_sample_sizes_have_the_power_that_they_promise(shared: Path) -> None:
    golden = json.loads((shared / "golden" / "25_power_mde.json").read_text())
    given_, wanted = golden["input"], golden["expected"]
    eval_ = plan_of(
        JUDGE.signals["s"],
        Plan(n=wanted["n_eval_questions_k1"], sd=math.sqrt(given_["omega2"] + 2 * given_["sigma2"])),
    )
    near(simulate(JUDGE, {"s": eval_}, {"s": given_["delta"]}), {"ship": 0.8})
    cohen = plan_of(MEAN.signals["s"], Plan(n=wanted["n_per_arm_d05"], sd=1.0))
    near(simulate(MEAN, {"s": cohen}, {"s": given_["d"]}), {"ship": 0.8})


# --- counts ---------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(n1=st.integers(1, 400), n0=st.integers(1, 400), parts=st.tuples(st.floats(0, 1), st.floats(0, 1)),
       confidence=st.sampled_from([0.8, 0.95, 0.999]))  # fmt: skip
def test_score_bounds_are_those_of_the_product(n1: int, n0: int, parts: tuple[float, float], confidence: float) -> None:
    x1, x0 = round(parts[0] * n1), round(parts[1] * n0)
    one = score_interval(x1, n1, x0, n0, confidence)
    z = float(-ndtri((1.0 - confidence) / 2.0))
    low, high = score_bounds(np.array([x1, x1], float), n1, np.array([x0, x0], float), n0, z)
    assert (low[1], high[1]) == (pytest.approx(one.low, abs=1e-9), pytest.approx(one.high, abs=1e-9))


@pytest.mark.parametrize("p0, p1, n", [(0.05, 0.08, 400), (0.3, 0.3, 150), (0.02, 0.02, 1000), (0.97, 0.94, 300)])
def test_counts_give_what_summing_over_all_binomials_gives(p0: float, p1: float, n: int) -> None:
    design = plan_of(RATE.signals["s"], Plan(n=n, control=p0))
    point = simulate(RATE, {"s": design}, {"s": p1 - p0}, Setting(draws=200_000))
    x1, x0 = (array.ravel().astype(float) for array in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
    weight = binom.pmf(x1, n, p1) * binom.pmf(x0, n, p0)
    likely = weight > 1e-12
    low, high = score_bounds(x1[likely], n, x0[likely], n, Z)
    wanted = {"ship": float(weight[likely][low > 0].sum()), "rollback": float(weight[likely][high < 0].sum())}
    near(point, wanted, slack=0.0005)  # the binomial's kurtosis is not drawn


def test_relative_margins_use_the_control_level_that_was_drawn() -> None:
    rules = policy(
        "{kind: experiment, metric: {name: m, type: mean}, better: lower, margin: 10%}",
        "hierarchy: [{signal: s, win: ship, flat: hold, loss: rollback, unclear: rollback}]",
    )
    design = plan_of(rules.signals["s"], Plan(n=400, control=2.0, sd=1.5))
    one = drawn(rules.signals["s"], design, 0.0, 50_000)
    level = np.asarray(one.estimates.control)
    assert level.mean() == pytest.approx(2.0, abs=0.003)
    assert level.std() == pytest.approx(1.5 / 20, rel=0.02)
    other = level + one.estimates.effect  # the candidate's level, whose luck is its own
    assert np.corrcoef(level, other)[0, 1] == pytest.approx(0.0, abs=0.02)
    assert np.asarray(one.margin) == pytest.approx(0.1 * level)


# --- several signals ------------------------------------------------------------------------------------------------

TWO = parse_policy(
    """\
schema: 1
name: two
signals:
  a: {kind: judge, better: higher, margin: 2pp}
  b: {kind: judge, better: lower, margin: 2pp}
hierarchy: [{signal: a, win: hold}]
guardrails:
  - {id: both, when: a is win and b is win, call: rollback}
otherwise: ship
""",
    "hierarchy.yaml",
)


def pair(a: float, b: float) -> dict[str, Design]:
    return {"a": replace(known(a), signal="a"), "b": replace(known(b), signal="b")}


@pytest.mark.parametrize("rho", [-0.7, 0.0, 0.5, 1.0])
def test_two_signals_win_together_as_often_as_the_bivariate_normal_says(rho: float) -> None:
    """Correlation is of benefits, whatever direction is good; errors of any size."""
    setting = Setting(correlation=Correlation(0.0, {frozenset("ab"): rho}))
    point = simulate(TWO, pair(0.01, 0.03), {"a": 0.015, "b": -0.03}, setting)
    if rho < 1.0:
        both = float(multivariate_normal([1.5, 1.0], [[1.0, rho], [rho, 1.0]]).cdf([np.inf, np.inf]))
        below = multivariate_normal([1.5, 1.0], [[1.0, rho], [rho, 1.0]])
        both = 1.0 - float(ndtr(Z - 1.5)) - float(ndtr(Z - 1.0)) + float(below.cdf([Z, Z]))
    else:
        both = float(ndtr(1.0 - Z))
    near(point, {"rollback": both})


def test_full_correlation_gives_the_same_states() -> None:
    same = TWO.signals["a"]
    rules = replace(TWO, signals={"a": same, "b": replace(same, name="b")})
    point = simulate(rules, pair(0.01, 0.01), {"a": 0.01, "b": 0.01}, Setting(correlation=Correlation(1.0)))
    assert point.calls["rollback"] == pytest.approx(point.states["a"]["win"], abs=0)
    assert point.states["a"] == point.states["b"]
    assert point.calls["hold"] == 0.0


def test_correlations_that_contradict_each_other_are_refused() -> None:
    rules = replace(TWO, signals={**TWO.signals, "c": replace(TWO.signals["a"], name="c")})
    designs = {**pair(0.01, 0.01), "c": replace(known(0.01), signal="c")}
    pairs = {frozenset("ab"): 0.9, frozenset("bc"): 0.9, frozenset("ac"): -0.9}
    with pytest.raises(SignalsError, match="contradict"):
        simulate(rules, designs, {}, Setting(correlation=Correlation(0.0, pairs)))
    with pytest.raises(SignalsError, match="between -1 and 1"):
        simulate(rules, designs, {}, Setting(correlation=Correlation(1.5)))
    with pytest.raises(SignalsError, match="not simulated"):
        simulate(rules, designs, {}, Setting(correlation=Correlation(0.0, {frozenset("ax"): 0.5})))


# --- segments -------------------------------------------------------------------------------------------------------

SEGMENTED = policy(
    "{kind: experiment, metric: {name: m, type: mean}, better: higher, margin: 0.1, segments: [plan, os]}"
)


def parts(shares: Mapping[str, float], se: float) -> tuple[SegmentDesign, ...]:
    return tuple(
        SegmentDesign(name, share, 1000 * share, 1000 * share, 1.0, se / math.sqrt(share))
        for name, share in shares.items()
    )


def test_segments_have_the_law_of_strata_and_their_sum() -> None:
    made = plan_of(SEGMENTED.signals["s"], Plan(n=1000, sd=1.0))
    shares = {"plan=a": 0.7, "plan=b": 0.3, "os=x": 0.5, "os=y": 0.4, "os=z": 0.1}
    design = replace(made, df=None, segments=parts(shares, made.se or 0.0))
    one = drawn(SEGMENTED.signals["s"], design, 0.02, 200_000)
    whole, found = one.estimates.effect, {part.design.name: part.effect for part in one.parts}
    for dimension in ("plan", "os"):
        total = sum(share * found[name] for name, share in shares.items() if name.startswith(dimension))
        assert total == pytest.approx(whole, abs=1e-9)
    for part in one.parts:
        assert part.effect.mean() == pytest.approx(0.02, abs=5 * (part.design.se or 0) / 400)
        assert part.effect.std() == pytest.approx(part.design.se, rel=0.01)
    assert np.corrcoef(found["plan=a"], found["plan=b"])[0, 1] == pytest.approx(0.0, abs=0.012)
    # Segments of independent dimensions share the units that are in both.
    assert np.corrcoef(found["plan=a"], found["os=y"])[0, 1] == pytest.approx(math.sqrt(0.7 * 0.4), abs=0.012)


def test_segments_of_unlike_precision_keep_their_own_errors_and_their_share_of_the_wholes() -> None:
    """The covariance of a segment with the whole is its share times its own variance."""
    made = plan_of(SEGMENTED.signals["s"], Plan(n=1000, sd=1.0))
    whole_se = made.se or 0.0
    some = (
        SegmentDesign("plan=a", 0.7, 700, 700, 1.0, whole_se * 0.9),
        SegmentDesign("plan=b", 0.3, 300, 300, 1.0, whole_se * 2.0),
    )
    one = drawn(SEGMENTED.signals["s"], replace(made, df=None, segments=some), 0.0, 400_000)
    whole = one.estimates.effect
    for part in one.parts:
        error = part.design.se or 0.0
        assert part.effect.std() == pytest.approx(error, rel=0.01)
        covariance = float(np.cov(part.effect, whole)[0, 1])
        assert covariance == pytest.approx(part.design.share * error**2, rel=0.03)
    assert np.corrcoef(one.parts[0].effect, one.parts[1].effect)[0, 1] == pytest.approx(0.0, abs=0.01)


def test_adjusted_bounds_hold_for_all_segments_at_once() -> None:
    rules = policy(
        "{kind: experiment, metric: {name: m, type: mean}, better: higher, margin: 0.1, segments: [plan]}",
        'hierarchy: [{signal: s, win: ship}]\nguardrails:\n  - {id: g, call: rollback, '
        "when: 'any(s.segments, adjusted.low > 0 or adjusted.high < 0)'}",
    )  # fmt: skip
    made = plan_of(rules.signals["s"], Plan(n=1000, sd=1.0, segments={"plan": (("a", 0.5), ("b", 0.3), ("c", 0.2))}))
    # Three independent segments at 1 - 0.05 / 3 each.
    near(simulate(rules, {"s": made}, {}), {"rollback": 1.0 - (1.0 - 0.05 / 3) ** 3}, slack=0.0005)


def test_reversals_need_a_mix_that_differs_between_the_arms() -> None:
    """Where segments add up to the whole exactly their signs cannot all be turned; a chance mix can turn them."""
    signal = replace(SEGMENTED.signals["s"], trust={"max_reversals": 0.0})
    made = plan_of(signal, Plan(n=1000, sd=1.0))
    two = parts({"plan=a": 0.5, "plan=b": 0.5}, made.se or 0.0)
    exact = drawn(signal, replace(made, df=None, segments=two), 0.0, 50_000)
    assert exact.reversals is not None
    assert not np.any(exact.reversals.values)
    # Segments so precise that they explain half of the whole's variance: the rest is the mix.
    precise = replace(made, df=None, segments=parts({"plan=a": 0.5, "plan=b": 0.5}, (made.se or 0.0) * math.sqrt(0.5)))
    mixed = drawn(signal, precise, 0.0, 200_000)
    assert mixed.reversals is not None
    turned = float(np.mean(np.asarray(mixed.reversals.values)))
    # By hand: strata e1, e2 and a mix as large as their mean; the whole has the other sign than both.
    rng = np.random.default_rng(3)
    e = rng.normal(0, 1, (2, 1_000_000))
    whole = e.mean(axis=0) + rng.normal(0, math.sqrt(0.5), 1_000_000)
    assert turned == pytest.approx(float(np.mean((e[0] * whole < 0) & (e[1] * whole < 0))), abs=0.004)


# --- panels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("crossed", [Crossed(0.1, 0.0, 0.2, 3), Crossed(0.05, 0.03, 0.2, 5)])
def test_a_panel_is_as_wide_as_the_products_panels_are(crossed: Crossed) -> None:
    items, runs = 30, 500
    signal = PANEL.signals["s"]
    made = plan_of(signal, Plan(n=items, sd=1.0, raters=crossed.raters))
    design = replace(made, panel=crossed, se=math.sqrt(crossed.squared(items)))
    one = drawn(signal, design, 0.0, 100_000)
    width = (one.estimates.high - one.estimates.low) / 2
    rng = np.random.default_rng(11)
    halves = []
    for _ in range(runs):
        y = rng.normal(0, math.sqrt(crossed.item), (items, 1)) + rng.normal(
            0, math.sqrt(crossed.rater), (1, crossed.raters)
        )
        y = y + rng.normal(0, math.sqrt(crossed.residual), (items, crossed.raters))
        found = crossed_mean([(i, r, y[i, r]) for i in range(items) for r in range(crossed.raters)], 0.95).difference
        halves.append((found.high - found.low) / 2)
    for level in (0.1, 0.5, 0.9):
        limit = float(np.quantile(width, level))
        assert float(np.mean(np.array(halves) < limit)) == pytest.approx(
            level, abs=4.5 * math.sqrt(level * (1 - level) / runs)
        )
    covered = float(np.mean((one.estimates.low < 0) & (one.estimates.high > 0)))
    assert covered >= 0.945
