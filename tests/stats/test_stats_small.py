"""Agreement, sample ratio and power: one formula each."""

from __future__ import annotations

import csv
import itertools
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.power import normal_power

from signals.stats.agreement import krippendorff_alpha
from signals.stats.power import mde, power
from signals.stats.srm import sample_ratio_p


def pairs_of(matrix: list[list[float | None]]) -> list[tuple[int, float]]:
    return [(unit, value) for row in matrix for unit, value in enumerate(row) if value is not None]


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_published_alpha(shared: Path, level: str) -> None:
    golden = json.loads((shared / "golden/11_krippendorff_alpha.json").read_text())
    found = krippendorff_alpha(pairs_of(golden["input"]["reliability_data"]), level)  # type: ignore[arg-type]
    assert found == pytest.approx(golden["expected"][level], abs=1e-9)


def test_alpha_of_summeval_experts(shared: Path) -> None:
    pairs = []
    with (shared / "data/summeval_human/summeval_human_ratings.csv").open() as file:
        for row in csv.DictReader(file):
            pairs += [((row["doc_id"], row["system"], row["dimension"]), float(row[f"expert{k}"])) for k in (1, 2, 3)]
    assert krippendorff_alpha(pairs, "interval") == pytest.approx(0.7334, abs=1e-4)


def alpha_by_pairs(pairs: list[tuple[int, float]]) -> float:
    """Second implementation, interval level: mean squared differences within units over those of all pairs."""
    units: dict[int, list[float]] = {}
    for unit, value in pairs:
        units.setdefault(unit, []).append(value)
    units = {unit: values for unit, values in units.items() if len(values) > 1}
    everything = [value for values in units.values() for value in values]
    n = len(everything)
    observed = sum(
        sum((a - b) ** 2 for a, b in itertools.permutations(values, 2)) / (len(values) - 1) for values in units.values()
    )
    expected = sum((a - b) ** 2 for a, b in itertools.permutations(everything, 2)) / (n - 1)
    return 1 - observed / expected


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([1.0, 2.0, 3.5, 7.0])), min_size=4, max_size=40))
def test_alpha_against_all_pairs(pairs: list[tuple[int, float]]) -> None:
    found = krippendorff_alpha(pairs, "interval")
    if found is not None:
        assert found == pytest.approx(alpha_by_pairs(pairs), abs=1e-9)


def test_alpha_where_nothing_can_be_said() -> None:
    assert krippendorff_alpha([], "nominal") is None
    assert krippendorff_alpha([(1, 2.0), (2, 3.0)], "nominal") is None  # no unit twice
    assert krippendorff_alpha([(1, 2.0), (1, 2.0), (2, 2.0), (2, 2.0)], "ordinal") is None  # constant
    assert krippendorff_alpha([(1, 2.0), (1, 2.0), (2, 3.0), (2, 3.0)], "ordinal") == 1.0


def test_sample_ratio(shared: Path) -> None:
    golden = json.loads((shared / "golden/07_srm.json").read_text())
    found = sample_ratio_p(golden["input"]["counts"], golden["input"]["expected_share"])
    assert found == pytest.approx(golden["expected"]["chi2_p"], rel=1e-9)


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=5))
def test_sample_ratio_against_scipy(counts: list[int]) -> None:
    assert sample_ratio_p(counts) == pytest.approx(scipy_stats.chisquare(counts).pvalue, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("counts, shares", [([5], None), ([0, 0], None), ([5, 5], [1.0]), ([5, 5], [1.0, 0.0])])
def test_sample_ratio_nonsense(counts: list[int], shares: list[float] | None) -> None:
    with pytest.raises(ValueError, match=r"needed|must"):
        sample_ratio_p(counts, shares)


def test_mde_factor(shared: Path) -> None:
    golden = json.loads((shared / "golden/25_power_mde.json").read_text())
    assert mde(1.0, 1.959963984540054) == pytest.approx(golden["expected"]["mde_factor"], abs=1e-9)


@given(st.floats(-5, 5), st.floats(0.01, 3))
def test_power_against_statsmodels(effect: float, se: float) -> None:
    oracle = normal_power(effect / se, 1, 0.05)
    assert power(effect, se, 1.959963984540054) == pytest.approx(oracle, abs=1e-9)


def test_power_at_the_mde_is_the_power_asked_for() -> None:
    assert power(mde(0.3, 2.5, 0.9), 0.3, 2.5) == pytest.approx(0.9, abs=1e-4)
    assert power(0.0, 1.0, 1.959963984540054) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="must be positive"):
        mde(0.0, 2.0)
    with pytest.raises(ValueError, match="must be positive"):
        power(1.0, math.nan, 2.0)


def test_power_needs_the_standard_library_only() -> None:
    code = "import sys, signals.stats.power; sys.exit('numpy' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_ordinal_alpha_ignores_how_the_scale_is_numbered() -> None:
    rng = np.random.default_rng(0)
    pairs = [(int(unit), float(rng.integers(1, 5))) for unit in np.repeat(np.arange(20), 3)]
    stretched = [(unit, value**3) for unit, value in pairs]
    assert krippendorff_alpha(pairs, "ordinal") == pytest.approx(krippendorff_alpha(stretched, "ordinal"))
    assert krippendorff_alpha(pairs, "interval") != pytest.approx(krippendorff_alpha(stretched, "interval"))
