"""The line of past releases on the scale of a pair."""

from __future__ import annotations

import numpy as np
import pytest

from signals.model import Correction
from signals.reconcile.pairs.attribute import Expected, attribute
from signals.reconcile.pairs.history import expected
from signals.reconcile.pairs.pair import pair_numbers
from signals.stats.proxy import Relation, predict, relation
from tests.reconcile.pairs.pair_kit import reading, side, signal

RNG = np.random.default_rng(20)
TRUE = RNG.normal(1.0, 2.0, 24)
X, Y = TRUE + RNG.normal(0, 0.3, 24), 0.5 + 0.6 * TRUE + RNG.normal(0, 0.3, 24)


def related(**more: bool) -> Relation:
    """True benefits of 24 past releases, in margins: the second is 0.5 + 0.6 times the first."""
    return relation(X, Y, [0.09] * 24, [0.09] * 24, **more)  # type: ignore[arg-type]  # arrays are sequences


@pytest.mark.parametrize("unit, margins", [("pp", (0.02, 0.02)), ("points", (0.2, 0.05))])
def test_a_line_in_margins_predicts_the_same_in_the_unit_that_both_share(
    unit: str, margins: tuple[float, float]
) -> None:
    found = related()
    one = reading("judge", 0.0, unit=unit, margin=margins[0])
    panel = reading("panel", 0.0, "panel", unit=unit, margin=margins[1])
    shop = reading("conversion", 0.0, "experiment", unit="pp", margin=0.004)
    for against, scale, to in ((panel, margins[0], margins[1]), (shop, 1.0, 1.0)):
        line = expected(found, "They went together.", one, against)
        assert isinstance(line, Expected)
        for x in (-1.0, 0.0, 2.5):  # in margins
            value, low, _ = predict(found, x, 0.0)
            assert line.intercept + line.slope * x * scale == pytest.approx(value * to)
            (aa, ab), (_, bb) = line.covariance
            variance = aa + 2.0 * ab * x * scale + bb * (x * scale) ** 2
            (ca, cab), (_, cb) = found.lines[0].covariance
            assert variance == pytest.approx((ca + 2.0 * cab * x + cb * x * x) * to**2)
            assert low < value
        assert line.reach == pytest.approx((X.min() * scale, X.max() * scale))
        assert line.evidence == "They went together"


def test_where_the_errors_may_go_together_the_line_is_less_sure() -> None:
    one, two = reading("judge", 0.0), reading("panel", 0.0, "panel", unit="points")
    sure, unsure = (expected(related(shared=shared), "", one, two) for shared in (False, True))
    assert isinstance(sure, Expected)
    assert isinstance(unsure, Expected)
    assert unsure.covariance[1][1] > 1.5 * sure.covariance[1][1]


def test_no_more_is_expected_than_past_releases_reached() -> None:
    line = expected(related(), "seen", reading("judge", 0.0), reading("conversion", 0.0, "experiment"))
    signals = {"judge": signal("judge"), "conversion": signal("conversion", "experiment")}

    def construct(corrected: float) -> tuple[bool, str]:
        numbers = pair_numbers(
            side("judge", [0.2, corrected], [[0.001, 0.001]], ("population",)), side("conversion", [0.0], [[0.001]])
        )
        readings = {"judge": reading("judge", 0.2), "conversion": reading("conversion", 0.0, "experiment", "loss")}
        row = next(row for row in attribute(numbers, signals, readings, line).causes if row.name == "construct")
        return row.part is not None, row.refused

    most = float(X.max())
    assert construct(0.01 * (most - 0.01)) == (True, "")  # 20 margins as it votes; what counts is the corrected number
    made, why = construct(0.01 * (most + 0.5))
    assert not made
    had = f"−{-X.min():.1f} to +{most:.1f} margins"
    assert why == f"judge was at {had} in past releases, and corrected it is now at +{most + 0.5:.1f} margins"


def test_too_few_releases_and_no_margins_are_said() -> None:
    few = relation([1.0, 2.0], [1.0, 2.0], [0.1, 0.1], [0.1, 0.1])
    line = expected(few, "", reading("judge", 0.0), reading("panel", 0.0, "panel"))
    assert isinstance(line, Correction)
    assert (line.refused, line.remedy) == (
        "2 past releases have both, and it takes 10",
        "keep past releases in sources.yaml",
    )
    bare = expected(related(), "", reading("judge", 0.0, margin=None), reading("panel", 0.0, "panel"))
    assert isinstance(bare, Correction)
    assert "a signal declares none" in bare.refused
