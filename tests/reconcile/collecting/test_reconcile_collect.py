"""What to collect next: amounts, order, and when to propose nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from signals.model import Collection, Estimate, Numbers
from signals.policy.corrected import corrected_error
from signals.reconcile.collecting.collect import MATTERS, SETTLED, SURE, _which
from signals.reconcile.collecting.option import MOST
from signals.reconcile.collecting.options import options
from signals.reconcile.collecting.prospects import Prospect, Prospects
from signals.reconcile.collecting.waiting import Label
from tests.reconcile.collecting.collect_kit import (
    AS_OF,
    JUDGE,
    PEOPLE,
    RELEASE,
    REVENUE,
    SPEED,
    Case,
    Z,
    case,
    judge,
    mean,
    panel,
)

ONE = "hierarchy:\n  - {signal: revenue, win: ship, loss: rollback}\n"
BY_PEOPLE = "hierarchy:\n  - {signal: people, win: ship, loss: rollback}\n"
PARTS = (0.3, 0.002, 0.4)


def options_of(one: Case, name: str) -> dict[str, object]:
    found = options(one.policy, one.verdict, name, one.given.designs[name])
    return {option.unit: option for option in found if not option.last}


def first(one: Case) -> Collection:
    found, why = one.collections()
    assert not why
    return found[0]


# --- when there is something to collect -----------------------------------------------------------------------------


def test_an_unclear_test_is_settled_by_the_fewest_users_that_do() -> None:
    one = case(REVENUE, ONE, mean("revenue", 0.45, 0.3))
    assert one.verdict.call == "hold"
    found, why = one.collections()
    assert (why, [part.settles for part in found]) == ("", [True])
    best = found[0]
    assert (best.signal, best.unit, best.cost, best.currency) == ("revenue", "users", None, "")
    assert best.after >= SETTLED > best.before
    assert best.gain == pytest.approx(best.after - best.before)
    assert best.days == math.ceil(best.amount / 1000)
    assert best.what == f"{best.days} more days for {best.amount:,} users"
    assert best.why.startswith("Which call it would be is open until then: SHIP in ")
    # The next smaller amount that was tried does not.
    option = options_of(one, "revenue")["users"]
    rungs = option.rungs  # type: ignore[attr-defined]
    smaller = rungs[rungs.index(best.amount) - 1]
    assert Prospects(one.given).after({"revenue": option.design(smaller)}).stability < SETTLED  # type: ignore[attr-defined]


def test_without_a_rate_there_are_no_days() -> None:
    best = first(case(REVENUE, ONE, mean("revenue", 0.45, 0.3, rate=None)))
    assert (best.days, best.what) == (None, f"{best.amount:,} more users")


def test_a_call_that_nearly_every_draw_makes_asks_for_nothing() -> None:
    assert case(REVENUE, ONE, mean("revenue", 2.0, 0.3)).collections() == ((), "")
    assert case(REVENUE, ONE, mean("revenue", -2.0, 0.3)).collections() == ((), "")


def test_a_shaky_ship_asks_for_more() -> None:
    one = case(REVENUE, ONE, mean("revenue", 0.62, 0.3))
    assert one.verdict.call == "ship"
    best = first(one)
    assert best.before < SURE
    assert best.settles
    assert best.after >= SETTLED


def test_a_signal_that_decides_nothing_is_not_asked_for_more() -> None:
    rules = ONE + "  - {signal: people, loss: hold}\n"
    one = case(REVENUE + PEOPLE, rules, mean("revenue", 0.45, 0.3), panel("people", 1.0, PARTS, 60, 6))
    assert {part.signal for part in one.collections()[0]} == {"revenue"}


def test_every_call_that_could_come_out_is_named_with_its_share() -> None:
    """Enough evidence makes the call sure whichever it is; a HOLD that waits is told from one that is an answer."""
    shares: dict[Label, float] = {"ship": 0.38, "rollback": 0.42, "hold": 0.2, "open": 0.0}
    is_open = "Which call it would be is open until then:"
    assert _which(Prospect(0.9, shares)) == f"{is_open} ROLLBACK in 42 %, SHIP in 38 % and HOLD in 20 % of cases"
    waits: dict[Label, float] = {"ship": 0.64, "rollback": 0.04, "hold": 0.1, "open": 0.22}
    assert _which(Prospect(0.6, waits)) == (
        f"{is_open} SHIP in 64 %, a HOLD that still waits in 22 % and a settled HOLD in 10 % of cases"
    )
    one: dict[Label, float] = {"ship": 0.999, "rollback": 0.0, "hold": 0.001, "open": 0.0}
    assert _which(Prospect(0.999, one)) == "The call would be SHIP in over 99 % of cases"


def test_the_same_release_has_the_same_answer() -> None:
    one = case(REVENUE, ONE, mean("revenue", 0.45, 0.3))
    assert one.collections() == one.collections()


# --- amounts are those of the designs, and of the ways out ----------------------------------------------------------


def test_users_shrink_the_error_with_their_root() -> None:
    one = case(REVENUE, ONE, mean("revenue", 0.45, 0.3, n=20_000))
    option = options_of(one, "revenue")["users"]
    for amount, times in ((40_000, 2.0), (120_000, 4.0)):
        assert option.design(amount).se == pytest.approx(0.3 / math.sqrt(times))  # type: ignore[attr-defined]
    assert max(option.rungs) <= 40_000 * (MOST - 1.0)  # type: ignore[attr-defined]


def test_items_do_not_shrink_what_the_choice_of_raters_adds() -> None:
    one = case(PEOPLE, BY_PEOPLE, panel("people", 0.1, (0.3, 0.02, 0.4), 60, 4))
    found = options_of(one, "people")
    items, raters = found["items"], found["raters"]
    assert items.design(60).se ** 2 == pytest.approx(0.3 / 120 + 0.02 / 4 + 0.4 / 480)  # type: ignore[attr-defined]
    assert raters.design(4).se ** 2 == pytest.approx(0.3 / 60 + 0.02 / 8 + 0.4 / 480)  # type: ignore[attr-defined]
    assert items.design(10**7).se ** 2 == pytest.approx(0.02 / 4, rel=0.01)  # type: ignore[attr-defined]
    assert raters.design(4).checks["min_raters"] == 8  # type: ignore[attr-defined]
    assert items.what(80) == "80 more items, graded by the same 4 raters"  # type: ignore[attr-defined]
    assert raters.what(1) == "1 more rater to grade all 60 items"  # type: ignore[attr-defined]


def test_raters_who_seem_not_to_differ_are_supposed_not_to() -> None:
    """Four raters cannot show it: where their variance comes out as 0, the worth of more items by them rests on it."""
    alike = case(PEOPLE, BY_PEOPLE, panel("people", 0.12, (0.3, 0.0, 0.4), 60, 4))
    assert options_of(alike, "people")["items"].supposes == "if the raters differ as little as it seems"  # type: ignore[attr-defined]
    assert first(alike).why.startswith("That holds if the raters differ as little as it seems. Which call it would be ")
    other = case(PEOPLE, BY_PEOPLE, panel("people", 0.12, PARTS, 60, 4))
    assert options_of(other, "people")["items"].supposes == ""  # type: ignore[attr-defined]
    fixed = PEOPLE + "    raters: fixed\n"
    known = case(fixed, BY_PEOPLE, panel("people", 0.12, (0.3, 0.0, 0.4), 60, 4))
    assert options_of(known, "people")["items"].supposes == ""  # type: ignore[attr-defined]


def test_raters_who_are_the_panel_are_not_joined_by_others() -> None:
    fixed = PEOPLE + "    raters: fixed\n"
    assert set(options_of(case(fixed, BY_PEOPLE, panel("people", 0.1, PARTS, 60, 4)), "people")) == {"items"}


def test_where_raters_make_the_error_raters_are_asked_for() -> None:
    one = case(PEOPLE, BY_PEOPLE, panel("people", 0.3, (0.1, 0.1, 0.1), 100, 4))
    found, _ = one.collections()
    assert [part.unit for part in found if part.settles] == ["raters"]


def test_a_check_that_fails_for_want_of_items_is_passed_by_just_enough() -> None:
    """As many as the way out of the hold says: the effect itself is beyond doubt."""
    one = case(PEOPLE, BY_PEOPLE, panel("people", 1.5, PARTS, 38, 6))
    need = next(need for need in one.verdict.needs if need.signal == "people")
    best = first(one)
    assert (need.amount, need.unit) == (12, "items")
    assert (best.amount, best.unit, best.settles) == (12, "items", True)


def test_a_test_that_wins_waits_for_whole_weeks() -> None:
    weeks = REVENUE + "    trust: {full_weeks: 3}\n"
    one = case(weeks, ONE, mean("revenue", 3.0, 0.3, full_weeks=2.0))
    assert one.verdict.call == "hold"
    best = first(one)
    assert (best.days, best.amount) == (7, 7000)  # 14 of 21 days are there, at 1,000 users a day
    assert one.verdict.needs[0].by == date(2026, 11, 24)


def test_the_amount_of_the_way_out_is_among_those_tried() -> None:
    one = case(REVENUE, ONE, mean("revenue", 0.1, 0.3))
    need = one.verdict.needs[0]
    option = options_of(one, "revenue")["users"]
    assert need.amount in option.rungs  # type: ignore[attr-defined]
    best = first(one)
    assert best.amount > need.amount
    then = Prospects(one.given).after({"revenue": option.design(need.amount)}).stability  # type: ignore[attr-defined]
    assert best.why.endswith(f". With the {need.amount:,} users of the way out, redraws agree in {100 * then:.0f} %")


def test_planned_looks_are_the_days_that_count() -> None:
    looks = REVENUE + "    looks: [2026-11-10, 2026-11-24, 2026-12-15]\n    planned_units: 80000\n"
    best = first(case(looks, ONE, mean("revenue", 0.55, 0.3)))
    assert best.days in (7, 28)  # from 17 November to the next looks
    late = REVENUE + "    looks: [2026-11-03, 2026-11-10]\n    planned_units: 80000\n"
    found, why = case(late, ONE, mean("revenue", 0.55, 0.3)).collections()
    assert (found, bool(why)) == ((), True)


# --- a judge --------------------------------------------------------------------------------------------------------

CORRECTED = JUDGE + "    estimate: corrected\n    human_scale: [1, 5]\n"
BY_JUDGE = "hierarchy:\n  - {signal: judge, win: ship, loss: rollback}\n"


def people(se: float, labels: int) -> Estimate:
    return Estimate(0.03, 0.03 - Z * se, 0.03 + Z * se, "people", 0.95, se=se, n_control=labels, n_candidate=labels)


def test_labels_on_the_overlap_shrink_a_corrected_error_as_double_sampling_says() -> None:
    numbers = judge(
        "judge", 0.02, 0.015, 400, voting="corrected", human=people(0.03, 80),
        components={"raters": 5.0, "rater_error": 0.00002}, min_overlap=80.0,
    )  # fmt: skip
    one = case(CORRECTED, BY_JUDGE, numbers)
    found = options_of(one, "judge")
    parts = corrected_error(one.verdict.readings["judge"])
    assert parts is not None
    assert parts.squared(80, 400) == pytest.approx(0.015**2)
    labels = found["items graded by people"]
    assert labels.design(80).se ** 2 == pytest.approx(parts.squared(160, 400))  # type: ignore[attr-defined]
    assert labels.design(80).checks["min_overlap"] == 160  # type: ignore[attr-defined]
    assert max(labels.rungs) == 320  # type: ignore[attr-defined]  # nobody can grade more than what was judged
    both = found["items"]
    assert both.design(400).se ** 2 == pytest.approx(parts.squared(160, 800))  # type: ignore[attr-defined]
    assert both.what(400) == "400 more golden items, 80 of them graded by people"  # type: ignore[attr-defined]
    raters = found["raters"]
    assert raters.design(5).se ** 2 == pytest.approx(parts.squared(80, 400, 10))  # type: ignore[attr-defined]


def test_a_judge_that_nobody_was_held_against_needs_labels() -> None:
    rules = "hierarchy:\n  - {signal: judge, when: judge.human_agreement >= 0.5, win: ship, loss: hold}\n"
    one = case(JUDGE, rules, judge("judge", 0.06, 0.01, 200, human_agreement=None, min_overlap=10.0))
    assert one.verdict.call == "hold"
    best = first(one.priced("judge: {label: 8, item: 0.05}"))
    assert (best.amount, best.unit) == (40, "items graded by people")
    assert best.cost == pytest.approx(320.0)
    assert best.why.startswith("That holds if people agree with the judge. The call would be SHIP in ")
    known = case(JUDGE, rules, judge("judge", 0.06, 0.01, 200, human_agreement=0.3, min_overlap=90.0))
    found, why = known.collections()
    assert found == ()
    assert "0.5" in why


def test_a_judge_whose_coverage_is_asked_for_needs_a_sample_of_traffic() -> None:
    trust = JUDGE + "    trust: {coverage: 80%}\n"
    best = first(
        case(trust, BY_JUDGE, judge("judge", 0.06, 0.01, 200, coverage=None)).priced("judge: {traffic_sample: 400}")
    )
    assert (best.amount, best.cost, best.after) == (1, 400.0, pytest.approx(1.0, abs=0.01))
    assert best.what == "a sample of traffic that tells its segments' shares"


BY_AGREEMENT = "hierarchy:\n  - {signal: judge, when: judge.human_agreement >= 0.5, win: ship, loss: hold}\n"


def agreeing(value: float, overlap: float = 60.0, error: float = 0.11) -> Numbers:
    """A judge that wins beyond doubt, whose word hangs on how far people agree with it."""
    numbers = judge("judge", 0.06, 0.005, 200, human_agreement=value, min_overlap=overlap)
    measures = (replace(one, se=error) if one.name == "human_agreement" else one for one in numbers.measures)
    return replace(numbers, measures=tuple(measures))


def test_a_call_that_hangs_on_peoples_agreement_asks_them_to_grade_more() -> None:
    one = case(JUDGE, BY_AGREEMENT, agreeing(0.6)).priced("judge: {item: 4, label: 8}")
    assert one.verdict.call == "ship"
    best, *others = one.collections()[0]
    assert (best.unit, best.settles, others) == ("items graded by people", True, [])
    assert best.before == pytest.approx(0.79, abs=0.02)  # as often as agreement above 0.5 is drawn, on Fisher's scale
    assert (
        best.what == f"{best.amount} more items graded by people under both variants, {best.amount - 140} of them new"
    )
    assert best.cost == pytest.approx(8 * best.amount + 4 * (best.amount - 140))
    # In as many of the futures: agreement then is as far from the threshold as before, and its error as small as this.
    option = options_of(one, "judge")["items graded by people"]
    assert option.design(140).checks["min_overlap"] == 200  # type: ignore[attr-defined]
    assert option.design(140).n == 200  # type: ignore[attr-defined]
    assert option.design(240).n == 300  # type: ignore[attr-defined]


def test_people_are_not_asked_to_grade_what_nobody_asks_about() -> None:
    assert "items graded by people" not in options_of(case(JUDGE, BY_JUDGE, agreeing(0.6)), "judge")
    assert case(JUDGE, BY_AGREEMENT, agreeing(0.95, error=0.02)).collections() == ((), "")


def test_a_judge_that_too_few_were_graded_of_is_passed_by_just_enough() -> None:
    trust = JUDGE + "    trust: {min_overlap: 50}\n"
    one = case(trust, BY_JUDGE, agreeing(0.9, overlap=38.0))
    need, best = one.verdict.needs[0], first(one)
    assert (need.amount, need.unit) == (12, "items graded by people")
    assert (best.amount, best.unit, best.settles) == (12, "items graded by people", True)


# --- order ----------------------------------------------------------------------------------------------------------


def test_prices_decide_what_comes_first() -> None:
    one = case(PEOPLE, BY_PEOPLE, panel("people", 0.3, (0.3, 0.02, 0.3), 60, 6))
    assert {part.unit for part in one.collections()[0] if part.settles} == {"items", "raters"}
    cheap, dear = (one.priced(f"people: {{item: {item}, rater: {rater}}}") for item, rater in ((1, 1000), (1000, 1)))
    assert first(cheap).unit == "items"
    assert first(dear).unit == "raters"
    best = first(cheap)
    assert (best.cost, best.currency) == (pytest.approx(best.amount), "EUR")
    free = one.priced("people: {item: 0, rater: 1}")
    assert (first(free).unit, first(free).cost) == ("items", 0.0)


def test_what_has_a_price_comes_before_days_and_days_before_the_rest() -> None:
    rules = ONE + "  - {signal: people, win: ship, loss: rollback}\n"
    one = case(REVENUE + PEOPLE, rules, mean("revenue", 0.45, 0.3), panel("people", 0.17, (0.5, 0.001, 0.4), 60, 8))
    plain = [(part.signal, part.days) for part in one.collections()[0] if part.settles]
    assert plain[0][0] == "revenue"
    assert {name for name, _ in plain} == {"revenue", "people"}
    priced = first(one.priced("people: {item: 1}"))
    assert (priced.signal, priced.unit) == ("people", "items")


def test_two_signals_that_must_both_be_known_are_asked_for_together() -> None:
    rules = (
        "hierarchy:\n  - {signal: judge, win: ship}\n"
        "ship_requires: [{that: revenue.non_inferior}, {that: speed.non_inferior}]\n"
    )
    one = case(
        REVENUE + SPEED + JUDGE, rules, mean("revenue", 0.3, 0.6), mean("speed", 0.35, 0.6),
        judge("judge", 0.08, 0.01, 200),
    )  # fmt: skip
    found, why = one.collections()
    both = [part for part in found if part.settles]
    assert not why
    assert {part.signal for part in both} == {"revenue", "speed"}
    assert len({part.after for part in both}) == 1
    assert both[0].after >= SETTLED
    assert both[0].why.startswith("Only together with ")
    assert all(not part.settles for part in found[2:])


def test_a_panel_of_which_neither_items_nor_raters_alone_would_do_gets_both() -> None:
    one = case(PEOPLE, BY_PEOPLE, panel("people", 0.2, (0.4, 0.02, 0.5), 60, 6))
    best, *others = one.collections()[0]
    assert best.settles
    raters = math.ceil(6 * best.amount / 60)
    assert best.what == f"{best.amount} more items and {raters} more raters to grade all {60 + best.amount} items"
    assert not any(part.settles for part in others)
    # An item is priced with six raters, a rater with sixty items: who joins grades the new ones too.
    cost = first(one.priced("people: {item: 10, rater: 100}")).cost
    assert cost == pytest.approx(10 * best.amount + 100 * raters * (60 + best.amount) / 60)


def test_the_smallest_amount_is_proposed_also_where_more_of_it_is_no_surer() -> None:
    """A flat panel lets the judge ship; so many more items that it turns out to be no such thing raise new doubts."""
    rules = (
        "hierarchy:\n  - {signal: people, win: hold, loss: rollback}\n  - {signal: judge, win: ship}\n"
        "ship_requires: [{that: people.non_inferior}]\n"
    )
    one = case(
        PEOPLE + JUDGE, rules, panel("people", 0.0, (0.04, 0.0002, 0.04), 60, 6), judge("judge", 0.08, 0.01, 200)
    )
    option = options_of(one, "people")["items"]
    prospects = Prospects(one.given)
    found = [
        prospects.after({"people": option.design(amount)}).stability  # type: ignore[attr-defined]
        for amount in option.rungs  # type: ignore[attr-defined]
    ]
    enough = [amount for amount, stable in zip(option.rungs, found, strict=True) if stable >= SETTLED]  # type: ignore[attr-defined]
    assert found[-1] < SETTLED
    best = next(part for part in one.collections()[0] if part.unit == "items")
    assert best.settles
    assert best.amount == enough[0]


# --- degenerate evidence ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [None, 0.0, 1e-9, 1e9])
def test_no_rate_makes_days_of_nothing(rate: float | None) -> None:
    found, why = case(REVENUE, ONE, mean("revenue", 0.45, 0.3, rate=rate)).collections()
    assert bool(found) is (rate != 1e-9)
    assert bool(why) is (rate == 1e-9)
    for one in found:
        assert one.days == (1 if rate else None)
        assert one.what.startswith("1 more day for " if rate else f"{one.amount:,} more users")


def test_stale_evidence_is_pulled_again_before_anybody_collects_more() -> None:
    aged = REVENUE + "    trust: {max_age: 3d}\n"
    rules = ONE.replace("loss: rollback", "loss: rollback, untrusted: hold")
    numbers = mean("revenue", 3.0, 0.3)
    one = case(aged, rules, replace(numbers, last_at=AS_OF - timedelta(days=10)))
    assert one.verdict.reason == "untrusted"
    why = sentence(one)
    assert why.startswith("More of the same evidence would not settle it: Revenue: age 10 days is above 3 days")
    assert why.endswith("What would: pull again, or run the evaluation again.")
    assert case(aged, rules, numbers).collections() == ((), "")


def test_a_release_of_which_one_arm_has_no_evidence_proposes_no_amount() -> None:
    numbers = mean("revenue", 0.45, 0.3)
    none = Estimate(None, None, None, "Welch", 0.95, n_control=0, n_candidate=20_000, refused="no units in control")
    assert "no units in control" in sentence(case(REVENUE, ONE, replace(numbers, estimates={"raw": none})))
    assert "revenue evidence for r" in sentence(case(REVENUE, ONE))


# --- when nothing would settle it -----------------------------------------------------------------------------------


def sentence(one: Case) -> str:
    found, why = one.collections()
    assert found == ()
    assert why.endswith(".")
    return why


def test_a_check_that_data_cannot_mend_is_to_be_mended() -> None:
    broken = REVENUE + "    trust: {sample_ratio_p: 0.001}\n"
    rules = ONE.replace("loss: rollback", "loss: rollback, untrusted: hold")
    why = sentence(case(broken, rules, mean("revenue", 2.0, 0.3, sample_ratio_p=1e-6)))
    assert why.startswith("More of the same evidence would not settle it: Revenue: sample ratio p")
    assert "find what loses units in one arm" in why


def test_two_signals_in_conflict_are_for_people_to_decide() -> None:
    rules = "hierarchy:\n  - {signal: revenue, win: next}\n  - {signal: people, loss: next}\n"
    one = case(REVENUE + PEOPLE, rules, mean("revenue", 3.0, 0.3), panel("people", -1.0, PARTS, 60, 6))
    assert one.verdict.reason == "conflict"
    assert "a recorded decision" in sentence(one)


def test_a_policy_that_holds_on_flat_signals_holds_however_much_there_is() -> None:
    one = case(REVENUE, ONE, mean("revenue", 0.0, 0.02))
    assert one.verdict.reason == "otherwise"
    assert "no more evidence is asked for" in sentence(one)


def test_a_row_that_holds_on_a_loss_is_not_asked_for_more() -> None:
    one = case(REVENUE, ONE.replace("rollback", "hold"), mean("revenue", -3.0, 0.3))
    assert "waits for no more revenue evidence" in sentence(one)


def test_a_signal_without_evidence_has_no_amount() -> None:
    rules = ONE + "ship_requires: [{that: people.non_inferior}]\n"
    why = sentence(case(REVENUE + PEOPLE, rules, mean("revenue", 3.0, 0.3)))
    assert "people evidence for r" in why


def test_a_call_that_turns_everywhere_is_not_chased() -> None:
    """A rule with a threshold every two tenths of today's error: nobody can collect enough to be sure of a side."""
    teeth = " or ".join(f"{place / 1000} < judge.benefit < {(place + 2) / 1000}" for place in range(2, 60, 4))
    rules = (
        "hierarchy:\n  - {signal: judge, win: ship, loss: ship, flat: ship, unclear: ship}\n"
        f"guardrails:\n  - {{id: comb, when: {teeth}, call: rollback}}\n"
    )
    one = case(JUDGE, rules, judge("judge", 0.029, 0.01, 100))
    assert one.verdict.call == "ship"
    why = sentence(one)
    assert why.startswith("Even with a hundred times as much of everything, a call would be ")
    assert "Judge, +2.90 pp (+0.94 to +4.86), is too near to where the policy changes its call. Decide" in why


# --- the bundled example --------------------------------------------------------------------------------------------


def test_the_bundled_releases_are_told_what_a_standup_can_use(
    root: Path, demo_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from signals.reconcile.collecting.collect import collections
    from signals.reconcile.draws import resampling
    from signals.reconcile.stability import stability
    from signals.review import load, numbers_of, review

    monkeypatch.setenv("SIGNALS_STORE", demo_store)
    project = load(root)
    told = {}
    for release in project.releases:
        result = review(release.id, project)
        numbers, moment = numbers_of(project, result.policy, release)
        given = resampling(result.policy, release, numbers, moment)
        told[release.id] = found, why = collections(given, result.verdict, stability(given))
        assert not (found and why)
        for one in found:
            assert one.gain >= MATTERS
            assert one.amount > 0
            assert one.settles == (one.after >= SETTLED)
    small = told["tuesday-small"][0][0]
    assert (small.signal, small.unit, small.settles) == ("conversion", "users", True)
    assert small.why.startswith("Which call it would be is open until then: ROLLBACK in ")
    assert told["tuesday-large"] == ((), "")
    assert "find what loses units" in told["sample-ratio"][1]
    assert "Thumbs fell" in told["brief-v2"][1]
    assert {one.signal for one in told["search-v5"][0] if one.settles} == {"panel"}


def test_a_planned_split_asks_the_larger_arm_too() -> None:
    short = REVENUE + "    trust: {min_units: 25000}\n"
    one = case(short, ONE, mean("revenue", 3.0, 0.3, n=20_000))
    assert (first(one).amount, one.verdict.needs[0].amount) == (10_000, 10_000)
    numbers = one.numbers["revenue"]
    arms = {"raw": replace(numbers.estimates["raw"], n_control=180_000)}
    tenth = replace(
        one, release=replace(RELEASE, split=0.1), numbers={"revenue": replace(numbers, estimates=arms)}
    )  # fmt: skip
    assert (first(tenth).amount, tenth.verdict.needs[0].amount) == (50_000, 50_000)


def test_evidence_that_is_far_from_enough_is_said_to_be() -> None:
    """At a hundredth of the variance the interval still reaches beyond the margin: no threshold is in the way."""
    tiny, rules = (
        REVENUE.replace("margin: 0.5", "margin: 0.001"),
        ONE.replace("win: ship, loss: rollback", "flat: ship"),
    )
    why = sentence(case(tiny, rules, mean("revenue", 0.0, 0.3, rate=None)))
    assert why.startswith("Even with a hundred times as much of everything, ")
    assert " of cases would be a HOLD that waits: " in why
    assert "too small to tell even then" in why
    assert "over ten years at the current rate" in sentence(case(tiny, rules, mean("revenue", 0.0, 0.3)))


def test_a_missing_signal_that_a_shaky_call_leans_on_is_named() -> None:
    rules = "hierarchy:\n  - {signal: revenue, loss: rollback}\n  - {signal: people, win: ship}\n"
    assert "people evidence for r" in sentence(case(REVENUE + PEOPLE, rules, mean("revenue", -0.3, 0.3)))
