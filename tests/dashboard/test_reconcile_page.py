"""The Reconcile page: its cards, what it shows for every release of the example, and how it looks in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import reconciled
from dashboard.conftest import turn_to
from dashboard.test_cards import read, text
from dashboard.test_pages import TIMEOUT, shown
from memo.hostile import HOSTILE, poisoned
from memo.verdicts import POLICY, hold, reading, ship, verdict
from streamlit.testing.v1 import AppTest

from signals.dashboard import cards, why
from signals.dashboard.steps import steps
from signals.memo import memo_of
from signals.memo.rows import Explained
from signals.memo.waterfall import waterfall
from signals.model import Explanation, Verdict

if TYPE_CHECKING:
    from dashboard.conftest import Server

# --- cards ----------------------------------------------------------------------------------------------------------


def explained(one: Verdict | None = None, **changes: Any) -> Explained:
    found = memo_of(
        one or verdict(), POLICY, explanation=reconciled.explanation((one or verdict()).readings, **changes)
    ).explained
    assert found is not None
    return found


def test_every_pair_has_its_story_its_steps_and_its_causes() -> None:
    pairs = (reconciled.judge_against_conversion(), reconciled.no_scale())
    found = why.body(explained(reconciliation=tuple(reconciled.told(pair) for pair in pairs)))
    words = text(found)
    for said in (
        "judge (win) against conversion (loss)", "is judge bias: judge is kinder to the candidate than people are",
        "judge, win+4.0 margins", "population (judge)+1.5 (31 %)", "conversion, loss−0.84 margins",
        "Of the gap, margins", "judge bias told from chance+2.0+1.2 to +2.841 %0.0016",
        "chance not told from chance+0.20−0.30 to +0.704 %0.86timing (conversion)+0.20", "gap+4.8+3.3 to +6.4100 %",
        "In its own unit +4.00 pp (+2.40 to +5.60).", "value weighting (judge) not known",
        "Declare value_share in a source of shape traffic_mix.", "Items that carry the bias of judge", "ticket-17",
        "What the numbers were made from", "Taken off its signal", "Rows that are not indented add up to the gap",
        "The gap cannot be apportioned: cost has no margin",
    ):  # fmt: skip
        assert said in words, said
    labels = read(found).labels
    assert "judge bias +2.0 (41 %), interval +1.2 to +2.8" in labels
    assert words.count("Not known: value weighting of judge (no source says") == 1  # once, under the pairs
    assert "Causes: judge (win) against conversion (loss)" in labels
    assert found.count('class="steps"') == 1  # the second pair has no scale


def test_the_steps_stand_where_the_geometry_says() -> None:
    plot = waterfall(reconciled.judge_against_conversion())
    assert plot is not None
    drawn = steps(plot)
    for step in plot.steps:
        at = plot.drawn(step)
        assert f'class="bar {step.sort} ' in drawn
        assert f"left:{100 * at.left:.2f}%;width:{100 * (at.right - at.left):.2f}%" in drawn
    assert drawn.count('class="join"') == len(plot.steps) - 1
    assert drawn.count('tabindex="0"') == len(plot.steps)
    assert drawn.count("cut-high") == 1  # only the judge's own interval reaches beyond the picture


def test_when_nothing_contradicts_the_page_says_so_plainly() -> None:
    same = {name: reading(name, "win", 0.1, 0.05) for name in ("conversion", "judge")}
    agreeing = replace(ship(), readings=same, trace=())
    words = text(why.body(explained(agreeing, reconciliation=(), notes=())))
    assert words.startswith("Nothing to reconcileNo signal contradicts another, so there is nothing to explain.")
    assert "How sure the call is" in words
    torn = text(why.body(explained(reconciliation=(), notes=("judge against conversion: too few items",))))
    assert torn.startswith("Nothing was reconciledSignals contradict each other, but no pair of them could be")
    assert "Judge against conversion: too few items." in torn


def test_the_banner_says_how_sure_the_call_is() -> None:
    memo = memo_of(verdict(), POLICY, explanation=reconciled.explanation())
    words = text(cards.banner(memo))
    assert words.endswith("what judges think. Drawn anew 10,000 times, the evidence gives "
                          "ROLLBACK in 97 % and HOLD in 3 %.")  # fmt: skip
    assert "Drawn anew" not in text(cards.banner(memo_of(verdict(), POLICY)))


def test_a_hold_has_its_way_out_the_next_best_evidence_and_two_flips() -> None:
    memo = memo_of(hold(), POLICY, explanation=reconciled.explanation(collections=reconciled.COLLECTIONS))
    words = text(cards.body(memo))
    assert "Way outconversion: 310,000 more users" in words
    best = "Next best evidence, to settle the call: conversion: 120,000 more users."
    assert f"{best} About 8 days at the current rate, 0 EUR: " in words
    assert words.count("Next best evidence") == 1
    assert "A settled call is" not in words, "where it must fit one screen, what a word means is a tooltip"
    card = text(why.settle_card(explained(hold(), collections=reconciled.COLLECTIONS)))
    assert card.startswith("What would settle itA settled call is SHIP, ROLLBACK or a HOLD that does not wait")
    assert "redraws then agree on a settled call in 97 % of cases, now in 62 %: enough to be sure of the call." in card
    assert "A settled call is" not in text(why.settle_card(explained(hold())))
    assert "What would flip itIf conversion's loss were no worse than −0.11 pp (now −0.42): hold" in words
    opened, _, folded = cards.body(memo).partition("What would flip it")[2].partition("<details")
    assert opened.count("flips-line") == 2
    assert "and 3 more" in folded
    assert "If panel were a loss" in folded


def test_any_other_call_has_its_flips_and_what_would_settle_it_in_one_card() -> None:
    memo = memo_of(verdict(), POLICY, explanation=reconciled.explanation(unsettled="nothing would settle it"))
    words = text(cards.body(memo))
    assert "Way out" not in words
    assert "If panel were a loss: roll back" in words
    assert "Nothing would settle it." in words
    none = memo_of(verdict(), POLICY, explanation=Explanation())
    assert "No single fact, whatever its value, would make another call." in text(cards.body(none))


def test_the_way_out_does_not_repeat_the_banner() -> None:
    need = replace(hold().needs[0], why="conversion is unclear; at the current rate it takes 43 days")
    one = replace(hold(), needs=(need,), sentence="So far conversion is unclear; more users would settle it.")
    words = text(cards.needs_card(memo_of(one, POLICY)))
    assert "At the current rate it takes 43 days" in words
    assert "conversion is unclear" not in words
    other = text(cards.needs_card(memo_of(replace(one, sentence="Panel is unclear."), POLICY)))
    assert "conversion is unclear; at the current rate" in other


@pytest.mark.parametrize("evil", HOSTILE)
def test_text_from_outside_stays_text(evil: str) -> None:
    found = poisoned(evil).explained
    assert found is not None
    hostile = why.body(found) + why.flips_card(found, collections=True)
    seen = read(hostile)
    assert seen.tags <= {
        "section", "div", "span", "p", "b", "i", "h2", "h3", "code", "table", "thead", "tbody", "tr", "th", "td",
        "details", "summary",
    }  # fmt: skip
    assert seen.attributes <= {"class", "role", "aria-label", "aria-hidden", "title", "tabindex", "style", "scope"}
    assert not any(sign in hostile for sign in "\x00\x1b\u202e\u2028")


# --- the page -------------------------------------------------------------------------------------------------------


@pytest.fixture
def start(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(project: Path, release: str | None = None) -> AppTest:
        monkeypatch.setenv("SIGNALS_PROJECT", str(project))
        monkeypatch.delenv("SIGNALS_STORE", raising=False)
        script = (
            "from pathlib import Path\nimport os\nfrom signals.dashboard import reconcile\n"
            "reconcile.page(Path(os.environ['SIGNALS_PROJECT']))\n"
        )
        app = AppTest.from_string(script, default_timeout=TIMEOUT)
        if release:
            app.query_params["release"] = release
        return app.run()

    return run


def test_both_standups_say_why_the_judge_is_louder_than_people(start: Any, example: Path) -> None:
    for release in ("tuesday-large", "tuesday-small"):
        words = shown(start(example, release))
        assert "judge (win) against panel (flat)" in words
        assert "is judge bias: judge is kinder to the candidate than people are" in words
        assert "Drawn anew 10,000 times" in words
        assert "What would flip it" in words
        assert "Items that carry the bias of judge" in words


def test_a_release_whose_signals_agree_has_no_story(start: Any, example: Path) -> None:
    app = start(example, "all-agree")
    assert not app.exception
    words = shown(app)
    assert "Nothing to reconcile No signal contradicts another" in words
    assert "How sure the call is" in words


def test_choosing_another_release_tells_another_story(start: Any, example: Path) -> None:
    app = start(example, "all-agree")
    app.selectbox(key="release").set_value("tuesday-large").run()
    assert "against conversion (loss)" in shown(app)


def test_a_folder_without_a_project_says_what_to_run(start: Any, tmp_path: Path) -> None:
    app = start(tmp_path)
    assert not app.exception
    assert "does not load" in shown(app)


def test_a_store_that_was_never_filled_says_pull(start: Any, example: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(example, tmp_path / "fresh", ignore=shutil.ignore_patterns("*.db*"))
    words = shown(start(tmp_path / "fresh", "tuesday-large"))
    assert "Nothing to reconcile for tuesday-large" in words
    assert "signals pull" in words


# --- in a browser ---------------------------------------------------------------------------------------------------

SIZES = [(1440, 900), (390, 844)]
OVERLAPS = """() => {
  const texts = [...document.querySelectorAll('.sg .step .what, .sg .step .much')].map(e => e.getBoundingClientRect());
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  return texts.flatMap((a, i) => texts.slice(i + 1).filter(b => meet(a, b))).length;
}"""
HIDDEN = """() => [...document.querySelectorAll('.sg .step')].filter(row => {
  const bar = row.querySelector('.bar').getBoundingClientRect();
  return [...row.querySelectorAll('span')].some(e => e.getBoundingClientRect().bottom > bar.top + 1);
}).length"""
KEPT = "location.search.includes('release=tuesday-small')"
WIDE = "[...document.querySelectorAll('.sg *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"


@pytest.fixture
def visit(browser: Any, server: Server) -> Iterator[Any]:
    contexts = []

    def go(path: str, width: int = 1440, height: int = 900, scheme: str = "light") -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{server.address}/{path}")
        page.wait_for_selector(".sg .card.pair", timeout=60_000)
        page.wait_for_function("document.fonts.status === 'loaded'")
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("release", ["tuesday-large", "all-agree"])
def test_nothing_overlaps_and_nothing_scrolls_sideways(visit: Any, release: str, width: int, height: int) -> None:
    page = visit(f"reconcile?release={release}", width, height)
    assert page.evaluate(OVERLAPS) == 0
    assert page.evaluate(HIDDEN) == 0
    assert page.evaluate(WIDE) == 0
    if release == "tuesday-large":
        assert page.locator(".sg .steps").count() == page.locator(".sg .pair").count() >= 4


@pytest.mark.browser
def test_the_steps_are_reached_by_keyboard_and_say_their_numbers(visit: Any) -> None:
    page = visit("reconcile?release=tuesday-small")
    labels = []
    for _ in range(25):
        page.keyboard.press("Tab")
        labels.append(page.evaluate("document.activeElement.getAttribute('aria-label') || ''"))
    assert any(label.startswith("judge bias +") and "interval" in label for label in labels)


@pytest.mark.browser
def test_the_release_is_kept_from_page_to_page(visit: Any) -> None:
    page = visit("reconcile?release=tuesday-small")
    turn_to(page, "Verdict")
    page.wait_for_selector(".sg .forest")
    page.wait_for_function(KEPT)
    assert page.get_by_role("combobox").first.input_value() == "tuesday-small"
    turn_to(page, "Reconcile")
    page.wait_for_selector(".sg .card.pair")
    page.wait_for_function(KEPT)


@pytest.mark.browser
def test_sorts_of_steps_differ_without_colour(visit: Any) -> None:
    """A reader who sees no colour tells what is explained, chance and the unexplained rest by fill and border."""
    page = visit("reconcile?release=tuesday-large")
    look = """() => Object.fromEntries([...document.querySelectorAll('.sg .step .bar')].map(e => {
      const s = getComputedStyle(e);
      return [e.classList[1], [s.borderTopStyle, s.backgroundImage === 'none'].join()];
    }))"""
    found = page.evaluate(look)
    assert len({found[sort] for sort in ("explains", "chance", "unexplained")}) == 3
