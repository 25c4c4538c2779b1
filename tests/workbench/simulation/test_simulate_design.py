"""Designs: those of a release give its own intervals back; planned ones keep what they promise."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.cells.experiment import quantile_cell
from signals.checks import CATALOGUE, checks_of
from signals.model import (
    STATES,
    Evidence,
    FeedbackCell,
    ItemScore,
    Numbers,
    OutcomeCell,
    Preference,
    Rating,
    SignalsError,
    SourceNote,
)
from signals.policy import Policy, load_policy, parse_policy
from signals.readings import measure, read
from signals.stats.moments import from_arrays
from signals.workbench.simulation.design import Design, resized, scaled
from signals.workbench.simulation.drawn import Drawn
from signals.workbench.simulation.healthy import HEALTHY
from signals.workbench.simulation.noise import Noise, Streams
from signals.workbench.simulation.outcomes import Setting
from signals.workbench.simulation.plan import Plan, plan_of, planned
from signals.workbench.simulation.reach import Look
from signals.workbench.simulation.release_design import designs_of
from signals.workbench.simulation.simulate import operating_characteristics, simulate
from signals.workbench.simulation.truth import Effect, Truth, effect_of, resolve
from tests.workbench.simulation.simulate_kit import AS_OF, RELEASE


class Still(Noise):
    """Draws in which nothing happens by chance: every estimate is its own truth, every spread what it is."""

    def __init__(self, name: str) -> None:
        super().__init__(Streams(1), 2, [1.0], [name], np.eye(1))

    def effect(self, signal: str, look: int, *, grows: bool) -> Any:
        return np.zeros(2)

    def normal(self, signal: str, purpose: str, look: int, *, grows: bool) -> Any:
        return np.zeros(2)

    def square(self, signal: str, purpose: str, df: float, look: int, *, grows: bool) -> Any:
        return np.ones(2)


@pytest.fixture(scope="module")
def stored(root: Path, demo_store: str) -> dict[str, tuple[dict[str, Numbers], Any]]:
    """Numbers and moment of every bundled release."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNALS_STORE", demo_store)
        from signals.review import load, numbers_of, policy_of

        project = load(root)
        policy = policy_of(project)
        return {release.id: numbers_of(project, policy, release) for release in project.releases}  # type: ignore[misc]


@pytest.fixture(scope="module")
def policy(root: Path) -> Policy:
    return load_policy(root / "hierarchy.yaml")


def test_a_releases_own_intervals_come_back(policy: Policy, stored: Any) -> None:
    """Without luck, and the truth being what was seen, a draw is the release: bounds, segments, checks, state."""
    for numbers, moment in stored.values():
        designs = designs_of(policy, numbers, moment)
        assert set(designs) == set(policy.signals)
        for name, one in numbers.items():
            comes_back(policy, name, one, moment)


def comes_back(
    policy: Policy, name: str, numbers: Numbers, moment: Any, family: int = 1, slack: float = 2e-3
) -> Design:
    """A draw without luck from the design of these numbers is these numbers."""
    design = designs_of(policy, {name: numbers}, moment, family=family)[name]
    signal, voting = policy.signals[name], numbers.estimates[numbers.voting]
    truth = Truth(voting.effect or 0.0, tuple(one.effect or 0.0 for one in numbers.segments))
    drawn = Drawn(signal, design, truth, Still(name), Look(0, (1.0,)))
    reading = read(signal, numbers, moment)
    for spec in checks_of(signal.kind):
        column = drawn.check(spec.name)
        if spec.name not in ("heterogeneity_p", "max_reversals"):
            assert (None if column is None else column.at(0)) == reading.checks[spec.name].value, (name, spec.name)
    if drawn.refused:
        assert voting.low is None
        assert reading.state == "untrusted"
        return design
    found = drawn.estimates
    assert found.effect[0] == pytest.approx(voting.effect, abs=1e-12)
    # A panel's degrees of freedom are drawn with its raters' spread; with holes they are those of a full layout.
    slack = 0.06 if design.law == "panel" else slack
    assert voting.low is not None
    assert voting.high is not None
    assert half_of(found.low, found.high) == pytest.approx((voting.high - voting.low) / 2, rel=slack), design
    if design.rule == "planned" or slack > 0.01:  # past looks are not kept; intervals of quantiles lean to one side
        assert (found.p_value()[0] < 0.05) == (found.low[0] > 0.0 or found.high[0] < 0.0)
    else:
        assert found.p_value()[0] == pytest.approx(
            voting.p_value, rel=0.02, abs=0.02 if design.law == "panel" else 1e-3
        )
    if design.law == "proportion":
        assert found.low[0] == pytest.approx(voting.low, abs=1e-9)
    for part, segment in zip(drawn.parts, numbers.segments, strict=True):
        ends = ((part.half, segment.low, segment.high), (part.far, segment.adjusted_low, segment.adjusted_high))
        for half, low, high in ends:
            if low is None or high is None:
                assert half is None
            else:
                ours = float(np.ravel(half)[0])  # type: ignore[arg-type]
                assert ours == pytest.approx((high - low) / 2, rel=max(5e-3, slack)), (segment.name, design)
    if design.law != "panel":
        assert STATES[drawn.state[0]] == reading.state
    return design


def half_of(low: Any, high: Any) -> float:
    return float((high - low)[0] / 2)


def cells(kind: str, rng: np.random.Generator) -> Any:
    """Two arms of 4,000 users over two weeks in three plans, with a covariate; or 40 clusters each."""
    found = []
    for arm, variant in enumerate(("old", "new")):
        for place, plan in enumerate(("a", "b", "c")):
            for day in (date(2026, 11, 3), date(2026, 11, 10), date(2026, 11, 16)):
                n = 40 if kind == "clusters" else (300, 700, 333 + 20 * arm)[place]
                x = rng.normal(3.0, 1.0, n)
                y = 0.8 * x + rng.normal(0.1 * arm, 1.0, n)
                segment = (("plan", plan),)
                if kind == "proportion":
                    moments = from_arrays((rng.random(n) < 0.2 + 0.03 * arm).astype(float))
                elif kind == "mean":
                    moments = from_arrays(y)
                elif kind == "cuped":
                    moments = from_arrays(y, x)
                else:
                    size = rng.integers(5, 40, n).astype(float)
                    moments = from_arrays(y * size, d=size)
                extra: dict[str, Any] = {}
                if kind == "clusters":
                    extra = {"counted": "clusters", "members": int(moments.n * (moments.d_mean or 0.0))}
                found.append(OutcomeCell("", variant, segment, day, moments, **extra))
    return Evidence(RELEASE, outcomes=tuple(found), sources=(SourceNote("s", "t", AS_OF, "x", own_rows=9),))


@pytest.mark.parametrize("looks", ["fixed", "continuous", "[2026-11-08, 2026-11-12, 2026-11-24]"])
@pytest.mark.parametrize("kind", ["proportion", "mean", "cuped", "ratio", "clusters"])
def test_every_sort_of_experiment_comes_back(kind: str, looks: str) -> None:
    metric = {"cuped": "mean", "clusters": "mean"}.get(kind, kind)
    rules = one_signal(
        f"{{kind: experiment, metric: {{name: m, type: {metric}}}, better: lower, margin: 3%, looks: {looks}, "
        "planned_units: 9000, segments: [plan]}"
    )
    evidence = cells(kind, np.random.default_rng(4))
    for family in (1, 3):
        numbers = measure(rules.signals["s"], replace(evidence, family=family))
        design = comes_back(rules, "s", numbers, AS_OF, family)
        assert bool(design.refused) == (kind == "clusters" and looks.startswith("["))


@pytest.mark.parametrize("looks", ["fixed", "continuous"])
def test_quantiles_come_back(looks: str) -> None:
    """Their intervals are not symmetric: half the width comes back, and the bounds nearly."""
    rules = one_signal(
        f"{{kind: experiment, metric: {{name: m, type: quantile, quantile: 0.5}}, better: lower, margin: 3%, "
        f"looks: {looks}, segments: [plan]}}"
    )
    rng = np.random.default_rng(2)
    found = []
    for variant, lift in (("old", 0.0), ("new", 0.08)):
        some = {plan: rng.normal(5.0 + lift, 1.0, 4000) for plan in "ab"}
        found.append(quantile_cell(variant, np.concatenate(list(some.values())), 0.5))
        found += [replace(quantile_cell(variant, one, 0.5), segment=(("plan", plan),)) for plan, one in some.items()]
    numbers = measure(rules.signals["s"], Evidence(RELEASE, quantiles=tuple(replace(one, metric="m") for one in found)))
    design = comes_back(rules, "s", numbers, AS_OF, slack=0.03)
    assert design.by_arm == (looks == "continuous")
    # The error behind the interval is that of the difference of two medians of normals.
    assert design.se == pytest.approx(math.sqrt(math.pi / 2) * math.sqrt(2 / 8000), rel=0.15)


@pytest.mark.parametrize("kind", ["scores", "passes", "grades", "choices", "people"])
def test_judges_panels_and_thumbs_come_back(kind: str) -> None:
    rng = np.random.default_rng(8)
    fields: dict[str, Any] = {}
    if kind in ("scores", "passes"):
        rules = one_signal("{kind: judge, better: higher, margin: 2pp, segments: [plan]}")
        scores = []
        for item in range(150):
            level = rng.random()
            for variant in ("old", "new"):
                value = float(rng.random() < 0.7) if kind == "passes" else level + float(rng.normal(0, 0.1))
                plan = (("plan", "abc"[item % 3]),)
                scores.append(
                    ItemScore(f"{item}{variant}", f"i{item}", variant, "g", value, fingerprint="j", segment=plan)
                )
        fields = {"scores": tuple(scores)}
    elif kind == "people":
        rules = one_signal("{kind: feedback, better: higher, margin: 2pp, segments: [plan]}")
        thumbs = []
        for variant in ("old", "new"):
            for plan in "ab":
                given = rng.poisson(1.5, 500) + 1.0
                up = rng.binomial(given.astype(int), 0.8).astype(float)
                moments = from_arrays(up, x=given * 9, d=given)
                thumbs.append(FeedbackCell(variant, (("plan", plan),), date(2026, 11, 9), 9999, True, moments))
        fields = {"feedback": tuple(thumbs)}
    else:
        rules = one_signal("{kind: panel, better: higher, margin: 0.1}")
        lean = rng.normal(0.1, 0.2, 6)
        if kind == "grades":
            fields = {"ratings": tuple(
                Rating(f"{i}{r}{v}", f"i{i}", f"r{r}", v, float(3 + (v == "new") * (lean[r] + rng.normal(0, 0.5))))
                for i in range(60) for r in range(6) for v in ("old", "new")
            )}  # fmt: skip
        else:
            fields = {"preferences": tuple(
                Preference(f"{i}{r}", f"i{i}", f"r{r}", "old", "new", pick)
                for i in range(60) for r in range(6) for pick in ["right" if rng.random() < 0.5 + lean[r] else "left"]
            )}  # fmt: skip
    numbers = measure(rules.signals["s"], Evidence(RELEASE, **fields))
    design = comes_back(rules, "s", numbers, AS_OF)
    laws = {"grades": "panel", "choices": "panel"}
    assert design.law == laws.get(kind, "normal")
    assert design.bounded == (kind == "choices")


def one_signal(text: str) -> Policy:
    return parse_policy(
        f"schema: 1\nname: p\nsignals:\n  s: {text}\nhierarchy: [{{signal: s, win: ship, loss: rollback}}]\n",
        "hierarchy.yaml",
    )


def test_a_release_whose_split_is_broken_is_untrusted_in_every_draw(policy: Policy, stored: Any) -> None:
    numbers, moment = stored["sample-ratio"]
    point = simulate(policy, designs_of(policy, numbers, moment), {"conversion": 0.05}, Setting(draws=5000))
    assert point.states["conversion"]["untrusted"] == 1.0
    assert point.calls["ship"] == point.calls["rollback"] == 0.0


def test_a_signal_without_evidence_is_missing(policy: Policy, stored: Any) -> None:
    numbers, moment = stored["all-agree"]
    rest = {name: one for name, one in numbers.items() if name != "panel"}
    designs = designs_of(policy, rest, moment)
    assert "panel" not in designs
    point = simulate(policy, designs, {"conversion": Effect(3.0, "m")}, Setting(draws=5000))
    assert point.calls["ship"] == 0.0  # no panel, no ship: the policy says so
    assert point.deciders[0].reason == "cannot-evaluate"
    with pytest.raises(SignalsError, match="panel has no design"):
        simulate(policy, designs, {"panel": 0.1})


def test_four_times_the_sample_halves_the_error(policy: Policy, stored: Any) -> None:
    numbers, moment = stored["tuesday-small"]
    for name, design in designs_of(policy, numbers, moment).items():
        now = 2.0 / (1.0 / design.n_control + 1.0 / design.n_candidate)
        more = resized(design, 4.0 * now)
        assert more.se == pytest.approx((design.se or 0) / 2, rel=1e-9), name
        assert more.n_control == more.n_candidate == pytest.approx(4.0 * now)
        for check in ("min_units", "min_items", "min_responses"):
            if design.checks.get(check) is not None:
                assert more.checks[check] == pytest.approx(4.0 * (design.checks[check] or 0))
        for small, large in zip(design.segments, more.segments, strict=True):
            assert large.se == pytest.approx((small.se or 0) / 2)
    with pytest.raises(SignalsError, match="no sample size"):
        resized(design, 1.0)


def test_raters_add_an_error_that_more_items_do_not_lower() -> None:
    rules = one_signal("{kind: panel, better: higher, margin: 0.1}")
    made = plan_of(rules.signals["s"], Plan(n=50, sd=1.0, raters=4))
    assert made.panel is not None
    assert (resized(made, 10**8).se or 0) ** 2 == pytest.approx(made.panel.rater / 4, rel=1e-3)
    fixed = replace(made, law="normal", panel=None, se=0.1, floor=0.004)
    assert (scaled(fixed, 1e9).se or 0) ** 2 == pytest.approx(0.004, rel=1e-6)


# --- planned --------------------------------------------------------------------------------------------------------

KINDS = {
    "experiment, proportion": "{kind: experiment, metric: {name: m, type: proportion}, better: higher, margin: 1pp}",
    "at any look": "{kind: experiment, metric: {name: m, type: proportion}, better: higher, margin: 1pp, "
    "looks: continuous}",
    "relative": "{kind: experiment, metric: {name: m, type: mean}, better: lower, margin: 2%}",
    "ratio at any look": "{kind: experiment, metric: {name: m, type: ratio}, better: lower, margin: 0.3, "
    "looks: continuous}",
    "judge": "{kind: judge, better: higher, margin: 2pp}",
    "thumbs": "{kind: feedback, better: higher, margin: 1pp}",
    "shown": "{kind: feedback, better: higher, margin: 0.5pp, estimate: per_impression}",
    "these raters": "{kind: panel, better: higher, margin: 0.1, raters: fixed}",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_default_plan_finds_one_margin_in_four_cases_of_five(kind: str) -> None:
    rules = one_signal(KINDS[kind])
    found = operating_characteristics(rules, planned(rules), steps=(), setting=Setting(draws=50_000))
    # Of rates, the side nearer to a half is the harder one, and it is planned for.
    assert min(found.power_ship, found.power_rollback) == pytest.approx(0.8, abs=0.02)
    assert max(found.power_ship, found.power_rollback) < 0.9
    assert found.false_ship <= 0.027


def test_a_default_panel_finds_one_margin_in_about_four_cases_of_five() -> None:
    rules = one_signal("{kind: panel, better: higher, margin: 0.1}")
    found = operating_characteristics(rules, planned(rules), steps=(), setting=Setting(draws=50_000))
    assert found.power_ship == pytest.approx(0.8, abs=0.06)  # its interval differs from panel to panel
    assert found.false_ship <= 0.03


def test_every_check_has_a_healthy_number_and_passes(policy: Policy) -> None:
    assert {spec.name for spec in CATALOGUE} == set(HEALTHY)
    point = simulate(policy, planned(policy), {}, Setting(draws=5000))
    for name, states in point.states.items():
        # Two arms of one size may end with exactly the same count: an effect of 0 has no sign to be turned.
        assert states["untrusted"] < 0.01, name
        assert states["missing"] == 0.0


def test_a_plan_asks_for_what_the_checks_ask_for() -> None:
    rules = parse_policy(
        "schema: 1\nname: p\nsignals:\n"
        "  s: {kind: judge, better: higher, margin: 2pp, trust: {min_items: 700, human_agreement: 0.9, max_age: 1d}}\n"
        "hierarchy: [{signal: s, win: ship}]\n",
        "hierarchy.yaml",
    )
    made = planned(rules)["s"]
    assert made.n == 700
    assert made.checks["human_agreement"] == 0.9
    assert made.checks["max_age"] == 0.0


@pytest.mark.parametrize(
    "plan, what",
    [
        (Plan(n=1), "no sample size"),
        (Plan(sd=0.0), "standard deviation"),
        (Plan(control=1.5), "control level"),
        (Plan(response_rate=0.0), "response rate"),
        (Plan(raters=1), "2 raters"),
        (Plan(segments={"city": (("a", 1.0),)}), "no segments by 'city'"),
        (Plan(segments={"plan": (("a", 0.5),)}), "add up"),
    ],
)
def test_plans_that_cannot_be_are_refused(policy: Policy, plan: Plan, what: str) -> None:
    with pytest.raises(SignalsError, match=what):
        plan_of(policy.signals["conversion"], plan)


# --- true effects ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, value, unit",
    [
        ("-2%", -0.02, "%"),
        ("−0.6pp", -0.006, "pp"),
        ("0.1", 0.1, ""),
        ("+1m", 1.0, "m"),
        ("-.5 m", -0.5, "m"),
        ("1e-3", 0.001, ""),
    ],
)
def test_effects_are_read_as_people_write_them(text: str, value: float, unit: str) -> None:
    assert effect_of(text) == Effect(pytest.approx(value), unit)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "two", "2 %%", "1d", "nan", "1e999", "2pp%"])
def test_what_is_no_effect_is_refused(text: str) -> None:
    with pytest.raises(SignalsError, match="is not"):
        effect_of(text)


def test_margins_count_benefit_and_shares_follow_the_control_level() -> None:
    rules = parse_policy(
        "schema: 1\nname: p\nsignals:\n"
        "  cost: {kind: experiment, metric: {name: usd, type: mean}, better: lower, margin: 5%, segments: [plan]}\n"
        "hierarchy: [{signal: cost, win: ship}]\n",
        "hierarchy.yaml",
    )
    signal = rules.signals["cost"]
    made = plan_of(signal, Plan(n=1000, control=4.0, sd=1.0, segments={"plan": (("a", 0.5), ("b", 0.5))}))
    cheap = replace(made, segments=(replace(made.segments[0], control=2.0), replace(made.segments[1], control=6.0)))
    assert resolve(signal, cheap, Effect(1.0, "m")) == Truth(-0.2, (pytest.approx(-0.1), pytest.approx(-0.3)))  # type: ignore[arg-type]
    assert resolve(signal, cheap, Effect(-0.1, "%")).segments == (pytest.approx(-0.2), pytest.approx(-0.6))
    assert resolve(signal, cheap, 0.3).segments == (0.3, 0.3)
    own = resolve(signal, cheap, Effect(0.0, "", {"plan=a": Effect(0.4)}))
    assert own.segments == (0.4, pytest.approx(-0.4))  # the other makes up for it
    with pytest.raises(SignalsError, match="no segment 'plan=z'"):
        resolve(signal, cheap, Effect(0.0, "", {"plan=z": Effect(0.4)}))
    with pytest.raises(SignalsError, match="not the"):
        resolve(signal, cheap, Effect(0.0, "", {"plan=a": Effect(0.4), "plan=b": Effect(0.4)}))


def test_a_rate_cannot_leave_the_hundred(policy: Policy) -> None:
    with pytest.raises(SignalsError, match="leaves 0 to 100 %"):
        simulate(policy, planned(policy), {"conversion": -0.2})
    loose = parse_policy(
        "schema: 1\nname: p\nsignals: {j: {kind: judge, better: higher}}\nhierarchy: [{signal: j, win: ship}]\n",
        "hierarchy.yaml",
    )
    with pytest.raises(SignalsError, match="has no margin"):
        simulate(loose, planned(loose), {"j": Effect(1.0, "m")})
    assert operating_characteristics(loose, planned(loose), setting=Setting(draws=2000)).unit == "standard error"


def test_what_cannot_be_simulated_is_said(policy: Policy) -> None:
    designs: dict[str, Design] = planned(policy)
    for setting, what in ((Setting(draws=0), "0 draws"), (Setting(looks=0), "0 looks")):
        with pytest.raises(SignalsError, match=what):
            simulate(policy, designs, {}, setting)
    shrunk = parse_policy(
        "schema: 1\nname: p\nsignals:\n"
        "  s: {kind: experiment, metric: {name: m, type: proportion}, better: higher, margin: 1pp, segments: [plan]}\n"
        "hierarchy: [{signal: s, win: ship}]\n"
        "guardrails: [{id: g, when: 'any(s.segments, shrunk.high < 0)', call: hold}]\n",
        "hierarchy.yaml",
    )
    with pytest.raises(SignalsError, match="shrunk segments"):
        simulate(shrunk, planned(shrunk))
    with pytest.raises(SignalsError, match="nothing to vary"):
        operating_characteristics(policy, {})
    with pytest.raises(SignalsError, match="not a signal of this policy"):
        simulate(shrunk, designs)


def test_the_same_seed_gives_the_same_figures_and_another_gives_others(policy: Policy) -> None:
    designs = planned(policy)
    one, again, other = (simulate(policy, designs, {}, Setting(draws=4000, seed=seed)) for seed in (1, 1, 2))
    assert one == again
    assert one.calls != other.calls


def test_a_curve_is_made_of_points(policy: Policy) -> None:
    """Shared draws give the very figures of points that are simulated one by one."""
    designs = planned(policy)
    setting = Setting(draws=30_000)
    curve = operating_characteristics(policy, designs, steps=(-1.0, 0.0, 2.0), setting=setting)
    assert [point.at for point in curve.points] == [-1.0, 0.0, 2.0]
    for point in curve.points:
        alone = simulate(policy, designs, {"conversion": Effect(point.at or 0.0, "m")}, setting)
        assert point.calls == alone.calls
        assert point.deciders == alone.deciders
    assert curve.null.calls == simulate(policy, designs, {}, setting).calls
    assert (curve.false_ship, curve.power_rollback) == (curve.null.calls["ship"], curve.worse.calls["rollback"])
