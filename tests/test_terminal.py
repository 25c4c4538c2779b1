"""What the command line prints beside a verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest
import reconciled
from memo.hostile import explained as hostile
from memo.verdicts import hold, verdict

from signals.cli.reconcile import reconcile_text
from signals.memo.explained import explained_of
from signals.model import Explanation
from signals.terminal import FLIPS, verdict_text


def flat(text: str) -> str:
    """Without the folding of lines."""
    return " ".join(text.split())


def section(text: str, title: str) -> list[str]:
    """The lines of one titled block."""
    lines = text.splitlines()
    start = lines.index(f"{title}:") + 1
    return lines[start : lines.index("", start)]


def test_the_old_call_prints_what_it_printed() -> None:
    text = verdict_text(verdict())
    for title in ("Why they disagree", "What would flip it", "What would settle it", "Drawn anew"):
        assert title not in text


def test_the_verdict_says_how_sure_it_is_and_why_the_signals_disagree() -> None:
    text = verdict_text(verdict(), reconciled.explanation(verdict().readings, collections=reconciled.COLLECTIONS))
    assert "the evidence gives ROLLBACK in 97 % and HOLD in 3 %." in flat(
        text.partition("\n\n")[0]
    )  # with the sentence
    told = " ".join(section(text, "Why they disagree"))
    assert "is judge bias: judge is kinder to the candidate than people are" in flat(told)
    settle = flat(" ".join(section(text, "What would settle it")))
    assert settle.startswith("A settled call is SHIP, ROLLBACK or a HOLD that does not wait for evidence;")
    assert (
        "conversion: 120,000 more users (about 8 days, 0 EUR): redraws then agree on a settled call in 97 % of cases, "
        "now in 62 %: enough to be sure of the call. Its interval would be half as wide."
    ) in settle
    assert settle.count("A settled call is") == 1
    assert all(len(line) <= 120 for line in text.splitlines())


def test_at_most_four_flips_stand_in_the_open_and_the_call_is_said_once() -> None:
    lines = section(verdict_text(verdict(), reconciled.explanation()), "What would flip it")
    assert len(lines) == FLIPS + 1
    assert lines[0] == "  if conversion's loss were no worse than −0.11 pp (now −0.42): HOLD, beyond its interval"
    assert lines[-1] == "  and 1 more (`signals reconcile` prints all, --json has them)"


def test_a_far_fetched_flip_is_counted_and_does_not_stand_in_the_open() -> None:
    far = tuple(replace(flip, far=place > 0) for place, flip in enumerate(reconciled.FLIPS))
    lines = section(verdict_text(verdict(), reconciled.explanation(flips=far)), "What would flip it")
    assert len(lines) == 2
    assert lines[-1] == "  and 4 more (`signals reconcile` prints all, --json has them)"
    alone = section(verdict_text(verdict(), reconciled.explanation(flips=far[1:])), "What would flip it")
    assert alone == ["  only what is far-fetched, in 4 ways (`signals reconcile` prints all, --json has them)"]


def test_why_no_collection_is_proposed_is_said() -> None:
    found = reconciled.explanation(unsettled="no amount of users would settle it: the effect lies on the margin")
    assert section(verdict_text(hold(), found), "What would settle it") == [
        "  no amount of users would settle it: the effect lies on the margin"
    ]


def test_the_diagnosis_lists_every_cause_and_every_carrier() -> None:
    found = reconciled.explanation(verdict().readings, collections=reconciled.COLLECTIONS)
    text = reconcile_text(explained_of(found, verdict()))
    assert text.startswith("judge (win) against conversion (loss)\n  Judge says +8.00 pp")
    rows = {line.partition("  ")[0]: line for line in text.splitlines() if not line.startswith(" ")}
    assert "of the gap, margins" in rows["cause"]
    assert "+2.0 (+1.2 to +2.8)" in rows["judge bias"]
    assert "41 %" in rows["judge bias"]
    assert "\n  timing (conversion)  " in text  # inside the sum that can be chance
    assert rows["gap"].split() == ["gap", "+4.8", "(+3.3", "to", "+6.4)", "100", "%"]
    assert "not known" in rows["value weighting (judge)"]
    assert "Not known: value weighting of judge (no source says what a segment is worth; declare" in flat(text)
    assert flat(text).count("no source says what a segment is worth") == 1
    assert "+100.00 pp" in rows["ticket-17"]
    assert "If panel were a loss: ROLLBACK" in text
    assert "enough to be sure of the call. Its interval would be half as wide." in flat(text)
    assert flat(text).count("A settled call is SHIP, ROLLBACK or a HOLD that does not wait for evidence;") == 1


def test_signals_that_agree_are_said_to_agree() -> None:
    same = replace(verdict(), readings={"conversion": verdict().readings["conversion"]})
    text = reconcile_text(explained_of(Explanation(), same))
    assert text == "No signal contradicts another, so there is nothing to explain."


def test_what_numbers_were_made_from_is_said_once_for_all_pairs() -> None:
    pair = reconciled.judge_against_conversion()
    both = reconciled.explanation(verdict().readings, reconciliation=(pair, replace(pair, said=("win", "flat"))))
    text = flat(reconcile_text(explained_of(both, verdict())))
    assert text.count("held against people on 180 of 400 items".capitalize()) == 1
    assert text.count("Rows that are not indented add up to the gap") == 1


def test_an_overruled_signal_that_nothing_contradicts_is_told_of() -> None:
    readings = {**verdict().readings}
    readings = {name: readings[name] for name in ("conversion", "judge")}
    readings["conversion"] = replace(readings["conversion"], state="unclear")
    trace = tuple(row for row in verdict().trace if row.signal in readings)
    one = verdict(readings=readings, overruled=("judge",), decided_by="conversion", trace=trace)
    said = "Conversion is unclear, so nothing can be held against it: judge (win) is overruled, not contradicted."
    assert flat(reconcile_text(explained_of(Explanation(), one))) == said
    assert flat(" ".join(section(verdict_text(one, Explanation()), "Why they disagree"))) == said
    calm = replace(one, overruled=())
    assert "Why they disagree" not in verdict_text(calm, Explanation())


@pytest.mark.parametrize("evil", ["\x00\x1b[31mred\u202egnp.exe\u2028", "a\n\nb: c"])
def test_names_from_evidence_cannot_steer_the_terminal(evil: str) -> None:
    found = hostile(evil)
    rows = reconcile_text(explained_of(found, verdict()))
    for text in (verdict_text(verdict(), found), rows):
        assert not any(sign in text for sign in "\x00\x1b\u202e\u2028")
    assert "\nb: c" not in rows
