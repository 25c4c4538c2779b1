"""Forecasts against outcomes: a second implementation from single requests, and what chance alone does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from signals.model import RoutedCell
from signals.stats.difference import RefusedError
from signals.stats.forecast import FEWEST, overconfidence, together, worst_route


def cells(p: Any, y: Any, route: str = "") -> list[RoutedCell]:
    """As the connector counts them, by tenth of the forecast."""
    p, y = np.asarray(p, dtype=float), np.asarray(y, dtype=float)
    tenths = np.minimum(np.floor(10 * p), 9).astype(int)
    found = []
    for tenth in sorted(set(tenths.tolist())):
        q, z = p[tenths == tenth], y[tenths == tenth]
        off, chance = q - z, q * (1 - q)
        found.append(
            RoutedCell(
                "m", "new", route, tenth, q.size, q.size, z.mean(), q.mean(), ((off - off.mean()) ** 2).sum(),
                chance.sum(), ((z - q) * (1 - 2 * q)).sum(), (chance * (1 - 2 * q) ** 2).sum(),
            )
        )  # fmt: skip
    return found


def test_cells_come_to_what_the_single_requests_do() -> None:
    rng = np.random.default_rng(1)
    p = rng.beta(4, 2, 700)
    y = (rng.random(700) < p - 0.1).astype(float)
    found = together(cells(p, y))
    assert (found.known, found.realised, found.predicted) == (700, pytest.approx(y.mean()), pytest.approx(p.mean()))
    oracle = scipy_stats.ttest_1samp(p - y, 0.0)
    # These forecasts are off, so the spread of the errors is the larger of the two variances, or nearly.
    assert found.spread == pytest.approx(((p - y - (p - y).mean()) ** 2).sum())
    variance = max(np.var(p - y, ddof=1), (p * (1 - p)).mean()) / 700
    gap = overconfidence(found, 0.9)
    assert gap.effect == pytest.approx((p - y).mean())
    assert gap.low == pytest.approx(gap.effect - scipy_stats.t.ppf(0.95, 699) * np.sqrt(variance))
    assert gap.low == pytest.approx(oracle.confidence_interval(0.9).low, abs=0.002)
    # Spiegelhalter's z another way round: his own Brier score against its expectation and variance.
    brier, expected = ((y - p) ** 2).sum(), (p * (1 - p)).sum()
    z = (brier - expected) / np.sqrt((p * (1 - p) * (1 - 2 * p) ** 2).sum())
    assert found.z == pytest.approx(z)


def test_a_forecaster_who_is_right_is_accused_as_seldom_as_it_says() -> None:
    """Of 1,200 calibrated routers with three routes each: at most one in twenty by the bound; z is standard normal."""
    rng = np.random.default_rng(2)
    accused, zs = 0, []
    for _ in range(1_200):
        routes = {}
        for name, (a, b, n) in {"small": (30, 2, 60), "large": (8, 2, 300), "huge": (2, 2, 120)}.items():
            p = rng.beta(a, b, n)
            y = rng.random(n) < p
            chance, off = p * (1 - p), p - y
            score, spread = ((y - p) * (1 - 2 * p)).sum(), (chance * (1 - 2 * p) ** 2).sum()
            routes[name] = [
                RoutedCell("m", "new", name, 5, n, n, y.mean(), p.mean(), ((off - off.mean()) ** 2).sum(),
                           chance.sum(), score, spread)
            ]  # fmt: skip
        accused += worst_route(routes, 0.95)[2].low > 0.0
        zs.append(together([cell for one in routes.values() for cell in one]).z)
    assert 0.01 < accused / 1_200 < 0.065
    assert abs(np.mean(zs)) < 0.09
    assert np.std(zs) == pytest.approx(1.0, abs=0.07)


def test_the_worst_route_is_found_behind_a_fine_average() -> None:
    rng = np.random.default_rng(3)
    right, wrong = rng.beta(30, 3, 3_000), rng.beta(30, 3, 300)
    routes = {
        "large": cells(right, rng.random(3_000) < right, "large"),
        "small": cells(wrong, rng.random(300) < wrong - 0.2, "small"),
        "new": cells(wrong[: FEWEST - 1], np.zeros(FEWEST - 1), "new"),  # too few to be held against it
    }
    name, found, gap, compared = worst_route(routes, 0.95)
    assert (name, found.known, compared) == ("small", 300, 2)
    assert 0.1 < gap.low < 0.2 < gap.high
    assert together([*routes["large"], *routes["small"]]).predicted - 0.9 < 0.02


def test_what_tells_nothing_is_refused() -> None:
    with pytest.raises(RefusedError, match="no outcome is known"):
        together([RoutedCell("m", "new", "small", 9, 50, 0, 0.0), RoutedCell("m", "new", "small", -1, 50, 50, 0.5)])
    with pytest.raises(RefusedError, match="certain"):
        overconfidence(together(cells(np.ones(30), np.ones(30))), 0.95)
    with pytest.raises(RefusedError, match="no route has 20"):
        worst_route({"a": cells(np.full(19, 0.9), np.zeros(19))}, 0.95)


def test_luck_is_no_proof_of_underconfidence() -> None:
    """Thirty successes at 90 %: their own spread is nothing, and the interval is not."""
    gap = overconfidence(together(cells(np.full(30, 0.9), np.ones(30))), 0.95)
    assert gap.low == pytest.approx(-0.1 - scipy_stats.t.ppf(0.975, 29) * np.sqrt(0.09 / 30))
    assert gap.high > 0.0
