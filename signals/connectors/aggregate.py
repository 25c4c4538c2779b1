"""Moments from what DuckDB computed, in a form that two reads of the same input agree on."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from signals.model import Moments, SignalsError

if TYPE_CHECKING:
    import duckdb

OUTCOME = {
    "n": "count(y)", "whole": "bool_and(y = floor(y))", "mean": "avg(y)", "variance": "var_pop(y)", "least": "min(y)",
    "most": "max(y)",
}  # fmt: skip
COVARIATE = {
    "x_whole": "bool_and(x = floor(x))", "x_mean": "avg(x)", "x_variance": "var_pop(x)", "xy": "covar_pop(x, y)",
}  # fmt: skip
DENOMINATOR = {
    "d_whole": "bool_and(d = floor(d))", "d_mean": "avg(d)", "d_variance": "var_pop(d)", "yd": "covar_pop(y, d)",
}  # fmt: skip
BOTH = {"xd": "covar_pop(x, d)"}
WHOLE = {"y": "whole", "x": "x_whole", "d": "d_whole"}

SAMPLE = 10_000
"""Rows whose mean is near enough to those of the groups, most of the time."""
MAX_OFF = 10.0
"""By how many spreads a mean may be off the number that cubes are taken around, for enough digits to be left."""


OFF_CENTRE = 0.1379108374
"""Of a step of the grid; between nothing and a half."""


@dataclass(frozen=True)
class Group:
    """One group of rows: its keys, what else was asked of it, and its numbers where it has outcomes."""

    keys: tuple[Any, ...]
    extra: tuple[Any, ...]
    moments: Moments | None
    least: float | None = None
    most: float | None = None


def groups(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    keys: Sequence[str],
    extra: Sequence[str] = (),
    *,
    covariate: bool,
    denominator: bool,
    summed: bool,
    whole: Collection[str] = (),
    file: str,
) -> list[Group]:
    """Moments of the rows that have an outcome, by group.

    Means and centred second moments come from DuckDB's one-pass updates (Welford, merged as Chan et al. do): sums of
    squares would lose all digits when the mean is large. Its skewness is made of raw sums of cubes: ours are taken
    around the mean of the first rows. Only where that is far from a group's mean are the rows looked at again.

    Args:
        connection: The open source.
        rows: SQL of the rows, with the columns y (NULL does not count), x and d, and the keys.
        keys: Columns to group by.
        extra: Aggregates that are wanted besides.
        covariate: Whether there is an x.
        denominator: Whether there is a d.
        summed: Whether y was added up in SQL, so that its last bits depend on the order of rows.
        whole: Which of y, x and d can only be whole numbers.
        file: For messages.

    Raises:
        SignalsError: When the numbers are too large for their squares.
    """
    wanted = OUTCOME | (COVARIATE if covariate else {}) | (DENOMINATOR if denominator else {})
    wanted |= BOTH if covariate and denominator else {}
    wanted |= {name: "true" for column, name in WHOLE.items() if column in whole and name in wanted}
    centre = _centre(connection, rows)
    if centre is not None:
        wanted = wanted | _cubed(f"(y - ({centre!r}))")
    by, asked = ", ".join(keys), "".join(f", {sql} AS e{number}" for number, sql in enumerate(extra))
    numbers = ", ".join(f"{sql} AS a_{name}" for name, sql in wanted.items())
    query = f"SELECT {by}{asked}, {numbers} FROM ({rows}) GROUP BY {by}"  # noqa: S608  (our own names)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE sums AS {query}")
    found = connection.execute(f"SELECT * FROM sums ORDER BY {by}").fetchall()  # noqa: S608  (our own names)
    first, width = len(keys), len(keys) + len(extra)
    named = [dict(zip(wanted, row[width:], strict=True)) for row in found]
    cubes: dict[tuple[Any, ...], tuple[float, float]] = {}
    far = False
    for row, values in zip(found, named, strict=True):
        around = values.pop("off", None), values.pop("cubes", None)
        values["zero_one"] = bool(values["n"] and values["whole"] and values["least"] >= 0 and values["most"] <= 1)
        if not values["n"] or values["zero_one"]:
            continue
        if not values["variance"]:
            cubes[row[:first]] = (0.0, 0.0)
        elif centre is not None and abs(values["mean"] - centre) <= MAX_OFF * math.sqrt(values["variance"]):
            cubes[row[:first]] = around
        else:
            far = True
    if far:
        cubes = _cubes(connection, rows, keys)
    made = []
    for row, values in zip(found, named, strict=True):
        group = Group(row[:first], row[first:width], None)
        if values["n"]:
            moments = moments_of(values, cubes.get(group.keys), covariate=covariate, denominator=denominator, file=file)
            ends = [values["least"], values["most"]]
            if summed and not values["whole"]:
                ends = [snap(end, math.sqrt(values["variance"])) for end in ends]
            group = replace(group, moments=moments, least=ends[0], most=ends[1])
        made.append(group)
    return made


def _centre(connection: duckdb.DuckDBPyConnection, rows: str) -> float | None:
    """The mean of the first outcomes; None when all of them are 0 or 1, whose third moment follows from their mean."""
    found = connection.execute(
        "SELECT avg(y), coalesce(bool_and(y = 0 OR y = 1), true) "  # noqa: S608  (our own)
        f"FROM (SELECT y FROM ({rows}) WHERE y IS NOT NULL LIMIT {SAMPLE})"
    ).fetchone()
    return None if found is None or found[1] or not math.isfinite(found[0]) else float(found[0])


def _cubed(off: str) -> dict[str, str]:
    """Aggregates of an expression: its sum, and the sum of its cubes."""
    return {"off": f"sum({off})", "cubes": f"sum({off} * {off} * {off})"}


def _cubes(
    connection: duckdb.DuckDBPyConnection, rows: str, keys: Sequence[str]
) -> dict[tuple[Any, ...], tuple[float, float]]:
    """Sums of deviations and of their cubes around the mean that DuckDB gave, by group."""
    same = " AND ".join(f"rows_of.{key} IS NOT DISTINCT FROM sums.{key}" for key in keys)
    by = ", ".join(f"sums.{key}" for key in keys)
    sums = ", ".join(_cubed("(y - a_mean)").values())
    found = connection.execute(
        f"SELECT {by}, {sums} FROM ({rows}) AS rows_of JOIN sums ON {same} "  # noqa: S608  (our own)
        f"WHERE NOT (a_whole AND a_least >= 0 AND a_most <= 1) AND y IS NOT NULL GROUP BY {by}"
    ).fetchall()
    return {row[:-2]: (row[-2], row[-1]) for row in found}


def moments_of(
    values: Mapping[str, Any], cubes: tuple[float, float] | None, *, covariate: bool, denominator: bool, file: str
) -> Moments:
    """One group's aggregates as ``Moments``.

    Zero-one outcomes and the means of whole numbers are exact. Other numbers are rounded at 1e-10 of their spread:
    DuckDB adds in the order in which its threads finish, and the last bits would differ from read to read.
    """
    n, mean, variance = int(values["n"]), values["mean"], values["variance"]
    if not all(math.isfinite(value) for name, value in values.items() if name not in ("least", "most")):
        raise SignalsError("values are too large to square", "Look for a broken row", file=file)
    if values["zero_one"]:
        found = from_counts(n, round(mean * n))
    else:
        third = _third(n, variance, *cubes) if cubes else None
        found = Moments(n, _mean(mean, variance, values["whole"]), _second(variance * n), m3=third)
    more: dict[str, float] = {}
    if covariate:
        x_mean, x_variance = values["x_mean"], values["x_variance"]
        more |= {"x_mean": _mean(x_mean, x_variance, values["x_whole"]), "x_m2": _second(x_variance * n)}
        more["xy"] = snap(values["xy"] * n, n * math.sqrt(x_variance * variance))
    if denominator:
        d_mean, d_variance = values["d_mean"], values["d_variance"]
        more |= {"d_mean": _mean(d_mean, d_variance, values["d_whole"]), "d_m2": _second(d_variance * n)}
        more["yd"] = snap(values["yd"] * n, n * math.sqrt(d_variance * variance))
    if covariate and denominator:
        more["xd"] = snap(values["xd"] * n, n * math.sqrt(values["x_variance"] * values["d_variance"]))
    return replace(found, **more)  # type: ignore[arg-type] # `more` holds no n


def from_counts(n: int, positives: int) -> Moments:
    """Exact moments of n zero-one outcomes."""
    if not n:
        return Moments(0, 0.0, 0.0)
    negatives = n - positives
    m3 = positives * negatives * (negatives - positives) / (n * n)
    return Moments(n, positives / n, positives * negatives / n, m3=m3)


def merge(first: Moments, second: Moments) -> Moments:
    """The moments of two disjoint groups of units, outcome only (Chan, Golub and LeVeque 1983; Pébay 2008)."""
    n = first.n + second.n
    if not n or not second.n:
        return first
    if not first.n:
        return second
    shift = second.mean - first.mean
    m3 = None
    if first.m3 is not None and second.m3 is not None:
        left, right = -shift * second.n / n, shift * first.n / n  # from the common mean to each of the two
        m3 = math.fsum(
            part.m3 + 3 * off * part.m2 + part.n * off * off * off  # type: ignore[operator] # neither is None here
            for part, off in ((first, left), (second, right))
        )
    return Moments(
        n,
        first.mean + shift * second.n / n,
        first.m2 + second.m2 + shift * shift * first.n * second.n / n,
        m3=m3,
    )


def _mean(mean: float, variance: float, whole: float) -> float:
    """Sums of whole numbers do not depend on their order."""
    if whole and abs(mean) < 2**40:
        return mean
    return snap(mean, math.sqrt(max(variance, 0.0)))


def _second(m2: float) -> float:
    return max(snap(m2, m2), 0.0)


def _third(n: int, variance: float, off: float, cubes: float) -> float | None:
    """The third moment, with what the mean was off by taken out; None when cubes leave the floats."""
    shift = off / n
    third = cubes - 3 * shift * variance * n - n * shift * shift * shift
    return snap(third, n * variance * math.sqrt(variance)) if math.isfinite(third) else None


def snap(value: float, scale: float) -> float:
    """The value on a grid of 1e-10 of the scale; to 14 digits when the scale is nothing.

    Sums of money lie half way between two points more often than chance would have it, and there their last bits
    decide. So the way is divided elsewhere: at a place that sums of numbers with few digits do not come to.
    """
    if scale <= 0 or not math.isfinite(scale):
        return float(f"{value:.14g}")
    digits = 10 - math.floor(math.log10(scale))
    return round(value + OFF_CENTRE * 10.0**-digits, digits) + 0.0
