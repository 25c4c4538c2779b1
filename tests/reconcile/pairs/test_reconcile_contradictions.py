"""Which way a signal would have to move to agree with another."""

from __future__ import annotations

import pytest

from signals.reconcile.pairs.contradictions import toward
from tests.reconcile.pairs.pair_kit import reading


@pytest.mark.parametrize("better, sign", [("higher", 1.0), ("lower", -1.0)])
def test_towards_the_better_benefit_in_margins(better: str, sign: float) -> None:
    # +0.03 is 0.3 margins of 0.1, and +0.02 is 2 margins of 0.01.
    thumbs = reading("thumbs", 0.03, "feedback", "flat", better=better, margin=0.1)
    conversion = reading("conversion", 0.02, "experiment", "win")
    assert toward(thumbs, conversion) == sign
    assert toward(conversion, thumbs) == -1.0


@pytest.mark.parametrize("better, sign", [("higher", 1.0), ("lower", -1.0)])
def test_without_a_margin_there_is_no_scale_but_the_claims_themselves(better: str, sign: float) -> None:
    # In plain numbers -0.03 would pass for more than -0.2 margins, and the thumbs for too kind.
    thumbs = reading("thumbs", -0.03, "feedback", "loss", better=better, margin=None)
    conversion = reading("conversion", -0.002, "experiment", "flat")
    assert toward(thumbs, conversion) == sign
    assert toward(conversion, thumbs) == -1.0
