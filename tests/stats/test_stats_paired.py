from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from scipy.optimize import brentq, minimize_scalar
from statsmodels.stats.sandwich_covariance import cov_cluster

from signals.stats.difference import RefusedError
from signals.stats.paired import Spread, cluster_mean, components, is_lopsided, tango


def test_clustered_difference(shared: Path) -> None:
    golden = json.loads((shared / "golden/01_paired_cluster_difference.json").read_text())
    data, want = golden["input"], golden["expected"]
    d = np.subtract(data["score_new"], data["score_old"])
    found = cluster_mean(d, data["cluster"], 0.95)
    assert found.clusters == want["G"]
    assert found.difference.effect == pytest.approx(want["mean"], abs=1e-12)
    assert found.difference.se == pytest.approx(want["se_crv3"], abs=1e-9)
    assert (found.difference.low, found.difference.high) == pytest.approx(tuple(want["ci95_crv3"]), abs=1e-9)


@given(st.integers(0, 10_000))
def test_clustered_difference_against_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 6, 40)
    d = rng.normal(size=40) + cluster
    fit = sm.OLS(d, np.ones(40)).fit()
    oracle = math.sqrt(cov_cluster(fit, cluster, crv_type="cluster-crv3")[0, 0])
    assert cluster_mean(d, cluster.tolist(), 0.95).difference.se == pytest.approx(oracle, rel=1e-9)


def test_single_items_give_the_paired_t() -> None:
    rng = np.random.default_rng(1)
    d = rng.normal(0.3, 1, 25)
    found = cluster_mean(d, range(25), 0.95)
    interval = scipy_stats.ttest_1samp(d, 0).confidence_interval(0.95)
    assert (found.difference.low, found.difference.high) == pytest.approx((interval.low, interval.high))
    assert found.n_effective == pytest.approx(25)


def test_copies_of_an_item_add_nothing() -> None:
    rng = np.random.default_rng(2)
    d = rng.normal(0.3, 1, 25)
    copied = cluster_mean(np.tile(d, 4), list(range(25)) * 4, 0.95)
    assert copied.difference.se == pytest.approx(cluster_mean(d, range(25), 0.95).difference.se)
    assert copied.n_effective < 26


def test_refusals() -> None:
    with pytest.raises(RefusedError, match="at least 2"):
        cluster_mean([0.1, 0.2, 0.3], ["a", "a", "a"], 0.95)
    with pytest.raises(RefusedError, match="all paired differences are equal"):
        cluster_mean([0.1, 0.1, 0.1], [1, 2, 3], 0.95)
    with pytest.raises(RefusedError, match="no item"):
        tango(0, 0, 0, 0.95)
    with pytest.raises(ValueError, match="do not fit"):
        tango(3, 2, 4, 0.95)


def test_equivalence_by_interval_inclusion(shared: Path) -> None:
    """Two one-sided tests at .05 are the 90 % interval: its bounds tell both, and each p-value is a confidence."""
    golden = json.loads((shared / "golden/18_tost_noninferiority.json").read_text())
    data, want = golden["input"], golden["expected"]
    d = data["diff"]
    found = cluster_mean(d, range(len(d)), 1 - 2 * data["alpha"]).difference
    assert (found.low, found.high) == pytest.approx(tuple(want["ci90"]), abs=1e-9)
    # The one-sided p-values are where the bound meets the margin.
    assert cluster_mean(d, range(len(d)), 1 - 2 * want["p_low"]).difference.low == pytest.approx(data["low"], abs=1e-9)
    assert cluster_mean(d, range(len(d)), 1 - 2 * want["p_upp"]).difference.high == pytest.approx(data["upp"], abs=1e-9)
    assert want["tost_p"] == max(want["p_low"], want["p_upp"])


def test_lopsided_differences_are_told_from_even_ones() -> None:
    rng = np.random.default_rng(3)
    assert not cluster_mean(rng.normal(size=100), range(100), 0.95).lopsided
    assert cluster_mean(rng.exponential(size=60), range(60), 0.95).lopsided
    assert not cluster_mean(rng.exponential(size=5000), range(5000), 0.95).lopsided  # the mean has become normal
    rare = [-1.0] * 4 + [0.0] * 96
    assert cluster_mean(rare, range(100), 0.95).lopsided
    skewness = scipy_stats.skew(rare) / 10
    assert is_lopsided(np.array(rare) - np.mean(rare)) == (abs(skewness) * 1.09 > 0.11)
    assert cluster_mean(rng.normal(size=30), [0] * 20 + list(range(1, 11)), 0.95).largest == pytest.approx(2 / 3)


def test_variance_between_items_and_within_repeats() -> None:
    """Recovered from a design with known parts; the arms differ in noise and in how often they were judged."""
    rng = np.random.default_rng(4)
    differences, spreads = [], []
    for _ in range(4000):
        effect = rng.normal(0, 0.5)
        ours, theirs = rng.normal(0, 0.4, 2), effect + rng.normal(0, 0.8, 3)
        differences.append(float(theirs.mean() - ours.mean()))
        spreads.append((Spread(float(ours.var() * 2), 1, 1 / 2), Spread(float(theirs.var() * 3), 2, 1 / 3)))
    found = components(differences, spreads)
    assert found["item"] == pytest.approx(0.25, abs=0.03)
    assert found["repeat"] == pytest.approx(0.16 + 0.64, abs=0.03)
    # What they say of the variance of a mean difference is what was seen.
    noise = 0.16 / 2 + 0.64 / 3
    assert found["item"] + noise == pytest.approx(float(np.var(differences)), rel=0.02)
    assert components(differences, [(Spread(0, 0, 1.0), Spread(0, 0, 1.0))] * 4000) == {}
    assert components([0.1], spreads[:1]) == {}


def tango_by_likelihood(b: int, c: int, n: int, confidence: float) -> tuple[float, float]:
    """Second implementation: the nuisance parameter by numerical maximisation, bounds by a root finder."""

    def statistic(delta: float) -> float:
        def loss(q: float) -> float:
            terms = [(b, q + delta), (c, q), (n - b - c, 1 - 2 * q - delta)]
            return -sum(count * math.log(max(p, 1e-300)) for count, p in terms if count)

        bounds = max(0.0, -delta) + 1e-13, (1 - delta) / 2 - 1e-13
        q = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-13}).x
        return (b - c - n * delta) / math.sqrt(n * (2 * q + delta * (1 - delta)))

    z = scipy_stats.norm.ppf((1 + confidence) / 2)
    effect = (b - c) / n
    return (
        brentq(lambda delta: statistic(delta) - z, -1 + 1e-6, effect - 1e-9),
        brentq(lambda delta: statistic(delta) + z, effect + 1e-9, 1 - 1e-6),
    )


@pytest.mark.parametrize("b, c, n", [(12, 2, 50), (5, 0, 40), (0, 3, 30), (40, 35, 200)])
def test_tango_against_the_likelihood(b: int, c: int, n: int) -> None:
    found = tango(b, c, n, 0.95)
    assert (found.low, found.high) == pytest.approx(tango_by_likelihood(b, c, n, 0.95), abs=1e-5)


def test_tango_p_value_is_mcnemar() -> None:
    assert tango(12, 2, 50, 0.95).p_value == pytest.approx(scipy_stats.chi2.sf(100 / 14, 1))


def test_no_change_still_has_an_interval() -> None:
    found = tango(0, 0, 40, 0.95)
    assert found.effect == 0
    assert found.low == pytest.approx(-found.high)
    assert 0.05 < found.high < 0.12  # 0 of 40 leaves room for z^2/(n + z^2)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 100), st.floats(0.6, 0.99))
def test_tango_swaps_and_nests(b: int, c: int, rest: int, confidence: float) -> None:
    n = b + c + rest
    one, other = tango(b, c, n, confidence), tango(c, b, n, confidence)
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low), abs=1e-9)
    wide = tango(b, c, n, confidence + 0.009)
    assert -1 <= wide.low <= one.low <= one.effect <= one.high <= wide.high <= 1


@pytest.mark.slow
@pytest.mark.parametrize("groups", [5, 30])
def test_coverage_of_the_cluster_jackknife(groups: int) -> None:
    rng = np.random.default_rng(groups)
    inside = 0
    for _ in range(2000):
        sizes = rng.integers(5, 36, groups)
        cluster = np.repeat(np.arange(groups), sizes)
        d = rng.normal(0, 0.5, groups)[cluster] + rng.normal(size=cluster.size)
        found = cluster_mean(d, cluster.tolist(), 0.95).difference
        inside += found.low <= 0 <= found.high
    assert 0.935 <= inside / 2000 <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("gain, loss, n", [(0.12, 0.08, 60), (0.02, 0.02, 100)])
def test_coverage_of_tango(gain: float, loss: float, n: int) -> None:
    rng = np.random.default_rng(9)
    table = rng.multinomial(n, [gain, loss, 1 - gain - loss], 2000)[:, :2]
    distinct, counts = np.unique(table, axis=0, return_counts=True)
    inside = 0
    for (b, c), count in zip(distinct, counts, strict=True):
        found = tango(int(b), int(c), n, 0.95)
        inside += count * (found.low <= gain - loss <= found.high)
    assert 0.935 <= inside / 2000 <= 0.985
