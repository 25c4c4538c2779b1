"""Distance of a sample from a known mix: its bound against simulation, its distance by hand."""

from __future__ import annotations

import numpy as np
import pytest

from signals.stats.difference import RefusedError
from signals.stats.mix import mix_shift

KNOWN = [0.4, 0.3, 0.2, 0.1]


def test_the_distance_is_the_share_that_would_have_to_move() -> None:
    found = mix_shift([50, 30, 20, 0], KNOWN, 0.95)
    assert found.distance == pytest.approx(0.1)  # ten of the first would have to be of the fourth
    assert found.low == pytest.approx(max(0.0, 0.1 - found.noise))
    assert mix_shift([0, 7], [1.0, 0.0], 0.95).distance == 1.0


@pytest.mark.parametrize(
    ("origin", "n"), [(KNOWN, 60), (KNOWN, 1_000), ([0.55, 0.3, 0.14, 0.01], 200), ([0.9, 0.1, 0.0, 0.0], 400)]
)
def test_the_bound_holds_as_often_as_it_says(origin: list[float], n: int) -> None:
    """200 samples of each: also where they were drawn from the known mix, whose distance is nothing."""
    rng = np.random.default_rng(n)
    true = 0.5 * np.abs(np.array(origin) - KNOWN).sum()
    above = sum(mix_shift(rng.multinomial(n, origin).tolist(), KNOWN, 0.95).low > true for _ in range(200))
    assert above / 200 <= 0.09  # 5 % and three standard errors


def test_noise_is_not_taken_for_a_shift_and_a_shift_is_found() -> None:
    rng = np.random.default_rng(5)
    same = [mix_shift(rng.multinomial(100, KNOWN).tolist(), KNOWN, 0.95) for _ in range(150)]
    assert np.mean([one.distance for one in same]) > 0.05  # what the plain distance of no shift at all looks like
    assert sum(one.low > 0.0 for one in same) <= 16  # 5 % and three standard errors
    found = mix_shift([424, 240, 128, 8], [0.42, 0.24, 0.16, 0.18], 0.95)
    assert found.distance == pytest.approx(0.17)
    assert found.low > 0.13


def test_no_items_no_distance() -> None:
    with pytest.raises(RefusedError, match="no items"):
        mix_shift([0, 0], [0.5, 0.5], 0.95)
    with pytest.raises(ValueError, match="2 segments against 1"):
        mix_shift([1, 2], [1.0], 0.95)
