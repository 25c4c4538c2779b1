from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from reading_kit import evidence, measured, signal

from signals.model import QUANTILE_STEPS, Metric, OutcomeCell, QuantileCell
from signals.readings import measure
from signals.stats.moments import from_arrays
from signals.stats.quantile import ladder, quantile_difference

P90 = Metric("latency", "quantile", 0.9)


def quantile_cell(variant: str, values: Any, q: float = 0.9, **fields: Any) -> QuantileCell:
    ordered, n = np.sort(values), len(values)
    spread = math.sqrt(n * q * (1 - q))
    lows = [math.floor(n * q - step * spread) for step in QUANTILE_STEPS]
    highs = [math.ceil(n * q + step * spread) + 1 for step in QUANTILE_STEPS]
    return QuantileCell(
        "", variant, fields.pop("segment", ()), q, n, float(ordered[math.ceil(n * q) - 1]),
        tuple(float(ordered[r - 1]) for r in lows if r >= 1),
        tuple(float(ordered[r - 1]) for r in highs if r <= n), **fields,
    )  # fmt: skip


def latencies(n: int = 3000, factor: float = 1.2) -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    return rng.lognormal(0, 1, n), factor * rng.lognormal(0, 1, n)


def moment_cells(old: Any, new: Any) -> tuple[OutcomeCell, ...]:
    return tuple(OutcomeCell("", name, (), None, from_arrays(values)) for name, values in (("old", old), ("new", new)))


def test_difference_of_quantiles_with_the_checks_of_the_cells() -> None:
    old, new = latencies()
    cells = quantile_cell("old", old), quantile_cell("new", new)
    numbers = measure(signal("experiment", metric=P90), evidence(outcomes=moment_cells(old, new), quantiles=cells))
    raw, want = numbers.estimates["raw"], quantile_difference(ladder(cells[1]), ladder(cells[0]), 0.95)
    assert (raw.low, raw.high, raw.p_value) == (want.low, want.high, want.p_value)
    assert (raw.control, raw.n_control, raw.warnings) == (cells[0].value, 3000, ())
    assert (measured(numbers, "min_units"), measured(numbers, "sample_ratio_p")) == (3000, 1.0)
    assert raw.relative is None
    assert "90 % quantiles" in raw.method


@pytest.mark.parametrize(
    "cells, why",
    [
        ((), "the source gave no quantiles: set `quantile:` and `grain: unit` on the source"),
        ((quantile_cell("old", range(500), 0.5), quantile_cell("new", range(500), 0.5)), "the source gives the 50 %"),
        (
            (
                quantile_cell("old", range(500), counted="clusters"),
                quantile_cell("new", range(500), counted="clusters"),
            ),
            "clusters were randomised",
        ),
        (
            (quantile_cell("old", range(500)), quantile_cell("old", range(500)), quantile_cell("new", range(500))),
            "two sources",
        ),
        ((quantile_cell("old", range(20)), quantile_cell("new", range(20))), "too few above its 90 % quantile"),
    ],
)
def test_refusals(cells: tuple[QuantileCell, ...], why: str) -> None:
    outcomes = moment_cells(np.arange(500.0), np.arange(500.0))
    raw = measure(signal("experiment", metric=P90), evidence(outcomes=outcomes, quantiles=cells)).estimates["raw"]
    assert (raw.low, why in str(raw.refused)) == (None, True)


def test_few_units_beyond_the_quantile_warn() -> None:
    old, new = latencies(200)
    cells = quantile_cell("old", old), quantile_cell("new", new)
    raw = measure(signal("experiment", metric=P90), evidence(quantiles=cells)).estimates["raw"]
    assert raw.warnings == ("few units lie beyond the quantile (20 in an arm): the interval may be wider than needed",)


def test_any_time_interval_holds_both_arms_at_once() -> None:
    old, new = latencies(3000, 1.6)
    cells = quantile_cell("old", old), quantile_cell("new", new)
    once, always = (
        measure(signal("experiment", metric=P90, looks=looks), evidence(quantiles=cells)).estimates["raw"]
        for looks in ("fixed", "continuous")
    )
    assert always.low < once.low < once.high < always.high  # type: ignore[operator]
    assert (always.p_value < 0.05) == (always.low > 0)  # type: ignore[operator]
    assert once.p_value < always.p_value  # type: ignore[operator]
    few = quantile_cell("old", old[:300]), quantile_cell("new", new[:300])
    early = measure(signal("experiment", metric=P90, looks="continuous"), evidence(quantiles=few)).estimates["raw"]
    assert early.refused == "an arm has 30 units beyond the quantile; the always-valid interval needs 50"


def test_planned_looks_need_quantiles_that_end_there() -> None:
    old, new = latencies(3000)
    dates = (date(2026, 11, 9), date(2026, 11, 16))
    s = signal("experiment", metric=P90, looks=dates)
    outcomes = tuple(
        OutcomeCell("", name, (), date(2026, 11, day), from_arrays(values))
        for name, values in (("old", old), ("new", new))
        for day in (2, 12)
    )
    for day, refused in ((8, False), (12, True)):
        at = datetime(2026, 11, day, 20, tzinfo=UTC)
        cells = quantile_cell("old", old, at=at), quantile_cell("new", new, at=at)
        raw = measure(s, evidence(outcomes=outcomes, quantiles=cells)).estimates["raw"]
        assert ("cannot be taken back to the planned look" in str(raw.refused)) == refused


def test_segments_come_from_their_own_quantiles() -> None:
    old, new = latencies(2000)
    whole = [quantile_cell("old", old), quantile_cell("new", new)]
    parts = [
        quantile_cell(name, values[place::3], segment=((dimension, value),))
        for name, values in (("old", old), ("new", new))
        for place, (dimension, value) in enumerate((("plan", "free"), ("plan", "pro"), ("locale", "de")))
    ]
    s = signal("experiment", metric=P90, segments=("plan", "locale"))
    numbers = measure(s, evidence(outcomes=moment_cells(old, new), quantiles=tuple(whole + parts)))
    assert [one.name for one in numbers.segments] == ["plan=free", "plan=pro", "locale=de"]
    free = numbers.segments[0]
    want = quantile_difference(ladder(parts[3]), ladder(parts[0]), 0.95)
    joint = quantile_difference(ladder(parts[3]), ladder(parts[0]), 1 - 0.05 / 3)
    assert (free.low, free.high) == (want.low, want.high)
    assert (free.adjusted_low, free.adjusted_high) == pytest.approx((joint.low, joint.high))
    assert [round(one.share, 2) for one in numbers.segments] == [0.5, 0.5, 1.0]
    assert measured(numbers, "heterogeneity_p") is not None
