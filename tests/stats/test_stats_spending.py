from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from signals.stats.spending import boundaries, repeated_p, spent


def test_published_boundaries(shared: Path) -> None:
    golden = json.loads((shared / "golden/10_group_sequential_boundaries.json").read_text())
    information = golden["input"]["information"]
    assert boundaries(information, 0.05) == pytest.approx(tuple(golden["expected"]["obf_type"]), abs=1e-6)
    pocock = boundaries(information, 0.05, "pocock")
    assert pocock == pytest.approx(tuple(golden["expected"]["pocock_type"]), abs=1e-6)


def test_one_look_is_the_ordinary_interval() -> None:
    assert boundaries([700], 0.05, shares=[1.0])[0] == pytest.approx(norm.isf(0.025), abs=1e-9)


increasing = st.lists(st.integers(1, 50), min_size=1, max_size=6).map(lambda steps: list(np.cumsum(steps)))


@settings(max_examples=15)
@given(increasing, st.floats(0.001, 0.3))
def test_the_chance_of_crossing_is_what_was_to_be_spent(times: list[int], alpha: float) -> None:
    """Brownian motion drawn step by step, from the boundaries alone."""
    shares = [time / times[-1] for time in times]
    reach = boundaries(times, alpha, shares=shares)
    rng = np.random.default_rng(1)
    steps = np.sqrt(np.diff([0, *times]))
    paths = (rng.standard_normal((40_000, len(times))) * steps).cumsum(axis=1) / np.sqrt(times)
    crossed = np.maximum.accumulate(np.abs(paths) >= np.array(reach), axis=1).mean(axis=0)
    due = [spent(share, alpha) for share in shares]
    assert crossed == pytest.approx(due, abs=5 * math.sqrt(0.25 / 40_000))


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.5), st.sampled_from(["obrien-fleming", "pocock"]))
def test_spending_grows_to_alpha(share: float, alpha: float, kind: str) -> None:
    assert 0.0 <= spent(share, alpha, kind) <= spent(min(1.0, share * 1.1), alpha, kind) <= alpha  # type: ignore[arg-type]
    assert spent(1.0, alpha, kind) == alpha  # type: ignore[arg-type]


@settings(max_examples=30)
@given(increasing, st.floats(0.01, 0.2), st.floats(1.1, 3.0))
def test_scale_of_information_does_not_matter_and_more_confidence_is_wider(
    times: list[int], alpha: float, factor: float
) -> None:
    shares = [time / times[-1] for time in times]
    once = boundaries(times, alpha, shares=shares)
    assert boundaries([time * 1000 for time in times], alpha, shares=shares) == pytest.approx(once)
    assert boundaries(times, alpha / factor, shares=shares)[-1] > once[-1]


@pytest.mark.parametrize("statistic", [0.1, 1.0, 2.0, 2.3, 2.6, 3.5, 5.0])
@pytest.mark.parametrize("looks", [1, 2, 4])
def test_repeated_p_inverts_the_interval(statistic: float, looks: int) -> None:
    times = [0.25 * look for look in range(1, looks + 1)]
    shares = [*times[:-1], 1.0]
    p = repeated_p(statistic, times, 0.05, shares)
    assert (p < 0.05) == (statistic > boundaries(times, 0.05, shares=shares)[-1])
    if 1e-6 < p < 0.9:
        assert boundaries(times, p, shares=shares)[-1] == pytest.approx(statistic, rel=0.01)


def test_a_look_at_next_to_nothing_spends_nothing() -> None:
    first, last = boundaries([0.01, 1.0], 0.05)
    assert math.isinf(first)
    assert last == pytest.approx(norm.isf(0.025), abs=1e-6)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="increase"):
        boundaries([1, 1], 0.05)
    with pytest.raises(ValueError, match="positive"):
        boundaries([], 0.05)
