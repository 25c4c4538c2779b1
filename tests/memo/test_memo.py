"""What the memo says, that it says the same twice, and that nobody can write into it from outside."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import reconciled
from memo.verdicts import POLICY, decision, hold, reading, ship, untrusted, verdict

from signals.memo import Memo, html, markdown, memo_of
from signals.memo.phrases import check_number, clean
from signals.memo.render import code_block, code_span, escape_markdown
from signals.model import Check, RuleOutcome, Verdict


def memo(one: Verdict, **more: object) -> Memo:
    return memo_of(one, POLICY, **more)  # type: ignore[arg-type]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action", "data")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def parsed(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    return tags


@pytest.mark.parametrize("write", [markdown, html])
def test_the_memo_stands_on_its_own(write: object) -> None:
    text = write(memo(verdict(), decisions=(decision(),)))  # type: ignore[operator]
    text = text.replace("&lt;", "<").replace("&#39;", "'")
    for words in (
        "ROLLBACK", "Conversion fell 0.42 pp", "95 % CI −0.54 to −0.30 pp", "row 1 of the hierarchy",
        "the online test outranks what judges think", "no-segment-left-behind", "human agreement", "0.52 < 0.60",
        "variant prompt-v5 is neither arm", "1,204", "sha256:" + "ab" * 32, verdict().policy_hash,
        verdict().evidence_hash, "2026-11-17T09:00:00Z", "what would flip it: not looked at", "Synthetic data", "mara",
        "neither reweighted to traffic nor corrected", "plan=enterprise", "17 Nov 2026, 09:00 UTC",
    ):  # fmt: skip
        assert words in text, words
    assert "otherwise: hold" in text  # the policy, whole


@pytest.mark.parametrize("write", [markdown, html])
@pytest.mark.parametrize("one", [verdict(), hold(), untrusted(), ship()])
def test_the_same_verdict_gives_the_same_bytes(write: object, one: Verdict) -> None:
    assert write(memo(one)) == write(memo(one))  # type: ignore[operator]


@pytest.mark.parametrize("write", [markdown, html])
def test_an_untrusted_verdict_never_reads_as_a_call(write: object) -> None:
    text = write(memo(untrusted()))  # type: ignore[operator]
    head = text[: text.index("Who was heard")]
    assert "NO VERDICT YET" in head
    assert "Not heard: conversion is untrusted: sample ratio p 0.0000012 is below 0.001" in head
    assert "HOLD" in head


@pytest.mark.parametrize("write", [markdown, html])
def test_a_hold_names_its_way_out_with_date_and_owner(write: object) -> None:
    text = write(memo(hold()))  # type: ignore[operator]
    assert re.search(r"310,000 more users.*by 21 Dec 2026.*owner growth", text, re.DOTALL)


def test_only_what_was_decided_about_this_release_is_in_it() -> None:
    found = memo(verdict(), decisions=(decision(name="another"), decision("ship"), decision()))
    assert [(line.call, line.override) for line in found.decisions] == [("ship", True), ("rollback", False)]


@pytest.mark.parametrize("write", [markdown, html])
def test_a_decision_under_another_policy_does_not_read_as_an_answer_to_this_verdict(write: object) -> None:
    old = write(memo(verdict(), decisions=(decision(policy="sha256:0123456789ab"),)))  # type: ignore[operator]
    assert re.search(r"decided under another policy \((<code>|`)01234567(</code>|`)\)", old)
    same = write(memo(verdict(), decisions=(decision(),)))  # type: ignore[operator]
    assert "another policy" not in same
    none = write(memo(verdict()))  # type: ignore[operator]
    assert "No decision was recorded when this memo was written." in none
    assert "No decision was recorded" not in same


def test_a_decision_on_another_call_does_not_read_as_an_answer_to_this_verdict() -> None:
    """Asked under another policy or moment, the memo's own call is not the one that was decided on."""
    words = "It was decided on ROLLBACK, and this memo is of SHIP."
    assert words in markdown(memo(ship(), decisions=(decision(name="all-agree"),)))
    assert "It was decided on" not in markdown(memo(verdict(), decisions=(decision(),)))


@pytest.mark.parametrize("write", [markdown, html])
def test_a_check_without_a_limit_neither_passes_nor_is_trouble(write: object) -> None:
    loose = reading("s", "win", 0.1, 0.05, checks={
        "agreement": Check("agreement", "pass", 0.1, None, "agreement 0.10; no threshold is set"),
        "coverage": Check("coverage", "unknown", None, None, "coverage is not known: the traffic mix is not known"),
    })  # fmt: skip
    found = memo(verdict(readings={"s": loose}, trace=()))
    assert (found.troubled, found.check_counts) == ((), ())
    assert [(line.mark, line.outcome) for line in found.neutral] == [("·", "no limit"), ("·", "unknown")]
    text = write(found)  # type: ignore[operator]
    assert "✓" not in text
    assert "All checks that have a limit pass." in text


def test_a_check_that_is_not_known_says_so_once() -> None:
    asked = Check("coverage", "unknown", None, 0.8, "coverage is not known: no mix was pulled", required=True)
    text = markdown(memo(verdict(readings={"judge": reading("judge", "win", 0.1, 0.05, checks={"coverage": asked})})))
    assert "- **judge: coverage is not known**: no mix was pulled (asks 80.0 %)" in text
    assert "- judge: coverage is not known: no mix was pulled." in text  # under what was not assessed


def test_checks_come_worst_first_and_a_missing_signal_is_said_on_top() -> None:
    gone = reading("panel", "missing", None, 0.0, why="no source feeds it", n_control=0, n_candidate=0)
    found = memo(replace(verdict(), readings={**verdict().readings, "panel": gone}))
    assert [line.status for line in found.checks][:2] == ["fail", "pass"]
    assert found.checks[-1].status == "unknown"  # no limit is set for it: it comes last
    assert found.unheard == ("panel is missing: no source feeds it",)
    line = next(line for line in found.readings if line.signal == "panel")
    assert (line.effect, line.interval, line.n) == ("–", "no evidence", "–")
    assert any("panel is missing" in line for line in found.not_assessed)


def test_a_rule_that_cannot_be_evaluated_is_said() -> None:
    rule = RuleOutcome("x", "guardrails[0]", "panel.benefit < 0", None, "rollback", "b", "w", ("panel.benefit",))
    found = memo(replace(verdict(), guardrails=(rule,)))
    assert found.rules[0].outcome == "cannot be evaluated: panel.benefit not known"
    assert found.rules[0].spoke
    assert any("cannot be evaluated" in line for line in found.not_assessed)


def test_a_ship_requirement_speaks_when_it_fails_and_a_guardrail_when_it_holds() -> None:
    def outcome(name: str, holds: bool) -> RuleOutcome:
        return RuleOutcome(name, name, "c", holds, "hold", "", "")

    one = replace(
        verdict(),
        reason="ship-requires",
        guardrails=(outcome("g-on", True), outcome("g-off", False)),
        overrides=(outcome("o-on", True), outcome("o-off", False)),
        ship_requires=(outcome("s-met", True), outcome("s-not", False)),
    )
    spoke = {line.id: (line.spoke, line.outcome) for line in memo(one).rules}
    assert spoke == {
        "g-on": (True, "fires"), "g-off": (False, "quiet"), "o-on": (True, "applies"),
        "o-off": (False, "does not apply"), "s-met": (False, "met"), "s-not": (True, "not met"),
    }  # fmt: skip
    rolled_back = memo(replace(one, reason="decided"))
    assert not next(line.spoke for line in rolled_back.rules if line.id == "s-not")


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (Check("sample_ratio_p", "pass", 0.41, 0.001, ""), "0.41 ≥ 0.001"),
        (Check("sample_ratio_p", "fail", 1e-9, 0.001, ""), "< 0.0001, asks ≥ 0.001"),
        (Check("min_items", "fail", 31, 50, ""), "31 < 50"),
        (Check("max_age", "fail", 4 * 86_400, 3 * 86_400, ""), "4 days > 3 days"),
        (Check("max_error_rate", "pass", 0.02, 0.02, ""), "2.0 % ≤ 2.0 %"),
        (Check("same_judge", "fail", 0, 1, ""), "no"),
        (Check("full_weeks", "pass", 2, 1, ""), "2 ≥ 1"),
        (Check("coverage", "unknown", None, 0.8, ""), "not known, asks 80.0 %"),
        (Check("coverage", "pass", 0.5, None, ""), "50.0 %, no limit set"),
    ],
)
def test_a_number_stands_against_its_threshold(check: Check, words: str) -> None:
    assert check_number(check) == words


# --- what stands beside the verdict ---------------------------------------------------------------------------------


def explained(**changes: object) -> Memo:
    return memo(verdict(), explanation=reconciled.explanation(verdict().readings, **changes))


@pytest.mark.parametrize("write", [markdown, html])
def test_an_explanation_says_why_how_sure_and_what_would_flip_it(write: object) -> None:
    text = write(explained(collections=reconciled.COLLECTIONS))  # type: ignore[operator]
    text = text.replace("&#39;", "'").replace("&lt;", "<")
    for words in (
        "Why they disagree", "judge (win) against conversion (loss)",
        "2.0 margins (41 %, +1.2 to +2.8) is judge bias: judge is kinder to the candidate than people are",
        "+1.5 (+0.60 to +2.4)", "In its own unit +4.00 pp (+2.40 to +5.60).", "Of the gap, margins", "0.86",
        "Not known: value weighting of judge (no source says what a segment is worth;", "The parts of each gap",
        "Rows that are not indented add up to the gap", "Items that carry the bias of judge", "ticket-17",
        "How sure the call is", "the evidence gives ROLLBACK in 97 % and HOLD in 3 %.",
        "Held as they are: checks of all signals", "judge and panel (correlation +0.41)",
        "If conversion's loss were no worse than −0.11 pp (now −0.42)", "beyond its interval",
        "What would settle it", "conversion: 120,000 more users", "about 8 days at the current rate, 0 EUR",
        "A settled call is SHIP, ROLLBACK or a HOLD that does not wait for evidence;",
        "redraws then agree on a settled call in 97 % of cases, now in 62 %: enough to be sure of the call.",
        "not enough alone.",
        "Panel and thumbs were not compared: neither contradicts the call.",
    ):  # fmt: skip
        assert words in text, words
    assert "not looked at" not in text
    assert "not computed" not in text


def test_only_the_html_memo_draws_the_waterfall_once_per_pair() -> None:
    pairs = (reconciled.judge_against_conversion(), reconciled.no_scale(), reconciled.widened())
    found = explained(reconciliation=pairs)
    assert [line.plot is not None for line in found.explained.pairs] == [True, False, True]  # type: ignore[union-attr]
    text = html(found)
    assert 'id="pair-1-title"' in text
    assert 'id="pair-3-title"' in text
    assert text.count("<svg xmlns") == 3  # and the forest plot
    # The first pair's stands beside its paragraph, the others with their parts.
    story, parts = text.split("<h3>The parts of each gap</h3>")
    assert ("pair-1-title" in story, "pair-3-title" in story) == (True, False)
    assert ("pair-1-title" in parts, "pair-3-title" in parts) == (False, True)
    assert "<svg" not in markdown(found)


@pytest.mark.parametrize("write", [markdown, html])
def test_signals_that_agree_have_no_story(write: object) -> None:
    same = {name: reading(name, "win", 0.1, 0.05) for name in ("conversion", "judge")}
    found = memo(verdict(readings=same, trace=()), explanation=reconciled.explanation(reconciliation=(), notes=()))
    assert "No signal contradicts another, so there is nothing to explain." in write(found)  # type: ignore[operator]


def test_signals_that_disagree_without_a_diagnosis_do_not_read_as_agreeing() -> None:
    text = markdown(explained(reconciliation=()))
    assert "Signals contradict each other, but no pair of them could be diagnosed." in text
    assert "nothing to explain" not in text


@pytest.mark.parametrize("write", [markdown, html])
def test_what_was_not_computed_is_said(write: object) -> None:
    text = write(explained(stability=None, flips=(), unsettled="no amount of users would settle it"))  # type: ignore[operator]
    assert "the evidence could not be drawn anew" in text
    assert "How often the call would be made on evidence drawn anew is not known." in text
    assert "No single fact, whatever its value, would make another call." in text
    assert "No amount of users would settle it." in text


def test_the_items_of_one_judge_are_listed_once() -> None:
    twice = (reconciled.judge_against_conversion(), replace(reconciled.judge_against_conversion(), against="thumbs"))
    lines = explained(reconciliation=twice).explained.pairs  # type: ignore[union-attr]
    assert [len(line.carriers) for line in lines] == [3, 0]


def test_items_are_listed_only_where_a_judges_bias_is_told_from_chance() -> None:
    found = reconciled.judge_against_conversion()
    small = replace(found, causes=tuple(
        replace(one, blamed=False, counts=False) if one.name == "judge_bias" else one for one in found.causes
    ))  # fmt: skip
    lines = explained(reconciliation=(small, found)).explained.pairs  # type: ignore[union-attr]
    assert [len(line.carriers) for line in lines] == [0, 3]  # the second one is the first to tell of them


def test_what_is_not_told_from_chance_stands_inside_a_sum_and_the_gap_below() -> None:
    pair = explained().explained.pairs[0]  # type: ignore[union-attr]
    assert [(line.place, line.cause, line.value, line.share, line.p) for line in pair.causes] == [
        ("part", "population (judge)", "+1.5", "31 %", "0.0016"),
        ("part", "judge bias", "+2.0", "41 %", "0.0016"),
        ("part", "chance", "+0.20", "4 %", "0.86"),
        ("inside", "timing (conversion)", "+0.20", "", "0.86"),
        ("part", "unexplained rest", "+1.1", "24 %", "0.0016"),
        ("gap", "gap", "+4.8", "100 %", ""),
        ("refused", "value weighting (judge)", "–", "", ""),
    ]
    assert pair.measured == "of the gap, margins"


def test_what_does_not_apply_is_left_to_the_json() -> None:
    pair = explained(reconciliation=(reconciled.judge_against_panel(),)).explained.pairs[0]  # type: ignore[union-attr]
    assert [line.cause for line in pair.causes if line.place == "refused"] == [
        "population (judge)", "judge bias", "construct",
    ]  # fmt: skip


@pytest.mark.parametrize("write", [markdown, html])
def test_the_banner_says_how_sure_the_call_is_unless_nobody_may_believe_it(write: object) -> None:
    drawn = "Drawn anew 10,000 times"
    assert write(explained()).count(drawn) == 2  # type: ignore[operator]
    waits = memo(verdict(reason="untrusted"), explanation=reconciled.explanation())
    assert write(waits).count(drawn) == 1  # type: ignore[operator]


# --- from outside ---------------------------------------------------------------------------------------------------


def test_an_ordinary_sentence_is_not_littered_with_backslashes() -> None:
    sentence = "−0.42 pp (95 % CI −0.54 to −0.30), p < 0.001; R&D's well-known +1 #2 item!"
    assert escape_markdown(sentence) == sentence


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("# h", "\\# h"),
        ("- x", "\\- x"),
        ("12. x", "12\\. x"),
        ("> q", "\\> q"),
        ("a_b*c", "a\\_b\\*c"),
        ("+0.1", "+0.1"),
    ],
)
def test_markdown_starts_no_block(text: str, escaped: str) -> None:
    assert escape_markdown(text) == escaped


def test_code_keeps_backticks_inside() -> None:
    assert code_span("a`b") == "``a`b``"
    assert code_span("`a") == "`` `a ``"
    assert code_block("```\nx\n````", "yaml").startswith("`````yaml\n")


def test_clean_marks_what_it_takes_away() -> None:
    assert clean("a\u202eb\x07c\r\nd") == "a\ufffdb\ufffdc d"
    assert clean("k:\n  - v\n", lines=True) == "k:\n  - v\n"
    assert clean("नमस्ते \u200d emoji 👩\u200d💻") == "नमस्ते \u200d emoji 👩\u200d💻"


def test_html_asks_nobody_for_anything() -> None:
    text = html(memo(verdict()))
    assert "default-src 'none'" in text
    assert not parsed(text).addresses
    assert not re.search(r"url\(|@import|<script", text)
