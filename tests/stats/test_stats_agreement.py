"""Agreement: published tables, statsmodels, and brute force."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from signals.stats.agreement import Level, alpha_interval, krippendorff_alpha
from signals.stats.difference import RefusedError
from signals.stats.gwet import Weights, gwet_ac, weight_matrix

Pairs = list[tuple[Any, float]]
LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval", "ratio")


def rows(shared: Path, name: str) -> list[list[str]]:
    with (shared / "data/irr_gwet" / name).open() as file:
        return list(csv.reader(file))


@pytest.fixture(scope="module")
def four_raters(shared: Path) -> Pairs:
    return [(row[0], float(value)) for row in rows(shared, "cac.raw4raters.csv")[1:] for value in row[1:] if value]


@pytest.fixture(scope="module")
def six_raters(shared: Path) -> np.ndarray:
    return np.array([[int(value) for value in row[1:]] for row in rows(shared, "distrib.6raters.csv")[1:]])


@pytest.fixture(scope="module")
def two_raters(shared: Path) -> np.ndarray:
    return np.array([[int(value) for value in row[1:]] for row in rows(shared, "cont3x3abstractors.csv")[1:]])


def spread_out(counts: np.ndarray) -> Pairs:
    """(unit, category) pairs of a table of units x categories."""
    return [(unit, float(k)) for unit, row in enumerate(counts) for k, count in enumerate(row) for _ in range(count)]


def of_table(table: np.ndarray) -> Pairs:
    """(unit, category) pairs of two raters' contingency table."""
    cells = [(a, b) for a, row in enumerate(table) for b, count in enumerate(row) for _ in range(count)]
    return [(unit, float(value)) for unit, cell in enumerate(cells) for value in cell]


def chance_corrected(pairs: Pairs, chance: str) -> float:
    """Fleiss' and Brennan and Prediger's kappas with missing ratings, as Gwet generalises them."""
    units: dict[Any, list[float]] = {}
    for unit, value in pairs:
        units.setdefault(unit, []).append(value)
    grades = sorted({value for _, value in pairs})
    shares = np.array([[values.count(grade) / len(values) for grade in grades] for values in units.values()])
    twice = [values for values in units.values() if len(values) > 1]
    seen = np.mean(
        [
            np.mean([a == b for i, a in enumerate(values) for j, b in enumerate(values) if i != j])
            for values in twice
        ]
    )  # fmt: skip
    expected = (shares.mean(axis=0) ** 2).sum() if chance == "fleiss" else 1 / len(grades)
    return float((seen - expected) / (1 - expected))


def conger(table: list[list[str]]) -> float:
    """Chance by each rater's own shares, rather than by everybody's together."""
    units = [[float(value) if value else None for value in row] for row in table]
    grades = sorted({value for row in units for value in row if value is not None})
    twice = [[v for v in row if v is not None] for row in units if sum(v is not None for v in row) > 1]
    seen = np.mean(
        [np.mean([a == b for i, a in enumerate(row) for j, b in enumerate(row) if i != j]) for row in twice]
    )  # fmt: skip
    shares = []
    for rater in zip(*units, strict=True):
        given_by = [value for value in rater if value is not None]
        shares.append([given_by.count(grade) / len(given_by) for grade in grades])
    p = np.array(shares)
    expected = (p.mean(axis=0) ** 2).sum() - p.var(axis=0, ddof=1).sum() / len(p)
    return float((seen - expected) / (1 - expected))


def test_conger_on_four_raters(shared: Path) -> None:
    assert round(conger([row[1:] for row in rows(shared, "cac.raw4raters.csv")[1:]]), 5) == 0.76282


def test_gwet_on_four_raters_with_holes(four_raters: Pairs) -> None:
    found = gwet_ac(four_raters, range(1, 6), "identity", as_published=True)
    assert found is not None
    assert (round(found.value, 5), round(found.low, 3), found.high) == (0.77544, 0.461, 1.0)  # type: ignore[arg-type]
    assert round(krippendorff_alpha(four_raters, "nominal"), 5) == 0.74342  # type: ignore[arg-type]
    assert round(chance_corrected(four_raters, "fleiss"), 5) == 0.76117
    assert round(chance_corrected(four_raters, "brennan"), 5) == 0.77273


def test_gwet_on_two_raters(two_raters: np.ndarray) -> None:
    pairs = of_table(two_raters)
    found = gwet_ac(pairs, range(3), "identity")
    assert found is not None
    assert round(found.value, 7) == 0.8493305
    assert round(krippendorff_alpha(pairs, "nominal"), 7) == 0.7972585  # type: ignore[arg-type]
    assert round(cohens_kappa(two_raters).kappa, 7) == 0.7964094
    assert round(chance_corrected(pairs, "fleiss"), 7) == 0.7962397
    assert round(chance_corrected(pairs, "brennan"), 3) == 0.835


def test_gwet_on_six_raters(six_raters: np.ndarray) -> None:
    pairs = spread_out(six_raters)
    found = gwet_ac(pairs, range(5), "identity")
    assert found is not None
    assert round(found.value, 7) == 0.4448007
    assert round(krippendorff_alpha(pairs, "nominal"), 7) == 0.4204384  # type: ignore[arg-type]
    assert round(fleiss_kappa(six_raters), 7) == 0.4139265
    assert round(chance_corrected(pairs, "brennan"), 7) == 0.4388889


def test_ratio_level(shared: Path) -> None:
    golden = json.loads((shared / "golden/11_krippendorff_alpha.json").read_text())
    pairs = [(u, v) for row in golden["input"]["reliability_data"] for u, v in enumerate(row) if v is not None]
    assert krippendorff_alpha(pairs, "ratio") == pytest.approx(golden["expected"]["ratio"], abs=1e-9)


def test_nominal_alpha_is_fleiss_kappa_without_its_small_sample_bias(shared: Path) -> None:
    """1 - alpha = (1 - kappa) (N - 1) / N over N ratings, when every unit has as many."""
    golden = json.loads((shared / "golden/13_kappa.json").read_text())
    table = np.array(golden["input"]["fleiss_table"])
    assert fleiss_kappa(table) == pytest.approx(golden["expected"]["fleiss"])
    alpha = krippendorff_alpha(spread_out(table), "nominal")
    assert 1 - alpha == pytest.approx((1 - golden["expected"]["fleiss"]) * (1 - 1 / table.sum()))  # type: ignore[operator]
    cohen = np.array(golden["input"]["cohen_table"])
    assert cohens_kappa(cohen).kappa == pytest.approx(golden["expected"]["cohen"], abs=5e-4)
    # Two grades that both raters use equally often leave one notion of chance: all coefficients are one.
    even = np.array([[40, 10], [10, 40]])
    kappa = float(cohens_kappa(even).kappa)
    assert gwet_ac(of_table(even), range(2), "identity").value == pytest.approx(kappa)  # type: ignore[union-attr]


def graded(seed: int, items: int = 40, outputs: int = 1) -> Pairs:
    rng = np.random.default_rng(seed)
    found = []
    for item in range(items):
        level = rng.normal(3, 1)
        for output in range(outputs):
            values = level + 0.3 * output + rng.normal(0, 0.8, rng.integers(1, 5))
            found += [((item, output), float(value)) for value in np.clip(np.rint(values), 1, 5)]
    return found


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("outputs", [1, 2])
def test_alpha_interval_against_leaving_out_one_by_one(level: Level, outputs: int) -> None:
    pairs = graded(3, outputs=outputs)
    found = alpha_interval(pairs, level, lambda unit: unit[0])
    value = krippendorff_alpha(pairs, level)
    assert found is not None
    assert value is not None
    assert found.value == value
    rated = {unit for unit, _ in pairs if sum(other == unit for other, _ in pairs) > 1}
    items = sorted({unit[0] for unit in rated})
    without = [krippendorff_alpha([p for p in pairs if p[0][0] != item], level) for item in items]
    logs = np.log([1 - one for one in without if one is not None])
    se = math.sqrt((logs.size - 1) / logs.size * ((logs - logs.mean()) ** 2).sum())
    half = student.ppf(0.975, logs.size - 1) * se
    assert found.clusters == logs.size
    assert (found.low, found.high) == pytest.approx(
        (1 - (1 - value) * math.exp(half), 1 - (1 - value) * math.exp(-half))
    )


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_interval_against_a_bootstrap_over_items(level: Level) -> None:
    pairs = graded(4, items=150)
    found = alpha_interval(pairs, level)
    assert found is not None
    units: dict[Any, list[float]] = {}
    for unit, value in pairs:
        units.setdefault(unit, []).append(value)
    every = list(units.values())
    rng = np.random.default_rng(0)
    drawn = [
        krippendorff_alpha([(i, value) for i, k in enumerate(rng.integers(0, 150, 150)) for value in every[k]], level)
        for _ in range(400)
    ]
    spread = np.quantile(np.array(drawn, dtype=float), [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx(tuple(spread), abs=0.03)
    assert found.se == pytest.approx(np.std(np.array(drawn, dtype=float)), rel=0.15)


@pytest.mark.parametrize("weights", ["identity", "ordinal", "quadratic"])
def test_gwet_interval_against_a_bootstrap_over_items(weights: Weights) -> None:
    """With units rated once among them: Gwet's own variance is too large here, the more the better raters agree."""
    pairs = graded(5, items=200)
    found = gwet_ac(pairs, range(1, 6), weights)
    published = gwet_ac(pairs, range(1, 6), weights, as_published=True)
    assert found is not None
    assert published is not None
    units: dict[Any, list[float]] = {}
    for unit, value in pairs:
        units.setdefault(unit, []).append(value)
    every = list(units.values())
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(400):
        again = [(i, value) for i, k in enumerate(rng.integers(0, 200, 200)) for value in every[k]]
        drawn.append(gwet_ac(again, range(1, 6), weights).value)  # type: ignore[union-attr]
    assert found.se == pytest.approx(np.std(drawn), rel=0.12)
    assert published.se > (1 if weights == "identity" else 1.2) * found.se  # type: ignore[operator]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.02)


def test_gwet_variance_is_the_published_one_when_nothing_is_missing() -> None:
    rng = np.random.default_rng(1)
    pairs = [(unit, float(value)) for unit in range(60) for value in rng.integers(1, 4, 3)]
    ours, published = (gwet_ac(pairs, range(1, 4), "ordinal", as_published=p) for p in (False, True))
    assert ours is not None
    assert published is not None
    assert ours.se == pytest.approx(published.se)


def test_weights() -> None:
    assert weight_matrix([1, 2, 3], "identity").tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    # 1 - (steps choose 2 pairs) / (4 choose 2), Gwet 2014, table of ordinal weights
    assert weight_matrix([1, 2, 3, 4], "ordinal")[0] == pytest.approx([1, 5 / 6, 1 / 2, 0])
    assert weight_matrix([1, 2, 3, 4], "quadratic")[0] == pytest.approx([1, 8 / 9, 5 / 9, 0])
    assert weight_matrix([0, 1], "ordinal").tolist() == weight_matrix([0, 1], "identity").tolist()


@settings(max_examples=25)
@given(st.integers(0, 200), st.sampled_from(["nominal", "ordinal", "interval"]))
def test_agreement_ignores_order_names_and_direction(seed: int, level: Level) -> None:
    pairs = graded(seed)
    turned = [(f"unit {unit}", 6 - value) for unit, value in pairs[::-1]]
    weights: Weights = {"nominal": "identity", "ordinal": "ordinal", "interval": "quadratic"}[level]  # type: ignore[assignment]
    one, other = gwet_ac(pairs, range(1, 6), weights), gwet_ac(turned, range(1, 6), weights)
    assert one is not None
    assert other is not None
    assert (one.value, one.se) == pytest.approx((other.value, other.se))
    assert krippendorff_alpha(pairs, level) == pytest.approx(krippendorff_alpha(turned, level))


def test_a_fine_scale_needs_no_table_of_each_against_each() -> None:
    rng = np.random.default_rng(2)
    level = np.repeat(rng.normal(1e6, 1, 5000), 2)
    values = level + rng.normal(0, 1, level.size)
    found = alpha_interval(zip(np.repeat(np.arange(5000), 2).tolist(), values.tolist(), strict=True), "interval")
    assert found is not None
    # Half of the variance is the units': the intraclass correlation.
    assert found.low < 0.5 < found.high  # type: ignore[operator]
    assert found.high - found.low < 0.06  # type: ignore[operator]


def test_too_little_for_an_interval() -> None:
    few = [((unit,), float(unit % 3 + rater * (unit % 2))) for unit in range(15) for rater in range(2)]
    with pytest.raises(RefusedError, match="15 items were rated twice; at least 20"):
        alpha_interval(few, "ordinal")
    alike = [(unit, float(unit % 4 + (rater and unit < 4))) for unit in range(60) for rater in range(2)]
    with pytest.raises(RefusedError, match="raters differ on 4 items; at least 10"):
        alpha_interval(alike, "ordinal")
    found = gwet_ac(alike, range(5), "ordinal")
    assert found is not None
    assert (found.low, found.high) == (None, None)
    assert 0.9 < found.value < 1
    assert alpha_interval([(unit, 3.0) for unit in range(60) for _ in range(2)], "ordinal") is None
    constant = gwet_ac([(unit, 3.0) for unit in range(60) for _ in range(2)], range(1, 6), "ordinal")
    assert constant is not None
    assert (constant.value, constant.low) == (1.0, None)
    assert gwet_ac([(1, 2.0), (2, 3.0)], range(1, 6), "ordinal") is None
    with pytest.raises(ValueError, match="not on the scale"):
        gwet_ac([(1, 2.0), (1, 9.0)], range(1, 6), "ordinal")


def test_where_nearly_all_grades_are_equal_alpha_falls_and_gwet_does_not() -> None:
    pairs = [(unit, 1.0 if unit >= 5 or rater == unit % 2 else 0.0) for unit in range(100) for rater in range(2)]
    assert krippendorff_alpha(pairs, "nominal") < 0.05  # type: ignore[operator]
    assert gwet_ac(pairs, range(2), "identity").value > 0.9  # type: ignore[union-attr]
