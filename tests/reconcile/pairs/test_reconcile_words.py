"""A diagnosis read aloud: true of its numbers, in one paragraph."""

from __future__ import annotations

from dataclasses import replace

import pytest
import reconciled
from memo.hostile import HOSTILE
from memo.verdicts import verdict
from reconciled import around

from signals.model import Cause, Reconciliation
from signals.reconcile.pairs.words import story

READINGS = verdict().readings


def changed(found: Reconciliation, name: str, **more: object) -> Reconciliation:
    """The diagnosis with one cause changed."""
    return replace(
        found,
        causes=tuple(replace(one, **more) if one.name == name else one for one in found.causes),  # type: ignore[arg-type]
    )


def test_the_paragraph_of_a_standup() -> None:
    assert story(reconciled.judge_against_conversion(), READINGS) == (
        "Judge says +8.00 pp (win, +4.0 margins) and conversion says −0.42 pp (loss, −0.84 margins): 4.8 margins apart "
        "(95 % CI +3.3 to +6.4). "
        "Of that, 2.0 margins (41 %, +1.2 to +2.8) is judge bias: judge is kinder to the candidate than people are; "
        "1.5 margins (31 %, +0.60 to +2.4) is population: judge speaks for a mix of cases that flatters the candidate. "
        "Timing of conversion is not told from chance and comes to 0.20 margins (4 %). "
        "What is left, 1.1 margins (24 %, +0.14 to +2.1), no correction explains."
    )


def test_without_readings_the_numbers_stand_on_the_pairs_scale() -> None:
    told = story(reconciled.judge_against_conversion())
    assert told.startswith(
        "Judge says +4.0 margins (win) and conversion says −0.84 margins (loss): 4.8 margins apart (interval +3.3 to "
        "+6.4)."
    )


def test_a_unit_that_both_share_is_said_once() -> None:
    found = replace(reconciled.judge_against_panel(), unit="pp", start=around(0.08, 0.031), end=around(0.01, 0.02),
                    gap=around(0.07, 0.03))  # fmt: skip
    two = {**READINGS, "panel": replace(READINGS["panel"], unit="pp", effect=0.01)}
    assert story(found, two).startswith("Judge says +8.00 pp (win) and panel says +1.00 pp (flat): 7.00 pp apart")


@pytest.mark.parametrize(
    ("signal", "part", "says"),
    [
        ("judge", 2.0, "judge is kinder to the candidate than people are"),
        ("judge", -2.0, "judge is harsher on the candidate than people are"),
        ("conversion", 2.0, "conversion is harsher on the candidate than people are"),  # it read too low
        ("conversion", -2.0, "conversion is kinder to the candidate than people are"),
    ],
)
def test_the_direction_follows_from_whose_number_is_corrected(signal: str, part: float, says: str) -> None:
    found = changed(
        reconciled.judge_against_conversion(), "judge_bias", signal=signal, part=around(part, 0.5), share=part / 4.84
    )
    assert says in story(found)


def test_seen_from_below_sizes_are_told_as_they_close_the_gap() -> None:
    """The overruled signal is the lower one: gap, parts and intervals are negative, which nobody wants to hear."""
    found = reconciled.chance_only()
    found = changed(found, "response", part=around(-1.6, 0.4), share=1.6 / 2.2, blamed=True, counts=True)
    found = changed(found, "noise", part=around(-0.6, 0.5), share=0.6 / 2.2, blamed=False)
    told = story(found)
    assert "2.2 margins apart (interval −0.20 to +4.6)" in told
    assert "Of that, at most 1.6 margins (73 %, +1.2 to +2.0) is response: who chooses to answer can hurt the" in told
    assert "The rest, 0.60 margins (27 %), can be chance." in told


def test_a_gap_that_can_be_chance_says_so_and_blames_nobody() -> None:
    told = story(reconciled.chance_only())
    assert "All of the gap can be chance; response of thumbs was looked at and not told from it." in told
    assert "Of that" not in told
    assert "no correction explains" not in told


def test_a_gap_beyond_chance_of_which_no_part_is_told_from_it_is_not_called_chance() -> None:
    found = replace(reconciled.chance_only(), gap=around(-2.2, 1.0))
    told = story(found)
    assert (
        "Taken alone, the gap is more than chance; with its possible causes tested beside it, nothing of it is told "
        "from chance."
    ) in told
    assert "can be chance" not in told


def test_parts_that_are_told_from_chance_only_together_blame_nobody() -> None:
    found = reconciled.judge_against_conversion()
    found = changed(found, "unexplained", blamed=False)
    assert (
        "What is left, 1.1 margins (24 %, +0.14 to +2.1), is more than chance, but no single cause of it (timing of "
        "conversion) is told from chance."
    ) in story(found)
    alone = found
    for name in ("population", "judge_bias"):
        alone = changed(alone, name, blamed=False, counts=False, share=None)
    assert (
        "The gap is more than chance, but no single cause of it (population of judge, judge bias, timing of "
        "conversion) is told from chance."
    ) in story(alone)


def test_an_unexplained_rest_that_holds_what_is_no_chance_only_as_a_sum_says_so() -> None:
    found = changed(reconciled.judge_against_conversion(), "unexplained", evidence="timing and population together")
    assert (
        "What is left, 1.1 margins (24 %, +0.14 to +2.1), no correction explains; in it is timing of conversion, told "
        "from chance only together."
    ) in story(found)


def test_a_correction_that_widens_the_gap_says_so() -> None:
    told = story(reconciled.widened(), READINGS)
    assert (
        "Population goes the other way: thumbs speaks for a mix of cases that hurts the candidate, and putting that "
        "right widens the gap by 0.80 margins (+0.50 to +1.1)."
    ) in told
    assert "at most 4.5 margins (150 %, +3.6 to +5.4) is response" in told
    assert "Together they take away more than the gap: 0.70 margins too much (+0.20 to +1.2)" in told
    assert "-" not in told.replace("-like", "")  # every minus is a true one


def test_chance_that_hides_a_part_of_the_gap() -> None:
    found = changed(reconciled.judge_against_conversion(), "noise", part=around(-0.3, 0.5), share=-0.06)
    assert "Timing of conversion is not told from chance and would widen the gap by 0.30 margins." in story(found)


def test_when_every_cause_is_refused_it_claims_nothing() -> None:
    told = story(reconciled.judge_against_panel())
    assert told.endswith("apart (interval +2.2 to +5.6). None of it is explained: no correction could be made.")


def test_a_cause_of_both_signals_says_whose_it_is() -> None:
    found = changed(reconciled.judge_against_conversion(), "population", blamed=False, counts=False, share=None)
    other = replace(found.causes[0], signal="conversion")
    told = story(replace(found, causes=(found.causes[0], other, *found.causes[1:])))
    assert "Population of judge and of conversion and timing of conversion are not told from chance" in told


def test_without_a_common_scale_nothing_is_apportioned() -> None:
    told = story(reconciled.no_scale(), READINGS)
    assert "Judge says +8.00 pp (win) and cost is a loss." in told
    assert "The gap cannot be apportioned: cost has no margin" in told
    assert "What each correction takes off its signal: judge bias +4.00 pp (95 % CI +2.40 to +5.60)." in told
    assert "apart" not in told
    assert "%)" not in told


def test_a_construct_is_told_by_its_evidence() -> None:
    found = reconciled.judge_against_conversion()
    construct = Cause("construct", "", part=around(1.0, 0.2), share=0.2, blamed=True, counts=True,
                      evidence="in 14 past releases the two went together half as far")  # fmt: skip
    told = story(replace(found, causes=(*found.causes, construct)))
    assert "1.0 margins (20 %, +0.80 to +1.2) is construct: in 14 past releases the two went" in told


@pytest.mark.parametrize("evil", HOSTILE)
def test_text_from_evidence_is_one_clean_line(evil: str) -> None:
    found = replace(reconciled.judge_against_panel(), signal=evil, against=evil)
    found = changed(found, "population", signal=evil, refused=evil, remedy=evil, evidence=evil)
    for told in (story(found), story(replace(found, refused=evil))):
        assert not any(sign in told for sign in "\n\x00\x1b\u202e\u2028\ud800")


@pytest.mark.parametrize(
    "make",
    [
        reconciled.judge_against_conversion, reconciled.judge_against_panel, reconciled.chance_only,
        reconciled.widened, reconciled.no_scale,
    ],
)  # fmt: skip
def test_every_story_is_sentences_without_gaps(make: object) -> None:
    for told in (story(make()), story(make(), READINGS)):  # type: ignore[operator]
        assert told.endswith(".")
        assert "  " not in told
        assert ".." not in told
        assert "None" not in told.replace("None of it", "")
