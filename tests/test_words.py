"""How numbers are spelled in sentences."""

from __future__ import annotations

from signals.words import true_minus


def test_negative_numbers_get_a_true_minus_and_nothing_else_does() -> None:
    assert true_minus("moved -3.2 (-1 to -.5)") == "moved −3.2 (−1 to −.5)"
    for same in ("1e-05", "2026-11-03", "help-v7", "v-7", "p1-2", "3-4 judges"):
        assert true_minus(same) == same
