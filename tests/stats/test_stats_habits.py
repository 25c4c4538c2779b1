"""Habits of raters: straight lines and the order in which outputs were shown."""

from __future__ import annotations

import numpy as np
import pytest

from signals.stats.difference import RefusedError
from signals.stats.habits import order_effect, straight_liners


def panel(seed: int = 1, outputs: int = 30, raters: int = 5) -> list[tuple[int, str, float]]:
    rng = np.random.default_rng(seed)
    return [(o, f"r{r}", float(rng.integers(1, 6))) for o in range(outputs) for r in range(raters)]


def test_one_grade_for_everything() -> None:
    grades = panel()
    assert straight_liners(grades) == ([], 5)
    lazy = [(o, r, 4.0 if r == "r2" else grade) for o, r, grade in grades]
    assert straight_liners(lazy) == (["r2"], 5)
    # One slip in thirty is nearly everything, three are not.
    slipped = [(o, r, 1.0 if r == "r2" and o < 1 else grade) for o, r, grade in lazy]
    assert straight_liners(slipped) == (["r2"], 5)
    assert straight_liners([(o, r, 1.0 if r == "r2" and o < 3 else g) for o, r, g in lazy]) == ([], 5)


def test_one_grade_is_no_habit_where_everybody_gives_it() -> None:
    rng = np.random.default_rng(2)
    grades = [(o, f"r{r}", 5.0 if rng.random() < 0.93 else 4.0) for o in range(40) for r in range(4)]
    steady = [(o, r, 5.0 if r == "r0" else grade) for o, r, grade in grades]
    assert straight_liners(steady) == ([], 4)


def test_a_rater_is_held_against_the_others_and_not_against_himself() -> None:
    other = [(o, "other", 4.0 if o % 5 < 2 else float(1 + o % 3)) for o in range(10)]
    lazy = [(o, "lazy", 4.0) for o in range(10)]
    assert straight_liners([*other, *lazy]) == (["lazy"], 2)


def test_who_cannot_be_looked_at() -> None:
    grades = panel(outputs=30)
    few = [row for row in grades if row[1] != "r4" or row[0] < 9]
    assert straight_liners(few)[1] == 4
    alone = [(1000 + o, "hermit", 3.0) for o in range(50)]
    assert straight_liners([*grades, *alone]) == ([], 5)
    assert straight_liners([]) == ([], 0)
    # Twice the same output by one rater is no second opinion.
    assert straight_liners([*alone, *alone]) == ([], 0)


def shown(bias: float, seed: int, items: int = 60, raters: int = 6) -> list[tuple[int, int, float, bool]]:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(items):
        lean = rng.normal(0.3, 0.5)
        for r in range(raters):
            first = bool(rng.random() < 0.5)
            rows.append((i, r, float(lean + (bias if first else -bias) + rng.normal()), first))
    return rows


def test_order_effect_against_permutations() -> None:
    rows = shown(0.06, 3, raters=25)
    found = order_effect(rows)
    value = np.array([row[2] for row in rows])
    first = np.array([1.0 if row[3] else -1.0 for row in rows])
    seen = np.mean((first - first.mean()) * (value - value.mean()))
    assert found.effect == pytest.approx(seen)
    rng = np.random.default_rng(0)
    drawn = np.array(
        [np.mean((p - p.mean()) * (value - value.mean())) for p in (rng.permutation(first) for _ in range(4000))]
    )
    # Permutations take raters and items as they are; allowing for others like them can only add.
    assert found.se == pytest.approx(drawn.std(), rel=0.2)
    assert found.p_value == pytest.approx(np.mean(np.abs(drawn) >= abs(seen)), abs=0.08)
    slope = np.polyfit(first, value, 1)[0]
    assert found.effect / first.var() == pytest.approx(slope)


def test_preference_for_the_candidate_is_no_order_effect() -> None:
    rows = [(i, r, 1.0, (i + r) % 4 == 0) for i in range(40) for r in range(4)]
    mixed = [(i, r, 1.0 if (i * 7 + r * 3) % 11 else -1.0, first) for i, r, _, first in rows]
    assert order_effect(mixed).p_value > 0.2
    with pytest.raises(RefusedError):
        order_effect(rows)  # everybody prefers it in either order


def test_everybody_takes_what_is_first() -> None:
    balanced = [(i, r, 1.0 if first else -1.0, first) for i in range(30) for r in range(3) for first in (True, False)]
    assert order_effect(balanced).p_value < 1e-6
    tilted = [row for row in balanced if row[3] or row[0] % 2]
    assert order_effect(tilted).p_value < 1e-6


def test_pairs_in_both_orders_compare_within_themselves() -> None:
    """Raters and items differ a lot; within each pair the first place adds a little."""
    rng = np.random.default_rng(6)
    rows = []
    for i in range(30):
        for r in range(4):
            taste = rng.normal(0, 3)
            noise = rng.normal(0, 0.1, 2)
            rows += [(i, r, taste + 0.2 + noise[0], True), (i, r, taste - 0.2 + noise[1], False)]
    assert order_effect(rows).p_value < 0.001
    assert order_effect(rows).effect == pytest.approx(0.2, abs=0.03)


def test_one_rater_and_too_few() -> None:
    alone = [row for row in shown(0.8, 7, items=80) if row[1] == 0]
    assert order_effect(alone).p_value < 0.01
    with pytest.raises(RefusedError, match="one order was shown 0 times"):
        order_effect([(i, r, float(i), True) for i in range(20) for r in range(3)])
    with pytest.raises(RefusedError, match="at least 10"):
        order_effect([])


@pytest.mark.slow
def test_a_panel_without_order_effect_seldom_shows_one() -> None:
    by_answer = np.mean([order_effect(shown(0.0, seed, 40, 5)).p_value < 0.05 for seed in range(400)])
    assert by_answer < 0.08
    # The same order for all raters of an item, whose preferences go together.
    alarms = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        lean, first = rng.normal(0, 1, 40), rng.random(40) < 0.5
        rows = [(i, r, float(lean[i] + rng.normal(0, 0.5)), bool(first[i])) for i in range(40) for r in range(5)]
        alarms += order_effect(rows).p_value < 0.05
    assert alarms / 400 < 0.08
