"""The meaning of the policy, rule by rule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from situations import AS_OF, check, policy, reading, release, segment, verdict

from signals.model import Verdict

GUARD = """\
guardrails:
  - {id: segments, when: "any(conversion.segments, share >= 5% and adjusted.high < -margin)", call: rollback,
     because: X.}
  - {id: caution, when: panel is unclear, call: hold}
"""
REQUIRE = (
    "ship_requires: [{that: conversion.non_inferior, because: Not green.}, {that: panel.non_inferior, id: people}]\n"
)
OVERRIDE = (
    "overrides: [{id: bait, put: panel, above: conversion, when: panel is loss and conversion is win, because: B.}]\n"
)


def roles(found: Verdict) -> dict[str, str]:
    return {row.signal: row.role for row in found.trace}


# --- rows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "states, call, by, reason",
    [
        ({"conversion": "win"}, "ship", "conversion", "decided"),
        ({"conversion": "loss", "panel": "win"}, "rollback", "conversion", "decided"),
        ({"conversion": "flat", "panel": "win"}, "ship", "panel", "decided"),
        ({"conversion": "unclear", "panel": "loss"}, "rollback", "panel", "decided"),
        ({"conversion": "missing", "panel": "win"}, "ship", "panel", "decided"),
        ({"conversion": "untrusted", "panel": "win"}, "hold", "conversion", "untrusted"),
        ({"conversion": "flat", "panel": "untrusted", "judge": "win"}, "ship", "judge", "decided"),
        ({"conversion": "flat", "panel": "flat", "judge": "loss"}, "hold", "judge", "decided"),
        ({"conversion": "flat", "panel": "untrusted", "judge": "flat"}, "hold", None, "untrusted"),
        ({"conversion": "missing", "panel": "unclear", "judge": "flat"}, "hold", None, "missing-signal"),
        ({"conversion": "unclear", "panel": "flat", "judge": "flat"}, "hold", None, "needs-data"),
        ({"conversion": "flat", "panel": "flat", "judge": "flat"}, "hold", None, "otherwise"),
    ],
)
def test_the_first_row_with_an_answer_decides(states: Any, call: str, by: str | None, reason: str) -> None:
    found = verdict(policy(), **states)
    assert (found.call, found.decided_by, found.reason) == (call, by, reason)
    assert found.rule == ("otherwise" if by is None else next(r.rule for r in found.trace if r.signal == by))


@pytest.mark.parametrize(
    "row, state, reason",
    [("unclear: hold", "unclear", "needs-data"), ("missing: hold", "missing", "missing-signal"),
     ("untrusted: hold", "untrusted", "untrusted"), ("flat: hold", "flat", "decided")],
)  # fmt: skip
def test_the_reason_of_a_row_that_holds_is_its_state(row: str, state: str, reason: str) -> None:
    found = verdict(policy(rows=f"hierarchy: [{{signal: panel, {row}}}]\n"), panel=state)
    assert (found.call, found.reason, found.decided_by) == ("hold", reason, "panel")


def test_wins_and_losses_that_nobody_settles_are_a_conflict() -> None:
    rows = "hierarchy: [{signal: panel, flat: ship}, {signal: judge, flat: ship}]\n"
    assert verdict(policy(rows=rows), panel="win", judge="loss").reason == "conflict"


def test_otherwise_may_ship_but_never_on_evidence_that_is_not_there() -> None:
    rows = "hierarchy: [{signal: panel, loss: rollback}]\notherwise: ship\n"
    assert verdict(policy(rows=rows), panel="flat").call == "ship"
    for state, reason in (("missing", "missing-signal"), ("untrusted", "untrusted")):
        found = verdict(policy(rows=rows), panel=state)
        assert (found.call, found.reason) == ("hold", reason)


def judged(agreement: float | None) -> Any:
    checks = {} if agreement is None else {"human_agreement": check("human_agreement", agreement)}
    return reading("judge", "win", checks=checks)


@pytest.mark.parametrize("agreement, call", [(0.6, "ship"), (0.59, "hold"), (None, "hold")])
def test_a_row_whose_condition_is_false_or_unknown_is_silenced(agreement: float | None, call: str) -> None:
    found = verdict(policy(), conversion="flat", panel="flat", judge=judged(agreement))
    assert found.call == call
    row = found.trace[2]
    assert row.role == ("decides" if call == "ship" else "silenced")
    assert row.says == ("ship" if call == "ship" else None)
    if agreement == 0.59:
        assert row.why == ("silenced: judge.human_agreement is 0.59, asked >= 0.6; it would have said ship")
    assert found.overruled == (() if call == "ship" else ("judge",))


def test_roles_after_the_deciding_row() -> None:
    found = verdict(policy(), conversion="loss", panel="win", judge="loss")
    assert roles(found) == {"conversion": "decides", "panel": "overruled", "judge": "overruled"}
    found = verdict(policy(), conversion="loss", panel="loss", judge="flat")
    assert roles(found) == {"conversion": "decides", "panel": "agrees", "judge": "silent"}
    assert found.overruled == ()


def test_a_signal_that_agrees_in_one_row_is_not_overruled_by_another_of_its_rows() -> None:
    rows = "hierarchy: [{signal: panel, win: hold, when: panel.n < 5}, {signal: panel, win: ship}]\n"
    found = verdict(policy(rows=rows), panel="win")
    assert (found.call, found.overruled) == ("ship", ())


# --- overrides ------------------------------------------------------------------------------------------------------


def test_an_override_that_holds_moves_its_row() -> None:
    found = verdict(policy(OVERRIDE), conversion="win", panel="loss")
    assert (found.call, found.decided_by, found.because) == ("rollback", "panel", "B.")
    assert [row.rule for row in found.trace] == ["hierarchy[1]", "hierarchy[0]", "hierarchy[2]"]
    assert [row.moved_by for row in found.trace] == ["bait", None, None]
    assert found.overruled == ("conversion",)
    assert found.overrides[0].holds is True


def test_an_override_that_does_not_hold_or_is_unknown_moves_nothing() -> None:
    found = verdict(policy(OVERRIDE), conversion="win", panel="flat")
    assert [row.signal for row in found.trace] == ["conversion", "panel", "judge"]
    rest = "overrides: [{id: o, put: judge, above: conversion, when: judge.human_agreement > 0.1}]\n"
    found = verdict(policy(rest), conversion="loss", judge=judged(None))
    assert (found.overrides[0].holds, found.decided_by) == (None, "conversion")


def test_overrides_move_in_file_order_to_just_above_the_row_they_name() -> None:
    rest = (
        "overrides:\n  - {id: a, put: judge, above: conversion, when: judge is win}\n"
        "  - {id: b, put: panel, above: conversion, when: panel is flat}\n"
        "  - {id: c, put: judge, above: panel, when: judge is win}\n"
    )
    found = verdict(policy(rest), conversion="loss", panel="flat", judge="win")
    assert [row.signal for row in found.trace] == ["judge", "panel", "conversion"]
    assert [row.moved_by for row in found.trace] == ["a", "b", None]


def test_every_row_of_a_signal_moves_in_its_own_order() -> None:
    rows = (
        "hierarchy:\n  - {signal: conversion, win: ship}\n  - {signal: judge, loss: hold}\n"
        "  - {signal: panel, win: ship}\n  - {signal: judge, win: ship}\n"
        "overrides: [{id: o, put: judge, above: conversion, when: judge is win}]\n"
    )
    found = verdict(policy(rows=rows), judge="win")
    assert [row.rule for row in found.trace] == ["hierarchy[1]", "hierarchy[3]", "hierarchy[0]", "hierarchy[2]"]


# --- guardrails -----------------------------------------------------------------------------------------------------


def converted(state: str, *segments: Any, **more: Any) -> Any:
    return reading("conversion", state, segments=segments, **more)


HURT = segment("plan=enterprise", 0.1, -6.0, -2.0)
FINE = segment("plan=free", 0.9, 1.0, 2.0)
SMALL = segment("plan=tiny", 0.04, -6.0, -2.0)
BLANK = segment("plan=pro", 0.2, None, None)


def test_a_guardrail_outranks_the_hierarchy_which_is_still_walked() -> None:
    found = verdict(policy(GUARD), conversion=converted("win", FINE, HURT), panel="win")
    assert (found.call, found.reason, found.decided_by, found.rule) == (
        "rollback", "guardrail", "segments", "guardrails[0]",
    )  # fmt: skip
    assert found.because == "X."
    assert roles(found) == {"conversion": "overruled", "panel": "overruled", "judge": "silenced"}
    assert found.overruled == ("conversion", "panel")
    assert "plan=enterprise" in found.guardrails[0].why
    assert [rule.holds for rule in found.guardrails] == [True, False]


def test_the_severest_of_guardrails_and_hierarchy_is_the_call() -> None:
    both = verdict(policy(GUARD), conversion=converted("win", HURT), panel="unclear")
    assert (both.call, both.decided_by) == ("rollback", "segments")
    hold = verdict(policy(GUARD), conversion=converted("win", FINE), panel="unclear")
    assert (hold.call, hold.reason, hold.decided_by) == ("hold", "guardrail", "caution")
    milder = verdict(policy(GUARD), conversion=converted("loss", FINE), panel="unclear")
    assert (milder.call, milder.decided_by) == ("rollback", "conversion")
    same = verdict(policy(GUARD), conversion=converted("loss", HURT))
    assert (same.call, same.reason, same.decided_by) == ("rollback", "decided", "conversion")
    unanswered = verdict(policy(GUARD), conversion=converted("flat", FINE), panel="unclear", judge="flat")
    assert (unanswered.call, unanswered.reason, unanswered.decided_by) == ("hold", "guardrail", "caution")


@pytest.mark.parametrize(
    "segments, call, reason",
    [
        ((FINE,), "ship", "decided"),
        ((FINE, SMALL), "ship", "decided"),
        ((FINE, BLANK), "hold", "cannot-evaluate"),
        ((HURT, BLANK), "rollback", "guardrail"),
        ((), "hold", "cannot-evaluate"),
    ],
)
def test_what_a_guardrail_cannot_see_turns_ship_into_hold(segments: Any, call: str, reason: str) -> None:
    found = verdict(policy(GUARD), conversion=converted("win", *segments), panel="win")
    assert (found.call, found.reason) == (call, reason)
    if reason == "cannot-evaluate":
        assert (found.decided_by, found.rule) == ("segments", "guardrails[0]")
        assert found.guardrails[0].unknown
        assert found.guardrails[0].unknown[0] in found.sentence


def test_an_unknown_guardrail_never_softens_a_rollback() -> None:
    found = verdict(policy(GUARD), conversion=converted("loss"), panel="win")
    assert (found.call, found.reason, found.guardrails[0].holds) == ("rollback", "decided", None)


# --- ship_requires --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "panel, call, reason, by",
    [
        ("flat", "ship", "decided", "conversion"),
        ("unclear", "hold", "ship-requires", "people"),
        ("loss", "hold", "ship-requires", "people"),
        ("missing", "hold", "cannot-evaluate", "people"),
        ("untrusted", "hold", "cannot-evaluate", "people"),
    ],
)
def test_a_ship_needs_every_requirement(panel: str, call: str, reason: str, by: str) -> None:
    found = verdict(policy(REQUIRE), conversion="win", panel=panel)
    assert (found.call, found.reason, found.decided_by) == (call, reason, by)
    if call == "hold":
        assert found.rule == "ship_requires[1]"
        assert "conversion" in found.overruled


def test_requirements_do_not_touch_other_calls() -> None:
    found = verdict(policy(REQUIRE), conversion="loss", panel="missing")
    assert (found.call, found.reason, found.ship_requires[1].holds) == ("rollback", "decided", None)


def test_what_plainly_fails_is_named_before_what_is_unknown() -> None:
    found = verdict(policy(GUARD + REQUIRE), conversion=converted("win"), panel="loss")
    assert (found.reason, found.decided_by) == ("ship-requires", "people")


def test_a_requirement_without_an_id_is_known_by_its_text() -> None:
    found = verdict(policy(REQUIRE), conversion="unclear", panel="win")
    assert (found.decided_by, found.because) == ("conversion.non_inferior", "Not green.")


def test_an_early_win_is_not_yet_harmless() -> None:
    weeks = check("full_weeks", 0.5, "fail", threshold=1.0, sort="maturity", required=True)
    early = reading("conversion", "unclear", shape=(3.0, 1.0), checks={"full_weeks": weeks})
    found = verdict(policy(REQUIRE), conversion=early, panel="win")
    assert (found.call, found.decided_by) == ("hold", "conversion.non_inferior")


def test_numbers_of_an_untrusted_reading_open_no_gate() -> None:
    rows = "hierarchy: [{signal: panel, win: ship}]\nship_requires: [{that: conversion.non_inferior}]\n"
    found = verdict(policy(rows=rows), panel="win", conversion=reading("conversion", "untrusted", shape=(3.0, 1.0)))
    assert (found.call, found.reason) == ("hold", "cannot-evaluate")


# --- kinds, release facts, purity -----------------------------------------------------------------------------------


def test_another_kind_of_release_has_another_hierarchy() -> None:
    rules = policy("kinds: {model: {hierarchy: [{signal: cost, win: ship, loss: hold}], otherwise: rollback}}\n")
    assert verdict(rules, subject=release(kind="model"), cost="win", conversion="loss").call == "ship"
    found = verdict(rules, subject=release(kind="model"), conversion="win")
    assert (found.call, found.rule) == ("rollback", "otherwise")
    assert verdict(rules, subject=release(kind="model"), cost="win").rule == "kinds.model.hierarchy[0]"


def test_facts_of_the_release() -> None:
    rest = "guardrails: [{id: young, when: release.age < 14d and release.kind == 'prompt', call: hold}]\n"
    assert verdict(policy(rest), conversion="win").call == "ship"
    assert verdict(policy(rest), as_of=AS_OF - timedelta(days=1), conversion="win").call == "hold"
    younger = AS_OF - timedelta(days=1)
    assert verdict(policy(rest), as_of=younger, subject=release(kind="model"), conversion="win").call == "ship"


def test_a_signal_that_nobody_read_is_missing() -> None:
    from signals.policy import decide

    found = decide(policy(), release(), {}, AS_OF, "sha256:e")
    assert (found.call, found.reason) == ("hold", "missing-signal")
    assert {row.state for row in found.trace} == {"missing"}
    assert found.sentence


def test_the_same_arguments_give_the_same_verdict() -> None:
    states: dict[str, Any] = {"conversion": converted("win", FINE, BLANK), "panel": "unclear", "judge": "win"}
    assert verdict(policy(GUARD + REQUIRE), **states) == verdict(policy(GUARD + REQUIRE), **states)


def test_lower_is_better_facts_are_oriented() -> None:
    rest = "guardrails: [{id: dear, when: cost.benefit.high < -cost.margin, call: hold}]\n"
    assert verdict(policy(rest), conversion="win", cost="loss").decided_by == "dear"
    assert verdict(policy(rest), conversion="win", cost="win").call == "ship"


def test_a_ship_on_a_signal_that_a_check_warns_about_says_so() -> None:
    doubtful = {"max_reversals": check("max_reversals", 1, "warn")}
    told = verdict(policy(), conversion=reading("conversion", "win", checks=doubtful)).sentence
    assert "But a check warns: reversals." in told
    assert "warns" not in verdict(policy(), conversion=reading("conversion", "win")).sentence
    assert "warns" not in verdict(policy(), conversion=reading("conversion", "loss", checks=doubtful)).sentence
