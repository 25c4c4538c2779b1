"""The rows of the grouped query as cells of moments, and as counts of what was set aside."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from signals.connectors.aggregate import moments_of, snap
from signals.connectors.base import Tally
from signals.connectors.grouping import DIFFERS as TWO_COVARIATES
from signals.connectors.grouping import TWO_CLUSTERS
from signals.connectors.warehouse.query import CROSSED, DIFFERS, GOOD, OPEN, STRAY, Query
from signals.model import BOTH_ARMS, INCOMPLETE, OutcomeCell

MAX_SKEW_RATIO, FEW = 2000.0, 30
"""A third moment is made of a sum of cubes in one pass: this many spreads away from 0 three digits of it are left."""


def cells(
    found: Sequence[Mapping[str, Any]], query: Query, metric: str, tally: Tally, place: str
) -> Iterator[OutcomeCell]:
    """One cell per variant, segment and first day; the tally learns of every other row.

    Args:
        found: The rows of ``query.table``.
        query: What they mean.
        metric: The name of the metric.
        tally: Counts rows of the exposures; a crossed or open unit is counted in each arm that it was in.
        place: For messages.
    """
    lasts = [row["last"] for row in found if row.get("last") is not None and row["bad"] == GOOD]
    newest = max(lasts).date() if lasts else None
    # The order in which groups come back is the engine's own.
    for row in sorted(found, key=lambda one: [str(one.get(key) or "") for key in ("bad", "v", "w", *_keys(query))]):
        rows, variant = int(row["rows"]), row["v"]
        tally.rows_read += rows
        if row["bad"] != GOOD:
            _set_aside(row, query, tally)
            continue
        if variant is None:  # it was not there a moment ago, when variants were looked up
            tally.set_aside("variant is new: it came while the exposures were read", None, rows, fault=False)
            continue
        tally.rows_kept += rows
        for column, why in query.lost:
            # Rows of another table: they are told, but are no rows of the exposures.
            tally.set_aside(why, variant, int(row[column] or 0))
        day: date | None = newest if query.clustered else row.get("day")
        segment = tuple(zip(query.dimensions, (row[name] for name in _labels(query)), strict=True))
        values = _values(row, query)
        least, most = row["least"], row["most"]
        if query.summed and not query.whole["y"]:  # the last bits of sums hang on the order of their rows
            least, most = (snap(end, math.sqrt(max(row["variance"], 0.0))) for end in (least, most))
        yield OutcomeCell(
            metric, variant, segment, day,
            moments_of(
                values, _cubes(row), covariate="x_mean" in row, denominator="d_mean" in row, file=place
            ),
            least, most, counted="clusters" if query.clustered else "units",
            members=int(row["members"]) if query.clustered else None,
        )  # fmt: skip


def _labels(query: Query) -> list[str]:
    return [f"s{number}" for number in range(len(query.dimensions))]


def _keys(query: Query) -> list[str]:
    return [*_labels(query), "day"]


def _set_aside(row: Mapping[str, Any], query: Query, tally: Tally) -> None:
    code, rows = row["bad"], int(row["rows"])
    if code > GOOD:
        tally.set_aside(query.faults[code - 1].why, row["v"], rows)
        return
    # Of clusters a unit that cannot count is in none: such units are counted by themselves.
    units = int(row["members" if query.clustered and code != CROSSED else "units"])
    why = {CROSSED: BOTH_ARMS, OPEN: INCOMPLETE, STRAY: TWO_CLUSTERS, DIFFERS: TWO_COVARIATES}[code]
    fault = code != OPEN
    if row["w"] in (None, row["v"]):
        tally.set_aside(why, row["v"], rows, fault=fault, units=units)
        return
    # Of two arms the split is known. Of more, each that is named has at least one row of every unit.
    low = min(max(int(row["low_rows"]), units), rows - units) if rows >= 2 * units else rows - units
    tally.set_aside(why, row["v"], max(low, 1), fault=fault, units=units)
    tally.set_aside(why, row["w"], max(rows - low, 1), fault=fault, units=units)


def _values(row: Mapping[str, Any], query: Query) -> dict[str, Any]:
    zero_one = row["least"] >= 0 and row["most"] <= 1 if query.whole["y"] else row["zero_one"]
    values: dict[str, Any] = {
        "n": row["units"], "zero_one": zero_one, "whole": query.whole["y"], "mean": row["mean"],
        "variance": row["variance"], "least": row["least"], "most": row["most"],
    }  # fmt: skip
    for name in ("x", "d"):
        if f"{name}_mean" in row:
            values |= {f"{name}_{part}": row[f"{name}_{part}"] for part in ("mean", "variance")}
            values[f"{name}_whole"] = query.whole.get(name, True)  # the number of units in a cluster is whole
    return values | {name: row[name] for name in ("xy", "yd", "xd") if name in row}


def _cubes(row: Mapping[str, Any]) -> tuple[float, float] | None:
    """What the mean is off by (nothing), and the sum of cubed deviations from it; None without enough digits."""
    n, mean, variance = int(row["units"]), row["mean"], row["variance"]
    if row["least"] == row["most"]:
        return 0.0, 0.0
    if abs(mean) > MAX_SKEW_RATIO * math.sqrt(max(variance, 0.0)):
        # A few units that nearly agree have next to none, beside what their cell's mean adds when cells are merged.
        return (0.0, 0.0) if n < FEW else None
    third = row["cubes"] - 3 * mean * n * variance - n * mean * mean * mean
    # Cubes are added in any order: what hangs on their last digits would differ from pull to pull.
    return (0.0, snap(third, 1e-3 * n * abs(mean) ** 3)) if math.isfinite(third) else None
