"""The HTML of the cards: complete, labelled, and closed to text from outside."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
import reconciled
from memo.hostile import HOSTILE, poisoned
from memo.verdicts import POLICY, decision, hold, reading, ship, untrusted, verdict

from signals.dashboard import cards, decided, present, why
from signals.memo import html, memo_of
from signals.memo.rows import FlipLine
from signals.model import Call, Check, Decision, Override, Problem, SignalsError, TraceRow, Verdict
from signals.standing import Stale, Standing


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.labels: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.labels += [value or "" for name, value in attrs if name == "aria-label"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert not reader.open, "an element is not closed"
    return reader


def whole(one: Verdict) -> str:
    memo = memo_of(one, POLICY)
    return cards.banner(memo) + cards.meta(memo) + cards.body(memo)


def text(html: str) -> str:
    return " ".join("".join(read(html).words).split())


def test_the_banner_says_call_sentence_rule_and_reason() -> None:
    words = text(cards.banner(memo_of(verdict(), POLICY)))
    assert words.startswith("ROLLBACKConversion fell 0.42 pp")
    assert "Decided by conversion, row 1 of the hierarchy. Because: the online test outranks" in words


def test_an_untrusted_decider_turns_the_banner() -> None:
    words = text(cards.banner(memo_of(untrusted(), POLICY)))
    assert words.startswith("NO VERDICT YETHOLD until then")
    assert "Not heard: conversion is untrusted: sample ratio p" in words


def test_a_missing_signal_is_in_the_banner_even_when_another_decides() -> None:
    gone = reading("panel", "missing", None, 0.0, why="no source feeds it")
    one = replace(verdict(), readings={**verdict().readings, "panel": gone})
    assert "Not heard: panel is missing: no source feeds it" in text(cards.banner(memo_of(one, POLICY)))


def test_only_a_hold_has_a_way_out() -> None:
    assert "Way out" in text(whole(hold()))
    assert "by 21 Dec 2026 · owner growth" in text(whole(hold()))
    assert "Way out" not in text(whole(ship()))
    assert "names no way out" in text(whole(replace(hold(), needs=())))


def test_every_row_of_the_trace_is_heard_with_its_role() -> None:
    words = text(whole(verdict()))
    for said in (
        "Decidesconversion is loss, says roll back",
        "Says nothingpanel is flat",
        "Overruledjudge is win, says shiprow 1 decided",
        "1 guardrail quiet",
    ):  # fmt: skip
        assert said in words


def test_failing_checks_come_first_with_number_and_threshold() -> None:
    words = text(cards.checks_card(memo_of(verdict(), POLICY), whole=True))
    places = [words.index(part) for part in ("0.52 < 0.60", "0.38 < 0.40", "0.41 ≥ 0.001", "·coverage")]
    assert places == sorted(places)
    assert "✕ 1 fail · ! 1 warn · ✓ 11 pass · 1 not asked for" in words


def test_an_unknown_check_that_the_policy_asks_for_stays_on_top_and_is_said_once() -> None:
    asked = Check("coverage", "unknown", None, 0.8, "coverage is not known: no mix was pulled", required=True)
    judge = reading("judge", "win", 0.1, 0.05, checks={"coverage": asked})
    words = text(cards.checks_card(memo_of(verdict(readings={"judge": judge}), POLICY), whole=True))
    assert "judge: coverage is not known: no mix was pulled (asks 80.0 %) (the policy asks for it)" in words


def test_page_and_memo_explain_the_plot_in_the_same_words() -> None:
    memo = memo_of(verdict(), POLICY)
    for mark in ("Thick decides", "plain agrees", "hollow is overruled", "dashed is untrusted", "arrowhead"):
        assert mark in text(cards.forest_card(memo.plot))
        assert mark in html(memo)


def test_every_forest_row_can_be_reached_and_says_its_numbers() -> None:
    reader = read(cards.forest_card(memo_of(verdict(), POLICY).plot))
    assert "tabindex" in reader.attributes
    assert any("conversion: loss, effect −0.42 pp, 95 % CI −0.54 to −0.30 pp, margin 0.50 pp, decides" in label
               for label in reader.labels)  # fmt: skip


def test_synthetic_numbers_are_labelled() -> None:
    real = replace(verdict(), release=replace(verdict().release, synthetic=False))
    assert cards.SYNTHETIC_TAG in text(whole(verdict()))
    assert cards.SYNTHETIC_TAG not in text(whole(real))


def standing(one: Decision, **more: Any) -> Standing:
    return Standing(one, more.pop("status", "open" if one.override else "stands"), **more)


def test_decisions_against_the_verdict_are_named() -> None:
    older, newer = decision("ship"), replace(decision(), at=decision().at + timedelta(days=1))
    words = text(decided.strip((standing(older), standing(newer))))
    assert "tuesday-large ship override of ROLLBACK 17 Nov 2026" in words
    assert words.index("18 Nov 2026") < words.index("17 Nov 2026")  # newest first
    assert words.count("override") == 1
    assert decided.strip(()) == ""


def test_an_expired_override_and_a_stale_decision_say_so() -> None:
    against = decision("ship")
    over = Override("e", "tuesday-large", "ship", "rollback", "v", "mara", "bo", "why", against.at, until=against.at)
    words = text(decided.strip((standing(against, status="expired", override=over),)))
    assert "override of ROLLBACK, expired on 17 Nov 2026" in words
    old, new = replace(decision(), entry="old"), replace(decision(), entry="new", at=decision().at + timedelta(days=1))
    changed = standing(old, stale=Stale("rollback", "hold"), looked=True)
    words = text(decided.strip((standing(new), standing(old)), (changed,)))
    assert "stale: the verdict is HOLD now and was ROLLBACK" in words
    assert words.index("stale") < words.index("18 Nov 2026")  # what no longer fits comes first


def test_more_decisions_than_fit_are_counted() -> None:
    many = [standing(replace(decision(), at=decision().at + timedelta(days=day))) for day in range(9)]
    assert text(decided.strip(many)).endswith("and 3 more")


def many_signals(count: int) -> Verdict:
    """The usual verdict with flat signals below, and one that nobody hears."""
    base = verdict()
    more = {f"extra{place}": reading(f"extra{place}", "flat", 0.0, 0.1) for place in range(count)}
    steps = [
        TraceRow(f"hierarchy[{9 + place}]", name, "flat", None, "silent", "flat") for place, name in enumerate(more)
    ]
    lost = replace(reading("lost", "missing", None, 0.0, why="no source feeds it"), signal="lost")
    return replace(base, readings={**base.readings, **more, "lost": lost}, trace=(*base.trace, *steps))


def test_what_has_no_room_is_counted_named_and_behind_one_line() -> None:
    memo = memo_of(many_signals(5), POLICY)
    forest = cards.forest_card(memo.plot, memo.release)
    folded = forest[forest.index("<details") :]
    assert re.search(r"and 4 more: \w+", text(forest))
    for kept in ("conversion", "judge", "lost"):  # decides, was overruled, has no evidence
        assert f">{kept}<" not in folded
    for line in memo.plot.rows:
        assert line.signal in forest
    heard = text(cards.heard_card(memo.heard, memo.rules, memo.release))
    assert "and 3 more: extra" in heard
    assert heard.index("Overruled") < heard.index("and 3 more")


def test_every_number_opens_its_reading() -> None:
    memo = memo_of(verdict(), POLICY)
    shown = cards.banner(memo, "conversion") + cards.body(memo)
    addresses = re.findall(r'href="([^"]+)"', shown)
    assert "signals?release=tuesday-large&amp;signal=conversion" in addresses
    named = {check.name for check in memo.checks if check.signal == "conversion"}
    assert {f"signals?release=tuesday-large&amp;signal=conversion#check-{name}" for name in named} <= set(addresses)
    assert len([one for one in addresses if "#" not in one]) >= 2 * len(memo.plot.rows)


def test_an_explanation_that_is_being_made_says_so() -> None:
    memo = memo_of(verdict(), POLICY)
    assert "Working" in text(cards.body(memo, cards.waiting("Working it out")))
    assert "What would flip it" not in text(cards.body(memo))


def test_the_presenter_view_has_banner_plot_overruled_and_flips() -> None:
    memo = memo_of(hold(), POLICY)
    words = text(present.banner(memo) + present.body(memo))
    for said in ("HOLD", "Way out", "by 21 Dec 2026", "Overruled", "What would flip it", "evidence as of"):
        assert said in words
    crowded = memo_of(many_signals(5), POLICY)
    assert re.search(r"and 5 more: \w+", text(present.body(crowded)))


def test_a_mistake_is_one_line_per_problem() -> None:
    problems = (
        Problem("unknown key 'marginn'", "Did you mean 'margin'?", "hierarchy.yaml", 5, 3),
        Problem("x", "Run `y`"),
    )
    shown = cards.problem("It does not load", SignalsError(problems))
    assert "hierarchy.yaml:5:3: unknown key 'marginn'. Did you mean 'margin'?" in text(shown)
    assert "<code>y</code>" in shown


@pytest.mark.parametrize("evil", HOSTILE)
def test_text_from_outside_stays_text(evil: str) -> None:
    memo = poisoned(evil)
    hostile = (
        cards.banner(memo) + cards.meta(memo) + cards.body(memo)
        + decided.strip((standing(replace(decision("ship"), release=evil, by=evil, because=evil)),))
        + present.banner(memo) + present.body(memo)
        + cards.problem(evil, SignalsError(evil)) + cards.notice(evil, evil)
    )  # fmt: skip
    found = read(hostile)
    assert found.tags <= {"section", "div", "span", "p", "b", "i", "h2", "small", "code", "a", "details", "summary"}
    assert found.attributes <= {
        "class",
        "role",
        "aria-label",
        "aria-hidden",
        "title",
        "tabindex",
        "style",
        "href",
        "id",
    }
    assert all(link.startswith(("signals?", "policy?", "decisions")) for link in re.findall(r'href="([^"]*)"', hostile))
    assert not any(sign in hostile for sign in "\x00\x1b\u202e\u2028")


def test_the_flips_in_the_open_lead_both_ways_where_there_are_two() -> None:
    def line(words: str, to: Call) -> FlipLine:
        return FlipLine(words, to, "in its interval", False)

    near = (line("a", "rollback"), line("b", "rollback"), line("c", "rollback"), line("d", "ship"), line("e", "ship"))
    explained = memo_of(verdict(), POLICY, explanation=reconciled.explanation()).explained
    assert explained is not None
    found = replace(explained, flips=near)
    opened, _, folded = why.flips(found, 2).partition("<details")
    assert [words in opened for words in (">a:", ">b:", ">d:")] == [True, False, True]
    assert [words in folded for words in (">b:", ">c:", ">e:")] == [True] * 3
    assert "and 3 more" in folded
    same = replace(explained, flips=near[:3])
    opened, _, _ = why.flips(same, 2).partition("<details")
    assert ">b:" in opened
