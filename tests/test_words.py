"""How numbers are spelled in sentences."""

from __future__ import annotations

from signals.words import chance, clean, number, share, shorten, steadiness, true_minus


def test_negative_numbers_get_a_true_minus_and_nothing_else_does() -> None:
    assert true_minus("moved -3.2 (-1 to -.5)") == "moved −3.2 (−1 to −.5)"
    for same in ("1e-05", "2026-11-03", "help-v7", "v-7", "p1-2", "3-4 judges"):
        assert true_minus(same) == same


def test_margins_are_told_to_a_tenth_and_small_ones_to_a_hundredth() -> None:
    assert [number(value, "margins", signed=True) for value in (4.84, -0.84, 0.0, -12.345)] == [
        "+4.8 margins", "−0.84 margins", "0.00 margins", "−12.3 margins",
    ]  # fmt: skip


def test_a_negative_share_has_a_true_minus() -> None:
    assert share(-0.27, 0) == "−27 %"


def test_a_chance_is_never_rounded_to_certain_or_impossible() -> None:
    assert [chance(value) for value in (0.0, 0.0004, 0.5, 0.9996, 1.0)] == [
        "0 %", "under 1 %", "50 %", "over 99 %", "100 %",
    ]  # fmt: skip


def test_how_sure_a_call_is_begins_with_the_call_that_was_made() -> None:
    assert steadiness({"rollback": 0.7, "ship": 0.1, "hold": 0.2}, 10_000, "hold") == (
        "Drawn anew 10,000 times, the evidence gives HOLD in 20 %, ROLLBACK in 70 % and SHIP in 10 %: "
        "another call is likelier than this one."
    )
    assert steadiness({"ship": 1.0}, 500, "ship") == "Drawn anew 500 times, the evidence gives SHIP every time."
    assert steadiness({"hold": 1.0}, 500, "ship") == (
        "Drawn anew 500 times, the evidence gives SHIP in 0 % and HOLD in 100 %: "
        "another call is likelier than this one."
    )
    assert steadiness({"ship": 0.6, "hold": 0.4}, 500, "ship").endswith("SHIP in 60 % and HOLD in 40 %.")
    # Nobody is told that 50 % is likelier than 50 %.
    assert steadiness({"ship": 0.499, "hold": 0.501}, 500, "ship").endswith("SHIP in 50 % and HOLD in 50 %.")


def test_a_share_of_nothing_has_no_sign() -> None:
    assert [share(value, 0) for value in (-0.004, 0.004, -0.006)] == ["0 %", "0 %", "−1 %"]


def test_what_is_too_long_ends_in_a_count_and_is_not_shortened_twice() -> None:
    word = clean("x" * 100_000)
    assert word == "x" * 300 + "… (99,700 more characters)"
    assert clean(word) == word
    assert shorten(word, 60) == "x" * 60 + "… (99,940 more characters)"  # of the text as it came
    text = clean("ab " * 40_000)
    assert text.endswith("… (115,999 more characters)")
    assert clean(text) == text
    assert shorten("a" * 100, 60) == "a" * 100  # the count would take as much room
    assert clean("x" * 9000, lines=True) == "x" * 9000


def test_signs_that_hide_or_turn_text_become_visible() -> None:
    assert (
        clean("a\u200fb\u061cc\u200ed\u2066e\ufefff\u00adg\u200bh\U000e0041")
        == "a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf\ufffdg\ufffdh\ufffd"
    )
    assert clean("نیم\u200cفاصله") == "نیم\u200cفاصله"  # Persian needs it
