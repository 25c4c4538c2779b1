from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from signals.stats.calibrate import corrected_mean
from signals.stats.difference import RefusedError
from signals.stats.misclassified import corrected_difference, corrected_rate


def ppi(h: np.ndarray, f_labelled: np.ndarray, f_rest: np.ndarray) -> tuple[float, float]:
    """Second implementation, from the paper: best weight, then rectified mean."""
    n, big = len(h), len(f_rest)
    everything = np.concatenate([f_labelled, f_rest])
    weight = np.cov(h, f_labelled, ddof=1)[0, 1] / ((1 + n / big) * everything.var(ddof=1))
    weight = min(1.0, max(0.0, float(weight)))
    return float(weight * f_rest.mean() + (h - weight * f_labelled).mean()), weight


def sample(seed: int, labelled: int = 40, rest: int = 100) -> tuple[np.ndarray, np.ndarray, list[float | None]]:
    rng = np.random.default_rng(seed)
    h = rng.normal(0.2, 1.0, labelled + rest)
    f = 0.7 * h + 0.3 + rng.normal(0, 0.5, h.size)
    return h, f, [float(x) if k < labelled else None for k, x in enumerate(h)]


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=40)
def test_point_and_weight_are_the_paper_s(seed: int) -> None:
    h, f, people = sample(seed)
    found = corrected_mean(f, people, range(140), 0.95)
    point, weight = ppi(h[:40], f[:40], f[40:])
    assert found.difference.effect == pytest.approx(point)
    assert found.weight == pytest.approx((weight,))
    assert found.labelled == 40


def test_error_by_leaving_out_one_item_at_a_time() -> None:
    h, f, people = sample(1)
    found = corrected_mean(f, people, range(140), 0.95).difference
    whole = ppi(h[:40], f[:40], f[40:])[0]
    ours = [ppi(np.delete(h[:40], k), np.delete(f[:40], k), f[40:])[0] - whole for k in range(40)]
    theirs = [ppi(h[:40], f[:40], np.delete(f[40:], k))[0] - whole for k in range(100)]
    parts = 39 / 40 * np.square(ours).sum(), 99 / 100 * np.square(theirs).sum()
    assert found.se**2 == pytest.approx(sum(parts))
    assert found.df == pytest.approx(sum(parts) ** 2 / (parts[0] ** 2 / 38 + parts[1] ** 2 / 99))


def test_error_against_the_bootstrap() -> None:
    h, f, people = sample(2, 120, 280)
    found = corrected_mean(f, people, range(400), 0.95).difference
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(4000):
        a, b = rng.integers(0, 120, 120), rng.integers(120, 400, 280)
        draws.append(ppi(h[a], f[a], f[b])[0])
    assert found.se == pytest.approx(np.std(draws), rel=0.05)


def test_labels_everywhere_are_people_alone() -> None:
    h, f, _ = sample(3, 60, 0)
    found = corrected_mean(f, h.tolist(), range(60), 0.95)
    assert found.weight == (0.0,)
    assert found.difference.effect == pytest.approx(h.mean())
    assert found.difference.se == pytest.approx(h.std(ddof=1) / 60**0.5)
    assert found.n_effective == pytest.approx(60)


def test_a_perfect_judge_is_worth_all_items_and_a_useless_one_nothing() -> None:
    h, _, people = sample(4, 50, 450)
    perfect = corrected_mean(h, people, range(500), 0.95)
    assert perfect.difference.effect == pytest.approx(h.mean(), abs=0.01)
    assert perfect.n_effective > 350
    noise = np.random.default_rng(5).normal(size=500)
    useless = corrected_mean(noise, people, range(500), 0.95)
    assert useless.n_effective < 60
    assert corrected_mean(-h, people, range(500), 0.95).weight == (0.0,)  # never bets against the judge


def test_strata_have_their_own_judge_error() -> None:
    h, f, people = sample(6, 60, 140)
    stratum = np.arange(200) % 2
    f = f + 2.0 * stratum
    found = corrected_mean(f, people, range(200), 0.95, stratum.tolist())
    parts = [ppi(h[:60][stratum[:60] == k], f[:60][stratum[:60] == k], f[60:][stratum[60:] == k]) for k in (0, 1)]
    assert found.difference.effect == pytest.approx((parts[0][0] + parts[1][0]) / 2)
    assert found.weight == pytest.approx((parts[0][1], parts[1][1]))
    assert found.difference.se < corrected_mean(f, people, range(200), 0.95).difference.se
    # A stratum counts by its items, however many of them people graded.
    known = [k for k in range(60) if stratum[k] == 0 or k < 20]
    some = [x if k in known else None for k, x in enumerate(people)]
    uneven = corrected_mean(f, some, range(200), 0.95, stratum.tolist())
    parts = []
    for k in (0, 1):
        ours = [i for i in known if stratum[i] == k]
        others = [i for i in range(200) if i not in known and stratum[i] == k]
        parts.append(ppi(h[ours], f[ours], f[others]))
    assert uneven.difference.effect == pytest.approx((parts[0][0] + parts[1][0]) / 2)


def test_copies_in_clusters_add_nothing() -> None:
    _, f, people = sample(7, 60, 140)
    once = corrected_mean(f, people, range(200), 0.95).difference
    copied = corrected_mean(np.tile(f, 3), people * 3, list(range(200)) * 3, 0.95).difference
    assert copied.effect == pytest.approx(once.effect, rel=0.02)
    assert copied.se == pytest.approx(once.se, rel=0.03)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(-3, 3), st.sampled_from([1e-9, 0.1, 30.0, 1e9]))
def test_swap_shift_scale_and_confidence(seed: int, shift: float, scale: float) -> None:
    _, f, people = sample(seed)
    one = corrected_mean(f, people, range(140), 0.9).difference
    turned = corrected_mean(-f, [None if x is None else -x for x in people], range(140), 0.9).difference
    assert (turned.low, turned.high) == pytest.approx((-one.high, -one.low))
    moved = corrected_mean(f + 5, [None if x is None else x + shift for x in people], range(140), 0.9).difference
    assert (moved.low, moved.high) == pytest.approx((one.low + shift, one.high + shift))
    scaled = corrected_mean(scale * f, [None if x is None else scale * x for x in people], range(140), 0.9).difference
    assert (scaled.low, scaled.high) == pytest.approx((scale * one.low, scale * one.high))
    wide = corrected_mean(f, people, range(140), 0.95).difference
    assert wide.low < one.low < one.high < wide.high


def test_a_judge_who_sees_no_difference_has_no_say() -> None:
    h, _, people = sample(9)
    found = corrected_mean([0.1] * 140, people, range(140), 0.95)
    assert found.weight == (0.0,)
    assert found.difference.effect == pytest.approx(h[:40].mean())


def test_refusals() -> None:
    _, f, people = sample(8)
    with pytest.raises(RefusedError, match="none of the items"):
        corrected_mean(f, [None] * 140, range(140), 0.95)
    with pytest.raises(RefusedError, match="same difference everywhere"):
        corrected_mean(f, [0.0 if x is not None else None for x in people], range(140), 0.95)
    with pytest.raises(RefusedError, match="few clusters"):
        corrected_mean(f, people, [min(k, 40) for k in range(140)][::-1], 0.95, [0] * 139 + [1])
    with pytest.raises(RefusedError, match="2 independent clusters"):
        corrected_mean(f, people, [k % 2 if k < 40 else k for k in range(140)], 0.95)


@pytest.mark.slow
def test_paired_correction_is_much_narrower_than_unpaired() -> None:
    """400 items, people's grades on 120: at least 40 % narrower than correcting each arm by itself, and it covers."""
    rng = np.random.default_rng(11)
    inside = paired_width = unpaired_width = 0.0
    runs = 600
    for _ in range(runs):
        hard = rng.normal(0, 0.25, 400)  # how hard the item is moves both arms
        people = [0.6 + hard + shift + rng.normal(0, 0.1, 400) for shift in (0.0, 0.03)]
        judge = [0.8 * arm + 0.1 + rng.normal(0, 0.08, 400) for arm in people]
        found = corrected_mean(
            judge[1] - judge[0],
            [float(x) if k < 120 else None for k, x in enumerate(people[1] - people[0])],
            range(400), 0.95,
        ).difference  # fmt: skip
        inside += found.low <= 0.03 <= found.high
        paired_width += found.high - found.low
        arms = [
            corrected_mean(f, [float(x) if k < 120 else None for k, x in enumerate(h)], range(400), 0.95).difference.se
            for h, f in zip(people, judge, strict=True)
        ]
        unpaired_width += 2 * 1.96 * np.hypot(*arms)
    assert 0.93 <= inside / runs <= 0.97
    assert paired_width <= 0.6 * unpaired_width


# --- pass/fail judges -----------------------------------------------------------------------------------------------


def test_corrected_rate_of_the_worked_case(shared: Path) -> None:
    golden = json.loads((shared / "golden/16_judge_bias_correction_rogan_gladen.json").read_text())
    data, want = golden["input"], golden["expected"]
    found = corrected_rate(
        data["p"], data["q0_specificity"], data["q1_sensitivity"], data["n"], data["m0"], data["m1"], 1 - data["alpha"]
    )
    assert found == pytest.approx((want["estimate"], *want["ci95"]), abs=1e-9)
    with pytest.raises(RefusedError, match="no better than chance"):
        corrected_rate(0.4, 0.5, 0.5, 100, 20, 20, 0.95)


Verdicts = list[tuple[float, float]]


def verdicts(seed: int, graded: int = 120, rest: int = 280) -> tuple[Verdicts, list[tuple[float, float] | None]]:
    """The graded items pass less often than the others."""
    rng = np.random.default_rng(seed)
    rates = np.array([(0.4, 0.6)] * graded + [(0.7, 0.75)] * rest)
    truth = rng.random(rates.shape) < rates
    judge = np.where(truth, rng.random(rates.shape) < 0.9, rng.random(rates.shape) < 0.2)
    pairs = [(float(a), float(b)) for a, b in judge]
    return pairs, [(float(a), float(b)) if k < graded else None for k, (a, b) in enumerate(truth)]


def rogan_gladen(judge: Verdicts, people: list[tuple[float, float] | None]) -> float:
    """Second implementation, by loops."""
    rates = []
    for arm in (0, 1):
        known = [(f[arm], y[arm]) for f, y in zip(judge, people, strict=True) if y is not None]
        yes, no = [f for f, y in known if y == 1], [f for f, y in known if y == 0]
        sensitivity, specificity = sum(yes) / len(yes), 1 - sum(no) / len(no)
        passed = sum(f[arm] for f in judge) / len(judge)
        rates.append((passed + specificity - 1) / (sensitivity + specificity - 1))
    return rates[1] - rates[0]


def test_rogan_gladen_of_both_arms() -> None:
    judge, people = verdicts(1)
    found = corrected_difference(judge, people, range(400), 0.95)
    whole = rogan_gladen(judge, people)
    assert found.difference.effect == pytest.approx(whole)
    moves = np.array([
        rogan_gladen(judge[:k] + judge[k + 1 :], people[:k] + people[k + 1 :]) for k in range(400)
    ])  # fmt: skip
    parts = [(len(m) - 1) / len(m) * ((m - m.mean()) ** 2).sum() for m in (moves[:120], moves[120:])]
    assert found.difference.se == pytest.approx(sum(parts) ** 0.5)
    turned = corrected_difference([(b, a) for a, b in judge], [y and (y[1], y[0]) for y in people], range(400), 0.95)
    assert (turned.difference.low, turned.difference.high) == pytest.approx(
        (-found.difference.high, -found.difference.low)
    )


def test_a_judge_that_never_errs_needs_no_correction() -> None:
    judge, people = verdicts(2)
    right = [f if y is None else y for f, y in zip(judge, people, strict=True)]
    found = corrected_difference(right, people, range(400), 0.95)
    differences = np.array([b - a for a, b in right])
    assert found.difference.effect == pytest.approx(differences.mean())
    assert found.sensitivity == found.specificity == (1.0, 1.0)
    assert found.difference.se == pytest.approx(scipy_stats.sem(differences), rel=0.05)


def test_a_poor_judge_or_few_labels_are_refused() -> None:
    judge, people = verdicts(3)
    rng = np.random.default_rng(0)
    with pytest.raises(RefusedError, match="too poorly"):
        corrected_difference([(float(a), float(b)) for a, b in rng.random((400, 2)) < 0.5], people, range(400), 0.95)
    with pytest.raises(RefusedError, match="10 are needed"):
        corrected_difference(judge, [*people[:15], *[None] * 385], range(400), 0.95)
