"""What counts as a reason, and what as an accusation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from signals.cases.case import Setting
from signals.cases.run import Run, run
from signals.cases.seen import MATERIAL, accusations, blamed, failed, reasons, seen
from signals.cases.suite import find
from signals.explain import diagnoses
from signals.model import Cause, Check, Interval, Reconciliation

NONE = Interval(None, None, None)


def pair(*causes: Cause) -> Reconciliation:
    return Reconciliation("judge", "conversion", ("win", "loss"), "margins", NONE, NONE, NONE, causes)


@pytest.fixture(scope="module")
def standup(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(find("3"), Setting(1), tmp_path_factory.mktemp("seen") / "project")


@pytest.fixture(scope="module")
def untended(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(find("11"), Setting(1), tmp_path_factory.mktemp("seen") / "project")


def test_a_cause_is_blamed_when_it_is_told_from_chance_and_carries_a_fifth_of_the_gap() -> None:
    found = blamed(
        [
            pair(Cause("population", "judge", blamed=True, share=MATERIAL), Cause("value", "judge", share=0.9)),
            pair(
                Cause("timing", "judge", blamed=True, share=MATERIAL - 0.01),
                Cause("response", "thumbs", blamed=True, share=-0.5),
                Cause("judge_bias", "judge", blamed=True),
            ),
        ]
    )
    assert found == {"population"}


def test_the_diagnoses_are_those_of_the_whole_explanation(standup: Run) -> None:
    assert diagnoses(standup.review.subject) == standup.review.explanation.reconciliation
    assert len(standup.review.explanation.reconciliation) >= 3


def test_a_cause_that_an_explanation_blames_is_among_the_reasons(standup: Run) -> None:
    told = {
        cause.name
        for row in standup.review.explanation.reconciliation
        for cause in row.causes
        if cause.blamed and (cause.share or 0.0) >= MATERIAL
    }
    assert {name.removeprefix("cause:") for name in standup.seen if name.startswith("cause:")} == told
    assert "judge_bias" in told


def test_states_and_unmet_conditions_are_reasons_and_accuse_nobody(standup: Run) -> None:
    assert {"state:conversion=loss", "state:judge=win", "requires:conversion.non_inferior"} <= standup.seen
    assert seen(standup.review) == standup.seen
    assert accusations(standup.seen) == {"cause:judge_bias"}


def test_chance_and_the_unexplained_rest_accuse_nobody() -> None:
    names = ["cause:noise", "cause:unexplained", "cause:construct", "check:judge.paired", "guardrail:x", "state:a=win"]
    assert accusations(names) == {"cause:construct", "check:judge.paired", "guardrail:x"}


def test_a_failed_check_counts_where_the_policy_asks_for_it(untended: Run) -> None:
    judge = untended.verdict.readings["judge"]
    assert "same_judge" in failed(judge)
    assert judge.checks["paired"].status == "warn"
    assert "check:judge.paired" not in untended.seen
    free = {name: replace(check, required=False) for name, check in judge.checks.items()}
    assert failed(replace(judge, checks=free)) == ()


def test_a_check_that_cannot_be_computed_counts_where_it_is_asked_for(untended: Run) -> None:
    judge = untended.verdict.readings["judge"]
    unknown = Check("coverage", "unknown", None, 0.8, "not known", required=True)
    assert failed(replace(judge, checks={"coverage": unknown})) == ("coverage",)
    assert failed(replace(judge, checks={"coverage": replace(unknown, required=False)})) == ()


def test_a_signal_without_evidence_fails_no_check(untended: Run) -> None:
    verdict = untended.verdict
    gone = replace(verdict.readings["judge"], state="missing")
    names = reasons(replace(verdict, readings={**verdict.readings, "judge": gone}), ())
    assert "state:judge=missing" in names
    assert not any(name.startswith("check:judge.") for name in names)


def test_a_guardrail_counts_when_it_fires_and_a_condition_when_it_is_not_met(standup: Run) -> None:
    verdict = standup.verdict
    rail, condition = verdict.guardrails[0], verdict.ship_requires[0]
    for holds, fired, unmet in ((True, True, False), (False, False, True), (None, False, True)):
        changed = replace(
            verdict, guardrails=(replace(rail, holds=holds),), ship_requires=(replace(condition, holds=holds),)
        )
        names = reasons(changed, ())
        assert (f"guardrail:{rail.id}" in names) is fired
        assert (f"requires:{condition.condition}" in names) is unmet


def test_wrong_accusations_are_those_that_the_case_does_not_name(untended: Run, tmp_path: Path) -> None:
    assert "check:judge.same_judge" in accusations(untended.seen)
    assert "check:judge.same_judge" not in untended.accused
    stranger = replace(untended, seen=untended.seen | {"guardrail:made-up"})
    assert "guardrail:made-up" in stranger.accused
