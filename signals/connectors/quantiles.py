"""Order statistics around a quantile: quantiles do not merge, so each group gives its own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from typing import Any

from signals.connectors.lines import EPOCH
from signals.connectors.units import GOOD, Clean
from signals.model import QUANTILE_STEPS, QuantileCell, Segment


def ranks(n: int, quantile: float) -> tuple[int, list[int], list[int]]:
    """The ranks (1 to n) of the quantile itself and of the order statistics below and above it.

    See ``QuantileCell``; both lists end where ranks do.
    """
    exact = n * Fraction(repr(quantile))  # as it was written: 100 * 0.07 is 7, not 7.000000000000001
    centre, spread = float(exact), math.sqrt(n * quantile * (1 - quantile))
    lows = [math.floor(centre - step * spread) for step in QUANTILE_STEPS]
    highs = [math.ceil(centre + step * spread) + 1 for step in QUANTILE_STEPS]
    return math.ceil(exact), [rank for rank in lows if rank >= 1], [rank for rank in highs if rank <= n]


def quantile_cells(view: Clean, table: str, metric: str) -> Iterator[QuantileCell]:
    """One cell per variant, and one per variant and value of each segment dimension.

    Args:
        view: The open source, at ``grain: unit``: outcomes are as they were written.
        table: Its units: v, y, us, the segments, and ``bad``.
        metric: The name of the metric.
    """
    cells = view.cells
    connection = cells.rows.connection
    columns = ", ".join(["v", "y", "us", *view.segment_columns])
    connection.execute(f"CREATE TEMP TABLE ordered AS SELECT {columns} FROM {table} WHERE bad = {GOOD}")  # noqa: S608  (our own)
    quantile = float(cells.source.options["quantile"])
    for dimension, column in ((None, "''"), *zip(view.dimensions, view.segment_columns, strict=True)):
        groups = connection.execute(
            f"SELECT v, {column}, count(*), max(us) "  # noqa: S608  (our own names)
            "FROM ordered GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        found = _values(connection, column, {group[:2]: ranks(group[2], quantile) for group in groups})
        for variant, label, n, last in groups:
            rank, lows, highs = ranks(n, quantile)
            values = found[variant, label]
            segment: Segment = () if dimension is None else ((dimension, label),)
            yield QuantileCell(
                metric, variant, segment, quantile, n, values[rank],
                tuple(values[low] for low in lows), tuple(values[high] for high in highs),
                at=EPOCH + timedelta(microseconds=last) if last is not None else None,
                counted="clusters" if cells.has("cluster") else "units",
            )  # fmt: skip


def _values(
    connection: Any, column: str, wanted: dict[tuple[str, str], tuple[int, list[int], list[int]]]
) -> dict[tuple[str, str], dict[int, float]]:
    """The outcomes at the wanted ranks of each group."""
    connection.execute("CREATE OR REPLACE TEMP TABLE wanted (v VARCHAR, label VARCHAR, r BIGINT)")
    places = [
        [variant, label, place]
        for (variant, label), (rank, lows, highs) in wanted.items()
        for place in sorted({rank, *lows, *highs})
    ]
    if places:
        connection.executemany("INSERT INTO wanted VALUES (?, ?, ?)", places)
    rows = connection.execute(
        f"""
        SELECT v, label, r, y FROM (
            SELECT v, {column} AS label, y, row_number() OVER (PARTITION BY v, {column} ORDER BY y) AS r FROM ordered
        ) SEMI JOIN wanted USING (v, label, r)
        """  # noqa: S608  (our own names)
    ).fetchall()
    found: dict[tuple[str, str], dict[int, float]] = {key: {} for key in wanted}
    for variant, label, place, value in rows:
        found[variant, label][place] = value
    return found
