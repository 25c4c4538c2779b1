"""The panels beside the editor: what comes first, how it is said, and that nothing from outside becomes markup."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dashboard.test_cards import HOSTILE, read, text

from signals.dashboard import policy_panels as panels
from signals.dashboard.policy_check import Checked, Flip, Mark, _alarm, check, difference
from signals.model import Call, Outcome, SignalsError
from signals.policy import Policy, parse_policy

FLIP = Flip("prompt-v7", "ship", "hold", "judge", "otherwise", "bad", None, open=False)


@pytest.fixture(scope="module")
def saved(root: Path) -> Policy:
    return parse_policy((root / "hierarchy.yaml").read_text(encoding="utf-8"), "hierarchy.yaml")


def edited(policy: Policy, old: str, new: str) -> Policy:
    assert old in policy.text
    return parse_policy(policy.text.replace(old, new), policy.file)


def flip(before: Call | None, after: Call | None, outcome: Outcome = "unknown", by: str = "judge") -> Flip:
    return replace(FLIP, before=before, after=after, outcome=outcome, by_before="judge", by_after=by)


def test_what_ships_anew_and_turned_out_bad_comes_first_and_what_stays_last() -> None:
    order = [
        flip("rollback", "ship", "bad"), flip("rollback", "ship", "good"), flip("hold", "ship", "bad"),
        flip("hold", "ship", "unknown"), flip("rollback", "hold", "good"), flip("ship", "hold", "bad"),
        flip("ship", "rollback", "bad"),
    ]  # fmt: skip
    same = [flip("ship", "ship", "bad", by="panel"), flip("ship", "ship", "bad")]
    assert sorted([*same, *reversed(order)], key=_alarm)[-2:] == same
    shuffled = order[::-1]
    found = sorted(shuffled, key=_alarm)
    assert (found[0].before, found[0].after, found[0].outcome) == ("rollback", "ship", "bad")
    assert found.index(order[2]) < found.index(order[3])
    assert found[-2:] == order[-2:]


@pytest.mark.parametrize(
    ("before", "after", "outcome", "said"),
    [
        ("ship", "hold", "bad", "turned out bad: the edit would not have shipped it"),
        ("ship", "hold", "good", "turned out good: the edit would not have shipped it"),
        ("hold", "ship", "bad", "turned out bad: the edit would have shipped it"),
        ("rollback", "ship", "good", "turned out good: the edit would have shipped it"),
        ("rollback", "hold", "bad", "turned out bad;"),
        ("ship", "hold", "unknown", "outcome not known;"),
        ("ship", "ship", "bad", "turned out bad;"),
    ],
)
def test_the_outcome_is_told_with_what_the_edit_would_have_done(
    before: Call, after: Call, outcome: Outcome, said: str
) -> None:
    shown = text(panels.flip_row(flip(before, after, outcome)))
    assert said in shown
    assert ("would" in shown) == ("would" in said)


def test_an_open_release_has_no_outcome_and_a_broken_one_says_why() -> None:
    assert "still open" in text(panels.flip_row(replace(FLIP, open=True)))
    broken = replace(FLIP, after=None, by_after="", why="no source feeds it")
    assert "NO VERDICT" in text(panels.flip_row(broken))
    assert "no source feeds it" in text(panels.flip_row(broken))


def test_the_headline_counts_flips_and_situations_and_tests(saved: Policy) -> None:
    draft = edited(saved, "judge.human_agreement >= 0.5", "judge.human_agreement >= 0.6")
    found = difference(saved, draft)
    checked = check(draft.text, draft.file, draft.review_by)  # type: ignore[arg-type]  # the shipped policy has one
    shown = text(panels.headline([FLIP, flip("ship", "ship")], found, checked))
    assert shown.startswith("This edit flips 1 of 2 releases")
    many = sum(one.count for one in found.changes)
    assert f"In {many:,} of {found.changes[0].total:,} situations the call changes." in shown
    assert "Strengthens protection" in shown
    assert f"1 of its {len(draft.tests)} tests fails." in shown
    none = text(panels.headline([flip("ship", "ship")], difference(saved, saved), Checked(saved, ())))
    assert none.startswith("This edit flips 0 of 1 releaseEvery situation is decided as before.")


def test_an_edit_that_only_moves_a_threshold_is_told_by_its_words(saved: Policy) -> None:
    draft = edited(saved, "min_responses: 500", "min_responses: 400")
    found = difference(saved, draft)
    shown = text(panels.headline([], found, Checked(draft, ())))
    assert "Weakens protection" in shown
    assert "min_responses from 500 to 400" in shown
    assert panels.weakening(found) == "This edit weakens protection."
    assert "min_responses from 500 to 400" in text(panels.changes(found))


def test_the_headline_tells_the_change_that_earned_the_badge(saved: Policy) -> None:
    draft = edited(saved, "review_by: 2027-02-01", "review_by: 2027-03-01")
    draft = edited(draft, "min_responses: 500", "min_responses: 400")
    shown = text(panels.headline([], difference(saved, draft), Checked(draft, ())))
    assert "Weakens protection" in shown
    assert shown.index("min_responses") < shown.index("and 1 more change")
    assert "looked at again" not in shown


def test_a_weakening_counts_what_it_lets_ship(saved: Policy) -> None:
    draft = edited(saved, "{signal: panel, win: ship, loss: rollback}", "{signal: panel, win: ship, loss: ship}")
    found = difference(saved, draft)
    many = sum(one.count for one in found.changes if one.after == "ship")
    assert many > 0
    assert panels.weakening(found) == f"This edit lets {many:,} more situations ship."
    assert panels.weakening(difference(saved, saved)) == ""
    assert panels.weakening(difference(draft, saved)) == ""


def test_nothing_is_compared_with_a_policy_that_does_not_load(saved: Policy) -> None:
    error = SignalsError("the saved policy does not load")
    shown = text(panels.headline(error, None, Checked(saved, ())))
    assert "the saved policy does not load" in shown
    assert "flips" not in shown


def test_a_diff_marks_lines_by_sign_and_word() -> None:
    shown = panels.text_diff("a\nb\nc\n", "a\nB\nc\n", "What changed")
    assert '<div class="removed"><span class="unseen">removed: </span>-b</div>' in shown
    assert '<div class="added"><span class="unseen">added: </span>+B</div>' in shown
    assert '<div class="place">line 1</div>' in shown
    assert "the same" in text(panels.text_diff("a", "a", "x"))
    assert "too long" in text(panels.text_diff("a", "b" * 400_000, "x"))
    assert len(panels.text_diff("a", "b" * 200_000, "x")) < 2_000


@pytest.mark.parametrize("evil", HOSTILE)
def test_text_from_outside_stays_text(evil: str) -> None:
    row = replace(FLIP, release=evil, by_after=evil, by_before=evil, why="")
    shown = (
        panels.flip_row(row) + panels.flip_row(replace(row, why=evil, after=None)) + panels.line(evil)
        + panels.problem_list([Mark("error", 1, 1, evil, evil), Mark("warning", None, None, evil)])
        + panels.text_diff("a", evil, evil) + panels.card(evil, small=evil) + panels.releases([row])
        + panels.releases(SignalsError(evil))
    )  # fmt: skip
    found = read(shown)
    assert found.tags <= {"section", "div", "span", "p", "b", "h2", "h3"}
    assert found.attributes <= {"class", "role", "aria-label", "tabindex"}
    assert not any(sign in shown for sign in "\x00\x1b\u202e\u2028")
