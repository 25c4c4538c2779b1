"""How a signal's name is written in a sentence."""

from __future__ import annotations

import pytest

from signals.policy.wording import plainly, title
from signals.reconcile.flip.words import owned


@pytest.mark.parametrize(
    ("name", "said", "begins"),
    [
        ("thumbs_up", "thumbs up", "Thumbs up"),
        ("_x1", "_x1", "_x1"),
        ("judge_", "judge_", "Judge_"),
        ("a__b", "a__b", "A__b"),
    ],
)
def test_an_underscore_is_a_space_only_between_letters(name: str, said: str, begins: str) -> None:
    assert (plainly(name), title(name)) == (said, begins)
    assert owned(name) == f"{said}'s"
