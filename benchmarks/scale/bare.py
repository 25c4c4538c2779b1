"""The same moments by one query of plain DuckDB, as somebody who knows it well would write it, in a process of its own.

Per arm, segment and day (UTC): how many units; mean and variance of each metric and of the covariate; how each metric
varies with the covariate; the skewness of the skewed metric. Units that saw both arms are left out.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.scale.files import EVENTS, EXPOSURES, ORDERS, UNITS, opened
from benchmarks.scale.measured import Clock, answer

DAY = "CAST(make_timestamp(epoch_us(ts)) AS DATE)"  # a cast of the time itself asks a calendar of zones, row by row
COVARIATE = ("avg(before)", "var_pop(before)")
METRICS = {
    "converted": ("avg(converted)", "var_pop(converted)", "covar_pop(before, converted)"),
    "revenue": ("avg(revenue)", "var_pop(revenue)", "covar_pop(before, revenue)", "skewness(revenue)"),
}
FROM_EVENTS = """(
    SELECT min(variation_id) AS variation_id, arg_min(plan, ts) AS plan, min(ts) AS ts, min(before) AS before, {sums}
    FROM '{folder}/{events}' GROUP BY user_id HAVING min(variation_id) = max(variation_id)
)"""
JOINED = """(
    WITH first AS (
        SELECT user_id, min(variation_id) AS variation_id, arg_min(plan, ts) AS plan, min(ts) AS ts
        FROM '{folder}/{exposures}' GROUP BY user_id HAVING min(variation_id) = max(variation_id)
    ), bought AS (
        SELECT user_id, {after}, sum(o.revenue) FILTER (o.ts < first.ts) AS before
        FROM '{folder}/{orders}' AS o JOIN first USING (user_id)
        WHERE o.ts >= first.ts - INTERVAL 336 HOURS AND o.ts < first.ts + INTERVAL 168 HOURS
        GROUP BY user_id
    )
    SELECT variation_id, plan, ts, coalesce(before, 0) AS before, {none}
    FROM first LEFT JOIN bought USING (user_id)
)"""
FORMS = ("units", "events", "joined")


def query(folder: Path, form: str, metrics: Sequence[str]) -> str:
    """The query over one form of the files: a row per unit, events, or exposures joined with orders."""
    names = {"folder": folder, "events": EVENTS, "exposures": EXPOSURES, "orders": ORDERS}
    rows = {
        "units": f"'{folder}/{UNITS}'",
        "events": FROM_EVENTS.format(**names, sums=", ".join(f"sum({name}) AS {name}" for name in metrics)),
        "joined": JOINED.format(
            **names,
            after=", ".join(f"sum(o.{name}) FILTER (o.ts >= first.ts) AS {name}" for name in metrics),
            none=", ".join(f"coalesce({name}, 0) AS {name}" for name in metrics),
        ),
    }[form]
    wanted = ", ".join((*COVARIATE, *(sql for name in metrics for sql in METRICS[name])))
    return f"SELECT variation_id, plan, {DAY} AS day, count(*), {wanted} FROM {rows} GROUP BY ALL"


def moments(found: Sequence[tuple[Any, ...]], metrics: Sequence[str]) -> dict[str, list[list[Any]]]:
    """Metric -> its cells: arm, segment, day, n, mean, M2, covariate's mean, its M2, comoment, third moment or None."""
    cells: dict[str, list[list[Any]]] = {name: [] for name in metrics}
    for arm, plan, day, n, x_mean, x_variance, *numbers in found:
        rest = iter(numbers)
        for name in metrics:
            mean, variance, covariance, *skewness = islice(rest, len(METRICS[name]))
            third = None
            if skewness and n > 2:
                # DuckDB gives the skewness of a sample, corrected for its size; none when nothing varies.
                third = (skewness[0] or 0.0) * (n - 2) / math.sqrt(n * (n - 1)) * n * variance**1.5
            cells[name].append(
                [arm, plan, str(day), n, mean, variance * n, x_mean, x_variance * n, covariance * n, third]
            )
    return {name: sorted(some, key=lambda cell: cell[:3]) for name, some in cells.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", type=Path)
    parser.add_argument("form", choices=FORMS)
    parser.add_argument("--metrics", nargs="+", choices=METRICS, default=list(METRICS))
    parser.add_argument("--memory", required=True)
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args()
    with TemporaryDirectory() as spill, opened(Path(spill), given.memory, given.threads) as connection:
        connection.execute("SELECT 1").fetchall()
        clock = Clock()
        found = connection.execute(query(given.files, given.form, given.metrics)).fetchall()
        took = clock.stop()
    answer({**took, "cells": moments(found, given.metrics)})


if __name__ == "__main__":
    main()
