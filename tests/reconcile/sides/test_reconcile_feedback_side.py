from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from side_kit import (
    ARMS,
    Users,
    at,
    causes,
    covariance,
    day,
    evidence,
    feedback_cells,
    mask,
    other,
    plans,
    refusals,
    signal,
)

from signals.model import FeedbackCell, Moments
from signals.readings import measure
from signals.reconcile.sides.base import Mix
from signals.reconcile.sides.cells import days_of
from signals.reconcile.sides.feedback import feedback_mix, feedback_side
from signals.reconcile.sides.feedback_shape import Shape, Thumbs, arms_of
from signals.stats.difference import RefusedError
from signals.stats.missing import from_counts, lee
from signals.stats.moments import merge

PLANS = np.array(["free", "pro"])
THUMBS = signal("feedback")
SHOWN = signal("feedback", estimate="per_impression")


def draw(seed: int, n: int = 3_000, extra: float = 0.05, like: float = 0.02, days: int = 8) -> dict[str, Users]:
    """Users with x answers shown, d ratings, y thumbs up; the candidate's satisfied rate more by ``extra``."""
    rng = np.random.default_rng(seed)
    made = {}
    for place, arm in enumerate(ARMS):
        size = n + 41 * place
        when, plan = rng.integers(0, days, size), PLANS[(rng.random(size) < 0.3).astype(int)]
        x = rng.integers(1, 8, size)
        happy = rng.binomial(x, np.clip(rng.normal(0.6, 0.15, size) + 0.1 * (plan == "pro") + place * like, 0, 1))
        fade = place * 0.05 * (when < days / 2)
        y = rng.binomial(happy, 0.15 + 0.1 * (plan == "pro") + place * extra)
        d = y + rng.binomial(x - happy, np.clip(0.15 - fade, 0, 1))
        made[arm] = Users(y, when, plan, x, d)
    return made


def counted(users: Any, *, shown: bool = True, dated: bool = True) -> Any:
    """The same as a source without users counts it."""
    cells = []
    for arm, one in users.items():
        for when in np.unique(one.day):
            for plan in PLANS:
                part = one.take((one.day == when) & (one.plan == plan))
                d, p = int(part.d.sum()), float(part.y.sum() / part.d.sum())
                moments = Moments(d, p, d * p * (1 - p), d_mean=1.0, d_m2=0.0, yd=0.0)
                impressions = int(part.x.sum()) if shown else None
                cells.append(
                    FeedbackCell(
                        arm, (("plan", str(plan)),), day(int(when)) if dated else None, impressions, False, moments
                    )
                )
    return tuple(cells)


def sided(some: Any, made: Any = THUMBS, **fields: Any) -> Any:
    numbers = measure(made, some)
    return numbers, feedback_side(made, some, numbers, other(**fields))


@pytest.mark.parametrize("make", [feedback_cells, counted])
@pytest.mark.parametrize("made", [THUMBS, SHOWN], ids=["per response", "per answer shown"])
def test_the_number_that_votes_and_its_error_are_those_of_the_reading(make: Any, made: Any) -> None:
    some = evidence(feedback=make(draw(1)))
    numbers, side = sided(some, made, mix=plans(free=0.5, pro=0.5))
    voting = numbers.estimates[numbers.voting]
    assert numbers.voting == (made.estimate if made is SHOWN else "per_response")
    assert side.values[0] == voting.effect
    assert covariance(side)[0, 0] == pytest.approx(voting.se**2, rel=1e-9)
    assert side.df == voting.df
    assert all(key[0] == "s" for key in side.moves)
    # Before it is stretched to the reading's error it is within what small samples make of it.
    totals = Thumbs(arms_of(some), numbers.voting).totals(frozenset(), ())
    plain = Shape(numbers.voting, None, False, 1.0, totals).effect(late=False, population=False, response=False)
    assert totals.variance(plain) == pytest.approx(voting.se**2, rel=0.005)


@pytest.mark.parametrize("toward", [1.0, -1.0])
@pytest.mark.parametrize("extra", [0.05, -0.05])
@pytest.mark.parametrize("make", [feedback_cells, counted])
def test_response_is_the_end_of_lees_bounds_towards_the_other(make: Any, extra: float, toward: float) -> None:
    cells = make(draw(2, extra=extra))
    _, side = sided(evidence(feedback=cells), toward=toward, mix=plans(free=0.5, pro=0.5))
    assert causes(side) == ["population", "response", "timing"]

    def bound(some: Any) -> float:
        parts = {arm: [cell for cell in some if cell.variant == arm] for arm in ARMS}
        shown = {
            arm: from_counts(*(sum(column) for column in zip(*map(tally, some), strict=True)))
            for arm, some in parts.items()
        }
        found = lee(shown["new"], shown["old"], 0.95)
        return found.most if toward > 0 else found.least

    assert at(side, "response") == pytest.approx(bound(cells))
    assert at(side, "response", "timing") == pytest.approx(bound([c for c in cells if c.day >= day(4)]))
    by_plan = [bound([c for c in cells if c.segment == (("plan", plan),)]) for plan in PLANS]
    assert at(side, "response", "population") == pytest.approx(sum(by_plan) / 2)
    late = [bound([c for c in cells if c.segment == (("plan", plan),) and c.day >= day(4)]) for plan in PLANS]
    assert at(side, "response", "population", "timing") == pytest.approx(sum(late) / 2)
    assert (at(side, "response") - at(side)) * toward > 0


def tally(cell: Any) -> tuple[float, float, float]:
    d = cell.moments.n * cell.moments.d_mean
    return cell.moments.n * cell.moments.mean, d, cell.impressions


@pytest.mark.parametrize("toward", [1.0, -1.0])
@pytest.mark.parametrize("first", [1.10, 0.90])
def test_extra_raters_that_change_sides_are_trimmed_where_they_are(first: float, toward: float) -> None:
    """More ratings for one variant on the first days and for the other on the last: each bound is one all the same."""
    cells = []
    for arm, up in (("old", 0.60), ("new", 0.58)):
        for number in range(8):
            early, more = number < 4, {("new", True): first, ("old", False): (1.0 + first) / 2.0}
            n = round(40_000 * 0.06 * more.get((arm, early), 1.0))
            moments = Moments(n, up, n * up * (1 - up), d_mean=1.0, d_m2=0.0, yd=0.0)
            cells.append(FeedbackCell(arm, (), day(number), 40_000, False, moments))
    _, side = sided(evidence(feedback=tuple(cells)), toward=toward)

    def bound(some: Any) -> float:
        shown = [
            from_counts(*(sum(column) for column in zip(*(tally(c) for c in some if c.variant == arm), strict=True)))
            for arm in reversed(ARMS)
        ]
        found = lee(*shown, 0.95)
        return found.most if toward > 0 else found.least

    late = [cell for cell in cells if cell.day >= day(4)]
    rates = [[sum(c.moments.n for c in some if c.variant == arm) for arm in ARMS] for some in (cells, late)]
    assert (rates[0][0] < rates[0][1]) != (rates[1][0] < rates[1][1])
    assert at(side, "response") == pytest.approx(bound(cells))
    assert at(side, "response", "timing") == pytest.approx(bound(late))
    for more in ((), ("timing",)):
        assert (at(side, "response", *more) - at(side, *more)) * toward > 0
    assert "on the later days the" in next(one.evidence for one in side.corrections if one.cause == "response")


def test_population_and_timing_are_what_readings_of_parts_say() -> None:
    users = draw(3)
    cells = feedback_cells(users)
    _, side = sided(evidence(feedback=cells), mix=plans(free=0.25, pro=0.75))

    def reading(some: Any) -> Any:
        return measure(THUMBS, evidence(feedback=tuple(some))).estimates["per_response"]

    late = reading(c for c in cells if c.day >= day(4))
    assert at(side, "timing") == pytest.approx(late.effect)
    assert covariance(side)[mask(side, "timing"), mask(side, "timing")] == pytest.approx(late.se**2, rel=0.02)
    free, pro = (reading(c for c in cells if c.segment == (("plan", plan),)) for plan in PLANS)
    place = mask(side, "population")
    assert side.values[place] == pytest.approx(0.25 * free.effect + 0.75 * pro.effect)
    want = 0.25**2 * free.se**2 + 0.75**2 * pro.se**2
    assert covariance(side)[place, place] == pytest.approx(want, rel=0.02)
    assert side.corrections[0].evidence == "ratings weighted by plan to conversion's users"
    ratings = sum(int(one.d.sum()) for one in users.values())
    assert side.corrections[2].evidence.endswith(f" of {ratings:,} ratings")
    assert side.corrections[2].evidence.startswith(
        "users who came 6 Nov 2026 to 9 Nov 2026, the later half of 8 days: "
    )


def test_per_answer_shown_is_weighted_to_the_others_mix_alone() -> None:
    users = draw(3)
    some = evidence(feedback=feedback_cells(users))
    _, side = sided(some, SHOWN, mix=plans(free=0.25, pro=0.75))
    assert causes(side) == ["population", "timing"]
    rates = {
        (arm, plan): one.y[one.plan == plan].sum() / one.x[one.plan == plan].sum()
        for arm, one in users.items()
        for plan in PLANS
    }
    free, pro = (rates["new", plan] - rates["old", plan] for plan in PLANS)
    assert at(side, "population") == pytest.approx(0.25 * free + 0.75 * pro)
    _, own = sided(some, SHOWN, why_no_mix=("nobody knows", "ask"))
    assert refusals(own)["population"] == ("nobody knows", "ask")


def test_without_the_others_mix_it_is_everyone_who_was_shown_an_answer() -> None:
    users = draw(4)
    some = evidence(feedback=feedback_cells(users))
    _, side = sided(some)
    shown = {plan: sum(int(one.x[one.plan == plan].sum()) for one in users.values()) for plan in PLANS}
    whole = sum(shown.values())
    _, given = sided(some, mix=plans(free=shown["free"] / whole, pro=shown["pro"] / whole))
    assert side.values == pytest.approx(given.values)
    assert side.corrections[0].evidence == "ratings weighted by plan to everyone who was shown an answer"
    # The shares are estimated: that adds an error where segments differ, and little here.
    assert covariance(side)[1, 1] == pytest.approx(covariance(given)[1, 1], rel=0.01)
    foreign = Mix("traffic", {(("locale", "de"),): 1.0})
    _, fallen = sided(some, mix=foreign)
    assert fallen.values.tolist() == side.values.tolist()
    mix = feedback_mix(THUMBS, some)
    assert mix is not None
    assert mix.shares == pytest.approx({(("plan", plan),): shown[plan] / whole for plan in PLANS})
    blind = evidence(feedback=feedback_cells(users, shown=False))
    by_rating = feedback_mix(THUMBS, blind)
    ratings = {plan: sum(int(one.d[one.plan == plan].sum()) for one in users.values()) for plan in PLANS}
    assert by_rating is not None
    assert by_rating.shares[("plan", "pro"),] == pytest.approx(ratings["pro"] / sum(ratings.values()))
    assert days_of(THUMBS, some) == {day(k) for k in range(8)}


def test_what_is_refused_and_what_would_allow_it() -> None:
    users = draw(5)
    plain = feedback_cells(users, segments=False)
    _, side = sided(evidence(feedback=plain), mix=plans(free=1.0))
    assert refusals(side) == {"population": ("the thumbs carry no segments", "map `segment.*` in their source")}
    blind = evidence(feedback=feedback_cells(users, shown=False))
    _, side = sided(blind)
    assert refusals(side)["response"] == (
        "the source does not know how many answers were shown", "pull how many answers were shown",
    )  # fmt: skip
    assert refusals(side)["population"] == refusals(side)["response"]
    assert causes(side) == ["timing"]
    _, side = sided(evidence(feedback=counted(users, dated=False)), SHOWN, why_no_mix=("nobody knows", "ask"))
    assert refusals(side) == {
        "population": ("nobody knows", "ask"),
        "response": ("everyone who was shown an answer counts already", "nothing: it cannot be due to who rates"),
        "timing": ("its cells carry no day", "map `at` (`day` where the source counts)"),
    }
    assert side.values.shape == (1,)
    _, side = sided(evidence(feedback=feedback_cells(draw(5, n=90))))
    assert "gave an arm's rarer thumb; 10 are needed" in refusals(side)["timing"][0]
    _, side = sided(evidence(feedback=feedback_cells(users)), mix=plans(free=0.5, team=0.5))
    assert refusals(side)["population"] == (
        "segments with at least 30 ratings in each arm hold 50.0 % of conversion's users",
        "more ratings of plan=team",
    )
    _, side = sided(evidence(feedback=feedback_cells(users)), mix=plans(free=0.5, pro=0.4, team=0.1))
    assert side.corrections[0].evidence.endswith(", all but the 10.0 % of segments that are too thin")
    corrected = signal("feedback", estimate="corrected")
    with pytest.raises(RefusedError, match="cannot be computed yet"):
        sided(evidence(feedback=plain), corrected)


def test_the_words_of_the_response() -> None:
    users = draw(2, extra=0.05)
    numbers, side = sided(evidence(feedback=feedback_cells(users)), toward=-1.0)
    rates = {arm: one.d.sum() / one.x.sum() for arm, one in users.items()}
    said = side.corrections[1].evidence
    more = 100 * (rates["new"] / rates["old"] - 1)
    assert said.startswith(
        f"{more:.0f} % more ratings for the candidate ({100 * rates['new']:.1f} % of the candidate's"
    )
    assert "; at most this, if all of the extra ones were satisfied; " in said
    assert said.endswith("went against its responders and the rest were like them, the sign would turn")
    assert numbers.voting == "per_response"
    up = sided(evidence(feedback=feedback_cells(users)), toward=1.0)[1]
    assert "if none of the extra ones was satisfied" in up.corrections[1].evidence
    less = draw(2, extra=-0.05)
    down = sided(evidence(feedback=feedback_cells(less)), toward=-1.0)[1]
    assert "more ratings for the control (" in down.corrections[1].evidence
    assert "if none of the extra ones was satisfied" in down.corrections[1].evidence


@settings(max_examples=25, derandomize=True, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    extra=st.floats(-0.08, 0.08),
    toward=st.sampled_from([1.0, -1.0]),
    make=st.sampled_from([feedback_cells, counted]),
)
def test_swapping_the_arms_turns_every_sign(seed: int, extra: float, toward: float, make: Any) -> None:
    users = draw(seed, n=700, extra=extra)
    cells = make(users)
    swap = {"old": "new", "new": "old"}
    swapped = tuple(replace(cell, variant=swap[cell.variant]) for cell in cells)
    _, one = sided(evidence(feedback=cells), toward=toward, mix=plans(free=0.6, pro=0.4))
    _, two = sided(evidence(feedback=swapped), toward=-toward, mix=plans(free=0.6, pro=0.4))
    assume(causes(one) == ["population", "response", "timing"])
    assert one.values == pytest.approx(-two.values)
    assert covariance(one) == pytest.approx(covariance(two))
    # A bound lies on the side that it is to explain, whoever has more ratings.
    assert (at(one, "response") - at(one)) * toward >= -1e-12


def test_splitting_cells_changes_nothing() -> None:
    cells = feedback_cells(draw(6), segments=False)
    whole = [
        replace(some[0], day=None, impressions=sum(c.impressions for c in some), moments=merge(c.moments for c in some))
        for some in ([c for c in cells if c.variant == arm] for arm in ARMS)
    ]
    undated = tuple(replace(cell, day=None) for cell in cells)
    one, two = (sided(evidence(feedback=some))[1] for some in (tuple(whole), undated))
    assert one.values == pytest.approx(two.values)
    assert covariance(one) == pytest.approx(covariance(two))


@pytest.mark.slow
@pytest.mark.parametrize("toward", [1.0, -1.0])
def test_the_covariance_is_that_of_drawing_the_users_anew(toward: float) -> None:
    users = draw(7, n=1_500, extra=0.06)
    fields = {"toward": toward}
    _, side = sided(evidence(feedback=feedback_cells(users)), **fields)
    rng = np.random.default_rng(8)
    drawn = []
    for _ in range(400):
        again = {arm: one.take(rng.integers(0, one.y.size, one.y.size)) for arm, one in users.items()}
        drawn.append(sided(evidence(feedback=feedback_cells(again)), **fields)[1].values)
    found, want = np.cov(np.array(drawn).T), covariance(side)
    scale = np.sqrt(np.outer(np.diag(want), np.diag(want)))
    assert np.abs((found - want) / scale).max() < 0.28


@pytest.mark.slow
@pytest.mark.parametrize("apart", [-4, -1, 0, 1, 4])
def test_the_bound_holds_its_truth_at_the_kink(apart: int) -> None:
    # Response rates 0 to 4 standard errors apart: on one side of the kink the bound rises 2.3 times as steeply.
    shown, p = 40_000, 0.7
    r0 = 0.1
    r1 = r0 + apart * (2 * r0 * (1 - r0) / shown) ** 0.5
    truth = (r1 - r0) * p / r0 if r1 > r0 else (r0 - r1) * (1 - p) / r1
    rng = np.random.default_rng(11)
    inside = []
    for _ in range(600):
        cells = []
        for arm, rate in (("old", r0), ("new", r1)):
            d = int(rng.binomial(shown, rate))
            moments = replace(from_counts(rng.binomial(d, p), d, d), x_mean=None, x_m2=None, xy=None, xd=None)
            cells.append(FeedbackCell(arm, (), None, shown, False, moments))
        _, side = sided(evidence(feedback=tuple(cells)), toward=1.0)
        part = at(side, "response") - at(side)
        error = sum((move[1] - move[0]) ** 2 for move in side.moves.values()) ** 0.5
        inside.append(abs(part - truth) < 1.96 * error)
    assert 0.935 <= np.mean(inside) <= 0.985


def test_a_segment_that_is_too_thin_by_two_dimensions_is_taken_by_one() -> None:
    users = draw(9, n=400)
    names = ("de", "en", "fr", "it")
    some = [
        replace(cell, segment=(("locale", names[cell.day.day % 4]), *cell.segment)) for cell in feedback_cells(users)
    ]
    cells = {(("locale", name), ("plan", plan)): 0.125 for name in names for plan in PLANS}
    cells |= {key: part * (1.6 if key[1][1] == "pro" else 0.4) for key, part in cells.items()}
    _, side = sided(evidence(feedback=tuple(some)), mix=Mix("traffic", cells))
    _, one = sided(evidence(feedback=feedback_cells(users)), mix=plans(free=0.2, pro=0.8))
    assert side.corrections[0].evidence == "ratings weighted by plan to traffic"
    assert side.values == pytest.approx(one.values)
