from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from signals.stats.difference import RefusedError
from signals.stats.paired import cluster_mean
from signals.stats.reweight import weighted_mean
from signals.stats.weights import kish, rake


def test_raking_of_the_worked_case(shared: Path) -> None:
    golden = json.loads((shared / "golden/23_raking_post_stratification.json").read_text())
    data, want = golden["input"], golden["expected"]
    levels = [
        np.array([sorted(data[t]).index(x) for x in data[d]]) for d, t in (("dim1", "target1"), ("dim2", "target2"))
    ]
    targets = [np.array([data[t][k] for k in sorted(data[t])]) for t in ("target1", "target2")]
    weights = rake(np.ones(8), levels, targets)
    assert weights == pytest.approx(want["weights"], abs=1e-9)
    assert kish(weights) == pytest.approx(want["kish_ess"], abs=1e-8)
    both = weighted_mean(data["score"], range(8), levels, targets, 0.95)
    assert both.difference.effect == pytest.approx(want["weighted_mean"], abs=1e-9)
    one = weighted_mean(data["score"], range(8), levels[:1], targets[:1], 0.95)
    assert one.difference.effect == pytest.approx(want["post_strat_dim1"], abs=1e-9)


def test_raking_is_the_closest_table_with_these_margins() -> None:
    """Second implementation: the weights minimise the Kullback-Leibler distance from the sample."""
    counts = np.array([7.0, 3.0, 2.0, 9.0, 4.0, 5.0])
    levels = [np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 1])]
    targets = [np.array([0.5, 0.2, 0.3]), np.array([0.35, 0.65])]
    start = counts / counts.sum()
    limits = [
        {"type": "eq", "fun": lambda p, side=side, k=k: p[levels[side] == k].sum() - targets[side][k]}
        for side, k in ((0, 0), (0, 1), (0, 2), (1, 0))
    ]
    found = minimize(lambda p: float((p * np.log(p / start)).sum()), start, bounds=[(1e-9, 1)] * 6, constraints=limits,
                     options={"ftol": 1e-14, "maxiter": 500})  # fmt: skip
    assert rake(counts, levels, targets) * counts == pytest.approx(found.x, abs=1e-5)


def test_several_samples_at_once_and_absent_levels() -> None:
    levels, targets = [np.array([0, 1, 2])], [np.array([0.5, 0.3, 0.2])]
    samples = np.array([[2.0, 1.0, 4.0], [2.0, 1.0, 0.0]])
    weights = rake(samples, levels, targets)
    assert weights[0] * samples[0] == pytest.approx([0.5, 0.3, 0.2])
    assert weights[1] * samples[1] == pytest.approx([0.625, 0.375, 0.0])  # the rest grows in proportion
    with pytest.raises(RefusedError, match="no item"):
        rake(np.zeros(3), levels, targets)


def test_margins_that_cannot_be_met() -> None:
    # Every German item is of kind a, but traffic has fewer a than German requests.
    with pytest.raises(RefusedError, match="meet all margins"):
        rake(np.array([5.0, 5.0]), [np.array([0, 1]), np.array([0, 1])], [np.array([0.2, 0.8]), np.array([0.9, 0.1])])


def test_kish() -> None:
    assert kish([2.0] * 7) == pytest.approx(7)
    assert kish([1.0, 0.0, 0.0]) == pytest.approx(1)


def test_post_stratified_by_direct_algebra() -> None:
    rng = np.random.default_rng(3)
    stratum = np.repeat([0, 1, 2], [8, 20, 12])
    d = rng.normal(size=40) + stratum
    shares = np.array([0.6, 0.1, 0.3])
    found = weighted_mean(d, range(40), [stratum], [shares], 0.95)
    parts = [d[stratum == k] for k in range(3)]
    variances = [w**2 * part.var(ddof=1) / part.size for w, part in zip(shares, parts, strict=True)]
    assert found.difference.effect == pytest.approx(sum(w * p.mean() for w, p in zip(shares, parts, strict=True)))
    assert found.difference.se**2 == pytest.approx(sum(variances))
    df = sum(variances) ** 2 / sum(v**2 / (p.size - 1) for v, p in zip(variances, parts, strict=True))
    assert found.difference.df == pytest.approx(df)
    assert found.n_effective == pytest.approx(1 / sum(w**2 / p.size for w, p in zip(shares, parts, strict=True)))
    assert found.thin == ()


def test_clusters_within_strata() -> None:
    rng = np.random.default_rng(4)
    cluster = np.repeat(np.arange(20), 4)
    stratum = (cluster >= 8).astype(int)
    d = rng.normal(size=80) + rng.normal(size=20)[cluster]
    found = weighted_mean(d, cluster.tolist(), [stratum], [[0.7, 0.3]], 0.95)
    own = [cluster_mean(d[stratum == k], cluster[stratum == k].tolist(), 0.95).difference.se for k in (0, 1)]
    assert found.difference.se == pytest.approx(np.hypot(0.7 * own[0], 0.3 * own[1]))


def test_weights_that_change_nothing_are_the_paired_t_within_strata() -> None:
    d = np.random.default_rng(5).normal(size=30)
    whole = weighted_mean(d, range(30), [[0] * 30], [[1.0]], 0.95).difference
    plain = cluster_mean(d, range(30), 0.95).difference
    assert (whole.low, whole.high, whole.df) == pytest.approx((plain.low, plain.high, plain.df))


def leave_out(cluster: np.ndarray, levels: list[np.ndarray], targets: list[np.ndarray]) -> np.ndarray:
    """Brute force: leave out each cluster and rake what is left item by item; weights of shape (clusters, items)."""
    rows = []
    for one in np.unique(cluster):
        w = (cluster != one).astype(float)
        for _ in range(400):
            for level, target in zip(levels, targets, strict=True):
                for k, share in enumerate(target):
                    w[level == k] *= share / w[level == k].sum()
        rows.append(w)
    return np.array(rows)


@pytest.mark.parametrize("groups", [12, 60])
def test_raked_errors_by_brute_force(groups: int) -> None:
    rng = np.random.default_rng(groups)
    cluster = np.concatenate([np.arange(groups), rng.integers(0, groups, 60 - groups)])
    levels = [rng.integers(0, 3, 60), rng.integers(0, 2, 60)]
    targets = [np.array([0.5, 0.3, 0.2]), np.array([0.6, 0.4])]
    d = rng.normal(size=60) + levels[0]
    found = weighted_mean(d, cluster.tolist(), levels, targets, 0.95)
    moves = leave_out(cluster, levels, targets) - found.weights
    assert found.difference.se**2 == pytest.approx((groups - 1) / groups * ((moves @ d) ** 2).sum())
    # A sum of squares of normal outcomes has mean tr(M) and variance 2 tr(M^2), which tells its degrees of freedom.
    spread = moves @ moves.T
    assert found.difference.df == pytest.approx(np.trace(spread) ** 2 / np.trace(spread @ spread))


def test_thin_strata_borrow_and_are_named() -> None:
    rng = np.random.default_rng(6)
    stratum = np.repeat([0, 1, 2], [40, 40, 2])
    d = rng.normal(size=82)
    d[-2:] = 0.3, 0.31  # two items that happen to be alike must not pass for certainty
    found = weighted_mean(d, range(82), [stratum], [[0.4, 0.2, 0.4]], 0.95)
    assert found.thin == ((0, 2),)
    assert found.difference.se > 0.4 * 0.9 / 2**0.5
    d[-2:] = 0.3  # nor two that are equal
    assert weighted_mean(d, range(82), [stratum], [[0.4, 0.2, 0.4]], 0.95).difference.se > 0.4 * 0.9 / 2**0.5
    single = weighted_mean(d[:81], range(81), [stratum[:81]], [[0.4, 0.2, 0.4]], 0.95)
    assert single.thin == ((0, 2),)
    assert single.difference.se > found.difference.se


def test_a_stratum_without_spread_makes_all_borrow() -> None:
    d = np.array([0.0] * 20 + [1.0, 0.0, 0.0, -1.0] * 5)
    stratum = np.repeat([0, 1], 20)
    found = weighted_mean(d, range(40), [stratum], [[0.8, 0.2]], 0.95).difference
    pooled = (d[:20].var(ddof=1) + d[20:].var(ddof=1)) / 2
    assert found.se == pytest.approx((pooled * (0.64 + 0.04) / 20) ** 0.5)
    assert found.df == pytest.approx(38)


def test_refusals() -> None:
    with pytest.raises(RefusedError, match="at least 2"):
        weighted_mean([0.1, 0.2], ["a", "a"], [[0, 0]], [[1.0]], 0.95)
    with pytest.raises(RefusedError, match="too few items per segment"):
        weighted_mean([0.1, 0.2, 0.3], range(3), [[0, 1, 2]], [[0.2, 0.3, 0.5]], 0.95)
    with pytest.raises(RefusedError, match="all paired differences are equal"):
        weighted_mean([0.25] * 20, range(20), [[0, 1] * 10], [[0.5, 0.5]], 0.95)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(-3, 3), st.floats(0.1, 50), st.sampled_from([1, 2]))
def test_swap_shift_and_scale(seed: int, shift: float, scale: float, sides: int) -> None:
    rng = np.random.default_rng(seed)
    d = rng.normal(size=50)
    levels = [np.arange(50) % 3, rng.permutation(50) % 2][:sides]
    shares = [[0.5, 0.3, 0.2], [0.7, 0.3]][:sides]
    one = weighted_mean(d, range(50), levels, shares, 0.9).difference
    turned = weighted_mean(-d, range(50), levels, shares, 0.9).difference
    assert (turned.low, turned.high) == pytest.approx((-one.high, -one.low))
    moved = weighted_mean(scale * d + shift, range(50), levels, shares, 0.9).difference
    assert (moved.low, moved.high) == pytest.approx((scale * one.low + shift, scale * one.high + shift))
    wide = weighted_mean(d, range(50), levels, shares, 0.95).difference
    assert wide.low < one.low < one.high < wide.high
