"""What a router said of requests, and what became of them: counted by route and tenth of the forecast."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta

from signals.connectors.aggregate import snap
from signals.connectors.cells import Cells
from signals.connectors.lines import EMPTY_SEGMENT, EPOCH
from signals.connectors.shapes import Shape, metric_name
from signals.connectors.units import GOOD, UNKNOWN, Clean, Fault, number_columns
from signals.model import Problem, RoutedCell, Source
from signals.strictyaml import Document, Loc

ROUTED = ("predicted", "assigned")


def check_routes(source: Source, shape: Shape, document: Document, loc: Loc) -> list[Problem]:
    """What is wrong with `empty:`, map.predicted and map.assigned: each is of a request, so a row has to be one."""
    if shape.name != "outcome":
        return []
    named = [f"map.{field}" for field in ROUTED if field in source.map]
    wanting = [*named, *(["`empty: unknown`"] if source.options.get("empty") else [])]
    places = {
        "map.predicted": ("map", "predicted"),
        "map.assigned": ("map", "assigned"),
        "`empty: unknown`": ("empty",),
    }
    problems = []
    for what in wanting:
        place = (*loc, *places[what])
        if source.options.get("grain") != "unit":
            why = f"{what} needs `grain: unit`: it is of one request, and rows of a unit would be summed"
            problems.append(document.problem(place, why, "Give one row per request and add `grain: unit`", key=True))
        if "cluster" in source.map:
            why = f"{what} and map.cluster do not go together: the units of a cluster are summed"
            problems.append(document.problem(place, why, "Leave one of them out", key=True))
    return problems


def forecast_columns(cells: Cells) -> dict[str, str]:
    """The columns that ``forecast_faults`` and ``routed_cells`` look at."""
    return number_columns(cells, "predicted", "p") if cells.has("predicted") else {}


def forecast_faults(cells: Cells) -> list[Fault]:
    """A forecast may be missing, but not be something else than a probability; its outcome then is one as well."""
    if not cells.has("predicted"):
        return []
    return [
        Fault("predicted is not a number", "p IS NULL AND NOT p_none", "predicted"),
        Fault("predicted is not between 0 and 1", "NOT (isfinite(p) AND p BETWEEN 0 AND 1)", "predicted"),
        Fault(
            "value is not between 0 and 1, and predicted is the probability of a 1", "NOT y BETWEEN 0 AND 1", "value"
        ),
    ]


def routed_cells(view: Clean) -> Iterator[RoutedCell]:
    """One cell per variant, route and tenth of the forecast; requests without a forecast are a tenth of their own."""
    cells = view.cells
    p = "p" if cells.has("predicted") else "CAST(NULL AS DOUBLE)"
    route = f"coalesce(t_assigned, '{EMPTY_SEGMENT}')" if cells.has("assigned") else "''"
    rows = cells.rows.connection.execute(
        f"""
        SELECT v, route, tenth, count(*), count(y), avg(y), avg(q), var_pop(q - y),
            avg(q * (1 - q)), avg((y - q) * (1 - 2 * q)), avg(q * (1 - q) * (1 - 2 * q) * (1 - 2 * q)), max(us)
        FROM (
            SELECT v, {route} AS route,
                CASE WHEN {p} IS NULL THEN -1 ELSE CAST(least(floor({p} * 10), 9) AS INTEGER) END AS tenth,
                CASE WHEN bad = {GOOD} THEN y END AS y, CASE WHEN bad = {GOOD} THEN {p} END AS q, us
            FROM clean WHERE bad IN ({GOOD}, {UNKNOWN})
        ) GROUP BY v, route, tenth ORDER BY v, route, tenth
        """  # noqa: S608  (our own names)
    ).fetchall()
    for variant, where, tenth, n, known, realised, predicted, spread, chance, score, score_spread, last in rows:
        yield RoutedCell(
            metric_name(cells.source), variant, where, tenth, n, known, _mean(realised), _mean(predicted),
            spread=_sum(spread, known), chance=_sum(chance, known), score=_sum(score, known),
            score_spread=_sum(score_spread, known),
            at=EPOCH + timedelta(microseconds=last) if last is not None else None,
        )  # fmt: skip


# The order in which threads add up changes the last bits of a sum: they are cut off.


def _mean(value: float | None) -> float:
    return 0.0 if value is None else snap(value, 1.0)


def _sum(mean: float | None, n: int) -> float:
    return 0.0 if mean is None else snap(mean * n, max(1.0, math.sqrt(n)))
