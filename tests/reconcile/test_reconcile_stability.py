"""Stability is what drawing the raw data again would give, and obeys the laws of a share of draws."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.model import (
    Estimate,
    Interval,
    Measure,
    Numbers,
    Project,
    SegmentEstimate,
    Signal,
    SignalsError,
    Stability,
)
from signals.policy import Policy, decide, load_policy, parse_policy, settle
from signals.readings import read
from signals.reconcile.draws import Resampling, resampling
from signals.reconcile.stability import stability, told
from signals.workbench.simulation.design import scaled
from tests.reconcile.raw_kit import evidence_of, measured, shares
from tests.workbench.simulation.simulate_kit import AS_OF, RELEASE

POINTS = 0.03


@pytest.fixture(scope="module")
def project(root: Path, demo_store: str) -> Project:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNALS_STORE", demo_store)
        from signals.review import load

        return load(root)


@pytest.fixture(scope="module")
def policy(root: Path) -> Policy:
    return load_policy(root / "hierarchy.yaml")


@pytest.fixture(scope="module")
def bundled(project: Project, policy: Policy) -> dict[str, Resampling]:
    from signals.review import numbers_of

    return {one.id: resampling(policy, one, *numbers_of(project, policy, one)) for one in project.releases}


# --- raw data -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tuesday-small", "tuesday-large"])
def test_it_agrees_with_drawing_the_raw_data_again(name: str, project: Project, policy: Policy) -> None:
    """Users, shown answers, items and raters of the bundled standups drawn again, measured, read and decided."""
    release = next(one for one in project.releases if one.id == name)
    evidence, moment = evidence_of(project, policy, release)
    raw = shares(policy, release, evidence, moment, times=1000, seed=20_261_123)
    drawn = stability(resampling(policy, release, measured(policy, evidence), moment))
    for call, share in raw.items():
        assert drawn.calls.get(call, 0.0) == pytest.approx(share, abs=POINTS), (raw, drawn)  # type: ignore[call-overload]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["search-v5", "orders-v3"])
def test_agreement_agrees_with_drawing_the_items_again(name: str, project: Project, policy: Policy) -> None:
    """Releases that the judge decides, the one with its agreement near the threshold, with the raters as they are."""
    release = next(one for one in project.releases if one.id == name)
    evidence, moment = evidence_of(project, policy, release)
    raw = shares(policy, release, evidence, moment, times=400, seed=20_261_123, raters=False)
    made = resampling(policy, release, measured(policy, evidence), moment)
    drawn = stability(made)
    for call, share in raw.items():
        assert drawn.calls.get(call, 0.0) == pytest.approx(share, abs=0.05), (raw, drawn)  # type: ignore[call-overload]
    assert "judge.human_agreement" not in drawn.fixed
    held = replace(made, errors={}).calls()
    assert (abs(held["ship"] - raw["ship"]) > 0.1) == (name == "search-v5")  # what held agreement would have told


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, condition",
    [
        ("tuesday-large", "any(conversion.segments, adjusted.high < 0)"),
        ("tuesday-small", "any(conversion.segments, high < 0)"),
        ("tuesday-small", "conversion.heterogeneity_p < 0.2"),
    ],
)
def test_segments_agree_with_drawing_the_raw_data_again(
    name: str, condition: str, project: Project, policy: Policy
) -> None:
    """A policy that asks for the segments: their draws go with the whole's, around their own effects."""
    asks = parse_policy(
        policy.text[: policy.text.index("  panel:\n")]
        + "hierarchy: [{signal: conversion, win: ship, loss: hold}]\notherwise: ship\n"
        + f"guardrails: [{{id: g, when: '{condition}', call: rollback}}]\n"
    )
    release = next(one for one in project.releases if one.id == name)
    evidence, moment = evidence_of(project, asks, release)
    raw = shares(asks, release, evidence, moment, times=400, seed=1)
    drawn = resampling(asks, release, measured(asks, evidence), moment).calls()
    assert 0.01 < drawn["rollback"] < 0.99
    assert drawn == pytest.approx(raw, abs=POINTS)


def test_the_tuesday_standups(bundled: dict[str, Resampling]) -> None:
    """The small one is a HOLD that one draw in six turns into a ROLLBACK: its loss is that near."""
    small, large = (stability(bundled[name]) for name in ("tuesday-small", "tuesday-large"))
    assert small.calls["hold"] == pytest.approx(0.84, abs=0.02)
    assert small.calls["rollback"] == pytest.approx(0.16, abs=0.02)
    assert large.calls["rollback"] > 0.99
    assert small.draws == large.draws == 10_000


# --- laws -----------------------------------------------------------------------------------------------------------


def one(
    name: str,
    effect: float,
    se: float,
    *,
    df: float | None = None,
    control: float | None = None,
    segments: tuple[SegmentEstimate, ...] = (),
    n: int = 4000,
    kind: str = "experiment",
) -> Numbers:
    """Numbers with a symmetric interval."""
    half = 1.959963984540054 * se
    voting = Estimate(
        effect, effect - half, effect + half, "m", 0.95, se=se, df=df, p_value=0.5, control=control,
        candidate=None if control is None else control + effect, n_control=n, n_candidate=n,
    )  # fmt: skip
    return Numbers(name, kind, "m", "raw", {"raw": voting}, (), segments, last_at=AS_OF)  # type: ignore[arg-type]


def rules(text: str, **signals: str) -> Policy:
    lines = "".join(f"  {name}: {{kind: experiment, metric: {{name: m, type: mean}}, {how}}}\n"
                    for name, how in signals.items())  # fmt: skip
    return parse_policy(f"schema: 1\nname: p\nsignals:\n{lines}{text}")


PAIR = """
hierarchy:
  - {signal: a, win: ship, loss: rollback}
  - {signal: b, win: ship, loss: rollback}
guardrails:
  - {id: apart, when: a is win and b is not win, call: rollback}
"""
UP = "better: higher, margin: 0.1"
DOWN = "better: lower, margin: 0.1"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(effects=st.tuples(st.floats(-1, 1), st.floats(-1, 1)), errors=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)),
       together=st.floats(-1, 1), seed=st.integers(0, 99))  # fmt: skip
def test_shares_are_shares(
    effects: tuple[float, float], errors: tuple[float, float], together: float, seed: int
) -> None:
    both = {name: one(name, effect, se) for name, effect, se in zip("ab", effects, errors, strict=True)}
    pair = {frozenset("ab"): together}
    made = resampling(rules(PAIR, a=UP, b=UP), RELEASE, both, AS_OF, correlations=pair)
    found = made.calls(draws=500, seed=seed)
    assert sum(found.values()) == pytest.approx(1.0, abs=1e-12)
    assert min(found.values()) >= 0.0
    assert found == made.calls(draws=500, seed=seed)
    again = resampling(rules(PAIR, a=UP, b=UP), RELEASE, both, AS_OF, correlations=pair)
    assert found == again.calls(draws=500, seed=seed)


@settings(max_examples=25, deadline=None)
@given(effect=st.floats(-0.5, 0.5), se=st.floats(0.02, 0.3), other=st.floats(-0.5, 0.5), together=st.floats(-0.9, 0.9))
def test_which_arm_is_called_candidate_does_not_matter(effect: float, se: float, other: float, together: float) -> None:
    """Arms swapped and ``better`` turned: the same benefit, so the same shares, draw by draw."""
    pair = {frozenset("ab"): together}
    up = resampling(
        rules(PAIR, a=UP, b=UP), RELEASE, {"a": one("a", effect, se, df=30), "b": one("b", other, 0.1)}, AS_OF,
        correlations=pair,
    )  # fmt: skip
    down = resampling(
        rules(PAIR, a=DOWN, b=DOWN), RELEASE, {"a": one("a", -effect, se, df=30), "b": one("b", -other, 0.1)}, AS_OF,
        correlations=pair,
    )  # fmt: skip
    assert up.calls(draws=2000) == down.calls(draws=2000)
    # Of one signal only the better turns, and with it the sign of the correlation of the effects.
    mixed = resampling(
        rules(PAIR, a=UP, b=DOWN), RELEASE, {"a": one("a", effect, se, df=30), "b": one("b", -other, 0.1)}, AS_OF,
        correlations={frozenset("ab"): -together},
    )  # fmt: skip
    assert up.calls(draws=2000) == mixed.calls(draws=2000)


def test_swapped_counts_give_the_same_shares() -> None:
    """Counts are drawn arm by arm, so the draws differ and the shares agree within their error."""
    found = []
    for better, effect, control in (("higher", -0.02, 0.30), ("lower", 0.02, 0.28)):
        policy = parse_policy(
            f"schema: 1\nname: p\nsignals:\n  a: {{kind: experiment, metric: {{name: m, type: proportion}}, better: "
            f"{better}, margin: 1pp}}\nhierarchy: [{{signal: a, win: ship, loss: rollback}}]\n"
        )
        sizes = (4000, 5000) if better == "higher" else (5000, 4000)
        from signals.stats.proportion import score_interval

        made = score_interval((control + effect) * sizes[1], sizes[1], control * sizes[0], sizes[0], 0.95)
        voting = Estimate(made.effect, made.low, made.high, "", 0.95, se=made.se, p_value=made.p_value, control=control,
                          candidate=control + effect, n_control=sizes[0], n_candidate=sizes[1])  # fmt: skip
        numbers = Numbers("a", "experiment", "pp", "raw", {"raw": voting}, last_at=AS_OF)
        given = resampling(policy, RELEASE, {"a": numbers}, AS_OF)
        assert given.designs["a"].law == "proportion"
        found.append(given.calls(draws=40_000))
    assert found[0]["rollback"] == pytest.approx(found[1]["rollback"], abs=0.012)
    assert 0.3 < found[0]["rollback"] < 0.9


@settings(max_examples=40, deadline=None)
@given(effect=st.floats(-1, 1), other=st.floats(-1, 1))
def test_without_any_error_the_call_is_the_verdicts(effect: float, other: float) -> None:
    policy = rules(PAIR, a=UP, b=DOWN)
    both = {"a": one("a", effect, 1e-9), "b": one("b", other, 1e-9, df=12)}
    readings = {name: read(signal, both[name], AS_OF) for name, signal in policy.signals.items()}
    call = decide(policy, RELEASE, readings, AS_OF, "").call
    on_edge = any(abs(abs(value) - edge) < 1e-7 for value in (effect, other) for edge in (0.0, 0.1))
    assert on_edge or stability(resampling(policy, RELEASE, both, AS_OF), 500).calls == {call: 1.0}


def test_signals_with_the_same_error_never_part() -> None:
    """Correlated by 1, two equal signals win together; independent ones do not, and against each other never do."""
    both = {name: one(name, 0.2, 0.1) for name in "ab"}
    policy = rules(PAIR, a=UP, b=UP)
    found = {
        value: resampling(policy, RELEASE, both, AS_OF, correlations={frozenset("ab"): value}).calls()
        for value in (-1.0, 0.0, 0.8, 1.0)
    }
    assert found[1.0]["rollback"] < 0.01  # what is left is the spread of each, which is estimated by itself
    assert found[0.0]["rollback"] > found[0.8]["rollback"] > 0.1
    assert found[-1.0]["rollback"] > found[0.0]["rollback"]
    # A benefit that is a lower number: the effects of equal benefits are correlated by -1.
    turned = {"a": both["a"], "b": one("b", -0.2, 0.1)}
    down = resampling(rules(PAIR, a=UP, b=DOWN), RELEASE, turned, AS_OF, correlations={frozenset("ab"): -1.0})
    assert down.calls() == found[1.0]
    assert stability(down, 100).correlated == (("a", "b", -1.0),)


def test_more_evidence_settles_it(bundled: dict[str, Resampling]) -> None:
    """The loss of the small standup is real: with a hundred times the users every draw sees it."""
    given = bundled["tuesday-small"]
    found = []
    for times in (1, 2, 4, 16, 100):
        more = {"conversion": scaled(given.designs["conversion"], times)}
        found.append(given.calls(designs=more)["rollback"])
    assert found == sorted(found)
    assert found[0] < 0.2
    assert found[-1] == 1.0


# --- what is held ---------------------------------------------------------------------------------------------------


def test_missing_and_untrusted_signals_stay_so(bundled: dict[str, Resampling]) -> None:
    broken = stability(bundled["sample-ratio"])
    assert broken.calls == {"hold": 1.0}
    given = bundled["all-agree"]
    rest = {name: one for name, one in given.numbers.items() if name != "panel"}
    without = stability(resampling(given.policy, given.release, rest, given.as_of))
    assert without.calls == {"hold": 1.0}
    assert "panel (missing)" in without.fixed


def test_a_signal_without_an_interval_stays_as_it_was_read(bundled: dict[str, Resampling]) -> None:
    given = bundled["all-agree"]
    panel = given.numbers["panel"]
    voting = replace(panel.estimates[panel.voting], low=None, high=None, refused="one rater")
    numbers = {**given.numbers, "panel": replace(panel, estimates={panel.voting: voting})}
    found = resampling(given.policy, given.release, numbers, given.as_of)
    assert "panel" not in found.designs
    assert "panel (no interval: one rater)" in stability(found, 500).fixed
    assert found.undisturbed()["panel.state"] == "untrusted"


def test_checks_are_named_when_the_call_depends_on_them(bundled: dict[str, Resampling]) -> None:
    """Where the judge decides, its checks are; where conversion has lost already, they are not."""
    by_judge, by_conversion = stability(bundled["search-v5"], 200), stability(bundled["tuesday-large"], 200)
    assert "judge.same_judge" in by_judge.fixed
    assert "judge.human_agreement" not in by_judge.fixed  # it is drawn
    held = {
        name: replace(one, measures=tuple(replace(measure, se=None) for measure in one.measures))
        for name, one in bundled["search-v5"].numbers.items()
    }
    search = bundled["search-v5"]
    unknown = stability(resampling(search.policy, search.release, held, search.as_of), 200)
    assert "judge.human_agreement" in unknown.fixed  # its error is not known
    assert not any(one.startswith("judge.") for one in by_conversion.fixed)
    assert "conversion.sample_ratio_p" in by_conversion.fixed
    assert "conversion.full_weeks" not in by_conversion.fixed  # a loss stands
    assert "conversion.max_reversals" not in by_conversion.fixed  # it is drawn with the segments
    # A check that fails is named when passing would change the call.
    given = bundled["tuesday-large"]
    conversion = given.numbers["conversion"]
    measures = tuple(
        Measure(one.name, 0.0, "") if one.name == "sample_ratio_p" else one for one in conversion.measures
    )  # fmt: skip
    spoiled = {**given.numbers, "conversion": replace(conversion, measures=measures)}
    found = stability(resampling(given.policy, given.release, spoiled, given.as_of), 200)
    assert found.calls == {"hold": 1.0}
    assert "conversion.sample_ratio_p" in found.fixed
    assert "conversion.max_age" not in found.fixed  # untrusted either way


def test_shrunk_segments_are_held_and_said_to_be() -> None:
    policy = rules(
        "hierarchy: [{signal: a, win: ship, loss: rollback}]\n"
        "guardrails:\n  - {id: g, when: 'any(a.segments, shrunk.high < 0)', call: rollback}\n",
        a=f"{UP}, segments: [plan]",
    )

    def segment(name: str, shrunk: Interval) -> SegmentEstimate:
        return SegmentEstimate(f"plan={name}", 0.5, 2000, 2000, 0.3, 0.2, 0.4, 0.15, 0.45, None, None, shrunk)

    for high, call in ((0.4, "ship"), (-0.1, "rollback")):
        parts = (segment("a", Interval(0.3, 0.2, 0.4)), segment("b", Interval(high - 0.1, high - 0.2, high)))
        made = resampling(policy, RELEASE, {"a": one("a", 0.3, 0.05, segments=parts)}, AS_OF)
        assert not made.held  # only the shrunk numbers are: plain and adjusted bounds are drawn
        found = stability(made, 2000)
        assert found.calls[call] > 0.99  # type: ignore[index]  # a call
        assert "a.segments.shrunk" in found.fixed


def test_a_fact_that_a_draw_would_answer_otherwise_is_held() -> None:
    """A stored p-value that no law of the draws gives back: the condition keeps its answer."""
    policy = rules("hierarchy: [{signal: a, when: a.p_value < 0.01, win: ship}]", a=UP)
    numbers = one("a", 0.5, 0.1)
    voting = replace(numbers.estimates["raw"], p_value=0.03)
    made = resampling(policy, RELEASE, {"a": replace(numbers, estimates={"raw": voting})}, AS_OF)
    assert made.held == {"a.p_value": 0.03}
    found = stability(made, 500)
    assert found.calls == {"hold": 1.0}
    assert "a.p_value" in found.fixed


def test_draws_that_cannot_be_made_are_refused(bundled: dict[str, Resampling]) -> None:
    with pytest.raises(SignalsError, match="0 draws cannot be made"):
        stability(bundled["all-agree"], 0)


# --- words, weight --------------------------------------------------------------------------------------------------


def test_told() -> None:
    shaky = told(Stability({"rollback": 0.97, "hold": 0.03}, 10_000), "rollback")
    assert shaky.endswith("the evidence gives ROLLBACK in 97 % and HOLD in 3 %.")
    nearly = told(Stability({"rollback": 0.9997, "hold": 0.0003}, 10_000), "rollback")
    assert "100" not in nearly
    assert nearly.endswith("ROLLBACK in over 99 % and HOLD in under 1 %.")
    assert told(Stability({"hold": 1.0}, 10_000), "hold").endswith("gives HOLD every time.")
    assert "10,000 times" in shaky


def test_nothing_heavy_is_loaded(demo_store: str, root: Path) -> None:
    """A stored verdict and its stability: numpy, and none of the big libraries."""
    code = (
        "import sys\n"
        "from signals.review import load, numbers_of, policy_of\n"
        "from signals.reconcile.draws import resampling\n"
        "from signals.reconcile.stability import stability\n"
        "project = load(sys.argv[1]); policy = policy_of(project)\n"
        "for release in project.releases:\n"
        "    stability(resampling(policy, release, *numbers_of(project, policy, release)))\n"
        "heavy = [name for name in ('scipy', 'pandas', 'statsmodels', 'plotly') if name in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(root)], env={"SIGNALS_STORE": demo_store, "PATH": ""}, capture_output=True,
        text=True, check=False, cwd=root,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_undisturbed_draw_makes_the_verdicts_call(bundled: dict[str, Resampling]) -> None:
    for name, made in bundled.items():
        signals: dict[str, Signal] = dict(made.policy.signals)
        readings = {key: read(signal, made.numbers.get(key), made.as_of) for key, signal in signals.items()}
        call = decide(made.policy, made.release, readings, made.as_of, "").call
        found = made.undisturbed()
        assert settle(made.rules, found).call == call, name
        assert {key: found[f"{key}.state"] for key in signals} == {key: one.state for key, one in readings.items()}
